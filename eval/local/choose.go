package local

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"llavabench/eval"
	"llavabench/internal/pipeline"
	"llavabench/internal/rundir"
)

// The values of Options.Choose, ChooseBy and ChooseNorm.
const (
	Likelihood = "likelihood"

	ByLetter = "letter"
	ByText   = "text"

	NormSum   = "sum"
	NormToken = "token"
	NormByte  = "byte"
	NormChar  = "char"
)

// The values in the order of the documentation, the default first.
var (
	ChooseBy   = []string{ByLetter, ByText}
	ChooseNorm = []string{NormSum, NormToken, NormByte, NormChar}
)

// A Choice says how questions that offer options are answered, for Options. The zero value generates an answer, as every other
// question gets one.
//
// With Likelihood nothing is generated. Each option stands as the answer behind the same prompt, and the one that is most likely there
// is the answer; of several equal ones the first. This is the multiple_choice of lm-evaluation-harness (its acc with NormSum, acc_norm
// with NormChar) and how SEED-Bench's authors rank answers: by text, NormToken, with End, for the question without its options.
type Choice struct {
	Choose string `json:"choose,omitempty"`
	// ChooseBy is what is scored of options with letters: the letter, which LLaVA's prompts ask for, or the text.
	ChooseBy string `json:"choose_by,omitempty"`
	// ChooseNorm divides the logarithm of the probability: by nothing, or by the number of tokens, of UTF-8 bytes or of characters
	// of the scored text.
	ChooseNorm string `json:"choose_norm,omitempty"`
	// ChooseEnd scores the separator that ends an answer with it.
	ChooseEnd bool `json:"choose_end,omitempty"`
}

// Describe says in words how options are scored.
func (c Choice) Describe() string {
	by := map[string]string{ByLetter: "its letter (its text where it has none)", ByText: "its text"}[c.ChooseBy]
	norm := map[string]string{NormSum: "", NormToken: " a token", NormByte: " a byte", NormChar: " a character"}[c.ChooseNorm]
	if c.ChooseEnd {
		by += " and the end of the answer"
	}
	return "the log-likelihood" + norm + " of " + by
}

// scored are the texts of options whose likelihoods decide.
func (c Choice) scored(options []eval.Option) ([]string, error) {
	var out []string
	for i, o := range options {
		text := strings.TrimSpace(o.Text)
		if c.ChooseBy == ByLetter && o.Letter != "" {
			text = o.Letter
		}
		if text == "" {
			return nil, fmt.Errorf("option %d is empty: it has no likelihood", i+1)
		}
		out = append(out, text)
	}
	return out, nil
}

// value is what options are compared by.
func (c Choice) value(text string, tokens int, logProb float32) float64 {
	n := 1
	switch c.ChooseNorm {
	case NormToken:
		n = tokens
	case NormByte:
		n = len(text)
	case NormChar:
		n = utf8.RuneCountInString(text)
	}
	return float64(logProb) / float64(n)
}

// choose completes an answer with the most likely option.
func (c Choice) choose(out *eval.Answer, options []eval.Option, req pipeline.Request, logProbs []float32) error {
	texts, err := c.scored(options)
	if err != nil {
		return err
	}
	best, value := 0, 0.0
	for i, o := range options {
		r := rundir.Option{Answer: o.Answer, Scored: texts[i], Tokens: len(req.Generate.Continuations[i]), LogProb: logProbs[i]}
		if v := c.value(texts[i], r.Tokens, r.LogProb); i == 0 || v > value {
			best, value = i, v
		}
		if r.Scored == r.Answer {
			r.Scored = ""
		}
		out.Options = append(out.Options, r)
	}
	out.Text = options[best].Answer
	return nil
}
