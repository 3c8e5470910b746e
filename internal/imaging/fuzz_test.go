package imaging

import (
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

// FuzzExifOrientation must stay within 1..8.
func FuzzExifOrientation(f *testing.F) {
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		require.Contains(t, []int{1, 2, 3, 4, 5, 6, 7, 8}, exifOrientation(data))
	})
}
