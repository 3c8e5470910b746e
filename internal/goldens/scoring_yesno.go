package goldens

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/eval/score"
	"llavabench/eval/suites"
)

// checkPOPE compares three scorers, the official printout and each text's mapping.
func (s *scoringSet) checkPOPE(p *Part) (map[string]any, error) {
	const folder = "pope"
	var want struct {
		Official map[string]map[string]scoreValue `json:"official"`
		Stdout   string                           `json:"official_stdout"`
		LMMS     map[string]map[string]scoreValue `json:"lmms_eval"`
		Kit      map[string]map[string]scoreValue `json:"vlmevalkit_exact_matching"`
		Samples  []struct {
			Category information `json:"category"`
			ID       suites.ID   `json:"question_id"`
			Text     string      `json:"text"`
			LMMS     string      `json:"lmms_eval_pred"`
			Kit      string      `json:"vlmevalkit_extracted"`
			Official string      `json:"official"`
		} `json:"per_sample"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("pope", folder)
	if err != nil {
		return nil, err
	}
	a, err := suite.answers("answers.jsonl")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "official", "lmms-eval", "vlmevalkit")
	if err != nil {
		return nil, err
	}
	official := r["official"]
	rounded, stdout := map[string]any{}, want.Stdout
	names := map[string]string{"f1": "F1", "yes_ratio": "yes ratio"}
	for _, category := range slices.Sorted(maps.Keys(want.Official)) {
		for name, v := range want.Official[category] {
			got := official.value(category + " " + name)
			if long, ok := names[name]; ok {
				got = official.value(category + " " + long)
			}
			if name == "samples" {
				m, _ := official.Metric(category + " F1")
				got = float64(m.N)
			}
			p.closeTo(category, name, got, v)
		}
		// Upstream takes the categories in the order of a directory, which is none.
		report := suites.POPEReport(official.Result, category)
		equal(p, category, "printed", strings.Contains(stdout, report), true)
		stdout = strings.Replace(stdout, report, "", 1)
		var list []any
		for _, name := range []string{"F1", "accuracy", "yes ratio"} {
			list = append(list, score.Round(official.value(category+" "+name), 4))
		}
		rounded[category] = list
	}
	equal(p, folder, "printed beyond the categories", stdout, "")
	p.eachMetric(r["lmms-eval"], "lmms_eval", want.LMMS)
	p.eachMetric(r["vlmevalkit"], "vlmevalkit", want.Kit)
	for _, w := range want.Samples {
		p.Cases++
		where := string(w.ID) + " " + show(w.Text)
		equal(p, where, "official", score.POPELabel(w.Text), w.Official)
		equal(p, where, "lmms_eval", score.POPELmms(w.Text), w.LMMS)
		equal(p, where, "vlmevalkit", score.YesNoVLMEvalKit(w.Text), score.Lower(w.Kit))
	}
	return map[string]any{"n": len(suite.data.Questions), "official": rounded, "mean_f1": official.value("mean F1") / 100}, nil
}

// eachMetric compares metrics that a scorer names by group and name.
func (p *Part) eachMetric(r *scored, where string, want map[string]map[string]scoreValue) {
	for group, values := range want {
		for name, v := range values {
			p.closeTo(where+" "+group, name, r.value(group+" "+name), v)
		}
	}
}

// checkMME compares three scorers, each text's mapping and the converted files.
func (s *scoringSet) checkMME(p *Part) (map[string]any, error) {
	const folder = "mme"
	var want struct {
		Official struct {
			Perception scoreValue            `json:"perception"`
			Cognition  scoreValue            `json:"cognition"`
			Categories map[string]scoreValue `json:"per_category"`
		} `json:"official"`
		LMMS    map[string]scoreValue `json:"lmms_eval"`
		Kit     map[string]scoreValue `json:"vlmevalkit"`
		Samples []struct {
			ID       string `json:"question_id"`
			Text     string `json:"pred"`
			LMMS     string `json:"lmms_label"`
			Kit      string `json:"vlmevalkit_label"`
			Official string `json:"official_label"`
		} `json:"per_sample"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("mme", folder)
	if err != nil {
		return nil, err
	}
	for _, q := range suite.data.Questions {
		for _, image := range q.Images {
			s.used[path.Join(folder, image)] = true
		}
	}
	a, err := suite.answers("answers.jsonl")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "official", "lmms-eval", "vlmevalkit")
	if err != nil {
		return nil, err
	}
	official, lmms, kit := r["official"], r["lmms-eval"], r["vlmevalkit"]
	p.closeTo(folder, "perception", official.value("perception"), want.Official.Perception)
	p.closeTo(folder, "cognition", official.value("cognition"), want.Official.Cognition)
	for name, v := range want.Official.Categories {
		p.closeTo(folder, "official."+name, official.value(name), v)
	}
	for name, v := range want.LMMS {
		p.closeTo(folder, "lmms_eval."+name, lmms.value(name), v)
	}
	for name, v := range want.Kit {
		p.closeTo(folder, "vlmevalkit."+name, kit.value(name), v)
	}
	for _, w := range want.Samples {
		p.Cases++
		where := w.ID + " " + show(w.Text)
		equal(p, where, "official_label", score.MMELabel(w.Text), w.Official)
		equal(p, where, "lmms_label", score.MMELmms(w.Text), w.LMMS)
		equal(p, where, "vlmevalkit_label", score.YesNoVLMEvalKit(w.Text), score.Lower(w.Kit))
	}
	headline := map[string]any{"n": len(suite.data.Questions)}
	for name, m := range map[string]*scored{"official": official, "lmms": lmms} {
		headline[name] = []float64{m.value("perception"), m.value("cognition")}
	}
	headline["vlmevalkit"] = []float64{kit.value("perception"), kit.value("reasoning")}
	return headline, s.compareMMEFiles(p, suite, a)
}

// compareMMEFiles compares the files for the official tool byte for byte.
func (s *scoringSet) compareMMEFiles(p *Part, suite *scoringSuite, a *suites.Answers) error {
	const folder = "mme/expected_converted"
	files, unknown := suites.MMEResults(suite.data, a)
	equal(p, folder, "answers to no question", unknown, 0)
	entries, err := os.ReadDir(filepath.Join(s.dir, filepath.FromSlash(folder)))
	if err != nil {
		return err
	}
	for _, e := range entries {
		raw, err := s.readBytes(folder + "/" + e.Name())
		if err != nil {
			return err
		}
		got, ok := files[e.Name()]
		if !ok {
			p.failf(folder, e.Name(), "the answers have nothing for this file")
			continue
		}
		equal(p, folder, e.Name(), string(got), string(raw))
	}
	equal(p, folder, "files", fmt.Sprint(len(files)), fmt.Sprint(len(entries)))
	return nil
}
