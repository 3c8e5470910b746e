package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// The tables that a benchmark's owners publish with pictures inside, and the studies of ablate.

const (
	parquetName = "data/data/test-00000-of-00001.parquet"
	tableName   = "data/AI2D_TEST.tsv"
	studyName   = "study.yaml"
)

// askAI2D asks the questions of a small AI2D; a picture that cannot be read ends the run.
func askAI2D(dir string) []string {
	return []string{"eval", "--model", "testdata/models/llava15", "--suite", "ai2d", "--data", filepath.Join(dir, "data"),
		"--out", filepath.Join(dir, "run"), "--max-new-tokens", "1", "--strict", "--json"}
}

// A diagram is a row of AI2D as a parquet file has it.
type diagram struct {
	Question string   `parquet:"question"`
	Options  []string `parquet:"options,list"`
	Answer   string   `parquet:"answer"`
	Image    struct {
		Bytes []byte `parquet:"bytes,optional"`
		Path  string `parquet:"path,optional"`
	} `parquet:"image"`
}

// diagrams is a parquet file of rows, compressed by codec.
func diagrams(image []byte, rows ...diagram) []byte {
	for i := range rows {
		rows[i].Image.Bytes = image
	}
	return parquetFile(rows, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(1))
}

func parquetFile[T any](rows []T, options ...parquet.WriterOption) []byte {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, options...)
	if _, err := w.Write(rows); err != nil {
		panic(err) // memory does not fail
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

var goodDiagrams = []diagram{{Question: "Which?", Options: []string{"a cat", "a dog"}, Answer: "1"}, {Question: "Where?", Options: []string{"left", "right"}, Answer: "0"}}

func parquetCases(image []byte) []*trial {
	const f = parquetName
	name := filepath.Base(f)
	whole := diagrams(image, goodDiagrams...)
	is := func(what string, data []byte, says ...string) listed {
		return listed{what, replaced(f, data), append(says, name)}
	}
	one := func(d diagram) []byte { return diagrams(image, goodDiagrams[0], d) }
	footer := func(n uint32) []byte {
		out := bytes.Clone(whole)
		binary.LittleEndian.PutUint32(out[len(out)-8:], n)
		return out
	}
	type words struct {
		Question string `parquet:"question"`
	}
	return trials([]listed{
		is("empty", nil),
		is("not parquet", []byte("PAR1 is not enough PAR2")),
		is("a footer longer than the file", footer(uint32(len(whole))), "footer"),
		is("a footer of 4 GB", footer(1<<32-1), "footer"),
		is("no footer", footer(0)),
		is("twice PAR1 and nothing between", []byte("PAR1\x00\x00\x00\x00PAR1")),
		is("no column of answers", parquetFile([]words{{"Which?"}}), "answer"),
		is("no rows", diagrams(image)),
		is("DS-06 an answer without option", one(diagram{Question: "Who?", Options: []string{"a", "b"}, Answer: "7"}), "7"),
		is("DS-06 an answer that is no number", one(diagram{Question: "Who?", Options: []string{"a", "b"}, Answer: "x"}), "x"),
		is("a picture that is none", diagrams([]byte("GIF89a"), goodDiagrams...)),
		{"a pipe", as(f, mkfifo), []string{"ai2d"}},
		{"a directory", as(f, mkdir), []string{"ai2d"}},
	})
}

const tableHeader = "index\tquestion\tA\tB\tanswer\tcategory\timage\n"

// table is a small AI2D as VLMEvalKit publishes it, every picture in base64.
func table(image []byte) string {
	picture := base64.StdEncoding.EncodeToString(image)
	return tableHeader + "0\tWhich?\ta cat\ta dog\tB\tfood\t" + picture + "\n1\tWhere?\tleft\tright\tA\tfood\t0\n"
}

func pictureTableCases(image []byte) []*trial {
	const f = tableName
	name := filepath.Base(f)
	good := table(image)
	row := func(what, picture string, says ...string) listed {
		return listed{what, replaced(f, []byte(good+"7\tWho?\ta\tb\tA\tfood\t"+picture+"\n")), append(says, name)}
	}
	return trials([]listed{
		row("DS-09 not base64", "!!!!"),
		row("DS-09 base64 that is cut off", "AAAAA"),
		row("DS-09 no picture", base64.StdEncoding.EncodeToString([]byte("nothing"))),
		row("DS-09 empty", ""),
		row("DS-09 a question that is not there", "99"),
		row("DS-09 itself", "7"),
		{"no column of pictures", swapped(f, "image", "photo"), []string{name, "picture"}},
	})
}

const study = `title: Views
question: Does it help?
suite: {name: sight, split: test, seed: 7, limit: 2}
settings: {model: testdata/models/llava16}
baseline: released
cells:
  - {name: released}
  - {name: no global view, global: none}
grid:
  max_tiles: [2, 4]
claims:
  - {says: it helps, source: a paper, cell: no global view, direction: worse}
`

// expand lists the cells of a study.
func expand(dir string) []string {
	return []string{"ablate", filepath.Join(dir, studyName), "--out", filepath.Join(dir, "run"), "--dry-run", "--json"}
}

func studyCases() []*trial {
	const f = studyName
	is := func(what, content string, says ...string) listed {
		return listed{what, replaced(f, []byte(content)), append(says, f)}
	}
	change := func(what, from, to string, says ...string) listed {
		return listed{what, swapped(f, from, to), append(says, f)}
	}
	return trials([]listed{
		is("empty", ""),
		is("not YAML", "a: [1, 2"),
		is("a list", "- a\n- b\n"),
		is("two documents", study+"---\n"+study),
		is("a laugh of aliases", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"),
		is("nested deep", "title: "+strings.Repeat("[", 100_000)),
		is("a tag that makes an object", "title: !!python/object/apply:os.system [\"true\"]\n"),
		is("NUL", study+"\x00"),
		is("16 MB", study+"# "+strings.Repeat("x", 16<<20)),
		is("a key twice", study+"title: again\n", "title"),
		change("an unknown key", "question:", "quest:", "quest"),
		change("an unknown setting", "global:", "globe:", "globe"),
		change("a value of another kind", "limit: 2", "limit: {a: 1}", "limit"),
		change("a cell twice", "no global view, global", "released, global", "released"),
		change("a baseline that is not there", "baseline: released", "baseline: absent", "absent"),
		change("a claim about a cell that is not there", "cell: no global view", "cell: absent", "absent"),
		change("a negative limit", "limit: 2", "limit: -2", "limit"),
		change("a name that leads out", "no global view, global", "../../etc, global", "../../etc"),
		change("a grid without end", "max_tiles: [2, 4]", "max_tiles: ["+strings.TrimSuffix(strings.Repeat("1, 2, 3, 4, ", 5000), ", ")+"]"),
		{"a pipe", as(f, mkfifo), []string{f}},
		{"a directory", as(f, mkdir), []string{f}},
		{"a device", as(f, func(path string) error { return os.Symlink("/dev/zero", path) }), []string{f}},
	})
}
