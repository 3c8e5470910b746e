package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/internal/synth"
	"llavabench/internal/tensor"
)

// A 7B checkpoint that cannot fit is refused from its headers; what is said to fit does.
func TestMemoryLimit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	config, err := synth.ByName("llava-1.5-7b")
	require.NoError(t, err)
	require.NoError(t, synth.Write(context.Background(), nil, config, dir, synth.Options{DType: tensor.BF16, Sparse: true}))
	open := func(limit int64, change func(*Options)) error {
		o := Options{Demand: Demand{Limit: limit, Source: "the test", Pictures: []imaging.Size{{W: 640, H: 480}}, Text: 64, NewTokens: 8}}
		if change != nil {
			change(&o)
		}
		p, err := Open(context.Background(), dir, o)
		if err == nil {
			require.NoError(t, p.Close())
		}
		return err
	}
	const gib = 1 << 30
	err = open(4*gib, nil)
	for _, says := range []string{
		dir + " does not fit into 4.00 GiB (the test): decoder 12.31 GiB (bf16, mapped)", "vision tower 553.15 MiB (bf16, mapped)",
		"projector 40.00 MiB", "KV cache 704.00 MiB (f32, 648 positions)", "activations ", "in all", "what would fit: ",
		"a checkpoint written by 'llavabench quantize --dtype q4' (3.9",
	} {
		require.ErrorContains(t, err, says)
	}
	require.ErrorContains(t, open(gib/2, nil), "nothing smaller would fit either")
	require.ErrorContains(t, open(4*gib, func(o *Options) { o.Weights = "q4" }), "decoder 4.30 GiB (q4, in memory)")
	require.NoError(t, open(10*gib, nil), "mapped weights fit by two thirds")
	require.ErrorContains(t, open(9*gib+100<<20, nil), "a sequence of at most")
	require.NoError(t, open(9*gib+100<<20, func(o *Options) { o.KV = tensor.F16 }))
	require.NoError(t, open(0, nil), "no limit")
}

// Where the caches of a batch do not fit, fewer go together: the batch does not refuse a model, and what it takes stays below the
// limit.
func TestBatchFitsIntoMemory(t *testing.T) {
	open := func(limit int64, sequences int) (room, each int64, notes []string) {
		p, err := Open(context.Background(), shipped+"models/llava16", Options{Demand: Demand{Limit: limit, Source: "the test", Images: 1, Text: 64, NewTokens: 8, Sequences: sequences}})
		require.NoError(t, err)
		defer func() { require.NoError(t, p.Close()) }()
		n := p.need(p.demand, p.choice())
		if limit > 0 {
			require.LessOrEqual(t, p.KVRoom()-p.kvBytes(n.positions, p.kvType), max(0, limit-n.total()))
		}
		return p.KVRoom(), p.kvBytes(n.positions, p.kvType), slices.DeleteFunc(p.Notes(), func(s string) bool { return !strings.Contains(s, "answered together") })
	}
	const plenty = 64 << 30
	_, each, notes := open(plenty, 16)
	require.Empty(t, notes)
	room, _, notes := open(plenty, int(plenty/each))
	require.Less(t, room, int64(plenty))
	require.Len(t, notes, 1)
	require.Contains(t, notes[0], fmt.Sprintf("the key-value caches of about %d questions fit into the memory, those of %d do not", room/each, plenty/each))
	_, _, notes = open(0, int(2*DefaultKVRoom/each))
	require.Len(t, notes, 1, "without a limit there is a default")
	_, _, notes = open(plenty, 0)
	require.Empty(t, notes)
}

// What is added up is what is allocated.
func TestMemoryMatchesAllocations(t *testing.T) {
	for _, o := range []Options{{}, {Weights: "q4"}, {Weights: "q8"}, {Weights: "f16"}, {KV: tensor.BF16}} {
		p, err := Open(context.Background(), shipped+"models/llava16", o)
		require.NoError(t, err)
		for _, positions := range []int{1, 64, 65, 1000} {
			s, err := p.llm.NewSession(positions, p.kvType)
			require.NoError(t, err)
			require.Equal(t, s.Bytes(), p.kvBytes(positions, p.kvType))
		}
		n := p.need(Demand{Images: 1}, choice{p.opts.DecoderWeights, p.opts.TowerWeights, p.opts.ProjectorWeights, p.kvType, false})
		var matrices int64
		for _, x := range n.parts {
			if x.name == "decoder" || x.name == "vision tower" || x.name == "projector" {
				matrices += x.bytes
			}
		}
		// Norms and biases are listed apart; the embedding does not count unless it is converted, since rows of it are looked up.
		want := p.Work().WeightBytes
		if embedding, _ := p.ckpt.LLM().Tensor("model.embed_tokens.weight"); o.Weights != "f16" {
			want -= int64(len(embedding.Data))
		}
		require.InDelta(t, want, matrices, 0.05*float64(matrices), "%+v", o)
		require.Equal(t, 5*576+2*24, n.positions, "the largest canvas of the grid, with its row ends")
		require.NoError(t, p.Close())
	}
}

// A model whose weights fit only in part runs, and says so.
func TestMemoryNote(t *testing.T) {
	o := Options{Demand: Demand{Source: "the test", Images: 1, Text: 10, NewTokens: 4}}
	p, err := Open(context.Background(), shipped+"models/llava15", o)
	require.NoError(t, err)
	n := p.need(o.Demand, choice{p.opts.DecoderWeights, p.opts.TowerWeights, p.opts.ProjectorWeights, p.kvType, false})
	require.NoError(t, p.Close())
	for limit, partly := range map[int64]bool{n.total(): false, n.total() - 1: true, n.least(): true} {
		o.Demand.Limit = limit
		p, err := Open(context.Background(), shipped+"models/llava15", o)
		require.NoError(t, err)
		require.Equal(t, partly, len(p.Notes()) > 1 && p.Notes()[1] != "", "%v", p.Notes())
		_, err = ask(p)
		require.NoError(t, err)
		require.NoError(t, p.Close())
	}
	o.Demand.Limit = n.least() - 1
	_, err = Open(context.Background(), shipped+"models/llava15", o)
	require.ErrorContains(t, err, "does not fit into")
}
