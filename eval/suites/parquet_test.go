package suites

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

type parquetPicture struct {
	Bytes []byte `parquet:"bytes,optional"`
	Path  string `parquet:"path"`
}

type parquetExample struct {
	Text    string           `parquet:"question"`
	Number  int32            `parquet:"number,dict"`
	Real    float64          `parquet:"real"`
	Flag    bool             `parquet:"flag"`
	None    *string          `parquet:"none,optional"`
	Options []string         `parquet:"options,list"`
	Image   *parquetPicture  `parquet:"image,optional"`
	Several []parquetPicture `parquet:"several,list"`
}

// parquetFile has rows in several groups and pages.
func parquetFile(t testing.TB, codec parquet.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[parquetExample](&b, codec, parquet.MaxRowsPerRowGroup(3), parquet.PageBufferSize(64))
	for i := range 10 {
		row := parquetExample{Text: string(rune('a' + i)), Number: int32(i / 2), Real: 0.5, Flag: i%2 == 0, Options: []string{"x", "y"}[:i%3]}
		if i%4 != 3 {
			row.Image = &parquetPicture{Bytes: bytes.Repeat([]byte{byte(i)}, 40), Path: "p.png"}
		}
		for j := range i % 3 {
			row.Several = append(row.Several, parquetPicture{Bytes: []byte{byte(10*i + j)}})
		}
		_, err := w.Write([]parquetExample{row})
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestParquet(t *testing.T) {
	for _, codec := range []parquet.WriterOption{parquet.Compression(&parquet.Snappy), parquet.Compression(&parquet.Uncompressed), parquet.Compression(&parquet.Zstd), parquet.Compression(&parquet.Gzip)} {
		d, err := OpenDir(files(t, map[string]string{"a.parquet": string(parquetFile(t, codec))}))
		require.NoError(t, err)
		p, err := openParquet(d, "a.parquet")
		require.NoError(t, err)
		require.Equal(t, 10, p.rows)
		require.Equal(t, []string{"question", "number", "real", "flag", "none", "options", "image.path", "several.path"}, p.columns)
		row := hubRow{t: p, row: 5}
		require.Equal(t, []string{"f", "2", "0.5", "false", ""}, []string{row.text("question"), row.text("number"), row.text("real"), row.text("flag"), row.text("none")})
		require.Equal(t, []string{"x", "y"}, row.list("options"))
		for _, i := range []int{0, 1, 4, 9, 2, 2, 8} { // in any order
			raw, err := p.images["image"].bytes(i, 100)
			require.NoError(t, err)
			require.Equal(t, bytes.Repeat([]byte{byte(i)}, 40), raw)
			raw, err = p.images["several"].bytes(i, 100)
			require.NoError(t, err)
			if i%3 == 0 {
				require.Nil(t, raw)
			} else {
				require.Equal(t, []byte{byte(10 * i)}, raw)
			}
		}
		raw, err := p.images["image"].bytes(3, 100)
		require.NoError(t, err)
		require.Nil(t, raw)
		_, err = p.images["image"].bytes(4, 39)
		require.ErrorContains(t, err, "at most 39 bytes")
		null, err := p.images["image"].null(10)
		require.NoError(t, err)
		require.Equal(t, []bool{false, false, false, true, false, false, false, true, false, false}, null)
		require.NoError(t, d.Close())
	}
}

// checkDamaged reads all of a parquet file, which may be anything.
func checkDamaged(t *testing.T, raw []byte) {
	d, err := OpenDir(files(t, map[string]string{"a.parquet": string(raw)}))
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	p, err := openParquet(d, "a.parquet")
	if err != nil {
		require.ErrorContains(t, err, "a.parquet")
		return
	}
	for _, images := range p.images {
		_, _ = images.null(p.rows)
		for row := range min(p.rows, 20) {
			_, _ = images.bytes(row, 1000)
		}
	}
}

// A damaged file is an error or gives other values; never a panic.
func TestDamagedParquet(t *testing.T) {
	whole := parquetFile(t, parquet.Compression(&parquet.Snappy))
	for n := range 40 {
		checkDamaged(t, whole[:len(whole)*n/40])
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		raw := bytes.Clone(whole)
		for range 1 + r.IntN(3) {
			raw[r.IntN(len(raw))] ^= byte(1 << r.IntN(8))
		}
		checkDamaged(t, raw)
	}
	huge := bytes.Clone(whole)
	binary.LittleEndian.PutUint32(huge[len(huge)-8:], 0xfffffff0)
	d, err := OpenDir(files(t, map[string]string{"a.parquet": string(huge)}))
	require.NoError(t, err)
	_, err = openParquet(d, "a.parquet")
	require.ErrorContains(t, err, "the footer has 4294967280 bytes")
}

func FuzzParquet(f *testing.F) {
	f.Add(parquetFile(f, parquet.Compression(&parquet.Snappy)))
	f.Add(parquetFile(f, parquet.Compression(&parquet.Uncompressed)))
	f.Fuzz(checkDamaged)
}

func TestPyList(t *testing.T) {
	for text, want := range map[string][]string{`['a', "it's", 'x\'y', "a\"b", '\\n\n', '\xe9', 'C:\dir']`: {"a", "it's", "x'y", `a"b`, "\\n\n", "é", `C:\dir`}, "[]": nil, "['a',]": {"a"}} {
		list, err := readPyList(text)
		require.NoError(t, err, text)
		require.Equal(t, want, list)
	}
	for _, text := range []string{"", "a", "['a", "['a'", "[a]", "['a' 'b']", `['a\']`} {
		_, err := readPyList(text)
		require.Error(t, err, text)
	}
}

// A zip file with an entry that leads out of its folder is not read; the error names both.
func TestZipThatLeadsOut(t *testing.T) {
	for _, name := range []string{"../up.png", "a/../../up.png", "/root.png", "a\\..\\..\\b.png", "a\x00.png", "..", "a/.."} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, n := range []string{"images/good.png", name} {
			f, err := w.Create(n)
			require.NoError(t, err)
			_, err = f.Write([]byte("x"))
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		dir := files(t, map[string]string{"images.zip": b.String()})
		d, err := OpenDir(dir)
		require.NoError(t, err)
		_, err = d.Picture("images/good.png", 100)
		if path.Clean(name) == "." {
			require.NoError(t, err, "the folder itself")
		} else {
			require.ErrorContains(t, err, fmt.Sprintf("%s: the entry %q leads out of the folder", filepath.Join(dir, "images.zip"), name))
			require.False(t, d.HasPicture("images/good.png"))
		}
		require.NoError(t, d.Close())
	}
}

// Any bytes as a zip file of pictures give errors or pictures within the limit, never a panic, and nothing outside the folder.
func FuzzArchive(f *testing.F) {
	for _, names := range [][]string{{"images/a.png", "./b.png"}, {"../a.png"}, {"a/", "a/b.png", "a/b.png"}, {"images.png"}} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for i, name := range names {
			e, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: uint16(8 * (i % 2))})
			require.NoError(f, err)
			if name[len(name)-1] != '/' {
				_, err = e.Write([]byte("a picture of some bytes, some bytes"))
				require.NoError(f, err)
			}
		}
		require.NoError(f, w.Close())
		f.Add(b.Bytes())
	}
	dir := files(f, map[string]string{"images.zip": ""})
	f.Fuzz(func(t *testing.T, raw []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "images.zip"), raw, 0o600))
		d, err := OpenDir(dir)
		require.NoError(t, err)
		for _, a := range d.archivesIn(".") {
			for name := range a.entries {
				require.True(t, filepath.IsLocal(name))
				const limit = 100
				if picture, err := d.Picture(name, limit); err == nil {
					require.LessOrEqual(t, len(picture), limit)
				}
				if in, err := d.random(name); err == nil {
					require.GreaterOrEqual(t, in.size, int64(0))
				}
			}
		}
		require.NoError(t, d.Close())
	})
}

// Links in a zip file are not followed; what unpacks to too much or is there twice is refused, and a broken zip file is named where
// something is missing.
func TestZipIsSafe(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name, text string, mode os.FileMode) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		require.NoError(t, err)
		_, err = f.Write([]byte(text))
		require.NoError(t, err)
	}
	add("./dot.png", "dot", 0o644)
	add("twice.png", "x", 0o644)
	add("twice.png", "y", 0o644)
	add("link.png", "/etc/passwd", os.ModeSymlink|0o777)
	add("__MACOSX/._good.png", "x", 0o644)
	add("images/good.png", "good", 0o644)
	add("images/bomb.png", string(make([]byte, unpackedFloor+2)), 0o644)
	require.NoError(t, w.Close())
	dir := files(t, map[string]string{"images.zip": b.String(), "broken.zip": "PK\x03\x04nothing"})
	d, err := OpenDir(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	for _, name := range []string{"../up.png", "up.png", "/root.png", "a\\b.png", "._good.png"} {
		_, err := d.Picture(name, 100)
		require.Error(t, err, name)
		require.False(t, d.HasPicture(name), name)
	}
	raw, err := d.Picture("dot.png", 100)
	require.NoError(t, err)
	require.Equal(t, "dot", string(raw))
	_, err = d.Picture("twice.png", 100)
	require.ErrorContains(t, err, `images.zip: there are two entries "twice.png"`)
	_, err = d.Picture("link.png", 100)
	require.ErrorContains(t, err, "no regular file")
	raw, err = d.Picture("images/good.png", 100)
	require.NoError(t, err)
	require.Equal(t, "good", string(raw))
	_, err = d.Picture("images/good.png", 3)
	require.ErrorContains(t, err, "at most 3 bytes")
	_, err = d.Picture("images/bomb.png", 1<<40)
	require.ErrorContains(t, err, "unpacks to more than")
	_, err = d.Picture("images/none.png", 100)
	require.ErrorContains(t, err, filepath.Join(dir, "broken.zip"))
	require.False(t, d.Exists("images/none.png"))
	require.True(t, d.Exists("images"))
}
