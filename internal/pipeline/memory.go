package pipeline

import (
	"fmt"
	"strings"

	"llavabench/internal/imaging"
	"llavabench/internal/memory"
	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
)

// A Demand is what a checkpoint will be asked for, and the memory that there is for it.
type Demand struct {
	Limit  int64  // bytes; 0 is none
	Source string // of the limit, for the message
	// Pictures are those of a question; nil are unknown ones, up to Images of the size that makes the most tokens.
	Pictures  []imaging.Size
	Images    int
	Text      int // positions of text
	NewTokens int
	// Sequences are to be answered at a time, fewer where their key-value caches do not fit; 0 is 1.
	Sequences int
}

// A part is a share of the memory of a run.
type part struct {
	name   string
	detail string // what decides the size, for the message
	bytes  int64
	// mapped bytes lie in a file: the system can drop them and read them again. They are those of the decoder or of what runs
	// before it, which are not needed at the same time.
	mapped, before bool
}

// A choice is how a checkpoint is held.
type choice struct {
	decoder, tower, projector string // weight types of the options
	kv                        tensor.DType
	written                   bool // quantised by the command quantize beforehand, and so mapped
}

// quantised is the choice with another recipe.
func (c choice) quantised(r weights.Recipe) choice {
	c.decoder, c.tower, c.projector = r.Name, r.Beside, r.Beside
	return c
}

// flags are those that make the choice, other than base.
func (c choice) flags(base choice) string {
	var flags []string
	if c.written {
		flags = append(flags, fmt.Sprintf("a checkpoint written by 'llavabench quantize --dtype %s'", c.decoder))
	} else if c.decoder != base.decoder {
		flags = append(flags, "--dtype "+c.decoder)
	}
	if c.kv != base.kv {
		flags = append(flags, "--kv-dtype "+strings.ToLower(c.kv.String()))
	}
	return strings.Join(flags, " with ")
}

// A need is the memory of a run, part by part.
type need struct {
	parts     []part
	positions int // of a sequence
	perKV     int64
}

// Mapped weights need not fit as a whole: the system drops pages and reads them again, at the speed of the disk. What is read
// for every token must fit by two thirds.
const mappedNum, mappedDen = 2, 3

func (n need) total() (sum int64) {
	for _, p := range n.parts {
		sum += p.bytes
	}
	return sum
}

// least is what must be there at the same time.
func (n need) least() int64 {
	var held, decoder, before int64
	for _, p := range n.parts {
		switch {
		case !p.mapped:
			held += p.bytes
		case p.before:
			before += p.bytes
		default:
			decoder += p.bytes
		}
	}
	return held + max(decoder, before)/mappedDen*mappedNum
}

func (n need) String() string {
	var list []string
	for _, p := range n.parts {
		list = append(list, fmt.Sprintf("%s %s (%s)", p.name, memory.Format(p.bytes), p.detail))
	}
	return strings.Join(list, ", ")
}

// choice is how the checkpoint is held.
func (p *Pipeline) choice() choice {
	return choice{p.opts.DecoderWeights, p.opts.TowerWeights, p.opts.ProjectorWeights, p.kvType, false}
}

// checkMemory refuses a checkpoint that cannot fit, from its configuration and the headers of its files, before anything is
// read, and notes one that fits only in part.
func (p *Pipeline) checkMemory(d Demand) error {
	if d.Limit <= 0 {
		return nil
	}
	c := p.choice()
	n := p.need(d, c)
	least := n.least()
	if least > d.Limit {
		return fmt.Errorf("%s does not fit into %s (%s): %s: %s in all, at least %s of which must be in memory; %s",
			p.ckpt.Dir, memory.Format(d.Limit), d.Source, n, memory.Format(n.total()), memory.Format(least), p.wouldFit(d, c, n))
	}
	if n.total() > d.Limit {
		p.notes = append(p.notes, fmt.Sprintf("%s of memory hold the weights only in part (%s): they are read from the file again and again, which is slow", memory.Format(d.Limit), n))
	}
	return nil
}

// noteBatch says how many sequences go together where the caches of as many as the demand asks for do not fit. Shorter prompts than
// the demand's leave room for more.
func (p *Pipeline) noteBatch() {
	n := p.need(p.demand, p.choice())
	each := p.kvBytes(n.positions, p.kvType)
	if fit := max(1, p.KVRoom()/max(1, each)); fit < int64(p.demand.Sequences) {
		p.notes = append(p.notes, fmt.Sprintf("the key-value caches of about %d questions fit into the memory, those of %d do not (%d positions, %s each): fewer are answered together",
			fit, p.demand.Sequences, n.positions, memory.Format(each)))
	}
}

// need adds up what a run of one sequence takes.
func (p *Pipeline) need(d Demand, c choice) need {
	image, views := p.asked(d)
	n := need{positions: image + d.Text + d.NewTokens}
	if limit := p.ckpt.Config.Text.MaxPositions; limit > 0 {
		n.positions = min(n.positions, limit)
	}
	vectors := part{name: "norms and biases", detail: "f32"}
	for _, x := range []struct {
		name, weights string
		src           tensor.Source
	}{{"decoder", c.decoder, p.ckpt.LLM()}, {"vision tower", c.tower, p.ckpt.Vision()}, {"projector", c.projector, p.ckpt.Projector()}} {
		n.parts = append(n.parts, p.weightBytes(x.src, x.name, x.weights, c.written, &vectors)...)
	}
	n.parts = append(n.parts, vectors)
	n.perKV = p.kvBytes(1<<16, c.kv) >> 16
	n.parts = append(n.parts,
		part{name: "KV cache", detail: fmt.Sprintf("%s, %d positions", strings.ToLower(c.kv.String()), n.positions), bytes: p.kvBytes(n.positions, c.kv)},
		part{name: "activations", detail: fmt.Sprintf("%d views", views), bytes: p.activationBytes(n.positions, image, views)},
		part{name: "program", detail: "fixed", bytes: programBytes})
	return n
}

// DefaultKVRoom is what key-value caches may take where the memory is not known.
const DefaultKVRoom = 2 << 30

// KVRoom is how much the key-value caches of requests answered together may take: half of the memory that is left beside one
// request, and what that one takes.
func (p *Pipeline) KVRoom() int64 {
	if p.demand.Limit <= 0 {
		return DefaultKVRoom
	}
	n := p.need(p.demand, p.choice())
	return int64(n.positions)*n.perKV + max(0, p.demand.Limit-n.total())/2
}

// programBytes is what the program takes without a model: its code, tables and tokenizer, and what the collector leaves lying.
const programBytes = 48 << 20

// asked is the number of image tokens of a question and of its views.
func (p *Pipeline) asked(d Demand) (tokens, views int) {
	count := func(size imaging.Size) (int, int, error) {
		layout, err := p.variant.Plan(p.opts, size)
		if err != nil {
			return 0, 0, err
		}
		return len(p.variant.Merge(p.opts, layout)), len(layout.Views), nil
	}
	for _, size := range d.Pictures {
		t, v, err := count(size)
		if err != nil {
			continue // Answer will say why
		}
		tokens, views = tokens+t, views+v
	}
	if d.Pictures != nil || d.Images == 0 {
		return tokens, views
	}
	// The most that any picture makes: one that fills a canvas of the grid.
	sizes := []imaging.Size{{W: p.opts.Side, H: p.opts.Side}}
	for _, c := range p.opts.Pinpoints {
		sizes = append(sizes, imaging.Size{W: c[0], H: c[1]})
	}
	for _, size := range sizes {
		if t, v, err := count(size); err == nil && t > tokens {
			tokens, views = t, v
		}
	}
	return d.Images * tokens, d.Images * views
}

// weightBytes are the weights of a network in a weight type of the options, by whether they stay in their file. What no answer
// needs as a whole (the embedding, of which single rows are read, and layers above the selected one) does not count. Norms and
// biases, which are widened into memory, are added to vectors.
func (p *Pipeline) weightBytes(src tensor.Source, name, weightType string, written bool, vectors *part) []part {
	recipe, _ := weights.ParseRecipe(weightType) // the zero one for float types
	to := tensor.Invalid
	switch weightType {
	case "f16":
		to = tensor.F16
	case "bf16":
		to = tensor.BF16
	}
	before := name != "decoder"
	held := part{name: name, detail: weightType + ", in memory", before: before}
	if written {
		held.detail, held.mapped = weightType+", mapped", true
	}
	mapped := part{name: name, detail: p.storedType(src) + ", mapped", mapped: true, before: before}
	for _, key := range src.Names() {
		t, _ := src.Tensor(key)
		rows, elements := 1, int64(t.Elements())
		if len(t.Shape) > 0 {
			rows = t.Shape[0]
		}
		format := recipe.For(key)
		switch {
		case p.unused(name, key):
		case t.DType.IsFloat() && (len(t.Shape) < 2 || key == "embeddings.position_embedding.weight"):
			vectors.bytes += 4 * elements
		case format != 0 && rows > 0 && strings.HasSuffix(key, ".weight") && isLinear(key):
			codes, scales := format.Sizes(rows, int(elements)/rows)
			held.bytes += codes + scales
		case to != tensor.Invalid && t.DType.IsFloat() && t.DType != to:
			held.bytes += elements * int64(to.Size())
		case key == "model.embed_tokens.weight" && !p.ckpt.Config.Text.TieEmbeddings:
		default:
			mapped.bytes += int64(len(t.Data))
		}
	}
	var out []part
	for _, x := range []part{mapped, held} {
		if x.bytes > 0 {
			out = append(out, x)
		}
	}
	return out
}

// storedType names the type of a part's matrices in the file.
func (p *Pipeline) storedType(src tensor.Source) string {
	return (&caster{Source: src}).typeName(weights.Recipe{})
}

// isLinear tells the matrices that recipes apply to from those that keep a float type.
func isLinear(key string) bool {
	return !strings.Contains(key, "embed") && key != "lm_head.weight"
}

// unused reports whether a tensor of the tower lies above the selected layer.
func (p *Pipeline) unused(name, key string) bool {
	if name != "vision tower" {
		return false
	}
	depth := p.opts.SelectLayer
	if depth < 0 {
		depth += p.ckpt.Config.Vision.Layers + 1
	}
	var layer int
	if _, err := fmt.Sscanf(key, "encoder.layers.%d.", &layer); err == nil {
		return layer >= depth
	}
	return strings.HasPrefix(key, "post_layernorm")
}

// kvBytes is the size of the keys and values of a sequence, which are laid out as kernels.KV says.
func (p *Pipeline) kvBytes(positions int, kv tensor.DType) int64 {
	t := p.ckpt.Config.Text
	room := int64(positions+63) / 64 * 64
	width := int64(t.HeadDim+15) / 16 * 16
	return int64(t.Layers) * int64(t.KVHeads) * room * (int64(t.HeadDim) + width) * int64(kv.Size())
}

// activationBytes is what the networks hold between their layers, and what is handed from one to the next.
func (p *Pipeline) activationBytes(positions, image, views int) int64 {
	t, v := p.ckpt.Config.Text, p.ckpt.Config.Vision
	rows := int64(min(positions, p.chunk))
	attn, kv := int64(t.Heads*t.HeadDim), int64(t.KVHeads*t.HeadDim)
	decoder := rows*(int64(t.Hidden)+2*attn+2*kv+2*int64(t.FFN)+int64(t.HeadDim)) + 2*int64(positions)*int64(t.Hidden) + 2*int64(t.Vocab)
	grid := int64(v.Grid() * v.Grid())
	tokens := grid + 1
	tower := int64(0)
	if views > 0 {
		tower = tokens*(8*int64(v.Hidden)+int64(v.FFN)) + grid*int64(v.Channels*v.Patch*v.Patch)
	}
	between := int64(views)*(int64(v.Channels)*int64(v.Image)*int64(v.Image)+tokens*int64(v.Hidden)+2*tokens*int64(t.Hidden)) + int64(image)*int64(t.Hidden)
	const packed = 1 << 20 // elements of a worker's panels
	return 4 * (decoder + tower + between + int64(p.workers.N())*packed)
}

// wouldFit names changes with which the checkpoint could be run.
func (p *Pipeline) wouldFit(d Demand, c choice, n need) string {
	var ways []string
	if spare := d.Limit - n.least() + n.perKV*int64(n.positions); n.perKV > 0 && spare/n.perKV >= 64 {
		ways = append(ways, fmt.Sprintf("a sequence of at most %d positions", spare/n.perKV/64*64-64))
	}
	// first names the first of several choices that fits.
	first := func(choices ...choice) {
		for _, x := range choices {
			if m := p.need(d, x); m.least() <= d.Limit {
				ways = append(ways, fmt.Sprintf("%s (%s)", x.flags(c), memory.Format(m.least())))
				return
			}
		}
	}
	half := c
	if c.kv == tensor.F32 {
		half.kv = tensor.F16
		first(half)
	}
	recipes := weights.RecipeNames()
	if _, err := weights.ParseRecipe(p.storedType(p.ckpt.LLM())); err == nil {
		recipes = nil // quantised already
	}
	for _, name := range recipes {
		if r, err := weights.ParseRecipe(name); err == nil {
			whole, small := c.quantised(r), half.quantised(r)
			mapped, smallMapped := whole, small
			mapped.written, smallMapped.written = true, true
			first(whole, small, mapped, smallMapped)
		}
	}
	if len(ways) == 0 {
		return "nothing smaller would fit either"
	}
	return "what would fit: " + strings.Join(ways, "; ")
}
