package suites

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// files writes files into a new directory; the text of a name that ends in .gz is compressed.
func files(t testing.TB, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		raw := []byte(text)
		if strings.HasSuffix(name, ".gz") {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, err := z.Write(raw)
			require.NoError(t, err)
			require.NoError(t, z.Close())
			raw = b.Bytes()
		}
		require.NoError(t, os.WriteFile(file, raw, 0o644))
	}
	return dir
}

const (
	vqaTen    = `[{"answer":"red"},{"answer":"red"},{"answer":"red"},{"answer":"the red"},{"answer":"blue"},{"answer":"blue"},{"answer":"blue"},{"answer":"x"},{"answer":"y"},{"answer":"z"}]`
	vqaYes    = `[{"answer":"yes"},{"answer":"yes"},{"answer":"yes"},{"answer":"yes"},{"answer":"yes"},{"answer":"yes"},{"answer":"yes"},{"answer":"yes"},{"answer":"yes"},{"answer":"yes"}]`
	vqav2Val  = `{"data_subtype":"val2014","questions":[{"image_id":42,"question":"What colour?","question_id":42000},{"image_id":42,"question":"Is it?","question_id":42001}]}`
	vqav2Anno = `{"annotations":[{"question_id":42000,"answer_type":"other","question_type":"what","answers":` + vqaTen + `},{"question_id":42001,"answer_type":"yes/no","question_type":"is it","answers":` + vqaYes + `}]}`
)

// A fixture is a suite's data in the official layout, a file of answers, and what the scorers give for it.
type fixture struct {
	suite   string
	data    map[string]string
	answers string // the content
	name    string // of the answer file; answers.jsonl if empty
	want    map[string]float64
	upload  string
	// missing, duplicates, unknown and unparsed of the first scorer
	counts [4]int
}

var fixtures = map[string]fixture{
	"vqav2 lines": {suite: "vqav2", data: map[string]string{"v2_OpenEnded_mscoco_val2014_questions.json": vqav2Val, "v2_mscoco_val2014_annotations.json.gz": vqav2Anno},
		answers: `{"question_id":42000,"text":"RED."}` + "\nnot json\n" + `{"question_id":42001,"text":"Yes"}` + "\n" + `{"question_id":7,"text":"x"}` + "\n" + `{"question_id":42`,
		want:    map[string]float64{"official overall": 50, "official answer type: other": 100, "official question type: is it": 0, "lmms-eval accuracy": 1, "m4c accuracy": 1},
		upload:  `[{"question_id": 42000, "answer": "red"}, {"question_id": 42001, "answer": "yes"}]`, counts: [4]int{0, 0, 1, 0}},
	"vqav2 results": {suite: "vqav2", data: map[string]string{"v2_OpenEnded_mscoco_val2014_questions.json": vqav2Val, "v2_mscoco_val2014_annotations.json": vqav2Anno,
		"llava_vqav2_mscoco_test2015.jsonl": `{"question_id":1,"image":"a.jpg","text":"x"}` + "\n" + `{"question_id":42001,"image":"b.jpg","text":"y"}`},
		answers: `[{"question_id":42001,"answer":"no"},{"question_id":42001,"answer":"yes"}]`,
		want:    map[string]float64{"official overall": 50, "official answer type: yes/no": 100},
		upload:  `[{"question_id": 1, "answer": ""}, {"question_id": 42001, "answer": "yes"}]`, counts: [4]int{1, 1, 0, 0}},
	"vqav2 sample log": {suite: "vqav2", data: map[string]string{"v2_OpenEnded_mscoco_val2014_questions.json": vqav2Val, "v2_mscoco_val2014_annotations.json": vqav2Anno},
		answers: `{"doc_id":0,"doc":{"question_id":42000,"answers":null},"target":"red","resps":[["the red "]],"filtered_resps":["the red "]}` + "\n" + `{"doc_id":1,"doc":{"question_id":42001},"resps":[["yes"]]}`,
		want:    map[string]float64{"lmms-eval accuracy": 1}},
	"textvqa": {suite: "textvqa", data: map[string]string{"TextVQA_0.5.1_val.json": `{"data":[
		{"question":"What Brand?","question_id":1,"image_id":"ab","answers":["a","a","a","b","c","d","e","f","g","h"]},
		{"question":"Who?","question_id":2,"image_id":"ab","answers":["x","x","x","x","x","x","x","x","x","x"]},
		{"question":"When?","question_id":3,"image_id":"cd","answers":["1","1","1","1","1","1","1","1","1","1"]}]}`},
		answers: `{"question_id":"ab","prompt":"Who?\nReference OCR token: a, b\nAnswer briefly.","text":"X."}` + "\n" +
			`{"question_id":"ab","prompt":"What brand?\nAnswer briefly.","text":"b"}` + "\n" +
			`{"question_id":"cd","prompt":"A shape\nthat\nno\nrule knows","text":"1"}`,
		want: map[string]float64{"llava accuracy": 65, "llava accuracy, missing as wrong": 130.0 / 3, "lmms-eval accuracy": 1.3 / 3, "vlmevalkit accuracy": 130.0 / 3}, counts: [4]int{1, 0, 1, 0}},
	"vizwiz": {suite: "vizwiz", data: map[string]string{"Annotations/val.json": `[{"image":"VizWiz_val_00000000.jpg","question":"What?","answer_type":"other","answers":` + vqaTen + `},
		{"image":"VizWiz_val_00000001.jpg","question":"Is it?","answer_type":"yes/no","answers":` + vqaYes + `}]`},
		answers: `{"question_id":1,"text":"YES"}` + "\n" + `{"question_id":0,"text":"x"}`,
		want:    map[string]float64{"lmms-eval accuracy": 0.65, "m4c accuracy": 0.65},
		upload:  `[{"image": "VizWiz_val_00000000.jpg", "answer": "x"}, {"image": "VizWiz_val_00000001.jpg", "answer": "yes"}]`},
	"vizwiz upload": {suite: "vizwiz", data: map[string]string{"val.json": `[{"image":"VizWiz_val_00000000.jpg","question":"What?","answers":` + vqaYes + `}]`},
		answers: `[{"image":"VizWiz_val_00000000.jpg","answer":"yes"}]`, want: map[string]float64{"lmms-eval accuracy": 1}},
	"gqa": {suite: "gqa", data: map[string]string{"testdev_balanced_questions.json": `{
		"5":{"question":"Is the cat left?","imageId":"n1","answer":"yes","isBalanced":true,"groups":{"global":"g"},"types":{"structural":"verify","semantic":"rel"},"semantic":[{"operation":"select","argument":"cat"},{"operation":"exist","argument":"?"}]},
		"4":{"question":"What is it?","imageId":"n1","answer":"cat","isBalanced":true,"groups":{"global":null},"types":{"structural":"query","semantic":"obj"},"semantic":[{"operation":"query","argument":"name"}]},
		"3":{"question":"Who?","imageId":"n2","answer":"man","isBalanced":false,"groups":{"global":null},"types":{"structural":"query","semantic":"obj"},"semantic":[]}}`},
		answers: `{"question_id":"5","text":"Yes.."}` + "\n" + `{"question_id":"4","text":"cat!"}` + "\n" + `{"question_id":"3","text":"man"}`,
		want: map[string]float64{"official Accuracy": 50, "official Binary": 100, "official Open": 0, "official Distribution": 0, "official steps number: 1": 100, "official steps number: 0": 0,
			"official words number: 4": 100, "lmms-eval accuracy": 1, "vlmevalkit accuracy": 100.0 / 3},
		upload: `[{"questionId": "5", "prediction": "yes"}, {"questionId": "4", "prediction": "cat!"}, {"questionId": "3", "prediction": "man"}]`},
	"gqa table": {suite: "gqa", data: map[string]string{"testdev_balanced_questions.json": `{"5":{"question":"Left?","imageId":"n1","answer":"yes","isBalanced":true,"types":{"structural":"verify"}},
		"0":{"question":"What\tis \"it\"?","imageId":"n1","answer":"cat","isBalanced":true,"types":{"structural":"query"}}}`},
		name: "t.tsv", answers: "index\tquestion\tanswer\tprediction\n0\tLeft?\tyes\tYes \n1\t\"What\tis \"\"it\"\"?\"\tcat\tdog\n",
		want: map[string]float64{"vlmevalkit accuracy": 50}},
	"chartqa": {suite: "chartqa", data: map[string]string{"test/test_human.json": `[{"imgname":"1.png","query":"How much?","label":"100"},{"imgname":"1.png","query":"Which?","label":"[1, 2]"}]`,
		"test/test_augmented.json": `[{"imgname":"1.png","query":"How much?","label":"0"}]`},
		answers: `[{"imgname":"1.png","split":"human","query":"Which?","prediction":" 1 "},{"imgname":"1.png","split":"augmented","prediction":"0"},{"imgname":"1.png","split":"human","query":"How much?","prediction":"96"}]`,
		want:    map[string]float64{"lmms-eval relaxed_overall": 2.0 / 3, "lmms-eval relaxed_human_split": 0.5, "vlmevalkit Overall": 100, "vlmevalkit test_augmented": 100}},
	"chartqa numbers": {suite: "chartqa", data: map[string]string{"test/test_human.json": `[{"imgname":"1.png","query":"How much?","label":"100"}]`, "test/test_augmented.json": `[]`},
		answers: `{"question_id":"human-0","text":"100"}`, want: map[string]float64{"lmms-eval relaxed_overall": 1}},
	"docvqa": {suite: "docvqa", data: map[string]string{"val_v1.0.json": `{"data":[{"questionId":10,"question":"Who?","image":"documents/a_1.png","answers":["John Smith"]},
		{"questionId":11,"question":"What?","image":"documents/a_1.png","answers":[""]}]}`},
		answers: `[{"questionId":11,"answer":" "},{"questionId":10,"answer":"john  smit\u00e9"}]`,
		want:    map[string]float64{"lmms-eval anls": (1 - 1.0/11 + 1) / 2, "vlmevalkit Overall": (1 - 1.0/11 + 1) / 2 * 100, "m4c anls": 1 - 2.0/11},
		upload:  `[{"questionId": 10, "answer": "john  smit\u00e9"}, {"questionId": 11, "answer": ""}]`},
	"ocrbench": {suite: "ocrbench", data: map[string]string{"OCRBench.json": `[{"dataset_name":"HME100k","id":0,"image_path":"a.jpg","question":"?","answers":"x ^ 2","type":"Handwritten Mathematical Expression Recognition"},
		{"dataset_name":"IIIT5K","id":1,"image_path":"b.jpg","question":"?","answers":["CENTRE",7],"type":"Regular Text Recognition"}]`},
		answers: `[{"id":0,"predict":"x^2","answers":"x ^ 2"},{"id":1,"predict":"the ＣＥＮＴＲＥ","answers":["CENTRE"]},{"id":0,"answers":"x ^ 2"}]`,
		want:    map[string]float64{"official Final Score": 1, "official group: Text Recognition": 0, "lmms-eval Final Score": 2, "vlmevalkit type: Regular Text Recognition": 0}},
	"own test set": {suite: "jsonl", data: map[string]string{"images/a.png": "", "questions.jsonl": `{"question_id":1,"image":"a.png","text":"What?","answer":"Red","category":"colour","seed":5}
{"question_id":"x","image":["a.png","b.png"],"text":"Which?","answer":"B","choices":["a cat","a dog"],"category":"choice"}
{"question_id":"y","text":"How many?","answers":["100",99]}`},
		answers: `{"question_id":"1","text":" red. "}` + "\n" + `{"question_id":"x","text":"The answer is B"}` + "\n" + `{"question_id":"y","text":"103"}`,
		want:    map[string]float64{"exact accuracy": 2.0 / 3, "exact category: choice": 1, "contains accuracy": 2.0 / 3, "relaxed accuracy": 1.0 / 3, "anls accuracy": (0.75 + 2.0/3) / 3, "vqa accuracy": 0}},
	"mathvista": {suite: "mathvista", data: map[string]string{"testmini.json": `{"7":{"question":"How many?","image":"images/7.jpg","choices":null,"precision":null,"answer":"3","question_type":"free_form","answer_type":"integer","metadata":{"grade":"college","skills":["a","b"]}},
		"8":{"question":"Which?","image":"images/8.jpg","choices":["left","right"],"answer":"right","question_type":"multi_choice","answer_type":"text","metadata":{"grade":"college"}},
		"9":{"question":"How far?","image":"images/9.jpg","choices":null,"precision":1,"answer":"1.2","question_type":"free_form","answer_type":"float","metadata":{"grade":"school"}}}`},
		name: "out.json", answers: `{"7":{"response":"So it is three.","extraction":"3.9","metadata":{"grade":"daily life","skills":["b"]}},"8":{"response":"The answer is (B).","answer":"right","question_type":"multi_choice"}}`,
		want: map[string]float64{"official average": 0.5, "official average, missing as wrong": 1.0 / 3, "official grade: daily life": 1, "official grade: college": 0, "official skills: b": 1}, counts: [4]int{1, 0, 0, 1}},
}

func TestFixtures(t *testing.T) {
	for name, f := range fixtures {
		t.Run(name, func(t *testing.T) {
			file := f.name
			if file == "" {
				file = "answers.jsonl"
			}
			dir := files(t, f.data)
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(f.answers), 0o644))
			o := open(t, f.suite, dir, file)
			for key, want := range f.want {
				scorer, metric, _ := strings.Cut(key, " ")
				r, _ := o.score(t, scorer)
				require.InDelta(t, want, value(t, r, metric), 1e-9, key)
			}
			r, _ := o.score(t, "")
			require.Equal(t, f.counts, [4]int{r.Missing, r.Duplicates, r.Unknown, r.Unparsed})
			require.Equal(t, r.Questions, r.Answered+r.Missing)
			if f.upload != "" {
				require.Equal(t, f.upload, o.upload(t))
			}
		})
	}
}

// Every suite has what the listing shows, a prompt, and a name of its own.
func TestSuitesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range All() {
		require.False(t, seen[s.Name], s.Name)
		seen[s.Name] = true
		require.NotEmpty(t, s.Title)
		require.NotEmpty(t, s.Licence)
		require.NotEmpty(t, s.Size)
		require.NotEmpty(t, s.Metric)
		require.NotEmpty(t, s.Files)
		require.NotEmpty(t, s.Scorers)
		require.NotEmpty(t, Prompts(s.Name), s.Name)
		for _, sc := range s.Scorers {
			require.NotEmpty(t, sc.Upstream)
		}
		d, err := OpenDir(t.TempDir())
		require.NoError(t, err)
		require.False(t, s.In(d))
		_, err = s.Open(d)
		require.ErrorContains(t, err, d.Root(), s.Name)
	}
	_, err := Find("vqa9")
	require.ErrorContains(t, err, `suite "vqa9" is not known`)
}
