package official_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/eval/local"
	"llavabench/eval/official"
	"llavabench/eval/pictures"
	"llavabench/eval/suites"
	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
	"llavabench/internal/rundir"
)

// knows answers from a table.
type knows struct {
	answers map[string]string
	asked   []string
}

func (k *knows) Answer(_ context.Context, q eval.Question, _ *imaging.RGB) (eval.Answer, error) {
	k.asked = append(k.asked, q.Text)
	text, ok := k.answers[q.ID]
	if !ok {
		text = "?"
	}
	return eval.Answer{Text: text}, nil
}

// write lays files out in a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return dir
}

// pack puts files into zip files: one of each outermost folder, named as it, and one of the rest.
func pack(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	groups := map[string][]string{}
	for name := range files {
		top, _, nested := strings.Cut(name, "/")
		if !nested {
			top = "rest"
		}
		groups[top] = append(groups[top], name)
	}
	out := map[string]string{}
	for top, names := range groups {
		slices.Sort(names)
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for i, name := range names {
			h := &zip.FileHeader{Name: name, Method: zip.Deflate}
			if i%2 == 1 {
				h.Method = zip.Store
			}
			f, err := w.CreateHeader(h)
			require.NoError(t, err)
			_, err = f.Write([]byte(files[name]))
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		out[top+".zip"] = b.String()
	}
	return out
}

// flat packs files under other names: without the outermost folder, in a zip file of its name; the rest inside one more folder.
func flat(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	renamed := map[string]map[string]string{}
	for name, text := range files {
		top, rest, nested := strings.Cut(name, "/")
		if !nested {
			top, rest = "everything", path.Join("release-1.0", name)
		}
		if renamed[top] == nil {
			renamed[top] = map[string]string{}
		}
		renamed[top][rest] = text
	}
	out := map[string]string{}
	for top, files := range renamed {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for name, text := range files {
			f, err := w.Create(name)
			require.NoError(t, err)
			_, err = f.Write([]byte(text))
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		out[top+".zip"] = b.String()
	}
	return out
}

func open(t *testing.T, l layout, dir, flavour string) *official.Run {
	t.Helper()
	s, err := suites.Find(l.suite)
	require.NoError(t, err)
	d, err := suites.OpenDir(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	d.Split = l.split
	require.True(t, s.In(d))
	data, err := s.Load(d)
	require.NoError(t, err)
	r, err := official.Open(s, d, data, flavour, 0)
	require.NoError(t, err)
	return r
}

// ask runs a benchmark and gives its samples.
func ask(t *testing.T, r *official.Run, sys eval.System) (eval.Summary, []rundir.Sample) {
	t.Helper()
	s, err := r.Eval()
	require.NoError(t, err)
	m := rundir.Manifest{Suite: s.Info, Settings: []byte("{}")}
	path := filepath.Join(t.TempDir(), "run")
	dir, err := rundir.Create(path, m)
	require.NoError(t, err)
	summary, err := eval.Run(context.Background(), s, sys, dir, m, eval.Options{})
	require.NoError(t, err)
	require.NoError(t, dir.Close())
	samples, err := rundir.ReadSamples(path)
	require.NoError(t, err)
	return summary, samples
}

// layouts are all data sets in every packing.
func layouts(t *testing.T) map[string]layout {
	all := map[string]layout{}
	for name, l := range folders() {
		all[name] = l
		packed := l
		packed.files = pack(t, l.files)
		all[name+", zip"] = packed
		packed.files = flat(t, l.files)
		all[name+", zip of other names"] = packed
	}
	for name, l := range hub(t) {
		all[name+", parquet"] = l
	}
	return all
}

// Every suite in every layout is read, asked with LLaVA's prompts where it has one, scored by its official rules or written as a
// submission, and its pictures are found or counted as missing.
func TestEveryLayout(t *testing.T) {
	seen := map[string]bool{}
	for name, l := range layouts(t) {
		seen[l.suite] = true
		t.Run(name, func(t *testing.T) {
			r := open(t, l, write(t, l.files), "")
			sys := &knows{answers: l.answers}
			summary, samples := ask(t, r, sys)

			names := map[string]bool{}
			missing, bare, broken := 0, 0, 0
			for _, q := range r.Data.Questions {
				if len(q.Images) == 0 {
					bare++
				}
				for _, image := range q.Images {
					if !names[image] && !r.Dir.HasPicture(image) {
						missing++
					}
					names[image] = true
					source, found := r.Dir.Source(image)
					require.Equal(t, r.Dir.HasPicture(image), found, image)
					if found {
						require.FileExists(t, filepath.Join(r.Dir.Root(), source))
					}
				}
			}
			require.Equal(t, []int{l.images, l.missing, l.textOnly}, []int{len(names), missing, bare})
			for i, want := range l.prompts {
				require.Equal(t, want, samples[i].Question)
			}
			var finder pictures.Finder // as reports find them later
			m := rundir.Manifest{Suite: rundir.Suite{Name: r.Suite.Name, Split: r.Dir.Split}, Pictures: r.Dir.Root()}
			for _, s := range samples {
				if s.Error == "" && s.Image != "" {
					img, err := finder.Of(m, s)
					require.NoError(t, err)
					require.Equal(t, s.PixelSHA256, img.PixelSHA256())
				} else {
					_, err := finder.Of(m, s)
					require.Error(t, err)
				}
				if s.Error != "" {
					require.Contains(t, s.Error, "picture")
					broken++
				} else if s.Image != "" {
					require.NotZero(t, s.Width)
				}
			}
			require.NoError(t, finder.Close())
			m.Pictures += "/gone"
			for _, s := range samples {
				_, err := finder.Of(m, s)
				require.Error(t, err)
				if s.Image != "" {
					require.ErrorIs(t, err, fs.ErrNotExist)
				}
			}
			require.Equal(t, broken, summary.Failed)
			require.Len(t, sys.asked, len(samples)-broken)
			require.NotNil(t, summary.Official)
			if r.Unscored() == "" {
				require.InDelta(t, l.headline, *summary.Official.Figures[0].Value, 1e-9)
				require.Equal(t, broken, summary.Official.Missing)
				for _, sc := range r.Suite.Scorers {
					_, err := r.Score(sc.Name, samples)
					require.NoError(t, err, sc.Name)
				}
				require.Zero(t, summary.Unscored)
			} else {
				require.Equal(t, []string{r.Unscored()}, summary.Official.Notes)
				require.Equal(t, len(samples), summary.Unscored)
			}
			if l.submission != "" {
				var b bytes.Buffer
				_, err := r.Submit(&b, samples)
				require.NoError(t, err)
				require.Contains(t, b.String(), l.submission)
			}
			for _, p := range suites.Prompts(l.suite) {
				f, err := suites.FindFlavour(l.suite, suites.Flavour{Prompt: p}.Name())
				require.NoError(t, err)
				require.Positive(t, f.MaxNewTokens)
			}
		})
	}
	for _, s := range suites.All() {
		require.True(t, seen[s.Name], s.Name)
	}
}

// A small checkpoint answers the first questions of every suite.
func TestCheckpoint(t *testing.T) {
	p, err := pipeline.Open(context.Background(), "../../testdata/models/llava15", pipeline.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	sys := local.New(p, local.Options{MaxNewTokens: 2}, pipeline.Together{})
	done := map[string]bool{}
	for name, l := range folders() {
		if done[l.suite] {
			continue
		}
		done[l.suite] = true
		t.Run(name, func(t *testing.T) {
			r := open(t, l, write(t, l.files), "")
			r.Data = official.First(r.Data, 1)
			summary, samples := ask(t, r, sys)
			require.Len(t, samples, 1)
			require.Empty(t, samples[0].Error)
			require.Contains(t, samples[0].Prompt, samples[0].Question)
			require.NotNil(t, summary.Official)
		})
	}
}

// Nothing that the data name leads out of their directory.
func TestNamesStayInside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.png")
	require.NoError(t, os.WriteFile(outside, []byte(picture(1)), 0o644))
	for _, name := range []string{"../secret.png", outside, "link.png", "dir/secret.png", "a\\b.png"} {
		l := layout{suite: "seed", files: map[string]string{"SEED-Bench.json": `{"questions":[{"answer":"B","choice_a":"p","choice_b":"q","data_id":` +
			quote(name) + `,"data_type":"image","question":"What?","question_id":"1","question_type_id":1}],"question_type":{"Scene Understanding":1}}`,
			"SEED-Bench-image/here.png": picture(2)}}
		dir := write(t, l.files)
		require.NoError(t, os.Symlink(outside, filepath.Join(dir, "SEED-Bench-image/link.png")))
		require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(dir, "SEED-Bench-image/dir")))
		r := open(t, l, dir, "")
		_, samples := ask(t, r, &knows{})
		require.NotEmpty(t, samples[0].Error, name)
		require.Zero(t, samples[0].Width)
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `\`, `\\`) + `"` }

// The folder of pictures may itself be a link, as those of large data sets often are.
func TestFolderIsALink(t *testing.T) {
	l := folders()["gqa"]
	elsewhere := write(t, map[string]string{"n1.jpg": l.files["images/n1.jpg"]})
	dir := write(t, map[string]string{"testdev_balanced_questions.json": l.files["testdev_balanced_questions.json"]})
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, "images")))
	_, samples := ask(t, open(t, l, dir, ""), &knows{})
	require.Empty(t, samples[0].Error)
}

func TestOtherFlavours(t *testing.T) {
	l := folders()["mme"]
	r := open(t, l, write(t, l.files), "vlmevalkit")
	_, samples := ask(t, r, &knows{})
	require.Equal(t, "Is it? Please answer yes or no.", samples[0].Question)
	require.Equal(t, 2048, r.Flavour.MaxNewTokens)
	_, err := official.Open(r.Suite, r.Dir, r.Data, "other", 0)
	require.ErrorContains(t, err, `not asked as "other", expected one of llava, lmms-eval, vlmevalkit`)
}

// What the scorer cannot score ends the run with the scorer's words; it does not count as wrong.
func TestScorerThatFails(t *testing.T) {
	l := folders()["pope"]
	r := open(t, l, write(t, l.files), "")
	failing := *r.Suite
	failing.Scorers = []suites.Scorer{{Name: "bad", Score: func(*suites.Data, *suites.Answers) (*suites.Result, error) { return nil, errors.New("no label") }}}
	r.Suite = &failing
	s, err := r.Eval()
	require.NoError(t, err)
	_, err = s.Score(eval.Question{ID: r.Data.Questions[0].ID}, "yes")
	require.EqualError(t, err, "suite pope: the scorer bad: no label")
	failing.Scorers[0].Score = func(*suites.Data, *suites.Answers) (*suites.Result, error) { return &suites.Result{}, nil }
	s, err = r.Eval()
	require.NoError(t, err)
	_, err = s.Score(eval.Question{ID: r.Data.Questions[0].ID}, "yes")
	require.EqualError(t, err, "suite pope: the scorer bad gives 0 scores to one answer")
}
