package compare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Rules say what is a regression.
type Rules struct {
	// Exact is when the outputs must be equal sample by sample: "same" where nothing was changed that may change them,
	// "always" or "never".
	Exact string `yaml:"exact"`
	// Allow is how many samples may differ nevertheless, by kind of output.
	Allow map[string]int `yaml:"allow"`
	// Questions is "same" where both runs must answer the same questions, or "any".
	Questions string `yaml:"questions"`
	// Changes are the kinds of changes in the manifests that fail by themselves.
	Changes  []string      `yaml:"changes"`
	Accuracy AccuracyRules `yaml:"accuracy"`
	Latency  LatencyRules  `yaml:"latency"`
}

// AccuracyRules judge scores.
type AccuracyRules struct {
	// Alpha is the level at which a significant loss fails, over all questions and, corrected for their number, by category.
	Alpha float64 `yaml:"alpha"`
	// MaxDrop is a loss over all questions, in points of percent, that fails whether significant or not; negative: none does.
	MaxDrop float64 `yaml:"max_drop"`
}

// LatencyRules judge times.
type LatencyRules struct {
	// MaxRatio fails a stage whose time has become this many times longer beyond doubt: the whole interval of the median lies
	// above, and nine of ten samples slowed down by half as much at least. 0 judges no times.
	MaxRatio float64 `yaml:"max_ratio"`
}

// The values of Rules.Exact and Rules.Questions.
const (
	Same   = "same"
	Always = "always"
	Never  = "never"
	Any    = "any"
)

// DefaultRules are those that hold where a file says nothing else.
func DefaultRules() Rules {
	return Rules{
		Exact: Same, Questions: Same, Changes: []string{}, Allow: map[string]int{},
		Accuracy: AccuracyRules{Alpha: 0.05, MaxDrop: -1},
		Latency:  LatencyRules{MaxRatio: 1.15},
	}
}

// RulesText is the default rules as a file, with comments.
const RulesText = `# When must the outputs be equal, sample by sample? same: when neither questions, weights nor settings
# were changed; always; never.
exact: same
# Samples that may differ nevertheless, by kind: pixels, prompt, image_tokens, prompt_tokens, logits,
# output_ids, output_tokens, options, text, score, failure.
allow: {}
# same: both runs must answer the same questions; any: those that both answer are compared.
questions: same
# Changes that fail by themselves: questions, weights, settings, place, code, machine.
changes: []
accuracy:
  alpha: 0.05   # a loss fails when it is significant at this level (categories corrected by Holm)
  max_drop: -1  # points of percent; a larger loss fails even if it is not significant; -1: none does
latency:        # judged on like machines only
  max_ratio: 1.15  # a stage fails when it takes this many times longer beyond doubt; 0: never
`

// maxRules bounds a file of rules.
const maxRules = 1 << 20

// ReadRules reads a file of rules; what it does not mention is as in DefaultRules.
func ReadRules(path string) (Rules, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Rules{}, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return Rules{}, fmt.Errorf("%s: expected a file of rules, found %s", path, info.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return Rules{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxRules+1))
	if err != nil {
		return Rules{}, err
	}
	r, err := ParseRules(raw)
	if err != nil {
		return Rules{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// ParseRules reads rules from YAML.
func ParseRules(raw []byte) (Rules, error) {
	r := DefaultRules()
	if len(raw) > maxRules {
		return r, fmt.Errorf("longer than %d bytes", maxRules)
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&r); err != nil && !errors.Is(err, io.EOF) {
		return r, oneLine(err)
	}
	return r, oneLine(r.check())
}

// oneLine puts the problems of a file, which are listed line by line, behind each other.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	var parts []string
	for line := range strings.Lines(err.Error()) {
		parts = append(parts, strings.TrimSpace(line))
	}
	return errors.New(strings.ReplaceAll(strings.Join(parts, "; "), ":; ", ": "))
}

func (r Rules) check() error {
	oneOf := func(field, value string, values ...string) error {
		if slices.Contains(values, value) {
			return nil
		}
		return fmt.Errorf("%s is %q, expected one of %s", field, value, strings.Join(values, ", "))
	}
	errs := []error{oneOf("exact", r.Exact, Same, Always, Never), oneOf("questions", r.Questions, Same, Any)}
	for _, kind := range r.Changes {
		errs = append(errs, oneOf("changes", kind, Kinds...))
	}
	for kind, n := range r.Allow {
		errs = append(errs, oneOf("allow", kind, OutputKinds()...))
		if n < 0 {
			errs = append(errs, fmt.Errorf("allow: %s is %d, expected 0 or more", kind, n))
		}
	}
	if !(r.Accuracy.Alpha >= 0 && r.Accuracy.Alpha <= 1) {
		errs = append(errs, fmt.Errorf("accuracy: alpha is %v, expected 0 to 1", r.Accuracy.Alpha))
	}
	if !(r.Latency.MaxRatio == 0 || r.Latency.MaxRatio >= 1) {
		errs = append(errs, fmt.Errorf("latency: max_ratio is %v, expected 0, or 1 and more", r.Latency.MaxRatio))
	}
	return errors.Join(errs...)
}
