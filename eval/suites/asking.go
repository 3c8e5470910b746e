package suites

import (
	"fmt"
	"slices"
	"strings"
)

// A Flavour is a way to ask a suite's questions: a prompt and how long answers may be.
type Flavour struct {
	Prompt
	// MaxNewTokens is what the harness generates at most.
	MaxNewTokens int
}

// Name is the flavour as on the command line: harness, or harness:variant.
func (f Flavour) Name() string {
	if f.Variant == "" {
		return f.Harness
	}
	return f.Harness + ":" + f.Variant
}

// FindFlavour finds a flavour by its name, HARNESS or HARNESS:VARIANT; "" is the suite's default, which is LLaVA's own where it has
// one.
func FindFlavour(suite, name string) (Flavour, error) {
	var known []string
	for _, p := range Prompts(suite) {
		f := Flavour{p, maxNewTokens(suite, p.Harness)}
		if name == "" || name == f.Name() {
			return f, nil
		}
		known = append(known, f.Name())
	}
	return Flavour{}, fmt.Errorf("suite %s is not asked as %q, expected one of %s", suite, name, strings.Join(known, ", "))
}

// longAnswers are the suites that LLaVA asks with scripts (model_vqa, model_vqa_science, model_vqa_mmbench) that allow 1024 tokens
// instead of the 128 of model_vqa_loader and of MMMU's own script for LLaVA.
var longAnswers = []string{"llava_bench", "mmvet", "scienceqa", "mmbench", "mmbench_cn"}

// lmmsTokens are the limits of lmms-eval's tasks; those without one inherit 1024.
var lmmsTokens = map[string]int{"vqav2": 16, "gqa": 16, "mme": 16, "scienceqa": 16, "chartqa": 16, "ai2d": 16, "realworldqa": 16, "docvqa": 32, "infovqa": 32,
	"pope": 128, "mmmu": 128, "ocrbench": 128, "mmbench_cn": 256, "llava_bench": 4096, "mathvista": 16384}

// maxNewTokens is how many tokens a harness generates at most.
func maxNewTokens(suite, harness string) int {
	switch harness {
	case "lmms-eval":
		if n, ok := lmmsTokens[suite]; ok {
			return n
		}
		return 1024
	case "vlmevalkit":
		return 2048
	}
	if slices.Contains(longAnswers, suite) {
		return 1024
	}
	return 128
}

// Text is the whole turn of the user, without the picture, which comes first. LLaVA's own prompts are those of its question file
// where the directory has it.
func (f Flavour) Text(q *Question) (string, error) {
	if f.Harness == "llava" && f.Variant == "" && q.Asked != "" {
		return q.Asked, nil
	}
	return f.Prompt.Text(q.Item())
}

// noOCR says that a TextVQA prompt with OCR tokens has none to show.
func noOCR(suite string, f Flavour, q *Question) bool {
	withTokens := f.Harness == "llava" && f.Variant == "" || f.Variant == "ocr"
	return suite == "textvqa" && withTokens && q.Parts.Tokens == nil && q.Asked == ""
}

// Resolve is the flavour as the data allow it: TextVQA's prompt of LLaVA-1.5 needs the OCR tokens, and where no file has them the
// questions are asked without, which note says.
func (f Flavour) Resolve(d *Data) (resolved Flavour, note string, err error) {
	missing := 0
	for i := range d.Questions {
		if noOCR(f.Suite, f, &d.Questions[i]) {
			missing++
		}
	}
	if missing == 0 {
		return f, "", nil
	}
	name := f.Harness
	if f.Harness == "llava" {
		name = "llava:no-ocr"
	}
	resolved, err = FindFlavour(f.Suite, name)
	note = fmt.Sprintf("%d questions have no OCR tokens (%s or %s): all are asked as %s", missing, textvqaOCR, textvqaRosetta, name)
	return resolved, note, err
}
