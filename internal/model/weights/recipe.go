package weights

import (
	"fmt"
	"slices"
	"strings"

	"llavabench/kernels"
)

// A Recipe says in which format each kind of matrix is quantised. Attention loses the most from few bits and has the fewer
// weights (a third of LLaMA's), so the four-bit recipes keep it, and the vision tower and projector before the decoder, in
// eight: on the reference models the cosine of the logits rises from 0.91 to 0.99 for 1.2 bits more a weight. The recipes
// with "-all" put every matrix into four bits.
type Recipe struct {
	Name             string
	attention, other kernels.QuantFormat
	// Beside names the recipe of tower and projector when a whole model is asked for by this one's name.
	Beside string
}

var recipes = []Recipe{
	{"q8", kernels.Q8, kernels.Q8, "q8"},
	{"q4", kernels.Q8, kernels.Q4, "q8"},
	{"q4g64", kernels.Q8, kernels.Q4G64, "q8"},
	{"q4-all", kernels.Q4, kernels.Q4, "q4-all"},
	{"q4g64-all", kernels.Q4G64, kernels.Q4G64, "q4g64-all"},
}

// RecipeNames lists the names that ParseRecipe knows.
func RecipeNames() []string {
	var names []string
	for _, r := range recipes {
		names = append(names, r.Name)
	}
	return names
}

// ParseRecipe finds a recipe by its name.
func ParseRecipe(name string) (Recipe, error) {
	for _, r := range recipes {
		if r.Name == name {
			return r, nil
		}
	}
	return Recipe{}, fmt.Errorf("weight type %q is not a quantised one, expected %s", name, strings.Join(RecipeNames(), ", "))
}

// For is the format of the named matrix; 0 in the zero Recipe, which quantises nothing.
func (r Recipe) For(tensor string) kernels.QuantFormat {
	if strings.Contains(tensor, "self_attn.") {
		return r.attention
	}
	return r.other
}

// RecipeOf names the recipe of the formats that a part's matrices are stored in.
func RecipeOf(formats []kernels.QuantFormat) string {
	for _, r := range recipes {
		if slices.Contains(formats, r.other) && slices.Contains(formats, r.attention) && !slices.ContainsFunc(formats, func(f kernels.QuantFormat) bool {
			return f != r.other && f != r.attention
		}) {
			return r.Name
		}
	}
	var names []string
	for _, f := range formats {
		if !slices.Contains(names, f.String()) {
			names = append(names, f.String())
		}
	}
	slices.Sort(names)
	return strings.Join(names, "+")
}
