package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
	"llavabench/reports/plots"
	"llavabench/reports/study"
	"llavabench/reports/study/studytest"
	"llavabench/reports/tables"
)

// hostile is text that would do harm as markup, as part of a script, or in an attribute.
const hostile = `</script><script>window.harmed=1</script><img src=x onerror="window.harmed=1"> "'&<!-- ]]> ${1} {{.}} ` + "\u202e\x01\u2028"

// sections makes everything of made-up runs with hostile texts everywhere.
func sections(t testing.TB, n int, models ...studytest.Model) []Section {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i, m := range models {
		path := filepath.Join(dir, fmt.Sprintf("%d<b>", i))
		studytest.WriteRun(t, path, n, m, func(m *rundir.Manifest, s *rundir.Sample) {
			m.Command = []string{"llavabench", "eval", hostile}
			m.Machine.CPU, m.Suite.Version = hostile, hostile
			m.System.Files[0].Name = hostile
			if s.Index%10 == 3 {
				s.Question, s.Text, s.Reference, s.Scorer = hostile, hostile, hostile, hostile
			}
			if s.Index%50 == 7 {
				s.Error, s.Score = hostile, nil
			}
		})
		paths = append(paths, path)
	}
	runs, err := study.LoadAll(paths)
	require.NoError(t, err)
	var out []Section
	for _, s := range study.Group(runs) {
		section := Section{Study: s, Tables: tables.All(s)}
		section.Figures, section.Missing, err = plots.All(s)
		require.NoError(t, err)
		out = append(out, section)
	}
	return out
}

// options draw small pictures and lay two tiles over each.
func options() Options {
	return Options{
		Title: "Made-up runs " + hostile, PictureBytes: 50e6,
		Picture: func(_ rundir.Manifest, s rundir.Sample) (*imaging.RGB, error) {
			m := imaging.NewRGB(imaging.Size{W: s.Width / 8, H: s.Height / 8})
			for i := range m.Pix {
				m.Pix[i] = uint8(i/3%m.Width*4 + s.Index)
			}
			return m, nil
		},
		Views: func(_ rundir.System, size imaging.Size) ([]Region, error) {
			w, h := float64(size.W), float64(size.H)
			return []Region{{"global", 0, 0, w, h}, {"tile", 0, -20, w / 2, h + 40}, {"tile", w / 2, -20, w / 2, h + 40}, {"kept", 0, 0, w, h}}, nil
		},
	}
}

func render(t testing.TB, s []Section, o Options) (page string, notes []string) {
	t.Helper()
	var b bytes.Buffer
	notes, err := Write(&b, s, o)
	require.NoError(t, err)
	return b.String(), notes
}

func TestEverythingIsEscaped(t *testing.T) {
	page, _ := render(t, sections(t, 70, studytest.Generations...), options())
	require.Equal(t, 2, strings.Count(page, "<script"), "the data and the program")
	require.Equal(t, 2, strings.Count(page, "</script"))
	require.NotContains(t, page, "<img")
	require.NotContains(t, page, "onerror=\"")
	for _, tag := range regexp.MustCompile(`<[a-z][^>]*>`).FindAllString(page[:strings.Index(page, `id="data"`)], -1) {
		for _, m := range regexp.MustCompile(`\s(?:src|href|xlink:href|action)="([^"]*)"`).FindAllStringSubmatch(tag, -1) {
			require.Regexp(t, `^(#.*|data:,)$`, m[1], "nothing is loaded")
		}
		require.NotRegexp(t, `\son[a-z]+=`, regexp.MustCompile(`"[^"]*"`).ReplaceAllString(tag, `""`))
	}
	raw := page[strings.Index(page, `id="data">`)+len(`id="data">`):]
	var d pageData
	require.NoError(t, json.Unmarshal([]byte(raw[:strings.Index(raw, "</script>")]), &d))
	require.Len(t, d.Studies[0].Samples, 70)
	require.Equal(t, hostile, d.Studies[0].Samples[3].Question)
	require.Equal(t, hostile, d.Studies[0].Samples[7].Answers[2].Error)
}

func TestTheSameBytes(t *testing.T) {
	s := sections(t, 35, studytest.Generations...)
	first, _ := render(t, s, options())
	second, _ := render(t, s, options())
	require.Equal(t, first, second)
}

func TestPicturesBeyondTheBoundAreLeftOut(t *testing.T) {
	s := sections(t, 35, studytest.Generations[:2]...)
	o := options()
	_, notes := render(t, s, o)
	require.Empty(t, notes)

	o.PictureBytes = 9000
	data, notes, err := collect(s, o)
	require.NoError(t, err)
	require.Len(t, notes, 1)
	require.Contains(t, notes[0], "at most 0.0 MB of pictures")
	require.NotEmpty(t, data.Pictures)
	left := false
	for _, x := range data.Studies[0].Samples {
		if left = left || x.Picture < 0; left {
			require.Equal(t, -1, x.Picture, "the beginning of the suite is shown, not what happens to be small")
			require.Equal(t, leftOut, x.Without)
		}
	}
	require.True(t, left)

	o.Picture = func(rundir.Manifest, rundir.Sample) (*imaging.RGB, error) { return nil, fmt.Errorf("gone") }
	data, notes, err = collect(s, o)
	require.NoError(t, err)
	require.Equal(t, []string{"35 pictures could not be shown; the first: gone"}, notes)
	require.Equal(t, "gone", data.Studies[0].Samples[0].Without)
	require.Equal(t, 0, data.Studies[0].Samples[0].Size, "the run knows the size all the same")

	o.Picture = func(rundir.Manifest, rundir.Sample) (*imaging.RGB, error) { return nil, ErrNoPicture }
	_, notes = render(t, s, o)
	require.Empty(t, notes)
}

func TestQuote(t *testing.T) {
	require.Equal(t, `llavabench eval --model a/b.c 'two words' 'it'\''s' ''`, quote([]string{"llavabench", "eval", "--model", "a/b.c", "two words", "it's", ""}))
}

func TestThumbnail(t *testing.T) {
	for _, c := range []struct{ w, h int }{{1, 1}, {3000, 2}, {400, 300}, {2, 3000}} {
		b, err := thumbnail(imaging.NewRGB(imaging.Size{W: c.w, H: c.h}))
		require.NoError(t, err)
		m, _, err := imaging.Decode(b, imaging.DecodeOptions{})
		require.NoError(t, err)
		require.LessOrEqual(t, max(m.Width, m.Height), thumbnailSide)
	}
}
