package pipeline

import (
	"context"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
)

// shelf keeps features in memory.
type shelf map[[sha256.Size]byte][]float32

func (s shelf) Get(key [sha256.Size]byte, features []float32) bool {
	return copy(features, s[key]) == len(features)
}

func (s shelf) Put(key [sha256.Size]byte, features []float32) { s[key] = slices.Clone(features) }

// Kept features are taken wherever tower and view are the same, and nowhere else; they are the same bits.
func TestFeaturesAreTakenWhereTheyAreTheSame(t *testing.T) {
	kept := shelf{}
	images := []*imaging.RGB{picture(t, "photo.jpg")}
	look := func(p *Pipeline, obs Observer) Picture {
		var times Timings
		pictures, err := p.Look(context.Background(), images, obs, &times)
		require.NoError(t, err)
		return pictures[0]
	}
	alone := look(open(t, "llava16", Options{}), nil)
	require.Zero(t, alone.Reused)
	first := look(open(t, "llava16", Options{Features: kept}), nil)
	require.Zero(t, first.Reused)
	require.Equal(t, alone.Embedded, first.Embedded)
	require.Len(t, kept, first.Views)

	for _, o := range []Options{{}, {Set: []string{"decoder_weights=q4"}}, {Threads: 1}, {Set: []string{"global_last=true"}}} {
		o.Features = kept
		again := look(open(t, "llava16", o), nil)
		require.Equal(t, first.Views, again.Reused, "%+v", o)
		if o.Set == nil {
			require.Equal(t, alone.Embedded, again.Embedded)
		}
	}
	for _, o := range []Options{{Set: []string{"select_layer=-1"}}, {Set: []string{"tower_weights=q8"}}, {Numerics: "bf16"}} {
		o.Features = kept
		require.Zero(t, look(open(t, "llava16", o), nil).Reused, "%+v", o)
	}
	require.Zero(t, look(open(t, "llava15", Options{Features: kept}), nil).Reused, "another tower")
	require.Zero(t, look(open(t, "llava16", Options{Features: kept}), keep("vision_features")).Reused, "an observer sees the tower work")
}

// Checking a checkpoint refuses what opening it would, without its conversions.
func TestCheckRefusesWhatOpeningDoes(t *testing.T) {
	for _, o := range []Options{
		{Set: []string{"projector=linear"}}, {Set: []string{"projector=mlp3x_gelu"}}, {Set: []string{"select_layer=-99"}}, {Set: []string{"patch=12"}},
		{Set: []string{"decoder_weights=q3"}}, {Numerics: "bf16", Weights: "f16"}, {Set: []string{"row_end=nothing"}},
	} {
		_, err := Open(context.Background(), shipped+"models/llava16", o)
		require.Error(t, err, "%+v", o)
		o.Check = true
		_, checked := Open(context.Background(), shipped+"models/llava16", o)
		require.EqualError(t, checked, err.Error())
	}
	for _, o := range []Options{{}, {Weights: "q4"}, {Weights: "f16"}, {Numerics: "bf16"}, {Set: []string{"tower_weights=q8"}}} {
		o.Check = true
		p := open(t, "llava16", o)
		tokens, views, err := p.Tokens(imaging.Size{W: 640, H: 480})
		require.NoError(t, err)
		require.Equal(t, []int{2340, 5}, []int{tokens, views})
	}
}
