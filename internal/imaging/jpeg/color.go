package jpeg

// The conversion of YCbCr (JFIF, from ITU-R BT.601) in 16 fraction bits:
//
//	R = Y               + 1.40200 Cr
//	G = Y - 0.34414 Cb  - 0.71414 Cr
//	B = Y + 1.77200 Cb
//
// with Cb and Cr centred on 0. The parts of red and blue are rounded before they are added, that of green as a sum.
const (
	crToRed   = 91881
	cbToGreen = 22554
	crToGreen = 46802
	cbToBlue  = 116130
	half      = 1 << 15
)

// toRed and toBlue are the rounded parts of Cr and Cb; toGreenCr includes the rounding.
var toRed, toBlue, toGreenCr, toGreenCb = chromaTables()

func chromaTables() (red, blue, greenCr, greenCb [256]int32) {
	for i := range int32(256) {
		c := i - 128
		red[i] = (crToRed*c + half) >> 16
		blue[i] = (cbToBlue*c + half) >> 16
		greenCr[i] = -crToGreen*c + half
		greenCb[i] = -cbToGreen * c
	}
	return red, blue, greenCr, greenCb
}

// clip limits v to a byte.
func clip(v int32) uint8 {
	if uint32(v) > 255 {
		if v < 0 {
			return 0
		}
		return 255
	}
	return uint8(v)
}

// render upsamples the planes and writes the pixels.
func (d *decoder) render(m *Image, model ColorModel) {
	n := m.Mode.Channels()
	var bufs [4][]uint8
	for i := range d.comps {
		bufs[i] = make([]uint8, d.maxH*(d.comps[i].width+1))
	}
	for y := range d.height {
		var rows [4][]uint8
		for i := range d.comps {
			rows[i] = d.comps[i].row(y, d.maxH, d.maxV, bufs[i])[:d.width]
		}
		out := m.Pix[n*y*d.width:][:n*d.width]
		switch model {
		case ModelGray:
			copy(out, rows[0])
		case ModelYCbCr:
			ycc(out, 3, rows[0], rows[1], rows[2])
		case ModelRGB:
			for x := range d.width {
				p := out[3*x:][:3]
				p[0], p[1], p[2] = rows[0][x], rows[1][x], rows[2][x]
			}
		case ModelCMYK:
			// Pillow takes all files to store inverted inks, as Adobe does.
			for x := range d.width {
				p := out[4*x:][:4]
				p[0], p[1], p[2], p[3] = ^rows[0][x], ^rows[1][x], ^rows[2][x], ^rows[3][x]
			}
		case ModelYCCK:
			// The conversion gives inverted inks, and inverting them again leaves them as they are.
			ycc(out, 4, rows[0], rows[1], rows[2])
			for x, k := range rows[3] {
				out[4*x+3] = ^k
			}
		}
	}
}

// ycc converts a row of pixels, step bytes apart in out.
func ycc(out []uint8, step int, y, cb, cr []uint8) {
	cb, cr = cb[:len(y)], cr[:len(y)]
	for x, luma := range y {
		v, b, r := int32(luma), cb[x], cr[x]
		p := out[step*x:][:3]
		p[0] = clip(v + toRed[r])
		p[1] = clip(v + (toGreenCb[b]+toGreenCr[r])>>16)
		p[2] = clip(v + toBlue[b])
	}
}

// ToRGB converts the picture as Pillow's convert("RGB") does: gray is repeated, and of each colour that ink leaves the
// black ink takes its share, rounded. A picture that is RGB is returned itself.
func (m *Image) ToRGB() *Image {
	if m.Mode == RGB {
		return m
	}
	out := &Image{Width: m.Width, Height: m.Height, Mode: RGB, Pix: make([]uint8, 3*m.Width*m.Height)}
	if m.Mode == Gray {
		for i, v := range m.Pix {
			p := out.Pix[3*i:][:3]
			p[0], p[1], p[2] = v, v, v
		}
		return out
	}
	for i := range m.Width * m.Height {
		in, p := m.Pix[4*i:][:4], out.Pix[3*i:][:3]
		light := 255 - uint32(in[3])
		for c := range 3 {
			t := uint32(in[c])*light + 128
			p[c] = uint8(light - (t>>8+t)>>8) // t>>8+t over 256 is the rounded quotient by 255
		}
	}
	return out
}
