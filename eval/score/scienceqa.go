package score

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// scienceOptions are the letters that LLaVA's ScienceQA scorer knows.
var scienceOptions = []string{"A", "B", "C", "D", "E"}

// theAnswerIs is LLaVA's pattern; its last period stands for any character but a line feed.
var theAnswerIs = regexp.MustCompile(`The answer is ([A-Z]).`)

// ScienceQALLaVA is the letter that LLaVA's eval_science_qa.py reads: the text is a letter, or it begins with a letter, a period
// and a space, or the pattern matches exactly once. Otherwise it is "", upstream's FAILED. The letter may be one that
// the question does not offer.
func ScienceQALLaVA(text string) string {
	if slices.Contains(scienceOptions, text) {
		return text
	}
	if len(text) >= 3 && slices.Contains(scienceOptions, text[:1]) && text[1:3] == ". " {
		return text[:1]
	}
	if found := theAnswerIs.FindAllStringSubmatch(text, 2); len(found) == 1 {
		return found[0][1]
	}
	return ""
}

// ScienceQAIndex is the choice that a letter of ScienceQALLaVA stands for, of n; -1 if there is none.
func ScienceQAIndex(letter string, n int) int {
	i := slices.Index(scienceOptions, letter)
	if i >= n {
		return -1
	}
	return i
}

// ScienceQALmms is the letter that lmms-eval compares, in lower case: the whole stripped text, or a first capital before a
// period. It is "" for text of no such form, which equals no letter.
func ScienceQALmms(text string) string {
	text = Strip(text)
	runes := []rune(text)
	if len(runes) == 1 {
		return Lower(text)
	}
	if len(runes) >= 2 && isUpper(runes[0]) && runes[1] == '.' {
		return Lower(string(runes[0]))
	}
	return ""
}

// isUpper is str.isupper of one character.
func isUpper(r rune) bool { return unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r) }

// Letter is the letter of option i: A for 0. It is "" where the alphabet ends.
func Letter(i int) string {
	if i < 0 || i >= 26 {
		return ""
	}
	return string(rune('A' + i))
}

// SEEDLmms is the first character of the stripped answer, as lmms-eval compares it, in lower case.
func SEEDLmms(text string) string {
	for _, r := range Strip(text) {
		return Lower(string(r))
	}
	return ""
}

// leadingLetter is lmms-eval's pattern for AI2D: white space, a capital and a period.
var leadingLetter = regexp.MustCompile(`^` + pythonSpace + `*([A-Z])\.`)

// pythonSpace is \s of Python's re, whose counterpart in Go knows ASCII only.
const pythonSpace = `[\t-\r\x1c-\x20\x{85}\p{Z}]`

// AI2DFilter is the filter of lmms-eval's AI2D: a leading letter with a period is cut out, other text stays as it is.
func AI2DFilter(text string) string {
	if m := leadingLetter.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return text
}

// RealWorldQA is the verdict of lmms-eval's realworldqa_process_results: for an answer A to D the letter that ExtractLetter finds,
// otherwise equality in lower case, the prediction stripped and without trailing periods. It also returns what was compared.
func RealWorldQA(prediction, answer string) (right bool, parsed string) {
	prediction, answer = Strip(prediction), Strip(answer)
	if upper := strings.ToUpper(answer); len(upper) == 1 && upper >= "A" && upper <= "D" {
		parsed = ExtractLetter(prediction, []string{"A", "B", "C", "D"})
		return parsed == upper, parsed
	}
	parsed = strings.TrimRight(Strip(Lower(prediction)), ".")
	return parsed == Lower(answer), parsed
}
