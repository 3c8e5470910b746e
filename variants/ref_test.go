package variants_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/variants"
)

// TestBilinearTaps has the sources of a map of 6 x 3 cells reduced to 4 x 2: scale 1.5 in both directions, so that
// element i lies at 1.5*(i+0.5) - 0.5 = 0.25, 1.75, 3.25, 4.75.
func TestBilinearTaps(t *testing.T) {
	l := variants.Layout{
		Views:    []variants.View{{Kind: variants.ViewTile}, {Kind: variants.ViewTile, Col: 1}},
		Cells:    3,
		Grid:     variants.Grid{Cols: 2, Rows: 1},
		Stitched: true,
		KeptCols: variants.Range{To: 6},
		KeptRows: variants.Range{To: 3},
		Pool:     variants.Pool{Kind: variants.PoolBilinear, Cols: 4, Rows: 2},
	}
	at := func(view, row, col int32) variants.Ref {
		return variants.Ref{Kind: variants.Feature, View: view, Row: row, Col: col}
	}
	require.Equal(t, variants.Taps{
		At: [4]variants.Ref{at(0, 0, 1), at(0, 0, 2), at(0, 1, 1), at(0, 1, 2)},
		X:  [2]float32{0.25, 0.75},
		Y:  [2]float32{0.75, 0.25},
	}, l.Taps(variants.Ref{Kind: variants.Pooled, Row: 0, Col: 1}))
	require.Equal(t, variants.Taps{
		At: [4]variants.Ref{at(1, 1, 1), at(1, 1, 2), at(1, 2, 1), at(1, 2, 2)},
		X:  [2]float32{0.25, 0.75},
		Y:  [2]float32{0.25, 0.75},
	}, l.Taps(variants.Ref{Kind: variants.Pooled, Row: 1, Col: 3}))

	// One direction that keeps its size is copied.
	l.Pool.Rows = 3
	taps := l.Taps(variants.Ref{Kind: variants.Pooled, Row: 2, Col: 2})
	require.Equal(t, [2]float32{1, 0}, taps.Y)
	require.Equal(t, [4]variants.Ref{at(1, 2, 0), at(1, 2, 1), at(1, 2, 0), at(1, 2, 1)}, taps.At)

	// The first element of an enlargement lies left of the first cell and takes it alone.
	l.Pool.Cols = 12
	taps = l.Taps(variants.Ref{Kind: variants.Pooled})
	require.Equal(t, [2]float32{1, 0}, taps.X)
	taps = l.Taps(variants.Ref{Kind: variants.Pooled, Col: 11})
	require.Equal(t, at(1, 0, 2), taps.At[0])
	require.Equal(t, at(1, 0, 2), taps.At[1])
}

func TestMaxPoolTaps(t *testing.T) {
	v := variant(t, "llava16")
	o := set(t, defaultsOf(v, 42), "merge_type", "spatial_maxpool2x2")
	l, err := v.Plan(o, imaging.Size{W: 42, H: 84})
	require.NoError(t, err)
	require.Equal(t, variants.Pool{Kind: variants.PoolMax, Cols: 1, Rows: 3}, l.Pool)
	refs := v.Merge(o, l)
	require.Len(t, refs, 9+3)
	at := func(view, row, col int32) variants.Ref {
		return variants.Ref{Kind: variants.Feature, View: view, Row: row, Col: col}
	}
	require.Equal(t, [4]variants.Ref{at(1, 2, 0), at(1, 2, 1), at(2, 0, 0), at(2, 0, 1)}, l.Taps(refs[10]).At,
		"the block crosses the border of two tiles")
}

func TestKindNames(t *testing.T) {
	for k, want := range map[variants.Kind]string{
		variants.Feature: "feature", variants.Class: "class", variants.Newline: "newline", variants.Pooled: "pooled", 99: "unknown",
	} {
		require.Equal(t, want, k.String())
	}
}
