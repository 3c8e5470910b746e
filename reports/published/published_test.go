package published

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval/suites"
)

func TestEveryRowFillsItsColumns(t *testing.T) {
	for _, r := range rows {
		require.Len(t, r.values, len(r.columns), r.model)
	}
	for _, v := range append(others, Value{Suite: "mmbench_cn"}) {
		_, err := suites.Find(v.Suite)
		require.NoError(t, err)
	}
	for _, columns := range [][]column{columns15, columns16} {
		for _, c := range columns {
			_, err := suites.Find(c.suite)
			require.NoError(t, err)
		}
	}
	for _, suite := range questionFiles {
		require.NotEmpty(t, For(suite))
	}
}

func TestFor(t *testing.T) {
	require.Empty(t, For("sight"))
	require.Empty(t, For("questions.jsonl"))
	all := For("llava_pope_test.jsonl")
	require.Equal(t, Value{"pope", "LLaVA-1.5-7B", "mean F1 of the three splits (%)", 85.9, 1, modelZoo, pope}, all[0])
	require.Len(t, all, 8)
	require.Len(t, For("mme"), 12, "1.6 states both sums")
	for _, v := range append(For("mme"), For("vqav2")...) {
		require.NotEmpty(t, v.Source)
		require.Positive(t, v.Value)
	}
}

func TestModel(t *testing.T) {
	for name, want := range map[string]string{
		"llava-hf/llava-1.5-7b-hf": "LLaVA-1.5-7B", "/models/llava-v1.6-mistral-7b": "LLaVA-1.6-Mistral-7B", "liuhaotian/llava-v1.5-13b-lora": "LLaVA-1.5-13B LoRA",
		"llava-hf/llava-v1.6-34b-hf": "LLaVA-1.6-34B", "llava15": "", "my-llava-v1.5-7b-finetuned": "", "": "",
	} {
		require.Equal(t, want, Model(name), name)
	}
}
