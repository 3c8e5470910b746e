//go:build purego || !(amd64 || arm64)

package kernels

// archISAs is empty: this build has no assembly.
func archISAs() []isa { return nil }

// Features is empty: this build looks for no processor features.
func Features() []string { return nil }

// CPUModel is empty: this build does not ask the processor for its name.
func CPUModel() string { return "" }
