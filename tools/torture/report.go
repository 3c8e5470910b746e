package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// selected keeps the cases whose kind or name begins with a prefix.
func selected(cases []*trial, prefix string) []*trial {
	var out []*trial
	for _, c := range cases {
		if strings.HasPrefix(c.name, prefix) || strings.HasPrefix(c.kind.name, prefix) {
			out = append(out, c)
		}
	}
	return out
}

// report prints the failures and the table, and returns the number of failures.
func report(w io.Writer, kinds []*kind, cases []*trial, verbose bool, took time.Duration) (failed int) {
	for _, c := range cases {
		if c.problem != "" {
			failed++
			fmt.Fprintf(w, "FAIL %s, %s: %s\n", c.kind.name, c.name, c.problem)
		} else if verbose {
			fmt.Fprintf(w, "%-9s %s, %s: %s\n", c.outcome, c.kind.name, c.name, c.message)
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "written\tgenerated\trefused\tstill valid\tfailed\tslowest ms\tmost MiB\t  kind")
	total := row{name: "all"}
	for _, k := range kinds {
		r := row{name: k.name}
		for _, c := range cases {
			if c.kind == k {
				r.add(c)
				total.add(c)
			}
		}
		if r.written+r.generated > 0 {
			r.print(table)
		}
	}
	total.print(table)
	if err := table.Flush(); err != nil {
		fmt.Fprintln(w, err)
	}
	fmt.Fprintf(w, "%d cases in %v, %d failed\n", len(cases), took.Round(time.Second), failed)
	return failed
}

func (o outcome) String() string { return []string{"refused", "accepted", "broken"}[o] }

// A row counts the cases of a kind.
type row struct {
	name                                           string
	written, generated, refused, accepted, failing int
	slowest                                        time.Duration
	memory                                         int64
}

func (r *row) add(c *trial) {
	if len(c.says) > 0 || c.ok {
		r.written++
	} else {
		r.generated++
	}
	switch {
	case c.problem != "":
		r.failing++
	case c.outcome == accepted:
		r.accepted++
	default:
		r.refused++
	}
	r.slowest, r.memory = max(r.slowest, c.took), max(r.memory, c.memory)
}

func (r *row) print(w io.Writer) {
	fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t  %s\n", r.written, r.generated, r.refused, r.accepted, r.failing, r.slowest.Milliseconds(), r.memory>>20, r.name)
}
