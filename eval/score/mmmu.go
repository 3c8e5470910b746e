package score

import (
	"strings"
	"unicode/utf8"
)

// MMMUChoice is parse_multi_choice_response of MMMU's eval_utils: a letter in parentheses, else one between spaces, else, in
// more than five words, the text of an option; of several the last. It is "" where upstream draws a random letter.
func MMMUChoice(response string, choices []Choice) string {
	return mmmuChoice(response, choices, []string{" "}, []string{" "})
}

// MMMUChoiceLmms is the same in lmms-eval's mmmu_mcq_utils, where a letter before a space and one before a period do.
func MMMUChoiceLmms(response string, choices []Choice) string {
	return mmmuChoice(response, choices, []string{"", ""}, []string{" ", "."})
}

// mmmuChoice tries the given surroundings of a letter in turn, after the parentheses.
func mmmuChoice(response string, choices []Choice, before, after []string) string {
	for _, mark := range ",.!?;:'" {
		response = strings.Trim(response, string(mark))
	}
	response = " " + response + " "
	containing := func(pattern func(Choice) string, in string) (found []Choice) {
		for _, c := range choices {
			if strings.Contains(in, pattern(c)) {
				found = append(found, c)
			}
		}
		return found
	}
	parenthesised := func(c Choice) string { return "(" + c.Letter + ")" }
	if found := containing(parenthesised, response); len(found) > 0 {
		return lastChoice(response, found, parenthesised)
	}
	for i := range before {
		found := containing(func(c Choice) string { return before[i] + c.Letter + after[i] }, response)
		if len(found) > 0 {
			// Whatever the form they were found in, the last one between spaces counts.
			return lastChoice(response, found, func(c Choice) string { return " " + c.Letter + " " })
		}
	}
	if len(Fields(response)) <= 5 {
		return ""
	}
	lower := Lower(response)
	text := func(c Choice) string { return Lower(c.Text) }
	return lastChoice(lower, containing(text, lower), text)
}

// lastChoice is the choice whose pattern occurs last, the first of equals; a pattern that does not occur stands before all.
func lastChoice(in string, choices []Choice, pattern func(Choice) string) string {
	letter, best := "", -2
	for _, c := range choices {
		if at := strings.LastIndex(in, pattern(c)); at > best {
			letter, best = c.Letter, at
		}
	}
	return letter
}

// A Value is what MMMU compares in open questions: a number, rounded to two decimals, or text in lower case.
type Value struct {
	IsNumber bool
	Number   float64
	Text     string
}

// MMMUNormalise is normalize_str of MMMU: a number, commas dropped; a single character becomes two texts with a space, so that it is
// not found within a word.
func MMMUNormalise(s string) []Value {
	s = Strip(s)
	if v, ok := ParseFloat(strings.ReplaceAll(s, ",", "")); ok {
		return []Value{{IsNumber: true, Number: Round(v, 2)}}
	}
	s = Lower(s)
	if utf8.RuneCountInString(s) == 1 {
		return []Value{{Text: " " + s}, {Text: s + " "}}
	}
	return []Value{{Text: s}}
}

// keyPhrases announce an answer to an open question of MMMU.
var keyPhrases = []string{"could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result "}

// MMMUOpen is parse_open_response of MMMU: the parts of a response that hold the answer and the numbers in them, normalised,
// without repetitions, in the order found. Upstream returns a set.
func MMMUOpen(response string) []Value {
	keys := keyResponses(response)
	texts := keys
	for _, k := range keys {
		texts = append(texts[:len(texts):len(texts)], MMMUNumbers(k)...)
	}
	var values []Value
	seen := map[Value]bool{}
	for _, t := range texts {
		for _, v := range MMMUNormalise(t) {
			// A NaN equals no other, in Go as in Python.
			if !seen[v] {
				seen[v] = true
				values = append(values, v)
			}
		}
	}
	return values
}

// keyResponses cuts the response into lines and takes of each the shortest tail behind a key phrase, in the last line behind
// an equals sign too. Without any, the whole response is the answer. Upstream also means to cut after sentences, but looks
// for a capital there after it has lowered the text.
func keyResponses(response string) []string {
	response = Lower(strings.Trim(Strip(response), "."))
	lines := strings.Split(response, "\n")
	var keys []string
	for i, line := range lines {
		phrases := keyPhrases
		if i == len(lines)-1 {
			phrases = append(phrases[:len(phrases):len(phrases)], "=")
		}
		shortest := ""
		for _, p := range phrases {
			at := strings.LastIndex(line, p)
			if at < 0 {
				continue
			}
			tail := Strip(line[at+len(p):])
			if shortest == "" || utf8.RuneCountInString(tail) < utf8.RuneCountInString(shortest) {
				shortest = tail
			}
		}
		if shortest != "" && !(len(shortest) == 1 && strings.Contains(":,.!?;'", shortest)) {
			keys = append(keys, shortest)
		}
	}
	if len(keys) == 0 {
		return []string{response}
	}
	return keys
}

// MMMUOpenRight is eval_open of MMMU: a text that contains an answer, or a number that equals one.
func MMMUOpenRight(answers []string, parsed []Value) bool {
	var golds []Value
	for _, a := range answers {
		golds = append(golds, MMMUNormalise(a)...)
	}
	for _, p := range parsed {
		for _, g := range golds {
			if p.IsNumber != g.IsNumber {
				continue
			}
			if p.IsNumber && p.Number == g.Number || !p.IsNumber && strings.Contains(p.Text, g.Text) {
				return true
			}
		}
	}
	return false
}

// MMMUOpenLmms is what lmms-eval made of open questions from June 2025 to August 2026: it compares the characters of one of the
// parsed values, taken as text, with the answers. No normalised answer is that short but the empty one.
func MMMUOpenLmms(answers []string, candidate string) bool {
	if candidate == "" {
		return false
	}
	for _, a := range answers {
		for _, g := range MMMUNormalise(a) {
			if !g.IsNumber && g.Text == "" {
				return true
			}
		}
	}
	return false
}
