package kernels

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

// plainFloats are numbers in about ±4 made by integer arithmetic alone, so that every machine draws the same.
func plainFloats(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 99))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(int32(r.Uint32())) * 0x1p-29
	}
	return x
}

func digest(f func(h hash.Hash)) string {
	h := sha256.New()
	f(h)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func addFloats(h hash.Hash, x []float32) {
	var b [4]byte
	for _, v := range x {
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
		h.Write(b[:])
	}
}

// fixedBits are digests of what every routine but the products gives for fixed inputs.
var fixedBits = map[string]string{
	"attention": "f101d09de6e31a44",
	"convert":   "4bc6b240fc85b29d",
	"exp":       "187c259ae594bcd1",
	"gelu":      "5d835f59089ddf0d",
	"gelutanh":  "3e5df453d336a3b9",
	"layernorm": "4384de08129a1d5e",
	"quickgelu": "737aa22258751c1d",
	"rmsnorm":   "a4435d332be476e3",
	"rope":      "c9f3a3cc5892ff07",
	"silumul":   "7c06eaa62129fffd",
	"softmax":   "1056543f8a82b75f",
}

// The bits are written down: they are the same for every instruction set, architecture and compiler option, and a change
// of a definition does not go unseen.
func TestBitsAreFixed(t *testing.T) {
	var w *Workers
	eachISA(t, func(t *testing.T) {
		const rows, width = 5, 333
		weight, bias := plainFloats(1, width), plainFloats(2, width)
		in := func(f func(x []float32)) func(h hash.Hash) {
			return func(h hash.Hash) {
				x := plainFloats(3, rows*width)
				f(x)
				addFloats(h, x)
			}
		}
		for name, f := range map[string]func(h hash.Hash){
			"layernorm": in(func(x []float32) { w.LayerNorm(x, x, rows, width, weight, bias, 1e-5) }),
			"rmsnorm":   in(func(x []float32) { w.RMSNorm(x, x, rows, width, weight, 1e-6) }),
			"quickgelu": in(w.QuickGELU),
			"gelu":      in(w.GELU),
			"gelutanh":  in(w.GELUTanh),
			"silumul":   in(func(x []float32) { w.SiLUMul(x, plainFloats(4, len(x))) }),
			"softmax":   in(func(x []float32) { w.Softmax(x, rows, width) }),
			"rope": func(h hash.Hash) {
				for _, theta := range []float64{1e4, 5e5, 1e6} {
					inv := RopeFrequencies(theta, 128)
					cos, sin := RopeTable(inv, 4000, 3)
					x := plainFloats(5, 3*2*128)
					w.Rope(x, 3, 2, 128, cos, sin)
					addFloats(h, inv)
					addFloats(h, cos)
					addFloats(h, sin)
					addFloats(h, x)
				}
			},
			"exp": func(h hash.Hash) {
				for _, x := range plainFloats(6, 3000) {
					addFloats(h, []float32{Exp(x * 25), erff(x)})
				}
			},
			"convert": func(h hash.Hash) {
				x := plainFloats(7, 1000)
				for i := range x {
					x[i] = float32(math.Ldexp(float64(x[i]), i%64-32))
				}
				for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
					b := make([]byte, len(x)*d.Size())
					Narrow(b, d, x)
					y := make([]float32, len(x))
					Widen(y, d, b)
					addFloats(h, y)
				}
			},
			"attention": func(h hash.Hash) {
				for _, c := range attendCases() {
					c.q, c.k, c.v = plainFloats(8, c.rows*c.heads*c.dim), plainFloats(9, c.keys*c.kvHeads*c.dim), plainFloats(10, c.keys*c.kvHeads*c.dim)
					c.a.Scale = 0.125
					addFloats(h, c.attend(w))
				}
			},
		} {
			require.Equal(t, fixedBits[name], digest(f), name)
		}
	})
}
