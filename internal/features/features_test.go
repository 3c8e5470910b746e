package features

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func key(i byte) Key { return Key{i} }

func values(i byte) []float32 { return []float32{float32(i), -1, 0.5} }

func filled(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".features")
	s, err := Open(path, "code", 1<<20)
	require.NoError(t, err)
	for i := range byte(3) {
		s.Put(key(i), values(i))
	}
	require.NoError(t, s.Err())
	require.NoError(t, s.Close())
	return path
}

// kept lists the keys whose values are found unchanged.
func kept(t *testing.T, path, made string) (found []byte) {
	t.Helper()
	s, err := Open(path, made, 1<<20)
	require.NoError(t, err)
	defer s.Close()
	for i := range byte(3) {
		got := make([]float32, 3)
		if s.Get(key(i), got) {
			require.Equal(t, values(i), got)
			found = append(found, i)
		}
	}
	require.False(t, s.Get(key(0), make([]float32, 2)), "another number of values")
	return found
}

func TestStore(t *testing.T) {
	path := filled(t)
	require.Equal(t, []byte{0, 1, 2}, kept(t, path, "code"))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	size := int(record(3))
	first := len(whole) - 3*size
	for name, c := range map[string]struct {
		file []byte
		want []byte
	}{
		"cut in the last":      {whole[:len(whole)-1], []byte{0, 1}},
		"a bit in the second":  {flipped(whole, first+size+50), []byte{0}},
		"a key":                {flipped(whole, first), nil},
		"a length":             {flipped(whole, first+size+35), []byte{0}},
		"cut in the header":    {whole[:5], nil},
		"something else":       {[]byte("hello, this is no file of features at all"), nil},
		"nothing":              {nil, nil},
		"more behind the last": {append(append([]byte(nil), whole...), 1, 2, 3), []byte{0, 1, 2}},
	} {
		require.NoError(t, os.WriteFile(path, c.file, 0o644))
		require.Equal(t, c.want, kept(t, path, "code"), name)
	}
	require.Nil(t, kept(t, filled(t), "other code"))
}

func flipped(b []byte, at int) []byte {
	c := append([]byte(nil), b...)
	c[at] ^= 1
	return c
}

// A record that is damaged after it was read once is noticed as well.
func TestStoreNoticesDamage(t *testing.T) {
	path := filled(t)
	s, err := Open(path, "code", 1<<20)
	require.NoError(t, err)
	defer s.Close()
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, flipped(whole, len(whole)-6), 0o644))
	require.False(t, s.Get(key(2), make([]float32, 3)))
	require.True(t, s.Get(key(1), make([]float32, 3)))
}

// The first come are kept, up to the limit.
func TestStoreIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".features")
	s, err := Open(path, "code", 2*record(3)+60)
	require.NoError(t, err)
	defer s.Close()
	for range 2 {
		for i := range byte(9) {
			s.Put(key(i), values(i))
		}
	}
	views, hits := s.Kept()
	require.Equal(t, 2, views)
	require.Zero(t, hits)
	require.True(t, s.Get(key(0), make([]float32, 3)))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), 2*record(3)+60)
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "seed")
	s, err := Open(path, "code", 1<<30)
	require.NoError(f, err)
	s.Put(key(1), values(1))
	require.NoError(f, s.Close())
	whole, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, b, 0o644))
		s, err := Open(path, "code", 1<<30)
		require.NoError(t, err)
		defer s.Close()
		got := make([]float32, 3)
		s.Put(key(9), values(9))
		require.True(t, s.Get(key(9), got))
		require.Equal(t, values(9), got)
	})
}
