//go:build unix

package kernels

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// guarded returns n elements of memory with a page that cannot be read or written directly behind them (end true) or
// directly before them (end false): an access outside the slice on that side is a fault, not a silent success.
func guarded[T any](t testing.TB, n int, end bool) []T {
	t.Helper()
	var zero T
	size := n * int(unsafe.Sizeof(zero))
	page := os.Getpagesize()
	body := (size + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, body+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(mem)) })
	require.NoError(t, syscall.Mprotect(mem[:page], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(mem[page+body:], syscall.PROT_NONE))
	if n == 0 {
		return nil
	}
	start := page
	if end {
		start += body - size
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&mem[start])), n)
}

// guardedCopy is a guarded copy of src.
func guardedCopy[T any](t testing.TB, src []T, end bool) []T {
	t.Helper()
	dst := guarded[T](t, len(src), end)
	copy(dst, src)
	return dst
}
