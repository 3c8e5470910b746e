//go:build !linux && !darwin

package checkpoint

import "os"

func mapBytes(f *os.File, size int) ([]byte, error) { return readFull(f, size) }

func unmapBytes([]byte) error { return nil }

func prefault([]byte) error { return nil }
