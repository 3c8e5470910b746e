package jpeg

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// ones is a quantisation table that changes nothing.
func ones() *[64]int16 {
	q := new([64]int16)
	for i := range q {
		q[i] = 1
	}
	return q
}

// TestIDCTAccuracy compares with the definition (A.3.3): rounded in two passes, samples are off by at most one.
func TestIDCTAccuracy(t *testing.T) {
	var basis [8][8]float64 // frequency, place
	for u := range 8 {
		scale := 0.5
		if u == 0 {
			scale = math.Sqrt(0.125)
		}
		for x := range 8 {
			basis[u][x] = scale * math.Cos(float64((2*x+1)*u)*math.Pi/16)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	q := ones()
	for range 300 {
		var coefs [64]int16
		for range 1 + r.IntN(20) {
			coefs[r.IntN(64)] = int16(r.IntN(300) - 150)
		}
		var got [64]uint8
		idct(&coefs, q, got[:], 8)
		for y := range 8 {
			for x := range 8 {
				want := 128.0
				for i, c := range coefs {
					part := basis[i/8][y] * basis[i%8][x]
					want += float64(part) * float64(c)
				}
				want = min(max(want, 0), 255)
				require.InDelta(t, want, float64(got[8*y+x]), 0.6)
			}
		}
	}
}

// TestIDCTShortcuts compares the cases that are computed in a shorter way with each other.
func TestIDCTShortcuts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for dc := -32768; dc <= 32767; dc += 1 + r.IntN(40) {
		coefs, q := [64]int16{int16(dc)}, ones()
		q[0] = int16(1 + r.IntN(30))
		var a, b [64]uint8
		idct(&coefs, q, a[:], 8)
		idctDC(int16(dc), q[0], b[:], 8)
		require.Equal(t, a, b)
	}
}

// TestIDCTWraps states the 16-bit arithmetic of libjpeg-turbo's vector code where its C code would give something else.
func TestIDCTWraps(t *testing.T) {
	for _, c := range []struct {
		coefs [2]int16 // DC, and the coefficient below it
		step  int16
		want  uint8
	}{
		{[2]int16{2047, 0}, 1, 255},
		{[2]int16{-2048, 0}, 1, 0},
		{[2]int16{9000, 0}, 1, 0},    // 36000 wraps to -29536 where there is only a first row
		{[2]int16{9000, 1}, 1, 255},  // and saturates where there is more
		{[2]int16{16384, 1}, 4, 128}, // a product of 65536 is 0
	} {
		coefs, q := [64]int16{0: c.coefs[0], 8: c.coefs[1]}, ones()
		q[0] = c.step
		var out [64]uint8
		idct(&coefs, q, out[:], 8)
		require.Equal(t, c.want, out[0], "%v", c)
	}
}

// TestUpsampling compares rows with the weights of the triangle filter written out.
func TestUpsampling(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		w, h := 3+r.IntN(20), 1+r.IntN(6)
		blocks := ceilDiv(w, 8)
		c := component{h: 1, v: 1, width: w, height: h, blocksX: blocks, plane: make([]uint8, 8*blocks*h)}
		for i := range c.plane {
			c.plane[i] = uint8(r.IntN(256))
		}
		at := func(x, y int) int {
			return int(c.plane[8*blocks*min(max(y, 0), h-1)+min(max(x, 0), w-1)])
		}
		side := func(i int) int { return i/2 - 1 + i%2*2 } // the neighbour that output i leans to
		buf := make([]uint8, 4*w+8)
		for y := range 2 * h {
			c.upsample = triangleV
			for x, got := range c.row(y, 1, 2, buf)[:w] {
				require.EqualValues(t, (3*at(x, y/2)+at(x, side(y))+1+y%2)/4, got)
			}
			c.upsample = triangleHV
			for x, got := range c.row(y, 2, 2, buf)[:2*w] {
				near := 3*at(x/2, y/2) + at(x/2, side(y))
				far := 3*at(side(x), y/2) + at(side(x), side(y))
				require.EqualValues(t, (3*near+far+8-x%2)/16, got)
			}
		}
		for y := range h {
			c.upsample = triangleH
			for x, got := range c.row(y, 2, 1, buf)[:2*w] {
				require.EqualValues(t, (3*at(x/2, y)+at(side(x), y)+1+x%2)/4, got)
			}
		}
		for y := range 2 * h {
			c.upsample = replicate
			for x, got := range c.row(y, 4, 2, buf)[:4*w] {
				require.EqualValues(t, at(x/4, y/2), got)
			}
		}
	}
}

func TestChooseUpsampler(t *testing.T) {
	for _, c := range []struct {
		h, v, maxH, maxV, width int
		want                    upsampler
		ok                      bool
	}{
		{2, 2, 2, 2, 9, sameSize, true},
		{1, 2, 2, 2, 9, triangleH, true},
		{1, 2, 2, 2, 2, replicate, true},
		{2, 1, 2, 2, 1, triangleV, true},
		{1, 1, 2, 2, 3, triangleHV, true},
		{1, 1, 2, 2, 2, replicate, true},
		{2, 1, 4, 2, 9, triangleHV, true},
		{1, 1, 4, 1, 9, replicate, true},
		{1, 2, 2, 4, 9, triangleHV, true},
		{2, 1, 3, 1, 9, 0, false},
		{1, 3, 1, 4, 9, 0, false},
	} {
		got, ok := chooseUpsampler(&component{h: c.h, v: c.v, width: c.width}, c.maxH, c.maxV)
		require.Equal(t, c.ok, ok, "%+v", c)
		require.Equal(t, c.want, got, "%+v", c)
	}
}

// TestColor compares with the conversion in real numbers: the fixed-point one is its rounding, up to one.
func TestColor(t *testing.T) {
	for i := 0; i < 1<<24; i += 997 {
		y, cb, cr := uint8(i>>16), uint8(i>>8), uint8(i)
		var got [3]uint8
		ycc(got[:], 3, []uint8{y}, []uint8{cb}, []uint8{cr})
		b, r := float64(cb)-128, float64(cr)-128
		for c, part := range [3]float64{float64(1.402 * r), float64(-0.344136*b) - float64(0.714136*r), float64(1.772 * b)} {
			require.InDelta(t, min(max(float64(y)+part, 0), 255), float64(got[c]), 0.51)
		}
	}
}

func TestToRGB(t *testing.T) {
	gray := &Image{Width: 2, Height: 1, Mode: Gray, Pix: []uint8{7, 200}}
	require.Equal(t, &Image{2, 1, RGB, []uint8{7, 7, 7, 200, 200, 200}}, gray.ToRGB())
	rgb := gray.ToRGB()
	require.Same(t, rgb, rgb.ToRGB())
	for ink := range 256 {
		for black := range 256 {
			m := &Image{1, 1, CMYK, []uint8{uint8(ink), 0, 255, uint8(black)}}
			light := float64(255 - black)
			taken := math.Round(float64(float64(ink)*light) / 255)
			require.Equal(t, []uint8{uint8(light - taken), uint8(light), 0}, m.ToRGB().Pix)
		}
	}
}

func TestNames(t *testing.T) {
	require.Equal(t, []string{"L", "RGB", "CMYK", "Mode(9)"}, []string{Gray.String(), RGB.String(), CMYK.String(), Mode(9).String()})
	require.Equal(t, []string{"gray", "YCCK", "ColorModel(9)"}, []string{ModelGray.String(), ModelYCCK.String(), ColorModel(9).String()})
}

func TestHuffTable(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 200 {
		var s huffSpec
		free, n := 1, 0
		for length := 1; length <= 16; length++ {
			free = min(free*2, 256)
			c := r.IntN(max(1, free/3+1))
			if length == 16 {
				c = 1
			}
			s.counts[length] = uint8(c)
			free, n = free-c, n+c
			if free < 2 || n > 150 {
				break
			}
		}
		for i := range s.symbols {
			s.symbols[i] = uint8(r.IntN(256))
		}
		table := newHuffTable(&s)
		require.NotNil(t, table)
		code, p := 0, 0
		for length := 1; length <= 16; length++ {
			for range s.counts[length] {
				// The code, then ones: what follows a code must not matter.
				w := uint64(code)<<(56-length) | (1<<(56-length) - 1)
				reader := bitReader{acc: w, n: 56}
				got, ok := reader.symbol(table)
				require.True(t, ok)
				require.Equal(t, s.symbols[p], got)
				require.Equal(t, 56-length, reader.n)
				code, p = code+1, p+1
			}
			code <<= 1
		}
	}
	for i := range 2 {
		require.NotNil(t, newHuffTable(&standardDC[i]))
		require.NotNil(t, newHuffTable(&standardAC[i]))
	}
}

func TestExtend(t *testing.T) {
	for _, c := range [][3]int32{{0, 0, 0}, {0, 1, -1}, {1, 1, 1}, {0, 3, -7}, {3, 3, -4}, {4, 3, 4}, {7, 3, 7}, {0, 15, -32767}} {
		require.Equal(t, c[2], extend(c[0], int(c[1])))
	}
}

// exif is a file with an Exif segment whose first directory has the given entries of 12 bytes.
func exif(order binary.AppendByteOrder, entries ...[]byte) []byte {
	tiff := []byte("II*\x00")
	if order.String() == "BigEndian" {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint16(order.AppendUint32(tiff, 8), uint16(len(entries)))
	tiff = append(tiff, bytes.Join(entries, nil)...)
	p := append([]byte("Exif\x00\x00"), order.AppendUint32(tiff, 0)...)
	return join(soi, segmentBytes(mAPP0, make([]byte, 14)...), segmentBytes(mAPP0+1, p...), eoi)
}

func entry(order binary.AppendByteOrder, tag, kind uint16, count uint32, value []byte) []byte {
	e := order.AppendUint32(order.AppendUint16(order.AppendUint16(nil, tag), kind), count)
	return append(append(e, value...), make([]byte, 4-len(value))...)
}

func TestOrientation(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		other := entry(order, 0x010F, 2, 3, []byte("ab"))
		short := func(v uint16) []byte { return entry(order, 274, 3, 1, order.AppendUint16(nil, v)) }
		for v := range uint16(12) {
			want := int(v)
			if v < 1 || v > 8 {
				want = 1
			}
			require.Equal(t, want, Orientation(exif(order, other, short(v))))
		}
		require.Equal(t, 1, Orientation(exif(order, other)))
		require.Equal(t, 1, Orientation(exif(order)))
		require.Equal(t, 6, Orientation(exif(order, entry(order, 274, 4, 1, order.AppendUint32(nil, 6)))))
		require.Equal(t, 5, Orientation(exif(order, entry(order, 274, 1, 1, []byte{5}))))
		require.Equal(t, 1, Orientation(exif(order, entry(order, 274, 2, 1, []byte{5}))), "a string")
		require.Equal(t, 1, Orientation(exif(order, entry(order, 274, 3, 2, order.AppendUint16(nil, 6)))), "two values")
		require.Equal(t, 6, Orientation(exif(order, short(6), short(3))), "the first counts")

		whole := exif(order, other, short(6))
		for n := range whole {
			got := Orientation(whole[:n])
			require.True(t, got == 1 || got == 6)
		}
		bad := bytes.Clone(whole)
		at := bytes.Index(bad, []byte("Exif")) + 6
		for _, offset := range []uint32{0, 4, 1 << 16, math.MaxUint32} {
			copy(bad[at+4:], order.AppendUint32(nil, offset))
			require.Equal(t, 1, Orientation(bad), "directory at %d", offset)
		}
		copy(bad[at+4:], order.AppendUint32(nil, 8))
		copy(bad[at+8:], order.AppendUint16(nil, 65535))
		require.Equal(t, 6, Orientation(bad), "more entries claimed than there are")
	}
	require.Equal(t, 1, Orientation(nil))
	require.Equal(t, 1, Orientation([]byte("no file")))
	require.Equal(t, 1, Orientation(fixture(t, "prog.jpg")))
}

// photo is a picture with slopes, edges and noise, made by the standard library's encoder (4:2:0 or gray).
func photo(t testing.TB, w, h int, gray bool) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(11, 12))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			edge := 60 * ((x/50 + y/70) % 2)
			v := func(a int) uint8 { return uint8(min(255, (a+edge)%200+r.IntN(12))) }
			m.SetRGBA(x, y, color.RGBA{v(x / 3), v(y / 3), v((x + y) / 5), 255})
		}
	}
	var src image.Image = m
	if gray {
		g := image.NewGray(m.Rect)
		for y := range h {
			for x := range w {
				g.Set(x, y, m.At(x, y))
			}
		}
		src = g
	}
	var out bytes.Buffer
	require.NoError(t, stdjpeg.Encode(&out, src, &stdjpeg.Options{Quality: 88}))
	return out.Bytes()
}

// TestAgainstStandardLibrary compares luminance, where the other decoder differs by its inverse DCT alone.
func TestAgainstStandardLibrary(t *testing.T) {
	data := photo(t, 301, 203, true)
	want, err := stdjpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	got, err := Decode(data, Options{})
	require.NoError(t, err)
	for y := range 203 {
		for x := range 301 {
			require.InDelta(t, want.(*image.Gray).GrayAt(x, y).Y, got.Pix[301*y+x], 1)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"420", photo(b, 1600, 1200, false)},
		{"gray", photo(b, 1600, 1200, true)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := Decode(c.data, Options{})
				require.NoError(b, err)
				b.SetBytes(int64(len(m.Pix)))
			}
		})
	}
}
