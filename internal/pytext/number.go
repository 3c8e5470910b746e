package pytext

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Float is float(s). It accepts what Python accepts and nothing else: white space around, digits of any script, single
// underscores between digits, inf, infinity and nan with a sign, but no hexadecimal. A number that is too large is
// infinite.
func Float(s string) (float64, bool) {
	s = Strip(s)
	if s == "" || len(s) > maxNumber {
		return 0, false
	}
	s, ok := decimal(s)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && !isRange(err) {
		return 0, false
	}
	return v, true
}

// maxNumber bounds the text that is looked at as a number. Python has no bound, but no answer is longer.
const maxNumber = 1 << 20

func isRange(err error) bool {
	e, ok := err.(*strconv.NumError)
	return ok && e.Err == strconv.ErrRange
}

// decimal rewrites s in ASCII digits without underscores; ok is false for what is no decimal number, so that the
// spellings that only Go knows are not let through.
func decimal(s string) (string, bool) {
	var b strings.Builder
	digitBefore, underscore := false, false
	for _, r := range s {
		switch {
		case r >= utf8.RuneSelf && IsDigit(r), r >= '0' && r <= '9':
			b.WriteByte(byte('0' + digitValue(r)))
			digitBefore, underscore = true, false
			continue
		case r == '_':
			if !digitBefore {
				return "", false
			}
			digitBefore, underscore = false, true
			continue
		case r >= utf8.RuneSelf || underscore:
			return "", false
		}
		digitBefore = false
		b.WriteRune(r)
	}
	if underscore {
		return "", false
	}
	t := b.String()
	body := strings.ToLower(strings.TrimLeft(t, "+-"))
	if len(t)-len(body) > 1 {
		return "", false
	}
	switch body {
	case "inf", "infinity", "nan":
		// Go's ParseFloat knows no sign before nan; Python's sign of a nan is never seen.
		if body == "nan" {
			return body, true
		}
		return t, true
	}
	for i := 0; i < len(body); i++ {
		if c := body[i]; (c < '0' || c > '9') && c != '.' && c != 'e' && c != '+' && c != '-' {
			return "", false
		}
	}
	return t, body != ""
}

// Round is round(x, digits) of a Python float: the decimal nearest to the exact value of x, ties to even.
func Round(x float64, digits int) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return x
	}
	v, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', digits, 64), 64)
	if err != nil {
		return x
	}
	return v
}

// NumpyRound is numpy.round(x, digits), which scales, rounds to the nearest integer with ties to even, and scales back.
// pandas, and round() of a numpy number, do the same.
func NumpyRound(x float64, digits int) float64 {
	scale := math.Pow10(digits)
	scaled := float64(x * scale)
	if math.IsInf(scaled, 0) || math.IsNaN(scaled) {
		return x
	}
	return math.RoundToEven(scaled) / scale
}

// Repr is repr of a Python float: the shortest decimal that reads back as x, with an exponent below 1e-4 and from 1e16.
func Repr(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// Sum adds in order, as a loop over Python floats does.
func Sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

// NumpySum is numpy.sum of a contiguous array: pairwise, with eight partial sums within a block of at most 128.
func NumpySum(v []float64) float64 {
	n := len(v)
	switch {
	case n < 8:
		// numpy starts from -0.0, which is lost as soon as anything is added.
		return Sum(v)
	case n <= 128:
		r := [8]float64(v[:8])
		i := 8
		for ; i < n-n%8; i += 8 {
			for j := range r {
				r[j] += v[i+j]
			}
		}
		s := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
		for ; i < n; i++ {
			s += v[i]
		}
		return s
	}
	half := n / 2
	half -= half % 8
	return NumpySum(v[:half]) + NumpySum(v[half:])
}

// NumpyMean is numpy.mean of a contiguous array; NaN when it is empty.
func NumpyMean(v []float64) float64 { return NumpySum(v) / float64(len(v)) }
