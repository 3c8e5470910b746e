package score

import (
	"encoding/json"
	"math"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMMMUChoice(t *testing.T) {
	for _, c := range []struct{ response, official, lmms string }{
		{"", "", ""},
		{"(C) is wrong, so (A)", "A", "A"},
		{"(A) and (C) and (A)", "A", "A"},
		{"A. the answer", "", "A"},
		{"AD", "", "D"},
		{"A)", "", ""},
		{"'B'", "B", "B"},
		{"D is wrong so A", "A", "A"},
		{"I believe that it must be the dog here", "B", "B"},
		{"the dog it is", "", ""},
		{"here the dog is before the bird that I see", "C", "C"},
		{"A. B. are what they say of it", "", "A"},
	} {
		require.Equal(t, c.official, MMMUChoice(c.response, petChoices), "%q", c.response)
		require.Equal(t, c.lmms, MMMUChoiceLmms(c.response, petChoices), "%q", c.response)
	}
}

func TestMMMUNumbers(t *testing.T) {
	for in, want := range map[string][]string{
		"":            nil,
		"1,234,567.5": {"1,234,567", "567.5"},
		"-1,234":      {"-1,234", "234"},
		"1,2345":      {"2345"},
		"1,234,56":    {"1,234", "56"},
		"3.14e5 x":    {"3.14e5", "3", "5"},
		"2e-3, 4":     {"2e-3", "4"},
		"a1 b2c 3":    {"1", "3"},
		"5-3":         {"5", "-3"},
		".5 and 7.":   {".5", "7"},
		"٣٫ ١٢٫":      {"٣", "١٢"},
		"1e":          nil,
		"12,34":       {"34"},
		"--4":         {"-4"},
	} {
		require.Equal(t, want, MMMUNumbers(in), "%q", in)
	}
}

func TestMMMUOpen(t *testing.T) {
	number := func(v float64) Value { return Value{IsNumber: true, Number: v} }
	require.Equal(t, []Value{number(30)}, MMMUOpen("Therefore\nfinal answer 30"))
	require.Equal(t, []Value{{Text: " x"}, {Text: "x "}}, MMMUOpen("x = x"))
	require.Equal(t, []Value{{Text: "not 9"}, number(9)}, MMMUOpen("The value is 30. It is not 9."))
	require.Equal(t, []Value{{Text: ""}}, MMMUOpen(""))
	require.True(t, MMMUOpenRight([]string{"3.5", "3.50"}, MMMUOpen("about 3.5")))
	require.True(t, MMMUOpenRight([]string{"Paris"}, MMMUOpen("It is in Paris, France")))
	require.False(t, MMMUOpenRight([]string{"x"}, MMMUOpen("axe")))
	require.False(t, MMMUOpenRight([]string{"nan"}, MMMUOpen("nan")))
	require.False(t, MMMUOpenLmms([]string{"24"}, "24.0"))
	require.True(t, MMMUOpenLmms([]string{""}, "24.0"))
	require.True(t, MMMUNormalise("inf")[0].Number > math.MaxFloat64)
}

// jsonValue is a Value as the goldens write it: a number, text, or a non-finite number as text.
func jsonValue(v Value) string {
	if !v.IsNumber {
		return v.Text
	}
	switch {
	case math.IsNaN(v.Number):
		return "NaN"
	case math.IsInf(v.Number, 0):
		return "Infinity"
	}
	return "number " + FormatFloat(v.Number)
}

func jsonValues(t *testing.T, raw json.RawMessage) []string {
	var list []any
	require.NoError(t, json.Unmarshal(raw, &list))
	var out []string
	for _, v := range list {
		if f, ok := v.(float64); ok {
			out = append(out, "number "+FormatFloat(f))
		} else {
			out = append(out, v.(string))
		}
	}
	return out
}

func values(list []Value) []string {
	var out []string
	for _, v := range list {
		out = append(out, jsonValue(v))
	}
	return out
}

func TestMMMUGolden(t *testing.T) {
	var expected struct {
		Numbers []struct {
			Text      string
			Extract   []string        `json:"extract_numbers"`
			Normalise json.RawMessage `json:"normalize_str"`
			IsNumber  bool            `json:"is_number"`
		}
	}
	goldenFile(t, "mmmu/expected.json", &expected)
	require.NotEmpty(t, expected.Numbers)
	for _, n := range expected.Numbers {
		require.ElementsMatch(t, n.Extract, MMMUNumbers(n.Text), "%q", n.Text)
		require.Equal(t, jsonValues(t, n.Normalise), values(MMMUNormalise(n.Text)), "%q", n.Text)
		_, ok := ParseFloat(n.Text)
		require.Equal(t, n.IsNumber, MMMUNormalise(n.Text)[0].IsNumber, "%q %v", n.Text, ok)
	}
	var samples []struct {
		ID, Response string
		Type         string            `json:"question_type"`
		Answer       json.RawMessage   `json:"answer"`
		Options      map[string]string `json:"index2ans"`
		Official     json.RawMessage   `json:"official_parsed"`
		Lmms         string            `json:"lmms_parsed"`
		Right        *bool             `json:"official_correct"`
		Infer        letterOrFalse     `json:"vlmevalkit_can_infer"`
	}
	goldenFile(t, "mmmu/output.json", &samples)
	require.NotEmpty(t, samples)
	for _, s := range samples {
		if s.Type == "open" {
			parsed := MMMUOpen(s.Response)
			require.ElementsMatch(t, jsonValues(t, s.Official), values(parsed), "%s: %q", s.ID, s.Response)
			answers := []string{""}
			if json.Unmarshal(s.Answer, &answers[0]) != nil {
				require.NoError(t, json.Unmarshal(s.Answer, &answers))
			}
			require.Equal(t, *s.Right, MMMUOpenRight(answers, parsed), "%s: %q", s.ID, s.Response)
			continue
		}
		var choices []Choice
		for letter, text := range s.Options {
			choices = append(choices, Choice{letter, text})
		}
		sort.Slice(choices, func(i, j int) bool { return choices[i].Letter < choices[j].Letter })
		var official string
		require.NoError(t, json.Unmarshal(s.Official, &official))
		random := func(letter string) string {
			if letter == "" {
				return "RANDOM"
			}
			return letter
		}
		require.Equal(t, official, random(MMMUChoice(s.Response, choices)), "%s: %q", s.ID, s.Response)
		require.Equal(t, s.Lmms, random(MMMUChoiceLmms(s.Response, choices)), "%s: %q", s.ID, s.Response)
		require.Equal(t, string(s.Infer), InferVLMEvalKit(s.Response, choices), "%s: %q", s.ID, s.Response)
	}
}

func FuzzMMMUOpen(f *testing.F) {
	for _, s := range []string{"", "1,000", "so 3.14e5", "x = -.5\nis 7", "\xff1٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, n := range MMMUNumbers(s) {
			v := MMMUNormalise(n)
			require.Len(t, v, 1)
			require.True(t, v[0].IsNumber, "%q in %q", n, s)
		}
		MMMUOpen(s)
	})
}
