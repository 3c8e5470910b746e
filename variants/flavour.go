package variants

import (
	"fmt"
	"slices"
	"strings"
)

// A Flavour names the code whose behaviour is followed where implementations of the same model differ.
type Flavour string

// The flavours.
const (
	// Original is the LLaVA repository with the additions of LLaVA-NeXT.
	Original Flavour = "original"
	// Transformers is transformers 4.57.6 with the slow processors: pinpoints read as (height, width), unpadding rounded
	// to 7 decimals.
	Transformers Flavour = "hf"
	// Transformers447 is transformers 4.47 to 4.51, as Transformers but padding both sides of a canvas equally, so that it
	// may end one pixel short.
	Transformers447 Flavour = "hf447"
	// Transformers440 is transformers 4.40, as Transformers447 but with the model's geometry in float32.
	Transformers440 Flavour = "hf440"
	// Transformers437 is transformers 4.37, which has no LLaVA-1.6.
	Transformers437 Flavour = "hf437"
)

var flavours = []Flavour{Original, Transformers, Transformers447, Transformers440, Transformers437}

// aliases are other names of flavours, by the code or release that they stand for.
var aliases = map[string]Flavour{
	"haotian": Original,
	"next":    Original,
	"hf457":   Transformers,
	"hf448":   Transformers447,
}

// ParseFlavour reads a flavour's name or alias ("haotian", "next", "hf448", "hf457").
func ParseFlavour(name string) (Flavour, error) {
	if f, ok := aliases[name]; ok {
		return f, nil
	}
	if f := Flavour(name); slices.Contains(flavours, f) {
		return f, nil
	}
	return "", fmt.Errorf("flavour %q is not known, expected one of %s", name, join(flavours))
}

// heightFirst reports whether pinpoints are read as (height, width).
func (f Flavour) heightFirst() bool { return f != Original }

// padsEqually reports whether both sides of a canvas get the same padding, rounded down.
func (f Flavour) padsEqually() bool { return f != Original && f != Transformers }

func join[T ~string](names []T) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", string(n))
	}
	return strings.Join(quoted, ", ")
}
