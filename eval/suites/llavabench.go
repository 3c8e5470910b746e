package suites

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"llavabench/eval/score"
)

func llavaBench() *Suite {
	return &Suite{
		Name:    "llava_bench",
		Title:   "LLaVA-Bench (In-the-Wild and COCO), reviews of a judge",
		Licence: "Apache 2.0; the images are their owners'",
		Size:    "30 MB",
		Metric:  "the judge's score relative to that of the reference answers, percent",
		Items:   60,
		Judged:  true,
		Files: []File{
			{Path: "questions.jsonl", Alternatives: []string{"qa90_questions.jsonl", "reviews.jsonl"}, Source: "https://huggingface.co/datasets/liuhaotian/llava-bench-in-the-wild",
				Note: "or the reviews themselves, which name their categories"},
			{Path: "images/", Source: "https://huggingface.co/datasets/liuhaotian/llava-bench-in-the-wild", Note: "not needed for scoring", Optional: true},
		},
		Open: openLLaVABench,
		Scorers: []Scorer{
			{Name: "llava", Upstream: "haotian-liu/LLaVA c121f04, llava/eval/summarize_gpt_review.py", Score: reviewScorer{stored: true, parse: score.ReviewLLaVA, summarise: score.SummariseReviews}.score},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/llava-in-the-wild", Score: reviewScorer{parse: score.ReviewLmms, summarise: score.SummariseReviews}.score},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/llavabench.py", Score: reviewScorer{parse: score.ReviewLLaVA, summarise: score.SummariseReviewsVLMEvalKit}.score},
		},
		Answers: AnswerFormat{Texts: []string{"content", "review"}},
	}
}

func openLLaVABench(d *Dir) (*Data, error) {
	names := []string{"questions.jsonl", "qa90_questions.jsonl", "reviews.jsonl"}
	name, err := d.First(names...)
	if err != nil {
		reviews, globErr := d.Glob("reviews/*.jsonl")
		if globErr != nil || len(reviews) == 0 {
			return nil, err
		}
		name = reviews[0] // they are all about the same questions
	}
	fromReviews := name != names[0] && name != names[1]
	data := &Data{}
	list, err := readLLaVAQuestions(d, name)
	if err != nil {
		return nil, err
	}
	seen := map[ID]bool{}
	for _, q := range list {
		if fromReviews && seen[q.QuestionID] {
			continue // reviewed more than once
		}
		seen[q.QuestionID] = true
		question := Question{ID: string(q.QuestionID), Text: q.Text, Group: q.Image, Category: string(q.Category)}
		if q.Image != "" {
			question.Images = []string{"images/" + q.Image}
		}
		data.Questions = append(data.Questions, question)
	}
	data.Read = d.Read()
	return data, uniqueIDs(name, data.Questions)
}

// reviewScorer averages the scores of reviews: parsed anew, or, as upstream's summary does, those stored with them.
type reviewScorer struct {
	stored    bool
	parse     func(review string) ([2]float64, bool)
	summarise func([][2]float64) score.ReviewSummary
}

// score averages all rows in their order, as upstream does: also several for one question, and the -1 of reviews that could not
// be read, which it counts.
func (s reviewScorer) score(d *Data, a *Answers) (*Result, error) {
	m := Match(d, a)
	r := m.Result()
	categories := make(map[string]string, len(d.Questions))
	for _, q := range d.Questions {
		categories[q.ID] = q.Category
	}
	all, good := [][2]float64{}, [][2]float64{}
	by := map[string][][2]float64{}
	changed := 0
	for i := range a.List {
		row := &a.List[i]
		pair, ok := s.parse(row.Text)
		if stored, has, err := storedScores(row); err != nil {
			return nil, fmt.Errorf("%s: %w", a.File, err)
		} else if has && s.stored {
			if stored != pair {
				changed++
			}
			pair, ok = stored, stored != score.FailedReview
		}
		category, named := row.Record.Text("category")
		if !named {
			category = categories[row.ID]
		}
		if category != "" {
			by[category] = append(by[category], pair)
		}
		all = append(all, pair)
		if ok {
			good = append(good, pair)
		} else {
			r.Unparsed++
		}
		sample := Sample{ID: row.ID, Category: category, Answered: true, Unparsed: !ok, Parsed: score.FormatFloat(pair[0]) + " " + score.FormatFloat(pair[1])}
		if ok {
			sample.Score = pair[1]
		}
		r.Samples = append(r.Samples, sample)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no reviews", a.File)
	}
	r.composites = append(r.composites, reviewComposite(r, all))
	r.Metrics = s.metrics("all", all)
	for _, category := range slices.Sorted(maps.Keys(by)) {
		r.Metrics = append(r.Metrics, s.metrics(category, by[category])...)
	}
	if r.Unparsed > 0 {
		r.Metrics = append(r.Metrics, s.metrics("all without unread reviews", good)...)
		r.Notes = append(r.Notes, fmt.Sprintf("%d reviews could not be read; upstream averages their -1 in", r.Unparsed))
	}
	if changed > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d rows have other scores stored than their reviews say; the stored ones count", changed))
	}
	return r, nil
}

// reviewComposite computes the ratio of the mean scores, of all reviews and of each category, from reviews that count
// several times. pairs belong to the samples.
func reviewComposite(r *Result, pairs [][2]float64) composite {
	c := composite{names: []string{"all"}}
	at := map[string]int{}
	for _, s := range r.Samples {
		if _, ok := at[s.Category]; !ok && s.Category != "" {
			at[s.Category] = len(c.names)
			c.names = append(c.names, s.Category)
		}
	}
	c.fill = func(times []int, out []float64) {
		sums := make([][2]float64, len(out))
		for i, pair := range pairs {
			for k, v := range pair {
				weighted := float64(float64(times[i]) * v)
				sums[0][k] += weighted
				if category := r.Samples[i].Category; category != "" {
					sums[at[category]][k] += weighted
				}
			}
		}
		for i, s := range sums {
			out[i] = math.NaN()
			if s[0] > 0 {
				out[i] = 100 * s[1] / s[0]
			}
		}
	}
	return c
}

func (s reviewScorer) metrics(name string, pairs [][2]float64) []Metric {
	var sum score.ReviewSummary
	if len(pairs) == 0 {
		sum = score.ReviewSummary{Relative: math.NaN(), Reference: math.NaN(), Candidate: math.NaN()}
	} else {
		sum = s.summarise(pairs)
	}
	return []Metric{
		{Name: name, Value: sum.Relative, N: len(pairs), Unit: Percent, Digits: 1},
		{Name: name + " reference x 10", Value: sum.Reference, N: len(pairs), Unit: Points, Digits: 1},
		{Name: name + " candidate x 10", Value: sum.Candidate, N: len(pairs), Unit: Points, Digits: 1},
	}
}

// storedScores are the scores that a review's row holds, if it does.
func storedScores(a *Answer) (scores [2]float64, has bool, err error) {
	for _, name := range []string{"tuple", "score"} {
		raw, ok := a.Record.Fields[name]
		if !ok {
			continue
		}
		var pair []float64
		if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 {
			return scores, false, fmt.Errorf("line %d: %s: expected two numbers, found %.60q", a.Line, name, raw)
		}
		return [2]float64{pair[0], pair[1]}, true, nil
	}
	return scores, false, nil
}
