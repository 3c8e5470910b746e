package checkpoint

import "golang.org/x/sys/unix"

// prefault asks the kernel to begin reading a mapping's pages.
func prefault(data []byte) error { return unix.Madvise(data, unix.MADV_WILLNEED) }
