package suites

import "fmt"

// A Matching pairs questions with answers.
type Matching struct {
	// Answers has the answer to each question of Data, nil where there is none.
	Answers []*Answer

	missing, duplicates, unknown int
	notes                        []string
}

// Match pairs answers and questions by id. Of several answers to a question the last one counts, as in upstream's tables.
//
// VLMEvalKit numbers the rows of its own tables: a row with the text of another question than its id belongs to that one, if
// there is only one of the text.
func Match(d *Data, a *Answers) *Matching {
	index := make(map[string]int, len(d.Questions))
	for i := range d.Questions {
		index[d.Questions[i].ID] = i
	}
	var byText map[string]int
	if a.Format == Table {
		byText = uniqueTexts(d)
	}
	return MatchBy(d, a, func(answer *Answer) (int, bool) {
		i, ok := index[answer.ID]
		if byText == nil {
			return i, ok
		}
		text, stated := answer.Record.Text("question")
		j, found := byText[text]
		if !stated || !found || ok && d.Questions[i].Text == text {
			return i, ok
		}
		return j, j >= 0
	})
}

// uniqueTexts finds questions by text; -1 where several have it.
func uniqueTexts(d *Data) map[string]int {
	index := make(map[string]int, len(d.Questions))
	for i, q := range d.Questions {
		if _, ok := index[q.Text]; ok {
			i = -1
		}
		index[q.Text] = i
	}
	return index
}

// MatchBy pairs answers with the questions whose index find gives.
func MatchBy(d *Data, a *Answers, find func(*Answer) (int, bool)) *Matching {
	m := &Matching{Answers: make([]*Answer, len(d.Questions)), notes: a.Notes()}
	for i := range a.List {
		answer := &a.List[i]
		q, ok := find(answer)
		switch {
		case !ok:
			m.unknown++
			continue
		case m.Answers[q] != nil:
			m.duplicates++
		}
		m.Answers[q] = answer
	}
	for _, answer := range m.Answers {
		if answer == nil {
			m.missing++
		}
	}
	return m
}

// Text is the answer to question i, "" if there is none.
func (m *Matching) Text(i int) string {
	if a := m.Answers[i]; a != nil {
		return a.Text
	}
	return ""
}

// Result starts a result with the counts of the matching.
func (m *Matching) Result() *Result {
	n := len(m.Answers)
	return &Result{Questions: n, Answered: n - m.missing, Missing: m.missing, Duplicates: m.duplicates, Unknown: m.unknown,
		Notes: append([]string{}, m.notes...)}
}

// Sample starts the sample of question i.
func (m *Matching) Sample(d *Data, i int) Sample {
	q := &d.Questions[i]
	return Sample{ID: q.ID, Group: q.Group, Category: q.Category, Answered: m.Answers[i] != nil}
}

// Notes says what is wrong with the file itself.
func (a *Answers) Notes() []string {
	var notes []string
	if a.Truncated {
		notes = append(notes, "the last line of the answers is cut off and left out")
	}
	if a.Undecodable > 0 {
		notes = append(notes, fmt.Sprintf("%d lines of the answers are no JSON and are left out", a.Undecodable))
	}
	return notes
}
