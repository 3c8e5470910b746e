package suites

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval/score"
)

// sharedDir is a folder of the shared files; the test is skipped where there are none at all.
func sharedDir(t *testing.T, parts ...string) string {
	t.Helper()
	shared := filepath.Join("..", "..", "..", "shared")
	if _, err := os.Stat(shared); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no shared files here")
	}
	return filepath.Join(append([]string{shared}, parts...)...)
}

// readJSON reads a JSON file, decompressed if need be.
func readJSON(t *testing.T, file string, v any) {
	t.Helper()
	raw, err := readPlain(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, v), file)
}

// opened is a suite with its data and answers.
type opened struct {
	*Suite
	data    *Data
	answers *Answers
}

func open(t *testing.T, name, dir, answers string) opened {
	t.Helper()
	s, err := Find(name)
	require.NoError(t, err)
	d, err := OpenDir(dir)
	require.NoError(t, err)
	data, err := s.Open(d)
	require.NoError(t, err)
	a, err := s.ReadAnswers(filepath.Join(dir, answers))
	require.NoError(t, err)
	return opened{s, data, a}
}

// score runs a scorer and indexes the samples.
func (o opened) score(t *testing.T, scorer string) (*Result, map[string]Sample) {
	t.Helper()
	sc, err := o.Scorer(scorer)
	require.NoError(t, err)
	r, err := sc.Score(o.data, o.answers)
	require.NoError(t, err)
	samples := map[string]Sample{}
	for _, s := range r.Samples {
		samples[s.ID] = s
	}
	require.Len(t, samples, len(o.data.Questions))
	return r, samples
}

// value is the metric of a name.
func value(t *testing.T, r *Result, name string) float64 {
	t.Helper()
	m, ok := r.Metric(name)
	require.True(t, ok, "no metric %q", name)
	return m.Value
}

func (o opened) upload(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	_, err := o.Submission.Write(&b, o.data, o.answers)
	require.NoError(t, err)
	return b.String()
}

func TestVQAv2Golden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "vqav2")
	type expectation struct {
		Official struct {
			Accuracy struct {
				Overall      float64
				QuestionType map[string]float64 `json:"perQuestionType"`
				AnswerType   map[string]float64 `json:"perAnswerType"`
			}
			Questions map[string]float64 `json:"per_question_percent"`
		} `json:"official_vqaeval"`
		LMMS struct {
			Mean      float64
			Questions map[string]float64 `json:"per_question"`
			Submitted map[string]string  `json:"submission_answer"`
		} `json:"lmms_eval_exact_match"`
		M4C struct {
			Mean      float64
			Questions map[string]float64 `json:"per_question"`
		} `json:"m4c_style"`
	}
	var want map[string]expectation
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	for part, file := range map[string]string{"raw": "results_raw.json", "llava_upload": "expected_upload.json"} {
		o, w := open(t, "vqav2", dir, file), want[part]
		r, samples := o.score(t, "official")
		require.Equal(t, w.Official.Accuracy.Overall, value(t, r, "overall"))
		for name, v := range w.Official.Accuracy.QuestionType {
			require.Equal(t, v, value(t, r, "question type: "+name), name)
		}
		for name, v := range w.Official.Accuracy.AnswerType {
			require.Equal(t, v, value(t, r, "answer type: "+name), name)
		}
		for id, v := range w.Official.Questions {
			require.Equal(t, v, score.Round(100*samples[id].Score, 2), id)
		}
		r, samples = o.score(t, "lmms-eval")
		require.Equal(t, w.LMMS.Mean, value(t, r, "accuracy"))
		for id, v := range w.LMMS.Questions {
			require.Equal(t, v, samples[id].Score, id)
			require.Equal(t, w.LMMS.Submitted[id], samples[id].Parsed, id)
		}
		r, samples = o.score(t, "m4c")
		require.Equal(t, w.M4C.Mean, value(t, r, "accuracy"))
		for id, v := range w.M4C.Questions {
			require.Equal(t, v, samples[id].Score, id)
		}
	}
	o := open(t, "vqav2", dir, "answers_merge.jsonl")
	require.True(t, o.answers.Truncated)
	raw, err := os.ReadFile(filepath.Join(dir, "expected_upload.json"))
	require.NoError(t, err)
	require.Equal(t, string(raw), o.upload(t))
}

func TestTextVQAGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "textvqa")
	var want struct {
		Stdout  string  `json:"llava_eval_textvqa_stdout"`
		M4C     float64 `json:"m4c_accuracy"`
		LMMS    float64 `json:"lmms_eval_exact_match"`
		Kit     float64 `json:"vlmevalkit_percent"`
		Samples []struct {
			Image  string `json:"question_id"`
			Key    string `json:"image_question_key"`
			Parsed string `json:"pred_norm"`
			M4C    float64
			LMMS   float64 `json:"lmms_eval"`
			Kit    float64 `json:"vlmevalkit"`
		} `json:"per_sample"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	o := open(t, "textvqa", dir, "answers.jsonl")
	id := map[string]string{}
	for _, q := range o.data.Questions {
		id[q.Group+score.Lower(q.Text)] = q.ID
	}
	llava, llavaSamples := o.score(t, "llava")
	lmms, lmmsSamples := o.score(t, "lmms-eval")
	kit, kitSamples := o.score(t, "vlmevalkit")
	require.Equal(t, want.M4C*100, value(t, llava, "accuracy"))
	require.Contains(t, want.Stdout, "Accuracy: "+llava.Metrics[0].Text()+"%")
	require.Equal(t, want.LMMS, value(t, lmms, "accuracy"))
	require.Equal(t, want.Kit, value(t, kit, "accuracy"))
	require.Len(t, want.Samples, llava.Answered)
	for _, w := range want.Samples {
		q := id[w.Image+w.Key]
		require.Equal(t, w.M4C, llavaSamples[q].Score, w)
		require.Equal(t, w.Parsed, llavaSamples[q].Parsed, w)
		require.Equal(t, w.LMMS, lmmsSamples[q].Score, w)
		require.Equal(t, w.Kit, kitSamples[q].Score, w)
	}
}

func TestVizWizGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "vizwiz")
	var want struct {
		LMMS    float64 `json:"lmms_eval_exact_match"`
		M4C     float64 `json:"m4c_mean"`
		Samples []struct {
			ID   ID      `json:"question_id"`
			LMMS float64 `json:"lmms_eval"`
			M4C  float64
		} `json:"per_sample"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	o := open(t, "vizwiz", dir, "answers.jsonl")
	lmms, lmmsSamples := o.score(t, "lmms-eval")
	m4c, m4cSamples := o.score(t, "m4c")
	require.Equal(t, want.LMMS, value(t, lmms, "accuracy"))
	require.Equal(t, want.M4C, value(t, m4c, "accuracy"))
	for _, w := range want.Samples {
		require.Equal(t, w.LMMS, lmmsSamples[string(w.ID)].Score)
		require.Equal(t, w.M4C, m4cSamples[string(w.ID)].Score)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "expected_upload.json"))
	require.NoError(t, err)
	require.Equal(t, string(raw), o.upload(t))
}

func TestVizWizAnchor(t *testing.T) {
	dir := sharedDir(t, "anchors", "vizwiz")
	o := open(t, "vizwiz", dir, "answers/llava-v1.5-13b.jsonl.gz")
	raw, err := readPlain(filepath.Join(dir, "expected_upload.json.gz"))
	require.NoError(t, err)
	require.True(t, string(raw) == o.upload(t))
	_, err = o.Scorers[0].Score(o.data, o.answers)
	require.ErrorContains(t, err, "no published answers")
}

func TestGQAGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "gqa")
	var want struct {
		Official map[string]float64 `json:"official_eval"`
		Stdout   string             `json:"official_eval_stdout"`
		LMMS     float64            `json:"lmms_eval_exact_match"`
		Kit      float64            `json:"vlmevalkit_percent"`
		Samples  []struct {
			ID         ID      `json:"question_id"`
			Prediction string  `json:"official_prediction"`
			Correct    bool    `json:"official_correct"`
			LMMS       float64 `json:"lmms_eval"`
			Kit        float64 `json:"vlmevalkit"`
		} `json:"per_sample"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	for _, file := range []string{"answers_merge.jsonl", "expected_testdev_balanced_predictions.json"} {
		o := open(t, "gqa", dir, file)
		r, samples := o.score(t, "official")
		require.Equal(t, want.Stdout, GQAReport(r))
		for name, v := range want.Official {
			require.Equal(t, v, score.Round(value(t, r, name), 2), name)
		}
		for _, w := range want.Samples {
			require.Equal(t, w.Prediction, samples[string(w.ID)].Parsed)
			require.Equal(t, w.Correct, samples[string(w.ID)].Score == 1, w)
		}
	}
	o := open(t, "gqa", dir, "answers_merge.jsonl")
	raw, err := os.ReadFile(filepath.Join(dir, "expected_testdev_balanced_predictions.json"))
	require.NoError(t, err)
	require.Equal(t, string(raw), o.upload(t))
	lmms, lmmsSamples := o.score(t, "lmms-eval")
	kit, kitSamples := o.score(t, "vlmevalkit")
	require.Equal(t, want.LMMS, value(t, lmms, "accuracy"))
	require.Equal(t, want.Kit, value(t, kit, "accuracy"))
	for _, w := range want.Samples {
		require.Equal(t, w.LMMS, lmmsSamples[string(w.ID)].Score, w)
		require.Equal(t, w.Kit, kitSamples[string(w.ID)].Score, w)
	}
}

func TestChartQAGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "chartqa")
	var want struct {
		LMMS    map[string]float64 `json:"lmms_eval"`
		Kit     map[string]float64 `json:"vlmevalkit_percent"`
		Samples []struct {
			Image string `json:"imgname"`
			Split string
			LMMS  bool `json:"lmms_eval_correct"`
			Kit   bool `json:"vlmevalkit_correct"`
		} `json:"per_sample"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	o := open(t, "chartqa", dir, "predictions.json")
	lmms, lmmsSamples := o.score(t, "lmms-eval")
	kit, kitSamples := o.score(t, "vlmevalkit")
	for name, v := range want.LMMS {
		require.Equal(t, v, value(t, lmms, name))
	}
	for name, v := range want.Kit {
		require.Equal(t, v, value(t, kit, name))
	}
	id := map[string]string{}
	for _, q := range o.data.Questions {
		id[q.Category+q.Group] = q.ID
	}
	for _, w := range want.Samples {
		q := id[w.Split+w.Image]
		require.Equal(t, w.LMMS, lmmsSamples[q].Score == 1, w)
		require.Equal(t, w.Kit, kitSamples[q].Score == 1, w)
	}
}

func TestDocVQAGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "docvqa")
	var want struct {
		LMMS    float64 `json:"lmms_eval_anls"`
		Kit     float64 `json:"vlmevalkit_percent"`
		M4C     float64 `json:"m4c_stvqa_anls_excluding_null"`
		Samples []struct {
			ID   ID       `json:"questionId"`
			LMMS float64  `json:"lmms_eval"`
			Kit  float64  `json:"vlmevalkit"`
			M4C  *float64 `json:"m4c_stvqa"`
		} `json:"per_sample"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	o := open(t, "docvqa", dir, "predictions.json")
	lmms, lmmsSamples := o.score(t, "lmms-eval")
	kit, kitSamples := o.score(t, "vlmevalkit")
	m4c, m4cSamples := o.score(t, "m4c")
	require.Equal(t, want.LMMS, value(t, lmms, "anls"))
	require.Equal(t, want.Kit, value(t, kit, "Overall"))
	require.Equal(t, want.M4C, value(t, m4c, "anls"))
	for _, w := range want.Samples {
		q := string(w.ID)
		require.Equal(t, w.LMMS, lmmsSamples[q].Score, w)
		require.Equal(t, w.Kit, kitSamples[q].Score, w)
		require.Equal(t, w.M4C == nil, m4cSamples[q].Unparsed, w)
		if w.M4C != nil {
			require.Equal(t, *w.M4C, m4cSamples[q].Score, w)
		}
	}
}

func TestOCRBenchGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "ocrbench")
	var want struct {
		Total   map[string]float64
		Types   map[string]map[string]float64 `json:"by_type"`
		Samples []struct {
			ID                   ID
			Official, VLMEvalKit float64
			LMMS                 float64 `json:"lmms_eval"`
		} `json:"per_sample"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	o := open(t, "ocrbench", dir, "predictions.json")
	for name, key := range map[string]string{"official": "official", "lmms-eval": "lmms_eval", "vlmevalkit": "vlmevalkit"} {
		r, samples := o.score(t, name)
		require.Equal(t, want.Total[key], value(t, r, "Final Score"))
		for kind, v := range want.Types {
			require.Equal(t, v[key], value(t, r, "type: "+kind))
		}
		for _, w := range want.Samples {
			require.Equal(t, map[string]float64{"official": w.Official, "lmms_eval": w.LMMS, "vlmevalkit": w.VLMEvalKit}[key], samples[string(w.ID)].Score, w)
		}
	}
}

func TestMathVistaAnchor(t *testing.T) {
	dir := sharedDir(t, "anchors", "mathvista")
	type group struct {
		Accuracy       float64
		Correct, Total int
	}
	var want struct {
		Models map[string]struct {
			Scores  map[string]json.RawMessage
			Correct []string `json:"correct_pids"`
		}
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	require.NotEmpty(t, want.Models)
	check := func(r *Result, name string, w group) {
		m, ok := r.Metric(name)
		require.True(t, ok, name)
		require.Equal(t, w.Total, m.N, name)
		require.Equal(t, w.Accuracy, m.Value, name)
	}
	for model, w := range want.Models {
		o := open(t, "mathvista", dir, "results/output_"+model+".json.gz")
		r, samples := o.score(t, "official")
		right := 0
		for _, s := range samples {
			right += int(s.Score)
		}
		require.Len(t, w.Correct, right)
		for _, pid := range w.Correct {
			require.Equal(t, 1.0, samples[pid].Score, pid)
		}
		for key, raw := range w.Scores {
			if key == "average" {
				var g group
				require.NoError(t, json.Unmarshal(raw, &g))
				check(r, key, g)
				continue
			}
			var groups map[string]group
			require.NoError(t, json.Unmarshal(raw, &groups))
			for name, g := range groups {
				check(r, key+": "+name, g)
			}
		}
	}
}
