package official_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// A layout is a small data set as its owners publish it, with what asking and scoring it must give.
type layout struct {
	suite, split string
	files        map[string]string
	prompts      []string          // of the first questions, in the default flavour
	answers      map[string]string // right answers by question id; the rest is asked "?"
	headline     float64           // with the right answers
	submission   string            // a part of it
	images       int               // pictures that the questions name
	missing      int               // of them not there
	textOnly     int               // questions without a picture
}

const short = "\nAnswer the question using a single word or phrase."
const letter = "\nAnswer with the option's letter from the given choices directly."

// picture is a small PNG of its own.
func picture(n int) string {
	m := image.NewRGBA(image.Rect(0, 0, 8+n, 6))
	for i := range m.Pix {
		m.Pix[i] = byte(i * (n + 3))
	}
	m.Set(0, 0, color.RGBA{byte(n), 2, 3, 255})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.String()
}

func base(n int) string { return base64.StdEncoding.EncodeToString([]byte(picture(n))) }

func people(answer string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"answer":%q},`, answer), 10), ",") + "]"
}

func texts(answer string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(fmt.Sprintf("%q,", answer), 10), ",") + "]"
}

func ten(answer string) []string {
	return strings.Split(strings.TrimSuffix(strings.Repeat(answer+",", 10), ","), ",")
}

// An embedded is a picture in a row of a parquet file.
type embedded struct {
	Bytes []byte `parquet:"bytes,optional"`
	Path  string `parquet:"path,optional"`
}

func inside(n int) embedded { return embedded{Bytes: []byte(picture(n)), Path: fmt.Sprint(n, ".png")} }

// rows writes a parquet file.
func rows[T any](t *testing.T, list ...T) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(2))
	_, err := w.Write(list)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// folders are the data sets as the owners' own files.
func folders() map[string]layout {
	coco := func(split string) string {
		return "coco/coco_pope_" + split + ".json"
	}
	popeLines := `{"question_id":1,"image":"a.jpg","text":"Is there a dog?","label":"yes"}` + "\n" + `{"question_id":2,"image":"a.jpg","text":"Is there a cat?","label":"no"}`
	table := func(rows ...string) string { return strings.Join(rows, "\n") + "\n" }
	return map[string]layout{
		"vqav2": {suite: "vqav2", files: map[string]string{
			"v2_OpenEnded_mscoco_val2014_questions.json": `{"data_subtype":"val2014","questions":[{"image_id":42,"question":"What colour?","question_id":42000},{"image_id":7,"question":"Is it?","question_id":7001}]}`,
			"v2_mscoco_val2014_annotations.json": `{"annotations":[{"question_id":42000,"answer_type":"other","question_type":"what","answers":` + people("red") + `},
				{"question_id":7001,"answer_type":"yes/no","question_type":"is","answers":` + people("yes") + `}]}`,
			"val2014/COCO_val2014_000000000042.jpg": picture(1)},
			prompts: []string{"What colour?" + short}, answers: map[string]string{"42000": "red", "7001": "yes"}, headline: 50, images: 2, missing: 1,
			submission: `{"question_id": 42000, "answer": "red"}`},
		"vqav2 test-dev": {suite: "vqav2", files: map[string]string{
			"llava_vqav2_mscoco_test-dev2015.jsonl":   `{"question_id":5,"image":"COCO_test2015_000000000005.jpg","text":"What?\nAnswer the question using a single word or phrase.","category":"default"}`,
			"llava_vqav2_mscoco_test2015.jsonl":       `{"question_id":5,"image":"x.jpg","text":"What?"}` + "\n" + `{"question_id":6,"image":"x.jpg","text":"Who?"}`,
			"test2015/COCO_test2015_000000000005.jpg": picture(1)},
			prompts: []string{"What?" + short}, answers: map[string]string{"5": "A dog."}, images: 1, submission: `[{"question_id": 5, "answer": "dog"}, {"question_id": 6, "answer": ""}]`},
		"gqa": {suite: "gqa", files: map[string]string{"testdev_balanced_questions.json": `{"9":{"question":"Is it red?","imageId":"n1","answer":"yes","isBalanced":true,"types":{"structural":"verify"},"groups":{}}}`,
			"images/n1.jpg": picture(2)}, prompts: []string{"Is it red?" + short}, answers: map[string]string{"9": "Yes."}, headline: 100, images: 1,
			submission: `[{"questionId": "9", "prediction": "yes"}]`},
		"vizwiz": {suite: "vizwiz", split: "val", files: map[string]string{"Annotations/val.json": `[{"image":"VizWiz_val_00000000.jpg","question":"What?","answer_type":"other","answers":` + people("cup") + `}]`,
			"val/VizWiz_val_00000000.jpg": picture(3)}, answers: map[string]string{"0": "cup"}, headline: 1, images: 1,
			prompts:    []string{"What?\nWhen the provided information is insufficient, respond with 'Unanswerable'." + short},
			submission: `[{"image": "VizWiz_val_00000000.jpg", "answer": "cup"}]`},
		"textvqa": {suite: "textvqa", files: map[string]string{"TextVQA_0.5.1_val.json": `{"data":[{"question":"what brand?","question_id":34602,"image_id":"ab","answers":` + texts("nokia") + `}]}`,
			"TextVQA_Rosetta_OCR_v0.2_val.json": `{"data":[{"image_id":"ab","ocr_tokens":["NOKIA","x"]}]}`, "train_images/ab.jpg": picture(4)},
			prompts: []string{"What brand?\nReference OCR token: NOKIA, x" + short}, answers: map[string]string{"34602": "Nokia"}, headline: 100, images: 1},
		"textvqa by LLaVA": {suite: "textvqa", files: map[string]string{"TextVQA_0.5.1_val.json": `{"data":[{"question":"what brand?","question_id":34602,"image_id":"ab","answers":` + texts("nokia") + `}]}`,
			"llava_textvqa_val_v051_ocr.jsonl": `{"question_id":"ab","image":"ab.jpg","text":"What brand?\nReference OCR token: Z\nAnswer the question using a single word or phrase."}`, "train_images/ab.jpg": picture(4)},
			prompts: []string{"What brand?\nReference OCR token: Z" + short}, answers: map[string]string{"34602": "Nokia"}, headline: 100, images: 1},
		"textvqa without OCR": {suite: "textvqa", files: map[string]string{"TextVQA_0.5.1_val.json": `{"data":[{"question":"what brand?","question_id":34602,"image_id":"ab","answers":` + texts("nokia") + `}]}`,
			"train_images/ab.jpg": picture(4)}, prompts: []string{"What brand?" + short}, answers: map[string]string{"34602": "Nokia"}, headline: 100, images: 1},
		"pope": {suite: "pope", files: map[string]string{coco("random"): popeLines, coco("popular"): popeLines, coco("adversarial"): popeLines, "val2014/a.jpg": picture(5)},
			prompts: []string{"Is there a dog?" + short}, answers: map[string]string{"1": "Yes", "2": "No", "10000001": "Yes", "10000002": "No", "20000001": "Yes", "20000002": "No"}, headline: 100, images: 1},
		"mme": {suite: "mme", files: map[string]string{"MME_Benchmark_release_version/existence/1.txt": "Is it? Please answer yes or no.\tYes\nIs it not? Please answer yes or no.\tNo\n",
			"MME_Benchmark_release_version/existence/1.jpg": picture(6), "MME_Benchmark_release_version/artwork/questions_answers_YN/7.txt": "Old? Please answer yes or no.\tYes\nNew? Please answer yes or no.\tNo\n",
			"MME_Benchmark_release_version/artwork/images/7.png": picture(7)}, prompts: []string{"Is it?" + short},
			answers: map[string]string{"existence/1#0": "Yes", "existence/1#1": "No", "artwork/7#0": "Yes", "artwork/7#1": "No"}, headline: 400, images: 2},
		"scienceqa": {suite: "scienceqa", files: map[string]string{"problems.json": `{"11":{"question":"Which?","choices":["a","b"],"answer":1,"hint":"Look.","image":"image.png","subject":"natural"},
			"12":{"question":"Who?","choices":["c","d"],"answer":0,"hint":"","image":null,"subject":"social"}}`, "pid_splits.json": `{"test":["11","12"]}`, "images/test/11/image.png": picture(8)},
			prompts: []string{"Context: Look.\nWhich?\nA. a\nB. b" + letter, "Who?\nA. c\nB. d" + letter}, answers: map[string]string{"11": "B", "12": "A"}, headline: 100, images: 1, textOnly: 1},
		"mmbench": {suite: "mmbench", files: map[string]string{"MMBench_DEV_EN.tsv": table("index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tl2-category\tsplit",
			"3\tWhich?\tHint.\tx\ty\t\t\tA\tocr\t"+base(9)+"\tp\tdev", "1000003\tWhich?\tHint.\ty\tx\t\t\tB\tocr\t3\tp\tdev")},
			prompts: []string{"Hint.\nWhich?\nA. x\nB. y" + letter}, answers: map[string]string{"3": "A", "1000003": "B"}, headline: 100, images: 1, submission: "PK"},
		"mmbench_cn": {suite: "mmbench_cn", files: map[string]string{"mmbench_dev_cn_20231003.tsv": table("index\tquestion\thint\tA\tB\tanswer\tcategory\timage\tsource\tl2-category\tcomment\tsplit",
			"3\t哪个?\t\tx\ty\tA\tocr\t"+base(9)+"\ts\tp\t\tdev")}, prompts: []string{"哪个?\nA. x\nB. y\n请直接回答选项字母。"}, answers: map[string]string{"3": "A"}, headline: 100, images: 1},
		"seed": {suite: "seed", files: map[string]string{"SEED-Bench.json": `{"questions":[{"answer":"B","choice_a":"p","choice_b":"q","choice_c":"r","choice_d":"s","data_id":"1_2","data_type":"image","question":"What?","question_id":"101","question_type_id":1}],
			"question_type":{"Scene Understanding":1}}`, "SEED-Bench-image/1_2": picture(10)}, prompts: []string{"What?\nA. p\nB. q\nC. r\nD. s" + letter}, answers: map[string]string{"101": "B"}, headline: 100, images: 1,
			submission: `{"question_id": "101", "prediction": "B"}`},
		"mathvista": {suite: "mathvista", files: map[string]string{"testmini.json": `{"1":{"question":"How many?","image":"images/1.jpg","choices":null,"unit":null,"precision":null,"answer":"3","question_type":"free_form","answer_type":"integer","metadata":{},"query":"q"}}`,
			"images/1.jpg": picture(11)}, prompts: []string{"How many?\nAnswer the question using a single integer number."}, answers: map[string]string{"1": "3"}, headline: 1, images: 1},
		"mathvista test": {suite: "mathvista", split: "test", files: map[string]string{"test.json": `{"1":{"question":"How many?","image":"images/1.jpg","choices":null,"unit":null,"precision":null,"answer":"","question_type":"free_form","answer_type":"integer","metadata":{},"query":"q"}}`,
			"images/1.jpg": picture(11)}, answers: map[string]string{"1": "3"}, images: 1, submission: `"response": "3",
        "extraction": "3"`},
		"ai2d": {suite: "ai2d", files: map[string]string{"AI2D_TEST.tsv": table("index\tquestion\tA\tB\tanswer\timage", "0\tWhich?\tm\tn\tB\t"+base(12))},
			prompts: []string{"Which?\nA. m\nB. n" + letter}, answers: map[string]string{"0": "B"}, headline: 1, images: 1},
		"chartqa": {suite: "chartqa", files: map[string]string{"test/test_human.json": `[{"imgname":"1.png","query":"How much?","label":"100"}]`, "test/test_augmented.json": `[{"imgname":"2.png","query":"Which?","label":"cat"}]`,
			"test/png/1.png": picture(13), "test/png/2.png": "no picture"}, prompts: []string{"How much?\nAnswer the question with a single word."}, answers: map[string]string{"human-0": "104", "augmented-0": "cat"}, headline: 0.5, images: 2},
		"docvqa": {suite: "docvqa", files: map[string]string{"val_v1.0_withQT.json": `{"data":[{"questionId":10,"question":"Who?","image":"documents/a_1.png","answers":["Ann"]}]}`, "documents/a_1.png": picture(14)},
			prompts: []string{"Who?" + short}, answers: map[string]string{"10": "ann"}, headline: 1, images: 1, submission: `[{"questionId": 10, "answer": "ann"}]`},
		"docvqa test": {suite: "docvqa", split: "test", files: map[string]string{"test_v1.0.json": `{"data":[{"questionId":10,"question":"Who?","image":"documents/a_1.png"}]}`, "documents/a_1.png": picture(14)},
			prompts: []string{"Who?" + short}, answers: map[string]string{"10": "ann"}, images: 1, submission: `[{"questionId": 10, "answer": "ann"}]`},
		"infovqa": {suite: "infovqa", files: map[string]string{"infographicsVQA_val_v1.0_withQT.json": `{"data":[{"questionId":10,"question":"Who?","image_local_name":"5.jpg","answers":["Ann"]}]}`, "images/5.jpg": picture(14)},
			prompts: []string{"Who?" + short}, answers: map[string]string{"10": "ann"}, headline: 1, images: 1},
		"ocrbench": {suite: "ocrbench", files: map[string]string{"OCRBench.json": `[{"dataset_name":"IIIT5K","id":0,"image_path":"IIIT5K/1.png","question":"what is written?","answers":["CENTRE"],"type":"Regular Text Recognition"}]`, "OCRBench_Images/IIIT5K/1.png": picture(15)},
			prompts: []string{"what is written?"}, answers: map[string]string{"0": "the centre"}, headline: 1, images: 1},
		"realworldqa": {suite: "realworldqa", files: map[string]string{"RealWorldQA.tsv": table("index\timage\tquestion\tA\tB\tanswer", "0\t"+base(16)+"\tWhere?\tleft\tright\tA")},
			prompts: []string{"Where?\nA. left\nB. right\nPlease answer directly with only the letter of the correct option and nothing else."}, answers: map[string]string{"0": "A"}, headline: 1, images: 1},
		"llava_bench": {suite: "llava_bench", files: map[string]string{"questions.jsonl": `{"question_id":0,"image":"001.jpg","text":"Describe it.","category":"detail"}`, "images/001.jpg": picture(17)},
			prompts: []string{"Describe it."}, answers: map[string]string{"0": "a cat"}, images: 1},
		"mmvet": {suite: "mmvet", files: map[string]string{"mm-vet.json": `{"v1_0":{"imagename":"v1_0.png","question":"What is x?","answer":"-1","capability":["ocr","math"]}}`, "images/v1_0.png": picture(18)},
			prompts: []string{"What is x?"}, answers: map[string]string{"v1_0": "-1"}, images: 1, submission: `"v1_0": "-1"`},
		"jsonl": {suite: "jsonl", files: map[string]string{"questions.jsonl": `{"question_id":1,"image":["a.png","b.png"],"text":"Which?","answer":"B","choices":["x","y"]}` + "\n" + `{"question_id":2,"text":"Say yes.","answer":"yes"}`, "images/a.png": picture(19)},
			prompts: []string{"Which?\nA. x\nB. y" + letter, "Say yes."}, answers: map[string]string{"1": "B", "2": "yes"}, headline: 1, images: 2, missing: 1, textOnly: 1},
	}
}

// hub are the data sets as parquet files.
func hub(t *testing.T) map[string]layout {
	type answer struct {
		Answer string `parquet:"answer"`
	}
	type vqa struct {
		Image        embedded `parquet:"image"`
		Question     string   `parquet:"question"`
		QuestionID   int64    `parquet:"question_id"`
		ImageID      int64    `parquet:"image_id"`
		QuestionType string   `parquet:"question_type"`
		AnswerType   string   `parquet:"answer_type"`
		Answers      []answer `parquet:"answers,list"`
	}
	var ten10 []answer
	for range 10 {
		ten10 = append(ten10, answer{"red"})
	}
	type gqaQuestion struct {
		ID       string `parquet:"id"`
		ImageID  string `parquet:"imageId"`
		Question string `parquet:"question"`
		Answer   string `parquet:"answer"`
		Balanced bool   `parquet:"isBalanced"`
	}
	type gqaImage struct {
		ID    string   `parquet:"id"`
		Image embedded `parquet:"image"`
	}
	type plain struct {
		ID         string   `parquet:"id"`
		QuestionID string   `parquet:"question_id"`
		Pid        string   `parquet:"pid"`
		ImageID    string   `parquet:"image_id"`
		Question   string   `parquet:"question"`
		Answer     string   `parquet:"answer"`
		Answers    []string `parquet:"answers,list"`
		Category   string   `parquet:"category"`
		Source     string   `parquet:"image_source"`
		Type       string   `parquet:"type"`
		QType      string   `parquet:"question_type"`
		AType      string   `parquet:"answer_type"`
		Dataset    string   `parquet:"dataset"`
		Options    []string `parquet:"options,list"`
		Capability string   `parquet:"capability"`
		Tokens     []string `parquet:"ocr_tokens,list"`
		Image      embedded `parquet:"image"`
	}
	type science struct {
		Image    *embedded `parquet:"image,optional"`
		Question string    `parquet:"question"`
		Choices  []string  `parquet:"choices,list"`
		Answer   int64     `parquet:"answer"`
		Hint     string    `parquet:"hint"`
		Subject  string    `parquet:"subject"`
	}
	type bench struct {
		Index    int64    `parquet:"index"`
		Question string   `parquet:"question"`
		Hint     string   `parquet:"hint"`
		A        string   `parquet:"A"`
		B        string   `parquet:"B"`
		C        string   `parquet:"C"`
		Answer   string   `parquet:"answer"`
		Category string   `parquet:"category"`
		L2       string   `parquet:"L2-category"`
		Split    string   `parquet:"split"`
		Image    embedded `parquet:"image"`
	}
	type seed struct {
		Answer     string     `parquet:"answer"`
		A          string     `parquet:"choice_a"`
		B          string     `parquet:"choice_b"`
		C          string     `parquet:"choice_c"`
		D          string     `parquet:"choice_d"`
		DataID     string     `parquet:"data_id"`
		DataType   string     `parquet:"data_type"`
		Question   string     `parquet:"question"`
		QuestionID string     `parquet:"question_id"`
		TypeID     int64      `parquet:"question_type_id"`
		Image      []embedded `parquet:"image,list"`
	}
	type mmmu struct {
		ID       string    `parquet:"id"`
		Question string    `parquet:"question"`
		Options  string    `parquet:"options"`
		Answer   string    `parquet:"answer"`
		Image1   *embedded `parquet:"image_1,optional"`
		Image2   *embedded `parquet:"image_2,optional"`
		Type     string    `parquet:"question_type"`
	}
	type math struct {
		Pid       string   `parquet:"pid"`
		Question  string   `parquet:"question"`
		Path      string   `parquet:"image"`
		Image     embedded `parquet:"decoded_image"`
		Choices   []string `parquet:"choices,list"`
		Unit      *string  `parquet:"unit,optional"`
		Precision *float64 `parquet:"precision,optional"`
		Answer    string   `parquet:"answer"`
		QType     string   `parquet:"question_type"`
		AType     string   `parquet:"answer_type"`
		Metadata  struct {
			Grade  string   `parquet:"grade"`
			Skills []string `parquet:"skills,list"`
		} `parquet:"metadata"`
		Query string `parquet:"query"`
	}
	type doc struct {
		QuestionID string   `parquet:"questionId"`
		Question   string   `parquet:"question"`
		Answers    []string `parquet:"answers,list"`
		Image      embedded `parquet:"image"`
	}
	first, second := inside(1), inside(2)
	one := 1.0
	return map[string]layout{
		"vqav2": {suite: "vqav2", files: map[string]string{"data/validation-00000-of-00002.parquet": rows(t, vqa{inside(1), "What colour?", 1, 5, "what", "other", ten10}, vqa{inside(1), "Who?", 2, 5, "who", "other", ten10}),
			"data/validation-00001-of-00002.parquet": rows(t, vqa{inside(2), "What?", 3, 6, "what", "other", ten10})},
			prompts: []string{"What colour?" + short}, answers: map[string]string{"1": "red", "2": "red", "3": "red"}, headline: 100, images: 3},
		"gqa": {suite: "gqa", files: map[string]string{"testdev_balanced_instructions/testdev-00000-of-00001.parquet": rows(t, gqaQuestion{"9", "n1", "Is it?", "yes", true}),
			"testdev_balanced_images/testdev-00000-of-00001.parquet": rows(t, gqaImage{"n0", inside(0)}, gqaImage{"n1", inside(1)})},
			prompts: []string{"Is it?" + short}, answers: map[string]string{"9": "yes"}, headline: 100, images: 1},
		"vizwiz": {suite: "vizwiz", files: map[string]string{"data/val-00000-of-00001.parquet": rows(t, plain{QuestionID: "VizWiz_val_00000000", Question: "What?", Answers: ten("cup"), Image: inside(3)})},
			prompts: []string{"What?\nWhen the provided information is insufficient, respond with 'Unanswerable'." + short}, answers: map[string]string{"0": "cup"}, headline: 1, images: 1, submission: `[{"image": "VizWiz_val_00000000.jpg", "answer": "cup"}]`},
		"textvqa": {suite: "textvqa", files: map[string]string{"data/validation-00000-of-00001.parquet": rows(t, plain{QuestionID: "5", ImageID: "ab", Question: "what brand?", Answers: ten("nokia"), Tokens: []string{"N", "O"}, Image: inside(4)})},
			prompts: []string{"What brand?\nReference OCR token: N, O" + short}, answers: map[string]string{"5": "nokia"}, headline: 100, images: 1},
		"scienceqa": {suite: "scienceqa", files: map[string]string{"ScienceQA-FULL/test-00000-of-00001.parquet": rows(t, science{nil, "Who?", []string{"c", "d"}, 0, "", "social"}, science{&first, "Which?", []string{"a", "b"}, 1, "Look.", "natural"}, science{&second, "What?", []string{"a", "b"}, 1, "", "natural"}),
			"ScienceQA-IMG/test-00000-of-00001.parquet": rows(t, science{&first, "Which?", []string{"a", "b"}, 1, "Look.", "natural"})},
			prompts: []string{"Who?\nA. c\nB. d" + letter, "Context: Look.\nWhich?\nA. a\nB. b" + letter}, answers: map[string]string{"0": "A", "1": "B", "2": "B"}, headline: 100, images: 2, textOnly: 1},
		"pope": {suite: "pope", files: map[string]string{"data/test-00000-of-00001.parquet": rows(t, plain{QuestionID: "1", Category: "adversarial", Source: "a", Question: "Dog?", Answer: "yes", Image: inside(5)},
			plain{QuestionID: "1", Category: "random", Source: "a", Question: "Dog?", Answer: "yes", Image: inside(5)})}, prompts: []string{"Dog?" + short}, answers: map[string]string{"1": "Yes", "10000001": "Yes"}, headline: 100, images: 2},
		"mme": {suite: "mme", files: map[string]string{"data/test-00000-of-00001.parquet": rows(t, plain{QuestionID: "existence/1.png", Category: "existence", Question: "Is it? Please answer yes or no.", Answer: "Yes", Image: inside(6)},
			plain{QuestionID: "existence/1.png", Category: "existence", Question: "Is it not? Please answer yes or no.", Answer: "No", Image: inside(6)})}, prompts: []string{"Is it?" + short},
			answers: map[string]string{"existence/1#0": "Yes", "existence/1#1": "No"}, headline: 200, images: 2},
		"mmbench": {suite: "mmbench", files: map[string]string{"en/dev-00000-of-00001.parquet": rows(t, bench{3, "Which?", "nan", "x", "y", "nan", "A", "ocr", "p", "dev", inside(7)}, bench{1000003, "Which?", "nan", "y", "x", "nan", "B", "ocr", "p", "dev", inside(7)}),
			"cn/dev-00000-of-00001.parquet": rows(t, bench{3, "哪个?", "nan", "x", "y", "nan", "A", "ocr", "p", "dev", inside(7)})}, prompts: []string{"Which?\nA. x\nB. y" + letter}, answers: map[string]string{"3": "A", "1000003": "B"}, headline: 100, images: 2},
		"mmbench_cn": {suite: "mmbench_cn", files: map[string]string{"cn/dev-00000-of-00001.parquet": rows(t, bench{3, "哪个?", "nan", "x", "y", "nan", "A", "ocr", "p", "dev", inside(7)})},
			prompts: []string{"哪个?\nA. x\nB. y\n请直接回答选项字母。"}, answers: map[string]string{"3": "A"}, headline: 100, images: 1},
		"seed": {suite: "seed", files: map[string]string{"data/test-00000-of-00001.parquet": rows(t, seed{"B", "p", "q", "r", "s", "1_2", "image", "What?", "101", 1, []embedded{inside(8), inside(9)}}, seed{"A", "p", "q", "r", "s", "1_3", "video", "Who?", "102", 10, []embedded{inside(10)}})},
			prompts: []string{"What?\nA. p\nB. q\nC. r\nD. s" + letter}, answers: map[string]string{"101": "B", "102": "A"}, headline: 100, images: 2},
		"mmmu": {suite: "mmmu", files: map[string]string{"Art/validation-00000-of-00001.parquet": rows(t, mmmu{"validation_Art_1", "Which <image 1>?", `['it\'s', "b"]`, "B", &first, &second, "multiple-choice"}),
			"Music/validation-00000-of-00001.parquet": rows(t, mmmu{"validation_Music_1", "How much?", "[]", "['7', 'seven']", nil, nil, "open"}), "Music/test-00000-of-00001.parquet": "not read"},
			prompts: []string{"Which <image 1>?\n\n(A) it's\n(B) b\n" + letter, "How much?\n" + short}, answers: map[string]string{"validation_Art_1": "B", "validation_Music_1": "7"}, headline: 1, images: 1, textOnly: 1},
		"mmmu test": {suite: "mmmu", split: "test", files: map[string]string{"Art/test-00000-of-00001.parquet": rows(t, mmmu{"test_Art_1", "Which?", `['a', "b"]`, "?", &first, nil, "multiple-choice"})},
			answers: map[string]string{"test_Art_1": "The answer is (B)"}, images: 1, submission: "{\n    \"test_Art_1\": \"B\"\n}"},
		"mathvista": {suite: "mathvista", files: map[string]string{"data/testmini-00000-of-00001.parquet": rows(t, math{Pid: "1", Question: "How long?", Path: "images/1.jpg", Image: inside(11), Precision: &one, Answer: "1.5", QType: "free_form", AType: "float", Query: "q"})},
			prompts: []string{"How long?\nAnswer the question using a single floating-point number with one decimal place."}, answers: map[string]string{"1": "1.5"}, headline: 1, images: 1},
		"chartqa": {suite: "chartqa", files: map[string]string{"data/test-00000-of-00001.parquet": rows(t, plain{Type: "human_test", Question: "How much?", Answer: "100", Image: inside(12)}, plain{Type: "augmented_test", Question: "Which?", Answer: "cat", Image: inside(13)})},
			prompts: []string{"How much?\nAnswer the question with a single word."}, answers: map[string]string{"human-0": "100", "augmented-0": "cat"}, headline: 1, images: 2},
		"docvqa": {suite: "docvqa", files: map[string]string{"DocVQA/validation-00000-of-00001.parquet": rows(t, doc{"10", "Who?", []string{"Ann"}, inside(14)}), "InfographicVQA/validation-00000-of-00001.parquet": "not read"},
			prompts: []string{"Who?" + short}, answers: map[string]string{"10": "ann"}, headline: 1, images: 1},
		"docvqa test": {suite: "docvqa", split: "test", files: map[string]string{"DocVQA/test-00000-of-00001.parquet": rows(t, doc{"10", "Who?", nil, inside(14)})},
			prompts: []string{"Who?" + short}, answers: map[string]string{"10": "ann"}, images: 1, submission: `[{"questionId": 10, "answer": "ann"}]`},
		"infovqa": {suite: "infovqa", files: map[string]string{"InfographicVQA/validation-00000-of-00001.parquet": rows(t, doc{"10", "Who?", []string{"Ann"}, inside(14)})},
			prompts: []string{"Who?" + short}, answers: map[string]string{"10": "ann"}, headline: 1, images: 1},
		"ai2d": {suite: "ai2d", files: map[string]string{"data/test-00000-of-00001.parquet": rows(t, plain{Question: "Which?", Options: []string{"m", "n"}, Answer: "1", Image: inside(15)})},
			prompts: []string{"Which?\nA. m\nB. n" + letter}, answers: map[string]string{"0": "B"}, headline: 1, images: 1},
		"realworldqa": {suite: "realworldqa", files: map[string]string{"data/test-00000-of-00001.parquet": rows(t, plain{Question: "Where?\nA. left\nB. right\nAnswer.", Answer: "A", Image: inside(16)})},
			prompts: []string{"Where?\nA. left\nB. right\nAnswer."}, answers: map[string]string{"0": "A"}, headline: 1, images: 1},
		"ocrbench": {suite: "ocrbench", files: map[string]string{"data/test-00000-of-00001.parquet": rows(t, plain{Dataset: "IIIT5K", Question: "what?", QType: "Regular Text Recognition", Answer: "CENTRE", Image: inside(17)})},
			prompts: []string{"what?"}, answers: map[string]string{"0": "centre"}, headline: 1, images: 1},
		"llava_bench": {suite: "llava_bench", files: map[string]string{"data/train-00000-of-00001.parquet": rows(t, plain{QuestionID: "0", Question: "Describe.", Category: "detail", Image: inside(18)})},
			prompts: []string{"Describe."}, answers: map[string]string{"0": "a cat"}, images: 1},
		"mmvet": {suite: "mmvet", files: map[string]string{"data/test-00000-of-00001.parquet": rows(t, plain{QuestionID: "v1_0", Question: "What is x?", Capability: "ocr,math", Image: inside(19)})},
			prompts: []string{"What is x?"}, answers: map[string]string{"v1_0": "-1"}, images: 1, submission: `"v1_0": "-1"`},
	}
}
