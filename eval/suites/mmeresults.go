package suites

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"llavabench/eval/score"
)

// MMEText is the layout of the official tool's results: SUBTASK.txt with lines of image, question, truth and answer.
const MMEText Format = "mme results"

// readMMEResults reads results in the layout of the official tool, a folder or a zip file as 'score --upload' writes it.
func readMMEResults(file string) (*Answers, bool, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, false, err
	}
	if st.IsDir() {
		a, err := mmeResultFiles(file, os.DirFS(file))
		return a, true, err
	}
	z, err := zip.OpenReader(file)
	if errors.Is(err, zip.ErrFormat) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", file, err)
	}
	defer z.Close()
	if _, err := fs.Stat(z, "xl/workbook.xml"); err == nil {
		return nil, false, nil // a table
	}
	a, err := mmeResultFiles(file, z)
	return a, true, err
}

// mmeResultFiles reads the subtasks in upstream's order.
func mmeResultFiles(file string, files fs.FS) (*Answers, error) {
	a := &Answers{File: file, Format: MMEText}
	for _, category := range append(append([]string{}, mmePerception...), mmeCognition...) {
		name := category + ".txt"
		f, err := files.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		raw, err := readAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, name, err)
		}
		for i, line := range splitLines(raw) {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			fields := strings.SplitN(strings.TrimSuffix(string(line), "\r"), "\t", 4)
			if len(fields) != 4 {
				return nil, fmt.Errorf("%s: %s: line %d: expected image, question, truth and answer with tabs between, found %d fields", file, name, i+1, len(fields))
			}
			a.List = append(a.List, Answer{ID: category + "/" + path.Base(fields[0]), Prompt: score.Strip(fields[1]), Text: fields[3], Line: i + 1,
				Record: Record{Format: MMEText}})
		}
	}
	if len(a.List) == 0 {
		return nil, fmt.Errorf("%s: no results of MME (existence.txt, count.txt, ...)", file)
	}
	return a, nil
}
