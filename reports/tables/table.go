// Package tables makes the tables of a report from the runs of a study and writes them for papers (LaTeX), pages (Markdown),
// programs (CSV, JSON) and terminals.
package tables

import (
	"math"
	"strconv"

	"llavabench/internal/stats"
)

// A Table is columns of like things. Every row has one cell for each column.
type Table struct {
	Name    string // for files: "accuracy"
	Title   string // a few words
	Caption string // model, data, n and settings, and what intervals and bold mean
	Columns []Column
	Rows    [][]Cell
	Notes   []string // below the table
}

// A Column has a name for people and one for programs.
type Column struct {
	Key   string // in CSV and JSON: "accuracy_percent"
	Title string // "accuracy"
	Unit  string // "%"; "" for none
	Text  bool   // texts, to the left
	// Published marks values that others measured.
	Published bool
}

// head is a column's title with its unit.
func (c Column) head() string {
	t := c.Title
	if c.Published {
		t += " (published)"
	}
	if c.Unit != "" {
		t += ", " + c.Unit
	}
	return t
}

// A Cell is a text, a number with its interval, or nothing.
type Cell struct {
	Text   string
	Brief  string // what people see instead of Text, where that is long
	Number bool   // Value counts
	Value  float64
	Digits int // decimals for people; programs get the value as it is
	CI     *stats.Interval
	Best   bool // significantly better than the second
	Less   bool // the true value is below Value ("<0.001")
}

func text(s string) Cell { return Cell{Text: s} }

// value is a number; nothing where it is not finite.
func value(v float64, digits int) Cell {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Cell{}
	}
	return Cell{Number: true, Value: v, Digits: digits}
}

// percent is a share with its interval in percent.
func percent(e stats.Estimate) Cell {
	if e.N == 0 {
		return Cell{}
	}
	return interval(100*e.Value, 100*e.CI.Low, 100*e.CI.High, 1)
}

func interval(v, low, high float64, digits int) Cell {
	c := value(v, digits)
	if c.Number && !math.IsInf(low, 0) && !math.IsInf(high, 0) && !math.IsNaN(low) && !math.IsNaN(high) {
		c.CI = &stats.Interval{Low: low, High: high}
	}
	return c
}

// pValue prints small probabilities as a bound.
func pValue(p float64) Cell {
	c := value(p, 3)
	c.Less = p < 0.0005
	return c
}

// String is the cell for people: "63.3 [60.1, 66.4]".
func (c Cell) String() string {
	s := c.Main()
	if c.CI != nil {
		s += " " + c.Interval()
	}
	return s
}

// Main is the text, or the number without its interval.
func (c Cell) Main() string {
	switch {
	case c.Brief != "":
		return c.Brief
	case !c.Number:
		return c.Text
	case c.Less:
		return "<0.001"
	}
	return format(c.Value, c.Digits)
}

// Interval is the interval for people; "" for none.
func (c Cell) Interval() string {
	if c.CI == nil {
		return ""
	}
	return "[" + format(c.CI.Low, c.Digits) + ", " + format(c.CI.High, c.Digits) + "]"
}

// format prints v with a number of decimals and no negative zero.
func format(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if s[0] == '-' {
		if f, _ := strconv.ParseFloat(s, 64); f == 0 {
			return s[1:]
		}
	}
	return s
}
