package suites

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"llavabench/eval/score"
)

func vizwiz() *Suite {
	return &Suite{
		Name:    "vizwiz",
		Title:   "VizWiz-VQA",
		Licence: "CC BY 4.0",
		Size:    "annotations 8 MB, images test 4.4 GB, val 2.3 GB",
		Metric:  "accuracy against ten people's answers",
		Items:   8000,
		Files: []File{
			{Path: "val.json", Alternatives: []string{"Annotations/val.json", "test.json", "Annotations/test.json", "llava_test.jsonl"},
				Source: "https://vizwiz.org/tasks-and-datasets/vqa/", Note: "val has labels; LLaVA reports test, which only the server can score"},
			{Path: "llava_test.jsonl", Alternatives: []string{"llava_val.jsonl"}, Source: "eval.zip of LLaVA (docs/Evaluation.md)", Note: "the order of a submission", Optional: true},
			{Path: "val/", Alternatives: []string{"test/"}, Source: "https://vizwiz.org/tasks-and-datasets/vqa/", Note: "images; not needed for scoring", Optional: true},
		},
		Splits: []string{"val", "test"},
		Open:   openVizWiz,
		Scorers: []Scorer{
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/vizwiz_vqa", Score: softVQA{normalise: score.NormaliseM4C, prepare: score.Strip,
				average: score.Mean, sample: score.ExactMean, unit: Ratio, scale: 1, digits: -1, match: matchVizWiz}.score},
			{Name: "m4c", Upstream: "haotian-liu/LLaVA c121f04, llava/eval/m4c_evaluator.py", Score: softVQA{normalise: score.NormaliseM4C,
				average: score.Mean, sample: score.Mean, unit: Ratio, scale: 1, digits: -1, match: matchVizWiz}.score},
		},
		Submission: &Submission{Name: "vizwiz_results.json", Write: writeVizWiz},
		Answers: AnswerFormat{ID: func(r *Record) (string, bool) {
			if r.Format == Array || r.Format == Table { // submissions name the image
				return r.Text("image", "question_id")
			}
			return r.Text("question_id", "image")
		}},
	}
}

func openVizWiz(d *Dir) (*Data, error) {
	var names []string
	for _, split := range []string{"val", "test"} {
		if d.Split == "" || d.Split == split {
			names = append(names, split+".json", "Annotations/"+split+".json")
		}
	}
	for _, split := range []string{"test", "val"} {
		if d.Split == "" || d.Split == split {
			names = append(names, "llava_"+split+".jsonl")
		}
	}
	name, err := d.First(names...)
	if err != nil {
		return nil, err
	}
	data := &Data{}
	if strings.HasSuffix(name, ".jsonl") {
		list, err := readLLaVAQuestions(d, name)
		if err != nil {
			return nil, err
		}
		for _, q := range list {
			folder, _, _ := strings.Cut(strings.TrimPrefix(q.Image, "VizWiz_"), "_")
			data.Questions = append(data.Questions, Question{ID: string(q.QuestionID), Text: firstLine(q.Text), Group: q.Image,
				Images: []string{folder + "/" + q.Image}, Asked: q.Text})
		}
		data.Read = d.Read()
		return data, uniqueIDs(name, data.Questions)
	}
	var file []struct {
		Image    string `json:"image"`
		Question string `json:"question"`
		Answers  []struct {
			Answer string `json:"answer"`
		} `json:"answers"`
		AnswerType string `json:"answer_type"`
	}
	if err := d.JSON(name, &file); err != nil {
		return nil, err
	}
	// LLaVA numbers the questions in the order of the file.
	for i, q := range file {
		folder, _, _ := strings.Cut(strings.TrimPrefix(q.Image, "VizWiz_"), "_")
		question := Question{ID: strconv.Itoa(i), Text: q.Question, Group: q.Image, Images: []string{folder + "/" + q.Image}, Category: q.AnswerType}
		if q.Answers != nil {
			question.Reference = VQAReference{Answers: answerTexts(q.Answers), AnswerType: q.AnswerType}
			data.Labelled = true
		}
		data.Questions = append(data.Questions, question)
	}
	data.Read = d.Read()
	return data, nil
}

// matchVizWiz pairs by LLaVA's number of the question or by the name of the image, of which each has one question.
func matchVizWiz(d *Data, a *Answers) *Matching {
	index := make(map[string]int, 2*len(d.Questions))
	for i, q := range d.Questions {
		index[strings.TrimSuffix(q.Group, ".jpg")] = i
	}
	for i, q := range d.Questions {
		index[q.ID] = i
	}
	return MatchBy(d, a, func(answer *Answer) (int, bool) {
		i, ok := index[strings.TrimSuffix(answer.ID, ".jpg")]
		return i, ok
	})
}

// writeVizWiz is scripts/convert_vizwiz_for_submission.py of LLaVA: normalised texts in the order of the questions, all of
// which must be answered.
func writeVizWiz(w io.Writer, d *Data, a *Answers) ([]string, error) {
	m := matchVizWiz(d, a)
	if m.missing > 0 {
		for i, answer := range m.Answers {
			if answer == nil {
				return nil, fmt.Errorf("%d questions have no answer, the first %q, but a submission must answer all", m.missing, d.Questions[i].ID)
			}
		}
	}
	rows := make([]pyRow, len(d.Questions))
	for i, q := range d.Questions {
		rows[i] = pyRow{"image", pyQuote(q.Group), "answer", pyQuote(score.NormaliseM4C(m.Text(i)))}
	}
	return a.Notes(), writePyArray(w, rows)
}
