package suites

import (
	"fmt"

	"llavabench/eval/score"
)

// mathvistaVariants are the shot types of MathVista's build_query.py that lmms-eval offers.
var mathvistaVariants = []string{"format-prompt", "solution", "step-by-step", "reason-first"}

// mathvistaPrompt is create_one_query without examples, captions and OCR.
func mathvistaPrompt(variant string) func(Item) (string, error) {
	return func(it Item) (string, error) {
		hint, err := mathvistaHint(variant, it)
		if err != nil {
			return "", err
		}
		text := it.Question
		if it.Unit != "" {
			text += " (Unit: " + it.Unit + ")"
		}
		choices := titled("Choices:\n", lettered("(%c) "))
		if variant == "format-prompt" {
			choices = lettered("%c. ")
		} else {
			text = "Question: " + text
		}
		parts := []part{fixed(text), choices, fixed(hint)}
		switch variant {
		case "solution":
			parts = append(parts, fixed("Solution:"))
		case "reason-first":
			parts = []part{fixed(hint), fixed(text), choices}
		}
		prompt, err := lines(parts...)(it)
		return score.Strip(prompt), err
	}
}

// mathvistaHint says what kind of answer is wanted.
func mathvistaHint(variant string, it Item) (string, error) {
	kind, example := "", ""
	switch {
	case it.AnswerType == "text" && variant == "format-prompt":
		return askLetter, nil
	case it.AnswerType == "text" && variant == "reason-first":
		return "First perform reasoning, then finally select the question from the choices in the following format: Answer: xxx.", nil
	case it.AnswerType == "text":
		return "Hint: Please answer the question and provide the correct option letter, e.g., A, B, C, D, at the end.", nil
	case it.AnswerType == "integer":
		kind, example = "integer", "1, 2, 3"
	case it.AnswerType == "float" && it.Precision == 1:
		kind, example = "floating-point number with one decimal place", "1.2, 1.3, 1.4"
	case it.AnswerType == "float" && it.Precision == 2:
		kind, example = "floating-point number with two decimal places", "1.23, 1.34, 1.45"
	case it.AnswerType == "list":
		kind, example = "Python list", "[1, 2, 3], [1.2, 1.3, 1.4]"
	default:
		return "", fmt.Errorf("no prompt asks for an answer of type %q with %d decimals", it.AnswerType, it.Precision)
	}
	if variant == "format-prompt" {
		switch it.AnswerType {
		case "integer":
			return "Answer the question using a single integer number.", nil
		case "list":
			return "Answer the question using a Python list.", nil
		}
		return "Answer the question using a single " + kind + ".", nil
	}
	wanted := "a " + kind + " and provide the final value"
	switch it.AnswerType {
	case "integer":
		wanted = "an integer answer and provide the final value"
	case "list":
		wanted = "a Python list as an answer and provide the final list"
	}
	wanted = "answer the question requiring " + wanted + ", e.g., " + example + ", at the end"
	if variant == "reason-first" {
		return "First perform reasoning, then finally " + wanted + " in the following format: Answer: xxx.", nil
	}
	return "Hint: Please " + wanted + ".", nil
}
