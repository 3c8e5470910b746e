package prompt

import "fmt"

// Begin renders a conversation whose last turn is the open one of the assistant, with the beginning of that turn: answer, behind the
// white space that the style puts between the role and a message. With end the separator that follows a message ends it. The answer
// is data: special tokens that it spells out stay text.
func Begin(c Conversation, answer string, end bool) ([]Piece, error) {
	pieces, err := Render(c)
	if err != nil {
		return nil, err
	}
	before, after := c.Template.aroundAnswer()
	w := writer{pieces}
	w.text(before)
	w.add([]Piece{Text(answer)})
	if end && after == "" {
		return nil, fmt.Errorf("template %s: no separator ends an answer", c.Template.Name)
	}
	if end {
		w.text(after)
	}
	return w.pieces, nil
}

// aroundAnswer gives what the template's style writes between the assistant's role and a message, and behind the message.
func (t Template) aroundAnswer() (before, after string) {
	switch t.Style {
	case Single:
		return " ", t.Sep
	case Two:
		return " ", t.Sep2
	case Llama2:
		return " ", " " + t.Sep2
	case Plain:
		return "", t.Sep2
	case ChatML:
		return "", t.Sep + "\n"
	}
	return "", t.Sep
}
