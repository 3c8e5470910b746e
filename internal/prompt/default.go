package prompt

import (
	"path"
	"path/filepath"
	"strings"
)

// nameRules are the tests by which the reference's run_llava.py and cli.py pick a template from a model's name, in order.
var nameRules = [...]struct{ substring, template string }{
	{"llama-2", "llava_llama_2"},
	{"mistral", "mistral_instruct"},
	{"v1.6-34b", "chatml_direct"},
	{"v1", "llava_v1"},
	{"mpt", "mpt"},
}

// Default returns the name of the template that the reference picks for a checkpoint by its name alone. Where the name says
// nothing the reference takes llava_v0 whatever the checkpoint is; there byConfig decides, the template that the
// checkpoint's configuration suggests ("" keeps llava_v0).
//
// The published evaluation scripts override the choice: they pass vicuna_v1 where the name gives llava_v1.
func Default(name, byConfig string) string {
	name = strings.ToLower(name)
	for _, r := range nameRules {
		if strings.Contains(name, r.substring) {
			return r.template
		}
	}
	if byConfig != "" {
		return byConfig
	}
	return "llava_v0"
}

// ModelName returns the name that the reference gives a checkpoint (get_model_name_from_path): the last element of its
// path, with its parent's for a training checkpoint.
func ModelName(dir string) string {
	dir = path.Clean(filepath.ToSlash(dir))
	base := path.Base(dir)
	if strings.HasPrefix(base, "checkpoint-") {
		return path.Base(path.Dir(dir)) + "_" + base
	}
	return base
}
