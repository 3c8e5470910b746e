package checkpoint

import (
	"context"
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"llavabench/internal/tensor"
)

// halves makes a float16 tensor.
func halves(name string, shape []int, values ...float32) tensor.Tensor {
	t := tensor.Tensor{Name: name, DType: tensor.F16, Shape: shape}
	for _, v := range values {
		t.Data = binary.LittleEndian.AppendUint16(t.Data, float16.Fromfloat32(v).Bits())
	}
	return t
}

// singles makes a float32 tensor.
func singles(name string, shape []int, values ...float32) tensor.Tensor {
	t := tensor.Tensor{Name: name, DType: tensor.F32, Shape: shape}
	for _, v := range values {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
	}
	return t
}

func TestApplyDelta(t *testing.T) {
	root := t.TempDir()
	base, delta, out := filepath.Join(root, "base"), filepath.Join(root, "delta"), filepath.Join(root, "new", "sum")
	writeTensors(t, base, 0,
		halves("model.embed_tokens.weight", []int{2, 2}, 1, 2, 3, 4),
		singles("model.norm.weight", []int{3}, 1, 1.0001, -2),
		halves("model.layers.0.self_attn.rotary_emb.inv_freq", []int{1}, 1),
	)
	writeTensors(t, delta, 0,
		halves("model.embed_tokens.weight", []int{3, 3}, 10, 20, 30, 40, 50, 60, 70, 80, 90),
		halves("model.norm.weight", []int{3}, 0.5, 0.5, 1.0/4096),
		halves("model.mm_projector.bias", []int{2}, 7, 8),
		halves("model.layers.0.self_attn.rotary_emb.inv_freq", []int{1}, 1),
	)
	writeFiles(t, delta, map[string]string{"config.json": "{}", "added_tokens.json": "{\"<im_patch>\": 2}", "notes.txt": "not copied"})
	var last, total int64
	o := ConvertOptions{Env: noEnv, Progress: func(done, of int64) { last, total = done, of }}
	require.NoError(t, ApplyDelta(context.Background(), base, delta, out, o))
	require.Equal(t, int64(2*(9+3+2)), total)
	require.Equal(t, total, last)
	require.Equal(t, []string{"added_tokens.json", "config.json", "model.safetensors"}, listNames(out, 10))
	require.Equal(t, []string{"base", "delta", "new"}, listNames(root, 10))
	require.Equal(t, []string{"sum"}, listNames(filepath.Dir(out), 10), "no temporary directory is left")
	f, err := OpenSafetensors(filepath.Join(out, "model.safetensors"))
	require.NoError(t, err)
	defer f.Close()
	requireSame(t, tensor.NewMap(
		halves("model.embed_tokens.weight", []int{3, 3}, 11, 22, 30, 43, 54, 60, 70, 80, 90),
		halves("model.norm.weight", []int{3}, 1.5, 1.5, -2), // 1.0001 is 1 in float16, -2 + 1/4096 is -2
		halves("model.mm_projector.bias", []int{2}, 7, 8),
	), f, 0)
	require.ErrorContains(t, ApplyDelta(context.Background(), base, delta, out, o), "not empty")
}

func TestApplyDeltaRefuses(t *testing.T) {
	norm := halves("model.norm.weight", []int{1}, 1)
	for _, c := range []struct {
		name        string
		base, delta []tensor.Tensor
		class       error
		says        string
	}{
		{"unknown in the delta", []tensor.Tensor{norm}, []tensor.Tensor{norm, halves("x", nil, 1)}, ErrMismatch, "not the projector's"},
		{"missing in the delta", []tensor.Tensor{norm, halves("x", nil, 1)}, []tensor.Tensor{norm}, ErrMismatch, `lacks 1 tensors of`},
		{"other shape", []tensor.Tensor{norm}, []tensor.Tensor{halves("model.norm.weight", []int{2}, 1, 1)}, ErrMismatch, "shape [2]"},
		{"fewer rows", []tensor.Tensor{halves("lm_head.weight", []int{2, 1}, 1, 1)}, []tensor.Tensor{halves("lm_head.weight", []int{1, 1}, 1)}, ErrMismatch, "shape [1, 1]"},
		{"integers", []tensor.Tensor{norm}, []tensor.Tensor{{Name: "model.norm.weight", DType: tensor.I8, Shape: []int{1}, Data: []byte{1}}}, ErrUnsupported, "type I8"},
		{"overflow", []tensor.Tensor{halves("model.norm.weight", []int{1}, 65504)}, []tensor.Tensor{halves("model.norm.weight", []int{1}, 65504)}, ErrOverflow, "element [0, 0]"},
		{"overflow of a part", []tensor.Tensor{singles("model.norm.weight", []int{1}, 1e6)}, []tensor.Tensor{norm}, ErrOverflow, "element [0, 0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			writeTensors(t, filepath.Join(root, "base"), 0, c.base...)
			writeTensors(t, filepath.Join(root, "delta"), 0, c.delta...)
			err := ApplyDelta(context.Background(), filepath.Join(root, "base"), filepath.Join(root, "delta"), filepath.Join(root, "out"), ConvertOptions{Env: noEnv})
			require.ErrorIs(t, err, c.class)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, []string{"base", "delta"}, listNames(root, 10), "nothing is left behind")
		})
	}
}

// The sum is rounded once: the float16 nearest to the exact sum, ties to even.
func TestHalfSumsRoundOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		a, b := float16.Frombits(uint16(r.Uint32())), float16.Frombits(uint16(r.Uint32()))
		if r.IntN(2) == 0 { // near each other in size, where sums round
			b = float16.Frombits(a.Bits() ^ uint16(r.IntN(1<<12)))
		}
		if !a.IsFinite() || !b.IsFinite() {
			continue
		}
		var dst [2]byte
		at := sumRow(dst[:], binary.LittleEndian.AppendUint16(nil, a.Bits()), tensor.F16, binary.LittleEndian.AppendUint16(nil, b.Bits()), tensor.F16)
		exact := new(big.Float).SetPrec(100).Add(big.NewFloat(float64(a.Float32())), big.NewFloat(float64(b.Float32())))
		want, _ := exact.Float64() // exact: 40 bits suffice
		if at == 0 {
			require.GreaterOrEqual(t, math.Abs(want), 65520.0)
			continue
		}
		got := float64(float16.Frombits(binary.LittleEndian.Uint16(dst[:])).Float32())
		bits := binary.LittleEndian.Uint16(dst[:])
		for _, near := range []uint16{bits + 1, bits - 1} {
			n := float16.Frombits(near)
			if n.IsFinite() && math.Signbit(float64(n.Float32())) == math.Signbit(got) {
				d, e := math.Abs(float64(n.Float32())-want), math.Abs(got-want)
				require.True(t, e < d || e == d && bits%2 == 0, "%v + %v", a, b)
			}
		}
	}
}

func TestConvert(t *testing.T) {
	root := t.TempDir()
	src, out := filepath.Join(root, "src"), filepath.Join(root, "out")
	writeFiles(t, src, map[string]string{"config.json": `{"a": 1}`, "pytorch_model.bin": string(torchFile(newPickler().dict(one).stop(), zipItem{name: "0", data: counting(6)}))})
	require.NoError(t, Convert(context.Background(), src, out, ConvertOptions{Env: noEnv}))
	w, err := openWeights(out, OpenOptions{})
	require.NoError(t, err)
	require.Len(t, w.tensors, 1)
	require.Equal(t, counting(6), w.tensors[0].Data)
	require.NoError(t, w.Close())

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, Convert(ctx, src, filepath.Join(root, "other"), ConvertOptions{Env: noEnv}), context.Canceled)
	require.NoError(t, os.RemoveAll(out))
	require.Equal(t, []string{"src"}, listNames(root, 10))
}
