package suites

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval/score"
)

func TestPOPEGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "pope")
	o := open(t, "pope", dir, "answers.jsonl")
	var expected struct {
		Official, Lmms map[string]map[string]float64
		LmmsEval       map[string]map[string]float64 `json:"lmms_eval"`
		VLMEvalKit     map[string]map[string]float64 `json:"vlmevalkit_exact_matching"`
		PerSample      []struct {
			Category   string
			QuestionID int `json:"question_id"`
			Official   string
			VLMEvalKit string `json:"vlmevalkit_extracted"`
		} `json:"per_sample"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	r, samples := o.score(t, "official")
	f1 := 0.0
	for category, want := range expected.Official {
		for name, key := range map[string]string{"TP": "TP", "FP": "FP", "TN": "TN", "FN": "FN", "accuracy": "accuracy", "precision": "precision",
			"recall": "recall", "f1": "F1", "yes_ratio": "yes ratio"} {
			require.Equal(t, want[name], value(t, r, category+" "+key), "%s %s", category, name)
		}
		f1 += want["f1"]
	}
	require.InDelta(t, f1/3*100, value(t, r, "mean F1"), 1e-12)
	_, vlm := o.score(t, "vlmevalkit")
	for _, s := range expected.PerSample {
		id := strconv.Itoa(s.QuestionID + map[string]int{"random": 10_000_000, "popular": 20_000_000}[s.Category])
		require.Equal(t, s.Official, samples[id].Parsed, id)
		require.Equal(t, score.Lower(s.VLMEvalKit), vlm[id].Parsed, id)
	}
	r, _ = o.score(t, "lmms-eval")
	for category, want := range expected.LmmsEval {
		for name, v := range want {
			require.InDelta(t, v, value(t, r, category+" "+name), 1e-15, "%s %s", category, name)
		}
	}
	r, _ = o.score(t, "vlmevalkit")
	for category, want := range expected.VLMEvalKit {
		for name, v := range want {
			require.InDelta(t, v, value(t, r, category+" "+name), 1e-13, "%s %s", category, name)
		}
	}
}

func TestPOPEAnchor(t *testing.T) {
	dir := sharedDir(t, "anchors", "pope")
	var expected struct {
		Models map[string]struct {
			Items      int
			Categories map[string]map[string]float64
			Mean       float64 `json:"mean_f1_percent"`
		}
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	require.NotEmpty(t, expected.Models)
	for model, want := range expected.Models {
		o := open(t, "pope", dir, "answers/"+model+".jsonl.gz")
		r, _ := o.score(t, "official")
		require.Equal(t, want.Items, r.Answered)
		require.Equal(t, want.Mean, r.Metrics[0].Value)
		for category, values := range want.Categories {
			require.InDelta(t, values["f1_score"], value(t, r, category+" F1"), 1e-12)
			require.InDelta(t, values["yes_ratio"], value(t, r, category+" yes ratio"), 1e-12)
			for _, name := range []string{"TP", "FP", "TN", "FN", "accuracy", "precision", "recall"} {
				require.InDelta(t, values[name], value(t, r, category+" "+name), 1e-12)
			}
		}
	}
}

func TestScienceQAGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "scienceqa")
	o := open(t, "scienceqa", dir, "answers.jsonl")
	var expected struct {
		Stdout string             `json:"llava_stdout"`
		Lmms   map[string]float64 `json:"lmms_eval_per_question"`
		Mean   float64            `json:"lmms_eval_mean"`
		Image  float64            `json:"lmms_eval_image_only_mean"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	var output map[string][]struct {
		ID     string `json:"question_id"`
		Parsed string `json:"parsed_ans"`
	}
	readJSON(t, filepath.Join(dir, "expected_output.json"), &output)
	var result struct {
		Acc     float64
		Results map[string]int
	}
	readJSON(t, filepath.Join(dir, "expected_result.json"), &result)
	r, samples := o.score(t, "llava")
	image, _ := r.Metric("IMG-Accuracy")
	all, _ := r.Metric("Accuracy")
	require.Equal(t, expected.Stdout, fmt.Sprintf("Total: %d, Correct: %.0f, Accuracy: %s%%, IMG-Accuracy: %s%%", all.N, value(t, r, "Correct"), all.Text(), image.Text()))
	require.Equal(t, result.Acc, all.Value)
	for verdict, list := range output {
		for _, s := range list {
			require.Equal(t, s.Parsed, orFailed(samples[s.ID].Parsed), s.ID)
			require.Equal(t, verdict == "correct", samples[s.ID].Score == 1, s.ID)
		}
	}
	for i, q := range o.data.Questions {
		p := q.Reference.(scienceProblem)
		require.Equal(t, result.Results[q.ID], score.ScienceQAIndex(r.Samples[i].Parsed, len(p.Choices)), q.ID)
	}
	r, samples = o.score(t, "lmms-eval")
	for id, want := range expected.Lmms {
		require.Equal(t, want, samples[id].Score, id)
	}
	require.Equal(t, expected.Mean, value(t, r, "exact_match"))
	require.Equal(t, expected.Image, value(t, r, "exact_match, with image"))
}

func orFailed(letter string) string {
	if letter == "" {
		return "FAILED"
	}
	return letter
}

func TestScienceQAAnchors(t *testing.T) {
	dir := sharedDir(t, "anchors", "scienceqa")
	var expected struct {
		Models map[string]struct {
			Count        int
			Correct      float64
			Accuracy     float64 `json:"accuracy_percent"`
			ImageCount   int     `json:"img_count"`
			ImageCorrect float64 `json:"img_correct"`
			Image        float64 `json:"img_accuracy_percent"`
			Unparsed     int
		}
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	require.NotEmpty(t, expected.Models)
	for model, want := range expected.Models {
		o := open(t, "scienceqa", dir, "answers/"+model+".jsonl.gz")
		r, samples := o.score(t, "llava")
		require.Equal(t, want.Correct, value(t, r, "Correct"), model)
		require.InDelta(t, want.Accuracy, value(t, r, "Accuracy"), 1e-9, model)
		require.InDelta(t, want.Image, r.Metrics[0].Value, 1e-9, model)
		require.Equal(t, want.ImageCount, r.Metrics[0].N, model)
		require.Equal(t, want.Count, r.Questions, model)
		require.Equal(t, want.ImageCorrect, value(t, r, "IMG-Correct"), model)
		require.Equal(t, want.Unparsed, r.Unparsed, model)
		var file struct{ Results map[string]int }
		readJSON(t, filepath.Join(dir, "answers", model+"_result_index.json"), &file)
		index := file.Results
		for _, q := range o.data.Questions {
			require.Equal(t, index[q.ID], score.ScienceQAIndex(samples[q.ID].Parsed, len(q.Reference.(scienceProblem).Choices)), q.ID)
		}
	}
}

func TestMMEGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "mme")
	o := open(t, "mme", dir, "answers.jsonl")
	var expected struct {
		Official struct {
			Perception, Cognition float64
			PerCategory           map[string]float64 `json:"per_category"`
		}
		Lmms       map[string]float64 `json:"lmms_eval"`
		VLMEvalKit map[string]float64
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	r, _ := o.score(t, "official")
	require.Zero(t, r.Missing+r.Unknown+r.Duplicates)
	require.Equal(t, expected.Official.Perception, r.Metrics[0].Value)
	require.Equal(t, expected.Official.Cognition, value(t, r, "cognition"))
	for name, v := range expected.Official.PerCategory {
		require.Equal(t, v, value(t, r, name), name)
	}
	r, _ = o.score(t, "lmms-eval")
	for name, v := range expected.Lmms {
		require.InDelta(t, v, value(t, r, name), 1e-9, name)
	}
	r, _ = o.score(t, "vlmevalkit")
	for name, v := range expected.VLMEvalKit {
		require.Equal(t, v, value(t, r, name), name)
	}
	files, unknown := MMEResults(o.data, o.answers)
	require.Zero(t, unknown)
	want, err := filepath.Glob(filepath.Join(dir, "expected_converted", "*.txt"))
	require.NoError(t, err)
	require.Len(t, files, len(want))
	for _, file := range want {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(raw), string(files[filepath.Base(file)]), file)
	}
	r, _ = o.score(t, "official")
	zipped := filepath.Join(t.TempDir(), "r.zip")
	require.NoError(t, os.WriteFile(zipped, []byte(o.upload(t)), 0o600))
	for _, file := range []string{zipped, filepath.Join(dir, "expected_converted")} {
		a, err := o.ReadAnswers(file)
		require.NoError(t, err)
		again, err := o.Scorers[0].Score(o.data, a)
		require.NoError(t, err)
		require.Equal(t, r.Metrics, again.Metrics, "the official tool's layout scores like LLaVA's")
	}
}

func TestMMBenchGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "mmbench")
	o := open(t, "mmbench", dir, "answers.jsonl")
	var expected struct {
		VLMEvalKit struct {
			Circular, Vanilla []map[string]json.RawMessage
			All               []map[string]json.RawMessage `json:"vanilla_all_rows"`
			Hits              map[string]float64           `json:"hit_per_group"`
		} `json:"vlmevalkit_exact_matching"`
		Prefetch map[string]json.RawMessage `json:"vlmevalkit_prefetch_per_row"`
		Lmms     struct {
			Overall  float64
			Category map[string]float64
			L2       map[string]float64 `json:"l2_category"`
		} `json:"lmms_eval_static"`
		Strict struct {
			Circular float64
			Groups   map[string]bool `json:"per_group"`
		} `json:"strict_string_equality"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	groups := func(r *Result) map[string]float64 {
		hits := map[string]float64{}
		for _, g := range circularGroups(o.data).groups {
			hit := 1.0
			for _, i := range g.rows {
				hit *= r.Samples[i].Score
			}
			hits[o.data.Questions[g.rows[0]].ID] = hit
		}
		return hits
	}
	short := map[string]string{"Overall": "", "CP": " l2-category coarse_perception", "LR": " l2-category logic_reasoning",
		"image_scene": " category image_scene", "ocr": " category ocr"}
	r, samples := o.score(t, "vlmevalkit")
	require.Equal(t, expected.VLMEvalKit.Hits, groups(r))
	for name, raw := range expected.VLMEvalKit.Circular[0] {
		if name != "split" {
			require.JSONEq(t, string(raw), fmt.Sprint(value(t, r, "circular"+short[name])), name)
			require.JSONEq(t, string(expected.VLMEvalKit.All[0][name]), fmt.Sprint(value(t, r, "vanilla (all rows)"+short[name])), name)
		}
	}
	for id, raw := range expected.Prefetch {
		want := ""
		_ = json.Unmarshal(raw, &want) // false is none
		require.Equal(t, want, samples[id].Parsed, id)
	}
	r, _ = o.score(t, "lmms-eval")
	require.Equal(t, expected.Lmms.Overall, value(t, r, "circular"))
	for name, v := range expected.Lmms.Category {
		require.Equal(t, v, value(t, r, "circular category "+name))
	}
	for name, v := range expected.Lmms.L2 {
		require.Equal(t, v, value(t, r, "circular l2-category "+name))
	}
	r, _ = o.score(t, "official")
	require.InDelta(t, 100*expected.Strict.Circular, value(t, r, "circular"), 1e-12)
	for id, hit := range groups(r) {
		require.Equal(t, expected.Strict.Groups[id], hit == 1, id)
	}

	upload := []byte(o.upload(t))
	require.Equal(t, upload, []byte(o.upload(t)), "the same bytes each time")
	got, err := readXLSX(upload)
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join(dir, "expected_upload.xlsx"))
	require.NoError(t, err)
	want, err := readXLSX(raw)
	require.NoError(t, err)
	require.Equal(t, want, got)
	var columns struct{ Columns []string }
	readJSON(t, filepath.Join(dir, "expected_upload_columns.json"), &columns)
	require.Equal(t, columns.Columns, got[0])
	file := filepath.Join(t.TempDir(), "upload.xlsx")
	require.NoError(t, os.WriteFile(file, upload, 0o600))
	a, err := o.ReadAnswers(file)
	require.NoError(t, err)
	again, err := o.Scorers[0].Score(o.data, a)
	require.NoError(t, err)
	require.Equal(t, r.Metrics, again.Metrics, "the upload scores like the answers")
}

func TestSEEDGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "seed")
	o := open(t, "seed", dir, "answers_merge.jsonl")
	var expected struct {
		Stdout  string `json:"llava_stdout"`
		Percent map[string]float64
		Missing int                `json:"missing_predictions"`
		Lmms    map[string]float64 `json:"lmms_eval"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	r, _ := o.score(t, "llava")
	require.Equal(t, expected.Missing, r.Missing)
	for name, v := range expected.Percent {
		m, ok := r.Metric(name)
		require.True(t, ok, name)
		require.Equal(t, strconv.FormatFloat(v, 'f', 2, 64), m.Text(), name)
		require.Contains(t, expected.Stdout, m.Text()+"%\n")
	}
	r, _ = o.score(t, "lmms-eval")
	for name, v := range expected.Lmms {
		require.Equal(t, v, value(t, r, name), name)
	}
	_, err := o.Submission.Write(&bytes.Buffer{}, o.data, o.answers)
	require.ErrorContains(t, err, "no answer")
}

func TestMMMUGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "mmmu")
	o := open(t, "mmmu", dir, "output.json")
	var expected struct {
		Deterministic int
		Right         int      `json:"official_correct"`
		Random        []string `json:"random_fallback_ids"`
		LmmsRandom    []string `json:"lmms_random_fallback_ids"`
		PerSubject    map[string]struct {
			Num int
			Acc float64
		} `json:"per_subject"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	var records []struct {
		ID       string
		Type     string `json:"question_type"`
		Official *bool  `json:"official_correct"`
		Lmms     *bool  `json:"lmms_correct"`
		LmmsOpen []bool `json:"lmms_pipeline_correct_any_order"`
		Option   string `json:"vlmevalkit_A_option"`
		Infer    any    `json:"vlmevalkit_can_infer"`
	}
	readJSON(t, filepath.Join(dir, "output.json"), &records)
	unparsed := func(r *Result) (ids []string) {
		for _, s := range r.Samples {
			if s.Unparsed {
				ids = append(ids, s.ID)
			}
		}
		return ids
	}
	r, samples := o.score(t, "official")
	require.Equal(t, expected.Random, unparsed(r))
	require.Equal(t, expected.Deterministic, r.Questions-r.Unparsed)
	right, bySubject := 0, map[string][2]int{}
	for _, s := range r.Samples {
		right += int(s.Score)
		if !s.Unparsed {
			n := bySubject[s.Category]
			bySubject[s.Category] = [2]int{n[0] + 1, n[1] + int(s.Score)}
		}
	}
	require.Equal(t, expected.Right, right)
	for subject, want := range expected.PerSubject {
		n := bySubject[subject]
		require.Equal(t, want.Num, n[0])
		require.Equal(t, want.Acc, float64(n[1])/float64(n[0]))
	}
	rl, lmms := o.score(t, "lmms-eval")
	require.Equal(t, expected.LmmsRandom, unparsed(rl))
	_, vlm := o.score(t, "vlmevalkit")
	for i, rec := range records {
		if rec.Official != nil {
			require.Equal(t, *rec.Official, samples[rec.ID].Score == 1, rec.ID)
		}
		if rec.Type == "open" {
			require.Equal(t, []bool{lmms[rec.ID].Score == 1}, rec.LmmsOpen, rec.ID)
			ref := o.data.Questions[i].Reference.(mmmuReference)
			require.Equal(t, rec.Option, MMMUOption(ref.answers, ref.list))
		} else if rec.Lmms != nil {
			require.Equal(t, *rec.Lmms, lmms[rec.ID].Score == 1, rec.ID)
		}
		want, _ := rec.Infer.(string)
		require.Equal(t, want, vlm[rec.ID].Parsed, rec.ID)
	}
}

func TestLLaVABenchGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "llava_bench")
	o := open(t, "llava_bench", dir, "reviews.jsonl")
	var expected struct {
		LLaVA      map[string]map[string]float64 `json:"llava_summary"`
		VLMEvalKit map[string]map[string]float64
		Lmms       float64 `json:"lmms_all"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	r, _ := o.score(t, "llava")
	for name, want := range expected.LLaVA {
		require.Equal(t, want["relative"], value(t, r, name))
		require.Equal(t, want["reference_x10"], value(t, r, name+" reference x 10"))
		require.Equal(t, want["candidate_x10"], value(t, r, name+" candidate x 10"))
	}
	r, _ = o.score(t, "vlmevalkit")
	for name, want := range expected.VLMEvalKit {
		if name == "overall" {
			name = "all"
		}
		require.Equal(t, want["Relative Score (main)"], value(t, r, name))
		require.Equal(t, want["GPT4 Score"], value(t, r, name+" reference x 10"))
		require.Equal(t, want["VLM Score"], value(t, r, name+" candidate x 10"))
	}
	r, _ = o.score(t, "lmms-eval")
	require.Equal(t, expected.Lmms, value(t, r, "all"))
}

func TestMMVetGolden(t *testing.T) {
	dir := sharedDir(t, "golden-eval", "mmvet")
	o := open(t, "mmvet", dir, "results/model_judge-grade-3runs.json")
	var expected struct {
		CSV          string             `json:"official_cap_score_csv"`
		Combinations map[string]float64 `json:"official_cap_integration_percent"`
		Lmms         float64            `json:"lmms_eval_overall_run0"`
		VLMEvalKit   []struct {
			Category string
			Tot      int
			Acc      float64
		} `json:"vlmevalkit_run0"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	r, _ := o.score(t, "official")
	lines := strings.Split(strings.TrimSpace(expected.CSV), "\n")
	header, row := strings.Split(lines[0], ",")[1:], strings.Split(lines[1], ",")[1:]
	for i, name := range header[:len(header)-1] {
		m, ok := r.Metric(name)
		require.True(t, ok, name)
		require.Equal(t, row[i], m.Text(), name)
	}
	runs := []string{}
	for i := range 3 {
		m, _ := r.Metric(fmt.Sprintf("run %d", i+1))
		runs = append(runs, m.Text())
	}
	require.Contains(t, lines[1], "["+strings.Join(runs, ", ")+"]")
	for name, v := range expected.Combinations {
		require.Equal(t, v, value(t, r, "only "+name), name)
	}
	r, _ = o.score(t, "lmms-eval")
	require.Equal(t, expected.Lmms, r.Metrics[0].Value)
	r, _ = o.score(t, "vlmevalkit")
	for _, want := range expected.VLMEvalKit {
		m, ok := r.Metric(want.Category)
		require.True(t, ok, want.Category)
		require.Equal(t, want.Acc, m.Value, want.Category)
		require.Equal(t, want.Tot, m.N, want.Category)
	}
}

func TestMMVetAnchors(t *testing.T) {
	dir := sharedDir(t, "anchors", "mmvet")
	var expected struct {
		Models map[string]map[string]struct {
			Items        int
			Capabilities map[string]json.RawMessage
			Integrations map[string]json.RawMessage
			Unrounded    []float64 `json:"total_unrounded_per_run"`
		}
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	require.NotEmpty(t, expected.Models)
	for model, gradings := range expected.Models {
		for grading, want := range gradings {
			runs, subset, _ := strings.Cut(grading, "_")
			scorer := map[string]string{"": "official", "bardset": "bardset"}[subset]
			o := open(t, "mmvet", dir, "results/"+model+"_gpt-4-grade-"+runs+".json")
			sc, err := o.Scorer(scorer)
			require.NoError(t, err)
			r, err := sc.Score(o.data, o.answers)
			require.NoError(t, err)
			require.Equal(t, want.Items, r.Questions, "%s %s", model, grading)
			for prefix, list := range map[string]map[string]json.RawMessage{"": want.Capabilities, "only ": want.Integrations} {
				for name, raw := range list {
					if name == "runs" {
						continue
					}
					full := prefix + name
					if name == "total" || name == "std" {
						full = name
					}
					var v float64
					require.NoError(t, json.Unmarshal(raw, &v))
					require.Equal(t, v, value(t, r, full), "%s %s %s", model, grading, full)
				}
			}
			for i, v := range want.Unrounded {
				require.Equal(t, v, value(t, r, fmt.Sprintf("run %d unrounded", i+1)))
			}
		}
		o := open(t, "mmvet", dir, "answers/"+model+".jsonl")
		want, err := os.ReadFile(filepath.Join(dir, "results", model+".json"))
		if err == nil {
			require.Equal(t, string(want), o.upload(t))
		}
		_, err = o.Scorers[0].Score(o.data, o.answers)
		require.ErrorContains(t, err, "grades")
	}
}
