// Command evalbench measures what a run of eval gains by sharing the work of questions about one picture and by generating
// answers together, against one question at a time with nothing shared, on a random model of about half a gigabyte that it makes
// in a temporary directory. Four loads:
//
//	POPE      18 questions a picture, one token an answer (yes or no)
//	TextVQA   1 question a picture, answers of 10 tokens
//	letters   1 question a picture with 4 options, of which the most likely letter is chosen
//	texts     the same with texts of some 6 tokens
//
// For the last two each option is also scored by itself, as one prompt after the other, in the run with nothing shared.
//
// Both ways take turns; their samples must have the same bytes. The medians of questions per hour are compared, and those of the
// seconds on a CPU that a question took, which other work on the machine changes less. First it measures what the runner itself
// takes per question, and how long 50,000 samples take to be summarised.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"llavabench/eval/local"
	"llavabench/internal/pipeline"
	"llavabench/internal/synth"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// A load is the shape of a benchmark's questions.
type load struct {
	name       string
	questions  int // of the shared run
	perPicture int
	alone      int // of these, how many are also asked one at a time: the time of a question does not depend on its number
	tokens     int
	choose     local.Choice
}

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 3, "how often each way is measured")
	batch := flag.Int("batch", 18, "questions that are generated together")
	numerics := flag.String("numerics", "f32", "numeric profile of the matrix products: f32 or bf16")
	only := flag.String("loads", "", "only the loads of these names, with commas between")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rounds, *batch, *numerics, *only); err != nil {
		log.Fatalln("evalbench:", err)
	}
}

func run(ctx context.Context, rounds, batch int, numerics, only string) error {
	work, err := os.MkdirTemp("", "evalbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := runnerCost(ctx, work); err != nil {
		return err
	}
	model := filepath.Join(work, "model")
	if err := writeModel(ctx, model); err != nil {
		return err
	}
	p, err := pipeline.Open(ctx, model, pipeline.Options{Numerics: numerics})
	if err != nil {
		return err
	}
	defer p.Close()
	fmt.Printf("model of %.2f GB, %s, numerics %s, %d threads, %s\n\n", float64(p.Work().WeightBytes)/1e9, p.DType(), p.Numerics(), p.Threads(), kernels.ISA())
	fmt.Printf("%-8s  %20s  %20s  %5s  %12s  %15s  %5s\n", "load", "alone, questions/h", "together, questions/h", "ratio", "alone, CPU s", "together, CPU s", "ratio")
	for _, l := range []load{
		{name: "POPE", questions: 36, perPicture: 18, alone: 3, tokens: 1},
		{name: "TextVQA", questions: 8, perPicture: 1, alone: 3, tokens: 10},
		{name: "letters", questions: 4, perPicture: 1, alone: 1, choose: local.Choice{Choose: local.Likelihood, ChooseBy: local.ByLetter, ChooseNorm: local.NormSum}},
		{name: "texts", questions: 4, perPicture: 1, alone: 1, choose: local.Choice{Choose: local.Likelihood, ChooseBy: local.ByText, ChooseNorm: local.NormSum}},
	} {
		if only != "" && !slices.Contains(strings.Split(only, ","), l.name) {
			continue
		}
		var alone, together []speed
		for range rounds {
			a, samples, err := measure(ctx, p, l, l.alone, pipeline.Together{Batch: 1, NoShare: true}, work)
			if err != nil {
				return err
			}
			b, all, err := measure(ctx, p, l, l.questions, pipeline.Together{Batch: batch}, work)
			if err != nil {
				return err
			}
			if err := begins(all, samples); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			alone, together = append(alone, a), append(together, b)
		}
		a, b := median(alone), median(together)
		fmt.Printf("%-8s  %20.0f  %20.0f  %5.2f  %12.2f  %15.2f  %5.2f\n", l.name, a.perHour, b.perHour, b.perHour/a.perHour, a.cpu, b.cpu, a.cpu/b.cpu)
	}
	return nil
}

// writeModel writes LLaVA-1.5 with a small tower and a decoder of 0.25 billion weights.
func writeModel(ctx context.Context, dir string) error {
	n, err := synth.ByName("tiny-llava15")
	if err != nil {
		return err
	}
	t := &n.Config.Text
	t.Layers, t.Hidden, t.Heads, t.KVHeads, t.HeadDim, t.FFN = 19, 1024, 16, 16, 64, 2816
	w := kernels.NewWorkers(0)
	defer w.Close()
	start := time.Now()
	err = synth.Write(ctx, w, n, dir, synth.Options{DType: tensor.BF16, Seed: 1})
	fmt.Printf("model made in %.1f s\n", time.Since(start).Seconds())
	return err
}
