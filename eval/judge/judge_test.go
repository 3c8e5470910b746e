package judge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval/suites"
	"llavabench/internal/openai"
)

// says is a judge with fixed replies, the last one again and again.
type says struct {
	replies []string
	asked   []openai.Request
	err     error
}

func (s *says) Chat(_ context.Context, r openai.Request) (openai.Reply, error) {
	if s.err != nil {
		return openai.Reply{}, s.err
	}
	s.asked = append(s.asked, r)
	return openai.Reply{Text: s.replies[min(len(s.asked), len(s.replies))-1], Finish: "stop", Attempts: 1}, nil
}

func write(t *testing.T, files map[string]string) *suites.Dir {
	t.Helper()
	root := t.TempDir()
	for name, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(data), 0o644))
	}
	d, err := suites.OpenDir(root)
	require.NoError(t, err)
	return d
}

func answers(t *testing.T, suite, text string) *suites.Answers {
	t.Helper()
	file := filepath.Join(t.TempDir(), "answers.jsonl")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	s, err := suites.Find(suite)
	require.NoError(t, err)
	a, err := s.ReadAnswers(file)
	require.NoError(t, err)
	return a
}

func openLog(t *testing.T, path string) *Log {
	t.Helper()
	l, err := OpenLog(path)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func wild(t *testing.T) *suites.Dir {
	return write(t, map[string]string{
		"questions.jsonl":    `{"question_id":0,"image":"001.jpg","text":"Where is it?","category":"conv"}` + "\n" + `{"question_id":1,"image":"001.jpg","text":"Why?","category":"complex"}` + "\n",
		"context.jsonl":      `{"id":"001","image":"001.jpg","caption":["A lake.","A hill."]}` + "\n",
		"answers_gpt4.jsonl": `{"question_id":0,"text":"In Hawaii.","answer_id":"r0"}` + "\n" + `{"question_id":1,"text":"Because.","answer_id":"r1"}` + "\n",
		"rule.json":          `{"llava_bench_conv":{"role":"Assistant","prompt":"Compare."},"llava_bench_complex":{"role":"Assistant","prompt":"Compare."}}`,
	})
}

const wildAnswers = `{"question_id":0,"text":"At sea.","answer_id":"a0"}` + "\n" + `{"question_id":1,"text":"It is so.","answer_id":"a1"}` + "\n"

func TestReviews(t *testing.T) {
	list, notes, err := Reviews(wild(t), answers(t, "llava_bench", wildAnswers), "judge")
	require.NoError(t, err)
	require.Len(t, notes, 2, "the prompts are not the released ones")
	require.Equal(t, "[Context]\nA lake.\nA hill.\n\n[Question]\nWhere is it?\n\n[Assistant 1]\nIn Hawaii.\n\n[End of Assistant 1]\n\n"+
		"[Assistant 2]\nAt sea.\n\n[End of Assistant 2]\n\n[System]\nCompare.\n\n", list[0].Request.Messages[1].Text)

	path := filepath.Join(t.TempDir(), "log.jsonl")
	log := openLog(t, path)
	judge := &says{replies: []string{"8 6\nGood.", "no numbers"}}
	var first bytes.Buffer
	failed, err := WriteReviews(context.Background(), &first, log, judge, list, 1, nil)
	require.NoError(t, err)
	require.Equal(t, 1, failed)
	require.JSONEq(t, `{"id":1,"question_id":0,"answer1_id":"r0","answer2_id":"a0","category":"llava_bench_conv","content":"8 6\nGood.","tuple":[8,6]}`, strings.Split(first.String(), "\n")[0])
	require.Contains(t, first.String(), `"tuple":[-1,-1]`)

	// The reviews are scored by the suite's own scorer.
	s, err := suites.Find("llava_bench")
	require.NoError(t, err)
	data, err := s.Open(wild(t))
	require.NoError(t, err)
	scorer, err := s.Scorer("")
	require.NoError(t, err)
	r, err := scorer.Score(data, answers(t, "llava_bench", first.String()))
	require.NoError(t, err)
	m, ok := r.Metric("llava_bench_conv")
	require.True(t, ok)
	require.InDelta(t, 75, m.Value, 1e-9)

	// A second look at the same answers costs nothing, in this process or another one; another run is another judgement.
	require.NoError(t, log.Close())
	log = openLog(t, path)
	again := &says{err: errors.New("nobody is asked")}
	var second bytes.Buffer
	_, err = WriteReviews(context.Background(), &second, log, again, list, 1, nil)
	require.NoError(t, err)
	require.Equal(t, first.String(), second.String())
	require.Equal(t, [2]int{0, 2}, [2]int{log.Asked, log.Reused})
	_, err = WriteReviews(context.Background(), &second, log, again, list, 2, nil)
	require.EqualError(t, err, `question "0": nobody is asked`)
}

func TestReviewsOfCOCO(t *testing.T) {
	d := write(t, map[string]string{
		"qa90_questions.jsonl":             `{"question_id":5,"image":"1.jpg","text":"What?","category":"detail"}` + "\n",
		"qa90_gpt4_answer.jsonl":           `{"question_id":5,"text":"That."}` + "\n",
		"caps_boxes_coco2014_val_80.jsonl": `{"id":1,"image":"1.jpg","captions":["A man.","A dog."],"instances":[{"category":"dog","bbox":[0.25,0.5,1.0,0.125]},{"category":"man","bbox":[0,0.1,1e-05,1]}]}` + "\n",
		"rule.json":                        `{"detail":{"role":"Assistant","prompt":"P"}}`,
	})
	list, _, err := Reviews(d, answers(t, "llava_bench", `{"question_id":5,"text":"This."}`+"\n"), "judge")
	require.NoError(t, err)
	require.Contains(t, list[0].Request.Messages[1].Text, "[Context]\nA man.\nA dog.\n\ndog: [0.25, 0.5, 1.0, 0.125]\nman: [0.0, 0.1, 1e-05, 1.0]\n\n[Question]\nWhat?")
}

func TestReviewsNameWhatIsMissing(t *testing.T) {
	full := map[string]string{
		"questions.jsonl": `{"question_id":0,"image":"1.jpg","text":"?","category":"conv"}`, "context.jsonl": `{"image":"1.jpg","caption":"c"}`,
		"answers_gpt4.jsonl": `{"question_id":0,"text":"r"}`, "rule.json": `{"llava_bench_conv":{"prompt":"P"}}`,
	}
	for _, c := range []struct{ file, text, want string }{
		{"rule.json", `{}`, `rule.json: no prompt for category "llava_bench_conv"`},
		{"context.jsonl", `{"image":"2.jpg","caption":"c"}`, `context.jsonl: nothing about image "1.jpg" of question "0"`},
		{"answers_gpt4.jsonl", `{"question_id":7,"text":"r"}`, `answers_gpt4.jsonl: no reference answer to question "0"`},
		{"questions.jsonl", `{"question_id":9,"image":"1.jpg","text":"?","category":"conv"}`, `no reference answer to question "9"`},
		{"context.jsonl", `{"image":"1.jpg","caption":7}`, "expected a string or a list of strings"},
	} {
		files := map[string]string{}
		for k, v := range full {
			files[k] = v
		}
		files[c.file] = c.text
		_, _, err := Reviews(write(t, files), answers(t, "llava_bench", `{"question_id":0,"text":"x"}`), "judge")
		require.ErrorContains(t, err, c.want)
	}
}

func TestGrades(t *testing.T) {
	d := write(t, map[string]string{"mm-vet.json": `{"v1_0":{"imagename":"a.jpg","question":"x?","answer":"1<AND>2<OR>3","capability":["math"]},"v1_1":{"imagename":"b.jpg","question":"y?","answer":"z","capability":["ocr"]}}`})
	list, notes, err := Gradings(d, answers(t, "mmvet", `{"v1_0": "one", "v1_1": "two"}`), "PROMPT")
	require.NoError(t, err)
	require.Len(t, notes, 1)
	require.Equal(t, "PROMPT\nx? | 1 <AND> 2 <OR> 3 | one | ", list[0].text)

	log := openLog(t, filepath.Join(t.TempDir(), "log.jsonl"))
	judge := &says{replies: []string{"0.5", "well", "0.8 \n", "7", "7", "7", "7", "7", "1.0"}}
	var out bytes.Buffer
	failed, err := WriteGrades(context.Background(), &out, log, judge, list, "judge", 2, nil)
	require.NoError(t, err)
	require.Equal(t, 1, failed, "five times no grade")
	var file map[string]struct{ Score []float64 }
	require.NoError(t, json.Unmarshal(out.Bytes(), &file))
	require.Equal(t, []float64{0.5, 0}, file["v1_0"].Score)
	require.Equal(t, []float64{0.8, 1}, file["v1_1"].Score)
	require.Equal(t, 0.5, judge.asked[2].Temperature, "the second try is a little hotter")
	require.True(t, strings.HasSuffix(judge.asked[2].Messages[0].Text, "(digit): "))

	// MM-Vet's scorer reads the grades.
	s, err := suites.Find("mmvet")
	require.NoError(t, err)
	data, err := s.Open(d)
	require.NoError(t, err)
	r, err := s.Scorers[0].Score(data, answers(t, "mmvet", out.String()))
	require.NoError(t, err)
	m, ok := r.Metric("total")
	require.True(t, ok)
	require.InDelta(t, 57.5, m.Value, 1e-9)

	_, _, err = Gradings(d, answers(t, "mmvet", `{"v1_9": "one"}`), "PROMPT")
	require.ErrorContains(t, err, `question "v1_9" is not in mm-vet.json`)
}

// A record that a crash cut off goes on from its last whole line; another file is refused.
func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log := openLog(t, path)
	judge := &says{replies: []string{"a", "b"}}
	for i := range 2 {
		_, err := log.Ask(context.Background(), judge, "q", 1, openai.Request{Model: "m", MaxTokens: i})
		require.NoError(t, err)
	}
	require.NoError(t, log.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, b[:len(b)-5], 0o644))
	log = openLog(t, path)
	judge = &says{replies: []string{"c"}}
	got, err := log.Ask(context.Background(), judge, "q", 1, openai.Request{Model: "m", MaxTokens: 0})
	require.NoError(t, err)
	require.Equal(t, "a", got)
	got, err = log.Ask(context.Background(), judge, "q", 1, openai.Request{Model: "m", MaxTokens: 1})
	require.NoError(t, err)
	require.Equal(t, "c", got)
	require.NoError(t, log.Close())

	require.NoError(t, os.WriteFile(path, []byte("{\"other\":1}\n"), 0o644))
	_, err = OpenLog(path)
	require.ErrorContains(t, err, "not a record of a judge")
	require.NoError(t, os.WriteFile(path, []byte("not json\n"), 0o644))
	_, err = OpenLog(path)
	require.ErrorContains(t, err, "line 1")
}

func FuzzLog(f *testing.F) {
	f.Add([]byte("{\"key\":\"k\",\"content\":\"c\"}\n"))
	f.Add([]byte("{\"key\":\"k\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "log")
		require.NoError(t, os.WriteFile(path, data, 0o644))
		l, err := OpenLog(path)
		if err == nil {
			require.NoError(t, l.Close())
		}
	})
}
