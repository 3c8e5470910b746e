package imaging

import (
	"bytes"
	"compress/zlib"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzDecode feeds changed fixtures of all formats. Whatever comes, Decode gives an error of a known class or a whole
// picture within the limits, the same each time.
func FuzzDecode(f *testing.F) {
	fx := readFixtures(f)
	for _, data := range fx.files {
		f.Add(data)
	}
	limits := Limits{Bytes: 1 << 20, Pixels: 1 << 16, Side: 1 << 12}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, info, err := Decode(data, DecodeOptions{Limits: limits})
		if err != nil {
			require.Nil(t, m)
			require.NotNil(t, classOf(err), "%v", err)
			return
		}
		require.NoError(t, m.check())
		require.Equal(t, m.Size(), info.Size)
		require.LessOrEqual(t, m.Width*m.Height, limits.Pixels)
		require.GreaterOrEqual(t, info.Orientation, 1)
		require.LessOrEqual(t, info.Orientation, 8)
		turned, _, err := Decode(data, DecodeOptions{Limits: limits, HonourOrientation: true})
		require.NoError(t, err)
		require.Len(t, turned.Pix, len(m.Pix))
	})
}

// FuzzPNG builds PNG files whose checksums are right, so that changes reach the pixels.
func FuzzPNG(f *testing.F) {
	f.Add(uint16(5), uint16(3), uint8(8), uint8(2), false, []byte{}, []byte("\x04abcdefghijklmno\x01abcdefghijklmno"))
	f.Add(uint16(9), uint16(9), uint8(4), uint8(3), true, []byte("rgbRGB"), []byte("\x00\x00\x03\x10"))
	f.Add(uint16(2), uint16(2), uint8(16), uint8(0), false, []byte{}, []byte("\x02\x00\xff\x01\x00\x03abcd"))
	f.Fuzz(func(t *testing.T, w, h uint16, depth, colour uint8, interlaced bool, palette, raw []byte) {
		var z bytes.Buffer
		zw := zlib.NewWriter(&z)
		_, err := zw.Write(raw)
		require.NoError(t, err)
		require.NoError(t, zw.Close())
		method := "\x00"
		if interlaced {
			method = "\x01"
		}
		head := string([]byte{0, 0, byte(w >> 8), byte(w), 0, 0, byte(h >> 8), byte(h), depth, colour, 0, 0})
		file := pngSignature + pngChunk("IHDR", head+method)
		if len(palette) > 0 {
			file += pngChunk("PLTE", string(palette))
		}
		file += pngChunk("IDAT", z.String()) + pngChunk("IEND", "")
		m, _, err := Decode([]byte(file), DecodeOptions{Limits: Limits{Pixels: 1 << 16}})
		if err != nil {
			require.NotNil(t, classOf(err), "%v", err)
			return
		}
		require.NoError(t, m.check())
		require.Equal(t, Size{int(w), int(h)}, m.Size())
	})
}

// FuzzExifOrientation must stay within 1..8.
func FuzzExifOrientation(f *testing.F) {
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		require.Contains(t, []int{1, 2, 3, 4, 5, 6, 7, 8}, exifOrientation(data))
	})
}
