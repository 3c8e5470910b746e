package goldens

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"

	"llavabench/internal/pipeline"
)

// A Closeness is how near the logits of a model with converted weights come to the recorded ones, which were computed from
// the weights as stored.
type Closeness struct {
	Model   string  `json:"model"`
	Cases   int     `json:"cases"`
	Cosine  float64 `json:"cosine"`   // of the logits of all cases, last positions, as one vector
	Worst   float64 `json:"worst"`    // the smallest cosine of a single case
	Largest float64 `json:"largest"`  // the largest absolute difference of a logit
	KL      float64 `json:"kl"`       // the largest divergence of the next-token distribution, in nats
	FirstID int     `json:"first_id"` // cases whose first greedy token is the recorded one
}

// minCosine is what each weight type must reach.
var minCosine = map[string]float64{"f32": 0.999999, "f16": 0.99999, "bf16": 0.9999, "q8": 0.999, "q4": 0.98, "q4g64": 0.98, "q4-all": 0.85, "q4g64-all": 0.85}

// MinCosine is the cosine that logits with weights of a type must reach; ok is false for an unknown type.
func MinCosine(weights string) (limit float64, ok bool) {
	limit, ok = minCosine[weights]
	return limit, ok
}

// CompareWeights runs every case of the part "outputs" with all matrices converted to a weight type, and compares the
// logits with the recorded ones, model by model.
func CompareWeights(ctx context.Context, dir, weights string, o Options) ([]Closeness, error) {
	if _, ok := minCosine[weights]; !ok {
		return nil, fmt.Errorf("weight type %q is not known", weights)
	}
	if err := recognise(dir); err != nil {
		return nil, err
	}
	s := newSet(ctx, dir, o)
	p := newPart("outputs")
	m, err := s.readOutputs(p)
	if err != nil {
		return nil, err
	}
	var all []Closeness
	for i, name := range slices.Sorted(maps.Keys(m.Models)) {
		if o.Progress != nil {
			o.Progress("weights "+weights, i, len(m.Models))
		}
		model := m.Models[name]
		if len(model.Cases) == 0 {
			continue // checked end to end elsewhere
		}
		c, err := s.closeness(p, name, weights, model)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func (s *set) closeness(p *Part, name, weights string, model outputsModel) (Closeness, error) {
	r := s.newRunner()
	defer r.close()
	out := Closeness{Model: name, Worst: 1}
	var allGot, allWant []float32
	for _, key := range slices.Sorted(maps.Keys(model.Cases)) {
		if err := s.ctx.Err(); err != nil {
			return out, err
		}
		got, want, first, err := s.logitsOf(p, r, name, key, weights, model)
		if err != nil {
			return out, fmt.Errorf("%s.%s: %w", name, key, err)
		}
		out.Cases++
		out.Worst = min(out.Worst, cosine(got, want))
		allGot, allWant = append(allGot, got...), append(allWant, want...)
		out.KL = max(out.KL, divergence(want, got))
		for i := range want {
			out.Largest = max(out.Largest, math.Abs(float64(got[i])-float64(want[i])))
		}
		if first {
			out.FirstID++
		}
	}
	out.Cosine = cosine(allGot, allWant)
	return out, nil
}

// logitsOf runs a case and returns its last logits beside the recorded ones, and whether the first token is the recorded
// one.
func (s *set) logitsOf(p *Part, r *runner, name, key, weights string, model outputsModel) (got, want []float32, first bool, err error) {
	c := model.Cases[key]
	use := modelUse{dir: model.Dir, weights: weights}
	if cut := truncatedCase.FindStringSubmatch(key); cut != nil {
		use = use.with("tokenizer_max_length=" + cut[1])
	}
	run := &caseRun{Part: p, set: s, runner: r, modelCase: modelCase{where: name + "." + key}}
	if run.want, err = s.readGoldens(p, run.where, "outputs", c.File, c.Tensors); err != nil {
		return nil, nil, false, err
	}
	var files []string
	for _, file := range c.Images {
		files = append(files, path.Join(pictureFolder, file))
	}
	if run.images, err = s.picturesOf(files); err != nil {
		return nil, nil, false, err
	}
	if run.pipe, err = r.pipeline(use); err != nil {
		return nil, nil, false, err
	}
	if err := run.prompt(); err != nil {
		return nil, nil, false, err
	}
	req := pipeline.Request{Images: run.images, IDs: run.ids, Generate: pipeline.GenerateOptions{MaxNewTokens: 1}}
	a, err := run.pipe.Answer(s.ctx, req)
	if err != nil {
		return nil, nil, false, err
	}
	want = run.want["logits_last"].floats
	if len(want) != len(a.Logits) {
		return nil, nil, false, fmt.Errorf("logits_last has %d numbers, the model gives %d", len(want), len(a.Logits))
	}
	ids := run.want["greedy_ids"].ints
	return a.Logits, want, len(ids) > 0 && len(a.IDs) > 0 && ids[0] == a.IDs[0], nil
}

func cosine(a, b []float32) float64 {
	var aa, bb, ab float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		aa += float64(x * x)
		bb += float64(y * y)
		ab += float64(x * y)
	}
	return ab / math.Sqrt(aa) / math.Sqrt(bb)
}

// divergence is the Kullback-Leibler divergence of the distribution of logits q from that of p, in nats.
func divergence(p, q []float32) float64 {
	lp, lq := logSum(p), logSum(q)
	var sum float64
	for i := range p {
		a, b := float64(p[i])-lp, float64(q[i])-lq
		sum += float64(math.Exp(a) * (a - b))
	}
	return sum
}

func logSum(x []float32) float64 {
	most := float64(slices.Max(x))
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - most)
	}
	return most + math.Log(sum)
}
