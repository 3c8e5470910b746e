package suites

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOptions(t *testing.T) {
	letters := []Option{{Letter: "A", Text: "a cat", Answer: "A"}, {Letter: "B", Text: "a dog", Answer: "B"}}
	texts := []string{"a cat", "a dog"}
	for _, c := range []struct {
		suite string
		q     Question
		want  []Option
	}{
		{"scienceqa", Question{Parts: Item{Options: texts}}, letters},
		{"mmbench_cn", Question{Parts: Item{Options: texts}}, letters},
		{"seed", Question{Parts: Item{Options: texts[:1]}}, nil},
		{"mmmu", Question{Text: "How many?"}, nil},
		{"jsonl", Question{Parts: Item{Options: make([]string, 27)}}, nil},
		{"mathvista", Question{Parts: Item{Options: texts}}, []Option{{Letter: "A", Text: "a cat", Answer: "a cat"}, {Letter: "B", Text: "a dog", Answer: "a dog"}}},
		{"pope", Question{Text: "Is there a dog?"}, []Option{{Text: "Yes", Answer: "Yes"}, {Text: "No", Answer: "No"}}},
		{"textvqa", Question{Text: "What?"}, nil},
		{"realworldqa", Question{Parts: Item{Options: texts}}, letters},
		{"realworldqa", Question{Text: "What is it?\n\nA. a cat\nB. a dog\nPlease answer directly with only the letter."}, letters},
		{"realworldqa", Question{Text: "Is it A. or B.?\nPlease answer directly with a single word or number."}, nil},
		{"realworldqa", Question{Text: "Which?\nB. a dog\nA. a cat\nC. a cow"}, nil},
	} {
		s, err := Find(c.suite)
		require.NoError(t, err)
		require.Equal(t, c.want, s.Options(&c.q), c)
	}
}
