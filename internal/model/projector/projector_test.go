package projector

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

func source(values map[string][]float32, shapes map[string][]int) tensor.Source {
	m := tensor.NewMap()
	for name, v := range values {
		data := make([]byte, 4*len(v))
		kernels.Narrow(data, tensor.F32, v)
		m.Add(tensor.Tensor{Name: name, DType: tensor.F32, Shape: shapes[name], Data: data, File: "test"})
	}
	return m
}

func twoLayers() tensor.Source {
	return source(
		map[string][]float32{"0.weight": {1, 2, 0, -1}, "0.bias": {0.5, 0}, "2.weight": {1, 1, 2, 0}, "2.bias": {0, -1}},
		map[string][]int{"0.weight": {2, 2}, "0.bias": {2}, "2.weight": {2, 2}, "2.bias": {2}})
}

// layers are the first n of twoLayers.
func layers(n int) tensor.Source {
	all, some := twoLayers(), tensor.NewMap()
	for _, name := range all.Names() {
		if t, ok := all.Tensor(name); ok && int(name[0]-'0') < 2*n {
			some.Add(t)
		}
	}
	return some
}

func gelu(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }

func TestProject(t *testing.T) {
	x := []float32{1, 2, -1, 0.5}
	for _, c := range []struct {
		kind string
		want func(a, b float64) [2]float64
	}{
		{"linear", func(a, b float64) [2]float64 { return [2]float64{a + 2*b + 0.5, -b} }},
		{"mlp2x_gelu", func(a, b float64) [2]float64 {
			h := [2]float64{gelu(a + 2*b + 0.5), gelu(-b)}
			return [2]float64{h[0] + h[1], 2*h[0] - 1}
		}},
		{"identity", func(a, b float64) [2]float64 { return [2]float64{a, b} }},
	} {
		n, err := Layers(c.kind)
		require.NoError(t, err)
		m, err := New(Config{Type: c.kind, In: 2, Out: 2, Bias: true}, layers(n), weights.Options{})
		require.NoError(t, err, c.kind)
		dst := make([]float32, 4)
		m.Project(nil, dst, x, 2)
		for row := range 2 {
			want := c.want(float64(x[2*row]), float64(x[2*row+1]))
			require.InDelta(t, want[0], dst[2*row], 1e-6, c.kind)
			require.InDelta(t, want[1], dst[2*row+1], 1e-6, c.kind)
		}
	}
}

func TestLayers(t *testing.T) {
	for kind, want := range map[string]int{"linear": 1, "identity": 0, "mlp1x_gelu": 1, "mlp2x_gelu": 2, "mlp12x_gelu": 12} {
		n, err := Layers(kind)
		require.NoError(t, err)
		require.Equal(t, want, n, kind)
	}
	for _, kind := range []string{"", "mlp0x_gelu", "mlp2x_relu", "mlp2x_gelu_extra", "resampler"} {
		_, err := Layers(kind)
		require.ErrorContains(t, err, "is not known, expected linear, mlpNx_gelu or identity")
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	_, err := New(Config{Type: "mlp3x_gelu", In: 2, Out: 2, Bias: true}, twoLayers(), weights.Options{})
	require.EqualError(t, err, `projector: tensor "4.weight" is missing (expected shape [2, 2])`)
	_, err = New(Config{Type: "linear", In: 3, Out: 2, Bias: true}, layers(1), weights.Options{})
	require.EqualError(t, err, `projector: test: tensor "0.weight" has shape [2, 2], expected [2, 3]`)
	_, err = New(Config{Type: "identity", In: 3, Out: 2}, twoLayers(), weights.Options{})
	require.ErrorContains(t, err, "features have 3 and the decoder 2")
	for _, kind := range []string{"linear", "identity"} {
		_, err = New(Config{Type: kind, In: 2, Out: 2, Bias: true}, twoLayers(), weights.Options{})
		require.ErrorContains(t, err, `the weights are of another one than "`+kind+`": it has no place for tensor`)
	}
}
