package suites

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Pictures are read where they lie: of a row, of the row that another one names, quoted, the first of a list; also out of a
// compressed table.
func TestTablePictures(t *testing.T) {
	abc := strings.Repeat("QUJD", 20)
	table := "\ufeffindex\timage\tquestion\r\n0\t" + abc + "\tWhat\r\n\r\n1\t0\t\"a\tb \"\"c\"\"\nd\" e\n2\t\t\n3\t2\t\n4\t[x\t\n5\tQ*" + abc + "\t\n6\t\"" + abc + "\"\t\n7\t['" + abc + "', 'QQ==']\t"
	for _, name := range []string{"t.tsv", "t.tsv.gz"} {
		d, err := OpenDir(files(t, map[string]string{name: table}))
		require.NoError(t, err)
		defer func() { require.NoError(t, d.Close()) }()
		rows, err := readTSV(d, "t.tsv")
		require.NoError(t, err)
		require.Len(t, rows.list, 8)
		require.Equal(t, "a\tb \"c\"\nd e", rows.list[1].cells["question"])
		require.Equal(t, "What", rows.list[0].cells["question"])
		require.Equal(t, 4, rows.list[1].line)
		names := rows.pictures(d)
		require.Equal(t, "t.tsv#7", names[7])
		for _, i := range []int{0, 1, 6, 7} {
			raw, err := d.Picture(names[i], 60)
			require.NoError(t, err, i)
			require.Equal(t, strings.Repeat("ABC", 20), string(raw))
			require.True(t, d.HasPicture(names[i]))
		}
		_, err = d.Picture(names[0], 59)
		require.ErrorContains(t, err, "at most 59 bytes")
		for _, i := range []int{2, 3} {
			require.False(t, d.HasPicture(names[i]))
			_, err = d.Picture(names[i], 60)
			require.ErrorIs(t, err, fs.ErrNotExist)
		}
		for i, want := range map[int]string{4: "expected a list", 5: "illegal base64"} {
			_, err := d.Picture(names[i], 60)
			require.ErrorContains(t, err, want)
		}
	}
}

func TestTSVRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "the table is empty",
		"a\tb\n1\n":                           "line 2: 1 cells, expected 2",
		"a\ta\n":                              `two columns "a"`,
		"a\n\x00\n":                           "line 2: a NUL byte",
		"a\n\"b\n":                            "a quoted cell does not end",
		strings.Repeat("\t", maxTSVColumns+1): "more than 1000 cells",
	} {
		d, err := OpenDir(files(t, map[string]string{"t.tsv": text}))
		require.NoError(t, err)
		_, err = readTSV(d, "t.tsv")
		require.ErrorContains(t, err, want, "%.20q", text)
	}
}

// Any table either is refused or gives rows as long as its header, with cells that lie in the file.
func FuzzTSV(f *testing.F) {
	f.Add("index\timage\n0\tQUJD\n1\t0\n")
	f.Add("a\tb\n\"x\"\"y\"z\t\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := OpenDir(files(t, map[string]string{"t.tsv": text}))
		require.NoError(t, err)
		rows, err := readTSV(d, "t.tsv")
		if err != nil {
			return
		}
		for i, name := range rows.pictures(d) {
			image := rows.list[i].image
			require.True(t, image.at >= 0 && image.size >= 0 && image.at+image.size <= int64(len(text)))
			if name != "" {
				_, _ = d.Picture(name, 100)
			}
		}
		require.NoError(t, d.Close())
	})
}
