package imaging

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// DecodeFile is Decode of a file. Only regular files are read: a directory, pipe, socket or device is refused without
// waiting on it.
func DecodeFile(path string, o DecodeOptions) (*RGB, Info, error) {
	data, err := readFile(path, o.Limits.withDefaults().Bytes)
	if err != nil {
		return nil, Info{}, err
	}
	m, info, err := Decode(data, o)
	if err != nil {
		return nil, Info{}, fmt.Errorf("%q: %w", path, err)
	}
	return m, info, nil
}

// readFile reads a regular file of at most limit bytes. The kind is looked at before opening, because opening can have
// effects on a device, and once more afterwards, because the name may have changed hands; O_NONBLOCK keeps the open
// from waiting for a pipe's other end in that case.
func readFile(path string, limit int64) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := checkRegular(path, st, limit); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err = f.Stat(); err != nil {
		return nil, err
	}
	if err := checkRegular(path, st, limit); err != nil {
		return nil, err
	}
	data := make([]byte, st.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%q: reading %d bytes: %w", path, st.Size(), err)
	}
	return data, nil
}

// checkRegular refuses what is not a regular file of at most limit bytes.
func checkRegular(path string, st fs.FileInfo, limit int64) error {
	mode := st.Mode()
	kind := ""
	switch {
	case mode.IsRegular():
		if st.Size() > limit {
			return fmt.Errorf("%q: %w: %d bytes, the limit is %d", path, ErrLimit, st.Size(), limit)
		}
		return nil
	case mode.IsDir():
		kind = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	default:
		kind = "not a regular file"
	}
	return fmt.Errorf("%q: %w: is %s, not an image file", path, ErrUnsupported, kind)
}
