package imaging

// A Normalizer turns bytes into the floats that the vision tower takes, as transformers' image processors do: rescale
// (float64 product, rounded to float32), then minus mean, divided by std (both float32).
type Normalizer struct {
	Rescale   bool
	Factor    float64 // 1/255 in every released processor
	Normalize bool
	Mean      [3]float64
	Std       [3]float64
}

// ClipNormalizer has the constants of OpenAI's CLIP (clip/clip.py).
func ClipNormalizer() Normalizer {
	return Normalizer{
		Rescale: true, Factor: 1.0 / 255, Normalize: true,
		Mean: [3]float64{0.48145466, 0.4578275, 0.40821073},
		Std:  [3]float64{0.26862954, 0.26130258, 0.27577711},
	}
}

// Table gives the float of every byte, by channel.
func (n Normalizer) Table() [3][256]float32 {
	var table [3][256]float32
	for c := range table {
		mean, std := float32(n.Mean[c]), float32(n.Std[c])
		for v := range table[c] {
			x := float32(v)
			if n.Rescale {
				x = float32(float64(v) * n.Factor)
			}
			if n.Normalize {
				x = (x - mean) / std
			}
			table[c][v] = x
		}
	}
	return table
}

// MeanColor is the padding colour int(mean*255) of the reference (122, 116, 104 for CLIP).
func (n Normalizer) MeanColor() Color {
	var c Color
	for i, m := range n.Mean {
		c[i] = uint8(int(float64(m * 255)))
	}
	return c
}

// Tensor gives the views as [views, 3, height, width] in one slice, row-major. All views have the same size.
func (n Normalizer) Tensor(views []*RGB) []float32 {
	if len(views) == 0 {
		return nil
	}
	table := n.Table()
	plane := views[0].Width * views[0].Height
	out := make([]float32, 0, 3*plane*len(views))
	for _, v := range views {
		for c := range 3 {
			for i := c; i < len(v.Pix); i += 3 {
				out = append(out, table[c][v.Pix[i]])
			}
		}
	}
	return out
}
