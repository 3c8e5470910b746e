package checkpoint

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"runtime"
	"runtime/debug"
)

// A mapped file is a file's bytes, read-only: the mapping itself where the system has one, else a copy in memory.
type mapped struct {
	path string
	data []byte
}

// openRegular opens a regular file and nothing else: a directory, FIFO, socket or device is an error at once, without a
// read that might block.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, 0, errf(ErrNotFound, "%s: no such file", path)
		}
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errf(ErrFormat, "%s is a %s, expected a regular file", path, kind(info.Mode()))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = errf(ErrFormat, "%s is a %s, expected a regular file", path, kind(info.Mode()))
	}
	if err == nil && info.Size() > math.MaxInt {
		err = errf(ErrTooLarge, "%s has %d bytes, more than this platform can address", path, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "directory"
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// mapFile maps a regular file.
func mapFile(path string) (*mapped, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := &mapped{path: path}
	if size == 0 {
		return m, nil
	}
	if m.data, err = mapBytes(f, int(size)); err != nil {
		return nil, &fs.PathError{Op: "map", Path: path, Err: err}
	}
	return m, nil
}

// Close releases the bytes.
func (m *mapped) Close() error {
	data := m.data
	m.data = nil
	if data == nil {
		return nil
	}
	return unmapBytes(data)
}

// CatchFault runs fn and turns a memory fault into an error of class ErrTruncated. A mapped file that another process
// truncates faults when it is next read; without this the fault ends the program. It holds for the calling goroutine
// only, not for goroutines that fn starts.
func CatchFault(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
		case interface {
			runtime.Error
			Addr() uintptr
		}:
			err = errf(ErrTruncated, "memory fault while reading a mapped file: it has shrunk, or its disk failed")
		default:
			panic(r)
		}
	}()
	return fn()
}

// readSmall reads a whole file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, errf(ErrTooLarge, "%s has %d bytes, expected at most %d", path, size, limit)
	}
	return readFull(f, int(size))
}

// readFull reads size bytes from the start of f.
func readFull(f *os.File, size int) ([]byte, error) {
	data := make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if n < size {
		return nil, errf(ErrTruncated, "%s: read %d of %d bytes: %v", f.Name(), n, size, err)
	}
	return data, nil
}
