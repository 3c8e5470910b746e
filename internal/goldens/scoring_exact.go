package goldens

import (
	"fmt"

	"llavabench/eval/score"
	"llavabench/eval/suites"
)

// scoreAll runs several scorers.
func (s *scoringSuite) scoreAll(a *suites.Answers, scorers ...string) (map[string]*scored, error) {
	results := map[string]*scored{}
	for _, name := range scorers {
		r, err := s.score(name, a)
		if err != nil {
			return nil, err
		}
		results[name] = r
	}
	return results, nil
}

// checkGQA compares three scorers, the official report and the converted predictions.
func (s *scoringSet) checkGQA(p *Part) (map[string]any, error) {
	const folder = "gqa"
	var want struct {
		Official map[string]scoreValue `json:"official_eval"`
		Stdout   string                `json:"official_eval_stdout"`
		LMMS     scoreValue            `json:"lmms_eval_exact_match"`
		Kit      scoreValue            `json:"vlmevalkit_percent"`
		Samples  []struct {
			ID         suites.ID  `json:"question_id"`
			Prediction string     `json:"official_prediction"`
			Correct    scoreValue `json:"official_correct"`
			Balanced   bool       `json:"is_balanced"`
			LMMS       scoreValue `json:"lmms_eval"`
			Kit        scoreValue `json:"vlmevalkit"`
		} `json:"per_sample"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("gqa", folder)
	if err != nil {
		return nil, err
	}
	s.used[folder+"/llava_gqa_testdev_balanced.jsonl"] = true // the prompts, which the answers repeat
	a, err := suite.answers("answers_merge.jsonl")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "official", "lmms-eval", "vlmevalkit")
	if err != nil {
		return nil, err
	}
	official, lmms, kit := r["official"], r["lmms-eval"], r["vlmevalkit"]
	rounded := map[string]any{}
	for name, v := range want.Official {
		rounded[name] = score.Round(official.value(name), 2)
		p.same(folder, name, score.Round(official.value(name), 2), v)
	}
	equal(p, folder, "stdout", suites.GQAReport(official.Result), want.Stdout)
	p.closeTo(folder, "lmms_eval", lmms.value("accuracy"), want.LMMS)
	p.closeTo(folder, "vlmevalkit", kit.value("accuracy"), want.Kit)
	questions := map[string]suites.GQAReference{}
	for _, q := range suite.data.Questions {
		questions[q.ID], _ = q.Reference.(suites.GQAReference)
	}
	for _, w := range want.Samples {
		p.Cases++
		id := string(w.ID)
		sample, ok := p.sample(official, id)
		if !ok {
			continue
		}
		equal(p, id, "official_prediction", sample.Parsed, w.Prediction)
		p.same(id, "official_correct", sample.Score, w.Correct)
		equal(p, id, "is_balanced", questions[id].Balanced, w.Balanced)
		p.same(id, "lmms_eval", lmms.samples[id].Score, w.LMMS)
		p.same(id, "vlmevalkit", kit.samples[id].Score, w.Kit)
	}
	headline := map[string]any{"n": len(suite.data.Questions), "official": rounded, "lmms": lmms.value("accuracy"), "vlmevalkit": kit.value("accuracy")}
	return headline, s.compareUpload(p, suite, "answers_merge.jsonl", "expected_testdev_balanced_predictions.json")
}

// checkChartQA compares two scorers.
func (s *scoringSet) checkChartQA(p *Part) (map[string]any, error) {
	const folder = "chartqa"
	var want struct {
		LMMS    map[string]scoreValue `json:"lmms_eval"`
		Kit     map[string]scoreValue `json:"vlmevalkit_percent"`
		Samples []struct {
			Image      string     `json:"imgname"`
			Split      string     `json:"split"`
			Prediction string     `json:"prediction"`
			Label      string     `json:"label"`
			LMMS       scoreValue `json:"lmms_eval_correct"`
			Kit        scoreValue `json:"vlmevalkit_correct"`
		} `json:"per_sample"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("chartqa", folder)
	if err != nil {
		return nil, err
	}
	a, err := suite.answers("predictions.json")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "lmms-eval", "vlmevalkit")
	if err != nil {
		return nil, err
	}
	lmms, kit := r["lmms-eval"], r["vlmevalkit"]
	for name, v := range want.LMMS {
		p.closeTo(folder, "lmms_eval."+name, lmms.value(name), v)
	}
	for name, v := range want.Kit {
		p.closeTo(folder, "vlmevalkit."+name, kit.value(name), v)
	}
	for _, w := range want.Samples {
		p.Cases++
		where := w.Split + " " + w.Image
		p.same(where, "lmms_eval", btof(score.RelaxedCorrect(score.Strip(w.Prediction), w.Label)), w.LMMS)
		p.same(where, "vlmevalkit", btof(score.RelaxedCorrectList(score.Strip(w.Prediction), w.Label)), w.Kit)
	}
	return map[string]any{"n": len(suite.data.Questions), "lmms": lmms.value("relaxed_overall"), "vlmevalkit": kit.value("Overall") / 100}, nil
}

func btof(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// checkDocVQA compares three scorers.
func (s *scoringSet) checkDocVQA(p *Part) (map[string]any, error) {
	const folder = "docvqa"
	var want struct {
		LMMS    scoreValue  `json:"lmms_eval_anls"`
		Kit     scoreValue  `json:"vlmevalkit_percent"`
		M4C     scoreValue  `json:"m4c_stvqa_anls_excluding_null"`
		Note    information `json:"note"`
		Samples []struct {
			ID   suites.ID  `json:"questionId"`
			LMMS scoreValue `json:"lmms_eval"`
			Kit  scoreValue `json:"vlmevalkit"`
			M4C  scoreValue `json:"m4c_stvqa"`
		} `json:"per_sample"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("docvqa", folder)
	if err != nil {
		return nil, err
	}
	a, err := suite.answers("predictions.json")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "lmms-eval", "vlmevalkit", "m4c")
	if err != nil {
		return nil, err
	}
	lmms, kit, m4c := r["lmms-eval"], r["vlmevalkit"], r["m4c"]
	p.closeTo(folder, "lmms_eval", lmms.value("anls"), want.LMMS)
	p.closeTo(folder, "vlmevalkit", kit.value("Overall"), want.Kit)
	p.closeTo(folder, "m4c", m4c.value("anls"), want.M4C)
	for _, w := range want.Samples {
		p.Cases++
		id := string(w.ID)
		sample, ok := p.sample(lmms, id)
		if !ok {
			continue
		}
		p.closeTo(id, "lmms_eval", sample.Score, w.LMMS)
		p.closeTo(id, "vlmevalkit", kit.samples[id].Score, w.Kit)
		if equal(p, id, "m4c_stvqa is undefined", m4c.samples[id].Unparsed, w.M4C.null) && !w.M4C.null {
			p.closeTo(id, "m4c_stvqa", m4c.samples[id].Score, w.M4C)
		}
	}
	return map[string]any{"n": len(suite.data.Questions), "lmms": lmms.value("anls"), "vlmevalkit": kit.value("Overall"), "m4c": m4c.value("anls")}, nil
}

// checkOCRBench compares three scorers.
func (s *scoringSet) checkOCRBench(p *Part) (map[string]any, error) {
	const folder = "ocrbench"
	type counts struct {
		Official scoreValue `json:"official"`
		LMMS     scoreValue `json:"lmms_eval"`
		Kit      scoreValue `json:"vlmevalkit"`
	}
	var want struct {
		Total   counts            `json:"total"`
		Types   map[string]counts `json:"by_type"`
		Samples []struct {
			ID         suites.ID   `json:"id"`
			Type       information `json:"type"`
			Prediction information `json:"predict"`
			counts
		} `json:"per_sample"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("ocrbench", folder)
	if err != nil {
		return nil, err
	}
	a, err := suite.answers("predictions.json")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "official", "lmms-eval", "vlmevalkit")
	if err != nil {
		return nil, err
	}
	compare := func(where string, w counts, got func(*scored) float64) {
		p.same(where, "official", got(r["official"]), w.Official)
		p.same(where, "lmms_eval", got(r["lmms-eval"]), w.LMMS)
		p.same(where, "vlmevalkit", got(r["vlmevalkit"]), w.Kit)
	}
	total := func(r *scored) float64 { return r.value("Final Score") }
	compare("total", want.Total, total)
	for name, w := range want.Types {
		compare(name, w, func(r *scored) float64 { return r.value("type: " + name) })
	}
	for _, w := range want.Samples {
		p.Cases++
		if _, ok := p.sample(r["official"], string(w.ID)); ok {
			compare(string(w.ID), w.counts, func(r *scored) float64 { return r.samples[string(w.ID)].Score })
		}
	}
	return map[string]any{"n": len(suite.data.Questions), "official": total(r["official"]), "lmms_eval": total(r["lmms-eval"]), "vlmevalkit": total(r["vlmevalkit"])}, nil
}

// checkMathVista compares the normalising of extracted answers.
func (s *scoringSet) checkMathVista(p *Part) (map[string]any, error) {
	var cases []struct {
		PID          string   `json:"pid"`
		QuestionType string   `json:"question_type"`
		AnswerType   string   `json:"answer_type"`
		Choices      []string `json:"choices"`
		Precision    *float64 `json:"precision"`
		Answer       string   `json:"answer"`
		Extraction   string   `json:"extraction"`
		Normalized   *string  `json:"normalized"`
		Correct      bool     `json:"correct"`
	}
	if err := s.readJSON(p, "mathvista/normalize_cases.json", &cases); err != nil {
		return nil, err
	}
	right := 0
	for _, c := range cases {
		p.Cases++
		where := fmt.Sprintf("pid %s %s", c.PID, show(c.Extraction))
		q := score.MathVistaQuestion{MultiChoice: c.QuestionType == "multi_choice", Choices: c.Choices, AnswerType: c.AnswerType}
		if c.Precision != nil {
			q.Precision, q.HasPrecision = int(*c.Precision), true
		}
		got, ok := score.MathVistaNormalise(c.Extraction, q)
		if equal(p, where, "normalized is null", !ok, c.Normalized == nil) && ok {
			equal(p, where, "normalized", got, *c.Normalized)
		}
		correct := ok && got == c.Answer
		equal(p, where, "correct", correct, c.Correct)
		if correct {
			right++
		}
	}
	return map[string]any{"n": len(cases), "correct": right}, nil
}
