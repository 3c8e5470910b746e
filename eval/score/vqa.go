package score

import "strings"

// The three normalisers of free-form VQA answers differ in few but frequent cases; their results must not be mixed.

// NormaliseM4C is EvalAIAnswerProcessor.__call__ of MMF's m4c_evaluator, which LLaVA uses for TextVQA and for its VQAv2 and
// VizWiz uploads, and lmms-eval for TextVQA and VizWiz.
func NormaliseM4C(s string) string {
	s = m4cMarks.Replace(Lower(s))
	s = Strip(strings.ReplaceAll(s, "'s", " 's"))
	return digitsArticles(vqaPunctuation(flatten(s), false))
}

// NormaliseVQA is processPunctuation and processDigitArticle of the official VQAEval.
func NormaliseVQA(s string) string { return digitsArticles(vqaPunctuation(flatten(s), false)) }

// NormaliseVLMEvalKit is process_answer of VLMEvalKit's vqa_eval: VQAEval's passes, with a period after a digit kept.
func NormaliseVLMEvalKit(s string) string { return digitsArticles(vqaPunctuation(flatten(s), true)) }

// flatten puts spaces for line feeds and tabs.
func flatten(s string) string { return Strip(lineMarks.Replace(s)) }

var (
	m4cMarks  = strings.NewReplacer(",", "", "?", "")
	lineMarks = strings.NewReplacer("\n", " ", "\t", " ")
)

// vqaMarks are the punctuation marks of VQAEval.
const vqaMarks = ";/[]\"{}()=+\\_-><@`,?!"

// maxPeriods is how many periods are removed at most: upstream passes the flag re.UNICODE, 32, where the pattern's sub
// takes a count.
const maxPeriods = 32

// vqaPunctuation removes marks that touch a space, or all of them if the text has a comma between digits; other marks become
// spaces. Every mark is judged by the text as it comes in. Then periods go, unless a digit follows (the official pattern
// looks ahead where it means to look behind) or, with afterDigit, comes before.
func vqaPunctuation(in string, afterDigit bool) string {
	if !strings.ContainsAny(in, vqaMarks) {
		return stripPeriods(in, afterDigit)
	}
	comma := hasDigitComma(in)
	out := in
	for _, mark := range vqaMarks {
		m := string(mark)
		with := " "
		if comma || strings.Contains(in, m+" ") || strings.Contains(in, " "+m) {
			with = ""
		}
		out = strings.ReplaceAll(out, m, with)
	}
	return stripPeriods(out, afterDigit)
}

// hasDigitComma reports a comma between two digits.
func hasDigitComma(s string) bool {
	r := []rune(s)
	for i := 1; i+1 < len(r); i++ {
		if r[i] == ',' && IsDigit(r[i-1]) && IsDigit(r[i+1]) {
			return true
		}
	}
	return false
}

func stripPeriods(s string, afterDigit bool) string {
	if !strings.Contains(s, ".") {
		return s
	}
	r := []rune(s)
	out := make([]rune, 0, len(r))
	removed := 0
	for i, c := range r {
		if c == '.' && removed < maxPeriods && !(i+1 < len(r) && IsDigit(r[i+1])) && !(afterDigit && i > 0 && IsDigit(r[i-1])) {
			removed++
			continue
		}
		out = append(out, c)
	}
	return string(out)
}

// numberWords maps number words of the official evaluation; "eleven" stays.
var numberWords = map[string]string{"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
	"six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10"}

// digitsArticles lower-cases, maps number words, drops articles and restores contractions, word by word.
func digitsArticles(s string) string {
	words := Fields(Lower(s))
	out := words[:0]
	for _, w := range words {
		if digit, ok := numberWords[w]; ok {
			w = digit
		}
		if w == "a" || w == "an" || w == "the" {
			continue
		}
		if full, ok := contractions[w]; ok {
			w = full
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

// SoftAccuracies gives, for each human answer, min(1, n/3) with n the others that equal the prediction; their mean is the VQA
// accuracy. Answers are compared as they come.
func SoftAccuracies(prediction string, answers []string) []float64 {
	equal := 0
	for _, a := range answers {
		if a == prediction {
			equal++
		}
	}
	acc := make([]float64, len(answers))
	for i, a := range answers {
		n := equal
		if a == prediction {
			n--
		}
		acc[i] = min(1, float64(n)/3)
	}
	return acc
}

// SoftAccuracy is the mean of SoftAccuracies; 0 without answers.
func SoftAccuracy(prediction string, answers []string) float64 {
	return Mean(SoftAccuracies(prediction, answers))
}

// OfficialVQA is the accuracy that VQAEval gives: texts are normalised only if the answers differ from each other, so that
// against ten equal answers the raw text must match. It also returns the prediction as compared.
func OfficialVQA(prediction string, answers []string) (accuracy float64, compared string) {
	prediction = flatten(prediction)
	flat := make([]string, len(answers))
	unanimous := true
	for i, a := range answers {
		flat[i] = flatten(a)
		unanimous = unanimous && flat[i] == flat[0]
	}
	if !unanimous {
		prediction = NormaliseVQA(prediction)
		for i := range flat {
			flat[i] = NormaliseVQA(flat[i])
		}
	}
	return SoftAccuracy(prediction, flat), prediction
}
