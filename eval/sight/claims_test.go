package sight

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMeasuresCoverTheSuite(t *testing.T) {
	count := map[string]int{}
	for it, err := range Items(Val, 3, 700) {
		require.NoError(t, err)
		for _, m := range Measures {
			if !m.Of(it) {
				continue
			}
			count[m.Name]++
			switch m.Name {
			case "legible":
				require.GreaterOrEqual(t, it.Detail*224, legibleAt224*min(it.Scene.Width, it.Scene.Height))
				require.Equal(t, 1.0, m.Value(it, it.Answer, 1))
			case "hallucination":
				require.Equal(t, "no", it.Answer)
				require.Equal(t, 1.0, m.Value(it, "Yes.", 0))
				require.Zero(t, m.Value(it, "no", 1))
				require.Zero(t, m.Value(it, "", 0), "no answer is not a yes")
			}
		}
	}
	require.Equal(t, 100, count["small_text"])
	require.Equal(t, 100, count["wide"])
	require.Equal(t, 200, count["detail"])
	require.Greater(t, count["legible"], 25)
	require.Greater(t, count["hallucination"], 15)
}

func TestCommonest(t *testing.T) {
	item := func(c Category, answer string) Item { return Item{QA: QA{Category: c, Answer: answer}} }
	items := []Item{item(Presence, "yes"), item(Presence, "no"), item(Reading, "7"), item(Presence, "yes"), item(Reading, "3")}
	require.Equal(t, []string{"yes", "yes", "3", "yes", "3"}, Commonest(items), "the first of the alphabet where two are as frequent")
}
