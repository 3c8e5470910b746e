package jpeg

// The constants of the inverse DCT of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms with 11
// multiplications", ICASSP 1989), times 1<<13.
const (
	fix0298 = 2446  // sqrt(2) * (-c1+c3+c5-c7)
	fix0390 = 3196  // sqrt(2) * (c3-c5)
	fix0541 = 4433  // sqrt(2) * c6
	fix0765 = 6270  // sqrt(2) * (c2-c6)
	fix0899 = 7373  // sqrt(2) * (c3-c7)
	fix1175 = 9633  // sqrt(2) * c3
	fix1501 = 12299 // sqrt(2) * (c1+c3-c5-c7)
	fix1847 = 15137 // sqrt(2) * (c2+c6)
	fix1961 = 16069 // sqrt(2) * (c3+c5)
	fix2053 = 16819 // sqrt(2) * (c1+c3-c5+c7)
	fix2562 = 20995 // sqrt(2) * (c1+c3)
	fix3072 = 25172 // sqrt(2) * (c1+c3+c5-c7)
)

const (
	constBits = 13 // fraction bits of the constants
	passBits  = 2  // fraction bits kept between the passes
)

// idct dequantises a block and transforms it to 8 rows of 8 samples at out, pitch apart. It is libjpeg's jidctint in the
// form of its x86 vector code, which keeps 16 bits between the steps: products and sums wrap, results of the first pass
// saturate. Nothing but damaged files gets there.
func idct(coefs, quant *[64]int16, out []uint8, pitch int) {
	var work [64]int32
	flat := true // no coefficients below the first row
	for x := range 8 {
		c0, c1, c2, c3 := coefs[x], coefs[8+x], coefs[16+x], coefs[24+x]
		c4, c5, c6, c7 := coefs[32+x], coefs[40+x], coefs[48+x], coefs[56+x]
		if c1|c2|c3|c4|c5|c6|c7 == 0 {
			v := saturate(int32(c0*quant[x]) << passBits)
			for y := 0; y < 64; y += 8 {
				work[y+x] = v
			}
			continue
		}
		flat = false
		e0, e1, e2, e3, o0, o1, o2, o3 := halves(
			c0*quant[x], c1*quant[8+x], c2*quant[16+x], c3*quant[24+x],
			c4*quant[32+x], c5*quant[40+x], c6*quant[48+x], c7*quant[56+x])
		const shift, half = constBits - passBits, 1 << (constBits - passBits - 1)
		work[x] = saturate((e0 + o0 + half) >> shift)
		work[8+x] = saturate((e1 + o1 + half) >> shift)
		work[16+x] = saturate((e2 + o2 + half) >> shift)
		work[24+x] = saturate((e3 + o3 + half) >> shift)
		work[32+x] = saturate((e3 - o3 + half) >> shift)
		work[40+x] = saturate((e2 - o2 + half) >> shift)
		work[48+x] = saturate((e1 - o1 + half) >> shift)
		work[56+x] = saturate((e0 - o0 + half) >> shift)
	}
	if flat {
		// The vector code has a shortcut for such blocks, which wraps instead of saturating.
		for x := range 8 {
			v := int32(coefs[x] * quant[x] << passBits)
			for y := 0; y < 64; y += 8 {
				work[y+x] = v
			}
		}
	}
	for y := range 8 {
		w := (*[8]int32)(work[8*y:])
		row := out[y*pitch:][:8:8]
		if w[1]|w[2]|w[3]|w[4]|w[5]|w[6]|w[7] == 0 {
			v := sample((w[0] + 1<<(passBits+2)) >> (passBits + 3))
			for x := range row {
				row[x] = v
			}
			continue
		}
		e0, e1, e2, e3, o0, o1, o2, o3 := halves(
			int16(w[0]), int16(w[1]), int16(w[2]), int16(w[3]), int16(w[4]), int16(w[5]), int16(w[6]), int16(w[7]))
		const shift, half = constBits + passBits + 3, 1 << (constBits + passBits + 2)
		row[0] = sample((e0 + o0 + half) >> shift)
		row[1] = sample((e1 + o1 + half) >> shift)
		row[2] = sample((e2 + o2 + half) >> shift)
		row[3] = sample((e3 + o3 + half) >> shift)
		row[4] = sample((e3 - o3 + half) >> shift)
		row[5] = sample((e2 - o2 + half) >> shift)
		row[6] = sample((e1 - o1 + half) >> shift)
		row[7] = sample((e0 - o0 + half) >> shift)
	}
}

// halves gives the even and odd parts of a one-dimensional inverse DCT, scaled by sqrt(8) << constBits: output i is
// e[i] + o[i] for i < 4 and e[7-i] - o[7-i] for the others.
func halves(i0, i1, i2, i3, i4, i5, i6, i7 int16) (e0, e1, e2, e3, o0, o1, o2, o3 int32) {
	a := (int32(i2) + int32(i6)) * fix0541
	t2 := a - int32(i6)*fix1847
	t3 := a + int32(i2)*fix0765
	t0 := int32(i0+i4) << constBits
	t1 := int32(i0-i4) << constBits

	p, q := int32(i7+i3), int32(i5+i1)
	b := (p + q) * fix1175
	p, q = b-p*fix1961, b-q*fix0390
	z1 := (int32(i7) + int32(i1)) * fix0899
	z2 := (int32(i5) + int32(i3)) * fix2562
	return t0 + t3, t1 + t2, t1 - t2, t0 - t3,
		int32(i1)*fix1501 - z1 + q,
		int32(i3)*fix3072 - z2 + p,
		int32(i5)*fix2053 - z2 + q,
		int32(i7)*fix0298 - z1 + p
}

// idctDC is idct of a block with a DC coefficient only.
func idctDC(dc, step int16, out []uint8, pitch int) {
	fillBlock(out, pitch, sample((int32(dc*step<<passBits)+1<<(passBits+2))>>(passBits+3)))
}

// fillBlock sets the samples of a block.
func fillBlock(out []uint8, pitch int, v uint8) {
	for y := range 8 {
		row := out[y*pitch:][:8:8]
		for x := range row {
			row[x] = v
		}
	}
}

// saturate limits v to 16 bits.
func saturate(v int32) int32 {
	if v != int32(int16(v)) {
		if v < 0 {
			return -1 << 15
		}
		return 1<<15 - 1
	}
	return v
}

// sample makes an unsigned sample of v, which is centred on 0.
func sample(v int32) uint8 {
	v += 128
	if uint32(v) > 255 {
		if v < 0 {
			return 0
		}
		return 255
	}
	return uint8(v)
}
