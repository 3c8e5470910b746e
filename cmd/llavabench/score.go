package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"llavabench/eval/official"
	"llavabench/eval/suites"
	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

type scoreFlags struct {
	run     string
	suite   string
	data    string
	split   string
	answers string
	scorers []string
	json    bool
	all     bool
	samples string
	upload  string
}

func newScore(env *environment) *cobra.Command {
	var f scoreFlags
	cmd := &cobra.Command{
		Use:   "score (RUN | --suite S --data DIR --answers FILE)",
		Short: "Score stored answers as the benchmark's owners do",
		Long: `score reads the official files of a suite and the answers of a run directory, or a file of answers made by anyone, and prints
what the upstream scorers would. No model and no image is needed. Of a run it scores the questions that were asked, from where the run
read them or from --data; questions that failed are missing answers.

The layout of the answers is recognised: LLaVA's JSON lines (question_id, text), sample logs of lmms-eval, tables of
VLMEvalKit (TSV, CSV, XLSX with a column prediction), and the suite's official results file; each may be compressed by
gzip. A last line that is cut off is left out. Of several answers to a question the last one counts.

What upstream leaves to chance counts as wrong here, and missing, duplicate, unknown and unparsed answers are counted.
--scorer compares harnesses on the same answers: repeat it, or give 'all'. 'llavabench suites' lists the suites with their
files and scorers.`,
		Example: `  llavabench score runs/pope --scorer all
  llavabench score runs/vizwiz --submission vizwiz.json
  llavabench score --suite textvqa --data data/textvqa --answers llava-v1.5-7b.jsonl
  llavabench score --suite vqav2 --data data/vqav2 --answers merge.jsonl --scorer all --json
  llavabench score --suite vizwiz --data data/vizwiz --answers answers.jsonl --upload vizwiz.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				f.run = args[0]
			}
			return execScore(env, f)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.suite, "suite", "", "`name` of the suite")
	fl.StringVar(&f.data, "data", "", "`directory` with the suite's official files, or with a folder of the suite's name")
	fl.StringVar(&f.split, "split", "", "`split` of the data, where the directory has several (default: the first that is there)")
	fl.StringVar(&f.answers, "answers", "", "`file` of answers")
	fl.StringArrayVar(&f.scorers, "scorer", nil, "`name` of the scorer (default: the official one), or all; repeat for several")
	fl.BoolVar(&f.json, "json", false, "print one JSON object instead of tables")
	fl.BoolVar(&f.all, "all", false, "print every figure, not only the first ones")
	fl.StringVar(&f.samples, "samples", "", "write the score of every question to this `file`, as JSON lines")
	fl.StringVar(&f.upload, "upload", "", "write the submission for the owners' server to this `file`; no scoring without --scorer")
	fl.StringVar(&f.upload, "submission", "", "the same as --upload, to this `file`")
	return cmd
}

// scoreOutput is what --json prints.
type scoreOutput struct {
	Suite   string        `json:"suite"`
	Data    string        `json:"data"`
	Files   []string      `json:"files"` // read from the data directory
	Answers string        `json:"answers"`
	Layout  suites.Format `json:"layout"`
	Scores  []scoreResult `json:"scores"`
	Upload  string        `json:"upload,omitempty"`
	Notes   []string      `json:"notes,omitempty"`
}

type scoreResult struct {
	Scorer   string `json:"scorer"`
	Upstream string `json:"upstream"`
	*suites.Result
}

// A scoring is what there is to score.
type scoring struct {
	suite    *suites.Suite
	dir      *suites.Dir
	data     *suites.Data
	answers  *suites.Answers
	unscored string // why the answers cannot be scored here
}

// open reads the suite and the answers that the flags name.
func (f scoreFlags) open() (s scoring, err error) {
	if f.run != "" {
		return f.openRun()
	}
	for _, flag := range []struct{ name, value string }{{"suite", f.suite}, {"data", f.data}, {"answers", f.answers}} {
		if flag.value == "" {
			return s, usagef("give a run directory, or --suite, --data and --answers: --%s is missing", flag.name)
		}
	}
	if s.suite, err = suites.Find(f.suite); err != nil {
		return s, usageError{err}
	}
	if err := f.check(s.suite); err != nil {
		return s, err
	}
	if s.dir, s.data, err = openSuite(s.suite, f.data, f.split); err != nil {
		return s, err
	}
	s.answers, err = s.suite.ReadAnswers(f.answers)
	return s, err
}

// check refuses what a suite does not have, before anything is read.
func (f scoreFlags) check(suite *suites.Suite) error {
	if _, err := chooseScorers(suite, f); err != nil {
		return usageError{err}
	}
	if f.upload != "" && suite.Submission == nil {
		return usagef("--upload: suite %s is scored locally and has no submission", suite.Name)
	}
	return nil
}

func (f scoreFlags) openRun() (s scoring, err error) {
	if f.suite != "" || f.answers != "" || f.split != "" {
		return s, usagef("--suite, --answers and --split do not go with a run, which says them itself")
	}
	m, err := rundir.ReadManifest(f.run)
	if err != nil {
		return s, err
	}
	if suite, err := suites.Find(m.Suite.Name); err == nil {
		if err := f.check(suite); err != nil {
			return s, err
		}
	}
	samples, err := rundir.ReadSamples(f.run)
	if err != nil {
		return s, err
	}
	bench, err := openRun(m, f.data)
	if err != nil {
		return s, fmt.Errorf("%s: %w", f.run, err)
	}
	return scoring{bench.Suite, bench.Dir, bench.Data, official.Answers(samples), bench.Unscored()}, nil
}

func execScore(env *environment, f scoreFlags) error {
	s, err := f.open()
	if err != nil {
		return err
	}
	defer s.dir.Close()
	suite, dir, data, answers := s.suite, s.dir, s.data, s.answers
	scorers, err := chooseScorers(suite, f)
	if err != nil {
		return usageError{err}
	}
	if len(scorers) > 0 && s.unscored != "" {
		return fmt.Errorf("%s: %s", f.run, s.unscored)
	}
	out := scoreOutput{Suite: suite.Name, Data: dir.Root(), Files: data.Read, Answers: f.answers, Layout: answers.Format, Notes: data.Notes}
	if f.run != "" {
		out.Answers = f.run
	}
	if f.upload != "" {
		notes, err := writeUpload(suite, data, answers, f.upload)
		if err != nil {
			return err
		}
		out.Upload = f.upload
		out.Notes = append(out.Notes, notes...)
	}
	for _, sc := range scorers {
		r, err := sc.Score(data, answers)
		if err != nil {
			return fmt.Errorf("%s: %w", suite.Name, err)
		}
		r.AddIntervals()
		out.Scores = append(out.Scores, scoreResult{Scorer: sc.Name, Upstream: sc.Upstream, Result: r})
	}
	if f.samples != "" {
		if err := writeFile(f.samples, func(w io.Writer) error { return writeSamples(w, out.Scores) }); err != nil {
			return err
		}
	}
	if f.json {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(out)
	}
	return printScores(env, &out, f.all)
}

// chooseScorers are the scorers asked for; none where only a submission is.
func chooseScorers(suite *suites.Suite, f scoreFlags) ([]suites.Scorer, error) {
	names := f.scorers
	if len(names) == 0 {
		if f.upload != "" {
			return nil, nil
		}
		names = []string{""}
	}
	var list []suites.Scorer
	for _, name := range names {
		if name == "all" {
			return suite.Scorers, nil
		}
		sc, err := suite.Scorer(name)
		if err != nil {
			return nil, err
		}
		list = append(list, sc)
	}
	return list, nil
}

// openSuite reads the data of a suite in dir, or in the folder of the suite's name in dir.
func openSuite(suite *suites.Suite, dir, split string) (*suites.Dir, *suites.Data, error) {
	if split != "" && len(suite.Splits) == 0 {
		return nil, nil, usagef("--split: suite %s has one split only", suite.Name)
	}
	if split != "" && !slices.Contains(suite.Splits, split) {
		return nil, nil, usagef("--split: suite %s has no split %q, expected one of %s", suite.Name, split, strings.Join(suite.Splits, ", "))
	}
	d, err := suites.OpenDir(dir)
	if err != nil {
		return nil, nil, err
	}
	if sub, err := suites.OpenDir(filepath.Join(dir, suite.Name)); err == nil && !suite.In(d) {
		d = sub
	}
	d.Split = split
	data, err := suite.Load(d)
	if err != nil {
		return nil, nil, fmt.Errorf("suite %s: %w", suite.Name, err)
	}
	return d, data, nil
}

// writeUpload writes the submission whole or not at all.
func writeUpload(suite *suites.Suite, data *suites.Data, answers *suites.Answers, file string) (notes []string, err error) {
	err = writeFile(file, func(w io.Writer) error {
		notes, err = suite.Submission.Write(w, data, answers)
		return err
	})
	return notes, err
}

// writeFile writes a file beside its place and then moves it there.
func writeFile(file string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.part")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the move there is nothing of this name
	w := bufio.NewWriter(f)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func writeSamples(w io.Writer, scores []scoreResult) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, s := range scores {
		for _, sample := range s.Samples {
			line := struct {
				Scorer string `json:"scorer"`
				suites.Sample
			}{s.Scorer, sample}
			if err := enc.Encode(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// shownMetrics is how many figures are printed unless all are asked for.
const shownMetrics = 16

func printScores(env *environment, out *scoreOutput, all bool) error {
	w := &stickyWriter{w: env.stdout}
	for i, s := range out.Scores {
		if i > 0 {
			w.printf("\n")
		}
		w.printf("%s, scorer %s (%s)\n", out.Suite, s.Scorer, s.Upstream)
		t := newTable(w, "figure", "value", "95 % interval", "unit", "items")
		for i, m := range s.Metrics {
			if i == shownMetrics && !all {
				break
			}
			items := "-"
			if m.N > 0 {
				items = strconv.Itoa(m.N)
			}
			t.row(m.Name, m.Text(), intervalText(m), m.Unit, items)
		}
		if err := t.print(); err != nil {
			return err
		}
		if i := s.Metrics[0].Interval; i != nil {
			w.printf("interval of %s: %s", s.Metrics[0].Name, i.Method)
			if i.Naive != nil {
				w.printf("; %d questions, %d of them about different images; as if all were it would be %s", s.Questions, i.Clusters, rangeText(*i.Naive, s.Metrics[0].Unit))
			}
			w.printf("\n")
		}
		if n := len(s.Metrics) - shownMetrics; n > 0 && !all {
			w.printf("%d more figures, shown with --all\n", n)
		}
		w.printf("%d questions, %d answered, %d missing; %d duplicate, %d unknown and %d unparsed answers\n",
			s.Questions, s.Answered, s.Missing, s.Duplicates, s.Unknown, s.Unparsed)
		for _, note := range s.Notes {
			w.printf("note: %s\n", note)
		}
	}
	if out.Upload != "" {
		w.printf("%s: submission written\n", out.Upload)
	}
	notices(env.stderr, out.Notes)
	return w.err
}

// intervalText prints the interval of a figure; a dash where there is none.
func intervalText(m suites.Metric) string {
	if m.Interval == nil {
		return "-"
	}
	return rangeText(m.Interval.CI, m.Unit)
}

func rangeText(i stats.Interval, unit string) string {
	digits := 2
	if unit == suites.Ratio {
		digits = 4
	}
	return fmt.Sprintf("%.*f to %.*f", digits, i.Low, digits, i.High)
}
