package goldens

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// A Report is the outcome of Verify.
type Report struct {
	Dir   string  `json:"dir"`
	Parts []*Part `json:"parts"`
	// Checked, Skipped and Failed count comparisons over all parts.
	Checked int `json:"checked"`
	Skipped int `json:"skipped"`
	Failed  int `json:"failed"`
}

// A Part is one section of a goldens directory, such as "preprocess" or "hd/outputs".
type Part struct {
	Name    string `json:"name"`
	Cases   int    `json:"cases"`   // pictures, prompts, rows or model runs, as the part has them
	Checked int    `json:"checked"` // comparisons made, the failed ones included
	Skipped int    `json:"skipped"`
	Failed  int    `json:"failed"`
	// Tensors has the largest error by tensor name.
	Tensors []TensorError `json:"tensors,omitempty"`
	// Skips says why comparisons were not made.
	Skips []Skip `json:"skips,omitempty"`
	// Failures lists every failed comparison.
	Failures []Failure `json:"failures,omitempty"`
	// Information lists what is present and deliberately not compared, with the reason.
	Information []Information `json:"information,omitempty"`
	Seconds     float64       `json:"seconds"`

	tensors     map[string]*TensorError
	skips       map[string]int
	information map[Information]int
}

// A TensorError is the largest difference that was seen in the tensors of one name.
type TensorError struct {
	Name      string  `json:"name"`
	Count     int     `json:"count"`    // tensors compared
	Elements  int     `json:"elements"` // numbers compared
	Exact     bool    `json:"exact"`    // ids, bytes and hashes: any difference fails
	MaxError  float64 `json:"max_error"`
	Tolerance float64 `json:"tolerance"`
	// Case is where MaxError was seen.
	Case string `json:"case,omitempty"`
	// share is the largest error as a part of its tolerance, which differs between tensors that are sums over rows.
	share float64
}

// A Skip is a reason for comparisons not made.
type Skip struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// A Failure is one failed comparison. Got and Want are empty where something is missing or not understood.
type Failure struct {
	Case    string `json:"case"`            // "llava15.short", "images/grad.png", ...
	Check   string `json:"check"`           // tensor, field, mode or file
	Index   []int  `json:"index,omitempty"` // of the first or largest difference in a tensor
	Got     string `json:"got,omitempty"`
	Want    string `json:"want,omitempty"`
	Message string `json:"message,omitempty"`
}

// String prints the failure on one line.
func (f Failure) String() string {
	s := f.Case + ": " + f.Check
	if len(f.Index) > 0 {
		s += fmt.Sprint(f.Index)
	}
	if f.Got != "" || f.Want != "" {
		s += fmt.Sprintf(": got %s, want %s", f.Got, f.Want)
	}
	if f.Message != "" {
		s += ": " + f.Message
	}
	return s
}

// An Information is a tensor, key or file that states no expectation.
type Information struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

func newPart(name string) *Part {
	return &Part{Name: name, tensors: map[string]*TensorError{}, skips: map[string]int{}, information: map[Information]int{}}
}

// fail records a failed check.
func (p *Part) fail(f Failure) {
	p.Checked++
	p.Failed++
	p.Failures = append(p.Failures, f)
}

// failf records a failed check without values to compare.
func (p *Part) failf(where, check, format string, args ...any) {
	p.fail(Failure{Case: where, Check: check, Message: fmt.Sprintf(format, args...)})
}

// require records err, if there is one, as a failed check and reports whether there was none. A check that went well is
// not counted: what follows from it is.
func (p *Part) require(where, check string, err error) bool {
	if err != nil {
		p.fail(Failure{Case: where, Check: check, Message: err.Error()})
	}
	return err == nil
}

// equal compares values that are the same or not.
func equal[T comparable](p *Part, where, check string, got, want T) bool {
	if got == want {
		p.Checked++
		return true
	}
	p.fail(Failure{Case: where, Check: check, Got: show(got), Want: show(want)})
	return false
}

// equalList compares lists and reports the first difference.
func equalList[T comparable](p *Part, where, check string, got, want []T) bool {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			p.fail(Failure{Case: where, Check: check, Index: []int{i}, Got: show(got[i]), Want: show(want[i]),
				Message: fmt.Sprintf("lists are %s and %s", abridge(got, i), abridge(want, i))})
			return false
		}
	}
	if len(got) != len(want) {
		p.fail(Failure{Case: where, Check: check, Got: fmt.Sprintf("%d elements", len(got)), Want: fmt.Sprintf("%d elements", len(want)),
			Message: fmt.Sprintf("lists are %s and %s", abridge(got, len(got)), abridge(want, len(want)))})
		return false
	}
	p.Checked++
	return true
}

// abridge prints the elements of a list around index i.
func abridge[T any](list []T, i int) string {
	const around = 4
	from, to := max(0, i-around), min(len(list), i+around+1)
	s := fmt.Sprintf("%v", list[from:to])
	if from > 0 || to < len(list) {
		s = fmt.Sprintf("[%d:%d]%s", from, to, s)
	}
	return s
}

func show(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

func (p *Part) skip(reason string, n int) { p.skips[reason] += n }

func (p *Part) inform(name, reason string) {
	p.information[Information{Name: name, Reason: reason}]++
}

// finish puts what was gathered in maps into the exported lists, in a fixed order.
func (p *Part) finish() {
	p.Tensors, p.Skips, p.Information = nil, nil, nil
	for _, name := range slices.Sorted(maps.Keys(p.tensors)) {
		p.Tensors = append(p.Tensors, *p.tensors[name])
	}
	p.Skipped = 0
	for _, reason := range slices.Sorted(maps.Keys(p.skips)) {
		p.Skips = append(p.Skips, Skip{Reason: reason, Count: p.skips[reason]})
		p.Skipped += p.skips[reason]
	}
	for info, n := range p.information {
		info.Count = n
		p.Information = append(p.Information, info)
	}
	slices.SortFunc(p.Information, func(a, b Information) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Reason, b.Reason))
	})
}

func (r *Report) finish() {
	r.Checked, r.Skipped, r.Failed = 0, 0, 0
	for _, p := range r.Parts {
		p.finish()
		r.Checked += p.Checked
		r.Skipped += p.Skipped
		r.Failed += p.Failed
	}
}
