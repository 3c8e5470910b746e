package suites

import (
	"fmt"
	"strings"

	"llavabench/eval/score"
)

func textvqa() *Suite {
	return &Suite{
		Name:    "textvqa",
		Title:   "TextVQA 0.5.1, validation",
		Licence: "CC BY 4.0",
		Size:    "annotations 20 MB, images (train and val) 6.6 GB",
		Metric:  "accuracy against ten people's answers, percent",
		Items:   5000,
		Files: []File{
			{Path: "TextVQA_0.5.1_val.json", Source: "https://textvqa.org/dataset/"},
			{Path: "train_images/", Source: "https://textvqa.org/dataset/", Note: "the validation images lie in the folder of training images; not needed for scoring", Optional: true},
			{Path: textvqaOCR, Source: "eval.zip of LLaVA (docs/Evaluation.md)", Note: "LLaVA's prompts, with OCR tokens", Optional: true},
			{Path: textvqaRosetta, Source: "https://textvqa.org/dataset/", Note: "OCR tokens for prompts, where LLaVA's file is not there", Optional: true},
		},
		Open: openTextVQA,
		Scorers: []Scorer{
			{Name: "llava", Upstream: "haotian-liu/LLaVA c121f04, llava/eval/eval_textvqa.py", Score: softVQA{normalise: score.NormaliseM4C,
				average: score.Mean, sample: score.Mean, unit: Percent, scale: 100, digits: 2, answeredOnly: true, match: matchTextVQA}.score},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/textvqa", Score: softVQA{normalise: score.NormaliseM4C, prepare: score.Strip,
				average: score.Mean, sample: score.ExactMean, unit: Ratio, scale: 1, digits: -1, match: matchTextVQA}.score},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/vqa_eval.py", Score: softVQA{normalise: score.NormaliseVLMEvalKit,
				average: score.NumpyMean, sample: score.NumpyMean, unit: Percent, scale: 100, digits: -1, match: matchTextVQA}.score},
		},
		Answers: AnswerFormat{Write: func(q *Question) string { return q.Group }},
	}
}

func openTextVQA(d *Dir) (*Data, error) {
	const name = "TextVQA_0.5.1_val.json"
	var file struct {
		Data []struct {
			Question   string   `json:"question"`
			QuestionID ID       `json:"question_id"`
			ImageID    string   `json:"image_id"`
			Answers    []string `json:"answers"`
		} `json:"data"`
	}
	if err := d.JSON(name, &file); err != nil {
		return nil, err
	}
	data := &Data{Labelled: true}
	for _, q := range file.Data {
		data.Questions = append(data.Questions, Question{ID: string(q.QuestionID), Text: q.Question, Group: q.ImageID,
			Images: []string{"train_images/" + q.ImageID + ".jpg"}, Reference: VQAReference{Answers: q.Answers}})
	}
	if err := addOCR(d, data); err != nil {
		return nil, err
	}
	data.Read = d.Read()
	return data, uniqueIDs(name, data.Questions)
}

// The files that have what OCR read in the pictures.
const (
	textvqaOCR     = "llava_textvqa_val_v051_ocr.jsonl"
	textvqaRosetta = "TextVQA_Rosetta_OCR_v0.2_val.json"
)

// addOCR gives the questions LLaVA's prompts, or the tokens of the owners' OCR file.
func addOCR(d *Dir, data *Data) error {
	if d.Exists(textvqaOCR) {
		list, err := readLLaVAQuestions(d, textvqaOCR)
		if err != nil {
			return err
		}
		type key struct{ image, question string }
		asked := make(map[key]string, len(list))
		for _, q := range list {
			asked[key{string(q.QuestionID), score.Lower(firstLine(q.Text))}] = q.Text
		}
		for i := range data.Questions {
			q := &data.Questions[i]
			q.Asked = asked[key{q.Group, score.Lower(q.Text)}]
		}
		return nil
	}
	if !d.Exists(textvqaRosetta) {
		return nil
	}
	var file struct {
		Data []struct {
			ImageID string   `json:"image_id"`
			Tokens  []string `json:"ocr_tokens"`
		} `json:"data"`
	}
	if err := d.JSON(textvqaRosetta, &file); err != nil {
		return err
	}
	tokens := make(map[string][]string, len(file.Data))
	for _, q := range file.Data {
		tokens[q.ImageID] = q.Tokens
		if q.Tokens == nil {
			tokens[q.ImageID] = []string{}
		}
	}
	for i := range data.Questions {
		data.Questions[i].Parts.Tokens = tokens[data.Questions[i].Group]
	}
	return nil
}

// matchTextVQA pairs by image and question where an answer has a prompt, as LLaVA's files name only the image, and by the
// number of the question elsewhere.
func matchTextVQA(d *Data, a *Answers) *Matching {
	type key struct{ image, question string }
	byID, byText := make(map[string]int, len(d.Questions)), make(map[key]int, len(d.Questions))
	for i, q := range d.Questions {
		byID[q.ID] = i
		byText[key{q.Group, score.Lower(q.Text)}] = i
	}
	return MatchBy(d, a, func(answer *Answer) (int, bool) {
		if question, ok := textvqaQuestion(answer.Prompt); ok {
			if i, ok := byText[key{answer.ID, question}]; ok {
				return i, true
			}
		}
		i, ok := byID[answer.ID]
		if !ok && answer.Record.Format == Table {
			question, _ := answer.Record.Text("question")
			image, _ := answer.Record.Text("image_id", "image_path")
			i, ok = byText[key{strings.TrimSuffix(image, ".jpg"), score.Lower(question)}]
		}
		return i, ok
	})
}

// textvqaQuestion is prompt_processor of eval_textvqa.py: the question in lower case out of the four shapes of prompts.
func textvqaQuestion(prompt string) (string, bool) {
	const ocr = "Reference OCR token: "
	question := ""
	lines := strings.Split(prompt, "\n")
	switch {
	case strings.HasPrefix(prompt, "OCR tokens: "):
		_, after, ok := strings.Cut(prompt, "Question: ")
		if !ok {
			return "", false
		}
		end := strings.LastIndex(after, " Short answer:")
		if end < 0 {
			return "", false
		}
		question = after[:end]
	case strings.Contains(prompt, ocr) && len(lines) == 3:
		question = lines[0]
		if strings.HasPrefix(prompt, "Reference OCR token:") {
			question = lines[1]
		}
	case len(lines) == 2:
		question = lines[0]
	default:
		return "", false
	}
	return score.Lower(question), true
}

// TextVQAReport is what eval_textvqa.py prints for a result of the scorer "llava"; name is the answer file without its
// extension.
func TextVQAReport(name string, r *Result) string {
	m, _ := r.Metric("accuracy")
	return fmt.Sprintf("%s\nSamples: %d\nAccuracy: %.2f%%\n\n", name, m.N, m.Value)
}
