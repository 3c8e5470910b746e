package suites

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"

	"llavabench/eval/score"
)

const mmeFolder = "MME_Benchmark_release_version"

// The subtasks of MME in the order in which calculation.py adds them up.
var (
	mmePerception = []string{"existence", "count", "position", "color", "posters", "celebrity", "scene", "landmark", "artwork", "OCR"}
	mmeCognition  = []string{"commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning"}
)

func mme() *Suite {
	return &Suite{
		Name:    "mme",
		Title:   "MME",
		Licence: "for academic research, by request to the authors",
		Size:    "0.9 GB",
		Metric:  "perception score, at most 2000 points",
		Items:   2374,
		Files: []File{
			{Path: mmeFolder + "/", Source: "https://github.com/BradyFU/Awesome-Multimodal-Large-Language-Models/tree/Evaluation"},
			{Path: "llava_mme.jsonl", Source: "eval.zip of LLaVA (docs/Evaluation.md)", Note: "the order of LLaVA's answers", Optional: true},
		},
		Open: openMME,
		Scorers: []Scorer{
			{Name: "official", Upstream: "MME eval_tool.zip, calculation.py, after LLaVA's convert_answer_to_mme.py", Score: scoreMME},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/mme", Score: scoreMMELmms},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/yorn.py, exact_matching", Score: scoreMMEVLMEvalKit},
		},
		Submission: &Submission{Name: "mme_results.zip", Write: writeMME},
		Answers: AnswerFormat{Read: readMMEResults, Write: mmeAnswerID, ID: func(r *Record) (string, bool) {
			if r.Format == Table {
				return r.Text("image_path", "question_id", "index")
			}
			return r.Text("question_id")
		}},
	}
}

// An MMEReference is the truth of a question, and where the owners' files have it.
type MMEReference struct {
	Label  string // as written: Yes or No
	File   string // "0020.txt"
	Number int    // of the line, from 0
}

// openMME reads the folder of each subtask: text files of two lines, question TAB answer, beside the images or, in five
// subtasks, in a folder of their own. The order is that of LLaVA's question file if there is one.
func openMME(d *Dir) (*Data, error) {
	if _, err := d.First(mmeFolder); err != nil {
		return nil, err
	}
	data := &Data{Labelled: true}
	for _, category := range append(append([]string{}, mmePerception...), mmeCognition...) {
		folder := mmeFolder + "/" + category
		if !d.Exists(folder) {
			data.Notes = append(data.Notes, "subtask "+category+" is absent")
			continue
		}
		texts, images := folder, folder
		if d.Exists(folder + "/questions_answers_YN") {
			texts, images = folder+"/questions_answers_YN", folder+"/images"
		}
		files, err := d.Glob(texts + "/*.txt")
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			questions, err := mmeQuestions(d, category, images, file)
			if err != nil {
				return nil, err
			}
			data.Questions = append(data.Questions, questions...)
		}
	}
	if len(data.Questions) == 0 {
		return nil, fmt.Errorf("%s: no questions in %s/", d.Root(), mmeFolder)
	}
	if d.Exists("llava_mme.jsonl") {
		if err := orderMME(d, data); err != nil {
			return nil, err
		}
	}
	data.Read = d.Read()
	return data, uniqueIDs(mmeFolder, data.Questions)
}

func mmeQuestions(d *Dir, category, images, file string) ([]Question, error) {
	raw, err := d.ReadFile(file)
	if err != nil {
		return nil, err
	}
	stem := strings.TrimSuffix(path.Base(file), ".txt")
	image := images + "/" + stem
	for _, ext := range []string{".jpg", ".png", ".jpeg"} {
		if d.Exists(image + ext) {
			image += ext
			break
		}
	}
	var list []Question
	for i, line := range splitLines(raw) {
		text := score.Strip(string(line))
		if text == "" {
			continue
		}
		question, label, ok := strings.Cut(text, "\t")
		if lower := score.Lower(label); !ok || !yesOrNo(lower) {
			return nil, fmt.Errorf("%s: line %d: expected a question, a tab and Yes or No, found %.80q", file, i+1, text)
		}
		list = append(list, Question{ID: fmt.Sprintf("%s/%s#%d", category, stem, i), Text: question, Group: category + "/" + stem, Category: category,
			Images: []string{image}, Reference: MMEReference{Label: label, File: stem + ".txt", Number: i}})
	}
	return list, nil
}

// orderMME puts the questions into the order of LLaVA's file, those that it does not have last.
func orderMME(d *Dir, data *Data) error {
	list, err := readLLaVAQuestions(d, "llava_mme.jsonl")
	if err != nil {
		return err
	}
	find := mmeFinder(data)
	taken := make([]bool, len(data.Questions))
	var ordered []Question
	for _, q := range list {
		if i, ok := find(&Answer{ID: string(q.QuestionID), Prompt: q.Text}); ok && !taken[i] {
			taken[i] = true
			data.Questions[i].Asked = q.Text
			ordered = append(ordered, data.Questions[i])
		}
	}
	for i, q := range data.Questions {
		if !taken[i] {
			ordered = append(ordered, q)
		}
	}
	data.Questions = ordered
	return nil
}

const (
	mmeSuffix  = "Answer the question using a single word or phrase."
	mmeRequest = " Please answer yes or no."
)

// mmeFinder finds the question of an answer: by subtask, file and question, as LLaVA's converter does, which turns its prompt
// back into the question as published; some have two spaces before the request. Answers that repeat no question are dealt to the
// questions of their image in turn. The ids of openMME are known as well.
func mmeFinder(data *Data) func(*Answer) (int, bool) {
	type key struct{ group, question string }
	index := make(map[key]int, len(data.Questions))
	byID := make(map[string]int, len(data.Questions))
	groups := map[string][]int{}
	for i, q := range data.Questions {
		index[key{q.Group, q.Text}] = i
		byID[q.ID] = i
		groups[q.Group] = append(groups[q.Group], i)
	}
	next := map[string]int{}
	return func(a *Answer) (int, bool) {
		if i, ok := byID[a.ID]; ok {
			return i, true
		}
		group := mmeGroup(a.ID)
		if i, ok := index[key{group, a.Prompt}]; ok {
			return i, true
		}
		if question, ok := a.Record.Text("question"); ok {
			i, ok := index[key{group, question}]
			return i, ok
		}
		if a.Prompt != "" {
			question := score.Strip(strings.ReplaceAll(a.Prompt, mmeSuffix, ""))
			for _, request := range []string{mmeRequest, " " + mmeRequest, ""} {
				if i, ok := index[key{group, question + request}]; ok {
					return i, true
				}
			}
			return 0, false
		}
		n := next[group]
		if n >= len(groups[group]) {
			return 0, false
		}
		next[group]++
		return groups[group][n], true
	}
}

// mmeGroup is subtask and file stem of an id such as "artwork/images/14777.jpg".
func mmeGroup(id string) string {
	category, _, _ := strings.Cut(id, "/")
	stem, _, _ := strings.Cut(path.Base(id), ".")
	return category + "/" + stem
}

// mmeAnswerID is the id in LLaVA's files, which both questions of an image have.
func mmeAnswerID(q *Question) string {
	if len(q.Images) > 0 {
		if id, ok := strings.CutPrefix(q.Images[0], mmeFolder+"/"); ok {
			return id
		}
	}
	return q.Group + ".png" // inside a table
}

// MMEResults are the files that LLaVA's convert_answer_to_mme.py writes for the official tool: one a subtask, a line an answer in
// the order of the answers: file, question, truth and answer, separated by tabs.
func MMEResults(d *Data, a *Answers) (files map[string][]byte, unknown int) {
	find := mmeFinder(d)
	buffers := map[string]*bytes.Buffer{}
	for i := range a.List {
		answer := &a.List[i]
		at, ok := find(answer)
		if !ok {
			unknown++
			continue
		}
		q := d.Questions[at]
		ref, _ := q.Reference.(MMEReference)
		if buffers[q.Category] == nil {
			buffers[q.Category] = &bytes.Buffer{}
		}
		fmt.Fprintf(buffers[q.Category], "%s\t%s\t%s\t%s\n", ref.File, q.Text, ref.Label, answer.Text)
	}
	files = map[string][]byte{}
	for category, b := range buffers {
		files[category+".txt"] = b.Bytes()
	}
	return files, unknown
}

func writeMME(w io.Writer, d *Data, a *Answers) ([]string, error) {
	files, unknown := MMEResults(d, a)
	z := zip.NewWriter(w)
	for _, category := range append(append([]string{}, mmePerception...), mmeCognition...) {
		content, ok := files[category+".txt"]
		if !ok {
			continue
		}
		f, err := z.Create(category + ".txt")
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(content); err != nil {
			return nil, err
		}
	}
	notes := a.Notes()
	if unknown > 0 {
		notes = append(notes, fmt.Sprintf("%d answers belong to no question and are left out", unknown))
	}
	return notes, z.Close()
}
