package page

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"

	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
	"llavabench/reports/study"
)

// The types below are what page.js reads.

type pageData struct {
	Studies []studyData `json:"studies"`
	// Pictures are JPEG files in base64.
	Pictures []string `json:"pictures"`
}

type studyData struct {
	Title   string       `json:"title"`
	Runs    []runData    `json:"runs"`
	Samples []sampleData `json:"samples"`
	// Sizes are the different sizes of pictures; samples and layouts refer to them.
	Sizes [][2]int `json:"sizes"`
}

type runData struct {
	Name string `json:"name"`
	// Layouts has the regions of the views for each of the study's sizes: [kind, x, y, w, h].
	Layouts [][][5]any `json:"layouts"`
}

type sampleData struct {
	ID        string        `json:"id"`
	Category  string        `json:"category,omitempty"`
	Question  string        `json:"question"`
	Reference string        `json:"reference,omitempty"`
	Detail    int           `json:"detail,omitempty"`
	Size      int           `json:"size"`              // index into sizes, -1 for no picture
	Picture   int           `json:"picture"`           // index into pictures, -1 for none
	Without   string        `json:"without,omitempty"` // why there is none
	Answers   []*answerData `json:"answers"`           // by run; null where it was not asked
}

type answerData struct {
	Text    string   `json:"text"`
	Error   string   `json:"error,omitempty"`
	Score   *float64 `json:"score,omitempty"` // absent where it does not count
	Image   int      `json:"image"`           // tokens
	Prompt  int      `json:"prompt"`
	Output  int      `json:"output"`
	Latency *float64 `json:"latency,omitempty"` // ms
	Options string   `json:"options,omitempty"` // with their log-likelihoods, where the answer was chosen by them
}

// leftOut is why the pictures behind the bound are missing.
const leftOut = "left out: the pictures before it fill the page's share"

// collect makes the page's data and says what is missing.
func collect(sections []Section, o Options) (pageData, []string, error) {
	p := &collector{o: o, pictures: map[string]int{}, data: pageData{Pictures: []string{}}}
	for _, s := range sections {
		p.total += questions(s.Study)
	}
	for _, s := range sections {
		d, err := p.study(s.Study)
		if err != nil {
			return pageData{}, nil, err
		}
		p.data.Studies = append(p.data.Studies, d)
	}
	var notes []string
	if p.full > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d pictures are left out: the others take %.1f MB, and the page was to hold at most %.1f MB of pictures.",
			p.full, p.full+len(p.data.Pictures), float64(p.bytes)/1e6, float64(o.PictureBytes)/1e6))
	}
	if p.gone > 0 {
		notes = append(notes, fmt.Sprintf("%d pictures could not be shown; the first: %s", p.gone, p.first))
	}
	return p.data, notes, nil
}

type collector struct {
	o        Options
	data     pageData
	pictures map[string]int // index by pixels
	bytes    int64
	full     int    // pictures behind the bound
	gone     int    // pictures that were not found
	first    string // and why not
	done     int
	total    int
}

// questions counts those that any run was asked.
func questions(s study.Study) int {
	seen := map[string]bool{}
	for _, r := range s.Runs {
		for _, x := range r.Samples {
			seen[x.ID] = true
		}
	}
	return len(seen)
}

func (p *collector) study(s study.Study) (studyData, error) {
	d := studyData{Title: s.Title(), Samples: []sampleData{}, Sizes: [][2]int{}}
	at := map[string]int{}
	sizes := map[[2]int]int{}
	for i, r := range s.Runs {
		for n, x := range r.Samples {
			k, ok := at[x.ID]
			if !ok {
				k = len(d.Samples)
				at[x.ID] = k
				sample := sampleData{ID: x.ID, Category: x.Category, Question: question(x), Reference: x.Reference, Detail: x.DetailPx, Size: -1, Picture: -1, Answers: make([]*answerData, len(s.Runs))}
				size := [2]int{x.Width, x.Height}
				img, err := p.picture(r.Manifest, x, &sample)
				if err != nil {
					return studyData{}, err
				}
				if img != nil && size == [2]int{} {
					size = [2]int{img.Width, img.Height}
				}
				if size[0] > 0 && size[1] > 0 {
					if _, ok := sizes[size]; !ok {
						sizes[size] = len(d.Sizes)
						d.Sizes = append(d.Sizes, size)
					}
					sample.Size = sizes[size]
				}
				d.Samples = append(d.Samples, sample)
				p.done++
				if p.o.Progress != nil {
					p.o.Progress("pictures", p.done, p.total)
				}
			}
			d.Samples[k].Answers[i] = answer(r, n)
		}
	}
	for _, r := range s.Runs {
		run := runData{Name: r.Name, Layouts: [][][5]any{}}
		for _, size := range d.Sizes {
			run.Layouts = append(run.Layouts, p.layout(r.Manifest.System, imaging.Size{W: size[0], H: size[1]}))
		}
		d.Runs = append(d.Runs, run)
	}
	return d, nil
}

func answer(r study.Run, n int) *answerData {
	x := r.Samples[n]
	a := &answerData{Text: x.Text, Error: x.Error, Image: x.ImageTokens, Prompt: x.PromptTokens, Output: len(x.OutputIDs)}
	if score, ok := x.Mark(); ok {
		a.Score = &score
	}
	var options []string
	for _, o := range x.Options {
		options = append(options, fmt.Sprintf("%s %.2f", o.Answer, o.LogProb))
	}
	a.Options = strings.Join(options, ", ")
	if ms, ok := r.Latency(n); ok {
		ms = math.Round(ms*10) / 10
		a.Latency = &ms
	}
	return a
}

// question is the text as asked; runs from before it was recorded have the prompt only.
func question(s rundir.Sample) string {
	if s.Question != "" {
		return s.Question
	}
	return s.Prompt
}

// picture embeds a sample's picture, once for all samples with the same pixels, as long as there is room. It returns the
// picture when it was opened; only the end of the context is an error.
func (p *collector) picture(m rundir.Manifest, x rundir.Sample, to *sampleData) (*imaging.RGB, error) {
	if p.o.Picture == nil {
		return nil, nil
	}
	key := fmt.Sprintf("%s %dx%d", x.PixelSHA256, x.Width, x.Height)
	if x.PixelSHA256 != "" {
		if i, ok := p.pictures[key]; ok {
			to.Picture = i
			if i < 0 {
				to.Without = leftOut
			}
			return nil, nil
		}
		if p.full > 0 {
			// Once one did not fit, none is tried: what is shown is the beginning of the suite, not what happens to be small.
			p.pictures[key], to.Without = -1, leftOut
			p.full++
			return nil, nil
		}
	}
	img, err := p.o.Picture(m, x)
	if errors.Is(err, ErrNoPicture) {
		return nil, nil
	}
	if errors.Is(err, context.Canceled) {
		return nil, err
	}
	if err != nil {
		to.Without = err.Error()
		if p.gone++; p.gone == 1 {
			p.first = err.Error()
		}
		return nil, nil
	}
	jpeg, err := thumbnail(img)
	if err != nil {
		to.Without = err.Error()
		return img, nil
	}
	if p.full > 0 || p.bytes+int64(len(jpeg)) > p.o.PictureBytes {
		p.pictures[key], to.Without = -1, leftOut
		p.full++
		return img, nil
	}
	p.bytes += int64(len(jpeg))
	to.Picture = len(p.data.Pictures)
	if x.PixelSHA256 != "" {
		p.pictures[key] = to.Picture
	}
	p.data.Pictures = append(p.data.Pictures, base64.StdEncoding.EncodeToString(jpeg))
	return img, nil
}

// ErrNoPicture is the class of errors of Options.Picture for a question that has none.
var ErrNoPicture = errors.New("the question has no picture")

// layout is where the views of a run lie on pictures of a size; nothing where that is not known.
func (p *collector) layout(system rundir.System, size imaging.Size) [][5]any {
	out := [][5]any{}
	if p.o.Views == nil {
		return out
	}
	regions, err := p.o.Views(system, size)
	if err != nil {
		return out // the run could not look at such a picture either, its answer says why
	}
	round := func(v float64) float64 { return math.Round(v*10) / 10 }
	for _, r := range regions {
		out = append(out, [5]any{r.Kind, round(r.X), round(r.Y), round(r.W), round(r.H)})
	}
	return out
}
