//go:build purego || !amd64

package kernels

import "testing"

func archBF16Ways(testing.TB) map[string]func(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	return map[string]func(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32){}
}
