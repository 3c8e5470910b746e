package score

import (
	"encoding/json"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

// petChoices are options for the tests below.
var petChoices = []Choice{{"A", "a cat"}, {"B", "the dog"}, {"C", "Bird"}, {"D", "42"}}

func TestOptions(t *testing.T) {
	for _, c := range []struct{ text, option, infer, mmbench, letter string }{
		{"", "", "", "", ""},
		{"B", "B", "B", "B", "B"},
		{"(B)", "B", "B", "B", "B"},
		{"the dog", "", "B", "B", ""},
		{"a cat or the dog", "", "", "", ""},
		{"a cat, which is what can be seen in this picture", "", "", "A", ""},
		{"A B", "", "", "", "A"},
		{"A is what I think of it", "", "", "", "A"},
		{"not A but B", "", "", "", "B"},
		{"Cannot determine the answer", "Z", "Z", "", "C"},
		{"Failed to obtain answer via API: the dog", "", "", "B", "A"},
		{"The Correct\u2003Answer is **c** for sure", "C", "C", "", "A"},
		{"İanswer is D", "D", "D", "D", "D"},
		{"answer is\u001cB of x y z w v", "B", "B", "B", "B"},
		{"it is Z", "Z", "Z", "", ""},
	} {
		require.Equal(t, c.option, OptionVLMEvalKit(c.text, petChoices), "VLMEvalKit's option in %q", c.text)
		require.Equal(t, c.infer, InferVLMEvalKit(c.text, petChoices), "VLMEvalKit's answer in %q", c.text)
		require.Equal(t, c.mmbench, MMBenchLmms(c.text, petChoices), "lmms-eval's MMBench answer in %q", c.text)
		require.Equal(t, c.letter, ExtractLetter(c.text, []string{"A", "B", "C", "D"}), "lmms-eval's letter in %q", c.text)
	}
}

// letterOrFalse reads a golden's letter; false is none.
type letterOrFalse string

func (l *letterOrFalse) UnmarshalJSON(raw []byte) error {
	if string(raw) == "false" {
		*l = ""
		return nil
	}
	return json.Unmarshal(raw, (*string)(l))
}

func TestParsersGolden(t *testing.T) {
	var texts map[string]string
	goldenFile(t, "parsers/choices.json", &texts)
	var choices []Choice
	for letter, text := range texts {
		choices = append(choices, Choice{letter, text})
	}
	sort.Slice(choices, func(i, j int) bool { return choices[i].Letter < choices[j].Letter })
	var cases []struct {
		Text    string
		Option  letterOrFalse `json:"vlmevalkit_can_infer_option"`
		InText  letterOrFalse `json:"vlmevalkit_can_infer_text"`
		Infer   letterOrFalse `json:"vlmevalkit_can_infer"`
		MMBench letterOrFalse `json:"lmms_mmbench_can_infer"`
		Letter  string        `json:"lmms_extract_mcq_answer"`
		AI2D    string        `json:"lmms_ai2d_filter"`
		YesNo   string        `json:"vlmevalkit_yorn"`
	}
	goldenFile(t, "parsers/cases.json", &cases)
	require.NotEmpty(t, cases)
	for _, c := range cases {
		require.Equal(t, string(c.Option), OptionVLMEvalKit(c.Text, choices), "option of %q", c.Text)
		require.Equal(t, string(c.InText), TextVLMEvalKit(c.Text, choices), "text of %q", c.Text)
		require.Equal(t, string(c.Infer), InferVLMEvalKit(c.Text, choices), "infer of %q", c.Text)
		require.Equal(t, string(c.MMBench), MMBenchLmms(c.Text, choices), "mmbench of %q", c.Text)
		require.Equal(t, c.Letter, ExtractLetter(c.Text, []string{"A", "B", "C", "D"}), "letter of %q", c.Text)
		require.Equal(t, c.AI2D, AI2DFilter(c.Text), "ai2d of %q", c.Text)
		require.Equal(t, Lower(c.YesNo), YesNoVLMEvalKit(c.Text), "yes/no of %q", c.Text)
	}
	var questions []struct {
		Prediction, Answer string
		Score              float64
	}
	goldenFile(t, "parsers/realworldqa_cases.json", &questions)
	require.NotEmpty(t, questions)
	for _, q := range questions {
		right, _ := RealWorldQA(q.Prediction, q.Answer)
		require.Equal(t, q.Score == 1, right, "%q for %q", q.Prediction, q.Answer)
	}
}

func FuzzOptions(f *testing.F) {
	for _, s := range []string{"", "(B)", "the answer is\u2003C", "İ选 B", "A.", "\xff(A)"} {
		f.Add(s)
	}
	letters := []string{"A", "B", "C", "D"}
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{
			OptionVLMEvalKit(s, petChoices), InferVLMEvalKit(s, petChoices), ExtractLetter(s, letters), MMMUChoice(s, petChoices), MMMUChoiceLmms(s, petChoices),
		} {
			require.Contains(t, []string{"", "A", "B", "C", "D", Refused}, got)
		}
		require.Contains(t, []string{"", "A", "B", "C", "D", "E"}, MMBenchLmms(s, petChoices))
		RealWorldQA(s, "A")
		AI2DFilter(s)
	})
}
