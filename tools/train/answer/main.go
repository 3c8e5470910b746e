// Command answer lets a trained checkpoint answer items of the suite and writes a line of JSON for each: the prompt's and
// the answer's ids, which compare.py checks against PyTorch, and whether the answer is right.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"llavabench/eval/sight"
	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
)

type line struct {
	ID         string         `json:"id"`
	Category   sight.Category `json:"category"`
	Kind       string         `json:"kind"`
	Difficulty int            `json:"difficulty"`
	Detail     int            `json:"detail_px"`
	Question   string         `json:"question"`
	Answer     string         `json:"answer"`
	Text       string         `json:"text"`
	Right      bool           `json:"right"`
	PromptIDs  []int          `json:"prompt_ids"`
	IDs        []int          `json:"ids"`
	Tokens     int            `json:"image_tokens"`
}

func main() {
	log.SetFlags(0)
	model := flag.String("model", "", "checkpoint directory")
	variant := flag.String("variant", "", "variant; the one that the checkpoint is of by default")
	split := flag.String("split", "val", "split of the items: train, val or test")
	seed := flag.Uint64("seed", 1, "seed of the suite")
	count := flag.Int("count", 210, "number of items")
	threads := flag.Int("threads", 1, "worker threads")
	flag.Parse()
	if err := answer(*model, *variant, sight.Split(*split), *seed, *count, *threads); err != nil {
		log.Fatal(err)
	}
}

func answer(model, variant string, split sight.Split, seed uint64, count, threads int) error {
	ctx := context.Background()
	p, err := pipeline.Open(ctx, model, pipeline.Options{Variant: variant, Threads: threads})
	if err != nil {
		return err
	}
	defer p.Close()
	w := bufio.NewWriter(os.Stdout)
	enc := json.NewEncoder(w)
	right := map[sight.Category][2]int{}
	for it, err := range sight.Items(split, seed, count) {
		if err != nil {
			return err
		}
		picture := sight.Draw(it.Scene)
		prompt, err := p.Prompt(pipeline.Question{Text: it.Question, Images: 1})
		if err != nil {
			return err
		}
		a, err := p.Answer(ctx, pipeline.Request{
			Images: []*imaging.RGB{picture}, IDs: prompt.IDs,
			Generate: pipeline.GenerateOptions{MaxNewTokens: 8, Stop: prompt.Stop, EOS: prompt.EOS},
		})
		if err != nil {
			return fmt.Errorf("%s: %w", it.ID, err)
		}
		l := line{
			ID: it.ID, Category: it.Category, Kind: it.Kind, Difficulty: it.Difficulty, Detail: it.Detail, Question: it.Question,
			Answer: it.Answer, Text: strings.TrimSpace(a.Text), PromptIDs: prompt.IDs, IDs: a.IDs, Tokens: a.ImageTokens,
		}
		l.Right = l.Text == l.Answer
		n := right[it.Category]
		n[1]++
		if l.Right {
			n[0]++
		}
		right[it.Category] = n
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	for _, c := range sight.Categories {
		if n := right[c]; n[1] > 0 {
			log.Printf("%-10s %5.1f %% of %d", c, 100*float64(n[0])/float64(n[1]), n[1])
		}
	}
	return w.Flush()
}
