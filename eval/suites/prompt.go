package suites

import (
	"fmt"
	"strings"

	"llavabench/eval/score"
)

// An Item is what prompts are made of.
type Item struct {
	Question string
	Hint     string   // "" if there is none
	Options  []string // of a multiple choice, without letters
	Tokens   []string // text that an OCR program read in the image
	// Of MathVista:
	AnswerType string // "text" (multiple choice), "integer", "float", "list"
	Precision  int    // decimals of a float
	Unit       string
	Query      string // the prompt in the data set
}

// A Prompt is one way to ask a suite's questions. The text has no system sentence and no place for the image.
type Prompt struct {
	Suite   string
	Harness string // "llava", "lmms-eval", "vlmevalkit"
	Variant string // "" is the harness's default
	Text    func(Item) (string, error)
}

// The instructions that prompts end in.
const (
	askShort   = "Answer the question using a single word or phrase."
	askLetter  = "Answer with the option's letter from the given choices directly."
	askUnclear = "When the provided information is insufficient, respond with 'Unanswerable'."
	askYesNo   = "Please answer yes or no."
)

// Prompts lists every prompt of a suite, the default first. Their texts are those of LLaVA's released question files and of
// the tasks of lmms-eval 75571cf and VLMEvalKit e8e78f0.
func Prompts(suite string) []Prompt {
	var list []Prompt
	for _, p := range promptTable() {
		if p.Suite == suite {
			list = append(list, p)
		}
	}
	return list
}

// FindPrompt is the prompt of a suite by harness and variant.
func FindPrompt(suite, harness, variant string) (Prompt, error) {
	for _, p := range Prompts(suite) {
		if p.Harness == harness && p.Variant == variant {
			return p, nil
		}
	}
	return Prompt{}, fmt.Errorf("suite %q has no prompt %q of %s", suite, variant, harness)
}

func promptTable() []Prompt {
	const llava, lmms, kit = "llava", "lmms-eval", "vlmevalkit"
	short, letter := lines(question, fixed(askShort)), lines(question, lettered("%c. "), fixed(askLetter))
	list := []Prompt{
		{"vqav2", llava, "", short},
		{"vqav2", lmms, "", short},
		{"gqa", llava, "", short},
		{"gqa", lmms, "", short},
		{"gqa", kit, "", short},
		{"vizwiz", llava, "", lines(question, fixed(askUnclear), fixed(askShort))},
		{"vizwiz", lmms, "", lines(capitalised, fixed(askUnclear), fixed(askShort))},
		{"vizwiz", kit, "", lines(question)},
		{"textvqa", llava, "", lines(capitalised, tokens, fixed(askShort))},
		{"textvqa", llava, "no-ocr", lines(capitalised, fixed(askShort))}, // the published numbers of LLaVA-1.6
		{"textvqa", lmms, "", lines(capitalised, fixed(askShort))},
		{"textvqa", lmms, "ocr", lines(capitalised, tokens, fixed(askShort))},
		{"textvqa", kit, "", short},
		{"pope", llava, "", short},
		{"pope", lmms, "", lines(stripped, fixed(askShort))},
		{"pope", kit, "", lines(question)},
		{"mme", llava, "", lines(withoutYesNo, fixed(askShort))},
		{"mme", lmms, "", lines(withoutSpacedYesNo, fixed(askShort))},
		{"mme", kit, "", lines(question)},
		{"scienceqa", llava, "", lines(context, question, lettered("%c. "), fixed(askLetter))},
		{"scienceqa", lmms, "", lines(context, question, lettered("%c. "), fixed(askLetter))},
		{"scienceqa", kit, "", lines(hint, question, lettered("%c. "), fixed(askLetter))},
		{"seed", llava, "", letter},
		{"seed", lmms, "", letter},
		{"seed", kit, "", letter},
		// Without the options, whose texts are then ranked by likelihood: as SEED-Bench's authors ask LLaVA, and task seedbench_ppl.
		{"seed", llava, "question", lines(question)},
		{"seed", lmms, "ppl", func(it Item) (string, error) { return it.Question + " Answer :", nil }},
		{"mmmu", llava, "", paragraphs("\n\n", question, lettered("(%c) "), letterOrShort)},
		{"mmmu", lmms, "", mmmuLMMS},
		{"chartqa", lmms, "", lines(question, fixed("Answer the question with a single word."))},
		{"chartqa", kit, "", short},
		{"docvqa", lmms, "", short},
		{"docvqa", kit, "", short},
		{"infovqa", lmms, "", short},
		{"infovqa", kit, "", short},
		{"ai2d", lmms, "", letter},
		{"ai2d", kit, "", letter},
		// The hub's text ends in the options and this request; tables have the options in columns.
		{"realworldqa", lmms, "", lines(question, lettered("%c. "), ifOptions(fixed("Please answer directly with only the letter of the correct option and nothing else.")))},
		{"realworldqa", kit, "", kitChoice},
		{"mmmu", kit, "", kitChoice},
		{"ocrbench", lmms, "", lines(question)},
		{"ocrbench", kit, "", lines(question)},
		{"llava_bench", llava, "", lines(question)},
		{"llava_bench", lmms, "", lines(question)},
		{"llava_bench", kit, "", lines(question)},
		{"mmvet", llava, "", lines(question)},
		{"mmvet", kit, "", lines(question)},
		{"jsonl", llava, "", lines(question, lettered("%c. "), ifOptions(fixed(askLetter)))},
	}
	for _, p := range []struct{ suite, llava, lmms string }{
		{"mmbench", askLetter, askLetter},
		{"mmbench_cn", "请直接回答选项字母。", "请直接使用所提供的选项字母作为答案回答。"},
	} {
		list = append(list,
			Prompt{p.suite, llava, "", lines(hint, question, lettered("%c. "), fixed(p.llava))},
			Prompt{p.suite, lmms, "", mmbenchLMMS(p.lmms)},
			Prompt{p.suite, kit, "", kitChoice},
			Prompt{p.suite, kit, "llava", lines(hint, question, lettered("%c. "), fixed(p.llava))})
	}
	for _, variant := range mathvistaVariants {
		list = append(list, Prompt{"mathvista", lmms, variant, mathvistaPrompt(variant)})
	}
	return append(list, Prompt{"mathvista", kit, "", func(it Item) (string, error) { return it.Query, nil }})
}

// kitChoice is VLMEvalKit's form of a multiple choice; a question without options is asked as it is.
func kitChoice(it Item) (string, error) {
	if len(it.Options) == 0 {
		return it.Question, nil
	}
	return lines(titled("Hint: ", hint), titled("Question: ", question), titled("Options:\n", lettered("%c. ")),
		fixed("Please select the correct answer from the options above. \n"))(it)
}

// ifOptions leaves a part out where there is no multiple choice.
func ifOptions(p part) part {
	return func(it Item) string {
		if len(it.Options) == 0 {
			return ""
		}
		return p(it)
	}
}

// A part is a piece of a prompt; "" leaves it out.
type part func(Item) string

// lines joins parts with line feeds.
func lines(parts ...part) func(Item) (string, error) { return paragraphs("\n", parts...) }

func paragraphs(separator string, parts ...part) func(Item) (string, error) {
	return func(it Item) (string, error) {
		var texts []string
		for _, p := range parts {
			if text := p(it); text != "" {
				texts = append(texts, text)
			}
		}
		return strings.Join(texts, separator), nil
	}
}

func fixed(text string) part     { return func(Item) string { return text } }
func question(it Item) string    { return it.Question }
func hint(it Item) string        { return it.Hint }
func stripped(it Item) string    { return score.Strip(it.Question) }
func capitalised(it Item) string { return score.Capitalise(it.Question) }
func withoutYesNo(it Item) string {
	return score.Strip(strings.TrimSuffix(score.Strip(it.Question), askYesNo))
}

func withoutSpacedYesNo(it Item) string {
	return strings.ReplaceAll(score.Strip(it.Question), " "+askYesNo, "")
}

func context(it Item) string { return titled("Context: ", hint)(it) }

// titled puts a title before a part that is there.
func titled(title string, p part) part {
	return func(it Item) string {
		if text := p(it); text != "" {
			return title + text
		}
		return ""
	}
}

// tokens is the line with what OCR read; it is there even if nothing was.
func tokens(it Item) string { return "Reference OCR token: " + strings.Join(it.Tokens, ", ") }

// lettered is a line for each option, with its letter in format.
func lettered(format string) part {
	return func(it Item) string {
		texts := make([]string, len(it.Options))
		for i, option := range it.Options {
			texts[i] = fmt.Sprintf(format, 'A'+i) + option
		}
		return strings.Join(texts, "\n")
	}
}

func letterOrShort(it Item) string {
	if len(it.Options) > 0 {
		return askLetter
	}
	return askShort
}

// mmmuLMMS has the options on the lines after the question and a blank line before the instruction.
func mmmuLMMS(it Item) (string, error) {
	head, err := lines(question, lettered("%c. "))(it)
	return head + "\n\n" + letterOrShort(it), err
}

func mmbenchLMMS(ask string) func(Item) (string, error) {
	return func(it Item) (string, error) {
		text := it.Question + " There are several options:\n" + lettered("%c. ")(it) + "\n\n" + ask
		if it.Hint != "" {
			text = it.Hint + " " + text
		}
		return text, nil
	}
}
