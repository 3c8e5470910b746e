package suites

import (
	"fmt"
	"io"

	"llavabench/eval/score"
)

func vqav2() *Suite {
	return &Suite{
		Name:    "vqav2",
		Title:   "VQA v2.0, open-ended",
		Licence: "annotations CC BY 4.0; images under Flickr terms (COCO)",
		Size:    "questions 0.1 GB, images test2015 12.4 GB, val2014 6.3 GB",
		Metric:  "accuracy against ten people's answers, percent",
		Items:   107394,
		Files: []File{
			{Path: "v2_OpenEnded_mscoco_val2014_questions.json", Alternatives: []string{"v2_OpenEnded_mscoco_test2015_questions.json",
				"v2_OpenEnded_mscoco_test-dev2015_questions.json", "llava_vqav2_mscoco_test-dev2015.jsonl"},
				Source: "https://visualqa.org/download.html", Note: "one split; LLaVA reports test-dev2015"},
			{Path: "v2_mscoco_val2014_annotations.json", Source: "https://visualqa.org/download.html", Note: "test labels are not public", Optional: true},
			{Path: "llava_vqav2_mscoco_test2015.jsonl", Alternatives: []string{"v2_OpenEnded_mscoco_test2015_questions.json"},
				Source: "eval.zip of LLaVA (docs/Evaluation.md)", Note: "the order and full set of ids of a submission", Optional: true},
			{Path: "val2014/", Alternatives: []string{"test2015/"}, Source: "https://cocodataset.org/#download", Note: "not needed for scoring", Optional: true},
		},
		Splits: vqav2Splits,
		Open:   openVQAv2,
		Scorers: []Scorer{
			{Name: "official", Upstream: "GT-Vision-Lab/VQA a013f00, PythonEvaluationTools/vqaEvaluation/vqaEval.py", Score: scoreVQAv2},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/vqav2", Score: softVQA{normalise: score.NormaliseVQA, prepare: score.Strip,
				average: score.Mean, sample: score.ExactMean, unit: Ratio, scale: 1, digits: -1}.score},
			{Name: "m4c", Upstream: "haotian-liu/LLaVA c121f04, llava/eval/m4c_evaluator.py", Score: softVQA{normalise: score.NormaliseM4C,
				average: score.Mean, sample: score.Mean, unit: Ratio, scale: 1, digits: -1}.score},
		},
		Submission: &Submission{Name: "llava_vqav2_results.json", Write: writeVQAv2},
		// LLaVA's converter skips lines that it cannot read (scripts/convert_vqav2_for_submission.py).
		Answers: AnswerFormat{Lenient: true},
	}
}

var vqav2Splits = []string{"val2014", "train2014", "test2015", "test-dev2015"}

// vqav2Extra is the set of ids that a submission must have, in order.
type vqav2Extra struct {
	Submit []string
	File   string
}

const vqav2Test = "llava_vqav2_mscoco_test2015.jsonl"

func openVQAv2(d *Dir) (*Data, error) {
	data := &Data{}
	subset := ""
	for _, s := range vqav2Splits {
		if (d.Split == "" || d.Split == s) && d.Exists(vqav2Questions(s)) {
			subset = s
			break
		}
	}
	var err error
	switch {
	case subset != "":
		err = readVQAv2(d, data, subset)
	default:
		err = readVQAv2Lines(d, data)
	}
	if err != nil {
		return nil, err
	}
	extra := vqav2Extra{}
	switch {
	case d.Exists(vqav2Test):
		list, err := readLLaVAQuestions(d, vqav2Test)
		if err != nil {
			return nil, err
		}
		for _, q := range list {
			extra.Submit = append(extra.Submit, string(q.QuestionID))
		}
		extra.File = vqav2Test
	case d.Exists(vqav2Questions("test2015")):
		all := data
		if subset != "test2015" {
			all = &Data{}
			if err := readVQAv2(d, all, "test2015"); err != nil {
				return nil, err
			}
		}
		for _, q := range all.Questions {
			extra.Submit = append(extra.Submit, q.ID)
		}
		extra.File = vqav2Questions("test2015")
	default:
		for _, q := range data.Questions {
			extra.Submit = append(extra.Submit, q.ID)
		}
	}
	data.Extra = extra
	data.Read = d.Read()
	return data, nil
}

func vqav2Questions(subset string) string { return "v2_OpenEnded_mscoco_" + subset + "_questions.json" }

// readVQAv2 reads the owners' files of a subset.
func readVQAv2(d *Dir, data *Data, subset string) error {
	name := vqav2Questions(subset)
	var questions struct {
		DataSubtype string `json:"data_subtype"`
		Questions   []struct {
			ImageID    int64  `json:"image_id"`
			Question   string `json:"question"`
			QuestionID ID     `json:"question_id"`
		} `json:"questions"`
	}
	if err := d.JSON(name, &questions); err != nil {
		return err
	}
	// The subset test-dev2015 is a part of test2015 and has its images.
	images := questions.DataSubtype
	if images == "" || images == "test-dev2015" {
		images = map[string]string{"test-dev2015": "test2015"}[subset]
		if images == "" {
			images = subset
		}
	}
	for _, q := range questions.Questions {
		group := fmt.Sprint(q.ImageID)
		data.Questions = append(data.Questions, Question{ID: string(q.QuestionID), Text: q.Question, Group: group,
			Images: []string{fmt.Sprintf("%s/COCO_%s_%012d.jpg", images, images, q.ImageID)}})
	}
	if err := uniqueIDs(name, data.Questions); err != nil {
		return err
	}
	labels := "v2_mscoco_" + subset + "_annotations.json"
	if !d.Exists(labels) {
		return nil
	}
	return readVQAv2Labels(d, data, labels)
}

func readVQAv2Labels(d *Dir, data *Data, name string) error {
	var annotations struct {
		Annotations []struct {
			QuestionType string `json:"question_type"`
			AnswerType   string `json:"answer_type"`
			QuestionID   ID     `json:"question_id"`
			Answers      []struct {
				Answer string `json:"answer"`
			} `json:"answers"`
		} `json:"annotations"`
	}
	if err := d.JSON(name, &annotations); err != nil {
		return err
	}
	index := make(map[string]int, len(data.Questions))
	for i, q := range data.Questions {
		index[q.ID] = i
	}
	for _, a := range annotations.Annotations {
		i, ok := index[string(a.QuestionID)]
		if !ok {
			return fmt.Errorf("%s: question %q is not in the question file", name, a.QuestionID)
		}
		data.Questions[i].Category = a.AnswerType
		data.Questions[i].Reference = VQAReference{Answers: answerTexts(a.Answers), AnswerType: a.AnswerType, QuestionType: a.QuestionType}
	}
	for _, q := range data.Questions {
		if q.Reference == nil {
			return fmt.Errorf("%s: question %q has no annotation", name, q.ID)
		}
	}
	data.Labelled = true
	return nil
}

// readVQAv2Lines reads LLaVA's question file where the owners' is not there.
func readVQAv2Lines(d *Dir, data *Data) error {
	names := map[string][]string{
		"":             {"llava_vqav2_mscoco_test-dev2015.jsonl", vqav2Test},
		"test-dev2015": {"llava_vqav2_mscoco_test-dev2015.jsonl"},
		"test2015":     {vqav2Test},
	}[d.Split]
	if names == nil {
		names = []string{vqav2Questions(d.Split)}
	}
	name, err := d.First(names...)
	if err != nil {
		return err
	}
	list, err := readLLaVAQuestions(d, name)
	if err != nil {
		return err
	}
	for _, q := range list {
		data.Questions = append(data.Questions, Question{ID: string(q.QuestionID), Text: firstLine(q.Text), Group: q.Image,
			Images: []string{"test2015/" + q.Image}, Asked: q.Text})
	}
	return uniqueIDs(name, data.Questions)
}

// scoreVQAv2 is VQAEval.evaluate with two decimals: overall, by answer type and by question type.
func scoreVQAv2(d *Data, a *Answers) (*Result, error) {
	m := Match(d, a)
	r := m.Result()
	overall := tally{}
	byAnswer, byQuestion := tallies{}, tallies{}
	for i := range d.Questions {
		ref, ok := d.Questions[i].Reference.(VQAReference)
		if !ok {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		if sample.Answered {
			sample.Score, sample.Parsed = score.OfficialVQA(m.Text(i), ref.Answers)
		}
		overall.add(sample.Score)
		byAnswer.add(ref.AnswerType, sample.Score)
		byQuestion.add(ref.QuestionType, sample.Score)
		r.Samples = append(r.Samples, sample)
	}
	r.Metrics = append(r.Metrics, overall.percent("overall", 2))
	r.Metrics = append(r.Metrics, byAnswer.percents("answer type: ", 2)...)
	r.Metrics = append(r.Metrics, byQuestion.percents("question type: ", 2)...)
	if r.Missing > 0 {
		r.Notes = append(r.Notes, "upstream refuses incomplete results; questions without an answer count as wrong")
	}
	return r, nil
}

// writeVQAv2 is scripts/convert_vqav2_for_submission.py of LLaVA: every id of test2015, "" where there is no answer, texts
// normalised.
func writeVQAv2(w io.Writer, d *Data, a *Answers) ([]string, error) {
	extra, _ := d.Extra.(vqav2Extra)
	texts := make(map[string]string, len(a.List))
	for _, answer := range a.List {
		texts[answer.ID] = answer.Text
	}
	rows := make([]pyRow, len(extra.Submit))
	empty := 0
	for i, id := range extra.Submit {
		text, ok := texts[id]
		if ok {
			text = score.NormaliseM4C(text)
		} else {
			empty++
		}
		rows[i] = pyRow{"question_id", pyID(id), "answer", pyQuote(text)}
	}
	notes := a.Notes()
	if empty > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d questions have no answer and are submitted as empty", empty, len(rows)))
	}
	if extra.File == "" {
		notes = append(notes, "the server wants every question of test2015: without "+vqav2Test+" or "+vqav2Questions("test2015")+" the file has only those of this split")
	}
	return notes, writePyArray(w, rows)
}
