package suites

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"llavabench/eval/score"
)

var (
	imageOnly   = []string{"image"}
	validation  = []string{"validation", "val"}
	testOnly    = []string{"test"}
	valThenTest = []string{"validation", "val", "test"}
	valTestName = map[string]string{"val": "validation"}
)

// hubLayouts are the suites that are published as parquet files. Columns are those that lmms-eval 75571cf reads.
var hubLayouts = map[string]*hubLayout{
	"vqav2": {splits: []string{"validation", "testdev", "test"}, named: map[string]string{"val2014": "validation", "test-dev2015": "testdev", "test2015": "test"},
		images: imageOnly, question: hubVQAv2, finish: func(_ *Dir, data *Data, _ []*parquetTable) error {
			extra := vqav2Extra{}
			for _, q := range data.Questions {
				extra.Submit = append(extra.Submit, q.ID)
			}
			data.Extra = extra
			return nil
		}},
	"gqa": {splits: []string{"testdev", "validation", "val"}, config: func(folder string) bool { return strings.HasPrefix(folder, "testdev_balanced_instr") },
		question: hubGQA, finish: joinGQA},
	"vizwiz":    {splits: valThenTest, named: map[string]string{}, images: imageOnly, question: hubVizWiz},
	"textvqa":   {splits: validation, images: imageOnly, question: hubTextVQA},
	"scienceqa": {splits: testOnly, images: imageOnly, optional: true, question: hubScienceQA, finish: markScience},
	"pope":      {splits: testOnly, config: func(folder string) bool { return folder != "Full" }, images: imageOnly, question: hubPOPE},
	"mme":       {splits: testOnly, images: imageOnly, question: hubMME, finish: numberMME},
	"mmbench": {splits: []string{"dev"}, config: func(folder string) bool { return folder != "cn" && folder != "cc" }, images: imageOnly,
		question: hubMMBench, finish: mmbenchColumnsOf},
	"mmbench_cn": {splits: []string{"dev"}, config: func(folder string) bool { return folder != "en" && folder != "cc" }, images: imageOnly,
		question: hubMMBench, finish: mmbenchColumnsOf},
	"seed":        {splits: testOnly, images: imageOnly, question: hubSEED},
	"mmmu":        {splits: []string{"validation", "test"}, images: []string{"image_1", "image"}, merged: true, optional: true, question: hubMMMU},
	"mathvista":   {splits: []string{"testmini", "test"}, images: []string{"decoded_image", "image"}, question: hubMathVista},
	"chartqa":     {splits: testOnly, images: imageOnly, question: hubChartQA, finish: numberChartQA},
	"docvqa":      {splits: valThenTest, named: valTestName, config: func(folder string) bool { return folder != "InfographicVQA" }, images: imageOnly, question: hubDocVQA},
	"infovqa":     {splits: valThenTest, named: valTestName, config: func(folder string) bool { return folder != "DocVQA" }, images: imageOnly, question: hubDocVQA},
	"ai2d":        {splits: testOnly, images: imageOnly, question: hubAI2D},
	"realworldqa": {splits: testOnly, images: imageOnly, question: hubRealWorldQA},
	"ocrbench":    {splits: testOnly, images: imageOnly, question: hubOCRBench},
	"llava_bench": {splits: []string{"train", "test"}, images: imageOnly, question: hubLLaVABench},
	"mmvet":       {splits: testOnly, images: imageOnly, question: hubMMVet},
}

// hubBase is what the questions of most suites share.
func hubBase(r hubRow, id ...string) (Question, error) {
	text, err := r.need("question")
	q := Question{ID: r.text(id...), Text: text, Category: r.text("category")}
	if q.ID == "" {
		q.ID = strconv.Itoa(r.index)
	}
	return q, err
}

// people are the answers of several people: structures or texts.
func people(r hubRow) []string { return r.list("answers.answer", "answers") }

func hubVQAv2(r hubRow) (Question, error) {
	q, err := hubBase(r, "question_id")
	q.Category, q.Group = r.text("answer_type"), r.text("image_id")
	if answers := people(r); len(answers) > 0 {
		q.Reference = VQAReference{Answers: answers, AnswerType: q.Category, QuestionType: r.text("question_type")}
	}
	return q, err
}

func hubGQA(r hubRow) (Question, error) {
	q, err := hubBase(r, "id", "question_id")
	q.Group = r.text("imageId")
	ref := GQAReference{Answer: r.text("answer"), Balanced: r.text("isBalanced") != "false", Structural: r.text("types.structural"), Semantic: r.text("types.semantic"),
		Words: len(score.Fields(q.Text))}
	operations, arguments := r.list("semantic.operation"), r.list("semantic.argument")
	for i, op := range operations {
		if i < len(arguments) && gqaStep(op, arguments[i]) {
			ref.Steps++
		}
	}
	if group := r.list("groups.global"); len(group) > 0 {
		ref.Group, ref.Grouped = group[0], true
	}
	q.Category, q.Reference = ref.Structural, ref
	return q, err
}

// joinGQA takes the pictures from the configuration of images, which has them by id.
func joinGQA(d *Dir, data *Data, _ []*parquetTable) error {
	files, err := hubFiles(d)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, f := range files {
		if f.folder != "testdev_balanced_images" {
			continue
		}
		t, err := openParquet(d, f.name)
		if err != nil {
			return err
		}
		images := t.images["image"]
		if images == nil {
			return fmt.Errorf("%s: column %q: %w", f.name, "image.bytes", errNoColumn)
		}
		for row := range t.rows {
			name := fmt.Sprintf("%s#%d", f.name, row)
			names[hubRow{t: t, row: row}.text("id")] = name
			d.embedParquet(name, images, row)
		}
	}
	folder := "images"
	if d.Exists("data/images") {
		folder = "data/images"
	}
	for i := range data.Questions {
		q := &data.Questions[i]
		name, ok := names[q.Group]
		if !ok {
			name = folder + "/" + q.Group + ".jpg"
		}
		q.Images = []string{name}
	}
	return nil
}

func hubVizWiz(r hubRow) (Question, error) {
	q, err := hubBase(r)
	q.Group = strings.TrimSuffix(r.text("question_id"), ".jpg") + ".jpg"
	if answers := people(r); len(answers) > 0 {
		q.Reference = VQAReference{Answers: answers, AnswerType: q.Category}
	}
	return q, err
}

func hubTextVQA(r hubRow) (Question, error) {
	q, err := hubBase(r, "question_id")
	q.Category, q.Group = "", r.text("image_id")
	q.Reference = VQAReference{Answers: people(r)}
	if r.has("ocr_tokens") {
		q.Parts.Tokens = append([]string{}, r.list("ocr_tokens")...)
	}
	return q, err
}

func hubScienceQA(r hubRow) (Question, error) {
	q, err := hubBase(r, "pid", "id")
	if err != nil {
		return q, err
	}
	p := scienceProblem{Question: q.Text, Choices: r.list("choices"), Hint: r.text("hint"), Subject: r.text("subject")}
	if p.Answer, err = strconv.Atoi(r.text("answer")); err != nil || p.Answer < 0 || p.Answer >= len(p.Choices) {
		return q, fmt.Errorf("answer %q of %d choices", r.text("answer"), len(p.Choices))
	}
	q.Category, q.Reference, q.Parts = p.Subject, p, Item{Hint: p.Hint, Options: p.Choices}
	return q, nil
}

// markScience says of the problems whether they have a picture.
func markScience(_ *Dir, data *Data, _ []*parquetTable) error {
	for i := range data.Questions {
		q := &data.Questions[i]
		if p, ok := q.Reference.(scienceProblem); ok && len(q.Images) > 0 {
			p.Image = &q.Images[0]
			q.Reference = p
		}
	}
	return nil
}

func hubPOPE(r hubRow) (Question, error) {
	q, err := hubBase(r, "question_id")
	n, nerr := strconv.Atoi(q.ID)
	for _, s := range popeSplits {
		if s.name == q.Category && nerr == nil && n < 10_000_000 {
			q.ID = strconv.Itoa(s.base + n)
		}
	}
	q.Group = r.text("image_source")
	q.Reference = popeLabel(score.Lower(r.text("answer")))
	return q, err
}

func hubMME(r hubRow) (Question, error) {
	q, err := hubBase(r, "question_id")
	q.Group = mmeGroup(q.ID)
	if q.Category == "" {
		q.Category, _, _ = strings.Cut(q.ID, "/")
	}
	label := r.text("answer")
	if err == nil && !yesOrNo(score.Lower(label)) {
		err = fmt.Errorf("answer %q, expected Yes or No", label)
	}
	q.Reference = MMEReference{Label: label, File: path.Base(q.Group) + ".txt"}
	return q, err
}

// numberMME tells the questions of a picture apart.
func numberMME(_ *Dir, data *Data, _ []*parquetTable) error {
	seen := map[string]int{}
	for i := range data.Questions {
		q := &data.Questions[i]
		ref, _ := q.Reference.(MMEReference)
		ref.Number = seen[q.Group]
		seen[q.Group]++
		q.ID, q.Reference = fmt.Sprintf("%s#%d", q.Group, ref.Number), ref
	}
	return nil
}

// absent are the texts with which tables say that there is nothing (llava/eval/model_vqa_mmbench.py, is_none).
func absent(text string) bool { return slices.Contains([]string{"", "nan", "none"}, score.Lower(text)) }

func hubMMBench(r hubRow) (Question, error) {
	q, err := hubBase(r, "index")
	if err != nil {
		return q, err
	}
	ref := MCQReference{Answer: r.text("answer"), L2: r.text("L2-category", "l2-category"), Split: r.text("split"), Columns: map[string]string{}}
	if ref.Index, err = strconv.Atoi(q.ID); err != nil || ref.Index < 0 {
		return q, fmt.Errorf("index %q is no number", q.ID)
	}
	ref.Base = ref.Index % circularStep
	for _, name := range r.t.columns {
		ref.Columns[name] = r.text(name)
	}
	for i := range 26 {
		if text := r.text(score.Letter(i)); r.has(score.Letter(i)) && !absent(text) {
			ref.Choices = append(ref.Choices, score.Choice{Letter: score.Letter(i), Text: text})
		}
	}
	hint := r.text("hint")
	if absent(hint) {
		hint = ""
	}
	q.Group = strconv.Itoa(ref.Base)
	q.Parts = Item{Hint: hint, Options: optionTexts(ref.Choices)}
	if ref.Answer != "" {
		q.Reference = ref
	}
	return q, nil
}

func mmbenchColumnsOf(_ *Dir, data *Data, tables []*parquetTable) error {
	data.Extra = mmbenchData{columns: tables[0].columns}
	return nil
}

// seedTypes are the names of the types of questions, by number from 1.
var seedTypes = []string{"Scene Understanding", "Instance Identity", "Instance Attributes", "Instance Location", "Instance Counting", "Spatial Relation",
	"Instance Interaction", "Visual Reasoning", "Text Recognition", "Action Recognition", "Action Prediction", "Procedure Understanding"}

func hubSEED(r hubRow) (Question, error) {
	q, err := hubBase(r, "question_id")
	if err != nil {
		return q, err
	}
	ref := seedReference{answer: r.text("answer"), dataType: r.text("data_type")}
	if ref.typeID, err = strconv.Atoi(r.text("question_type_id")); err != nil || ref.typeID < 1 || ref.typeID > len(seedTypes) {
		return q, fmt.Errorf("question_type_id is %q, expected 1 to %d", r.text("question_type_id"), len(seedTypes))
	}
	ref.typeName = seedTypes[ref.typeID-1]
	q.Group, q.Category, q.Reference = r.text("data_id"), ref.typeName, ref
	q.Parts.Options = untilEmpty(r.text("choice_a"), r.text("choice_b"), r.text("choice_c"), r.text("choice_d"))
	return q, nil
}

func hubMMMU(r hubRow) (Question, error) {
	q, err := hubBase(r, "id")
	if err != nil {
		return q, err
	}
	parts := strings.Split(q.ID, "_")
	if len(parts) < 3 {
		return q, fmt.Errorf("id %q has no subject, expected such as validation_Art_1", q.ID)
	}
	q.Category, q.Group = strings.Join(parts[1:len(parts)-1], "_"), q.ID
	ref := mmmuReference{open: r.text("question_type") != "multiple-choice"}
	options := r.list("options")
	if len(options) == 1 && strings.HasPrefix(options[0], "[") {
		if options, err = readPyList(options[0]); err != nil {
			return q, fmt.Errorf("options: %w", err)
		}
	}
	if len(options) > maxChoices {
		return q, fmt.Errorf("%d options, expected at most %d", len(options), maxChoices)
	}
	if !ref.open {
		for i, text := range options {
			ref.choices = append(ref.choices, score.Choice{Letter: score.Letter(i), Text: text})
		}
		q.Parts.Options = options
	}
	answer := r.text("answer")
	ref.answers = []string{answer}
	if ref.open && strings.HasPrefix(answer, "[") {
		if ref.answers, err = readPyList(answer); err != nil {
			return q, fmt.Errorf("answer: %w", err)
		}
		ref.list = true
	}
	if answer != "" && answer != "?" {
		q.Reference = ref
	}
	return q, nil
}

func hubMathVista(r hubRow) (Question, error) {
	fields := map[string]any{"question": r.text("question"), "image": r.text("image"), "answer": r.text("answer"), "question_type": r.text("question_type"),
		"answer_type": r.text("answer_type"), "unit": r.text("unit"), "query": r.text("query")}
	if choices := r.list("choices"); len(choices) > 0 {
		fields["choices"] = choices
	}
	if text := r.text("precision"); text != "" {
		fields["precision"] = json.Number(text)
	}
	metadata := map[string]any{}
	for _, key := range mathvistaKeys[2:] {
		switch list := r.list("metadata." + key); {
		case key == "skills":
			metadata[key] = list
		case len(list) > 0:
			metadata[key] = list[0]
		}
	}
	fields["metadata"] = metadata
	raw, err := json.Marshal(fields)
	if err != nil {
		return Question{}, err
	}
	pid, err := r.need("pid")
	if err != nil {
		return Question{}, err
	}
	q, err := mathvistaQuestion(pid, raw)
	if r.text("answer") == "" {
		q.Reference = nil
	}
	return q, err
}

func hubChartQA(r hubRow) (Question, error) {
	q, err := hubBase(r)
	q.Category = strings.TrimSuffix(strings.TrimPrefix(r.text("type"), "test_"), "_test")
	q.Reference = r.text("answer", "label")
	return q, err
}

// numberChartQA numbers the questions of each half, as openChartQA does.
func numberChartQA(_ *Dir, data *Data, _ []*parquetTable) error {
	seen := map[string]int{}
	for i := range data.Questions {
		q := &data.Questions[i]
		q.ID = fmt.Sprintf("%s-%d", q.Category, seen[q.Category])
		seen[q.Category]++
	}
	return nil
}

func hubDocVQA(r hubRow) (Question, error) {
	q, err := hubBase(r, "questionId")
	q.Category = ""
	q.Group = r.text("ucsf_document_id") + "_" + r.text("ucsf_document_page_no")
	if q.Group == "_" {
		q.Group = r.text("image_url", "docId")
	}
	if answers := r.list("answers"); len(answers) > 0 {
		q.Reference = answers
	}
	return q, err
}

func hubAI2D(r hubRow) (Question, error) {
	q, err := hubBase(r)
	if err != nil {
		return q, err
	}
	options := r.list("options")
	answer, err := strconv.Atoi(r.text("answer"))
	if err != nil || answer < 0 || answer >= len(options) || len(options) > maxChoices {
		return q, fmt.Errorf("answer %q of %d options", r.text("answer"), len(options))
	}
	ref := MCQReference{Answer: score.Letter(answer)}
	for i, text := range options {
		ref.Choices = append(ref.Choices, score.Choice{Letter: score.Letter(i), Text: text})
	}
	q.Reference, q.Parts.Options = ref, options
	return q, nil
}

func hubRealWorldQA(r hubRow) (Question, error) {
	q, err := hubBase(r)
	q.Reference = MCQReference{Answer: r.text("answer")}
	return q, err
}

func hubOCRBench(r hubRow) (Question, error) {
	q, err := hubBase(r)
	q.Category = r.text("question_type", "type")
	q.Reference = &OCRReference{Dataset: r.text("dataset", "dataset_name"), Type: q.Category, Answers: r.list("answer", "answers")}
	return q, err
}

func hubLLaVABench(r hubRow) (Question, error) {
	q, err := hubBase(r, "question_id")
	q.Group = r.text("image_id")
	return q, err
}

func hubMMVet(r hubRow) (Question, error) {
	q, err := hubBase(r, "question_id")
	if !strings.HasPrefix(q.ID, "v1_") {
		q.ID = "v1_" + q.ID
	}
	var capabilities mmvetCapabilities
	for _, text := range r.list("capability") {
		for _, c := range strings.Split(text, ",") {
			capabilities = append(capabilities, score.Strip(c))
		}
	}
	it := score.MMVetItem{Capabilities: capabilities}
	q.Category, q.Reference = it.Combination(), capabilities
	return q, err
}
