// Package features keeps vision features in a file, so that several runs over the same pictures compute them once.
//
// The file is a header line and records: key [32]byte, number of values uint32, values [n]float32, CRC-32C uint32 of all of
// that; integers and floats are little-endian. It serves one set of runs and one process at a time; the caller has a lock.
package features

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
)

// A Key identifies a view and what sees it.
type Key = [sha256.Size]byte

const (
	magic = "llavabench features 1 "
	// head and tail of a record: key and length, and checksum.
	head, tail = sha256.Size + 4, 4
	// maxValues bounds the length of a record, far above the features of any view.
	maxValues = 1 << 26
)

var table = crc32.MakeTable(crc32.Castagnoli)

// A place is where a record's values are.
type place struct {
	at int64 // of the record
	n  int   // values
}

// A Store is an open file. What comes first is kept: runs go through the same pictures in the same order, so that nothing else
// would be found again before it was displaced.
type Store struct {
	f     *os.File
	index map[Key]place
	end   int64
	limit int64
	buf   []byte
	err   error
	hits  int
}

// Open opens or makes the file for at most limit bytes. made names the code that computes features: those of other code are
// discarded, and so is everything from the first damaged record on.
func Open(path, made string, limit int64) (*Store, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	s := &Store{f: f, index: map[Key]place{}, limit: limit}
	if err := s.load(fmt.Sprintf("%s%q\n", magic, made)); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return s, nil
}

// load indexes the records that check.
func (s *Store) load(header string) error {
	in := bufio.NewReaderSize(s.f, 1<<20)
	found := make([]byte, len(header))
	if _, err := io.ReadFull(in, found); err != nil || string(found) != header {
		if err := s.f.Truncate(0); err != nil {
			return err
		}
		_, err := s.f.WriteAt([]byte(header), 0)
		s.end = int64(len(header))
		return err
	}
	info, err := s.f.Stat()
	if err != nil {
		return err
	}
	s.end = int64(len(header))
	for {
		start := make([]byte, head)
		if _, err := io.ReadFull(in, start); err != nil {
			break
		}
		n := binary.LittleEndian.Uint32(start[sha256.Size:])
		if n > maxValues || s.end+record(int(n)) > info.Size() {
			break
		}
		sum := crc32.New(table)
		sum.Write(start)
		if _, err := io.CopyN(sum, in, 4*int64(n)); err != nil {
			break
		}
		var check [tail]byte
		if _, err := io.ReadFull(in, check[:]); err != nil || binary.LittleEndian.Uint32(check[:]) != sum.Sum32() {
			break
		}
		s.index[Key(start[:sha256.Size])] = place{s.end, int(n)}
		s.end += record(int(n))
	}
	return s.f.Truncate(s.end)
}

// record is the size of a record of n values.
func record(n int) int64 { return head + 4*int64(n) + tail }

// Get fills features with those of key and reports whether they are there, as many, and undamaged.
func (s *Store) Get(key Key, features []float32) bool {
	p, ok := s.index[key]
	if !ok || p.n != len(features) {
		return false
	}
	b := s.room(p.n)
	if _, err := s.f.ReadAt(b, p.at); err != nil {
		s.fail(err)
		return false
	}
	body := b[:len(b)-tail]
	if Key(b[:sha256.Size]) != key || crc32.Checksum(body, table) != binary.LittleEndian.Uint32(b[len(body):]) {
		delete(s.index, key) // and computed from now on
		return false
	}
	for i := range features {
		features[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[head+4*i:]))
	}
	s.hits++
	return true
}

// Put keeps features under key, unless there are some or no room is left. An error of the disk ends the keeping, not the run.
func (s *Store) Put(key Key, features []float32) {
	size := record(len(features))
	if _, ok := s.index[key]; ok || s.err != nil || len(features) > maxValues || s.end+size > s.limit {
		return
	}
	b := s.room(len(features))
	copy(b, key[:])
	binary.LittleEndian.PutUint32(b[sha256.Size:], uint32(len(features)))
	for i, v := range features {
		binary.LittleEndian.PutUint32(b[head+4*i:], math.Float32bits(v))
	}
	body := b[:len(b)-tail]
	binary.LittleEndian.PutUint32(b[len(body):], crc32.Checksum(body, table))
	if _, err := s.f.WriteAt(b, s.end); err != nil {
		s.fail(err)
		return
	}
	s.index[key] = place{s.end, len(features)}
	s.end += size
}

// room is a buffer for a record of n values.
func (s *Store) room(n int) []byte {
	if size := int(record(n)); size > cap(s.buf) {
		s.buf = make([]byte, size)
	}
	return s.buf[:record(n)]
}

// fail keeps the first error.
func (s *Store) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Kept is how many views are kept and how often one was found again since Open.
func (s *Store) Kept() (views, hits int) { return len(s.index), s.hits }

// Err is the error for which nothing more is kept; nil for none.
func (s *Store) Err() error { return s.err }

// Close closes the file.
func (s *Store) Close() error { return s.f.Close() }
