package page

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"llavabench/reports/study"
	"llavabench/reports/study/studytest"
)

// chromium finds the browser, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed: the page is not looked at")
	return ""
}

// A tab is a page in a browser, with what it complained about and what it asked for.
type tab struct {
	t        *testing.T
	ctx      context.Context
	mu       sync.Mutex
	faults   []string
	requests []string
}

func browse(t *testing.T, file string, width, height int) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.WindowSize(width, height))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	b := &tab{t: t}
	b.ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	chromedp.ListenTarget(b.ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			b.faults = append(b.faults, fmt.Sprintf("console.%s %v", e.Type, e.Args))
		case *runtime.EventExceptionThrown:
			b.faults = append(b.faults, e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			b.faults = append(b.faults, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "data:") {
				b.requests = append(b.requests, e.Request.URL)
			}
		}
	})
	b.run(network.Enable(), log.Enable(), chromedp.Navigate("file://"+file))
	return b
}

func (b *tab) run(actions ...chromedp.Action) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Run(b.ctx, actions...))
}

// eval is the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	var v T
	b.run(chromedp.Evaluate(expression, &v))
	return v
}

// keep saves what is seen, where LLAVABENCH_SCREENSHOTS names a directory, for people to look at.
func (b *tab) keep(name string) {
	dir := os.Getenv("LLAVABENCH_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	b.run(chromedp.FullScreenshot(&png, 100))
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

// overlaps lists the texts of figures that lie on each other.
const overlaps = `[...document.querySelectorAll(".plate svg")].flatMap((svg) => {
	const texts = [...svg.querySelectorAll("text")].map((t) => [t.textContent, t.getBoundingClientRect()]);
	const box = svg.getBoundingClientRect();
	return texts.flatMap(([a, r], i) => [
		...(r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 1 || r.bottom > box.bottom + 1 ? [a + " is cut off"] : []),
		...texts.slice(i + 1).filter(([, s]) =>
			Math.min(r.right, s.right) - Math.max(r.left, s.left) > 1 && Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top) > 2.5).map(([b]) => a + " / " + b)]);
})`

func write(t *testing.T, s []Section) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "index.html")
	content, _ := render(t, s, options())
	require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
	return file
}

func TestPageInABrowser(t *testing.T) {
	chromium(t)
	b := browse(t, write(t, sections(t, 140, append(studytest.Generations, studytest.Quantised[2:]...)...)), 1280, 900)
	require.Empty(t, eval[[]string](b, overlaps))
	require.Equal(t, len(sectionsOf(b)), 1)
	require.GreaterOrEqual(t, eval[int](b, `document.querySelectorAll(".plate svg").length`), 9)
	require.GreaterOrEqual(t, eval[int](b, `document.querySelectorAll(".table table").length`), 5)
	require.False(t, eval[bool](b, `"harmed" in window`), "text from data is text")
	b.keep("desktop-light")

	// A table sorts up and down.
	column := `[...document.querySelector(".table tbody").rows].map((r) => Number(r.cells[4].dataset.sort))`
	b.run(chromedp.Click(`.table th:nth-child(5) button`, chromedp.ByQuery))
	down := eval[[]float64](b, column)
	b.run(chromedp.Click(`.table th:nth-child(5) button`, chromedp.ByQuery))
	up := eval[[]float64](b, column)
	for i := range up {
		require.Equal(t, up[i], down[len(down)-1-i])
		require.True(t, i == 0 || up[i-1] <= up[i])
	}

	// The browser of samples: filters, keys, tiles.
	b.run(chromedp.ScrollIntoView(`#list`, chromedp.ByQuery), chromedp.Focus(`#list`, chromedp.ByQuery))
	title := `document.querySelector("#detail h3").textContent`
	require.Equal(t, "q00000", eval[string](b, title))
	b.run(chromedp.KeyEvent("j"), chromedp.KeyEvent(kb.ArrowDown))
	require.Equal(t, "q00002", eval[string](b, title))
	b.run(chromedp.KeyEvent("k"), chromedp.KeyEvent(kb.PageDown))
	require.Equal(t, "q00011", eval[string](b, title))
	b.run(chromedp.KeyEvent(kb.End))
	require.Equal(t, "q00139", eval[string](b, title))
	b.run(chromedp.KeyEvent(kb.Home))
	require.Equal(t, 2, eval[int](b, `document.querySelectorAll("#detail .view .tile").length`))
	require.Equal(t, 1, eval[int](b, `document.querySelectorAll("#detail .view image").length`))
	pressed := `document.querySelector("#detail [aria-pressed=true]").textContent`
	require.Equal(t, "llava15 q4", eval[string](b, pressed))
	b.run(chromedp.KeyEvent("t"))
	require.Equal(t, "none", eval[string](b, pressed))
	require.Equal(t, 6, eval[int](b, `document.querySelectorAll("#detail tbody tr").length`))

	b.run(chromedp.SetValue(`#category`, "5", chromedp.ByQuery), chromedp.Evaluate(`document.getElementById("category").dispatchEvent(new Event("change"))`, nil))
	require.Equal(t, "20 of 140 samples", eval[string](b, `document.getElementById("count").textContent`))
	b.run(chromedp.SetValue(`#category`, "0", chromedp.ByQuery), chromedp.Evaluate(`document.getElementById("category").dispatchEvent(new Event("change"))`, nil))
	b.run(chromedp.SetValue(`#show`, "3", chromedp.ByQuery), chromedp.Evaluate(`document.getElementById("show").dispatchEvent(new Event("change"))`, nil))
	require.Equal(t, "3 of 140 samples", eval[string](b, `document.getElementById("count").textContent`), "failures")
	require.Contains(t, eval[string](b, `document.querySelector("#detail .said").textContent`), "window.harmed")
	b.run(chromedp.SetValue(`#show`, "0", chromedp.ByQuery), chromedp.Evaluate(`document.getElementById("show").dispatchEvent(new Event("change"))`, nil))
	b.run(chromedp.Focus(`#list`, chromedp.ByQuery), chromedp.KeyEvent("/"))
	require.Equal(t, "search", eval[string](b, `document.activeElement.id`))
	b.run(chromedp.SetValue(`#search`, "Q00042 ", chromedp.ByQuery), chromedp.Evaluate(`document.getElementById("search").dispatchEvent(new Event("input"))`, nil))
	require.Equal(t, "1 of 140 samples", eval[string](b, `document.getElementById("count").textContent`))
	require.Equal(t, "q00042", eval[string](b, title))

	// Dark, narrow and printed.
	ground := `getComputedStyle(document.body).backgroundColor`
	light := eval[string](b, ground)
	b.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
	require.NotEqual(t, light, eval[string](b, ground))
	b.keep("desktop-dark")
	b.run(emulation.SetEmulatedMedia(), emulation.SetDeviceMetricsOverride(390, 844, 2, true))
	require.LessOrEqual(t, eval[int](b, `document.documentElement.scrollWidth`), 390, "nothing sticks out on a telephone")
	b.keep("narrow")
	b.run(emulation.ClearDeviceMetricsOverride())
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		pdf, _, err := page.PrintToPDF().WithPaperWidth(8.27).WithPaperHeight(11.69).WithPrintBackground(false).Do(ctx)
		require.NoError(t, err)
		require.Equal(t, "%PDF", string(pdf[:4]))
		if dir := os.Getenv("LLAVABENCH_SCREENSHOTS"); dir != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "print.pdf"), pdf, 0o644))
		}
		return nil
	}))

	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(t, b.faults)
	require.Len(t, b.requests, 1, "the page itself: %q", b.requests)
}

func sectionsOf(b *tab) []string {
	return eval[[]string](b, `[...document.querySelectorAll("section.study h2")].map((h) => h.textContent)`)
}

// Ten thousand samples: the list holds the rows in view only, wherever it is scrolled to.
func TestManySamples(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 samples of two runs")
	}
	chromium(t)
	runs, err := study.LoadAll(studytest.Write(t, 10000, studytest.Generations[:2]...))
	require.NoError(t, err)
	b := browse(t, write(t, []Section{{Study: study.Group(runs)[0]}}), 1280, 900)
	rows := `document.querySelectorAll("#rows .row").length`
	require.Equal(t, "10000 of 10000 samples", eval[string](b, `document.getElementById("count").textContent`))
	require.Less(t, eval[int](b, rows), 40)
	for _, at := range []string{"0.5", "1", "0.123", "0"} {
		b.run(chromedp.Evaluate(`(() => { const l = document.getElementById("list"); l.scrollTop = l.scrollHeight * `+at+`; return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))); })()`,
			nil, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		require.Less(t, eval[int](b, rows), 40)
		require.True(t, eval[bool](b, `(() => { const l = document.getElementById("list").getBoundingClientRect();
			return document.elementFromPoint(l.left + 200, l.top + 5)?.closest(".row") !== null || l.top < 0 || l.top > innerHeight; })()`))
	}
	b.run(chromedp.SetValue(`#show`, "1", chromedp.ByQuery), chromedp.Evaluate(`document.getElementById("show").dispatchEvent(new Event("change"))`, nil))
	require.Less(t, eval[int](b, rows), 40)
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(t, b.faults)
	require.Len(t, b.requests, 1)
}
