package imaging

import "image"

// webpRGB converts VP8 planes with halved chroma to RGB as libwebp does by default ("fancy" upsampling, upsampling.c and
// yuv.h there): a chroma sample lies in the middle of a square of four pixels, and each pixel takes the four nearest
// samples with weights 9, 3, 3, 1 over 16, in two roundings.
func webpRGB(p *image.YCbCr) *RGB {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	m := NewRGB(Size{w, h})
	luma := func(y int) []uint8 { return p.Y[y*p.YStride:][:w] }
	chroma := func(y int) webpChroma {
		y = min(max(y, 0), (h-1)/2)
		return webpChroma{p.Cb[y*p.CStride:][:(w+1)/2], p.Cr[y*p.CStride:][:(w+1)/2]}
	}
	for y := range h {
		// The nearer chroma row is y/2; the other one lies above an even row and below an odd one. Beyond the edge the
		// edge's row stands in.
		near, far := chroma(y/2), chroma(y/2-1+y&1*2)
		webpRow(m.row(y), luma(y), near, far)
	}
	return m
}

// webpChroma is a row of chroma samples.
type webpChroma struct{ u, v []uint8 }

// webpRow makes one row of pixels.
func webpRow(dst, luma []uint8, near, far webpChroma) {
	last := len(near.u) - 1
	for x := range luma {
		// The same along the row: the nearer sample is x/2, the other one is left of an even and right of an odd pixel.
		i := x / 2
		j := min(max(i-1+x&1*2, 0), last)
		var u, v int
		if j == i {
			u = webpEdge(near.u[i], far.u[i])
			v = webpEdge(near.v[i], far.v[i])
		} else {
			u = webpBlend(near.u[i], near.u[j], far.u[i], far.u[j])
			v = webpBlend(near.v[i], near.v[j], far.v[i], far.v[j])
		}
		webpPixel(dst[3*x:3*x+3], int(luma[x]), u, v)
	}
}

// webpEdge interpolates between two rows at the left or right edge.
func webpEdge(near, far uint8) int { return (3*int(near) + int(far) + 2) >> 2 }

// webpBlend weights the nearest sample a, its neighbour b in the row, its neighbour c in the other row, and d diagonally
// opposite: first the mean of b and c against the mean of all, then with a.
func webpBlend(a, b, c, d uint8) int {
	sum := int(a) + int(b) + int(c) + int(d) + 8
	diagonal := (sum + 2*(int(b)+int(c))) >> 3
	return (diagonal + int(a)) >> 1
}

// webpPixel converts to RGB with 14-bit coefficients of ITU-R BT.601 (yuv.h: results have 6 fraction bits).
func webpPixel(d []uint8, y, u, v int) {
	l := y * 19077 >> 8
	d[0] = webpClip(l + v*26149>>8 - 14234)
	d[1] = webpClip(l - u*6419>>8 - v*13320>>8 + 8708)
	d[2] = webpClip(l + u*33050>>8 - 17685)
}

func webpClip(v int) uint8 { return uint8(min(max(v>>6, 0), 255)) }
