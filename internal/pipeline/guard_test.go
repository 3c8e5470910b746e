package pipeline

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
)

// copied is a copy of a shipped checkpoint that a test may damage, and the path of its weights.
func copied(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(shipped+"models/llava15")))
	return dir, filepath.Join(dir, "model.safetensors")
}

// poison overwrites element i of a BF16 tensor.
func poison(t *testing.T, file, tensor string, i int, bits uint16) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	n := binary.LittleEndian.Uint64(data)
	var header map[string]struct {
		DType   string `json:"dtype"`
		Offsets [2]int `json:"data_offsets"`
	}
	require.NoError(t, json.NewDecoder(bytes.NewReader(data[8:8+n])).Decode(&header))
	require.Equal(t, "BF16", header[tensor].DType, tensor)
	binary.LittleEndian.PutUint16(data[int(n)+8+header[tensor].Offsets[0]+2*i:], bits)
	require.NoError(t, os.WriteFile(file, data, 0o644))
}

func ask(p *Pipeline) (*Answer, error) {
	return p.Answer(context.Background(), Request{
		Images: []*imaging.RGB{imaging.NewRGB(imaging.Size{W: 40, H: 30})}, IDs: []int{1, 5, ImageID, 9},
		Generate: GenerateOptions{MaxNewTokens: 2},
	})
}

// A value that is not finite ends the answer with the layer and, where one is to blame, the weight.
func TestNotFinite(t *testing.T) {
	const nan, inf, large = 0x7fc0, 0x7f80, 0x7f00 // large is 1.7e38
	for _, c := range []struct {
		tensor string
		bits   uint16
		says   []string
	}{
		{"model.layers.1.mlp.down_proj.weight", nan, []string{"decoder, layer 2 of ", "NaN at position 0", `tensor "model.layers.1.mlp.down_proj.weight" holds an infinite value or NaN at element 7`}},
		{"model.layers.0.input_layernorm.weight", inf, []string{"decoder, layer 1 of ", `"model.layers.0.input_layernorm.weight"`}},
		{"model.layers.0.self_attn.v_proj.weight", large, []string{"decoder, layer 1 of ", "are finite: a product or sum overflowed"}},
		{"model.vision_tower.vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight", nan, []string{"vision tower, layer 1 of ", `"encoder.layers.0.mlp.fc1.weight"`}},
		{"model.vision_tower.vision_tower.vision_model.pre_layrnorm.weight", nan, []string{"vision tower, patch embedding", `"pre_layrnorm.weight"`}},
		{"model.mm_projector.0.weight", inf, []string{"projector: ", `"0.weight"`}},
		{"model.norm.weight", nan, []string{"decoder, layer ", `"model.norm.weight"`}},
		{"lm_head.weight", nan, []string{"generated token 0: logits: NaN", `"lm_head.weight"`}},
	} {
		t.Run(c.tensor, func(t *testing.T) {
			dir, file := copied(t)
			// The first and the last of several, so that no value cancels the damage out.
			poison(t, file, c.tensor, 7, c.bits)
			if c.bits == large {
				for i := range 64 {
					poison(t, file, c.tensor, i, c.bits)
				}
			}
			p, err := Open(context.Background(), dir, Options{})
			require.NoError(t, err)
			defer p.Close()
			a, err := ask(p)
			require.ErrorIs(t, err, ErrNotFinite)
			require.Nil(t, a)
			for _, s := range append(c.says, dir) {
				require.ErrorContains(t, err, s)
			}
		})
	}
}

// Weights that change under a pipeline are an error that names the file, in whichever goroutine they are read.
func TestWeightsChangeUnderARun(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, file string, size int64){
		"had": func(t *testing.T, file string, size int64) {
			require.NoError(t, os.Truncate(file, 4096))
		},
		", now": func(t *testing.T, file string, size int64) { // inside the last page: zeros, no fault
			require.NoError(t, os.Truncate(file, size-8))
		},
		"written at": func(t *testing.T, file string, _ int64) {
			f, err := os.OpenFile(file, os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteAt([]byte("x"), 100_000)
			require.NoError(t, err)
			require.NoError(t, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, file := copied(t)
			p, err := Open(context.Background(), dir, Options{Threads: 2})
			require.NoError(t, err)
			defer p.Close()
			_, err = ask(p)
			require.NoError(t, err)
			info, err := os.Stat(file)
			require.NoError(t, err)
			change(t, file, info.Size())
			_, err = ask(p)
			require.ErrorIs(t, err, checkpoint.ErrChanged)
			require.ErrorContains(t, err, file)
			require.ErrorContains(t, err, name)
		})
	}
}

// A file that is replaced or deleted leaves the mapping as it was.
func TestWeightsReplaced(t *testing.T) {
	dir, file := copied(t)
	p, err := Open(context.Background(), dir, Options{})
	require.NoError(t, err)
	defer p.Close()
	before, err := ask(p)
	require.NoError(t, err)
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.WriteFile(file, []byte("another"), 0o644))
	after, err := ask(p)
	require.NoError(t, err)
	require.Equal(t, before.IDs, after.IDs)
}
