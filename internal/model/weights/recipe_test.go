package weights

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/kernels"
)

func TestRecipes(t *testing.T) {
	for _, name := range RecipeNames() {
		r, err := ParseRecipe(name)
		require.NoError(t, err)
		attention := r.For("model.layers.0.self_attn.q_proj.weight")
		mlp := r.For("model.layers.0.mlp.down_proj.weight")
		require.Equal(t, name, RecipeOf([]kernels.QuantFormat{attention, mlp, mlp}), "a stored checkpoint tells its recipe")
		_, err = ParseRecipe(r.Beside)
		require.NoError(t, err, "the recipe of the tower is one")
	}
	require.Zero(t, Recipe{}.For("model.layers.0.mlp.down_proj.weight"))
	require.Equal(t, "q4+q4g64", RecipeOf([]kernels.QuantFormat{kernels.Q4G64, kernels.Q4}), "a mixture that is no recipe")
	_, err := ParseRecipe("q3")
	require.EqualError(t, err, `weight type "q3" is not a quantised one, expected q8, q4, q4g64, q4-all, q4g64-all`)
}
