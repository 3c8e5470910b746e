// Package atomicfile writes files that appear under their name only when they are complete.
package atomicfile

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// Write has body fill a temporary file beside path and then gives it its name, replacing what was there. When body or the
// file system fails, path is as it was and nothing is left behind.
func Write(path string, body func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err = body(w); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	// Without this a loss of power could leave the name with the bytes of neither the old file nor the new.
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
