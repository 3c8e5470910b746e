package sight

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Pictures and questions are promised to be the same bytes everywhere and in every release: this digest must not change
// without a new name for the suite.
func TestTheFirstItemsNeverChange(t *testing.T) {
	h := sha256.New()
	for it, err := range Items(Test, 1, 28) {
		require.NoError(t, err)
		b, err := json.Marshal(it)
		require.NoError(t, err)
		h.Write(b)
		h.Write(Draw(it.Scene).Pix)
	}
	require.Equal(t, "98d3db2bbf77f03874ec19548625e2a8d6178520479eaaca094d23b6139a4720", hex.EncodeToString(h.Sum(nil)))
}

func TestSplitsNeverShareASeed(t *testing.T) {
	seen := map[uint64]string{}
	for _, split := range []Split{Train, Val, Test} {
		for _, seed := range []uint64{0, 1, 7, 1 << 63, ^uint64(0)} {
			for i := range 2000 {
				s := itemSeed(split, seed, i)
				require.Equal(t, tags[split], s>>tagShift, "the two highest bits are the split")
				key := fmt.Sprint(split, seed, i)
				require.Empty(t, seen[s], "%s and %s", seen[s], key)
				seen[s] = key
			}
		}
	}
}

func TestAnswersAreTrueAndBalanced(t *testing.T) {
	const n = 7 * 300
	answers := map[Category]map[string]int{}
	for it, err := range Items(Val, 3, n) {
		require.NoError(t, err)
		require.NotEmpty(t, it.Question)
		require.Positive(t, it.Detail)
		require.LessOrEqual(t, max(it.Scene.Width, it.Scene.Height), 1344)
		require.Contains(t, []int{1, 2, 3}, it.Difficulty)
		if answers[it.Category] == nil {
			answers[it.Category] = map[string]int{}
		}
		answers[it.Category][it.Answer]++
		requireTrue(t, it.Scene, it.QA)
		for _, q := range More(it.Scene, it.Seed, 6) {
			requireTrue(t, it.Scene, q)
		}
	}
	require.Len(t, answers, len(Categories))
	for answer, share := range map[string]float64{"yes": .5, "no": .5} {
		require.InDelta(t, share, float64(answers[Presence][answer])/300, .1)
	}
	for count := range 6 {
		require.InDelta(t, 1./6, float64(answers[Counting][fmt.Sprint(count)])/300, .08)
	}
	for _, letter := range []string{"A", "B", "C", "D"} {
		require.InDelta(t, .25, float64(answers[Choice][letter])/300, .09)
	}
}

// requireTrue checks an answer against the scene by a route of its own.
func requireTrue(t *testing.T, s *Scene, q QA) {
	t.Helper()
	answer := q.Answer
	if len(q.Options) > 0 {
		require.Len(t, q.Options, 4)
		require.Len(t, answer, 1)
		answer = q.Options[answer[0]-'A']
		require.Contains(t, q.Question, " "+q.Answer+". "+answer)
	}
	word := func(i int) string { return strings.Trim(strings.Fields(q.Question)[i], "?") }
	switch {
	case strings.HasPrefix(q.Question, "Is there a "):
		require.Equal(t, yesNo(s.has(Shape(word(4)), Colour(word(3)))), answer, q.Question)
	case strings.HasPrefix(q.Question, "What colour"):
		for _, o := range s.Objects {
			if string(o.Shape) == word(4) {
				require.Equal(t, string(o.Colour), answer, q.Question)
			}
		}
	case strings.HasPrefix(q.Question, "What shape"):
		for _, o := range s.Objects {
			if string(o.Colour) == word(4) {
				require.Equal(t, string(o.Shape), answer, q.Question)
			}
		}
	case strings.HasPrefix(q.Question, "How many"):
		shape := Shape(strings.TrimSuffix(word(2), "s"))
		if word(2) == "crosses" {
			shape = "cross"
		}
		require.Equal(t, fmt.Sprint(s.count(shape)), answer, q.Question)
	case strings.HasPrefix(q.Question, "What is written"):
		for _, g := range s.Signs {
			if string(g.Colour) == word(5) {
				require.Equal(t, g.Text, answer, q.Question)
			}
		}
	case strings.Contains(q.Question, " half?"):
		for _, o := range s.Objects {
			if o.Colour == Colour(word(2)) && o.Shape == Shape(word(3)) {
				require.Equal(t, map[bool]string{true: "left", false: "right"}[2*o.X < s.Width],
					map[string]string{"left": "left", "right": "right", "top": map[bool]string{true: "left", false: "right"}[2*o.X < s.Width], "bottom": map[bool]string{true: "left", false: "right"}[2*o.X < s.Width]}[answer], q.Question)
			}
		}
	}
}

// What the wide category asks about lies where a centre crop has nothing.
func TestWideItemsAskOutsideTheMiddle(t *testing.T) {
	for it, err := range Items(Test, 5, 7*60) {
		require.NoError(t, err)
		if it.Category != Wide {
			continue
		}
		s := it.Scene
		x, y := 0, 0
		if it.Kind == "colour" || it.Kind == "shape" {
			x, y = s.Objects[0].X, s.Objects[0].Y
		} else {
			x, y = s.Signs[0].Box.X+s.Signs[0].Box.W/2, s.Signs[0].Box.Y+s.Signs[0].Box.H/2
		}
		short := min(s.Width, s.Height)
		left, top := (s.Width-short)/2, (s.Height-short)/2
		require.False(t, x >= left && x < left+short && y >= top && y < top+short, it.ID)
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := New("dev", 1, 0)
	require.ErrorContains(t, err, `split "dev" is not known`)
	_, err = New(Test, 1, -1)
	require.ErrorContains(t, err, "negative")
}

func TestGlyphsCoverTheirArea(t *testing.T) {
	for i := range len(Symbols) {
		for _, height := range []int{6, 7, 13, 14, 20, 35} {
			pixels, width := coverage(Symbols[i], height)
			sum, cells := 0, 0
			for _, p := range pixels {
				sum += int(p)
			}
			for _, row := range glyphs[Symbols[i]] {
				for ; row > 0; row &= row - 1 {
					cells++
				}
			}
			want := float64(cells) / (glyphRows * glyphColumns) * float64(width*height) * 255
			require.InEpsilon(t, want, float64(sum), .03, "%c at %d", Symbols[i], height)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	it, err := New(Test, 1, 4)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		Draw(it.Scene)
	}
}
