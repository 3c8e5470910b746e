package recorded

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Diff is what moved between two results of a case.
type Diff struct {
	// Failed tells whether that is more than the case allows.
	Failed bool     `json:"failed"`
	Lines  []string `json:"lines"` // in words, the cause before what follows from it; empty where nothing moved
}

// A move is a tensor that is not the same.
type move struct {
	name    string
	message string
	within  bool // the kept values lie within the tolerance
}

// Compare says what moved from want to got. With a tolerance above 0 tensors whose kept values stay within it do not fail.
func Compare(want, got Result, tolerance float64) Diff {
	var d Diff
	line := func(failed bool, format string, args ...any) {
		d.Failed = d.Failed || failed
		d.Lines = append(d.Lines, fmt.Sprintf(format, args...))
	}
	for _, f := range want.Files {
		i := slices.IndexFunc(got.Files, func(g File) bool { return g.Name == f.Name })
		switch {
		case i < 0:
			line(true, "the checkpoint itself changed: %s is gone", f.Name)
		case got.Files[i].SHA256 != f.SHA256:
			line(true, "the checkpoint itself changed: %s has the SHA-256 %s, it had %s", f.Name, got.Files[i].SHA256, f.SHA256)
		}
	}
	ids(line, "prompt ids", want.PromptIDs, got.PromptIDs)
	if want.PromptTokens != got.PromptTokens || want.ImageTokens != got.ImageTokens {
		line(true, "tokens: %d of the prompt, %d of them of images; they were %d and %d", got.PromptTokens, got.ImageTokens, want.PromptTokens, want.ImageTokens)
	}
	var moved []move
	var same []string
	for _, t := range want.Tensors {
		i := slices.IndexFunc(got.Tensors, func(g Tensor) bool { return g.Name == t.Name })
		if i < 0 {
			moved = append(moved, move{t.Name, "is gone", false})
			continue
		}
		if m, ok := compareTensor(t, got.Tensors[i], tolerance); ok {
			moved = append(moved, m)
		} else {
			same = append(same, t.Name)
		}
	}
	for _, t := range got.Tensors {
		if !slices.ContainsFunc(want.Tensors, func(w Tensor) bool { return w.Name == t.Name }) {
			moved = append(moved, move{t.Name, "is new", false})
		}
	}
	for i, m := range moved {
		if i == 0 {
			line(!m.within, "first tensor that moved: %s %s", m.name, m.message)
			if len(same) > 0 {
				line(false, "  before it and beside it equal: %s", strings.Join(same, ", "))
			}
			continue
		}
		line(!m.within, "  then %s %s", m.name, m.message)
	}
	ids(line, "output ids", want.OutputIDs, got.OutputIDs)
	if want.Text != got.Text {
		line(true, "text: %q -> %q", want.Text, got.Text)
	}
	return d
}

// ids compares token ids.
func ids(line func(bool, string, ...any), name string, want, got []int) {
	if slices.Equal(want, got) {
		return
	}
	at := 0
	for at < len(want) && at < len(got) && want[at] == got[at] {
		at++
	}
	line(true, "%s: %d equal, then %s -> %s", name, at, rest(want, at), rest(got, at))
}

func rest(ids []int, at int) string {
	if at == len(ids) {
		return "the end"
	}
	const shown = 8
	s := fmt.Sprint(ids[at:min(len(ids), at+shown)])
	if len(ids) > at+shown {
		s += "..."
	}
	return s
}

// compareTensor tells in what two tensors of a name differ; ok is false where they are the same.
func compareTensor(want, got Tensor, tolerance float64) (m move, ok bool) {
	m.name = want.Name
	if !slices.Equal(want.Shape, got.Shape) {
		m.message = fmt.Sprintf("has the shape %v, it had %v", got.Shape, want.Shape)
		return m, true
	}
	if want.SHA256 == got.SHA256 {
		return m, false
	}
	m.message = fmt.Sprintf("%v: %s", want.Shape, where(want, got))
	largest, at := 0.0, 0
	for i := range min(len(want.Values), len(got.Values)) {
		if d := math.Abs(float64(want.Values[i]) - float64(got.Values[i])); d > largest {
			largest, at = d, i
		}
	}
	n := 1
	for _, d := range want.Shape {
		n *= d
	}
	if largest == 0 {
		m.message += fmt.Sprintf("; the %d kept values are the same", len(want.Values))
	} else {
		index := spread(n, len(want.Values))[at]
		m.message += fmt.Sprintf("; by up to %.3g in the %d kept values, at %v: %s -> %s (the largest magnitude is %s)", largest, len(want.Values),
			unravel(index, want.Shape), number(want.Values[at]), number(got.Values[at]), number(got.Largest))
	}
	m.within = tolerance > 0 && largest <= tolerance && math.Abs(float64(want.Largest)-float64(got.Largest)) <= tolerance
	if m.within {
		m.message += fmt.Sprintf("; within the tolerance of %.3g", tolerance)
	}
	return m, true
}

// where names the ranges of rows that moved.
func where(want, got Tensor) string {
	rows := 1
	for _, d := range want.Shape[:len(want.Shape)-1] {
		rows *= d
	}
	if len(want.Parts) != len(got.Parts) || len(want.Parts) == 0 {
		return "moved"
	}
	var ranges []string
	start := -1
	for i := 0; i <= len(want.Parts); i++ {
		moved := i < len(want.Parts) && want.Parts[i] != got.Parts[i]
		if moved && start < 0 {
			start = i
		}
		if !moved && start >= 0 {
			from, _ := partRange(start, len(want.Parts), rows)
			_, to := partRange(i-1, len(want.Parts), rows)
			ranges = append(ranges, fmt.Sprintf("%d to %d", from, to-1))
			start = -1
		}
	}
	return fmt.Sprintf("in rows %s of %d", strings.Join(ranges, ", "), rows)
}

// unravel gives the index in each dimension of element i.
func unravel(i int, shape []int) []int {
	out := make([]int, len(shape))
	for k := len(shape) - 1; k >= 0; k-- {
		out[k] = i % shape[k]
		i /= shape[k]
	}
	return out
}

func number(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }
