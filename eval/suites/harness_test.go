package suites

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// openError is the error of opening the data of a suite.
func openError(t *testing.T, suite string, content map[string]string) error {
	t.Helper()
	s, err := Find(suite)
	require.NoError(t, err)
	d, err := OpenDir(files(t, content))
	require.NoError(t, err)
	_, err = s.Open(d)
	require.Error(t, err)
	return err
}

const popeLabels = `{"question_id": 1, "image": "a.jpg", "text": "Is there a dog?", "label": "yes"}
{"question_id": 2, "image": "a.jpg", "text": "Is there a cat?", "label": "no"}
{"question_id": 3, "image": "b.jpg", "text": "Is there a cup?", "label": "yes"}
`

func TestPOPE(t *testing.T) {
	o := open(t, "pope", files(t, map[string]string{
		"coco/coco_pope_random.json":         popeLabels,
		"coco/coco_pope_adversarial.json.gz": popeLabels,
		"a.jsonl": `{"question_id": 10000001, "text": "Yes"}
{"question_id": 10000002, "text": "It is not"}
{"question_id": 10000003, "text": "no"}
{"question_id": 10000003, "text": "yes"}
{"question_id": 1, "text": "maybe"}
{"question_id": 2, "text": ""}
{"question_id": 20000001, "text": "Yes"}
{"question_id": 3`,
	}), "a.jsonl")
	r, samples := o.score(t, "official")
	require.Equal(t, []int{6, 5, 1, 1, 1}, []int{r.Questions, r.Answered, r.Missing, r.Duplicates, r.Unknown})
	require.Equal(t, 1.0, value(t, r, "random F1"), "the last of two answers counts")
	require.Equal(t, 0.5, value(t, r, "adversarial F1"), "a missing answer is wrong")
	require.Equal(t, 75.0, r.Metrics[0].Value)
	require.Equal(t, "yes", samples["2"].Parsed)
	require.False(t, samples["3"].Answered)
	require.Contains(t, strings.Join(r.Notes, "\n"), "cut off")
	r, _ = o.score(t, "lmms-eval")
	require.Equal(t, 3, r.Unparsed)

	table, err := o.ReadAnswers(filepath.Join(files(t, map[string]string{"t.tsv": "index\tquestion\tcategory\tanswer\tprediction\n" +
		"0\tIs there a dog?\trandom,popular\tYes\tYes.\n1\tIs there a cat?\trandom\tNo\tYes\n"}), "t.tsv"))
	require.NoError(t, err)
	sc, err := o.Scorer("vlmevalkit")
	require.NoError(t, err)
	r, err = sc.Score(o.data, table)
	require.NoError(t, err)
	require.Equal(t, 100.0, value(t, r, "popular Overall"))
	require.Equal(t, 50.0, value(t, r, "random acc"))
	require.Equal(t, 3, r.Questions)

	require.ErrorContains(t, openError(t, "pope", nil), "coco_pope_random.json")
	require.ErrorContains(t, openError(t, "pope", map[string]string{"coco/coco_pope_random.json": popeLabels + "{"}), "line 4")
	require.ErrorContains(t, openError(t, "pope", map[string]string{"coco/coco_pope_random.json": popeLabels,
		"llava_pope_test.jsonl": `{"question_id": 7, "image": "a.jpg", "text": "x", "category": "random"}`}), "expected as many random questions")
}

func TestScienceQA(t *testing.T) {
	problem := func(image string) string {
		return `{"question": "q", "choices": ["x", "y"], "answer": 1, "hint": "", "image": ` + image + `, "split": "test"}`
	}
	o := open(t, "scienceqa", files(t, map[string]string{
		"problems.json":   `{"1": ` + problem("null") + `, "2": ` + problem(`"image.png"`) + `, "3": ` + problem(`"image.png"`) + `, "4": ` + problem("null") + `}`,
		"pid_splits.json": `{"test": ["1", "2", "3"], "val": ["4"]}`,
		"a.jsonl": `{"question_id": "2", "prompt": "<image>\nq", "text": "B"}
{"question_id": "1", "prompt": "q", "text": "The answer is C."}`,
	}), "a.jsonl")
	r, _ := o.score(t, "llava")
	require.Equal(t, "Total: 3, Correct: 1, Accuracy: 33.33%, IMG-Accuracy: 100.00%", ScienceQAReport(r))
	require.Equal(t, 1, r.Missing)
	output, result, err := ScienceQAFiles(o.data, o.answers)
	require.NoError(t, err)
	require.Contains(t, string(output), `"question": "Unknown"`)
	require.Contains(t, string(result), "\"results\": {\n    \"1\": -1,\n    \"2\": 1,\n    \"3\": -1\n  }")

	require.ErrorContains(t, openError(t, "scienceqa", map[string]string{"problems.json": `{}`, "pid_splits.json": `{"test": ["9"]}`}), `no problem "9"`)
	require.ErrorContains(t, openError(t, "scienceqa", map[string]string{"problems.json": "{\n\"1\": 3}", "pid_splits.json": `{}`}), "line 2")
	require.ErrorContains(t, openError(t, "scienceqa", map[string]string{"problems.json": `{"1": {"choices": ["a"], "answer": 1}}`, "pid_splits.json": `{"test": [1]}`}), "answer 1 of 1")
}

func TestMME(t *testing.T) {
	o := open(t, "mme", files(t, map[string]string{
		mmeFolder + "/count/0001.txt":                     "One? Please answer yes or no.\tYes\r\nTwo?  Please answer yes or no.\tNo",
		mmeFolder + "/count/0001.png":                     "x",
		mmeFolder + "/artwork/questions_answers_YN/7.txt": "A? Please answer yes or no.\tYes\nB? Please answer yes or no.\tNo\n",
		mmeFolder + "/artwork/images/7.jpg":               "x",
		mmeFolder + "/code_reasoning/0001.txt":            "C? Please answer yes or no.\tYes\nD? Please answer yes or no.\tNo\n",
		"a.jsonl": `{"question_id": "artwork/images/7.jpg", "prompt": "B?\nAnswer the question using a single word or phrase.", "text": "know"}
{"question_id": "count/0001.png", "prompt": "Two?\nAnswer the question using a single word or phrase.", "text": "No"}
{"question_id": "count/0001.png", "prompt": "One?\nAnswer the question using a single word or phrase.", "text": "Yes"}
{"question_id": "code_reasoning/0001.png", "text": "Yes"}
{"question_id": "code_reasoning/0001.png", "text": "Yes"}
{"question_id": "code_reasoning/0001.png", "prompt": "E?", "text": "Yes"}`,
	}), "a.jsonl")
	r, _ := o.score(t, "official")
	require.Equal(t, []int{6, 1, 1}, []int{r.Questions, r.Missing, r.Unknown})
	require.Equal(t, 200.0, value(t, r, "count"))
	require.Equal(t, 50.0, value(t, r, "artwork"), "one of two right, the other without an answer")
	require.Equal(t, 50.0, value(t, r, "cognition"), "answers without a prompt go to the questions in turn")
	require.Equal(t, 250.0, value(t, r, "perception, by image, missing as wrong"))
	require.Equal(t, mmeFolder+"/artwork/images/7.jpg", o.data.Questions[2].Images[0])
	converted, unknown := MMEResults(o.data, o.answers)
	require.Equal(t, 1, unknown)
	require.Equal(t, "0001.txt\tTwo?  Please answer yes or no.\tNo\tNo\n0001.txt\tOne? Please answer yes or no.\tYes\tYes\n", string(converted["count.txt"]))

	_, err := o.ReadAnswers(files(t, map[string]string{"count.txt": "0001.png\tTwo?\tNo\n"}))
	require.ErrorContains(t, err, "line 1: expected image")
	_, err = o.ReadAnswers(t.TempDir())
	require.ErrorContains(t, err, "no results")
	require.ErrorIs(t, openError(t, "mme", nil), fs.ErrNotExist)
	require.ErrorContains(t, openError(t, "mme", map[string]string{mmeFolder + "/count/1.png": "x"}), "no questions")
	require.ErrorContains(t, openError(t, "mme", map[string]string{mmeFolder + "/count/1.txt": "x\tYes\nq Yes"}), "line 2")
}

const benchTable = "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tl2-category\tsplit\n" +
	"1000000\t\"a \"\"q\"\"\nof two lines\"\t\ty\tx\t\t\tA\tocr\tAAAA\tCP\tdev\n" +
	"0\t\"a \"\"q\"\"\nof two lines\"\t\tx\ty\t\t\tB\tocr\tAAAA\tCP\tdev\n" +
	"1\tan \"inner\" quote\t\tNone\tNA\tnull\t\tA\tocr\t0\tCP\tdev\n" +
	"3000007\tlost\t\tx\ty\t\t\tA\tocr\tAAAA\tCP\tdev\n"

func TestMMBench(t *testing.T) {
	o := open(t, "mmbench", files(t, map[string]string{
		"own.tsv": benchTable,
		"a.jsonl": `{"question_id": 0, "text": "B"}
{"question_id": 1000000, "text": "A. y"}
{"question_id": 1, "text": "none is what it is"}`,
	}), "a.jsonl")
	r, _ := o.score(t, "official")
	require.Equal(t, []int{4, 1, 2}, []int{r.Questions, r.Missing, r.Unparsed})
	require.Zero(t, r.Metrics[0].Value)
	require.Equal(t, 2, r.Metrics[0].N)
	require.Contains(t, strings.Join(r.Notes, "\n"), "1 rotations")
	r, samples := o.score(t, "vlmevalkit")
	require.Equal(t, 0.5, value(t, r, "circular category ocr"), "the first question in both rotations; a text longer than all options decides nothing")
	require.Equal(t, "A", samples["1000000"].Parsed)
	_, samples = o.score(t, "lmms-eval")
	require.Equal(t, "A", samples["1"].Parsed, "None is text, NA and null are missing to a harness")
	require.Equal(t, `an "inner" quote`, o.data.Questions[2].Text)

	rows, err := readXLSX([]byte(o.upload(t)))
	require.NoError(t, err)
	require.Equal(t, []string{"index", "question", "A", "B", "C", "D", "prediction", "answer", "split"}, rows[0])
	require.Equal(t, []string{"1000000", "a \"q\"\nof two lines", "y", "x", "", "", "A. y", "A", "dev"}, rows[1])

	require.ErrorContains(t, openError(t, "mmbench", map[string]string{"a.tsv": "index\tquestion\tA\nx\tq\ta\n"}), "line 2")
	require.ErrorContains(t, openError(t, "mmbench", map[string]string{"a.tsv": "index\tA\n"}), `no column "question"`)
	require.ErrorContains(t, openError(t, "mmbench", map[string]string{"a.tsv": "index\tquestion\tA\n1\tq\n"}), "expected 3 as in the header")
	require.ErrorContains(t, openError(t, "mmbench", map[string]string{"a.tsv": "", "b.tsv": ""}), "mmbench_dev_20230712.tsv")
	require.ErrorContains(t, openError(t, "mmbench_cn", map[string]string{"a.tsv": "index\tquestion\tA\n1\tq\ta\n1\tq\ta\n"}), "same id")
}

func TestSEED(t *testing.T) {
	o := open(t, "seed", files(t, map[string]string{
		"SEED-Bench.json": `{"questions": [
{"answer": "A", "data_id": "1", "data_type": "image", "question_id": "1", "question_type_id": 2},
{"answer": "B", "data_id": "2", "data_type": "image", "question_id": "2", "question_type_id": 1},
{"answer": "C", "data_id": "3", "data_type": "video", "question_id": "v3", "question_type_id": 10}],
"question_type": {"Scene": 1, "Identity": 2, "Action": 10}}`,
		"a.jsonl": `{"question_id": 1, "text": "A"}
{"question_id": 2, "text": "b. x"}`,
	}), "a.jsonl")
	r, _ := o.score(t, "llava")
	require.Equal(t, "Scene: 0.00%\nIdentity: 100.00%\nAction: 0.00%\nTotal accuracy: 33.33%\nimage accuracy: 50.00%\nvideo accuracy: 0.00%\n", SEEDReport(r))
	r, _ = o.score(t, "lmms-eval")
	require.Equal(t, 1.0, value(t, r, "seed_all"))
	require.Equal(t, 2.0/3, value(t, r, "seed_all, missing as wrong"))
	o.answers.List = append(o.answers.List, Answer{ID: "v3", Text: "C"})
	require.Contains(t, o.upload(t), "{\"question_id\": \"1\", \"prediction\": \"A\"}\n")
	require.ErrorContains(t, openError(t, "seed", map[string]string{"SEED-Bench.json": `{"questions": [{"question_type_id": 3}]}`}), "type 3")
}

func TestMMMU(t *testing.T) {
	o := open(t, "mmmu", files(t, map[string]string{
		"answer_dict_val.json": `{"validation_Art_1": {"question_type": "multiple-choice", "ground_truth": "B"},
"validation_Art_Theory_2": {"question_type": "short-answer", "ground_truth": ["3.5", "3.50"]},
"validation_Math_3": {"question_type": "multiple-choice", "ground_truth": "A"},
"validation_Math_4": {"question_type": "multiple-choice", "ground_truth": "A"}}`,
		"a.json": `{"validation_Art_1": "B", "validation_Art_Theory_2": "about 3.5", "validation_Math_3": "B"}`,
		"b.json": `[{"id": "validation_Math_3", "response": "none", "all_choices": ["A", "B"], "index2ans": {"A": "x", "B": "y"}}]`,
	}), "a.json")
	r, _ := o.score(t, "official")
	require.Equal(t, 0.667, value(t, r, "Overall"), "over answered questions, as upstream")
	require.Equal(t, 0.5, value(t, r, "Overall, missing as wrong"))
	require.Equal(t, 1.0, value(t, r, "Overall-Art and Design"))
	require.Equal(t, "Art_Theory", o.data.Questions[1].Category)
	r, _ = o.score(t, "lmms-eval")
	require.Zero(t, value(t, r, "open"))
	a, err := o.ReadAnswers(filepath.Join(files(t, map[string]string{"b.json": `[{"id": "validation_Math_3", "response": "none", "all_choices": ["A", "B"], "index2ans": {"A": "x", "B": "y"}}]`}), "b.json"))
	require.NoError(t, err)
	r, err = o.Scorers[0].Score(o.data, a)
	require.NoError(t, err)
	require.Equal(t, 1, r.Unparsed)
	require.Contains(t, strings.Join(r.Notes, "\n"), "draw a random one")
	require.Equal(t, `["it's", 'a "b" c\'s', 'x']`, MMMUOption([]string{"it's", `a "b" c's`, "x"}, true))

	require.ErrorContains(t, openError(t, "mmmu", map[string]string{"answer_dict_val.json": `{"val_1": {"ground_truth": "A"}}`}), "no subject")
	require.ErrorContains(t, openError(t, "mmmu", map[string]string{"output.json": `[{"id": "validation_Art_1"}]`}), "expected the answer")
}

func TestReviews(t *testing.T) {
	o := open(t, "llava_bench", files(t, map[string]string{
		"questions.jsonl": `{"question_id": 0, "image": "1.jpg", "text": "q", "category": "conv"}
{"question_id": 1, "image": "1.jpg", "text": "q", "category": "detail"}`,
		"r.jsonl": `{"id": 1, "question_id": 0, "category": "llava_bench_conv", "content": "8 6", "tuple": [8, 6]}
{"id": 2, "question_id": 1, "content": "sorry", "tuple": [-1, -1]}
{"id": 3, "question_id": 1, "content": "9 9", "tuple": [9.0, 8.0]}`,
	}), "r.jsonl")
	sc, err := o.Scorer("llava")
	require.NoError(t, err)
	r, err := sc.Score(o.data, o.answers)
	require.NoError(t, err)
	require.Equal(t, 75.0, value(t, r, "llava_bench_conv"))
	require.Equal(t, 81.2, r.Metrics[0].Value, "13 of 16, the failure averaged in")
	require.Equal(t, 82.4, value(t, r, "all without unread reviews"))
	require.Equal(t, []int{1, 1}, []int{r.Unparsed, r.Duplicates})
	require.Contains(t, strings.Join(r.Notes, "\n"), "1 rows have other scores stored")
	o.answers.List = nil
	_, err = sc.Score(o.data, o.answers)
	require.ErrorContains(t, err, "no reviews")
}

func TestGrades(t *testing.T) {
	content := map[string]string{
		"mm-vet.json": `{"v1_0": {"imagename": "v1_0.png", "question": "q", "capability": ["ocr", "math"]},
"v1_1": {"imagename": "v1_1.png", "question": "q", "capability": ["ocr"]}, "v1_2": {"imagename": "v1_2.png", "question": "q", "capability": ["rec"]}}`,
		"bard_set.json": `["v1_0", "v1_2"]`,
		"g.json":        `{"v1_0": {"model": ["j", "j"], "content": ["0.5", "1"], "score": [0.5, 1]}, "v1_1": {"model": ["j"], "content": ["0.0"], "score": [0]}}`,
		"bad.json":      `{"v1_0": {"content": ["2"], "score": [2]}}`,
		"a.jsonl":       "{\"question_id\": 1, \"text\": \"\u00e9\"}\n{\"question_id\": 0, \"text\": \"x\"}\n",
	}
	dir := files(t, content)
	o := open(t, "mmvet", dir, "g.json")
	r, _ := o.score(t, "official")
	require.Equal(t, 16.7, r.Metrics[0].Value, "(0.5 + 0 + 0) / 3")
	require.Equal(t, 25.0, value(t, r, "ocr"))
	require.Equal(t, 50.0, value(t, r, "only math_ocr"))
	require.Equal(t, 1, r.Missing)
	notes := strings.Join(r.Notes, "\n")
	require.Contains(t, notes, "the first 1 count")
	row, err := MMVetRow(r, "m", []string{"ocr", "total", "std", "runs"})
	require.NoError(t, err)
	require.Equal(t, "m,25.0,16.7,0.0,[16.7]", row)
	sc, err := o.Scorer("bardset")
	require.NoError(t, err)
	r, err = sc.Score(o.data, o.answers)
	require.NoError(t, err)
	require.Equal(t, 2, r.Questions)

	_, err = o.Scorers[0].Score(o.data, open(t, "mmvet", dir, "bad.json").answers)
	require.ErrorContains(t, err, "grade 2")
	answers := open(t, "mmvet", dir, "a.jsonl")
	_, err = answers.Scorers[0].Score(answers.data, answers.answers)
	require.ErrorContains(t, err, "not a judge's grades")
	require.Equal(t, "{\n  \"v1_1\": \"\\u00e9\",\n  \"v1_0\": \"x\"\n}", answers.upload(t))
}

func TestTables(t *testing.T) {
	dir := files(t, map[string]string{
		"AI2D_TEST.tsv":   "index\tquestion\tA\tB\tanswer\tcategory\timage\n0\tq\tx\ty\tA\tc\tAAAA\n1\tr\tx\ty\tB\tc\tAAAA\n",
		"RealWorldQA.tsv": "index\tquestion\tA\tB\tanswer\timage\n0\tq\tx\ty\tA\tAAAA\n1\thow many\t\t\t2\tAAAA\n",
		"a.jsonl":         "{\"question_id\": 0, \"text\": \"(A) x\"}\n{\"question_id\": 1, \"text\": \"2.\"}\n",
		"b.tsv":           "index\tquestion\tprediction\tanswer\n0\tq\tA. x\tA\n1\tr\ty\tB\n",
	})
	o := open(t, "ai2d", dir, "b.tsv")
	r, _ := o.score(t, "lmms-eval")
	require.Equal(t, 0.5, r.Metrics[0].Value)
	r, _ = o.score(t, "vlmevalkit")
	require.Equal(t, 1.0, r.Metrics[0].Value)
	o = open(t, "realworldqa", dir, "a.jsonl")
	r, _ = o.score(t, "lmms-eval")
	require.Equal(t, 1.0, r.Metrics[0].Value)
	require.ErrorContains(t, openError(t, "ai2d", map[string]string{"AI2D_TEST.tsv": "index\tquestion\tanswer\n0\tq\t\n"}), "no answer")
}

func TestWriteXLSX(t *testing.T) {
	want := [][]string{{"a", "", "c"}, {"7", " two\n\"lines\" <&> _x0041_ \x01\ttab _x00zz_", "é"}}
	var b bytes.Buffer
	require.NoError(t, writeXLSX(&b, [][]xlsxCell{{{text: "a"}, {}, {text: "c"}}, {{text: "7", number: true}, {text: want[1][1]}, {text: "é"}}}))
	got, err := readXLSX(b.Bytes())
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, []string{"A", "Z", "AA", "ZZ", "AAA"}, []string{xlsxColumnName(0), xlsxColumnName(25), xlsxColumnName(26), xlsxColumnName(701), xlsxColumnName(702)})
	require.ErrorContains(t, writeXLSX(&b, [][]xlsxCell{{{text: strings.Repeat("x", maxXLSXText+1)}}}), "A1")
}

func FuzzXLSX(f *testing.F) {
	f.Add("x", "_x0041_\x00", "\r\n")
	f.Add("0", "_x0044\x00", "_x00\x01_")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) || !utf8.ValidString(c) || c == "" {
			return
		}
		var out bytes.Buffer
		if err := writeXLSX(&out, [][]xlsxCell{{{text: a}, {text: b}, {text: c}}}); err != nil {
			return
		}
		got, err := readXLSX(out.Bytes())
		require.NoError(t, err)
		require.Equal(t, [][]string{{a, b, c}}, got)
	})
}

// FuzzOpen reads any bytes as a suite's file: an error or questions with distinct ids, never a panic.
func FuzzOpen(f *testing.F) {
	names := []struct{ suite, file string }{
		{"pope", "coco/coco_pope_random.json"}, {"mmbench", "x.tsv"}, {"mmmu", "answer_dict_val.json"}, {"seed", "SEED-Bench.json"},
		{"mme", mmeFolder + "/count/1.txt"}, {"mmvet", "mm-vet.json"}, {"llava_bench", "reviews.jsonl"}, {"ai2d", "AI2D_TEST.tsv"}, {"scienceqa", "problems.json"},
	}
	dirs := make([]string, len(names))
	for i, n := range names {
		dirs[i] = files(f, map[string]string{n.file: "", "pid_splits.json": `{"test": ["1"]}`})
		for _, seed := range []string{popeLabels, benchTable, "q\tYes\n", `{"validation_Art_1": {"question_type": "open", "ground_truth": ["x"]}}`,
			`{"questions": [{"question_id": 1, "question_type_id": 1}], "question_type": {"a": 1}}`} {
			f.Add(uint8(i), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, raw []byte) {
		i := int(which) % len(names)
		require.NoError(t, os.WriteFile(filepath.Join(dirs[i], filepath.FromSlash(names[i].file)), raw, 0o600))
		s, err := Find(names[i].suite)
		require.NoError(t, err)
		d, err := OpenDir(dirs[i])
		require.NoError(t, err)
		data, err := s.Open(d)
		if err != nil {
			return
		}
		require.NoError(t, uniqueIDs(s.Name, data.Questions))
		for _, sc := range s.Scorers {
			_, _ = sc.Score(data, &Answers{})
		}
	})
}
