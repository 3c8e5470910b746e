package goldens

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"llavabench/internal/pipeline"
)

// endToEndManifest is the file of questions with answers that outputs/manifest.json names.
type endToEndManifest struct {
	Note  information    `json:"note"`
	What  information    `json:"what"`
	Model string         `json:"model"`
	Cases []endToEndCase `json:"cases"`
}

// An endToEndCase is a question from its text to the text of the answer.
type endToEndCase struct {
	Note       information `json:"note"`
	Margin     information `json:"min_margin"`
	Image      *string     `json:"image"` // in preprocess/images
	Template   string      `json:"template"`
	Question   string      `json:"question"`
	Prompt     string      `json:"prompt"`
	PromptIDs  []int       `json:"prompt_ids"`
	MaxNew     int         `json:"max_new_tokens"`
	GreedyIDs  []int       `json:"greedy_ids"`
	TopIDs     []int       `json:"top4_ids_first"`
	TopLogits  []float32   `json:"top4_logits_first"`
	Unstripped string      `json:"text_unstripped"`
	Text       string      `json:"text"`
}

func (s *set) checkEndToEnd(p *Part) error {
	outputs, err := s.readOutputs(newPart("")) // its unknown keys are reported by the part "outputs"
	if err != nil {
		return err
	}
	if outputs.EndToEnd == "" {
		p.skip("outputs/manifest.json has no e2e", 1)
		return nil
	}
	file, err := s.named("outputs", outputs.EndToEnd)
	if err != nil {
		return err
	}
	raw, err := readFile(file)
	if err != nil {
		return err
	}
	var m endToEndManifest
	if err := p.decodeStrict(path.Join("outputs", outputs.EndToEnd), raw, &m); err != nil {
		return err
	}
	if len(m.Cases) == 0 {
		return errors.New("there are no cases")
	}
	r := s.newRunner()
	defer r.close()
	name, model := path.Base(m.Model), modelUse{dir: m.Model}
	if v, ok := s.vocabulary(p, len(m.Cases)); ok { // without one the ids are compared all the same
		model.tokenizer = v.path
	}
	s.checkTower(p, r, name, model, outputs.Models[name].Vision)
	pipe, err := r.pipeline(model)
	if err != nil {
		return err
	}
	for i, c := range m.Cases {
		p.Cases++
		where := fmt.Sprintf("%s.%d", name, i)
		if err := s.checkAnswer(p, pipe, where, c); err != nil {
			if s.ctx.Err() != nil {
				return nil
			}
			p.failf(where, "run", "%v", err)
		}
		s.progress(p, i+1, len(m.Cases))
	}
	return nil
}

func (s *set) checkAnswer(p *Part, pipe *pipeline.Pipeline, where string, c endToEndCase) error {
	var pictures []string
	if c.Image != nil {
		pictures = []string{path.Join(pictureFolder, *c.Image)}
	}
	images, err := s.picturesOf(pictures)
	if err != nil {
		return err
	}
	text := pipe.Tokenizer() != nil
	if text {
		prompt, err := pipe.Prompt(pipeline.Question{Text: c.Question, Images: len(images), Template: c.Template})
		if err != nil {
			return err
		}
		equal(p, where, "prompt", prompt.Text, c.Prompt)
		exact(p, where, "prompt_ids", []int{len(c.PromptIDs)}, prompt.IDs, c.PromptIDs)
	}
	// The reference ends an answer at its end token alone, so no stop strings are given.
	a, err := pipe.Answer(s.ctx, pipeline.Request{
		Images: images, IDs: c.PromptIDs, Generate: pipeline.GenerateOptions{MaxNewTokens: c.MaxNew},
	})
	if err != nil {
		return err
	}
	exact(p, where, "greedy_ids", []int{len(c.GreedyIDs)}, a.IDs, c.GreedyIDs)
	var ids []int
	var logits []float32
	for j, id := range topIDs(a.Logits, len(c.TopIDs)) {
		logits = append(logits, a.Logits[id])
		ids = append(ids, sameRank(a.Logits, id, c.TopIDs[j]))
	}
	exact(p, where, "top4_ids_first", []int{len(c.TopIDs)}, ids, c.TopIDs)
	p.floats(where, "top4_logits_first", []int{len(c.TopLogits)}, logits, c.TopLogits, logitTolerance)
	if text && slices.Equal(a.IDs, c.GreedyIDs) { // another text follows from other ids
		equal(p, where, "text_unstripped", a.Text, c.Unstripped)
		equal(p, where, "text", strings.TrimSpace(a.Text), c.Text)
	}
	return nil
}
