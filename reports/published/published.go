// Package published holds the figures that the LLaVA papers and model cards state for the released models, as reference
// columns. They were measured by others, with other code, prompts and scorers; a table that shows them says so.
package published

import (
	"slices"
	"strings"

	"llavabench/internal/rundir"
)

// A Value is one published figure.
type Value struct {
	Suite  string  `json:"suite"` // as llavabench names it
	Model  string  `json:"model"`
	Metric string  `json:"metric"` // what the figure is, in words
	Value  float64 `json:"value"`
	Digits int     `json:"-"` // decimals as published
	Source string  `json:"source"`
	// Same is what of a run is the published quantity; nil where nothing that a run can have is: a server or a judge scored it, or
	// the split cannot be told.
	Same *Quantity `json:"-"`
}

// A Quantity is a figure of an official score (rundir.Official).
type Quantity struct {
	Figure string // its name
	// N is what the figure counts, and Items the questions of the run, in the whole published split, so that no part passes for it;
	// 0 is any.
	N, Items int
	Split    string // of suites with several; "" otherwise
	// Prompts are the names of the prompts that the value was made with, where others change what is asked; nil for any.
	Prompts []string
}

// Of is the figure of a run that is the quantity; ok is false where it has none.
func (q *Quantity) Of(suite rundir.Suite, o *rundir.Official) (f rundir.Figure, ok bool) {
	if q == nil || o == nil || q.Items != 0 && suite.Items != q.Items || q.Split != "" && suite.Split != q.Split || q.Prompts != nil && !slices.Contains(q.Prompts, suite.Prompts) {
		return rundir.Figure{}, false
	}
	i := slices.IndexFunc(o.Figures, func(f rundir.Figure) bool { return f.Name == q.Figure })
	if i < 0 || q.N != 0 && o.Figures[i].N != q.N || o.Figures[i].Value == nil {
		return rundir.Figure{}, false
	}
	return o.Figures[i], true
}

// Sources.
const (
	modelZoo = "model zoo of haotian-liu/LLaVA, docs/MODEL_ZOO.md"
	released = "result file released with haotian-liu/LLaVA"
	blog16   = "LLaVA-NeXT blog and model zoo, January 2024"
)

// The quantities that a run can have. Numbers of questions are those of the splits that LLaVA's evaluation asks.
var (
	gqa          = &Quantity{Figure: "Accuracy", N: 12578}
	scienceqa    = &Quantity{Figure: "Accuracy", N: 4241}
	scienceImg   = &Quantity{Figure: "IMG-Accuracy", N: 2017}
	textvqaOCR   = &Quantity{Figure: "accuracy", N: 5000, Prompts: []string{"llava", "lmms-eval:ocr"}}
	textvqa      = &Quantity{Figure: "accuracy", N: 5000, Prompts: []string{"llava:no-ocr", "lmms-eval", "vlmevalkit"}}
	pope         = &Quantity{Figure: "mean F1", N: 8910}
	mme          = &Quantity{Figure: "perception", Items: 2374}
	mmeCognition = &Quantity{Figure: "cognition", Items: 2374}
	mmbench      = &Quantity{Figure: "circular", N: 1176}
	seed         = &Quantity{Figure: "Total", N: 19242}
	mmmu         = &Quantity{Figure: "Overall", N: 900, Split: "validation"}
)

// columns name the benchmarks of the rows below.
var (
	columns15 = []column{
		{"vqav2", "accuracy, test-dev (%)", nil}, {"gqa", "accuracy, test-dev balanced (%)", gqa}, {"vizwiz", "accuracy, test (%)", nil},
		{"scienceqa", "accuracy, questions with image (%)", scienceImg}, {"textvqa", "accuracy, val, OCR tokens in the prompt (%)", textvqaOCR},
		{"pope", "mean F1 of the three splits (%)", pope}, {"mme", "perception (points)", mme}, {"mmbench", "circular accuracy, dev (%)", mmbench},
		{"mmbench_cn", "circular accuracy, dev (%)", nil}, {"seed", "accuracy, all (%)", seed}, {"llava_bench", "relative score (%)", nil}, {"mmvet", "score (%)", nil},
	}
	columns16 = []column{
		{"mmmu", "accuracy, val (%)", mmmu}, {"mathvista", "accuracy, testmini (%)", nil}, {"vqav2", "accuracy, test-dev (%)", nil},
		{"gqa", "accuracy, test-dev balanced (%)", gqa}, {"vizwiz", "accuracy, test (%)", nil}, {"scienceqa", "accuracy, questions with image (%)", scienceImg},
		{"textvqa", "accuracy, val, no OCR tokens (%)", textvqa}, {"pope", "mean F1 of the three splits (%)", pope}, {"mme", "perception (points)", mme},
		{"mme", "cognition (points)", mmeCognition}, {"mmbench", "circular accuracy, dev (%)", mmbench}, {"mmbench_cn", "circular accuracy, dev (%)", nil},
		{"seed", "accuracy, images (%)", nil}, {"llava_bench", "relative score (%)", nil}, {"mmvet", "score (%)", nil},
	}
)

type column struct {
	suite, metric string
	same          *Quantity
}

// rows are models with a value for each column.
var rows = []struct {
	model   string
	columns []column
	source  string
	values  []float64
}{
	{"LLaVA-1.5-7B", columns15, modelZoo, []float64{78.5, 62.0, 50.0, 66.8, 58.2, 85.9, 1510.7, 64.3, 58.3, 58.6, 65.4, 31.1}},
	{"LLaVA-1.5-13B", columns15, modelZoo, []float64{80.0, 63.3, 53.6, 71.6, 61.3, 85.9, 1531.3, 67.7, 63.6, 61.6, 72.5, 36.1}},
	{"LLaVA-1.5-7B LoRA", columns15, modelZoo, []float64{79.1, 63.0, 47.8, 68.4, 58.2, 86.4, 1476.9, 66.1, 58.9, 60.1, 67.9, 30.2}},
	{"LLaVA-1.5-13B LoRA", columns15, modelZoo, []float64{80.0, 63.3, 58.9, 71.2, 60.2, 86.7, 1541.7, 68.5, 61.5, 61.3, 69.5, 38.3}},
	{"LLaVA-1.6-Vicuna-7B", columns16, blog16, []float64{35.8, 34.6, 81.8, 64.2, 57.6, 70.1, 64.9, 86.5, 1519, 332, 67.4, 60.6, 70.2, 81.6, 43.9}},
	{"LLaVA-1.6-Vicuna-13B", columns16, blog16, []float64{36.2, 35.3, 82.8, 65.4, 60.5, 73.6, 67.1, 86.2, 1575, 326, 70, 64.4, 71.9, 87.3, 48.4}},
	{"LLaVA-1.6-Mistral-7B", columns16, blog16, []float64{35.3, 37.7, 82.2, 64.8, 60.0, 72.8, 65.7, 86.7, 1498, 321, 68.7, 61.2, 72.2, 83.2, 47.3}},
	{"LLaVA-1.6-34B", columns16, blog16, []float64{51.1, 46.5, 83.7, 67.1, 63.8, 81.8, 69.5, 87.7, 1631, 397, 79.3, 79, 75.9, 89.6, 57.4}},
}

// others are figures that stand alone.
var others = []Value{
	{"scienceqa", "LLaVA-13B v0", "accuracy, test (%)", 90.90, 2, released, scienceqa},
	{"scienceqa", "LLaVA-13B v1.3", "accuracy, test (%)", 91.09, 2, released, scienceqa},
	{"llava_bench", "LLaVA-13B v1-336 LoRA", "relative score (%)", 70.1, 1, modelZoo, nil},
	{"llava_bench", "LLaVA-13B LLaMA-2-Chat", "relative score (%)", 67.9, 1, modelZoo, nil},
	{"llava_bench", "LLaVA-7B LLaMA-2-Chat LoRA", "relative score (%)", 62.8, 1, modelZoo, nil},
}

// For gives the published figures of a suite, oldest generation first; none for any other suite.
func For(suite string) []Value {
	suite = benchmark(suite)
	var out []Value
	for _, v := range others {
		if v.Suite == suite {
			out = append(out, v)
		}
	}
	for _, r := range rows {
		for i, c := range r.columns {
			if c.suite != suite {
				continue
			}
			digits := 1
			if r.values[i] >= 1000 && r.values[i] == float64(int(r.values[i])) || c.metric == "cognition (points)" {
				digits = 0
			}
			out = append(out, Value{suite, r.model, c.metric, r.values[i], digits, r.source, c.same})
		}
	}
	return out
}

// questionFiles are the question files of LLaVA's evaluation bundle, which `eval --questions` asks.
var questionFiles = map[string]string{
	"llava_vqav2_mscoco_test-dev2015.jsonl": "vqav2",
	"llava_gqa_testdev_balanced.jsonl":      "gqa",
	"llava_textvqa_val_v051_ocr.jsonl":      "textvqa",
	"llava_pope_test.jsonl":                 "pope",
	"llava_mme.jsonl":                       "mme",
	"llava-seed-bench.jsonl":                "seed",
	"llava-mm-vet.jsonl":                    "mmvet",
}

// benchmark is the suite that a run's suite is: itself, or the one whose question file it is.
func benchmark(suite string) string {
	if s, ok := questionFiles[suite]; ok {
		return s
	}
	return suite
}

// names are the names under which the models are distributed, each with its name here.
var names = []struct{ part, model string }{
	{"llava-v1.5-7b-lora", "LLaVA-1.5-7B LoRA"}, {"llava-v1.5-13b-lora", "LLaVA-1.5-13B LoRA"},
	{"llava-v1.5-7b", "LLaVA-1.5-7B"}, {"llava-v1.5-13b", "LLaVA-1.5-13B"}, {"llava-1.5-7b-hf", "LLaVA-1.5-7B"}, {"llava-1.5-13b-hf", "LLaVA-1.5-13B"},
	{"llava-v1.6-vicuna-7b", "LLaVA-1.6-Vicuna-7B"}, {"llava-v1.6-vicuna-13b", "LLaVA-1.6-Vicuna-13B"}, {"llava-v1.6-mistral-7b", "LLaVA-1.6-Mistral-7B"}, {"llava-v1.6-34b", "LLaVA-1.6-34B"},
}

// Model is the released model that a checkpoint's name says it is, as the Values name it; "" for any other.
func Model(checkpoint string) string {
	name := strings.ToLower(checkpoint)
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	i := slices.IndexFunc(names, func(r struct{ part, model string }) bool {
		return name == r.part || name == r.part+"-hf"
	})
	if i < 0 {
		return ""
	}
	return names[i].model
}
