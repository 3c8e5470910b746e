//go:build amd64 && !purego

package kernels

// archISAs are the implementations in assembly.
func archISAs() []isa { return nil }
