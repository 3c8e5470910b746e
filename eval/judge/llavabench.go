package judge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"llavabench/eval/score"
	"llavabench/eval/suites"
	"llavabench/internal/openai"
)

// rules are the SHA-256 digests of the judge's instructions in the rule.json of LLaVA's repository, by category.
//
// Source: haotian-liu/LLaVA c121f04, llava/eval/table/rule.json.
var rules = map[string]string{
	"llava_bench_conv": wildRule, "llava_bench_detail": wildRule, "llava_bench_complex": wildRule,
	"conv": cocoRule, "detail": cocoRule, "complex": cocoRule,
}

const (
	wildRule = "2ce22b562d6008864970ea863ac8a4d385ea6f2e64ab1313a23f825202a9529d"
	cocoRule = "a73b4b7bb781472c8997cc44cfe058aa2701a624ddb3ee22f4ff18ce02700dff"
)

const reviewer = "You are a helpful and precise assistant for checking the quality of the answer."

// A Review is one comparison of an answer with the reference.
type Review struct {
	ID       string
	Category string
	Request  openai.Request
	answers  [2]string // the ids of reference and candidate
}

// benchFiles are the file names of the two editions of LLaVA-Bench.
type benchFiles struct {
	questions, context, answers, prefix string
}

var editions = []benchFiles{
	{"questions.jsonl", "context.jsonl", "answers_gpt4.jsonl", "llava_bench_"},
	{"qa90_questions.jsonl", "caps_boxes_coco2014_val_80.jsonl", "qa90_gpt4_answer.jsonl", ""},
}

// Reviews prepares the comparisons of LLaVA-Bench: the questions, contexts and reference answers of the data directory, the
// instructions of its rule.json, and the answers of a model. Notes say where the instructions are not the released ones.
//
// Source: llava/eval/eval_gpt_review_bench.py (In-the-Wild) and eval_gpt_review_visual.py (COCO).
func Reviews(d *suites.Dir, a *suites.Answers, model string) (list []Review, notes []string, err error) {
	var e benchFiles
	for _, e = range editions {
		if d.Exists(e.questions) {
			break
		}
	}
	var questions []struct {
		ID       suites.ID `json:"question_id"`
		Image    string    `json:"image"`
		Text     string    `json:"text"`
		Category string    `json:"category"`
	}
	if err := lines(d, e.questions, &questions); err != nil {
		return nil, nil, err
	}
	contexts, err := contextsOf(d, e)
	if err != nil {
		return nil, nil, err
	}
	var references []struct {
		ID     suites.ID `json:"question_id"`
		Text   string    `json:"text"`
		Answer string    `json:"answer_id"`
	}
	if err := lines(d, e.answers, &references); err != nil {
		return nil, nil, err
	}
	reference := map[suites.ID]int{}
	for i, r := range references {
		reference[r.ID] = i
	}
	var rule map[string]struct{ Role, Prompt string }
	if err := d.JSON("rule.json", &rule); err != nil {
		return nil, nil, fmt.Errorf("%w (it is llava/eval/table/rule.json of LLaVA's repository)", err)
	}
	answer := map[string]*suites.Answer{}
	for i := range a.List {
		answer[a.List[i].ID] = &a.List[i]
	}
	noted := map[string]bool{}
	for _, q := range questions {
		category := e.prefix + q.Category
		rl, ok := rule[category]
		if !ok || rl.Prompt == "" {
			return nil, nil, fmt.Errorf("rule.json: no prompt for category %q", category)
		}
		if want := rules[category]; digest(rl.Prompt) != want && !noted[category] {
			noted[category] = true
			notes = append(notes, fmt.Sprintf("rule.json: the prompt of %s is not the released one (SHA-256 %s, expected %s): scores are not comparable", category, digest(rl.Prompt), want))
		}
		context, ok := contexts[q.Image]
		if !ok {
			return nil, nil, fmt.Errorf("%s: nothing about image %q of question %q", e.context, q.Image, q.ID)
		}
		r, ok := reference[q.ID]
		if !ok {
			return nil, nil, fmt.Errorf("%s: no reference answer to question %q", e.answers, q.ID)
		}
		candidate, ok := answer[string(q.ID)]
		if !ok {
			return nil, nil, fmt.Errorf("%s: no answer to question %q", a.File, q.ID)
		}
		role := rl.Role
		if role == "" {
			role = "Assistant"
		}
		text := fmt.Sprintf("[Context]\n%s\n\n[Question]\n%s\n\n[%s 1]\n%s\n\n[End of %s 1]\n\n[%s 2]\n%s\n\n[End of %s 2]\n\n[System]\n%s\n\n",
			context, q.Text, role, references[r].Text, role, role, candidate.Text, role, rl.Prompt)
		own, _ := candidate.Record.Text("answer_id")
		list = append(list, Review{ID: string(q.ID), Category: category, answers: [2]string{references[r].Answer, own}, Request: openai.Request{
			Model: model, MaxTokens: 1024, Temperature: 0.2,
			Messages: []openai.Message{{Role: "system", Text: reviewer}, {Role: "user", Text: text}},
		}})
	}
	return list, notes, nil
}

// contextsOf gives the text about each image: its caption, or its captions and boxes.
func contextsOf(d *suites.Dir, e benchFiles) (map[string]string, error) {
	out := map[string]string{}
	err := d.JSONLines(e.context, func(_ int, raw []byte) error {
		var c struct {
			Image     string          `json:"image"`
			Caption   json.RawMessage `json:"caption"`
			Captions  []string        `json:"captions"`
			Instances []struct {
				Category string    `json:"category"`
				Box      []float64 `json:"bbox"`
			} `json:"instances"`
		}
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		text := strings.Join(c.Captions, "\n")
		if c.Caption != nil {
			var list []string
			if json.Unmarshal(c.Caption, &list) == nil {
				text = strings.Join(list, "\n")
			} else if err := json.Unmarshal(c.Caption, &text); err != nil {
				return fmt.Errorf("caption: expected a string or a list of strings: %w", err)
			}
		} else {
			var boxes []string
			for _, i := range c.Instances {
				numbers := make([]string, len(i.Box))
				for k, v := range i.Box {
					numbers[k] = score.FormatFloat(v)
				}
				boxes = append(boxes, i.Category+": ["+strings.Join(numbers, ", ")+"]")
			}
			text += "\n\n" + strings.Join(boxes, "\n")
		}
		out[c.Image] = text
		return nil
	})
	return out, err
}

// WriteReviews asks the judge for every review and writes them in the layout of LLaVA's review files. failed counts the
// reviews whose scores cannot be read; upstream gives them -1 and averages them in.
func WriteReviews(ctx context.Context, w io.Writer, log *Log, judge Asker, list []Review, run int, progress func(done, total int)) (failed int, err error) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i, r := range list {
		content, err := log.Ask(ctx, judge, r.ID, run, r.Request)
		if err != nil {
			return failed, err
		}
		pair, ok := score.ReviewLLaVA(content)
		if !ok {
			failed++
		}
		if err := enc.Encode(struct {
			ID       int        `json:"id"`
			Question any        `json:"question_id"`
			One      string     `json:"answer1_id"`
			Two      string     `json:"answer2_id"`
			Category string     `json:"category"`
			Content  string     `json:"content"`
			Tuple    [2]float64 `json:"tuple"`
		}{i + 1, number(r.ID), r.answers[0], r.answers[1], r.Category, content, pair}); err != nil {
			return failed, err
		}
		if progress != nil {
			progress(i+1, len(list))
		}
	}
	return failed, nil
}

// number writes an identifier of digits as the number that upstream's files have.
func number(id string) any {
	if id != "" && len(id) < 16 && strings.Trim(id, "0123456789") == "" && (id == "0" || id[0] != '0') {
		return json.Number(id)
	}
	return id
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// lines reads a file of JSON lines into a slice.
func lines[T any](d *suites.Dir, name string, out *[]T) error {
	return d.JSONLines(name, func(_ int, raw []byte) error {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		*out = append(*out, v)
		return nil
	})
}
