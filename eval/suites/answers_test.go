package suites

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswerFileErrors(t *testing.T) {
	for _, c := range []struct{ suite, content, want string }{
		{"gqa", `{"question_id":"1","text":"x"}` + "\nnonsense\n" + `{"question_id":"2","text":"x"}`, "line 2"},
		{"gqa", `{"question_id":"1","text":["x"]}`, "line 1: text: expected a string"},
		{"gqa", `{"question_id":"1","said":"x"}`, "line 1: the record has no answer"},
		{"gqa", `{"key":"1","text":"x"}` + "\n" + `{"key":"1","text":"x"}`, "line 1: the answer does not say which question"},
		{"gqa", `[{"questionId":"1","prediction":"x"},` + "\n7]", "line 2"},
		{"gqa", "[\n{\"a\":\n]", "line 3"},
		{"gqa", "index\tquestion\n1\tx\n", "no answer"},
		{"gqa", "PK\x03\x04rubbish", "xlsx"},
		{"gqa", "index,prediction\n1,\"x\n", "line"},
		{"gqa", "", "holds no answers"},
		{"gqa", "\x80\x04}\x00.", "byte 3 is NUL"},
		{"gqa", `{"doc_id":0,"doc":{"question_id":1},"resps":[[]]}` + "\n", "neither filtered_resps nor resps"},
	} {
		file := filepath.Join(files(t, map[string]string{"a": c.content}), "a")
		s, err := Find(c.suite)
		require.NoError(t, err)
		_, err = s.ReadAnswers(file)
		require.ErrorContains(t, err, c.want, c.content)
		require.ErrorContains(t, err, "a")
	}
}

func TestAnswerLayouts(t *testing.T) {
	s, err := Find("gqa")
	require.NoError(t, err)
	for _, c := range []struct {
		content string
		layout  Format
		want    map[string]string
	}{
		{"\xef\xbb\xbf" + `{"question_id":"1","text":"x"}`, LLaVALines, map[string]string{"1": "x"}},
		{"\n" + `{"question_id":1,"text":null}` + "\r\n\n", LLaVALines, map[string]string{"1": ""}},
		{`{"1":"x","2":"y"}`, Object, map[string]string{"1": "x", "2": "y"}},
		{"{\n \"1\": {\"response\": \"x\"}\n}", Object, map[string]string{"1": "x"}},
		{`[{"questionId":"1","prediction":7}]`, Array, map[string]string{"1": "7"}},
		{"index,prediction,answer\n1,\"a, b\",c\n", Table, map[string]string{"1": "a, b"}},
		{"index\tprediction\n1\tNone\n2\t\n", Table, map[string]string{"1": "None", "2": ""}},
		{`{"doc_id":3,"doc":{"question_id":"9"},"filtered_resps":["x"],"resps":[["y"]]}` + "\n", LMMSSamples, map[string]string{"9": "x"}},
	} {
		for _, name := range []string{"a", "a.gz"} {
			a, err := s.ReadAnswers(filepath.Join(files(t, map[string]string{name: c.content}), name))
			require.NoError(t, err, c.content)
			got := map[string]string{}
			for _, answer := range a.List {
				got[answer.ID] = answer.Text
			}
			require.Equal(t, c.want, got)
			require.Equal(t, c.layout, a.Format)
			require.False(t, a.Truncated)
		}
	}
}

func TestDirStaysInside(t *testing.T) {
	dir := files(t, map[string]string{"a/x.json": "{}", "a/y.jsonl.gz": "{}\n\n[\n", "secret": "s"})
	_, err := OpenDir(filepath.Join(dir, "secret"))
	require.ErrorContains(t, err, "expected a directory")
	d, err := OpenDir(filepath.Join(dir, "a"))
	require.NoError(t, err)
	for _, name := range []string{"../secret", "/etc/passwd", "x/../../secret", ""} {
		_, err := d.ReadFile(name)
		require.ErrorContains(t, err, "leads out of the data directory", name)
		require.False(t, d.Exists(name))
	}
	require.True(t, d.Exists("y.jsonl"))
	_, err = d.First("b", "c")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "b or c")
	names, err := d.Glob("*.json*")
	require.NoError(t, err)
	require.Equal(t, []string{"x.json", "y.jsonl"}, names)
	err = d.JSONLines("y.jsonl", func(_ int, raw []byte) error { return json.Unmarshal(raw, &map[string]any{}) })
	require.ErrorContains(t, err, "line 3")
	require.Equal(t, []string{"y.jsonl"}, d.Read())
}

func TestGenericErrors(t *testing.T) {
	for line, want := range map[string]string{
		`{"text":"?","answer":"x"}`:                                     "no question_id",
		`{"question_id":1,"text":"?"}`:                                  "neither answer nor answers",
		`{"question_id":1,"answer":{"a":1}}`:                            "expected a string or a list",
		`{"question_id":1,"answer":[[1]]}`:                              "expected a list of strings",
		`{"question_id":1,"text":"?","answer":"C","choices":["a","b"]}`: "expected one of their letters",
		`{"question_id":1,"text":"?","answer":"A","choices":["a"]}`:     "1 choices, expected 2 to 26",
		`{"question_id":1,"text":"?","answer":"A","choices":["a","a"]}`: "two choices \"a\"",
		`{"question_id":1,"text":"?","answer":"a","image":"../a.png"}`:  "leads out of the data directory",
		`{"question_id":1,"answer":"a"}`:                                "has no text",
		"":                                                              "holds no questions",
		`{"question_id":1,"text":"?","answer":"x"}` + "\n" + `{"question_id":1,"text":"?","answer":"y"}`: "have the same id",
		`{"question_id":1,`: "line 1",
	} {
		d, err := OpenDir(files(t, map[string]string{"questions.jsonl": line}))
		require.NoError(t, err)
		_, err = openGeneric(d)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "questions.jsonl")
	}
}

func TestPythonJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, writePyArray(&b, []pyRow{{"id", pyID("12"), "s", pyQuote("\"\\\n\r\t\b\f\x01\x7f/é\U0001f600")}, {"id", pyID("007")}}))
	require.Equal(t, `[{"id": 12, "s": "\"\\\n\r\t\b\f\u0001\u007f/\u00e9\ud83d\ude00"}, {"id": "007"}]`, b.String())
}

func TestMetricJSON(t *testing.T) {
	raw, err := json.Marshal([]Metric{{Name: "a", Value: math.NaN(), Unit: Ratio, Digits: -1}, {Name: "b", Value: 66.57, N: 3, Unit: Percent, Digits: 1}})
	require.NoError(t, err)
	require.JSONEq(t, `[{"name":"a","value":"NaN","text":"NaN","unit":"ratio"},{"name":"b","value":66.57,"text":"66.6","n":3,"unit":"percent"}]`, string(raw))
}

func TestSplits(t *testing.T) {
	dir := files(t, map[string]string{
		"v2_OpenEnded_mscoco_val2014_questions.json": vqav2Val, "v2_OpenEnded_mscoco_test-dev2015_questions.json": `{"data_subtype":"test2015","questions":[{"image_id":1,"question":"?","question_id":10}]}`,
		"val.json": `[]`, "test.json": `[{"image":"VizWiz_test_00000000.jpg","question":"?"}]`,
		"val_v1.0.json": `{"data":[]}`, "test_v1.0.json": `{"data":[{"questionId":1,"question":"?","image":"documents/a.png"}]}`,
	})
	for suite, split := range map[string]string{"vqav2": "test-dev2015", "vizwiz": "test", "docvqa": "test"} {
		s, err := Find(suite)
		require.NoError(t, err)
		require.Contains(t, s.Splits, split)
		d, err := OpenDir(dir)
		require.NoError(t, err)
		d.Split = split
		data, err := s.Open(d)
		require.NoError(t, err)
		require.Len(t, data.Questions, 1, suite)
		require.False(t, data.Labelled)
		_, err = s.Scorers[0].Score(data, &Answers{})
		require.ErrorContains(t, err, "no published answers")
	}
}

func TestPrompts(t *testing.T) {
	for _, c := range []struct {
		suite, harness, variant string
		item                    Item
		want                    string
	}{
		{"textvqa", "llava", "", Item{Question: "what IS it?"}, "What is it?\nReference OCR token: \nAnswer the question using a single word or phrase."},
		{"mme", "llava", "", Item{Question: "Is it? Please answer yes or no."}, "Is it?\nAnswer the question using a single word or phrase."},
		{"mme", "vlmevalkit", "", Item{Question: "Is it? Please answer yes or no."}, "Is it? Please answer yes or no."},
		{"mmbench", "llava", "", Item{Hint: "Look.", Question: "Which?", Options: []string{"a", "b"}}, "Look.\nWhich?\nA. a\nB. b\nAnswer with the option's letter from the given choices directly."},
		{"mmbench_cn", "llava", "", Item{Question: "哪个?", Options: []string{"一"}}, "哪个?\nA. 一\n请直接回答选项字母。"},
		{"mmmu", "llava", "", Item{Question: "Which?", Options: []string{"a", "b"}}, "Which?\n\n(A) a\n(B) b\n\nAnswer with the option's letter from the given choices directly."},
		{"mmmu", "llava", "", Item{Question: "Which?"}, "Which?\n\nAnswer the question using a single word or phrase."},
		{"scienceqa", "vlmevalkit", "", Item{Hint: "H", Question: "Q", Options: []string{"a"}}, "H\nQ\nA. a\nAnswer with the option's letter from the given choices directly."},
		{"mathvista", "vlmevalkit", "", Item{Query: "Hint: x\nQuestion: y"}, "Hint: x\nQuestion: y"},
	} {
		p, err := FindPrompt(c.suite, c.harness, c.variant)
		require.NoError(t, err)
		text, err := p.Text(c.item)
		require.NoError(t, err)
		require.Equal(t, c.want, text)
	}
	p, err := FindPrompt("mathvista", "lmms-eval", "solution")
	require.NoError(t, err)
	_, err = p.Text(Item{AnswerType: "float", Precision: 5})
	require.ErrorContains(t, err, "5 decimals")
	_, err = FindPrompt("pope", "llava", "loud")
	require.ErrorContains(t, err, `no prompt "loud"`)
}

// Any bytes are an answer file or an error, and what was read can be scored.
func FuzzReadAnswers(f *testing.F) {
	for _, seed := range []string{`{"question_id":42000,"text":"x"}` + "\n{", `[{"question_id":42001,"answer":"yes"}]`, `{"42000":"x"}`, "index\tprediction\n42000\tx\n",
		`{"doc_id":1,"doc":{"question_id":42000},"resps":[["x"]]}`, "PK\x03\x04", "\x1f\x8b", "[", "{}", `{"a":{}}`} {
		f.Add([]byte(seed))
	}
	s, err := Find("vqav2")
	require.NoError(f, err)
	d, err := OpenDir(files(f, map[string]string{"v2_OpenEnded_mscoco_val2014_questions.json": vqav2Val, "v2_mscoco_val2014_annotations.json": vqav2Anno}))
	require.NoError(f, err)
	data, err := s.Open(d)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		a := &Answers{File: "fuzz"}
		if s.readAnswers(a, raw) != nil {
			return
		}
		r, err := s.Scorers[0].Score(data, a)
		require.NoError(t, err)
		require.Equal(t, len(a.List), r.Answered+r.Duplicates+r.Unknown)
		_, err = s.Submission.Write(&bytes.Buffer{}, data, a)
		require.NoError(t, err)
	})
}
