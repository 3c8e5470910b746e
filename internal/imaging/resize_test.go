package imaging

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// parallel splits the work in three, at the same time.
func parallel(n int, body func(lo, hi int)) {
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() { body(n*i/3, n*(i+1)/3) })
	}
	wg.Wait()
}

func TestResizeAgainstPillow(t *testing.T) {
	fx := readFixtures(t)
	require.NotEmpty(t, fx.resize)
	for i, c := range fx.resize {
		src := hashNoise(c.Seed, c.From[0], c.From[1])
		var loop For
		if i%2 == 0 {
			loop = parallel
		}
		got, err := ResizeRGB(src, Size{c.To[0], c.To[1]}, c.Filter, loop)
		require.NoError(t, err)
		require.Equal(t, c.SHA256, got.PixelSHA256()[:16], "%v to %v with %s", c.From, c.To, c.Filter)
	}
}

// hexRows prints one channel of a picture as rows of hexadecimal bytes.
func hexRows(m *RGB, channel int) string {
	var b strings.Builder
	for y := range m.Height {
		for x := range m.Width {
			fmt.Fprintf(&b, "%02x ", m.Pix[3*(y*m.Width+x)+channel])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// A checker of two by two squares, as Pillow 9.4 resizes it: enlarged from 2x2, and reduced from 8x8 with squares of 4.
func TestResizeChecker(t *testing.T) {
	checker := func(n int) *RGB {
		m := NewRGB(Size{n, n})
		for i := range n * n {
			if (i%n*2/n+i/n*2/n)%2 == 0 {
				copy(m.Pix[3*i:], []uint8{0xe1, 0x80, 0xff})
			} else {
				copy(m.Pix[3*i:], []uint8{0x1e, 0x80, 0x00})
			}
		}
		return m
	}
	for _, c := range []struct {
		from, to int
		filter   Filter
		want     string
	}{
		{2, 4, Bilinear, `
			e1 b0 4f 1e
			b0 98 67 4f
			4f 67 98 b0
			1e 4f b0 e1`},
		{2, 4, Bicubic, `
			ff c3 3c 00
			c3 a1 5e 3c
			3c 5e a1 c3
			00 3c c3 ff`},
		{2, 4, Lanczos, `
			ff c6 39 00
			c4 9c 63 3b
			3b 63 9c c4
			00 39 c6 ff`},
		{8, 4, Bilinear, `
			e1 c9 36 1e
			c9 b7 48 36
			36 48 b7 c9
			1e 36 c9 e1`},
		{8, 4, Bicubic, `
			e5 d6 29 1a
			d6 c9 36 29
			29 36 c9 d6
			1a 29 d6 e5`},
		{8, 4, Lanczos, `
			e7 da 25 18
			da ce 31 25
			25 31 ce da
			18 25 da e7`},
	} {
		got, err := ResizeRGB(checker(c.from), Size{c.to, c.to}, c.filter, nil)
		require.NoError(t, err)
		require.Equal(t, strings.Join(strings.Fields(c.want), " "), strings.Join(strings.Fields(hexRows(got, 0)), " "), "%d to %d %s: red\n%s", c.from, c.to, c.filter, hexRows(got, 0))
		require.Equal(t, strings.Repeat("80 ", c.to*c.to), strings.ReplaceAll(hexRows(got, 1), "\n", ""), "green is constant")
	}
}

func TestResizeKeepsConstantAndIdentity(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		from := Size{1 + r.IntN(90), 1 + r.IntN(90)}
		to := Size{1 + r.IntN(90), 1 + r.IntN(90)}
		filter := []Filter{Bicubic, Lanczos, Bilinear}[r.IntN(3)]
		c := Color{uint8(r.Uint32()), 0, 255}
		flat := NewRGB(from)
		flat.Fill(c)
		want := NewRGB(to)
		want.Fill(c)
		got, err := ResizeRGB(flat, to, filter, nil)
		require.NoError(t, err)
		require.Equal(t, want, got, "%v to %v with %s", from, to, filter)

		src := noise(from.W, from.H)
		same, err := ResizeRGB(src, from, filter, nil)
		require.NoError(t, err)
		require.Equal(t, src, same)
		require.NotSame(t, src, same)
	}
}

// Transposing or mirroring before and after a resize in one direction changes nothing; in both directions the order of
// the passes shows.
func TestResizeSymmetry(t *testing.T) {
	src := noise(37, 23)
	wide, err := ResizeRGB(src, Size{80, 23}, Bicubic, nil)
	require.NoError(t, err)
	turned, err := ResizeRGB(src.oriented(5), Size{23, 80}, Bicubic, nil)
	require.NoError(t, err)
	require.Equal(t, wide, turned.oriented(5))
	mirrored, err := ResizeRGB(src.oriented(4), Size{80, 23}, Bicubic, nil)
	require.NoError(t, err)
	require.Equal(t, wide, mirrored.oriented(4))
}

func TestResizeRefuses(t *testing.T) {
	src := noise(4, 4)
	for _, c := range []struct {
		src    *RGB
		to     Size
		filter Filter
		want   string
	}{
		{nil, Size{1, 1}, Bicubic, "no picture"},
		{&RGB{Width: 2, Height: 2, Pix: make([]uint8, 11)}, Size{1, 1}, Bicubic, "picture of 2x2 pixels has 11 bytes"},
		{&RGB{Width: -2, Height: 2}, Size{1, 1}, Bicubic, "picture of -2x2 pixels"},
		{src, Size{0, 4}, Bicubic, "must be positive"},
		{src, Size{4, -1}, Bicubic, "must be positive"},
		{src, Size{4, 4}, "nearest", `unknown filter "nearest" (known: bicubic, lanczos, bilinear)`},
		{src, Size{1 << 20, 1 << 20}, Bicubic, "above the limit"},
		{src, Size{math.MaxInt, 4}, Bicubic, "above the limit"},
	} {
		_, err := ResizeRGB(c.src, c.to, c.filter, nil)
		require.ErrorContains(t, err, c.want)
	}
}

// sin is compared with values of the C library (glibc 2.36).
func TestSin(t *testing.T) {
	for _, x := range []float64{0.5, 1, math.Pi / 4, math.Pi / 2, math.Pi, 2, 3, -4, 5.5, -7, 8, 9.4} {
		require.InEpsilon(t, math.Sin(x), sin(x), 3e-15, "%v", x)
		require.Equal(t, -sin(x), sin(-x))
	}
	require.Equal(t, 1.2246467991473532e-16, sin(math.Pi))
	require.Equal(t, 0.8414709848078965, sin(1))
	require.Equal(t, -0.9589242746631385, sin(5))
	require.Equal(t, 0.0, sin(0))
}

func FuzzResize(f *testing.F) {
	f.Add(uint8(5), uint8(7), uint8(12), uint8(3), uint8(0), uint8(200))
	f.Add(uint8(1), uint8(1), uint8(255), uint8(1), uint8(1), uint8(255))
	f.Add(uint8(255), uint8(2), uint8(1), uint8(255), uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, w, h, toW, toH, filter, v uint8) {
		from, to := Size{int(w), int(h)}, Size{int(toW), int(toH)}
		if from.W*from.H == 0 || to.W*to.H == 0 {
			return
		}
		fl := []Filter{Bicubic, Lanczos, Bilinear}[filter%3]
		src := NewRGB(from)
		src.Fill(Color{v, v ^ 0xff, 0x80})
		got, err := ResizeRGB(src, to, fl, nil)
		require.NoError(t, err)
		want := NewRGB(to)
		want.Fill(Color{v, v ^ 0xff, 0x80})
		require.Equal(t, want.Pix, got.Pix, "a constant picture stays constant")

		src = noise(from.W, from.H)
		whole, err := ResizeRGB(src, to, fl, parallel)
		require.NoError(t, err)
		part := Rect{to.W / 3, to.H / 4, (to.W + 1) / 2, (to.H + 1) / 2}
		region, err := resizeRegion(asSource(src), to, fl, part, nil)
		require.NoError(t, err)
		cut, err := copyRegion(asSource(whole), part)
		require.NoError(t, err)
		require.Equal(t, cut, region, "a part of the result is computed as in the whole")
	})
}
