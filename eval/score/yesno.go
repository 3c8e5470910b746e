package score

import (
	"slices"
	"strings"
)

// Labels of yes/no answers.
const (
	Yes     = "yes"
	No      = "no"
	Other   = "other"   // neither, in the rules of MME
	Unknown = "unknown" // neither, in the rule of VLMEvalKit
)

// POPELabel is the rule of POPE's evaluate.py, which LLaVA's eval_pope.py repeats: what stands before the first period, commas
// dropped, is cut at single spaces; a word that is exactly No, not or no makes it no. Everything else is yes, empty text too.
func POPELabel(text string) string {
	text, _, _ = strings.Cut(text, ".")
	for _, word := range strings.Split(strings.ReplaceAll(text, ",", ""), " ") {
		if word == "No" || word == "not" || word == "no" {
			return No
		}
	}
	return Yes
}

// POPELmms is the prediction that lmms-eval compares: lower case, stripped. Anything but yes and no is wrong and is left out
// of precision and recall.
func POPELmms(text string) string { return Strip(Lower(Strip(text))) }

// YesNoVLMEvalKit is YOrN_Extraction of VLMEvalKit: the word yes without the word no, or the reverse.
func YesNoVLMEvalKit(text string) string {
	words := Fields(vqaPunctuation(Lower(text), true))
	yes, no := slices.Contains(words, "yes"), slices.Contains(words, "no")
	switch {
	case yes && !no:
		return Yes
	case no && !yes:
		return No
	}
	return Unknown
}

// MMELabel is the rule of MME's calculation.py: of the answer in lower case, not stripped, the first four characters decide.
// Upstream's answers still carry their line feed, which matters to none of the two words.
func MMELabel(text string) string {
	text = Lower(text)
	if text == Yes || text == No {
		return text
	}
	return mmePrefix(text)
}

// MMELmms is lmms-eval's rule: stripped and without periods, y and n alone are taken as well.
func MMELmms(text string) string {
	text = strings.ReplaceAll(Strip(Lower(Strip(text))), ".", "")
	switch text {
	case Yes, "y":
		return Yes
	case No, "n":
		return No
	}
	if runes := []rune(text); len(runes) == 1 {
		return Other
	}
	return mmePrefix(text)
}

// mmePrefix looks for yes, then for no, in the first four characters.
func mmePrefix(text string) string {
	runes := []rune(text)
	prefix := string(runes[:min(4, len(runes))])
	switch {
	case strings.Contains(prefix, Yes):
		return Yes
	case strings.Contains(prefix, No):
		return No
	}
	return Other
}

// A Confusion counts yes/no predictions against labels; yes is positive.
type Confusion struct {
	TP, FP, TN, FN int
	// Neither counts predictions that are neither yes nor no.
	Neither int
}

// Add counts one prediction.
func (c *Confusion) Add(predicted, label string) { c.AddTimes(predicted, label, 1) }

// AddTimes counts a prediction n times.
func (c *Confusion) AddTimes(predicted, label string, n int) {
	switch {
	case predicted == Yes && label == Yes:
		c.TP += n
	case predicted == Yes:
		c.FP += n
	case predicted == No && label == Yes:
		c.FN += n
	case predicted == No:
		c.TN += n
	default:
		c.Neither += n
	}
}

// N is the number of predictions.
func (c Confusion) N() int { return c.TP + c.FP + c.TN + c.FN + c.Neither }

// Accuracy is the share of right predictions; 0 of nothing.
func (c Confusion) Accuracy() float64 { return share(c.TP+c.TN, c.N()) }

// Precision is the share of right ones among those predicted yes; 0 where there are none. The official script divides by zero
// there.
func (c Confusion) Precision() float64 { return share(c.TP, c.TP+c.FP) }

// Recall is the share of labels yes that are predicted so.
func (c Confusion) Recall() float64 { return share(c.TP, c.TP+c.FN) }

// F1 is the harmonic mean of precision and recall; 0 where both are.
func (c Confusion) F1() float64 {
	p, r := c.Precision(), c.Recall()
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

// YesRatio is the share of predictions yes.
func (c Confusion) YesRatio() float64 { return share(c.TP+c.FP, c.N()) }

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
