package imaging

import (
	"archive/zip"
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixtures is testdata/pillow.zip, made by testdata/pillow.py: files with what Pillow reads from them, and the digests
// of resized pictures.
type fixtures struct {
	files  map[string][]byte
	decode []struct {
		Name          string `json:"name"`
		Bytes         int    `json:"bytes"`
		Format        string `json:"format"`
		Mode          string `json:"mode"`
		Width, Height int
		SHA256        string `json:"sha256"` // first 16 digits
		Error         string `json:"error"`  // class of a damaged file's error
	}
	resize []struct {
		Seed   uint64 `json:"seed"`
		From   [2]int `json:"from"`
		To     [2]int `json:"to"`
		Filter Filter `json:"filter"`
		SHA256 string `json:"sha256"`
	}
}

func readFixtures(t testing.TB) fixtures {
	t.Helper()
	z, err := zip.OpenReader("testdata/pillow.zip")
	require.NoError(t, err)
	defer z.Close()
	read := func(name string) []byte {
		f, err := z.Open(name)
		require.NoError(t, err)
		defer f.Close()
		data, err := io.ReadAll(f)
		require.NoError(t, err)
		return data
	}
	fx := fixtures{files: map[string][]byte{}}
	require.NoError(t, json.Unmarshal(read("decode.json"), &fx.decode))
	require.NoError(t, json.Unmarshal(read("resize.json"), &fx.resize))
	all := read("cases.bin")
	for _, c := range fx.decode {
		fx.files[c.Name], all = all[:c.Bytes:c.Bytes], all[c.Bytes:]
	}
	require.Empty(t, all)
	return fx
}

// hashNoise is the function noise of testdata/pillow.py: a hash of the byte's index.
func hashNoise(seed uint64, w, h int) *RGB {
	m := NewRGB(Size{w, h})
	for i := range m.Pix {
		v := (uint64(i)*2654435761 + seed*40503) & 0xffffffff
		v ^= v >> 15
		v = v * 2246822519 & 0xffffffff
		v ^= v >> 13
		m.Pix[i] = uint8(v >> 24)
	}
	return m
}
