package prompt

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An answer that is begun and ended is the conversation with that answer.
func TestBeginIsTheAnsweredConversation(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		tmpl, err := ByName(name)
		require.NoError(t, err)
		open := Ask(tmpl, ImageQuestion(1, "Which?", false))
		if tmpl.Style == Plain && tmpl.Sep2 == "" {
			_, err := Begin(open, "A cat", true)
			require.ErrorContains(t, err, "no separator ends an answer", name)
			continue
		}
		answered := open
		answered.Turns = [][]Piece{open.Turns[0], {Text("A cat")}}
		want, err := Render(answered)
		require.NoError(t, err, name)
		whole, err := Begin(open, "A cat", true)
		require.NoError(t, err, name)
		begun, err := Begin(open, "A cat", false)
		require.NoError(t, err, name)
		if tmpl.Style == Llama3 { // whose renderer opens the next answer at once
			require.True(t, strings.HasPrefix(String(want), String(whole)), name)
		} else {
			require.Equal(t, String(want), String(whole), name)
		}
		require.True(t, strings.HasPrefix(String(whole), String(begun)), name)
		require.True(t, strings.HasSuffix(String(begun), "A cat"), name)
	}
}
