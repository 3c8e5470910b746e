package compare

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Check is one rule applied.
type Check struct {
	Name    string `json:"name"` // such as "outputs: logits"
	Failed  bool   `json:"failed"`
	Skipped string `json:"skipped,omitempty"` // why it was not made
	Message string `json:"message"`
}

// Judge applies rules to a comparison, every rule in a fixed order.
func (c *Comparison) Judge(r Rules) []Check {
	var checks []Check
	for _, kind := range r.Changes {
		checks = append(checks, c.judgeChange(kind))
	}
	checks = append(checks, c.judgeQuestions(r))
	for _, o := range c.Outputs {
		checks = append(checks, c.judgeOutput(r, o))
	}
	checks = append(checks, c.judgeAccuracy(r)...)
	return append(checks, c.judgeLatency(r)...)
}

// Regressions are the failed ones of checks.
func Regressions(checks []Check) []Check {
	var out []Check
	for _, c := range checks {
		if c.Failed {
			out = append(out, c)
		}
	}
	return out
}

func (c *Comparison) judgeChange(kind string) Check {
	k := Check{Name: "changes: " + kind, Message: "no change"}
	for _, change := range c.Changes {
		if change.Kind == kind {
			k.Failed = true
			k.Message = fmt.Sprintf("%s: %s", change.Path, Arrow(change.Difference.Base, change.Difference.New))
			break
		}
	}
	return k
}

func (c *Comparison) judgeQuestions(r Rules) Check {
	k := Check{Name: "questions", Message: fmt.Sprintf("%d questions in both runs", c.Samples)}
	if r.Questions == Any {
		k.Skipped = "the rules allow any questions"
		return k
	}
	if n, m := len(c.BaseOnly), len(c.NewOnly); n+m > 0 {
		k.Failed = true
		k.Message = fmt.Sprintf("%d questions only in the base run%s, %d only in the new one%s", n, examples(c.BaseOnly), m, examples(c.NewOnly))
	}
	return k
}

// examples names the first of a list.
func examples(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s)", quoted(ids[0]))
}

func (c *Comparison) judgeOutput(r Rules, o Output) Check {
	k := Check{Name: "outputs: " + o.Kind, Message: fmt.Sprintf("equal in %d samples", o.Compared)}
	n := len(o.Differ)
	if n > 0 {
		d := o.Differ[0]
		k.Message = fmt.Sprintf("%d of %d samples differ; the first is %s: %s", n, o.Compared, quoted(d.ID), Arrow(d.Base, d.New))
	}
	switch {
	case r.Exact == Never:
		k.Skipped = "the rules do not ask for equal outputs"
	case r.Exact == Same && !c.SameResults:
		k.Skipped = "questions, weights or settings were changed, so outputs may differ"
	default:
		k.Failed = n > r.Allow[o.Kind]
	}
	return k
}

func (c *Comparison) judgeAccuracy(r Rules) []Check {
	var checks []Check
	for _, a := range c.Accuracy {
		k := Check{Name: "accuracy: " + a.Category}
		k.Message = fmt.Sprintf("%+.2f points (%.2f to %.2f %%), 95 %% interval %+.2f to %+.2f, %d better, %d worse, p = %s",
			100*a.Difference, 100*a.Base, 100*a.New, 100*a.CI.Low, 100*a.CI.High, a.Better, a.Worse, PValue(a.Holm))
		k.Failed = a.Difference < 0 && a.Holm <= r.Accuracy.Alpha
		if a.Category == All && r.Accuracy.MaxDrop >= 0 && -100*a.Difference > r.Accuracy.MaxDrop {
			k.Failed = true
			k.Message += fmt.Sprintf("; at most %v points may be lost", r.Accuracy.MaxDrop)
		}
		checks = append(checks, k)
	}
	return checks
}

func (c *Comparison) judgeLatency(r Rules) []Check {
	if !c.Latency.Judged || r.Latency.MaxRatio == 0 {
		reason := c.Latency.Reason
		if r.Latency.MaxRatio == 0 {
			reason = "the rules judge no times"
		}
		return []Check{{Name: "latency", Skipped: reason, Message: "not judged: " + reason}}
	}
	var checks []Check
	for _, s := range c.Latency.Stages {
		limit := r.Latency.MaxRatio
		checks = append(checks, Check{
			Name: "latency: " + s.Name, Failed: s.CI.Low > limit && s.Tenth > 1+(limit-1)/2,
			Message: fmt.Sprintf("%.2f times as long (%.4g to %.4g ms), 95 %% interval %.2f to %.2f, nine of ten samples at least %.2f; at most %v is allowed",
				s.Value, s.Ratio.Base, s.Ratio.New, s.CI.Low, s.CI.High, s.Tenth, limit),
		})
	}
	return checks
}

// Arrow shows a change; long values are cut where they begin to differ.
func Arrow(a, b string) string {
	const around, width = 8, 48
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	from := 0
	if max(len(a), len(b)) > width {
		from = max(0, same-around)
	}
	for from > 0 && !utf8.RuneStart(a[:same][min(from, same-1)]) {
		from--
	}
	return cut(a, from, width) + " -> " + cut(b, from, width)
}

// cut is a piece of s of about width bytes, whole runes.
func cut(s string, from, width int) string {
	if s == "" {
		return "nothing"
	}
	before, after := "", ""
	if from > 0 {
		before = "..."
	}
	rest := s[min(from, len(s)):]
	if len(rest) > width {
		for width > 0 && !utf8.RuneStart(rest[width]) {
			width--
		}
		rest, after = rest[:width], "..."
	}
	return before + printable(rest) + after
}

// printable escapes what would not be read as it stands, such as line ends and terminal codes.
func printable(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}

func quoted(id string) string { return strconv.Quote(id) }

// PValue prints a probability.
func PValue(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", p), "0"), ".")
}
