package goldens

import (
	"llavabench/eval/score"
	"llavabench/eval/suites"
)

// sample is the score of a question that an expectation names.
func (p *Part) sample(r *scored, where string) (suites.Sample, bool) {
	sample, ok := r.samples[where]
	if !ok {
		p.failf(where, "question", "the question is not in the suite's files")
	}
	return sample, ok
}

// eachClose compares scores by question.
func (p *Part) eachClose(r *scored, check string, want map[string]scoreValue) {
	for id, v := range want {
		if sample, ok := p.sample(r, id); ok {
			p.closeTo(id, check, sample.Score, v)
		}
	}
}

// checkVQANorm compares the three normalisers of VQA answers.
func (s *scoringSet) checkVQANorm(p *Part) (map[string]any, error) {
	var cases []struct {
		Raw        string `json:"raw"`
		M4C        string `json:"m4c"`
		VQA        string `json:"vqa"`
		VLMEvalKit string `json:"vlmevalkit"`
	}
	if err := s.readJSON(p, "vqa_norm/cases.json", &cases); err != nil {
		return nil, err
	}
	m4cDiffers, kitDiffers := 0, 0
	for _, c := range cases {
		p.Cases++
		m4c, vqa, kit := score.NormaliseM4C(c.Raw), score.NormaliseVQA(c.Raw), score.NormaliseVLMEvalKit(c.Raw)
		equal(p, show(c.Raw), "m4c", m4c, c.M4C)
		equal(p, show(c.Raw), "vqa", vqa, c.VQA)
		equal(p, show(c.Raw), "vlmevalkit", kit, c.VLMEvalKit)
		if m4c != vqa {
			m4cDiffers++
		}
		if vqa != kit {
			kitDiffers++
		}
	}
	return map[string]any{"n": len(cases), "m4c_ne_vqa": m4cDiffers, "vqa_ne_vlmevalkit": kitDiffers}, nil
}

// vqav2Expectation is what the scorers give for one file of predictions.
type vqav2Expectation struct {
	Official struct {
		Accuracy struct {
			Overall      scoreValue            `json:"overall"`
			QuestionType map[string]scoreValue `json:"perQuestionType"`
			AnswerType   map[string]scoreValue `json:"perAnswerType"`
		} `json:"accuracy"`
		Questions map[string]scoreValue `json:"per_question_percent"`
	} `json:"official_vqaeval"`
	LMMS struct {
		Mean      scoreValue            `json:"mean"`
		Questions map[string]scoreValue `json:"per_question"`
		Submitted map[string]string     `json:"submission_answer"`
	} `json:"lmms_eval_exact_match"`
	M4C struct {
		Mean      scoreValue            `json:"mean"`
		Questions map[string]scoreValue `json:"per_question"`
	} `json:"m4c_style"`
}

// checkVQAv2 compares three scorers on raw and on uploaded predictions, and the upload itself.
func (s *scoringSet) checkVQAv2(p *Part) (map[string]any, error) {
	const folder = "vqav2"
	var want map[string]vqav2Expectation
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("vqav2", folder)
	if err != nil {
		return nil, err
	}
	s.used[folder+"/llava_vqav2_val.jsonl"] = true // the questions once more, in LLaVA's layout
	headline := map[string]any{}
	files := map[string]string{"raw": "results_raw.json", "llava_upload": "expected_upload.json"}
	for part, w := range want {
		file, ok := files[part]
		if !ok {
			p.failf("vqav2/expected.json", part, "the predictions are not understood")
			continue
		}
		a, err := suite.answers(file)
		if err != nil {
			return nil, err
		}
		p.Cases += len(w.Official.Questions)
		official, err := suite.score("official", a)
		if err != nil {
			return nil, err
		}
		p.same(part, "overall", official.value("overall"), w.Official.Accuracy.Overall)
		for name, v := range w.Official.Accuracy.QuestionType {
			p.same(part, "perQuestionType."+name, official.value("question type: "+name), v)
		}
		for name, v := range w.Official.Accuracy.AnswerType {
			p.same(part, "perAnswerType."+name, official.value("answer type: "+name), v)
		}
		for id, v := range w.Official.Questions {
			if sample, ok := p.sample(official, id); ok {
				p.same(part+" "+id, "official", score.Round(100*sample.Score, 2), v)
			}
		}
		lmms, err := suite.score("lmms-eval", a)
		if err != nil {
			return nil, err
		}
		p.closeTo(part, "lmms_eval", lmms.value("accuracy"), w.LMMS.Mean)
		p.eachClose(lmms, "lmms_eval", w.LMMS.Questions)
		for id, text := range w.LMMS.Submitted {
			if sample, ok := p.sample(lmms, id); ok {
				equal(p, part+" "+id, "submission_answer", sample.Parsed, text)
			}
		}
		m4c, err := suite.score("m4c", a)
		if err != nil {
			return nil, err
		}
		p.closeTo(part, "m4c", m4c.value("accuracy"), w.M4C.Mean)
		p.eachClose(m4c, "m4c", w.M4C.Questions)
		if part == "raw" {
			headline["n"], headline["official_raw"] = len(suite.data.Questions), official.value("overall")
			headline["lmms_raw"], headline["m4c_raw"] = lmms.value("accuracy"), m4c.value("accuracy")
		} else {
			headline["official_on_llava_upload"] = official.value("overall")
		}
	}
	return headline, s.compareUpload(p, suite, "answers_merge.jsonl", "expected_upload.json")
}

// compareUpload compares what the suite would submit for a file of answers, byte for byte.
func (s *scoringSet) compareUpload(p *Part, suite *scoringSuite, answers, want string) error {
	a, err := suite.answers(answers)
	if err != nil {
		return err
	}
	raw, err := s.readBytes(suite.folder + "/" + want)
	if err != nil {
		return err
	}
	got, err := suite.submission(a)
	if err == nil {
		equal(p, suite.folder, want, got, string(raw))
	}
	return err
}

// checkTextVQA compares three scorers.
func (s *scoringSet) checkTextVQA(p *Part) (map[string]any, error) {
	const folder = "textvqa"
	var want struct {
		Stdout  string     `json:"llava_eval_textvqa_stdout"`
		M4C     scoreValue `json:"m4c_accuracy"`
		LMMS    scoreValue `json:"lmms_eval_exact_match"`
		Kit     scoreValue `json:"vlmevalkit_percent"`
		Samples []struct {
			Image   string     `json:"question_id"`
			Key     string     `json:"image_question_key"`
			Parsed  string     `json:"pred_norm"`
			Answers []string   `json:"gt_norm"`
			M4C     scoreValue `json:"m4c"`
			LMMS    scoreValue `json:"lmms_eval"`
			Kit     scoreValue `json:"vlmevalkit"`
		} `json:"per_sample"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("textvqa", folder)
	if err != nil {
		return nil, err
	}
	s.used[folder+"/llava_textvqa_val_v051_ocr.jsonl"] = true // the prompts, which the answers repeat
	a, err := suite.answers("answers.jsonl")
	if err != nil {
		return nil, err
	}
	results := map[string]*scored{}
	for _, name := range []string{"llava", "lmms-eval", "vlmevalkit"} {
		if results[name], err = suite.score(name, a); err != nil {
			return nil, err
		}
	}
	llava, lmms, kit := results["llava"], results["lmms-eval"], results["vlmevalkit"]
	equal(p, folder, "stdout", suites.TextVQAReport("answers", llava.Result), want.Stdout)
	p.closeTo(folder, "m4c_accuracy", llava.value("accuracy")/100, want.M4C)
	p.closeTo(folder, "lmms_eval", lmms.value("accuracy"), want.LMMS)
	p.closeTo(folder, "vlmevalkit", kit.value("accuracy"), want.Kit)
	questions := map[[2]string]suites.Question{}
	for _, q := range suite.data.Questions {
		questions[[2]string{q.Group, score.Lower(q.Text)}] = q
	}
	for _, w := range want.Samples {
		p.Cases++
		q := questions[[2]string{w.Image, w.Key}]
		sample, ok := p.sample(llava, q.ID)
		if !ok {
			continue
		}
		where := w.Image + " " + w.Key
		equal(p, where, "pred_norm", sample.Parsed, w.Parsed)
		var normal []string
		if ref, ok := q.Reference.(suites.VQAReference); ok {
			for _, answer := range ref.Answers {
				normal = append(normal, score.NormaliseM4C(answer))
			}
		}
		equalList(p, where, "gt_norm", normal, w.Answers)
		p.closeTo(where, "m4c", sample.Score, w.M4C)
		p.closeTo(where, "lmms_eval", lmms.samples[q.ID].Score, w.LMMS)
		p.closeTo(where, "vlmevalkit", kit.samples[q.ID].Score, w.Kit)
	}
	return map[string]any{"n": len(suite.data.Questions), "stdout": "Accuracy: " + llava.Metrics[0].Text() + "%", "m4c": llava.value("accuracy") / 100,
		"lmms": lmms.value("accuracy"), "vlmevalkit": kit.value("accuracy")}, nil
}

// checkVizWiz compares two scorers and the upload.
func (s *scoringSet) checkVizWiz(p *Part) (map[string]any, error) {
	const folder = "vizwiz"
	var want struct {
		LMMS    scoreValue `json:"lmms_eval_exact_match"`
		M4C     scoreValue `json:"m4c_mean"`
		Samples []struct {
			ID   suites.ID  `json:"question_id"`
			LMMS scoreValue `json:"lmms_eval"`
			M4C  scoreValue `json:"m4c"`
		} `json:"per_sample"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("vizwiz", folder)
	if err != nil {
		return nil, err
	}
	a, err := suite.answers("answers.jsonl")
	if err != nil {
		return nil, err
	}
	lmms, err := suite.score("lmms-eval", a)
	if err != nil {
		return nil, err
	}
	m4c, err := suite.score("m4c", a)
	if err != nil {
		return nil, err
	}
	p.closeTo(folder, "lmms_eval", lmms.value("accuracy"), want.LMMS)
	p.closeTo(folder, "m4c_mean", m4c.value("accuracy"), want.M4C)
	for _, w := range want.Samples {
		p.Cases++
		id := string(w.ID)
		if sample, ok := p.sample(lmms, id); ok {
			p.closeTo(id, "lmms_eval", sample.Score, w.LMMS)
			p.closeTo(id, "m4c", m4c.samples[id].Score, w.M4C)
		}
	}
	s.used[folder+"/llava_val.jsonl"] = true // the order of the upload, which is that of val.json
	return map[string]any{"n": len(suite.data.Questions), "lmms": lmms.value("accuracy")}, s.compareUpload(p, suite, "answers.jsonl", "expected_upload.json")
}
