package ablation

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const whole = `title: A study
question: Which?
background: The paper says so.
suite: {name: sight, split: val, seed: 3, limit: 28, categories: [wide, reading]}
settings:
  model: models/a
  max_new_tokens: 4
baseline: layer -2
cells:
  - name: last layer
    select_layer: -1
    pad_color: [1, 2, 3]
  - {name: layer -2}
grid:
  model: [models/a, models/b/]
  tiles:
    - {name: few, pinpoints: article, max_tiles: 4}
    - {name: many, pinpoints: [[336, 672], [672, 336]]}
  dtype: [q4]
  temperature: [0, 0.5]
claims:
  - {says: the layer before is better, source: a paper, cell: last layer, direction: worse, categories: [wide]}
  - {says: the same, cell: b many temperature=0, than: last layer, direction: similar, within: 1.5}
`

func TestParse(t *testing.T) {
	s, err := Parse("a.yaml", []byte(whole))
	require.NoError(t, err)
	var names []string
	for _, c := range s.Cells {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{
		"layer -2", "last layer",
		"a few temperature=0", "a few temperature=0.5", "a many temperature=0", "a many temperature=0.5",
		"b few temperature=0", "b few temperature=0.5", "b many temperature=0", "b many temperature=0.5",
	}, names)
	require.Equal(t, []string{
		"--model=models/a", "--max-new-tokens=4", "--set=pad_color=[1,2,3]", "--set=select_layer=-1",
		"--suite=sight", "--split=val", "--seed=3", "--categories=wide,reading", "--limit=28",
	}, s.Args(s.Cells[1]))
	require.Equal(t, []string{
		"--model=models/b/", "--dtype=q4", "--max-new-tokens=4", "--temperature=0.5", "--set=pinpoints=[[336,672],[672,336]]",
		"--suite=sight", "--split=val", "--seed=3", "--categories=wide,reading", "--limit=28",
	}, s.Args(s.Cells[9]))
	require.Equal(t, "model=models/a pad_color=[1,2,3] select_layer=-1", s.Differing(s.Cells[1]))
	require.Equal(t, []Claim{
		{Says: "the layer before is better", Source: "a paper", Cell: "last layer", Than: "layer -2", Direction: Worse, Categories: []string{"wide"}},
		{Says: "the same", Cell: "b many temperature=0", Than: "last layer", Direction: Similar, Within: 1.5},
	}, s.Claims)
}

func TestParseOfFiles(t *testing.T) {
	s, err := Parse("a.yaml", []byte("suite: {questions: q.jsonl, images: pics}\ncells: [{name: x, model: m, blind: true}]\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"--model=m", "--blind=true", "--questions=q.jsonl", "--images=pics"}, s.Args(s.Cells[0]))
	s, err = Parse("a.yaml", []byte("suite: {name: pope, data: d, split: random}\ngrid: {model: [m], prompts: [llava, lmms-eval]}\n"))
	require.NoError(t, err)
	require.Equal(t, "prompts=lmms-eval", s.Cells[1].Name)
	require.Equal(t, []string{"--model=m", "--prompts=lmms-eval", "--suite=pope", "--data=d", "--split=random"}, s.Args(s.Cells[1]))
}

// Everything that cannot be meant is refused, with the place and what was expected.
func TestParseRefuses(t *testing.T) {
	replace := func(old, new string) string {
		require.Contains(t, whole, old)
		return strings.Replace(whole, old, new, 1)
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing":               {"", "a.yaml is empty"},
		"no YAML":               {"a: [", "a.yaml: yaml"},
		"two documents":         {"cells: [{name: x, model: m}]\n---\ntitle: again", "a.yaml:2: a second document"},
		"a list":                {"[1]", "a.yaml:1: found a list, expected keys and values"},
		"no cells":              {"title: x", "neither cells nor grid"},
		"unknown key":           {replace("question:", "quest:"), `a.yaml:2: key "quest" is not known, expected one of title, question`},
		"unknown setting":       {replace("select_layer: -1", "layer: -1"), `a.yaml:11: cells[1]: key "layer" is not known, expected one of name, model`},
		"unknown in suite":      {replace("split: val", "spilt: val"), `suite: key "spilt" is not known`},
		"twice":                 {replace("model: models/a\n", "model: a\n  model: b\n"), `a.yaml:7: settings: key "model" is there twice`},
		"a word for a number":   {replace("select_layer: -1", "select_layer: last"), `a.yaml:11: cells[1]: select_layer: option select_layer="last"`},
		"a list for a number":   {replace("select_layer: -1", "select_layer: [1]"), "cells[1]: select_layer"},
		"no value":              {replace("select_layer: -1", "select_layer:"), "cells[1]: select_layer: has no value"},
		"temperature":           {replace("temperature: [0, 0.5]", "temperature: [hot]"), `grid: temperature: found "hot", expected a value of type number`},
		"tokens":                {replace("max_new_tokens: 4", "max_new_tokens: -4"), "expected a value of type integer"},
		"seed":                  {replace("seed: 3", "seed: -3"), `suite: seed: found "-3"`},
		"a map as model":        {replace("model: models/a\n", "model: {a: b}\n"), "found keys and values, expected a text"},
		"cells that are none":   {replace("cells:\n", "cells: 3\ntitle2:\n"), `key "title2" is not known`},
		"a cell without a name": {replace("name: layer -2", "select_layer: -2"), "cells[2]: has no name"},
		"the same name":         {replace("name: layer -2", "name: Last Layer"), `two cells are called "Last Layer"`},
		"a long name":           {replace("name: last layer", "name: "+strings.Repeat("x", 101)), "is longer than 100 bytes"},
		"no model":              {"cells: [{name: x}]", "no model is named"},
		"baseline":              {replace("baseline: layer -2", "baseline: layer"), `baseline: no cell is called "layer"; there are "last layer"`},
		"an empty grid":         {"settings: {model: m}\ngrid: {}", "is empty"},
		"an empty axis":         {"settings: {model: m}\ngrid: {dtype: []}", "expected a list with one value or more"},
		"an axis of no setting": {"settings: {model: m}\ngrid: {size: [1, 2]}", `key "size" is no setting`},
		"a group without name":  {"settings: {model: m}\ngrid: {size: [{dtype: q4}]}", "a group of settings has no name"},
		"an alias":              {"settings: &x {model: m}\ncells: [{name: a, model: *x}]", "aliases (*x) are not read"},
		"deep":                  {"settings: " + strings.Repeat("[", 30) + strings.Repeat("]", 30), "is nested deeper than 10"},
		"many cells":            {"settings: {model: m}\ngrid: {a: [" + strings.Repeat("{name: x},", 20) + "], b: [" + strings.Repeat("{name: x},", 20) + "]}", "more than 256 cells"},
		"a claim of no cell":    {replace("cell: last layer", "cell: first layer"), `claims[1]: cell: no cell is called "first layer"`},
		"a claim of itself":     {replace("than: last layer", "than: b many temperature=0"), "cell and than are both"},
		"a direction":           {replace("direction: worse", "direction: up"), `found "up", expected better, worse or similar`},
		"similar without":       {replace(", within: 1.5", ""), "similar needs it"},
		"within a worse":        {replace("direction: worse", "direction: worse, within: 1"), "within belongs to"},
		"within":                {replace("within: 1.5", "within: 0"), "expected percentage points above 0"},
		"a claim without words": {replace("says: the same, ", ""), "says, cell and direction are needed"},
		"two suites":            {"suite: {name: pope, questions: q}\ncells: [{name: x, model: m}]", "expected one of them"},
		"categories of pope":    {"suite: {name: pope, categories: [x]}\ncells: [{name: x, model: m}]", "categories belong to the suite sight"},
		"images alone":          {"suite: {images: x}\ncells: [{name: x, model: m}]", "images belong to questions"},
		"a large file":          {"# " + strings.Repeat("x", MaxBytes), "is larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("a.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "a.yaml")
		})
	}
}

// Whatever is read has cells with names of their own, and as many as are allowed.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("settings: {model: m}\ngrid: {size: [{name: a, dtype: q4}, {name: b}], select_layer: [-2, -1]}"))
	f.Add([]byte("cells: &x [*x]"))
	f.Add([]byte("cells: [{name: x, model: m, pinpoints: {1: [2]}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("f", text)
		if err != nil {
			require.Contains(t, err.Error(), "f")
			return
		}
		require.NotEmpty(t, s.Cells)
		require.LessOrEqual(t, len(s.Cells), MaxCells)
		seen := map[string]bool{}
		for _, c := range s.Cells {
			require.False(t, seen[c.Name])
			seen[c.Name] = true
			require.NotEmpty(t, s.Args(c))
		}
	})
}
