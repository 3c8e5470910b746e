package main

import (
	"fmt"
	"io"
	"strings"

	"llavabench/reports/tables"
)

// A table is printed with columns aligned: text to the left, numbers to the right.
type table struct {
	w      io.Writer
	header []string
	rows   [][]string
}

func newTable(w io.Writer, header ...string) *table { return &table{w: w, header: header} }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print() error {
	text := make([]bool, len(t.header))
	for i := range text {
		text[i] = i == 0 || !t.numeric(i)
	}
	return tables.Align(t.w, t.header, text, t.rows)
}

// numeric reports whether every cell of a column looks like a number, with or without a unit.
func (t *table) numeric(col int) bool {
	for _, r := range t.rows {
		if col < len(r) && r[col] != "" && r[col] != "-" && !strings.ContainsAny(r[col][:1], "0123456789.+-") {
			return false
		}
	}
	return len(t.rows) > 0
}

// formatCount prints 290909184 as 290,909,184, and 0 as a dash.
func formatCount(n int64) string {
	if n == 0 {
		return "-"
	}
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
