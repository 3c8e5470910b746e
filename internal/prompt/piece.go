package prompt

import (
	"errors"
	"strings"
)

// Marker stands for an image in prompt strings.
const Marker = "<image>"

// The tokens around an image where a checkpoint asks for them (mm_use_im_start_end).
const (
	startToken = "<im_start>"
	endToken   = "<im_end>"
)

// ErrMismatch marks a prompt whose image slots are not as many as the images that go with it.
var ErrMismatch = errors.New("image slots and images differ")

// A Piece is a stretch of a prompt.
type Piece struct {
	Image bool   // the slot of an image; Text is empty
	Text  string // text between slots
	Data  bool   // the text comes from a user or a model, not from the template
}

// Text returns a piece of user text.
func Text(s string) Piece { return Piece{Text: s, Data: true} }

// Image returns an image slot.
func Image() Piece { return Piece{Image: true} }

// ImageQuestion returns a user turn as the reference's scripts write it: each image on a line of its own, then the text.
// With startEnd each image stands between the tokens <im_start> and <im_end>.
func ImageQuestion(images int, text string, startEnd bool) []Piece {
	var pieces []Piece
	for range images {
		pieces = append(appendImage(pieces, startEnd), Piece{Text: "\n"})
	}
	if text != "" {
		pieces = append(pieces, Text(text))
	}
	return pieces
}

// Split returns user text with an image in place of each marker, such as <image> or the <image-placeholder> of
// run_llava.py. It is for callers who let a text say where its images go.
func Split(text, marker string, startEnd bool) []Piece {
	var pieces []Piece
	for i, part := range strings.Split(text, marker) {
		if i > 0 {
			pieces = appendImage(pieces, startEnd)
		}
		if part != "" {
			pieces = append(pieces, Text(part))
		}
	}
	return pieces
}

func appendImage(pieces []Piece, startEnd bool) []Piece {
	if startEnd {
		return append(pieces, Piece{Text: startToken}, Image(), Piece{Text: endToken})
	}
	return append(pieces, Image())
}

// Images counts the image slots of a prompt.
func Images(pieces []Piece) int {
	n := 0
	for _, p := range pieces {
		if p.Image {
			n++
		}
	}
	return n
}

// String returns the prompt string of the reference, with Marker for each image. It is for people and manifests: a text
// that spells the marker can no longer be told from an image in it.
func String(pieces []Piece) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.Image {
			b.WriteString(Marker)
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}
