package pipeline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pieces builds a textOut that is fed the given pieces of text, one per token.
func pieces(stops []string, texts ...string) (text, streamed string, used int) {
	var b strings.Builder
	out := &textOut{
		push1:  func(id int) string { return texts[id] },
		tail:   func() string { return "" },
		stops:  stops,
		stream: func(s string) { b.WriteString(s) },
	}
	for id := range texts {
		used++
		if out.push(id) {
			break
		}
	}
	return out.finish(), b.String(), used
}

func TestTextOut(t *testing.T) {
	for _, c := range []struct {
		name  string
		stops []string
		texts []string
		want  string
		used  int
	}{
		{"no stop", nil, []string{"a", "b", "c"}, "abc", 3},
		{"stop in one piece", []string{"###"}, []string{"yes", "###", "no"}, "yes", 2},
		{"stop over three pieces", []string{"###"}, []string{"yes#", "#", "# Human", "no"}, "yes", 3},
		{"almost a stop", []string{"###"}, []string{"a##", "b#", "#c"}, "a##b##c", 3},
		{"ends while held", []string{"###"}, []string{"a", "##"}, "a##", 2},
		{"the earliest of two stops", []string{"late", "</s>"}, []string{"x</s> late"}, "x", 1},
		{"a stop that was only begun, then another", []string{"abab", "ac"}, []string{"aba", "ac"}, "aba", 2},
		{"text behind the stop is dropped", []string{"\n"}, []string{"one\ntwo"}, "one", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, streamed, used := pieces(c.stops, c.texts...)
			require.Equal(t, c.want, text)
			require.Equal(t, c.want, streamed, "what was streamed is the text")
			require.Equal(t, c.used, used)
		})
	}
}

func TestTextOutStreamsWhatCannotBecomeAStop(t *testing.T) {
	var got []string
	texts := []string{"Hello ", "#", "1"}
	out := &textOut{push1: func(id int) string { return texts[id] }, tail: func() string { return "" },
		stops: []string{"###"}, stream: func(s string) { got = append(got, s) }}
	for id := range texts {
		require.False(t, out.push(id))
	}
	require.Equal(t, []string{"Hello ", "#1"}, got)
}
