package score

import (
	"regexp"
	"slices"
	"strings"
)

// A Choice is an option of a question: its letter and its text.
type Choice struct {
	Letter, Text string
}

// Refused is the letter that VLMEvalKit gives an answer that declines to answer.
const Refused = "Z"

// refusals are the phrases that VLMEvalKit takes for a refusal.
var refusals = []string{
	"Sorry, I can't help with images of people yet.", "I can't process this file.",
	"I'm sorry, but without the image provided", "Cannot determine the answer",
}

// apiFailure is what VLMEvalKit and lmms-eval store for an answer that a server did not give.
const apiFailure = "Failed to obtain answer via API"

// verboseAnswer is VLMEvalKit's pattern for answers that explain themselves.
var verboseAnswer = regexp.MustCompile(`(?i)(?:correct` + pythonSpace + `+)?answer` + pythonSpace + `+is` + pythonSpace + `+\**([ABCD])\**`)

// optionMarks become spaces before VLMEvalKit looks for letters.
const optionMarks = ".()[],:;!*#{}"

// OptionVLMEvalKit is can_infer_option of VLMEvalKit: the only letter that stands alone, if it stands first among the last four
// words; Z for a refusal; else what the phrase "answer is" names. It is "" when nothing is found.
func OptionVLMEvalKit(answer string, choices []Choice) string {
	if strings.Contains(answer, apiFailure) {
		return ""
	}
	for _, phrase := range refusals {
		if strings.Contains(answer, phrase) {
			return Refused
		}
	}
	words := Fields(strings.Map(func(r rune) rune {
		if strings.ContainsRune(optionMarks, r) {
			return ' '
		}
		return r
	}, answer))
	var found []string
	for _, c := range choices {
		if slices.Contains(words, c.Letter) {
			found = append(found, c.Letter)
		}
	}
	switch {
	case len(found) == 1 && slices.Index(words, found[0]) > len(words)-5:
		return found[0]
	case len(found) == 0 && slices.Contains(words, Refused):
		return Refused
	}
	if m := verboseAnswer.FindStringSubmatch(answer); m != nil {
		if letter := strings.ToUpper(m[1]); hasLetter(choices, letter) {
			return letter
		}
	}
	return ""
}

func hasLetter(choices []Choice, letter string) bool {
	return slices.ContainsFunc(choices, func(c Choice) bool { return c.Letter == letter })
}

// TextVLMEvalKit is can_infer_text of VLMEvalKit: the only option whose text the answer contains, unless the answer is longer
// than twice all options.
func TextVLMEvalKit(answer string, choices []Choice) string {
	answer = Lower(answer)
	total := 0
	for _, c := range choices {
		total += len([]rune(c.Text))
	}
	if len([]rune(answer)) > 2*total {
		return ""
	}
	return containedOption(answer, choices)
}

// InferVLMEvalKit is can_infer of VLMEvalKit: the letter, or the text.
func InferVLMEvalKit(answer string, choices []Choice) string {
	if letter := OptionVLMEvalKit(answer, choices); letter != "" {
		return letter
	}
	return TextVLMEvalKit(answer, choices)
}

// containedOption is the letter of the only option whose text, in lower case, occurs in answer.
func containedOption(answer string, choices []Choice) string {
	letter := ""
	for _, c := range choices {
		if strings.Contains(answer, Lower(c.Text)) {
			if letter != "" {
				return ""
			}
			letter = c.Letter
		}
	}
	return letter
}

// mmbenchShapes are the prefixes and suffixes that lmms-eval's MMBench evaluator accepts around a letter, in its order.
var mmbenchShapes = [...][2]string{
	{"", "."}, {"", ","}, {"", ":"}, {"", ")"}, {"", ")."}, {"(", ")"}, {"(", ")."}, {":", ""}, {":", ","}, {":", "."}, {":", ")"}, {":", ")."},
}

// MMBenchLmms is can_infer of lmms-eval's MMBench evaluator: the only letter from A to E that stands alone, given up for its other
// shapes where A stands in more than three words; then the only option whose text the answer contains.
func MMBenchLmms(answer string, choices []Choice) string {
	if letter := mmbenchOption(answer); letter != "" {
		return letter
	}
	return containedOption(Lower(answer), choices)
}

func mmbenchOption(answer string) string {
	if strings.Contains(answer, apiFailure) {
		return ""
	}
	words := Fields(answer)
	if !slices.Contains(words, "A") || len(words) <= 3 {
		if letter := onlyLetter(words, "", ""); letter != "" {
			return letter
		}
	}
	for _, shape := range mmbenchShapes {
		if letter := onlyLetter(words, shape[0], shape[1]); letter != "" {
			return letter
		}
	}
	return ""
}

// onlyLetter is the only letter from A to E that is a word with a prefix and a suffix.
func onlyLetter(words []string, prefix, suffix string) string {
	letter := ""
	for i := range 5 {
		if l := Letter(i); slices.Contains(words, prefix+l+suffix) {
			if letter != "" {
				return ""
			}
			letter = l
		}
	}
	return letter
}
