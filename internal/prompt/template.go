package prompt

import (
	"fmt"
	"slices"
	"strings"
)

// A Style is a way of putting roles, messages and separators together. r is a role, m a message; a turn without a message
// is open and prints only what stands in brackets.
type Style string

// The styles, named as in the reference (conversation.py, SeparatorStyle).
const (
	Single Style = "SINGLE"  // system sep, then [r:] " " m sep
	Two    Style = "TWO"     // the same with sep after the user and sep2 after the assistant
	MPT    Style = "MPT"     // system sep, then [r] m sep
	ChatML Style = "CHATML"  // system sep "\n" if there is a system text, then [r "\n"] m sep "\n"
	Gemma  Style = "GEMMA"   // [r] m sep; no system text
	Plain  Style = "PLAIN"   // system, then m and sep or sep2 in turn
	Llama2 Style = "LLAMA_2" // user sep "[INST] " m " [/INST]", assistant " " m " " sep2; system inside the first message
	Llama3 Style = "LLAMA_3" // header, message, <|eot_id|> for system and each message, then an open assistant header
)

// A Template is how a family of checkpoints writes a conversation.
type Template struct {
	Name    string
	Style   Style
	System  string    // default system text
	Roles   [2]string // user, assistant
	Sep     string
	Sep2    string    // behind the assistant where the style alternates; "" where the reference has none
	Example [2]string // two messages that stand before the first turn; empty for most
	// NoSystemSep leaves out the separator behind an empty system text (style TWO).
	NoSystemSep bool
	// StopTokens end an answer beside the checkpoint's EOS.
	StopTokens []int
	// Unverified says why the rendering could not be compared with the reference's; empty for the others.
	Unverified string
}

// ByName returns a template, under any of its names in the two LLaVA repositories.
func ByName(name string) (Template, error) {
	for _, t := range templates {
		if t.Name == name {
			return t, nil
		}
	}
	return Template{}, fmt.Errorf("template %q: not one of %s", name, strings.Join(Names(), ", "))
}

// Names returns the names of all templates, sorted.
func Names() []string {
	names := make([]string, len(templates))
	for i, t := range templates {
		names[i] = t.Name
	}
	slices.Sort(names)
	return names
}

// StopStrings returns the texts at which an answer ends: the separator that would follow it. The reference's current
// scripts stop at EOS only; its servers cut the text here.
func StopStrings(t Template) []string {
	stop := t.Sep
	if t.Style == Two {
		stop = t.Sep2
	}
	if stop == "" {
		return nil
	}
	return []string{stop}
}
