//go:build arm64 && !purego

package kernels

// archISAs are the implementations in assembly. Every arm64 processor has NEON.
func archISAs() []isa {
	return []isa{{name: "neon", productSet: productsOfNEON(), vectorSet: vectorsNEON()}}
}

// Features is empty: NEON needs no detection and nothing else is used.
func Features() []string { return nil }

// CPUModel is empty: the processor does not tell its name to programs.
func CPUModel() string { return "" }
