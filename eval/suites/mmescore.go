package suites

import (
	"fmt"

	"llavabench/eval/score"
)

// mmeScore labels all answers.
func mmeScore(d *Data, a *Answers, label func(string) string) (*Result, error) {
	m := MatchBy(d, a, mmeFinder(d))
	r := m.Result()
	for i := range d.Questions {
		ref, ok := d.Questions[i].Reference.(MMEReference)
		if !ok {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		if sample.Answered {
			sample.Parsed = label(m.Text(i))
			if !yesOrNo(sample.Parsed) {
				sample.Unparsed = true
				r.Unparsed++
			}
			if sample.Parsed == score.Lower(ref.Label) {
				sample.Score = 1
			}
		}
		r.Samples = append(r.Samples, sample)
	}
	return r, nil
}

// mmeTask is one subtask's samples by image, in the order met.
type mmeTask struct {
	order  []string
	images map[string][]float64
	n      int
}

func mmeTasks(r *Result) map[string]*mmeTask {
	tasks := map[string]*mmeTask{}
	for _, s := range r.Samples {
		t := tasks[s.Category]
		if t == nil {
			t = &mmeTask{images: map[string][]float64{}}
			tasks[s.Category] = t
		}
		if _, ok := t.images[s.Group]; !ok {
			t.order = append(t.order, s.Group)
		}
		t.images[s.Group] = append(t.images[s.Group], s.Score)
		t.n++
	}
	return tasks
}

// accuracies are the share of right answers and of images with both answers right.
func (t *mmeTask) accuracies() (acc, plus float64) {
	var all, both tally
	for _, image := range t.order {
		scores := t.images[image]
		product := 1.0
		for _, s := range scores {
			all.add(s)
			product *= s
		}
		both.add(product)
	}
	return all.mean(), both.mean()
}

// points is 100 * acc + 100 * acc_plus, the score of a subtask.
func (t *mmeTask) points() float64 {
	acc, plus := t.accuracies()
	return float64(acc*100) + float64(plus*100)
}

// mmeMetrics adds the subtasks up in the given orders.
func mmeMetrics(r *Result, tasks map[string]*mmeTask, points func(*mmeTask) float64, cognition string) {
	var list []Metric
	sum := func(name string, categories []string) Metric {
		total := Metric{Name: name, Unit: Points, Digits: -1}
		for _, c := range categories {
			t := tasks[c]
			if t == nil {
				r.Notes = append(r.Notes, "no questions of subtask "+c+", which adds nothing to "+name)
				continue
			}
			v := points(t)
			total.Value += v
			total.N += t.n
			list = append(list, Metric{Name: c, Value: v, N: t.n, Unit: Points, Digits: -1})
		}
		return total
	}
	r.composites = append(r.composites, mmeComposite(r, cognition))
	perception := sum("perception", mmePerception)
	r.Metrics = append([]Metric{perception, sum(cognition, mmeCognition)}, list...)
	odd := 0
	for _, t := range tasks {
		for _, scores := range t.images {
			if len(scores) != 2 {
				odd++
			}
		}
	}
	if odd > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d images have not two questions, as upstream takes for granted", odd))
	}
}

// mmeComposite computes the points of the subtasks and their sums from images that count several times. It takes an image's
// questions together, as AddIntervals draws them.
func mmeComposite(r *Result, cognition string) composite {
	type image struct {
		first      int // its first sample
		sum, right float64
		n          int
	}
	tasks := map[string]map[string]*image{}
	order := map[string][]*image{}
	for i, s := range r.Samples {
		if tasks[s.Category] == nil {
			tasks[s.Category] = map[string]*image{}
		}
		m := tasks[s.Category][s.Group]
		if m == nil {
			m = &image{first: i, right: 1}
			tasks[s.Category][s.Group] = m
			order[s.Category] = append(order[s.Category], m)
		}
		m.sum += s.Score
		m.right *= s.Score
		m.n++
	}
	c := composite{names: []string{"perception", cognition}}
	c.names = append(append(c.names, mmePerception...), mmeCognition...)
	c.fill = func(times []int, out []float64) {
		clear(out)
		for k, name := range c.names[2:] {
			var sum, right, questions, images float64
			for _, m := range order[name] {
				w := float64(times[m.first])
				sum += float64(w * m.sum)
				right += float64(w * m.right)
				questions += float64(w * float64(m.n))
				images += w
			}
			if images == 0 {
				continue // a subtask that is not there, or not drawn, adds nothing
			}
			out[2+k] = 100*sum/questions + 100*right/images
			total := 0
			if k >= len(mmePerception) {
				total = 1
			}
			out[total] += out[2+k]
		}
	}
	return c
}

// scoreMME pairs the answers of a subtask two by two in the order of the file, as the official tool does with its lines, which is by image
// unless answers are missing or out of order. Then it also gives the sums by image with a missing answer as wrong.
func scoreMME(d *Data, a *Answers) (*Result, error) {
	r, err := mmeScore(d, a, score.MMELabel)
	if err != nil {
		return nil, err
	}
	byImage := *r
	mmeMetrics(&byImage, mmeTasks(r), (*mmeTask).points, "cognition")
	lines := map[string]*mmeTask{}
	groups := map[string]string{}
	find := mmeFinder(d)
	mixed, single := 0, 0
	for i := range a.List {
		at, ok := find(&a.List[i])
		if !ok {
			continue
		}
		q := &d.Questions[at]
		t := lines[q.Category]
		if t == nil {
			t = &mmeTask{images: map[string][]float64{}}
			lines[q.Category] = t
		}
		pair := fmt.Sprint(t.n / 2)
		if t.n%2 == 0 {
			t.order = append(t.order, pair)
			groups[q.Category] = q.Group
		} else if groups[q.Category] != q.Group {
			mixed++
		}
		v := 0.0
		if score.MMELabel(a.List[i].Text) == score.Lower(q.Reference.(MMEReference).Label) {
			v = 1
		}
		t.images[pair] = append(t.images[pair], v)
		t.n++
	}
	for _, t := range lines {
		if t.n%2 == 1 { // the other one of the pair is missing: wrong
			last := t.order[len(t.order)-1]
			t.images[last] = append(t.images[last], 0)
			t.n++
			single++
		}
	}
	mmeMetrics(r, lines, (*mmeTask).points, "cognition")
	if mixed > 0 || single > 0 || r.Missing > 0 || r.Duplicates > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("upstream pairs the answers by position: %d pairs are of two images, %d subtasks have an answer too many, where it breaks off", mixed, single))
		for _, m := range byImage.Metrics[:2] {
			m.Name += ", by image, missing as wrong"
			r.Metrics = append(r.Metrics, m)
		}
	}
	return r, nil
}

func scoreMMELmms(d *Data, a *Answers) (*Result, error) {
	r, err := mmeScore(d, a, score.MMELmms)
	if err != nil {
		return nil, err
	}
	mmeMetrics(r, mmeTasks(r), func(t *mmeTask) float64 {
		total := 0.0
		for _, image := range t.order {
			scores := t.images[image]
			right := score.Sum(scores)
			acc := float64(right / float64(len(scores)) * 100)
			if right == float64(len(scores)) {
				acc += 100
			}
			total += acc
		}
		return total / float64(len(t.order))
	}, "cognition")
	return r, nil
}

func scoreMMEVLMEvalKit(d *Data, a *Answers) (*Result, error) {
	r, err := mmeScore(d, a, score.YesNoVLMEvalKit)
	if err != nil {
		return nil, err
	}
	mmeMetrics(r, mmeTasks(r), (*mmeTask).points, "reasoning")
	return r, nil
}
