package prompt

import (
	"fmt"
	"strings"
	"unicode"
)

// A Conversation is what is to be rendered.
type Conversation struct {
	Template Template
	// System replaces the template's whole system text, marks such as <|im_start|>system included. It counts as part of
	// the template: special tokens in it are parsed.
	System *string
	// Turns alternate between user and assistant, the user first. A turn without content is open: the answer is to be
	// generated there.
	Turns [][]Piece
}

// Ask returns the conversation of one question whose answer is open.
func Ask(t Template, question []Piece) Conversation {
	return Conversation{Template: t, Turns: [][]Piece{question, nil}}
}

// Render puts a conversation together as the reference's Conversation.get_prompt does. It fails where the reference does:
// an open first turn in style LLAMA_2, an answer in a template without a separator for it.
func Render(c Conversation) ([]Piece, error) {
	t := c.Template
	system := t.System
	if c.System != nil {
		system = *c.System
	}
	var turns [][]Piece
	if t.Example[0] != "" {
		turns = [][]Piece{{{Text: t.Example[0]}}, {{Text: t.Example[1]}}}
	}
	turns = append(turns, c.Turns...)

	var w writer
	var err error
	switch t.Style {
	case Single, Two:
		w.colons(t, system, turns)
	case MPT:
		w.text(system + t.Sep)
		w.blocks(t.Roles, "", turns, t.Sep)
	case Gemma:
		w.blocks(t.Roles, "", turns, t.Sep)
	case ChatML:
		if system != "" {
			w.text(system + t.Sep + "\n")
		}
		w.blocks(t.Roles, "\n", turns, t.Sep+"\n")
	case Plain:
		err = w.plain(t, system, turns)
	case Llama2:
		err = w.llama2(t, system, turns)
	case Llama3:
		w.llama3(t, system, turns)
	default:
		err = fmt.Errorf("style %q", t.Style)
	}
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", t.Name, err)
	}
	return w.pieces, nil
}

// writer collects pieces and joins neighbours of the same kind.
type writer struct{ pieces []Piece }

func (w *writer) text(s string) { w.add([]Piece{{Text: s}}) }

func (w *writer) add(pieces []Piece) {
	for _, p := range pieces {
		n := len(w.pieces)
		switch {
		case p.Image:
			w.pieces = append(w.pieces, Image())
		case p.Text == "":
		case n > 0 && !w.pieces[n-1].Image && w.pieces[n-1].Data == p.Data:
			w.pieces[n-1].Text += p.Text
		default:
			w.pieces = append(w.pieces, p)
		}
	}
}

// open reports whether a turn has no content.
func open(turn []Piece) bool { return String(turn) == "" }

// colons writes styles SINGLE and TWO.
func (w *writer) colons(t Template, system string, turns [][]Piece) {
	seps := [2]string{t.Sep, t.Sep}
	if t.Style == Two {
		seps[1] = t.Sep2
	}
	if system != "" || !t.NoSystemSep {
		w.text(system + t.Sep)
	}
	for i, turn := range turns {
		w.text(t.Roles[i%2] + ":")
		if !open(turn) {
			w.text(" ")
			w.add(turn)
			w.text(seps[i%2])
		}
	}
}

// blocks writes the turns of styles MPT, GEMMA and CHATML.
func (w *writer) blocks(roles [2]string, behindRole string, turns [][]Piece, sep string) {
	for i, turn := range turns {
		w.text(roles[i%2] + behindRole)
		if !open(turn) {
			w.add(turn)
			w.text(sep)
		}
	}
}

func (w *writer) plain(t Template, system string, turns [][]Piece) error {
	w.text(system)
	for i, turn := range turns {
		if open(turn) {
			continue
		}
		w.add(turn)
		switch {
		case i%2 == 0:
			w.text(t.Sep)
		case t.Sep2 == "":
			return fmt.Errorf("turn %d: no separator for answers", i+1)
		default:
			w.text(t.Sep2)
		}
	}
	return nil
}

func (w *writer) llama2(t Template, system string, turns [][]Piece) error {
	for i, turn := range turns {
		switch {
		case i == 0 && open(turn):
			return fmt.Errorf("first turn is empty")
		case open(turn):
		case i%2 == 1:
			w.text(" ")
			w.add(turn)
			w.text(" " + t.Sep2)
		default:
			if i > 0 { // in front of the first, the reference strips it again
				w.text(t.Sep)
			}
			w.text("[INST] ")
			if i == 0 && system != "" {
				w.text("<<SYS>>\n" + system + "\n<</SYS>>\n\n")
			}
			w.add(turn)
			w.text(" [/INST]")
		}
	}
	return nil
}

// llama3 writes the chat format of Llama 3 (the chat_template of its instruction-tuned tokenizers): messages are trimmed,
// open turns are left out and an assistant header always follows.
func (w *writer) llama3(t Template, system string, turns [][]Piece) {
	header := func(role string) { w.text("<|start_header_id|>" + role + "<|end_header_id|>\n\n") }
	w.text("<|begin_of_text|>")
	header("system")
	w.text(strings.TrimFunc(system, unicode.IsSpace) + t.Sep)
	for i, turn := range turns {
		if open(turn) {
			continue
		}
		header(t.Roles[i%2])
		w.add(trim(turn))
		w.text(t.Sep)
	}
	header(t.Roles[1])
}

// trim returns a turn without white space at its ends.
func trim(turn []Piece) []Piece {
	turn = append([]Piece(nil), turn...)
	for i := 0; i < len(turn) && !turn[i].Image; i++ {
		turn[i].Text = strings.TrimLeftFunc(turn[i].Text, unicode.IsSpace)
		if turn[i].Text != "" {
			break
		}
	}
	for i := len(turn) - 1; i >= 0 && !turn[i].Image; i-- {
		turn[i].Text = strings.TrimRightFunc(turn[i].Text, unicode.IsSpace)
		if turn[i].Text != "" {
			break
		}
	}
	return turn
}
