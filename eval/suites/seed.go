package suites

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"llavabench/eval/score"
)

func seed() *Suite {
	return &Suite{
		Name:    "seed",
		Title:   "SEED-Bench",
		Licence: "CC BY-NC 4.0",
		Size:    "questions 10 MB, images 4 GB; videos from their own sources",
		Metric:  "share of right letters over images and videos, percent",
		Items:   19242,
		Files: []File{
			{Path: "SEED-Bench.json", Source: "https://huggingface.co/datasets/AILab-CVC/SEED-Bench"},
			{Path: "SEED-Bench-image/", Source: "https://huggingface.co/datasets/AILab-CVC/SEED-Bench", Note: "not needed for scoring", Optional: true},
			{Path: llavaSEED, Source: "eval.zip of LLaVA (docs/Evaluation.md)", Note: "names the frames of the videos; not needed for scoring", Optional: true},
			{Path: "SEED-Bench-video-image/", Source: "frames taken with LLaVA's extract_video_frames.py", Note: "not needed for scoring", Optional: true},
		},
		Open: openSEED,
		Scorers: []Scorer{
			{Name: "llava", Upstream: "haotian-liu/LLaVA c121f04, scripts/convert_seed_for_submission.py", Score: scoreSEED},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/seedbench", Score: scoreSEEDLmms},
		},
		Submission: &Submission{Name: "seed_upload.jsonl", Write: writeSEED},
	}
}

// A seedReference is the right letter and the type of a question.
type seedReference struct {
	answer, dataType, typeName string
	typeID                     int
}

func openSEED(d *Dir) (*Data, error) {
	const name = "SEED-Bench.json"
	var file struct {
		Questions []struct {
			Answer     string `json:"answer"`
			A          string `json:"choice_a"`
			B          string `json:"choice_b"`
			C          string `json:"choice_c"`
			D          string `json:"choice_d"`
			DataID     string `json:"data_id"`
			DataType   string `json:"data_type"`
			Question   string `json:"question"`
			QuestionID ID     `json:"question_id"`
			TypeID     int    `json:"question_type_id"`
		} `json:"questions"`
		Types map[string]int `json:"question_type"`
	}
	if err := d.JSON(name, &file); err != nil {
		return nil, err
	}
	names := make(map[int]string, len(file.Types))
	for name, id := range file.Types {
		names[id] = name
	}
	listed, err := seedPictures(d)
	if err != nil {
		return nil, err
	}
	data := &Data{Labelled: true, Read: d.Read()}
	for i, q := range file.Questions {
		ref := seedReference{answer: q.Answer, dataType: q.DataType, typeName: names[q.TypeID], typeID: q.TypeID}
		if ref.typeName == "" {
			return nil, fmt.Errorf("%s: question %d: type %d is not among question_type", name, i+1, q.TypeID)
		}
		picture := listed[q.QuestionID]
		switch {
		case picture != "":
		case q.DataType == "video": // a frame of it
			picture = "SEED-Bench-video-image/" + q.DataID
			if d.HasPicture(picture + ".png") {
				picture += ".png"
			}
		default:
			picture = "SEED-Bench-image/" + q.DataID
		}
		data.Questions = append(data.Questions, Question{ID: string(q.QuestionID), Text: q.Question, Group: q.DataID, Category: ref.typeName,
			Images: []string{picture}, Reference: ref,
			Parts: Item{Options: untilEmpty(q.A, q.B, q.C, q.D)}})
	}
	return data, uniqueIDs(name, data.Questions)
}

const llavaSEED = "llava-seed-bench.jsonl"

// seedPictures are the pictures by question as LLaVA's question file has them; none where it is not there.
func seedPictures(d *Dir) (map[ID]string, error) {
	if !d.Exists(llavaSEED) {
		return nil, nil
	}
	list, err := readLLaVAQuestions(d, llavaSEED)
	pictures := make(map[ID]string, len(list))
	for _, q := range list {
		pictures[q.QuestionID] = q.Image
	}
	return pictures, err
}

// scoreSEED is eval_single of LLaVA: the text must be the letter, nothing more; a missing answer is wrong.
func scoreSEED(d *Data, a *Answers) (*Result, error) {
	m := Match(d, a)
	r := m.Result()
	var total tally
	byType, byData := map[int]*tally{}, tallies{}
	names := map[int]string{}
	for i := range d.Questions {
		ref, ok := d.Questions[i].Reference.(seedReference)
		if !ok || ref.answer == "" {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		if sample.Answered {
			sample.Parsed = m.Text(i)
			if len(sample.Parsed) != 1 {
				sample.Unparsed = true
				r.Unparsed++
			}
			if sample.Parsed == ref.answer {
				sample.Score = 1
			}
		}
		if byType[ref.typeID] == nil {
			byType[ref.typeID] = &tally{}
			names[ref.typeID] = ref.typeName
		}
		byType[ref.typeID].add(sample.Score)
		byData.add(ref.dataType, sample.Score)
		total.add(sample.Score)
		r.Samples = append(r.Samples, sample)
	}
	percent := func(name string, t tally) Metric {
		return Metric{Name: name, Value: t.mean() * 100, N: t.n, Unit: Percent, Digits: 2}
	}
	r.Metrics = append(r.Metrics, percent("Total", total))
	for _, name := range byData.names() {
		r.Metrics = append(r.Metrics, percent(name, *byData[name]))
	}
	var ids []int
	for id := range byType {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		r.Metrics = append(r.Metrics, percent(names[id], *byType[id]))
	}
	return r, nil
}

// SEEDReport is what LLaVA's script prints, of a result of its scorer: the types in the order of their numbers, then the totals.
func SEEDReport(r *Result) string {
	var types, totals strings.Builder
	for _, m := range r.Metrics {
		switch m.Name {
		case "Total", "image", "video":
			fmt.Fprintf(&totals, "%s accuracy: %s%%\n", m.Name, m.Text())
		default:
			fmt.Fprintf(&types, "%s: %s%%\n", m.Name, m.Text())
		}
	}
	return types.String() + totals.String()
}

// scoreSEEDLmms compares the first character in any case. Upstream knows only questions that were answered; ours counts the others
// as wrong in figures of their own.
func scoreSEEDLmms(d *Data, a *Answers) (*Result, error) {
	m := Match(d, a)
	r := m.Result()
	var all, strict tally
	byData := tallies{}
	for i := range d.Questions {
		ref, ok := d.Questions[i].Reference.(seedReference)
		if !ok || ref.answer == "" {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		if sample.Answered {
			sample.Parsed = score.SEEDLmms(m.Text(i))
			sample.Unparsed = sample.Parsed == ""
			if sample.Unparsed {
				r.Unparsed++
			}
			if sample.Parsed == score.Strip(score.Lower(ref.answer)) {
				sample.Score = 1
			}
			all.add(sample.Score)
			byData.add("seed_"+ref.dataType, sample.Score)
		}
		strict.add(sample.Score)
		r.Samples = append(r.Samples, sample)
	}
	r.Metrics = append([]Metric{all.ratio("seed_all")}, byData.ratios("")...)
	if r.Missing > 0 {
		r.Metrics = append(r.Metrics, strict.ratio("seed_all, missing as wrong"))
		r.Notes = append(r.Notes, fmt.Sprintf("upstream averages over answered questions; %d have no answer", r.Missing))
	}
	return r, nil
}

// writeSEED writes the upload: a line {question_id, prediction} for each question in the owners' order. Upstream's writer breaks
// off at a missing answer, and an upload without it is not taken.
func writeSEED(w io.Writer, d *Data, a *Answers) ([]string, error) {
	m := Match(d, a)
	if m.missing > 0 {
		return nil, errors.New(strconv.Itoa(m.missing) + " questions have no answer, but an upload must answer all")
	}
	for i, q := range d.Questions {
		if _, err := fmt.Fprintf(w, "{\"question_id\": %s, \"prediction\": %s}\n", pyQuote(q.ID), pyQuote(m.Text(i))); err != nil {
			return nil, err
		}
	}
	return a.Notes(), nil
}
