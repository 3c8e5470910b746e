package jsonl

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
)

func write(t testing.TB, path, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func questions(t *testing.T, s eval.Suite) (out []eval.Question) {
	t.Helper()
	for q, err := range s.Questions {
		require.NoError(t, err)
		out = append(out, q)
	}
	return out
}

func TestSuite(t *testing.T) {
	dir := t.TempDir()
	images := filepath.Join(dir, "images")
	require.NoError(t, os.MkdirAll(filepath.Join(images, "a"), 0o755))
	f, err := os.Create(filepath.Join(images, "a/b.png"))
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, image.NewGray(image.Rect(0, 0, 5, 3))))
	require.NoError(t, f.Close())
	file := write(t, filepath.Join(dir, "q.jsonl"), "\ufeff"+`{"question_id": 7, "image": "a/b.png", "text": "What is it?\nAnswer.", "answer": "Cat", "category": "x", "more": [1]}
`+"\r\n"+`{"question_id": "b", "text": "<image>\nSay no."}
{"question_id": 12345678901234567890, "image": "none.png", "text": "Lost?"}`)
	s, err := Suite(file, images, 0)
	require.NoError(t, err)
	require.Equal(t, 3, s.Info.Items)
	require.Len(t, s.Info.Version, 64)
	qs := questions(t, s)
	require.Equal(t, []string{"7", "b", "12345678901234567890"}, []string{qs[0].ID, qs[1].ID, qs[2].ID})
	img, err := qs[0].Image()
	require.NoError(t, err)
	require.Equal(t, 5, img.Width)
	require.Nil(t, qs[1].Image)
	require.Equal(t, "Say no.", qs[1].Text)
	_, err = qs[2].Image()
	require.ErrorContains(t, err, "none.png")
	for text, want := range map[string]float64{" cat. ": 1, "cats": 0} {
		got, err := s.Score(qs[0], text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	s, err = Suite(file, images, 2)
	require.NoError(t, err)
	require.Equal(t, 2, s.Info.Items)
}

func TestSuiteRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"json":      {`{"question_id": 1, "text": "a"}` + "\n{", "line 2"},
		"id":        {`{"question_id": [1], "text": "a"}`, "question_id is [1], expected a number or a text"},
		"no id":     {`{"text": "a"}`, "question_id"},
		"text":      {`{"question_id": 1}`, `question "1" has no text`},
		"twice":     {`{"question_id": 1, "text": "a"}` + "\n" + `{"question_id": "1", "text": "b"}`, `line 2: question_id "1" is that of line 1`},
		"path":      {`{"question_id": 1, "text": "a", "image": "../x.png"}`, "leads out of the image directory"},
		"absolute":  {`{"question_id": 1, "text": "a", "image": "/etc/passwd"}`, "leads out of the image directory"},
		"backslash": {`{"question_id": 1, "text": "a", "image": "a\\b.png"}`, "leads out of the image directory"},
		"empty":     {"\n\n", "holds no questions"},
	} {
		_, err := Suite(write(t, filepath.Join(dir, name), c.text), dir, 0)
		require.ErrorContains(t, err, c.want, name)
	}
	_, err := Suite(dir, dir, 0)
	require.Error(t, err)

	// A link that leaves the directory is not followed.
	outside := write(t, filepath.Join(t.TempDir(), "secret.png"), "x")
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link.png")))
	s, err := Suite(write(t, filepath.Join(dir, "l"), `{"question_id": 1, "text": "a", "image": "link.png"}`), dir, 0)
	require.NoError(t, err)
	_, err = questions(t, s)[0].Image()
	require.ErrorContains(t, err, "escapes")
}

// Options have letters unless the answer is one of their texts.
func TestOptions(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "q.jsonl"), `{"question_id":1,"text":"Which?\nA. cat\nB. dog","options":["cat","dog"],"answer":"B"}
{"question_id":2,"text":"Which?\nA. cat\nB. dog","options":["cat","dog"]}
{"question_id":3,"text":"Is there a dog?","options":["yes","no"],"answer":"no"}
{"question_id":4,"text":"Which?","options":["B","A"],"answer":"B"}
{"question_id":5,"text":"Which?","options":[],"answer":"B"}
`)
	s, err := Suite(file, "", 0)
	require.NoError(t, err)
	letters := []eval.Option{{Letter: "A", Text: "cat", Answer: "A"}, {Letter: "B", Text: "dog", Answer: "B"}}
	for i, want := range [][]eval.Option{letters, letters, {{Text: "yes", Answer: "yes"}, {Text: "no", Answer: "no"}}, {{Text: "B", Answer: "B"}, {Text: "A", Answer: "A"}}, nil} {
		require.Equal(t, want, questions(t, s)[i].Options)
	}
	for options, want := range map[string]string{
		`["one"]`: "1 options, expected 2 to 26", `[1,2]`: "options", `"ab"`: "options",
		`["a","b","c"]`: `the answer "D" is neither one of the 3 options nor the letter of one`,
		`["` + strings.Repeat(`x","`, 26) + `y"]`: "27 options",
	} {
		_, err := Suite(write(t, file, `{"question_id":1,"text":"Which?","answer":"D","options":`+options+"}"), "", 0)
		require.ErrorContains(t, err, "line 1")
		require.ErrorContains(t, err, want)
	}
}

func FuzzSuite(f *testing.F) {
	f.Add([]byte(`{"question_id": 7, "image": "a/b.png", "text": "What?", "answer": "Cat"}` + "\n"))
	f.Add([]byte(`{"question_id": "x", "text": ""}` + "\n\n{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := write(t, filepath.Join(t.TempDir(), "q"), string(data))
		s, err := Suite(file, t.TempDir(), 0)
		if err != nil {
			return
		}
		n := 0
		for q := range s.Questions {
			require.NotEmpty(t, q.ID)
			n++
		}
		require.Equal(t, s.Info.Items, n)
	})
}
