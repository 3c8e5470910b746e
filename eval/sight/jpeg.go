package sight

// The faults of JPEG without its file format: blocks of 8 x 8 of luma and chroma are transformed, quantised with the
// tables of the JPEG standard (ITU-T T.81, Annex K) scaled to a quality as the IJG's encoder does, and transformed back.
// An encoder of a library would do, but its bytes change from release to release; these pixels never do.

var lumaQuant = [64]int{
	16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
	18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
}

var chromaQuant = [64]int{
	17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
}

// cosines[u][x] is 4096 * c(u)/2 * cos((2x+1)u*pi/16), the orthonormal DCT basis rounded to integers.
var cosines = [8][8]int{
	{1448, 1448, 1448, 1448, 1448, 1448, 1448, 1448},
	{2009, 1703, 1138, 400, -400, -1138, -1703, -2009},
	{1892, 784, -784, -1892, -1892, -784, 784, 1892},
	{1703, -400, -2009, -1138, 1138, 2009, 400, -1703},
	{1448, -1448, -1448, 1448, 1448, -1448, -1448, 1448},
	{1138, -2009, 400, 1703, -1703, -400, 2009, -1138},
	{784, -1892, 1892, -784, -784, 1892, -1892, 784},
	{400, -1138, 1703, -2009, 2009, -1703, 1138, -400},
}

const cosineBits = 12

// jpeg passes the picture through the quantisation of the given quality (1..100), chroma at full resolution.
func (c *canvas) jpeg(quality int) {
	luma, chroma := scaledQuant(lumaQuant, quality), scaledQuant(chromaQuant, quality)
	for by := 0; by < c.h; by += 8 {
		for bx := 0; bx < c.w; bx += 8 {
			var planes [3][64]int
			for i := range 64 {
				x, y := min(bx+i%8, c.w-1), min(by+i/8, c.h-1)
				p := c.pix[3*(y*c.w+x):]
				r, g, b := int(p[0]), int(p[1]), int(p[2])
				// ITU-R BT.601 in 16-bit fixed point, luma centred on 0.
				planes[0][i] = (19595*r+38470*g+7471*b+32768)>>16 - 128
				planes[1][i] = (-11058*r - 21710*g + 32768*b + 32768) >> 16
				planes[2][i] = (32768*r - 27439*g - 5329*b + 32768) >> 16
			}
			quantise(&planes[0], &luma)
			quantise(&planes[1], &chroma)
			quantise(&planes[2], &chroma)
			for i := range 64 {
				x, y := bx+i%8, by+i/8
				if x >= c.w || y >= c.h {
					continue
				}
				l, cb, cr := planes[0][i]+128, planes[1][i], planes[2][i]
				p := c.pix[3*(y*c.w+x):]
				p[0] = clamp(l + (91881*cr+32768)>>16)
				p[1] = clamp(l - (22554*cb+46802*cr+32768)>>16)
				p[2] = clamp(l + (116130*cb+32768)>>16)
			}
		}
	}
}

func clamp(v int) uint8 { return uint8(min(max(v, 0), 255)) }

func scaledQuant(base [64]int, quality int) (q [64]int) {
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	for i, v := range base {
		q[i] = min(max((v*scale+50)/100, 1), 255)
	}
	return q
}

// roundedQuotient is a/b rounded to nearest, halves away from zero.
func roundedQuotient(a, b int) int {
	if a < 0 {
		return -((-a + b/2) / b)
	}
	return (a + b/2) / b
}

// quantise transforms a block, rounds its coefficients to multiples of q, and transforms it back.
func quantise(block, q *[64]int) {
	const half = 1 << (cosineBits - 1)
	var rows, coef [64]int
	for y := range 8 {
		for u := range 8 {
			sum := 0
			for x := range 8 {
				sum += cosines[u][x] * block[8*y+x]
			}
			rows[8*y+u] = sum // scaled by 2^12
		}
	}
	for u := range 8 {
		for v := range 8 {
			sum := 0
			for y := range 8 {
				sum += cosines[v][y] * rows[8*y+u]
			}
			k := 8*v + u
			step := q[k] << (2 * cosineBits)
			coef[k] = roundedQuotient(sum, step) * q[k]
		}
	}
	for v := range 8 {
		for x := range 8 {
			sum := 0
			for u := range 8 {
				sum += cosines[u][x] * coef[8*v+u]
			}
			rows[8*v+x] = sum
		}
	}
	for x := range 8 {
		for y := range 8 {
			sum := 0
			for v := range 8 {
				sum += cosines[v][y] * rows[8*v+x]
			}
			block[8*y+x] = (sum + half<<cosineBits) >> (2 * cosineBits)
		}
	}
}
