// Package judge has a language model grade free-form answers, as LLaVA-Bench and MM-Vet do, and writes the files that their
// scorers read. Every exchange is recorded, and the record is a cache: nothing is paid for twice.
package judge

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"llavabench/internal/openai"
)

// An Exchange is one question to the judge with its reply.
type Exchange struct {
	Key      string          `json:"key"` // SHA-256 of the run's number and the request
	ID       string          `json:"question_id"`
	Run      int             `json:"run"` // from 1
	Request  json.RawMessage `json:"request"`
	Content  string          `json:"content"`
	Finish   string          `json:"finish_reason"`
	Attempts int             `json:"attempts"`
	Time     time.Time       `json:"time"`
}

// An Asker is a judge: an openai.Client, or a test's.
type Asker interface {
	Chat(context.Context, openai.Request) (openai.Reply, error)
}

// A Log is the record of all exchanges with a judge, one JSON object per line, flushed as it is made.
type Log struct {
	file  *os.File
	known map[string]string // content by key
	// Asked and Reused count the exchanges of this process.
	Asked, Reused int
}

// maxRecord bounds a line of a record.
const maxRecord = 16 << 20

// OpenLog opens the record at path, or starts one. A last line that a crash cut off is dropped.
func OpenLog(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	l := &Log{file: f, known: map[string]string{}}
	whole, err := l.read()
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return l, nil
}

func (l *Log) read() (whole int64, err error) {
	sc := bufio.NewScanner(l.file)
	sc.Buffer(make([]byte, 1<<16), maxRecord)
	sc.Split(func(data []byte, atEOF bool) (int, []byte, error) { // complete lines only, with their end
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			return i + 1, data[:i+1], nil
		}
		if atEOF {
			return len(data), nil, nil
		}
		return 0, nil, nil
	})
	for n := 1; sc.Scan(); n++ {
		var e Exchange
		if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
			return 0, fmt.Errorf("line %d: %w", n, err)
		}
		if e.Key == "" {
			return 0, fmt.Errorf("line %d: no key: this is not a record of a judge", n)
		}
		l.known[e.Key] = e.Content
		whole += int64(len(sc.Bytes()))
	}
	return whole, sc.Err()
}

// Ask gives the judge's reply to a request in a run: the recorded one where there is one.
func (l *Log) Ask(ctx context.Context, judge Asker, id string, run int, r openai.Request) (string, error) {
	body, err := r.Body()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(fmt.Sprintf("%d\n", run)), body...))
	key := hex.EncodeToString(sum[:])
	if content, ok := l.known[key]; ok {
		l.Reused++
		return content, nil
	}
	reply, err := judge.Chat(ctx, r)
	if err != nil {
		return "", fmt.Errorf("question %q: %w", id, err)
	}
	line, err := json.Marshal(Exchange{Key: key, ID: id, Run: run, Request: body, Content: reply.Text, Finish: reply.Finish, Attempts: reply.Attempts, Time: time.Now().UTC()})
	if err != nil {
		return "", err
	}
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return "", err
	}
	l.known[key] = reply.Text
	l.Asked++
	return reply.Text, nil
}

// Close closes the record.
func (l *Log) Close() error { return l.file.Close() }
