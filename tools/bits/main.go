// Command bits shows that the logits of a prompt are the same bits on every instruction set of this machine, for every
// weight type and numeric profile, at one and two threads, and whether the prompt is run whole, in chunks or token by
// token. It prints the digests side by side and exits with 1 when any differ:
//
//	go run ./tools/bits [MODEL [IMAGE]]
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"math"
	"os"

	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
	"llavabench/kernels"
)

// A setting is what a result depends on.
type setting struct {
	weights  string
	numerics string
}

// A manner is what it does not depend on.
type manner struct {
	name    string
	threads int
	chunk   int
}

func main() {
	log.SetFlags(0)
	model, image := "testdata/models/llava16", "testdata/images/square.png"
	if len(os.Args) > 1 {
		model = os.Args[1]
	}
	if len(os.Args) > 2 {
		image = os.Args[2]
	}
	if err := run(model, image); err != nil {
		log.Fatal("bits: ", err)
	}
}

func run(model, image string) error {
	img, _, err := imaging.DecodeFile(image, imaging.DecodeOptions{})
	if err != nil {
		return err
	}
	settings := []setting{{"bf16", "f32"}, {"f16", "f32"}, {"f32", "f32"}, {"bf16", "bf16"}, {"q8", ""}, {"q4", ""}, {"q4g64", ""}, {"q4-all", ""}}
	manners := []manner{{"1 thread, whole", 1, 1 << 20}, {"2 threads, whole", 2, 1 << 20}, {"2 threads, chunks of 100", 2, 100}, {"1 thread, token by token", 1, 1}}
	differ := 0
	for _, s := range settings {
		fmt.Printf("weights %s, profile %s\n", s.weights, cmp.Or(s.numerics, s.weights))
		first := ""
		for _, isa := range kernels.ISAs() {
			for _, m := range manners {
				if isa == "purego" && m.chunk == 1 && len(os.Args) > 1 {
					continue // hours on a large model; the small one shows it
				}
				digest, err := logitsDigest(model, img, isa, s, m)
				if err != nil {
					return err
				}
				mark := ""
				if first == "" {
					first = digest
				}
				if digest != first {
					mark = "  DIFFERS"
					differ++
				}
				fmt.Printf("  %-8s %-26s %s%s\n", isa, m.name, digest, mark)
			}
		}
	}
	if differ > 0 {
		return fmt.Errorf("%d digests differ", differ)
	}
	fmt.Println("all equal")
	return nil
}

func logitsDigest(model string, img *imaging.RGB, isa string, s setting, m manner) (_ string, err error) {
	if err := kernels.Select(isa); err != nil {
		return "", err
	}
	p, err := pipeline.Open(context.Background(), model, pipeline.Options{Weights: s.weights, Numerics: s.numerics, Threads: m.threads, PrefillChunk: m.chunk})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	prompt, err := p.Prompt(pipeline.Question{Text: "What is written on the sign?", Images: 1})
	if err != nil {
		return "", err
	}
	sum := &digester{}
	_, err = p.Answer(context.Background(), pipeline.Request{
		Images: []*imaging.RGB{img}, IDs: prompt.IDs, Generate: pipeline.GenerateOptions{MaxNewTokens: 4}, Observer: sum,
	})
	return sum.digest, err
}

// A digester takes the digest of the logits of all prompt positions.
type digester struct{ digest string }

func (d *digester) Wants(name string) bool { return name == "logits" }

func (d *digester) Tensor(_ string, _ []int, data []float32) error {
	h := sha256.New()
	for _, v := range data {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
		h.Write(b[:])
	}
	d.digest = hex.EncodeToString(h.Sum(nil))[:16]
	return nil
}
