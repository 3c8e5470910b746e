package goldens

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"llavabench/internal/prompt"
)

// The files of prompts/ with conversations.
var (
	templateFiles  = []string{"prompts/prompts_haotian.json", "prompts/prompts_next.json"}
	llavaHFPrompts = "prompts/prompts_llava_hf.json"
)

// templateManifest is a file of templates of one repository.
type templateManifest struct {
	Note         information               `json:"note"`
	Upstream     information               `json:"upstream"`
	Transformers information               `json:"transformers"`
	ImageToken   int                       `json:"image_token_index"`
	Templates    map[string]templateGolden `json:"templates"`
}

type templateGolden struct {
	Note    information           `json:"note"`
	Version information           `json:"version"` // groups templates in the training code
	Style   string                `json:"sep_style"`
	Sep     string                `json:"sep"`
	Sep2    *string               `json:"sep2"`
	Roles   [2]string             `json:"roles"`
	System  string                `json:"system"`
	Stop    string                `json:"stop_str"`
	StopIDs []int                 `json:"stop_ids_legacy_false"`
	Cases   map[string]promptCase `json:"cases"`
}

// A promptCase is a conversation: user, assistant, ... in turn, null or "" being open.
type promptCase struct {
	Turns     []*string       `json:"turns"`
	System    *string         `json:"system"`
	Prompt    *string         `json:"prompt"`
	IDs       []int           `json:"ids"`
	LegacyIDs []int           `json:"ids_legacy_true"`
	Tokenizer string          `json:"tokenizer"` // names further special tokens with their ids
	Error     json.RawMessage `json:"error"`
}

func (s *set) checkPrompts(p *Part) error {
	for _, file := range templateFiles {
		if err := s.checkTemplates(p, file); err != nil {
			p.failf(file, "file", "%v", err)
		}
	}
	if err := s.checkLlavaHFPrompts(p); err != nil {
		p.failf(llavaHFPrompts, "file", "%v", err)
	}
	return nil
}

func (s *set) checkTemplates(p *Part, file string) error {
	var m templateManifest
	if err := s.readJSON(p, file, &m); err != nil {
		return err
	}
	if len(m.Templates) == 0 {
		return errors.New("there are no templates")
	}
	equal(p, file, "image_token_index", prompt.ImageID, m.ImageToken)
	ids := 0
	for _, t := range m.Templates {
		ids += len(t.Cases)
	}
	v, _ := s.vocabulary(p, ids) // nil: strings are compared all the same
	for _, name := range slices.Sorted(maps.Keys(m.Templates)) {
		where := file + " " + name
		t, err := prompt.ByName(name)
		if !p.require(where, "template", err) {
			continue
		}
		want := m.Templates[name]
		checkTemplate(p, where, v, t, want)
		for _, c := range slices.Sorted(maps.Keys(want.Cases)) {
			p.Cases++
			if err := checkPrompt(p, where+" "+c, v, t, want.Cases[c]); err != nil {
				p.failf(where+" "+c, "prompt", "%v", err)
			}
		}
	}
	return nil
}

// checkTemplate compares the fields of a template.
func checkTemplate(p *Part, where string, v *vocabulary, t prompt.Template, want templateGolden) {
	sep2 := ""
	if want.Sep2 != nil {
		sep2 = *want.Sep2
	}
	equal(p, where, "sep_style", string(t.Style), want.Style)
	equal(p, where, "sep", t.Sep, want.Sep)
	equal(p, where, "sep2", t.Sep2, sep2)
	equal(p, where, "roles", t.Roles, want.Roles)
	equal(p, where, "system", t.System, want.System)
	stop := prompt.StopStrings(t)
	if want.Stop == "" {
		equalList(p, where, "stop_str", stop, nil)
		return
	}
	equalList(p, where, "stop_str", stop, []string{want.Stop})
	if v == nil || want.StopIDs == nil {
		return
	}
	tok, err := v.tokenizer(false, "")
	if p.require(where, "stop_ids_legacy_false", err) {
		ids := tok.Encode(want.Stop)
		if bos, ok := tok.BOS(); ok && len(ids) > 0 && ids[0] == bos {
			ids = ids[1:] // they are given without BOS
		}
		equalList(p, where, "stop_ids_legacy_false", ids, want.StopIDs)
	}
}

// checkPrompt compares the string and the ids of one conversation.
func checkPrompt(p *Part, where string, v *vocabulary, t prompt.Template, want promptCase) error {
	pieces, err := prompt.Render(conversation(t, want))
	if want.Error != nil {
		switch {
		case err != nil:
			p.Checked++
		case t.Unverified != "":
			// The reference could not run; rendering all the same is better, and nothing says whether it is right.
			p.skip("no reference: "+t.Unverified, 1)
		default:
			p.fail(Failure{Case: where, Check: "error", Got: fmt.Sprintf("%q", prompt.String(pieces)), Want: string(want.Error)})
		}
		return nil
	}
	if err != nil {
		return err
	}
	if want.Prompt == nil || want.IDs == nil {
		return errors.New("the case has neither an error nor both prompt and ids")
	}
	equal(p, where, "prompt", prompt.String(pieces), *want.Prompt)
	if v == nil {
		return nil
	}
	for _, mode := range []struct {
		name   string
		legacy bool
		ids    []int
	}{{"ids", false, want.IDs}, {"ids_legacy_true", true, want.LegacyIDs}} {
		if mode.ids == nil {
			continue
		}
		tok, err := v.tokenizer(mode.legacy, want.Tokenizer)
		if err != nil {
			return err
		}
		ids, err := prompt.Tokens(tok, pieces, prompt.TokenOptions{Mode: prompt.Original, ParseData: true})
		if err != nil {
			return err
		}
		equalList(p, where, mode.name, ids, mode.ids)
	}
	return nil
}

// conversation reads the turns of a case, in which the marker stands for a picture.
func conversation(t prompt.Template, c promptCase) prompt.Conversation {
	conv := prompt.Conversation{Template: t, System: c.System}
	for _, turn := range c.Turns {
		var pieces []prompt.Piece
		if turn != nil {
			pieces = prompt.Split(*turn, prompt.Marker, false)
		}
		conv.Turns = append(conv.Turns, pieces)
	}
	return conv
}

// llavaHFManifest holds prompts that are tokenised as a whole, the picture being a special token.
type llavaHFManifest struct {
	Note         information     `json:"note"`
	Transformers information     `json:"transformers"`
	Tokenizer    string          `json:"tokenizer"`
	Cases        []llavaHFPrompt `json:"cases"`
}

type llavaHFPrompt struct {
	Prompt    string `json:"prompt"`
	IDs       []int  `json:"ids_legacy_false"`
	LegacyIDs []int  `json:"ids_legacy_true"`
}

func (s *set) checkLlavaHFPrompts(p *Part) error {
	var m llavaHFManifest
	if err := s.readJSON(p, llavaHFPrompts, &m); err != nil {
		return err
	}
	v, ok := s.vocabulary(p, len(m.Cases))
	if !ok {
		return nil
	}
	for i, c := range m.Cases {
		p.Cases++
		where := fmt.Sprintf("%s %d", llavaHFPrompts, i)
		for _, mode := range []struct {
			name   string
			legacy bool
			ids    []int
		}{{"ids_legacy_false", false, c.IDs}, {"ids_legacy_true", true, c.LegacyIDs}} {
			if mode.ids == nil {
				continue
			}
			tok, err := v.tokenizer(mode.legacy, m.Tokenizer)
			if err != nil {
				return err
			}
			ids, err := prompt.Tokens(tok, prompt.Split(c.Prompt, prompt.Marker, false), prompt.TokenOptions{Mode: prompt.LlavaHF, ParseData: true})
			if !p.require(where, mode.name, err) {
				continue
			}
			image, _ := tok.ID(prompt.Marker)
			for k, id := range ids {
				if id == prompt.ImageID {
					ids[k] = image
				}
			}
			equalList(p, where, mode.name, ids, mode.ids)
		}
	}
	return nil
}
