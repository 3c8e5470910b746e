package goldens

import (
	"fmt"
	"strings"

	"llavabench/internal/tokenizer"
)

// tokenizerCasesFile holds strings with their ids and decodes.
const tokenizerCasesFile = "prompts/tokenizer.json"

type tokenizerManifest struct {
	What      information     `json:"what"`
	Note      information     `json:"note"`
	Tokenizer information     `json:"tokenizer"`
	Cases     []tokenizerCase `json:"cases"`
	Prefix    []prefixCase    `json:"prefix"`
}

type tokenizerCase struct {
	Text      string `json:"text"`
	SP        []int  `json:"sp_ids"` // SentencePiece alone: with its space in front, without BOS, special tokens being text
	IDs       []int  `json:"ids"`
	LegacyIDs []int  `json:"ids_legacy_true"` // absent: equal to ids
	Decode    string `json:"decode"`
	Skip      string `json:"decode_skip_special"`
	SPDecode  string `json:"sp_decode"`
}

// A prefixCase decodes the first 1, 2, ... of its ids without special tokens.
type prefixCase struct {
	IDs     []int    `json:"ids"`
	Decodes []string `json:"prefix_decodes"`
}

func (s *set) checkTokenizer(p *Part) error {
	var m tokenizerManifest
	if err := s.readJSON(p, tokenizerCasesFile, &m); err != nil {
		return err
	}
	v, ok := s.vocabulary(p, len(m.Cases)+len(m.Prefix))
	if !ok {
		return nil
	}
	modern, err := v.tokenizer(false, "")
	if err != nil {
		return err
	}
	legacy, err := v.tokenizer(true, "")
	if err != nil {
		return err
	}
	raw, err := tokenizer.OpenRaw(v.path)
	if err != nil {
		return err
	}
	for i, c := range m.Cases {
		p.Cases++
		where := fmt.Sprintf("case %d %q", i, shorten(c.Text))
		equalList(p, where, "ids", modern.Encode(c.Text), c.IDs)
		if c.LegacyIDs == nil {
			c.LegacyIDs = c.IDs
		}
		equalList(p, where, "ids_legacy_true", legacy.Encode(c.Text), c.LegacyIDs)
		equalList(p, where, "sp_ids", raw.Encode(c.Text), c.SP)
		equal(p, where, "decode", modern.Decode(c.IDs, false), c.Decode)
		equal(p, where, "decode_skip_special", modern.Decode(c.IDs, true), c.Skip)
		equal(p, where, "sp_decode", raw.Decode(c.SP), c.SPDecode)
		stream := modern.NewStream(true)
		var text strings.Builder
		for _, id := range c.IDs {
			text.WriteString(stream.Push(id))
		}
		text.WriteString(stream.Flush())
		equal(p, where, "decode_skip_special, streamed", text.String(), c.Skip)
	}
	for i, c := range m.Prefix {
		p.Cases++
		where := fmt.Sprintf("prefix %d", i)
		if len(c.Decodes) != len(c.IDs) {
			p.failf(where, "prefix_decodes", "there are %d for %d ids", len(c.Decodes), len(c.IDs))
			continue
		}
		var got []string
		for k := range c.IDs {
			got = append(got, modern.Decode(c.IDs[:k+1], true))
		}
		equalList(p, where, "prefix_decodes", got, c.Decodes)
	}
	return nil
}

// shorten cuts a text for a heading.
func shorten(s string) string {
	const limit = 40
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "..."
	}
	return s
}
