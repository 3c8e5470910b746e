package prompt

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"llavabench/internal/tokenizer"
)

// ImageID stands for an image in token ids (IMAGE_TOKEN_INDEX of the reference).
const ImageID = -200

// MaxBytes bounds the text of a prompt. No context holds as many tokens by far.
const MaxBytes = 16 << 20

// ErrLimit marks a prompt with more text than MaxBytes.
var ErrLimit = errors.New("prompt above limit")

// A Mode is a way of tokenising text with images in it.
type Mode int

// The modes.
const (
	// Original is tokenizer_image_token of the LLaVA repositories: each stretch of text between images is tokenised on
	// its own, and the BOS that the tokenizer puts in front is kept of the first only. A stretch behind an image
	// therefore starts like a text of its own, for LLaMA with a space.
	Original Mode = iota
	// LlavaHF is the processor of the llava-hf checkpoints: one tokenisation of the whole, in which the image is a
	// special token, <image>, of the tokenizer.
	LlavaHF
)

// TokenOptions say how Tokens works. The zero value is the original's way with user text as data.
type TokenOptions struct {
	Mode Mode
	// ParseData parses special tokens that are spelled out in data pieces, such as </s>, as the reference does. Without
	// it they stay text there and only the template's are parsed. The image marker in data is text in both cases.
	ParseData bool
}

// Tokens returns the ids of a prompt, with ImageID in place of each image. It fails if the prompt is longer than MaxBytes,
// or in mode LlavaHF if the tokenizer has no <image> token.
func Tokens(tok tokenizer.Tokenizer, pieces []Piece, o TokenOptions) ([]int, error) {
	size := 0
	for _, p := range pieces {
		size += len(p.Text)
	}
	if size > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrLimit, size, MaxBytes)
	}
	switch o.Mode {
	case Original:
		return original(tok, pieces, o.ParseData), nil
	case LlavaHF:
		return llavaHF(tok, pieces, o.ParseData)
	}
	return nil, fmt.Errorf("tokenisation mode %d", o.Mode)
}

// original follows tokenizer_image_token (mm_utils.py): whether the chunks carry a BOS is decided by the first of them.
func original(tok tokenizer.Tokenizer, pieces []Piece, parse bool) []int {
	var ids []int
	bos, hasBOS := tok.BOS()
	drop := 0
	for i, chunk := range chunks(pieces) {
		part := tok.EncodeSpans(spans(chunk, parse))
		if i == 0 && hasBOS && len(part) > 0 && part[0] == bos {
			drop = 1
			ids = append(ids, bos)
		}
		if i > 0 {
			ids = append(ids, ImageID)
		}
		ids = append(ids, part[min(drop, len(part)):]...)
	}
	return ids
}

// llavaHF tokenises text and image tokens as one.
func llavaHF(tok tokenizer.Tokenizer, pieces []Piece, parse bool) ([]int, error) {
	image, ok := tok.ID(Marker)
	if !ok && Images(pieces) > 0 {
		return nil, fmt.Errorf("the tokenizer has no token %s, which llava-hf prompts need", Marker)
	}
	ids := tok.EncodeSpans(spans(pieces, parse))
	found := 0
	for i, id := range ids {
		if ok && id == image {
			ids[i] = ImageID
			found++
		}
	}
	if want := Images(pieces); found != want {
		return nil, fmt.Errorf("%w: %d image tokens for %d images", ErrMismatch, found, want)
	}
	return ids, nil
}

// chunks splits pieces at the images: one more chunk than there are images.
func chunks(pieces []Piece) [][]Piece {
	out := [][]Piece{nil}
	for _, p := range pieces {
		if p.Image {
			out = append(out, nil)
			continue
		}
		out[len(out)-1] = append(out[len(out)-1], p)
	}
	return out
}

// spans returns pieces as text for the tokenizer, images as Marker. Where data is parsed, a marker that it spells stays
// plain all the same.
func spans(pieces []Piece, parse bool) []tokenizer.Span {
	var out []tokenizer.Span
	for _, p := range pieces {
		switch {
		case p.Image:
			out = append(out, tokenizer.Span{Text: Marker})
		case p.Data && parse:
			for i, part := range strings.Split(p.Text, Marker) {
				if i > 0 {
					out = append(out, tokenizer.Span{Text: Marker, Plain: true})
				}
				out = append(out, tokenizer.Span{Text: part})
			}
		default:
			out = append(out, tokenizer.Span{Text: p.Text, Plain: p.Data})
		}
	}
	return slices.DeleteFunc(out, func(s tokenizer.Span) bool { return s.Text == "" })
}
