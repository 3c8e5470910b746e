package score

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// answerPhrases announce an answer, in lower case and in the order of lmms-eval.
var answerPhrases = []string{
	"the answer is", "answer is", "the correct answer is", "correct answer is", "the best answer is", "best answer is",
	"the correct option is", "correct option is", "the best option is", "best option is", "the choice is", "choice is",
	"the correct choice is", "correct choice is", "i choose", "i select", "i pick", "my answer is", "my choice is",
	"옵션", "정답은", "답은", "답:", "答案是", "答案为", "选", "答えは",
}

// Weights of the forms in which lmms-eval finds a letter; the greatest wins.
const (
	atStart       = 10
	atEnd         = 9
	afterPhrase   = 7
	inParentheses = 6
	beforePeriod  = 5
	beforeColon   = 4
	beforeParen   = 3
	beforeSpace   = 2
	anywhere      = 0
)

// ExtractLetter is extract_mcq_answer of lmms-eval's mcq_extract: of all letters found in any form, the one of the weightiest
// form, there the last in the text, there the first found. It is "" when no letter occurs.
func ExtractLetter(response string, letters []string) string {
	if Strip(response) == "" {
		return ""
	}
	text := Strip(response)
	for _, mark := range `,.!?;:'"` {
		text = strings.Trim(text, string(mark))
	}
	text = " " + text + " "
	var best finding
	for _, form := range []struct {
		before, after string
		weight        int
	}{{"(", ")", inParentheses}, {"", ".", beforePeriod}, {"", ":", beforeColon}, {"", ")", beforeParen}, {"", " ", beforeSpace}} {
		for _, l := range letters {
			best.offer(l, strings.LastIndex(text, form.before+l+form.after), form.weight)
		}
	}
	lower := Lower(text)
	for _, phrase := range answerPhrases {
		i := strings.Index(lower, phrase)
		if i < 0 {
			continue
		}
		after := runeOffset(text, utf8.RuneCountInString(lower[:i])+utf8.RuneCountInString(phrase))
		for _, l := range letters {
			if at := strings.Index(text[after:], l); at >= 0 {
				best.offer(l, after+at, afterPhrase)
			}
		}
	}
	stripped := Strip(text)
	for _, l := range letters {
		if rest, ok := strings.CutPrefix(stripped, l); ok {
			if next, _ := utf8.DecodeRuneInString(rest); rest == "" || !unicode.IsLetter(next) {
				best.offer(l, 0, atStart)
			}
		}
	}
	for _, l := range letters {
		if rest, ok := strings.CutSuffix(stripped, l); ok {
			if last, _ := utf8.DecodeLastRuneInString(rest); rest == "" || !unicode.IsLetter(last) {
				best.offer(l, len(text)-1, atEnd)
			}
		}
	}
	if best.letter == "" {
		for _, l := range letters {
			best.offer(l, strings.LastIndex(text, l), anywhere)
		}
	}
	return best.letter
}

// A finding is the best letter so far.
type finding struct {
	letter     string
	at, weight int
}

// offer takes a letter that is found at a position, unless that is negative, if it is better than the one so far.
func (f *finding) offer(letter string, at, weight int) {
	if at >= 0 && (f.letter == "" || weight > f.weight || weight == f.weight && at > f.at) {
		*f = finding{letter, at, weight}
	}
}

// runeOffset is the byte offset of the n-th character of s, or its length.
func runeOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}
