package goldens

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"llavabench/eval/score"
	"llavabench/eval/suites"
)

// A letterValue is a letter of an expectation; false and the harnesses' words for a failure are none.
type letterValue string

// UnmarshalJSON reads a string or false.
func (l *letterValue) UnmarshalJSON(raw []byte) error {
	*l = ""
	if string(raw) == "false" {
		return nil
	}
	err := json.Unmarshal(raw, (*string)(l))
	if *l == "RANDOM" { // upstream draws a letter, ours has none
		*l = ""
	}
	return err
}

// checkParsers compares the extraction of options and of yes and no from free text.
func (s *scoringSet) checkParsers(p *Part) (map[string]any, error) {
	var texts map[string]string
	if err := s.readJSON(p, "parsers/choices.json", &texts); err != nil {
		return nil, err
	}
	choices := sortedChoices(texts)
	letters := slices.Sorted(maps.Keys(texts))
	var cases []struct {
		Text   string      `json:"text"`
		Option letterValue `json:"vlmevalkit_can_infer_option"`
		InText letterValue `json:"vlmevalkit_can_infer_text"`
		Infer  letterValue `json:"vlmevalkit_can_infer"`
		Bench  letterValue `json:"lmms_mmbench_can_infer"`
		Letter string      `json:"lmms_extract_mcq_answer"`
		AI2D   string      `json:"lmms_ai2d_filter"`
		YesNo  string      `json:"vlmevalkit_yorn"`
	}
	if err := s.readJSON(p, "parsers/cases.json", &cases); err != nil {
		return nil, err
	}
	for _, c := range cases {
		p.Cases++
		where := show(c.Text)
		equal(p, where, "vlmevalkit_can_infer_option", score.OptionVLMEvalKit(c.Text, choices), string(c.Option))
		equal(p, where, "vlmevalkit_can_infer_text", score.TextVLMEvalKit(c.Text, choices), string(c.InText))
		equal(p, where, "vlmevalkit_can_infer", score.InferVLMEvalKit(c.Text, choices), string(c.Infer))
		equal(p, where, "lmms_mmbench_can_infer", score.MMBenchLmms(c.Text, choices), string(c.Bench))
		equal(p, where, "lmms_extract_mcq_answer", score.ExtractLetter(c.Text, letters), c.Letter)
		equal(p, where, "lmms_ai2d_filter", score.AI2DFilter(c.Text), c.AI2D)
		equal(p, where, "vlmevalkit_yorn", score.YesNoVLMEvalKit(c.Text), score.Lower(c.YesNo))
	}
	var questions []struct {
		Prediction string     `json:"prediction"`
		Answer     string     `json:"answer"`
		Score      scoreValue `json:"score"`
	}
	if err := s.readJSON(p, "parsers/realworldqa_cases.json", &questions); err != nil {
		return nil, err
	}
	for _, q := range questions {
		p.Cases++
		right, _ := score.RealWorldQA(q.Prediction, q.Answer)
		p.same(show(q.Prediction)+" for "+show(q.Answer), "score", btof(right), q.Score)
	}
	return map[string]any{"n": len(cases)}, nil
}

func sortedChoices(texts map[string]string) []score.Choice {
	var list []score.Choice
	for _, letter := range slices.Sorted(maps.Keys(texts)) {
		list = append(list, score.Choice{Letter: letter, Text: texts[letter]})
	}
	return list
}

// checkScienceQA compares two scorers and the two files of LLaVA's.
func (s *scoringSet) checkScienceQA(p *Part) (map[string]any, error) {
	const folder = "scienceqa"
	var want struct {
		Stdout       string                `json:"llava_stdout"`
		ImageCorrect scoreValue            `json:"image_correct"`
		ImageTotal   int                   `json:"image_total"`
		LMMS         map[string]scoreValue `json:"lmms_eval_per_question"`
		Mean         scoreValue            `json:"lmms_eval_mean"`
		Image        scoreValue            `json:"lmms_eval_image_only_mean"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("scienceqa", folder)
	if err != nil {
		return nil, err
	}
	s.used[folder+"/llava_test_CQM-A.json"] = true // the prompts, which the answers repeat
	a, err := suite.answers("answers.jsonl")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "llava", "lmms-eval")
	if err != nil {
		return nil, err
	}
	llava, lmms := r["llava"], r["lmms-eval"]
	stdout := suites.ScienceQAReport(llava.Result)
	equal(p, folder, "llava_stdout", stdout, want.Stdout)
	image, _ := llava.Metric("IMG-Accuracy")
	p.same(folder, "image_correct", llava.value("IMG-Correct"), want.ImageCorrect)
	equal(p, folder, "image_total", image.N, want.ImageTotal)
	p.eachClose(lmms, "lmms_eval", want.LMMS)
	p.closeTo(folder, "lmms_eval_mean", lmms.value("exact_match"), want.Mean)
	p.closeTo(folder, "lmms_eval_image_only_mean", lmms.value("exact_match, with image"), want.Image)
	p.Cases += len(suite.data.Questions)
	output, result, err := suites.ScienceQAFiles(suite.data, a)
	if err != nil {
		return nil, err
	}
	for name, got := range map[string][]byte{"expected_output.json": output, "expected_result.json": result} {
		raw, err := s.readBytes(folder + "/" + name)
		if err != nil {
			return nil, err
		}
		equal(p, folder, name, string(got), string(raw))
	}
	return map[string]any{"n": len(suite.data.Questions), "stdout": stdout, "lmms": lmms.value("exact_match")}, nil
}

// mmbenchNames are VLMEvalKit's short names of the coarser categories.
var mmbenchNames = map[string]string{"CP": "coarse_perception", "FP-S": "finegrained_perception (instance-level)",
	"FP-C": "finegrained_perception (cross-instance)", "LR": "logic_reasoning", "RR": "relation_reasoning", "AR": "attribute_reasoning"}

// checkMMBench compares three scorers, the letters of each row, the verdict of each group and the upload.
func (s *scoringSet) checkMMBench(p *Part) (map[string]any, error) {
	const folder = "mmbench"
	var want struct {
		Kit struct {
			Circular []map[string]any      `json:"circular"`
			Vanilla  []map[string]any      `json:"vanilla_all_rows"`
			Hits     map[string]scoreValue `json:"hit_per_group"`
		} `json:"vlmevalkit_exact_matching"`
		KitRows map[string]letterValue `json:"vlmevalkit_prefetch_per_row"`
		LMMS    struct {
			Overall    scoreValue            `json:"overall"`
			Categories map[string]scoreValue `json:"category"`
			L2         map[string]scoreValue `json:"l2_category"`
		} `json:"lmms_eval_static"`
		LMMSRows map[string]letterValue `json:"lmms_eval_prefetch_per_row"`
		Strict   struct {
			Circular scoreValue            `json:"circular"`
			Groups   map[string]scoreValue `json:"per_group"`
		} `json:"strict_string_equality"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("mmbench", folder)
	if err != nil {
		return nil, err
	}
	a, err := suite.answers("answers.jsonl")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "official", "vlmevalkit", "lmms-eval")
	if err != nil {
		return nil, err
	}
	official, kit, lmms := r["official"], r["vlmevalkit"], r["lmms-eval"]
	p.mmbenchTable(kit, "circular", want.Kit.Circular)
	p.mmbenchTable(kit, "vanilla (all rows)", want.Kit.Vanilla)
	p.eachGroup(suite.data, kit, "hit_per_group", want.Kit.Hits)
	p.eachGroup(suite.data, official, "strict_string_equality", want.Strict.Groups)
	p.closeTo(folder, "strict_string_equality", official.value("circular")/100, want.Strict.Circular)
	p.closeTo(folder, "lmms_eval_static", lmms.value("circular"), want.LMMS.Overall)
	for name, v := range want.LMMS.Categories {
		p.closeTo(folder, "lmms_eval_static.category."+name, lmms.value("circular category "+name), v)
	}
	for name, v := range want.LMMS.L2 {
		p.closeTo(folder, "lmms_eval_static.l2_category."+name, lmms.value("circular l2-category "+name), v)
	}
	texts := map[string]string{}
	for _, answer := range a.List {
		texts[answer.ID] = answer.Text
	}
	groups := 0
	for _, q := range suite.data.Questions {
		p.Cases++
		ref := q.Reference.(suites.MCQReference)
		if ref.Index == ref.Base {
			groups++
		}
		equal(p, q.ID, "vlmevalkit_prefetch_per_row", kit.samples[q.ID].Parsed, string(want.KitRows[q.ID]))
		equal(p, q.ID, "lmms_eval_prefetch_per_row", score.MMBenchLmms(score.Strip(texts[q.ID]), ref.HarnessChoices()), string(want.LMMSRows[q.ID]))
	}
	for _, rows := range []map[string]letterValue{want.KitRows, want.LMMSRows} {
		equal(p, folder, "rows", len(suite.data.Questions), len(rows))
	}
	return map[string]any{"groups": groups, "rows": len(suite.data.Questions), "vlmevalkit_circular": kit.value("circular"),
		"vlmevalkit_vanilla": kit.value("vanilla (all rows)"), "lmms_static": lmms.value("circular"), "strict": official.value("circular") / 100}, s.compareXLSX(p, suite, a)
}

// mmbenchTable compares VLMEvalKit's table of accuracies, which has a row for each split of the file.
func (p *Part) mmbenchTable(r *scored, kind string, table []map[string]any) {
	if len(table) != 1 {
		p.failf("mmbench", kind, "expected the accuracies of one split, found %d", len(table))
		return
	}
	for name, v := range table[0] {
		if name == "split" {
			continue
		}
		metric := kind + " category " + name
		if long, ok := mmbenchNames[name]; ok {
			metric = kind + " l2-category " + long
		} else if name == "Overall" {
			metric = kind
		}
		f, ok := v.(float64)
		if !ok {
			p.failf("mmbench", metric, "expected a number, found %v", v)
			continue
		}
		p.closeTo("mmbench", "vlmevalkit "+metric, r.value(metric), scoreValue{value: f})
	}
}

// eachGroup compares the verdicts of groups of rotations.
func (p *Part) eachGroup(d *suites.Data, r *scored, check string, want map[string]scoreValue) {
	hits := map[string]float64{}
	for _, q := range d.Questions {
		if hit, ok := hits[q.Group]; !ok || hit > r.samples[q.ID].Score {
			hits[q.Group] = r.samples[q.ID].Score
		}
	}
	equal(p, "mmbench", check+" groups", len(hits), len(want))
	for group, v := range want {
		hit, ok := hits[group]
		if !ok {
			p.failf(group, check, "no such question in the table")
			continue
		}
		p.same(group, check, hit, v)
	}
}

// compareXLSX compares the upload cell by cell: workbooks of the same content have many forms.
func (s *scoringSet) compareXLSX(p *Part, suite *scoringSuite, a *suites.Answers) error {
	var columns struct {
		Columns []string    `json:"columns"`
		Rows    int         `json:"rows"`
		Note    information `json:"note"`
	}
	if err := s.readJSON(p, "mmbench/expected_upload_columns.json", &columns); err != nil {
		return err
	}
	raw, err := s.readBytes("mmbench/expected_upload.xlsx")
	if err != nil {
		return err
	}
	want, err := suites.ReadXLSX(raw)
	if err != nil {
		return err
	}
	text, err := suite.submission(a)
	if err != nil {
		return err
	}
	got, err := suites.ReadXLSX([]byte(text))
	if err != nil {
		return err
	}
	equal(p, "upload", "rows", len(got)-1, columns.Rows)
	equalList(p, "upload", "columns", got[0], columns.Columns)
	if equal(p, "upload", "rows of the workbook", len(got), len(want)) {
		for i := range got {
			equal(p, fmt.Sprintf("upload row %d", i+1), "cells", trimmed(got[i]), trimmed(want[i]))
		}
	}
	return nil
}

// trimmed joins cells without the empty ones at the end, which a workbook may leave out.
func trimmed(cells []string) string { return strings.TrimRight(strings.Join(cells, "\x1f"), "\x1f") }

// checkSEED compares two scorers and LLaVA's printout.
func (s *scoringSet) checkSEED(p *Part) (map[string]any, error) {
	const folder = "seed"
	var want struct {
		Stdout  string                `json:"llava_stdout"`
		Percent map[string]scoreValue `json:"percent"`
		Crash   bool                  `json:"upload_writer_raises_keyerror_when_predictions_missing"`
		Missing int                   `json:"missing_predictions"`
		LMMS    map[string]scoreValue `json:"lmms_eval"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	suite, err := s.suite("seed", folder)
	if err != nil {
		return nil, err
	}
	s.used[folder+"/llava-seed-bench.jsonl"] = true // the prompts, which the answers repeat
	a, err := suite.answers("answers_merge.jsonl")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "llava", "lmms-eval")
	if err != nil {
		return nil, err
	}
	llava, lmms := r["llava"], r["lmms-eval"]
	equal(p, folder, "llava_stdout", suites.SEEDReport(llava.Result), want.Stdout)
	for name, v := range want.Percent {
		p.same(folder, "percent."+name, score.Round(llava.value(name), 2), v)
	}
	for name, v := range want.LMMS {
		p.closeTo(folder, "lmms_eval."+name, lmms.value(name), v)
	}
	equal(p, folder, "missing_predictions", llava.Missing, want.Missing)
	_, err = suite.submission(a)
	equal(p, folder, "no upload without all predictions", err != nil, want.Crash)
	p.Cases += len(suite.data.Questions)
	acc := map[string]float64{}
	for _, name := range []string{"Total", "image", "video"} {
		acc[name] = score.Round(llava.value(name), 2)
	}
	return map[string]any{"n": len(suite.data.Questions), "missing": llava.Missing, "upload_crash": err != nil, "acc": acc, "lmms": lmms.value("seed_all")}, nil
}
