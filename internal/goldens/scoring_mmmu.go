package goldens

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"llavabench/eval/score"
	"llavabench/eval/suites"
)

// mmmuSample is a stored output of MMMU with what three harnesses make of it.
type mmmuSample struct {
	ID       string            `json:"id"`
	Type     string            `json:"question_type"`
	Answer   json.RawMessage   `json:"answer"`
	Response string            `json:"response"`
	Options  []string          `json:"options"`
	Letters  []string          `json:"all_choices"`
	Texts    map[string]string `json:"index2ans"`
	Official json.RawMessage   `json:"official_parsed"`
	LMMS     letterValue       `json:"lmms_parsed"`
	Right    *bool             `json:"official_correct"`
	LMMSOK   *bool             `json:"lmms_correct"`
	LMMSOpen []bool            `json:"lmms_pipeline_correct_any_order"`
	Infer    letterValue       `json:"vlmevalkit_can_infer"`
	OptionA  string            `json:"vlmevalkit_A_option"`
}

// checkMMMU compares the parsing of three harnesses. Where upstream draws a random letter ours has none: those samples have no
// expectation but this.
func (s *scoringSet) checkMMMU(p *Part) (map[string]any, error) {
	const folder = "mmmu"
	var want struct {
		Deterministic int        `json:"deterministic"`
		Correct       int        `json:"official_correct"`
		Accuracy      scoreValue `json:"official_acc_over_deterministic"`
		Random        []string   `json:"random_fallback_ids"`
		LMMSRandom    []string   `json:"lmms_random_fallback_ids"`
		Subjects      map[string]struct {
			N        int        `json:"num"`
			Accuracy scoreValue `json:"acc"`
		} `json:"per_subject"`
		Numbers []struct {
			Text      string            `json:"text"`
			Numbers   []string          `json:"extract_numbers"`
			Normal    []json.RawMessage `json:"normalize_str"`
			IsNumeric bool              `json:"is_number"`
		} `json:"numbers"`
	}
	if err := s.readJSON(p, folder+"/expected.json", &want); err != nil {
		return nil, err
	}
	var samples []mmmuSample
	if err := s.readJSON(p, folder+"/output.json", &samples); err != nil {
		return nil, err
	}
	suite, err := s.suite("mmmu", folder)
	if err != nil {
		return nil, err
	}
	a, err := suite.answers("output.json")
	if err != nil {
		return nil, err
	}
	r, err := suite.scoreAll(a, "official", "lmms-eval", "vlmevalkit")
	if err != nil {
		return nil, err
	}
	official, lmms := r["official"], r["lmms-eval"]
	for _, n := range want.Numbers {
		p.Cases++
		normal := score.MMMUNormalise(n.Text)
		equalList(p, show(n.Text), "extract_numbers", score.MMMUNumbers(n.Text), n.Numbers)
		equalList(p, show(n.Text), "normalize_str", mmmuTexts(normal), mmmuWanted(n.Normal))
		equal(p, show(n.Text), "is_number", normal[0].IsNumber, n.IsNumeric)
	}
	open, openRight, openLMMS := 0, 0, 0
	for _, w := range samples {
		p.Cases++
		p.mmmuSample(w, r)
		if w.Type == "open" {
			open++
			openRight += int(official.samples[w.ID].Score)
			openLMMS += 1 - int(lmms.samples[w.ID].Score)
		}
	}
	equalList(p, folder, "random_fallback_ids", unparsedIDs(official), want.Random)
	equalList(p, folder, "lmms_random_fallback_ids", unparsedIDs(lmms), want.LMMSRandom)
	right, counted, subjects := 0, 0, map[string][2]int{}
	for _, sample := range official.Samples {
		if sample.Unparsed {
			continue
		}
		counted++
		right += int(sample.Score)
		n := subjects[sample.Category]
		subjects[sample.Category] = [2]int{n[0] + 1, n[1] + int(sample.Score)}
	}
	equal(p, folder, "deterministic", counted, want.Deterministic)
	equal(p, folder, "official_correct", right, want.Correct)
	p.closeTo(folder, "official_acc_over_deterministic", float64(right)/float64(counted), want.Accuracy)
	for name, w := range want.Subjects {
		n := subjects[name]
		equal(p, name, "num", n[0], w.N)
		p.closeTo(name, "acc", float64(n[1])/float64(n[0]), w.Accuracy)
	}
	return map[string]any{"n": len(samples), "official": fmt.Sprintf("%d/%d", right, counted), "open_lmms": openLMMS, "open_total": open, "open_official": openRight}, nil
}

// mmmuSample compares one sample under the three harnesses.
func (p *Part) mmmuSample(w mmmuSample, r map[string]*scored) {
	equal(p, w.ID, "vlmevalkit_can_infer", r["vlmevalkit"].samples[w.ID].Parsed, string(w.Infer))
	if w.Right != nil {
		equal(p, w.ID, "official_correct", r["official"].samples[w.ID].Score == 1, *w.Right)
	}
	if w.Type == "open" {
		var parsed []json.RawMessage
		if !p.require(w.ID, "official_parsed", json.Unmarshal(w.Official, &parsed)) {
			return
		}
		got, want := mmmuTexts(score.MMMUOpen(w.Response)), mmmuWanted(parsed)
		slices.Sort(got) // a Python set has no order
		slices.Sort(want)
		equalList(p, w.ID, "official_parsed", got, want)
		equalList(p, w.ID, "lmms_pipeline_correct_any_order", []bool{r["lmms-eval"].samples[w.ID].Score == 1}, w.LMMSOpen)
		answers, list, err := mmmuAnswers(w.Answer)
		if p.require(w.ID, "answer", err) {
			equal(p, w.ID, "vlmevalkit_A_option", suites.MMMUOption(answers, list), w.OptionA)
		}
		return
	}
	choices := make([]score.Choice, len(w.Letters))
	for i, letter := range w.Letters {
		choices[i] = score.Choice{Letter: letter, Text: w.Texts[letter]}
	}
	equal(p, w.ID, "options", len(w.Options), len(choices))
	var official letterValue
	if p.require(w.ID, "official_parsed", json.Unmarshal(w.Official, &official)) {
		equal(p, w.ID, "official_parsed", score.MMMUChoice(w.Response, choices), string(official))
	}
	equal(p, w.ID, "lmms_parsed", score.MMMUChoiceLmms(score.Strip(w.Response), choices), string(w.LMMS))
	if w.LMMSOK != nil {
		equal(p, w.ID, "lmms_correct", r["lmms-eval"].samples[w.ID].Score == 1, *w.LMMSOK)
	}
}

// mmmuAnswers are the truths of an open question: one, or a list of alternatives.
func mmmuAnswers(raw json.RawMessage) (answers []string, list bool, err error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, false, nil
	}
	return answers, true, json.Unmarshal(raw, &answers)
}

// mmmuTexts writes values so that a number and its text differ.
func mmmuTexts(list []score.Value) []string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = "text " + v.Text
		if v.IsNumber {
			texts[i] = numberText(v.Number)
		}
	}
	return texts
}

// mmmuWanted writes an expectation's values in the same way. Non-finite numbers are texts there, in words that no lower-case text
// equals.
func mmmuWanted(list []json.RawMessage) []string {
	texts := make([]string, len(list))
	for i, raw := range list {
		var text string
		var number scoreValue
		switch {
		case json.Unmarshal(raw, &number) == nil && !number.null:
			texts[i] = numberText(number.value)
		case json.Unmarshal(raw, &text) == nil:
			texts[i] = "text " + text
		}
	}
	return texts
}

func numberText(v float64) string {
	if v == 0 {
		v = math.Abs(v)
	}
	return "number " + score.FormatFloat(v)
}

func unparsedIDs(r *scored) []string {
	var ids []string
	for _, s := range r.Samples {
		if s.Unparsed {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
