//go:build amd64 && !purego

package kernels

// archISAs are the implementations in assembly.
func archISAs() []isa {
	return []isa{
		{
			name:       "avx2",
			missing:    lacks("avx2", "fma", "f16c"),
			productSet: productsAVX2.products(),
			probeSet:   probesAVX2(),
			vectorSet:  vectorsAVX2(),
		},
		{
			name:       "avx512",
			missing:    lacks("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl"),
			productSet: productsAVX512.products(),
			probeSet:   probesAVX512(),
			vectorSet:  vectorsAVX512(),
		},
	}
}
