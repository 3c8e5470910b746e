//go:build !linux

package kernels

func streamMemory(n int) ([]byte, error) { return make([]byte, n), nil }
