package jpeg

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// segmentBytes is a marker with its parameters.
func segmentBytes(code byte, p ...byte) []byte {
	n := len(p) + 2
	return append([]byte{0xFF, code, byte(n >> 8), byte(n)}, p...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// Parts of small files: a frame of w x h pixels, tables with codes 0 (symbol 0) and, for AC, 01 (a long end-of-band run)
// and 100 (a value of one bit).
var (
	soi   = []byte{0xFF, mSOI}
	eoi   = []byte{0xFF, mEOI}
	steps = segmentBytes(mDQT, make([]byte, 65)...)
	codes = join(
		segmentBytes(mDHT, append(append([]byte{0x00, 1}, make([]byte, 15)...), 0)...),
		segmentBytes(mDHT, append(append([]byte{0x10, 0, 2, 1}, make([]byte, 13)...), 0x00, 0xE0, 0x01)...),
	)
)

func frame(code byte, w, h int, components int) []byte {
	p := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(components)}
	for i := range components {
		p = append(p, byte(i+1), 0x11, 0)
	}
	return segmentBytes(code, p...)
}

// scanHeader is an SOS of the given components, all with tables 0.
func scanHeader(first, last, high, low int, ids ...byte) []byte {
	p := []byte{byte(len(ids))}
	for _, id := range ids {
		p = append(p, id, 0)
	}
	return segmentBytes(mSOS, append(p, byte(first), byte(last), byte(high<<4|low))...)
}

// patched is base with bytes replaced at an offset.
func patched(base []byte, at int, b ...byte) []byte {
	out := bytes.Clone(base)
	copy(out[at:], b)
	return out
}

func TestMalformed(t *testing.T) {
	head := join(soi, steps, codes)
	gray := join(head, frame(mSOF0, 8, 8, 1), scanHeader(0, 63, 0, 0, 1), []byte{0}, eoi)
	_, err := Decode(gray, Options{})
	require.NoError(t, err, "the file that others are made from")
	ac := scanHeader(1, 63, 0, 0, 1)
	for name, c := range map[string]struct {
		data []byte
		kind error
		text string
	}{
		"empty":            {nil, ErrTruncated, "no SOI"},
		"png":              {[]byte("\x89PNG\r\n\x1a\n"), ErrFormat, "instead of"},
		"junk after SOI":   {join(soi, []byte{0}, gray[2:]), ErrFormat, "second marker"},
		"only SOI":         {soi, ErrTruncated, "no end-of-image"},
		"jpeg 2000":        {[]byte("\xFF\x4F\xFF\x51\x00\x2F"), ErrUnsupported, "JPEG 2000"},
		"jp2":              {[]byte("\x00\x00\x00\x0CjP  \r\n\x87\n"), ErrUnsupported, "JPEG 2000"},
		"jpeg-ls":          {join(soi, frame(mJPG7, 8, 8, 1)), ErrUnsupported, "JPEG-LS"},
		"lossless":         {join(soi, frame(0xC3, 8, 8, 1)), ErrUnsupported, "lossless"},
		"arithmetic":       {join(soi, frame(0xC9, 8, 8, 1)), ErrUnsupported, "arithmetic"},
		"arithmetic prog":  {join(soi, frame(0xCA, 8, 8, 1)), ErrUnsupported, "arithmetic"},
		"hierarchical":     {join(soi, frame(0xC5, 8, 8, 1)), ErrUnsupported, "hierarchical"},
		"hierarchical DHP": {join(soi, frame(mDHP, 8, 8, 1)), ErrUnsupported, "hierarchical"},
		"12 bits":          {join(soi, patched(frame(mSOF1, 8, 8, 1), 4, 12)), ErrUnsupported, "12 bits"},
		"width 0":          {join(soi, frame(mSOF0, 0, 8, 1)), ErrFormat, "width 0"},
		"height 0":         {join(soi, frame(mSOF0, 8, 0, 1)), ErrUnsupported, "DNL"},
		"2 components":     {join(soi, frame(mSOF0, 8, 8, 2)), ErrUnsupported, "2 components"},
		"0 components":     {join(soi, frame(mSOF0, 8, 8, 0)), ErrUnsupported, "0 components"},
		"5 components":     {join(soi, frame(mSOF0, 8, 8, 5)), ErrUnsupported, "5 components"},
		"frame too short":  {join(soi, segmentBytes(mSOF0, 8, 0, 8, 0, 8)), ErrFormat, "SOF0"},
		"frame length":     {join(soi, segmentBytes(mSOF0, 8, 0, 8, 0, 8, 3, 1, 0x11, 0)), ErrFormat, "SOF0"},
		"sampling 0":       {join(soi, patched(frame(mSOF0, 8, 8, 1), 11, 0x10)), ErrFormat, "1x0"},
		"sampling 5":       {join(soi, patched(frame(mSOF0, 8, 8, 1), 11, 0x51)), ErrFormat, "5x1"},
		"sampling 3 to 2": {join(head, patched(patched(frame(mSOF0, 8, 8, 3), 11, 0x31), 14, 0x21),
			scanHeader(0, 63, 0, 0, 1)), ErrUnsupported, "do not divide"},
		"second frame":    {join(soi, frame(mSOF0, 8, 8, 1), frame(mSOF0, 8, 8, 1)), ErrFormat, "second frame"},
		"second SOI":      {join(soi, soi), ErrFormat, "second SOI"},
		"no frame":        {join(head, ac), ErrFormat, "no frame header"},
		"no scan":         {join(head, frame(mSOF0, 8, 8, 1), eoi), ErrFormat, "before the first scan"},
		"TEM":             {join(soi, []byte{0xFF, mTEM}, gray[2:]), ErrFormat, "TEM"},
		"reserved marker": {join(soi, segmentBytes(0xF0), gray[2:]), ErrFormat, "FFF0"},
		"quant number":    {join(soi, patched(steps, 4, 4)), ErrFormat, "table 4"},
		"quant short":     {join(soi, segmentBytes(mDQT, make([]byte, 40)...)), ErrFormat, "39 bytes of 64"},
		"quant 16 short":  {join(soi, patched(steps, 4, 0x10)), ErrFormat, "64 bytes of 128"},
		"quant length 1":  {join(soi, []byte{0xFF, mDQT, 0, 1}), ErrFormat, "length 1"},
		"quant cut":       {join(soi, steps[:50]), ErrTruncated, "only 48 bytes left"},
		"no quant":        {join(soi, codes, frame(mSOF0, 8, 8, 1), scanHeader(0, 63, 0, 0, 1)), ErrFormat, "no quantisation"},
		"huff number":     {join(soi, patched(codes, 4, 0x04)), ErrFormat, "number 4"},
		"huff class":      {join(soi, patched(codes, 4, 0x20)), ErrFormat, "class 2"},
		"huff short":      {join(soi, segmentBytes(mDHT, 0, 1)), ErrFormat, "at least 17"},
		"huff symbols":    {join(soi, patched(codes, 5, 9)), ErrFormat, "9 codes"},
		"huff too many":   {join(soi, patched(codes, 5, 200, 200)), ErrFormat, "400 codes"},
		"huff not a code": {huffFile(mSOF0, 0, []byte{0, 1, 2}, 1), ErrFormat, "not those of a code"},
		"huff all ones":   {huffFile(mSOF0, 0, []byte{0, 1}, 1), ErrFormat, "not those of a code"},
		"huff DC symbol":  {huffFile(mSOF0, 0, []byte{16}, 1), ErrFormat, "symbol 16"},
		"huff missing":    {join(soi, steps, frame(mSOF2, 8, 8, 1), scanHeader(0, 0, 0, 0, 1)), ErrFormat, "no DC Huffman"},
		"restart length":  {join(soi, segmentBytes(mDRI, 0)), ErrFormat, "DRI"},
		"DNL":             {join(gray[:len(gray)-2], segmentBytes(mDNL, 0, 9), eoi), ErrUnsupported, "DNL"},
		"DNL length":      {join(gray[:len(gray)-2], segmentBytes(mDNL, 0), eoi), ErrFormat, "DNL"},
		"scan length":     {join(head, frame(mSOF0, 8, 8, 1), segmentBytes(mSOS, 1, 1, 0, 0, 63)), ErrFormat, "SOS"},
		"scan empty":      {join(head, frame(mSOF0, 8, 8, 1), segmentBytes(mSOS)), ErrFormat, "SOS"},
		"scan of 0":       {join(head, frame(mSOF0, 8, 8, 1), scanHeader(0, 63, 0, 0)), ErrFormat, "SOS"},
		"scan component":  {join(head, frame(mSOF0, 8, 8, 1), scanHeader(0, 63, 0, 0, 7)), ErrFormat, "number 7"},
		"scan twice":      {join(head, frame(mSOF0, 8, 8, 3), scanHeader(0, 63, 0, 0, 2, 2)), ErrFormat, "taken"},
		"scan table":      {join(head, frame(mSOF0, 8, 8, 1), segmentBytes(mSOS, 1, 1, 0x30, 0, 63, 0)), ErrFormat, "table 3"},
		"MCU too large":   {join(head, bigUnit(), scanHeader(0, 63, 0, 0, 1, 2, 3)), ErrFormat, "blocks in an MCU"},
		"second scan":     {join(gray[:len(gray)-2], scanHeader(0, 63, 0, 0, 1)), ErrFormat, "complete"},
		"prog DC and AC":  {join(head, frame(mSOF2, 8, 8, 1), scanHeader(0, 63, 0, 0, 1)), ErrFormat, "0-63"},
		"prog band":       {join(head, frame(mSOF2, 8, 8, 1), scanHeader(9, 5, 0, 0, 1)), ErrFormat, "9-5"},
		"prog band end":   {join(head, frame(mSOF2, 8, 8, 1), scanHeader(1, 64, 0, 0, 1)), ErrFormat, "1-64"},
		"prog bits":       {join(head, frame(mSOF2, 8, 8, 1), scanHeader(0, 0, 3, 1, 1)), ErrFormat, "bits 3-1"},
		"prog low bit":    {join(head, frame(mSOF2, 8, 8, 1), scanHeader(0, 0, 0, 14, 1)), ErrFormat, "bits 0-14"},
		"prog AC of 2":    {join(head, frame(mSOF2, 8, 8, 3), scanHeader(1, 63, 0, 0, 1, 2)), ErrFormat, "2 components"},
		"prog no end":     {join(head, frame(mSOF2, 8, 8, 1), scanHeader(0, 0, 0, 0, 1), []byte{0}), ErrTruncated, "no end"},
		"restart no end": {join(head, segmentBytes(mDRI, 0, 1), frame(mSOF0, 8, 64, 1), scanHeader(0, 63, 0, 0, 1), []byte{0, 0xFF, mRST0, 0}),
			ErrTruncated, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Decode(c.data, Options{})
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
			require.Nil(t, m)
		})
	}
}

// huffFile is a gray file whose DC or AC table 0 has the given symbols, all of one length.
func huffFile(code, class byte, symbols []byte, length int) []byte {
	p := make([]byte, 17)
	p[0], p[length] = class, byte(len(symbols))
	table := segmentBytes(mDHT, append(p, symbols...)...)
	return join(soi, steps, codes, table, frame(code, 8, 8, 1), scanHeader(0, 63, 0, 0, 1), []byte{0}, eoi)
}

// bigUnit is a frame with 12 blocks in an MCU of all components.
func bigUnit() []byte {
	f := frame(mSOF0, 8, 8, 3)
	f[11], f[14], f[17] = 0x22, 0x22, 0x22
	return f
}

func TestErrorsSayWhere(t *testing.T) {
	_, err := Decode(join(soi, patched(steps, 4, 4)), Options{})
	require.EqualError(t, err, "malformed jpeg: offset 4: DQT: table 4, at most 3")
}

func TestLimits(t *testing.T) {
	gray := fixture(t, "gray.jpg") // 27 x 18
	_, err := Decode(gray, Options{MaxPixels: 27 * 18})
	require.NoError(t, err)
	_, err = Decode(gray, Options{MaxPixels: 27*18 - 1})
	require.ErrorIs(t, err, ErrLimit)
	require.ErrorContains(t, err, "27 x 18 pixels")
	_, err = Decode(gray, Options{MaxPixels: -1})
	require.ErrorIs(t, err, ErrLimit)

	head := join(soi, steps, codes)
	for name, data := range map[string][]byte{
		"65535 squared": join(head, frame(mSOF2, 65535, 65535, 3), scanHeader(0, 0, 0, 0, 1, 2, 3), make([]byte, 1000), eoi),
		"65535 wide":    join(head, frame(mSOF0, 65535, 1, 1), scanHeader(0, 63, 0, 0, 1), make([]byte, 10_000), eoi),
		"scans": join(head, frame(mSOF2, 8, 8, 1),
			bytes.Repeat(join(scanHeader(0, 0, 1, 0, 1), []byte{0}), MaxScans+1), eoi),
		"visits": join(head, frame(mSOF2, 8, 8, 1), scanHeader(0, 0, 0, 0, 1), []byte{0},
			bytes.Repeat(join(scanHeader(1, 63, 1, 0, 1), []byte{0}), maxPasses+1), eoi),
	} {
		_, err := Decode(data, Options{})
		require.ErrorIs(t, err, ErrLimit, name)
	}
	scans := join(head, frame(mSOF2, 8, 8, 1), bytes.Repeat(join(scanHeader(0, 0, 1, 0, 1), []byte{0}), MaxScans), eoi)
	_, err = Decode(scans, Options{})
	require.NoError(t, err)
}

// TestCheapBombs decodes files of few bytes that claim much work.
func TestCheapBombs(t *testing.T) {
	head := join(soi, steps, codes)
	const side = 3000
	few := join(head, frame(mSOF0, side, side, 3), scanHeader(0, 63, 0, 0, 1, 2, 3), make([]byte, 100), eoi)
	_, err := Decode(few, Options{})
	require.ErrorIs(t, err, ErrTruncated)
	require.ErrorContains(t, err, "102 bytes left for 3000 x 3000 pixels")

	start := time.Now()
	dc := join(head, frame(mSOF2, side, side, 1), scanHeader(0, 0, 0, 1, 1), make([]byte, 20_000))
	refine := join(scanHeader(0, 0, 1, 0, 1), []byte{0}) // no bits for nearly all blocks
	run := join(scanHeader(5, 5, 1, 0, 1), bytes.Repeat([]byte{0x7F, 0xFF, 0}, 5))
	m, err := Decode(join(dc, bytes.Repeat(refine, 200), bytes.Repeat(run, 200), eoi), Options{})
	require.NoError(t, err)
	require.Equal(t, side, m.Width)
	require.Less(t, time.Since(start), 20*time.Second, "skipping blocks without data is not cheap any more")
}

// TestDamage cuts small files at every byte and changes bytes in them: the result is an error or a picture.
func TestDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"420_5x3.jpg", "prog.jpg", "gray_restart.jpg", "cmyk_420.jpg", "quality100.jpg", "smooth_2.jpg"} {
		data := fixture(t, name)
		whole, err := Decode(data, Options{})
		require.NoError(t, err)
		for n := range len(data) - 1 {
			m, err := Decode(data[:n], Options{})
			requireEither(t, m, err)
			if len(data)-n > 20 {
				require.Error(t, err, "%s cut to %d bytes", name, n)
			} else if err == nil {
				require.Equal(t, whole, m, "%s cut to %d bytes", name, n)
			}
		}
		for range 300 {
			bad := bytes.Clone(data)
			for range 1 + r.IntN(3) {
				bad[r.IntN(len(bad))] = uint8(r.IntN(256))
			}
			m, err := Decode(bad, Options{MaxPixels: 1 << 16})
			requireEither(t, m, err)
		}
	}
}

func requireEither(t *testing.T, m *Image, err error) {
	t.Helper()
	if err != nil {
		require.Nil(t, m)
		for _, kind := range []error{ErrFormat, ErrUnsupported, ErrTruncated, ErrLimit} {
			if bytes.HasPrefix([]byte(err.Error()), []byte(kind.Error())) {
				require.ErrorIs(t, err, kind)
				return
			}
		}
		t.Fatalf("error of no kind: %v", err)
	}
	require.Len(t, m.Pix, m.Width*m.Height*m.Mode.Channels())
}

func FuzzDecode(f *testing.F) {
	names, _ := fixtures(f)
	for _, name := range names {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 16
		m, err := Decode(data, Options{MaxPixels: limit})
		requireEither(t, m, err)
		o := Orientation(data)
		require.True(t, o >= 1 && o <= 8)
		if err != nil {
			return
		}
		require.LessOrEqual(t, m.Width*m.Height, limit)
		c, err := DecodeConfig(data)
		require.NoError(t, err)
		require.Equal(t, []int{m.Width, m.Height}, []int{c.Width, c.Height})
		require.Len(t, m.ToRGB().Pix, 3*m.Width*m.Height)
		again, err := Decode(data, Options{MaxPixels: limit})
		require.NoError(t, err)
		require.True(t, bytes.Equal(m.Pix, again.Pix))
	})
}
