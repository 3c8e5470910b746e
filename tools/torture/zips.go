package main

import (
	"archive/zip"
	"bytes"
	"path/filepath"
)

// zipQuestions is a test set whose one picture lies in a zip file.
const zipQuestions = `{"question_id":1,"image":"images/a.png","text":"What?","answer":"red"}
`

// pictures is a zip file of pictures.
func pictures(items ...item) []byte { return archive(items...) }

// askZip asks the question; a picture that cannot be read ends the run.
func askZip(dir string) []string {
	return []string{"eval", "--model", "testdata/models/llava15", "--suite", "jsonl", "--data", filepath.Join(dir, "data"),
		"--out", filepath.Join(dir, "run"), "--max-new-tokens", "1", "--strict", "--json"}
}

// zipCases are zip files that lead out of their folder, lie or are damaged.
func zipCases(image []byte) []*trial {
	const f = "data/images.zip"
	good := item{name: "images/a.png", data: image, method: zip.Deflate}
	is := func(name string, data []byte, says ...string) listed {
		return listed{name, replaced(f, data), append(says, "images.zip")}
	}
	whole := pictures(good)
	central := bytes.Index(whole, []byte("PK\x01\x02"))
	patched := func(at int, b ...byte) []byte {
		out := bytes.Clone(whole)
		copy(out[at:], b)
		return out
	}
	return trials([]listed{
		is("DS-12 an entry above the folder", pictures(good, item{name: "../a.png", data: image}), `"../a.png"`, "leads out"),
		is("DS-12 a hidden entry above the folder", pictures(good, item{name: "images/../../a.png", data: image}), "leads out"),
		is("DS-12 an absolute entry", pictures(good, item{name: "/etc/passwd", data: image}), `"/etc/passwd"`, "leads out"),
		is("DS-12 a backslash", pictures(good, item{name: `..\a.png`, data: image}), "leads out"),
		is("DS-12 a name twice", pictures(good, good), "two entries", "images/a.png"),
		is("DS-12 encrypted", patched(central+8, 9, 0), "encrypted"),
		is("DS-13 a bomb", bomb("images/a.png", "\x89PNG", 200<<20), "unpacks to more than"),
		is("not a zip file", []byte("PK\x03\x04nothing")),
		is("empty", nil),
		{"a name with ./", replaced(f, pictures(item{name: "./images/a.png", data: image})), valid},
		{"a folder of its own name", replaced(f, pictures(item{name: "a.png", data: image})), valid},
	})
}
