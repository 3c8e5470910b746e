package score

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/sharedtest"
)

// goldenFile reads a file of the shared scoring goldens.
func goldenFile(t *testing.T, name string, v any) {
	t.Helper()
	raw, err := os.ReadFile(sharedtest.Path(t, "golden-eval", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, v))
}

func TestNormaliseGolden(t *testing.T) {
	var cases []struct{ Raw, M4C, VQA, VLMEvalKit string }
	goldenFile(t, "vqa_norm/cases.json", &cases)
	require.NotEmpty(t, cases)
	for _, c := range cases {
		require.Equal(t, c.M4C, NormaliseM4C(c.Raw), "m4c of %q", c.Raw)
		require.Equal(t, c.VQA, NormaliseVQA(c.Raw), "vqa of %q", c.Raw)
		require.Equal(t, c.VLMEvalKit, NormaliseVLMEvalKit(c.Raw), "vlmevalkit of %q", c.Raw)
	}
}

func TestMathVistaGolden(t *testing.T) {
	var cases []struct {
		PID          string
		QuestionType string `json:"question_type"`
		AnswerType   string `json:"answer_type"`
		Choices      []string
		Precision    *int
		Answer       string
		Extraction   string
		Normalized   *string
		Correct      bool
	}
	goldenFile(t, "mathvista/normalize_cases.json", &cases)
	require.NotEmpty(t, cases)
	for _, c := range cases {
		q := MathVistaQuestion{MultiChoice: c.QuestionType == "multi_choice", Choices: c.Choices, AnswerType: c.AnswerType}
		if c.Precision != nil {
			q.Precision, q.HasPrecision = *c.Precision, true
		}
		got, ok := MathVistaNormalise(c.Extraction, q)
		require.Equal(t, c.Normalized != nil, ok, c)
		if ok {
			require.Equal(t, *c.Normalized, got, c)
		}
		require.Equal(t, c.Correct, ok && got == c.Answer, c)
	}
}
