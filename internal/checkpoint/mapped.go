package checkpoint

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"
)

// A mapped file is a file's bytes, read-only: the mapping itself where the system has one, else a copy in memory.
type mapped struct {
	path string
	info fs.FileInfo // when it was mapped
	data []byte
}

// mappings are the mapped files of this process, so that the address of a fault can be told as the name of a file. The
// address space is the process's, and so is its map.
var mappings struct {
	sync.Mutex
	all map[*mapped]struct{}
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
	if m.info, err = f.Stat(); err != nil {
		return nil, err
	}
	if size == 0 {
		return m, nil
	}
	if m.data, err = mapBytes(f, int(size)); err != nil {
		return nil, &fs.PathError{Op: "map", Path: path, Err: err}
	}
	mappings.Lock()
	defer mappings.Unlock()
	if mappings.all == nil {
		mappings.all = map[*mapped]struct{}{}
	}
	mappings.all[m] = struct{}{}
	return m, nil
}

// Close releases the bytes.
func (m *mapped) Close() error {
	data := m.data
	m.data = nil
	if data == nil {
		return nil
	}
	mappings.Lock()
	delete(mappings.all, m)
	mappings.Unlock()
	return unmapBytes(data)
}

// unchanged returns an error of class ErrChanged when the file has been written to since it was mapped. A file that was
// replaced or deleted is another matter: the mapping keeps the old bytes.
func (m *mapped) unchanged() error {
	now, err := os.Stat(m.path)
	if err != nil || !os.SameFile(m.info, now) {
		return nil
	}
	if now.Size() != m.info.Size() {
		return errf(ErrChanged, "%s was changed while it was in use: it had %d bytes, now %d", m.path, m.info.Size(), now.Size())
	}
	if !now.ModTime().Equal(m.info.ModTime()) {
		return errf(ErrChanged, "%s was changed while it was in use: written at %s", m.path, now.ModTime().Format(time.RFC3339))
	}
	return nil
}

// faulted gives the error for a fault at an address.
func faulted(addr uintptr) error {
	mappings.Lock()
	defer mappings.Unlock()
	for m := range mappings.all {
		begin := uintptr(unsafe.Pointer(unsafe.SliceData(m.data)))
		if addr < begin || addr-begin >= uintptr(len(m.data)) {
			continue
		}
		at := addr - begin
		if now, err := os.Stat(m.path); err == nil && os.SameFile(m.info, now) && now.Size() < m.info.Size() {
			return errf(ErrChanged, "%s was changed while it was in use: it had %d bytes, now %d", m.path, m.info.Size(), now.Size())
		}
		return errf(ErrChanged, "%s can no longer be read at byte %d: it was cut off while it was in use, or its disk failed", m.path, at)
	}
	return nil
}

// CatchFault runs fn and turns a fault in a mapped file into an error of class ErrChanged that names the file. A mapped file
// that another process truncates faults when it is next read; without this the fault ends the program. It holds for the
// calling goroutine and for kernels.Workers, not for other goroutines that fn starts.
func CatchFault(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
		case interface {
			runtime.Error
			Addr() uintptr
		}:
			if err = faulted(r.Addr()); err == nil {
				panic(r) // a bug, not a file
			}
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
