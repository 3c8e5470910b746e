package goldens

import (
	"encoding/json"
	"fmt"
	"strings"

	"llavabench/eval/score"
	"llavabench/eval/suites"
)

// promptTasks are the harness's names of suites; what follows in a task's name is the variant.
var promptTasks = map[string][2]string{
	"vqav2_val":                  {"vqav2", ""},
	"textvqa_val":                {"textvqa", ""},
	"textvqa_val with ocr: true": {"textvqa", "ocr"},
	"vizwiz_vqa_val":             {"vizwiz", ""},
	"pope":                       {"pope", ""},
	"gqa":                        {"gqa", ""},
	"mme":                        {"mme", ""},
	"chartqa":                    {"chartqa", ""},
	"docvqa_val":                 {"docvqa", ""},
	"infovqa_val":                {"infovqa", ""},
	"scienceqa_img":              {"scienceqa", ""},
	"scienceqa":                  {"scienceqa", ""},
	"seedbench":                  {"seed", ""},
	"ai2d":                       {"ai2d", ""},
	"mmmu_val":                   {"mmmu", ""},
	"mmbench_en_dev":             {"mmbench", ""},
	"mmbench_cn_dev":             {"mmbench_cn", ""},
	"ocrbench":                   {"ocrbench", ""},
	"realworldqa":                {"realworldqa", ""},
	"mathvista format-prompt":    {"mathvista", "format-prompt"},
	"mathvista solution":         {"mathvista", "solution"},
	"mathvista step-by-step":     {"mathvista", "step-by-step"},
	"mathvista reason-first":     {"mathvista", "reason-first"},
}

// A promptDoc has the fields of the documents of all tasks.
type promptDoc struct {
	Question     string      `json:"question"`
	Hint         string      `json:"hint"`
	Tokens       []string    `json:"ocr_tokens"`
	Choices      []string    `json:"choices"`
	Options      optionList  `json:"options"`
	ChoiceA      *string     `json:"choice_a"`
	ChoiceB      *string     `json:"choice_b"`
	ChoiceC      *string     `json:"choice_c"`
	ChoiceD      *string     `json:"choice_d"`
	A            *string     `json:"A"`
	B            *string     `json:"B"`
	C            *string     `json:"C"`
	D            *string     `json:"D"`
	QuestionType string      `json:"question_type"`
	AnswerType   string      `json:"answer_type"`
	Unit         string      `json:"unit"`
	Precision    *float64    `json:"precision"`
	Caption      information `json:"caption"`
	OCR          information `json:"ocr"`
}

// An optionList is a JSON list or the text of a Python list.
type optionList []string

// UnmarshalJSON reads either.
func (l *optionList) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return json.Unmarshal(raw, (*[]string)(l))
	}
	list, ok := score.PythonList(text)
	if !ok {
		return fmt.Errorf("expected the text of a Python list, found %q", text)
	}
	*l = list
	return nil
}

// item is the document as prompts are made of it. MMBench's tables hold "nan" where a cell is empty.
func (d *promptDoc) item() suites.Item {
	it := suites.Item{Question: d.Question, Hint: d.Hint, Tokens: d.Tokens, AnswerType: d.AnswerType, Unit: d.Unit}
	it.Options = append(append(it.Options, d.Choices...), d.Options...)
	for _, cell := range []*string{d.ChoiceA, d.ChoiceB, d.ChoiceC, d.ChoiceD, d.A, d.B, d.C, d.D} {
		if cell != nil && *cell != "nan" {
			it.Options = append(it.Options, *cell)
		}
	}
	if d.A != nil && it.Hint == "nan" {
		it.Hint = ""
	}
	if d.QuestionType == "open" {
		it.Options = nil
	}
	if d.Precision != nil {
		it.Precision = int(*d.Precision)
	}
	return it
}

// checkLMMSPrompts compares the prompts that lmms-eval makes of documents.
func (s *scoringSet) checkLMMSPrompts(p *Part) (map[string]any, error) {
	var cases []struct {
		Harness string    `json:"harness"`
		Task    string    `json:"task"`
		Doc     promptDoc `json:"doc"`
		Prompt  string    `json:"prompt"`
	}
	if err := s.readJSON(p, "prompts/lmms_eval.json", &cases); err != nil {
		return nil, err
	}
	for _, c := range cases {
		p.Cases++
		task, ok := promptTasks[c.Task]
		if !ok {
			p.failf(c.Task, "task", "the task is not understood")
			continue
		}
		prompt, err := suites.FindPrompt(task[0], c.Harness, task[1])
		if !p.require(c.Task, "prompt", err) {
			continue
		}
		text, err := prompt.Text(c.Doc.item())
		if p.require(c.Task, strings.TrimSpace(c.Doc.Question), err) {
			equal(p, c.Task, show(c.Doc.Question), text, c.Prompt)
		}
	}
	return map[string]any{"n": len(cases)}, nil
}
