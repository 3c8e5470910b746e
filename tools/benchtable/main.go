// Command benchtable prints Go benchmark results from standard input as a table: one row for each benchmark, its settings
// (the key=value parts of the name) and its figures in columns. The input stays what benchstat reads.
//
//	go test -run '^$' -bench . ./kernels | tee kernels.txt | go run ./tools/benchtable
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
	"golang.org/x/perf/benchfmt"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdin, os.Stdout); err != nil {
		log.Fatal("benchtable: ", err)
	}
}

// A row is one benchmark; runs of the same name are averaged by their median.
type row struct {
	name     string
	settings string
	values   map[string][]float64 // by unit
}

func run(in io.Reader, out io.Writer) error {
	var rows []*row
	byName := map[string]*row{}
	for r := benchfmt.NewReader(in, "stdin"); r.Scan(); {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			fmt.Fprintln(os.Stderr, rec) // a malformed line is no reason to lose the others
		case *benchfmt.Result:
			full := string(rec.Name)
			item := byName[full]
			if item == nil {
				item = newRow(rec.Name)
				byName[full] = item
				rows = append(rows, item)
			}
			for _, v := range rec.Values {
				value, unit := v.Value, v.Unit
				if v.OrigUnit != "" {
					value, unit = v.OrigValue, v.OrigUnit
				}
				item.values[unit] = append(item.values[unit], value)
			}
		}
	}
	if len(rows) == 0 {
		return fmt.Errorf("there are no benchmark results in the input")
	}
	return print(out, rows)
}

func newRow(name benchfmt.Name) *row {
	base, parts := name.Parts()
	r := &row{name: string(base), values: map[string][]float64{}}
	for _, p := range parts {
		text := strings.TrimPrefix(string(p), "/")
		if !strings.HasPrefix(text, "-") { // GOMAXPROCS
			r.settings += text + " "
		}
	}
	return r
}

// shown are the units with a column of their own, if any benchmark has them.
var shown = []string{"GFLOP/s", "GB/s", "Gelem/s", "%peak", "%read"}

func print(w io.Writer, rows []*row) error {
	var units []string
	for _, u := range shown {
		if slices.ContainsFunc(rows, func(r *row) bool { return r.values[u] != nil }) {
			units = append(units, u)
		}
	}
	header := append([]string{"kernel", "settings"}, units...)
	align := tw.Alignment{tw.AlignLeft, tw.AlignLeft}
	for range units {
		align = append(align, tw.AlignRight)
	}
	t := tablewriter.NewTable(w,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.Border{Left: tw.Off, Right: tw.Off, Top: tw.Off, Bottom: tw.Off},
			Settings: tw.Settings{Separators: tw.Separators{BetweenColumns: tw.Off}},
		})),
		tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithRowAutoWrap(tw.WrapNone), tablewriter.WithAlignment(align),
	)
	t.Header(header)
	for _, r := range rows {
		cells := []string{r.name, r.settings}
		for _, u := range units {
			cell := ""
			if v := r.values[u]; v != nil {
				slices.Sort(v)
				cell = strconv.FormatFloat(v[len(v)/2], 'f', 1, 64)
			}
			cells = append(cells, cell)
		}
		if err := t.Append(cells); err != nil {
			return err
		}
	}
	return t.Render()
}
