package checkpoint

import "golang.org/x/sys/unix"

// prefault reads a mapping's pages in at once where the kernel can (5.14 and later), else asks it to begin.
func prefault(data []byte) error {
	if err := unix.Madvise(data, unix.MADV_POPULATE_READ); err == nil {
		return nil
	}
	return unix.Madvise(data, unix.MADV_WILLNEED)
}
