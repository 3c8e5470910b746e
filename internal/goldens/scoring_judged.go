package goldens

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/eval/score"
	"llavabench/eval/suites"
)

// checkLLaVABench compares the parsing of reviews and three summaries of them.
func (s *scoringSet) checkLLaVABench(p *Part) (map[string]any, error) {
	const folder = "llava_bench"
	type summary struct {
		Relative  scoreValue `json:"relative"`
		Reference scoreValue `json:"reference_x10"`
		Candidate scoreValue `json:"candidate_x10"`
	}
	type kitSummary struct {
		Relative  scoreValue `json:"Relative Score (main)"`
		Candidate scoreValue `json:"VLM Score"`
		Reference scoreValue `json:"GPT4 Score"`
	}
	var want struct {
		LLaVA map[string]summary    `json:"llava_summary"`
		Kit   map[string]kitSummary `json:"vlmevalkit"`
		LMMS  scoreValue            `json:"lmms_all"`
		Cases []struct {
			Review string     `json:"review"`
			LLaVA  [2]float64 `json:"llava"`
			LMMS   [2]float64 `json:"lmms_eval"`
		} `json:"parse_cases"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("llava_bench", folder)
	if err != nil {
		return nil, err
	}
	a, err := suite.answers("reviews.jsonl")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "llava", "lmms-eval", "vlmevalkit")
	if err != nil {
		return nil, err
	}
	compare := func(where string, r *scored, name string, w summary) {
		p.same(where, "relative", r.value(name), w.Relative)
		p.same(where, "reference x 10", r.value(name+" reference x 10"), w.Reference)
		p.same(where, "candidate x 10", r.value(name+" candidate x 10"), w.Candidate)
	}
	for name, w := range want.LLaVA {
		compare("llava "+name, r["llava"], name, w)
	}
	for name, w := range want.Kit {
		metric := name
		if name == "overall" {
			metric = "all"
		}
		compare("vlmevalkit "+name, r["vlmevalkit"], metric, summary{w.Relative, w.Reference, w.Candidate})
	}
	p.same(folder, "lmms_all", r["lmms-eval"].value("all"), want.LMMS)
	for _, c := range want.Cases {
		p.Cases++
		llava, _ := score.ReviewLLaVA(c.Review)
		lmms, _ := score.ReviewLmms(c.Review)
		equal(p, show(c.Review), "llava", llava, c.LLaVA)
		equal(p, show(c.Review), "lmms_eval", lmms, c.LMMS)
	}
	all := r["llava"]
	return map[string]any{"n": len(a.List), "all": map[string]any{"relative": all.value("all"), "reference_x10": all.value("all reference x 10"),
		"candidate_x10": all.value("all candidate x 10")}}, nil
}

// checkMMVet compares three scorers on stored grades.
func (s *scoringSet) checkMMVet(p *Part) (map[string]any, error) {
	const folder = "mmvet"
	var want struct {
		CSV          string                `json:"official_cap_score_csv"`
		Combinations map[string]scoreValue `json:"official_cap_integration_percent"`
		LMMS         scoreValue            `json:"lmms_eval_overall_run0"`
		Kit          []struct {
			Category string     `json:"Category"`
			N        int        `json:"tot"`
			Accuracy scoreValue `json:"acc"`
		} `json:"vlmevalkit_run0"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("mmvet", folder)
	if err != nil {
		return nil, err
	}
	model, grades, err := s.mmvetFiles(suite)
	if err != nil {
		return nil, err
	}
	a, err := suite.answers(grades)
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "official", "lmms-eval", "vlmevalkit")
	if err != nil {
		return nil, err
	}
	header, _, _ := strings.Cut(want.CSV, "\n")
	row, err := suites.MMVetRow(r["official"].Result, model, strings.Split(strings.TrimPrefix(header, ","), ","))
	if err != nil {
		return nil, err
	}
	csv := header + "\n" + row + "\n"
	equal(p, folder, "official_cap_score_csv", csv, want.CSV)
	file, err := s.readBytes(folder + "/expected_cap_score.csv")
	if err != nil {
		return nil, err
	}
	equal(p, folder, "expected_cap_score.csv", csv, string(file))
	for name, v := range want.Combinations {
		parts := strings.Split(name, "_")
		slices.Sort(parts) // the order of a Python set, which is none
		p.same(name, "official_cap_integration_percent", r["official"].value("only "+strings.Join(parts, "_")), v)
	}
	p.closeTo(folder, "lmms_eval_overall_run0", r["lmms-eval"].value("overall"), want.LMMS)
	for _, w := range want.Kit {
		m, _ := r["vlmevalkit"].Metric(w.Category)
		p.closeTo(w.Category, "vlmevalkit_run0", m.Value, w.Accuracy)
		equal(p, w.Category, "vlmevalkit_run0.tot", m.N, w.N)
	}
	p.Cases += len(a.List)
	return map[string]any{"n": len(suite.data.Questions), "csv": row}, nil
}

// mmvetFiles finds the file of grades and the model that it is about: results/MODEL.json and results/MODEL_JUDGE-grade-NRUNS.json.
func (s *scoringSet) mmvetFiles(suite *scoringSuite) (model, grades string, err error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "mmvet", "results", "*.json"))
	if err != nil {
		return "", "", err
	}
	for _, f := range files {
		name := filepath.Base(f)
		if strings.Contains(name, "-grade-") {
			grades = "results/" + name
			continue
		}
		model = strings.TrimSuffix(name, ".json")
		a, err := suite.answers("results/" + name)
		if err != nil {
			return "", "", err
		}
		if len(a.List) != len(suite.data.Questions) {
			return "", "", fmt.Errorf("%s: expected %d answers, found %d", name, len(suite.data.Questions), len(a.List))
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "mmvet", filepath.FromSlash(grades))); grades == "" || err != nil || model == "" {
		return "", "", fmt.Errorf("mmvet/results: expected MODEL.json and MODEL_JUDGE-grade-NRUNS.json")
	}
	return model, grades, nil
}
