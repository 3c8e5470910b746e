package sight

import (
	"slices"

	"llavabench/eval"
)

// legibleAt224 is the size in pixels from which an object can be told in a view of 224 pixels over the shorter side.
const legibleAt224 = 15

// at224 is the size of the item's detail in a view of 224 pixels over the shorter side, as the first generation sees it.
func (it Item) at224() int { return it.Detail * 224 / min(it.Scene.Width, it.Scene.Height) }

// A Measure is a figure over a part of the items that the generations are compared by.
type Measure struct {
	Name  string
	Title string
	Of    func(Item) bool                                   // which items count
	Value func(it Item, text string, score float64) float64 // what an answer counts, 0 to 1
	// Lower says that less is better.
	Lower bool
}

func score(_ Item, _ string, score float64) float64 { return score }

// Measures are the claims about resolution that the suite was made to test.
var Measures = []Measure{
	{Name: "legible", Title: "presence, objects of 15 px and more at 224", Value: score,
		Of: func(it Item) bool { return it.Category == Presence && it.at224() >= legibleAt224 }},
	{Name: "small_text", Title: "small text (reading)", Value: score,
		Of: func(it Item) bool { return it.Category == Reading }},
	{Name: "wide", Title: "wide and tall scenes", Value: score,
		Of: func(it Item) bool { return it.Category == Wide }},
	{Name: "detail", Title: "small text, wide and tall scenes", Value: score,
		Of: func(it Item) bool { return it.Category == Reading || it.Category == Wide }},
	{Name: "hallucination", Title: `"yes" about absent small objects`, Lower: true,
		Of: func(it Item) bool {
			return it.Category == Presence && it.Answer == "no" && it.at224() < legibleAt224
		},
		Value: func(_ Item, text string, _ float64) float64 {
			return eval.ExactMatch(text, "yes")
		}},
}

// Commonest gives every item the most frequent answer of its category among the items themselves, the first of the
// alphabet where several are: the best that can be done without looking at the question.
func Commonest(items []Item) []string {
	count := map[Category]map[string]int{}
	for _, it := range items {
		if count[it.Category] == nil {
			count[it.Category] = map[string]int{}
		}
		count[it.Category][it.Answer]++
	}
	best := map[Category]string{}
	for c, answers := range count {
		names := make([]string, 0, len(answers))
		for a := range answers {
			names = append(names, a)
		}
		slices.Sort(names)
		for _, a := range names {
			if best[c] == "" || answers[a] > answers[best[c]] {
				best[c] = a
			}
		}
	}
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = best[it.Category]
	}
	return out
}
