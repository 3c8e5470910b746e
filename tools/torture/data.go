package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// The valid data sets. Every text of them is short, so that damage seldom falls where nothing looks.
const (
	ownQuestions = `{"question_id":1,"image":"a.png","text":"What?","answer":"red","category":"colour"}
{"question_id":"x","image":"a.png","text":"Which?","answer":"B"}
`
	genericQuestions = `{"question_id":1,"text":"What?","answer":"Red","category":"colour"}
{"question_id":"x","text":"Which?","answer":"B","choices":["a cat","a dog"],"category":"choice"}
`
	genericAnswers = `{"question_id":1,"text":"red."}
{"question_id":"x","text":"B"}
`
	textVQA = `{"data":[{"question":"What brand?","question_id":1,"image_id":"ab","answers":["a","a","a","b","c","d","e","f","g","h"]},
{"question":"Who?","question_id":2,"image_id":"ab","answers":["x","x","x","x","x","x","x","x","x","x"]}]}`
	textVQAAnswers = `{"question_id":"ab","prompt":"Who?\nAnswer briefly.","text":"X."}
{"question_id":"ab","prompt":"What brand?\nAnswer briefly.","text":"b"}
`
	mmbenchTable = "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\tl2-category\tsplit\n" +
		"0\tWhat?\t\tcat\tdog\t\t\tA\tcoarse\tperception\tdev\n1\t\"Which \"\"one\"\"?\"\t\tcat\tdog\tcow\t\tC\tfine\treasoning\tdev\n"
	mmbenchAnswers = `{"question_id":0,"round_id":0,"prompt":"What?","text":"A","options":["cat","dog"],"option_char":["A","B"],"answer_id":"a","model_id":"m","metadata":{}}
{"question_id":1,"round_id":0,"prompt":"Which?","text":"C","options":["cat","dog","cow"],"option_char":["A","B","C"],"answer_id":"b","model_id":"m","metadata":{}}
`
)

// dataKinds are the files of data sets and answers.
func (t *torturer) dataKinds(context.Context) ([]*kind, error) {
	image, err := os.ReadFile(picture)
	if err != nil {
		return nil, err
	}
	score := func(suite, answers string) func(dir string) []string {
		return func(dir string) []string {
			return []string{"score", "--suite", suite, "--data", filepath.Join(dir, "data"), "--answers", filepath.Join(dir, answers), "--json"}
		}
	}
	ask := func(dir string) []string {
		return []string{"eval", "--model", "testdata/models/llava15", "--questions", filepath.Join(dir, "questions.jsonl"), "--images", filepath.Join(dir, "images"),
			"--out", filepath.Join(dir, "run"), "--max-new-tokens", "1", "--json"}
	}
	list := []struct {
		kind  kind
		files map[string]string
	}{
		{kind{name: "questions", file: "questions.jsonl", args: ask, loose: true, written: questionCases()},
			map[string]string{"questions.jsonl": ownQuestions, "images/a.png": string(image)}},
		{kind{name: "test set of one's own", file: "data/questions.jsonl", args: score("jsonl", "answers.jsonl"), loose: true, written: genericCases()},
			map[string]string{"data/questions.jsonl": genericQuestions, "answers.jsonl": genericAnswers}},
		{kind{name: "answers", file: "answers.jsonl", args: score("jsonl", "answers.jsonl"), loose: true, written: answerCases()},
			map[string]string{"data/questions.jsonl": genericQuestions, "answers.jsonl": genericAnswers}},
		{kind{name: "answers, gzip", file: "answers.jsonl.gz", args: score("jsonl", "answers.jsonl.gz"), sealed: true, written: gzipCases()},
			map[string]string{"data/questions.jsonl": genericQuestions, "answers.jsonl.gz": string(zipped(strings.NewReader(genericAnswers)))}},
		{kind{name: "JSON annotations", file: "data/TextVQA_0.5.1_val.json", args: score("textvqa", "answers.jsonl"), written: annotationCases()},
			map[string]string{"data/TextVQA_0.5.1_val.json": textVQA, "answers.jsonl": textVQAAnswers}},
		{kind{name: "TSV", file: "data/mmbench_dev_20230712.tsv", args: score("mmbench", "answers.jsonl"), loose: true, written: tsvCases()},
			map[string]string{"data/mmbench_dev_20230712.tsv": mmbenchTable, "answers.jsonl": mmbenchAnswers}},
		{kind{name: "XLSX", file: "answers.xlsx", args: score("mmbench", "answers.xlsx"), sealed: true, written: xlsxCases()},
			map[string]string{"data/mmbench_dev_20230712.tsv": mmbenchTable, "answers.xlsx": string(workbook(sheet))}},
		{kind{name: "zip of pictures", file: "data/images.zip", args: askZip, structure: 200, written: zipCases(image)},
			map[string]string{"data/questions.jsonl": zipQuestions, "data/images.zip": string(pictures(item{name: "images/a.png", data: image}))}},
		{kind{name: "parquet", file: parquetName, args: askAI2D, written: parquetCases(image)},
			map[string]string{parquetName: string(diagrams(image, goodDiagrams...))}},
		{kind{name: "TSV with pictures", file: tableName, args: askAI2D, loose: true, structure: 100, written: pictureTableCases(image)},
			map[string]string{tableName: table(image)}},
		{kind{name: "study", file: studyName, args: expand, loose: true, written: studyCases()}, map[string]string{studyName: study}},
	}
	var out []*kind
	for _, l := range list {
		k := l.kind
		k.base = filepath.Join(t.work, k.name)
		for name, content := range l.files {
			path := filepath.Join(k.base, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return nil, err
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				return nil, err
			}
		}
		out = append(out, &k)
	}
	return out, nil
}

func zipped(r io.Reader) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, r); err != nil {
		panic(err) // memory does not fail
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func quoted(s string) string {
	out, _ := json.Marshal(s) // a string always can be
	return string(out)
}

// jsonLines are the ways in which a file of JSON lines is none.
func jsonLines(file, good string) []listed {
	base := filepath.Base(file)
	is := func(name, content string, says ...string) listed {
		return listed{name, replaced(file, []byte(content)), append(says, base)}
	}
	ok := func(name, content string) listed { return listed{name, replaced(file, []byte(content)), valid} }
	return []listed{
		is("DS-01 not JSON", good+"nonsense\n", "line 3"),
		is("DS-01 cut off", good+`{"question_id":9,"te`, "line 3"),
		is("DS-01 NUL bytes", good+"\x00\x00\x00\n", "line 3"),
		is("DS-01 nothing", "", "no questions"),
		{"DS-01 a line of 1 GB", as(file, func(path string) error { return sparse(path, 0, 1<<30) }), []string{base}},
		ok("DS-01 CRLF", strings.ReplaceAll(good, "\n", "\r\n")),
		ok("DS-01 byte order mark", "\ufeff"+good),
		ok("DS-01 no final newline", strings.TrimSuffix(good, "\n")),
		ok("DS-01 empty lines", strings.ReplaceAll(good, "\n", "\n\n")),
		is("DS-02 an id twice", good+`{"question_id":1,"text":"Again?","answer":"x"}`, "3", `"1"`),
		is("DS-02 no id", good+`{"text":"Who?","answer":"x"}`, "line 3", "question_id"),
		is("DS-02 an id that is a list", good+`{"question_id":[1],"text":"Who?"}`, "line 3", "[1]"),
		is("no text", good+`{"question_id":7,"answer":"a"}`, "line 3", "text"),
		is("text that is a number", good+`{"question_id":7,"text":5}`, "line 3", "text"),
		{"a pipe", as(file, mkfifo), []string{base}},
		{"a directory", as(file, mkdir), []string{base}},
		{"absent", removed(file), []string{base}},
	}
}

func questionCases() []*trial {
	const f = "questions.jsonl"
	list := jsonLines(f, ownQuestions)
	image := func(name, value string, says ...string) listed {
		return listed{name, replaced(f, []byte(ownQuestions+`{"question_id":7,"image":`+quoted(value)+`,"text":"Who?"}`+"\n")), append(says, f)}
	}
	for name, path := range map[string]string{"absolute": "/etc/passwd", "parent": "../secret.png", "hidden parent": "b/../../secret.png", "backslash": `..\secret.png`, "NUL": "a\x00.png"} {
		list = append(list, image("DS-03 "+name, path, "line 3", "image", "leads out"))
	}
	// A picture that cannot be read fails its own question; the run goes on.
	with := func(name string, make func(path string) error) listed {
		return listed{name, steps(image("", "b.png").damage, func(dir string) error { return make(filepath.Join(dir, "images", "b.png")) }), valid}
	}
	return trials(append(list,
		with("DS-04 a picture that is absent", func(string) error { return nil }),
		with("DS-04 a directory", mkdir),
		with("DS-04 a pipe", mkfifo),
		with("DS-04 a device", func(path string) error { return os.Symlink("/dev/zero", path) }),
		with("DS-03 a link out of the folder", func(path string) error { return os.Symlink("/etc/hostname", path) }),
		with("a picture that is none", func(path string) error { return os.WriteFile(path, []byte("x"), 0o644) }),
		listed{"TK-08 special tokens in a question", replaced(f, []byte(ownQuestions+`{"question_id":7,"image":"a.png","text":"</s><s> <image-placeholder> [INST]"}`+"\n")), valid},
		listed{"TK-07 half of a surrogate pair", replaced(f, []byte(ownQuestions+`{"question_id":7,"image":"a.png","text":"a\ud800 \u0000"}`+"\n")), valid},
	))
}

func genericCases() []*trial {
	const f = "data/questions.jsonl"
	line := func(name, content string, says ...string) listed {
		return listed{name, replaced(f, []byte(genericQuestions+content+"\n")), append(says, "questions.jsonl", "line 3")}
	}
	return trials(append(jsonLines(f, genericQuestions),
		line("DS-06 a letter without option", `{"question_id":7,"text":"Who?","choices":["a","b"],"answer":"C"}`, "answer", "C"),
		line("DS-06 one option", `{"question_id":7,"text":"Who?","choices":["a"],"answer":"A"}`, "choices"),
		line("DS-06 27 options", `{"question_id":7,"text":"Who?","choices":["a"`+strings.Repeat(`,"b"`, 26)+`],"answer":"A"}`, "choices"),
		line("DS-06 an option twice", `{"question_id":7,"text":"Who?","choices":["a","a"],"answer":"A"}`, "choices"),
		line("DS-03 a picture outside", `{"question_id":7,"text":"Who?","answer":"a","image":"../x.png"}`, "image"),
		line("DS-03 an absolute picture", `{"question_id":7,"text":"Who?","answer":"a","image":"/etc/passwd"}`, "image"),
	))
}

func answerCases() []*trial {
	const f = "answers.jsonl"
	return trials([]listed{
		{"nothing", replaced(f, nil), []string{f}},
		{"not JSON", replaced(f, []byte("nonsense")), []string{f}},
		{"a pickle", replaced(f, []byte("\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}.")), []string{f}},
		{"a pipe", as(f, mkfifo), []string{f}},
		{"a directory", as(f, mkdir), []string{f}},
		{"absent", removed(f), []string{f}},
		{"nested deep", replaced(f, []byte(strings.Repeat(`{"a":`, 100_000))), []string{f}},
	})
}

func gzipCases() []*trial {
	const f = "answers.jsonl.gz"
	return trials([]listed{
		{"DS-13 a bomb", replaced(f, zipped(io.LimitReader(zeros{}, 1<<30))), []string{f, "gzip"}},
		{"DS-13 wrong length behind", edited(f, func(d []byte) []byte { d[len(d)-1]++; return d }), []string{f, "gzip"}},
		{"DS-13 bytes behind", edited(f, func(d []byte) []byte { return append(d, "more"...) }), []string{f, "gzip"}},
	})
}

func annotationCases() []*trial {
	const f = "data/TextVQA_0.5.1_val.json"
	name := filepath.Base(f)
	is := func(what, content string, says ...string) listed {
		return listed{what, replaced(f, []byte(content)), append(says, name)}
	}
	return trials([]listed{
		is("empty", ""), is("not JSON", "x"), is("a list", "[]"), is("null", "null"), is("no data", "{}"),
		is("data of another type", `{"data":{"a":1}}`, "data"),
		is("an id twice", strings.Replace(textVQA, `"question_id":2`, `"question_id":1`, 1), "1"),
		is("answers of another type", strings.Replace(textVQA, `["x"`, `["x",5`, 1)),
		is("nested deep", `{"data":`+strings.Repeat("[", 100_000)),
		{"a pipe", as(f, mkfifo), []string{name}},
		{"a directory", as(f, mkdir), []string{name}},
		{"absent", removed(f), []string{name}},
	})
}

func tsvCases() []*trial {
	const f = "data/mmbench_dev_20230712.tsv"
	name := filepath.Base(f)
	is := func(what, content string, says ...string) listed {
		return listed{what, replaced(f, []byte(content)), append(says, name)}
	}
	return trials([]listed{
		is("DS-08 empty", ""),
		is("DS-08 only a header", mmbenchTable[:strings.IndexByte(mmbenchTable, '\n')+1]),
		is("DS-08 a quote that does not end", mmbenchTable+"2\t\"Which?\t\tcat\n", "line"),
		is("DS-08 too few cells", mmbenchTable+"2\tWhich?\tcat\n", "line 4"),
		is("DS-08 NUL", mmbenchTable+"2\tWh\x00ch?\t\tcat\tdog\t\t\tA\tc\tp\tdev\n", "NUL"),
		is("DS-08 a column twice", strings.Replace(mmbenchTable, "hint", "question", 1), "question"),
		is("DS-08 no answer column", strings.Replace(mmbenchTable, "index", "number", 1), "index"),
		is("DS-02 an index twice", mmbenchTable+"0\tAgain?\t\tcat\tdog\t\t\tA\tc\tp\tdev\n", "0"),
		is("DS-06 a letter without option", mmbenchTable+"2\tWhich?\t\tcat\tdog\t\t\tD\tc\tp\tdev\n", "D"),
		is("DS-08 a million columns", strings.Repeat("a\t", 1_000_000)+"\n"),
		{"a pipe", as(f, mkfifo), []string{name}},
	})
}

// sheet is the first worksheet of a valid workbook of answers.
const sheet = `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` +
	`<row r="1"><c r="A1" t="inlineStr"><is><t>index</t></is></c><c r="B1" t="inlineStr"><is><t>prediction</t></is></c></row>` +
	`<row r="2"><c r="A2"><v>0</v></c><c r="B2" t="inlineStr"><is><t>A</t></is></c></row>` +
	`<row r="3"><c r="A3"><v>1</v></c><c r="B3" t="inlineStr"><is><t>C</t></is></c></row></sheetData></worksheet>`

// workbook is an archive with one worksheet.
func workbook(sheet string) []byte {
	return archive(item{name: "xl/worksheets/sheet1.xml", data: []byte(sheet), method: zip.Deflate})
}

func xlsxCases() []*trial {
	const f = "answers.xlsx"
	cell := func(from, to string) []byte { return workbook(strings.Replace(sheet, from, to, 1)) }
	is := func(name string, data []byte, says ...string) listed {
		return listed{name, replaced(f, data), append(says, f)}
	}
	return trials([]listed{
		is("no archive", []byte("x"), "xlsx"),
		is("no sheet", archive(item{name: "a.xml", data: []byte("<a/>")}), "sheet1.xml"),
		is("not XML", workbook("<worksheet><sheetData><row"), "sheet 1"),
		is("a cell far to the right", cell(`r="B2"`, `r="ZZZZ2"`), "ZZZZ2"),
		is("cells out of order", cell(`r="B2"`, `r="A2"`), "A2"),
		is("a shared text that is not there", cell(`<c r="B2" t="inlineStr"><is><t>A</t></is></c>`, `<c r="B2" t="s"><v>7</v></c>`), "7"),
		is("entities", workbook(`<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>`+strings.Replace(sheet, "<t>A</t>", "<t>&y;</t>", 1))),
		is("DS-13 a bomb", bomb("xl/worksheets/sheet1.xml", "<worksheet><sheetData><row><c><v>", 200<<20), "unpacks to"),
		is("RS-12 a pickle", []byte("\x80\x04}."), "xlsx"),
	})
}
