package kernels

import "syscall"

// streamMemory is memory in large pages, as mapped files of weights usually are: with small ones the probe of the read
// bandwidth is slower than the kernels.
func streamMemory(n int) ([]byte, error) {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err == nil {
		_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) // a wish
	}
	return b, err
}
