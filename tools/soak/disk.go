package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// A disk is the directory of the runs: a small file system of its own, if the user may mount one.
type disk struct {
	dir     string
	mounted bool
}

func newDisk(dir string) (*disk, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k")
	return &disk{dir, err == nil}, nil
}

func (d *disk) close() error {
	if !d.mounted {
		return nil
	}
	return unix.Unmount(d.dir, unix.MNT_DETACH)
}

func (d *disk) kind() string {
	if d.mounted {
		return "file systems in memory"
	}
	return "limits on the size of files"
}

// whileFull runs the program with a few pages left on the disk, or none.
func (d *disk) whileFull(b *breaker, run string) error {
	if !d.mounted {
		return nil // the event of the file size limit stands for it
	}
	ballast := filepath.Join(d.dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		return err
	}
	page := make([]byte, 4096)
	pages := 0
	for ; err == nil; pages++ {
		_, err = f.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return join(err, f.Close())
	}
	err = join(f.Truncate(int64(max(0, pages-1-b.rng.IntN(5)))*4096), f.Close())
	if err == nil {
		var p *program
		if p, err = b.start(run); err == nil {
			err = b.wait(p, false, "no space left on device")
		}
	}
	return join(err, os.Remove(ballast))
}
