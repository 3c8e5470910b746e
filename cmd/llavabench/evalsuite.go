package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"

	"llavabench/eval/official"
	"llavabench/eval/suites"
	"llavabench/internal/atomicfile"
	"llavabench/internal/rundir"
)

// eachSuite runs the suites that --suite names one after the other, each with a run directory of its own if there are several.
func eachSuite(ctx context.Context, env *environment, f evalFlags) error {
	names, err := f.suiteNames()
	if err != nil {
		return err
	}
	if len(names) == 1 {
		return execEval(ctx, env, f)
	}
	for _, name := range names {
		one := f
		one.suite, one.out = name, filepath.Join(f.out, name)
		if !f.json {
			fmt.Fprintf(env.stdout, "%s\n", name)
		}
		if err := execEval(ctx, env, one); err != nil {
			return fmt.Errorf("suite %s: %w", name, err)
		}
		if !f.json {
			fmt.Fprintln(env.stdout)
		}
	}
	return nil
}

// sightSuite is the benchmark that ships with the program.
const sightSuite = "sight"

// official opens the public benchmark that --suite names; nil where it names none. The flavour's limit of tokens holds unless
// --max-new-tokens is given.
func (f *evalFlags) official() (*official.Run, error) {
	if f.file != "" || f.suite == sightSuite {
		for _, flag := range []struct{ name, value string }{{"data", f.data}, {"prompts", f.prompts}, {"submission", f.submission}} {
			if flag.value != "" {
				return nil, usagef("--%s belongs to the public benchmarks of --suite", flag.name)
			}
		}
		return nil, nil
	}
	suite, err := suites.Find(f.suite)
	if err != nil {
		return nil, usageError{fmt.Errorf("--suite: %w, or %s", err, sightSuite)}
	}
	if f.data == "" {
		return nil, usagef("--suite %s needs --data: the directory with its official files; 'llavabench suites' says which", suite.Name)
	}
	if f.submission != "" && suite.Submission == nil {
		return nil, usagef("--submission: suite %s is scored locally and has no submission", suite.Name)
	}
	if _, err := suites.FindFlavour(suite.Name, f.prompts); err != nil {
		return nil, usageError{fmt.Errorf("--prompts: %w", err)}
	}
	split := ""
	if f.splitSet {
		split = f.split
	}
	dir, data, err := openSuite(suite, f.data, split)
	if err != nil {
		return nil, err
	}
	run, err := official.Open(suite, dir, data, f.prompts, f.limit)
	if err != nil {
		return nil, err
	}
	if !f.tokensSet {
		f.opts.MaxNewTokens = run.Flavour.MaxNewTokens
	}
	return run, nil
}

// openRun opens the public benchmark of a run directory, from where the run read it or from data.
func openRun(m rundir.Manifest, data string) (*official.Run, error) {
	suite, err := suites.Find(m.Suite.Name)
	if err != nil {
		return nil, fmt.Errorf("the run is of suite %q, which is no public benchmark: its score is in its summary", m.Suite.Name)
	}
	if data == "" {
		data = m.Pictures
	}
	dir, read, err := openSuite(suite, data, m.Suite.Split)
	if err != nil {
		return nil, fmt.Errorf("%w (--data says where the files are)", err)
	}
	run, err := official.Open(suite, dir, read, m.Suite.Prompts, m.Suite.Items)
	if err != nil {
		return nil, err
	}
	s, err := run.Eval()
	if err != nil {
		return nil, err
	}
	if s.Info.Version != m.Suite.Version || s.Info.Items != m.Suite.Items {
		return nil, fmt.Errorf("%s: the questions are not those of the run (%d of version %.12s, in the run %d of %.12s)",
			dir.Root(), s.Info.Items, s.Info.Version, m.Suite.Items, m.Suite.Version)
	}
	return run, nil
}

// submit writes the submission of a run.
func submit(env *environment, run *official.Run, file, dir string) error {
	samples, err := rundir.ReadSamples(dir)
	if err != nil {
		return err
	}
	var notes []string
	err = writeFile(file, func(w io.Writer) error {
		notes, err = run.Submit(w, samples)
		return err
	})
	if err == nil {
		notices(env.stderr, notes)
	}
	return err
}

// An answerLine is a line of LLaVA's answer files; the prompt is the user's turn without the picture.
type answerLine struct {
	ID       any      `json:"question_id"`
	Prompt   string   `json:"prompt"`
	Text     string   `json:"text"`
	AnswerID string   `json:"answer_id"`
	Model    string   `json:"model_id"`
	Metadata struct{} `json:"metadata"`
}

// writeAnswers writes the answers of a run as LLaVA's evaluation does; bench is nil for other suites than the public ones.
func writeAnswers(path, dir, model string, bench *official.Run) error {
	samples, err := rundir.ReadSamples(dir)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, s := range samples {
			if s.Error != "" {
				continue // a missing answer is what it is
			}
			line := answerLine{Prompt: s.Question, Text: s.Text, AnswerID: s.ID, Model: model}
			id := s.ID
			if bench != nil {
				id = bench.AnswerID(s.Index)
				if bench.Suite.Name == "scienceqa" && s.Image != "" {
					line.Prompt = "<image>\n" + line.Prompt // the scorer tells the questions with a picture by it
				}
			}
			line.ID = id
			if n, err := strconv.ParseInt(id, 10, 64); err == nil && strconv.FormatInt(n, 10) == id {
				line.ID = n
			}
			if err := enc.Encode(line); err != nil {
				return err
			}
		}
		return nil
	})
}

// suiteFiles gives the digests of the files that the questions and pictures of a benchmark come from, by their names below data.
func suiteFiles(ctx context.Context, run *official.Run, data string, bar *progress) ([]rundir.File, error) {
	names := slices.Clone(run.Data.Read)
	for _, q := range run.Data.Questions {
		names = append(names, q.Images...)
	}
	seen := map[string]bool{}
	var files []rundir.File
	for i, name := range names {
		source, ok := run.Dir.Source(name)
		if !ok || seen[source] {
			continue // what cannot be read is recorded as the question's failure
		}
		seen[source] = true
		path, err := run.Dir.Path(source)
		if err != nil {
			return nil, err
		}
		shown, err := filepath.Rel(data, path)
		if err != nil {
			return nil, err
		}
		file, err := rundir.HashFile(ctx, path, filepath.ToSlash(shown))
		if err != nil {
			return nil, err
		}
		files = append(files, file)
		bar.report("digests of data files", i+1, len(names))
	}
	return files, nil
}

// printOfficial prints the score by the owners' rules.
func printOfficial(env *environment, o *rundir.Official) error {
	w := &stickyWriter{w: env.stdout}
	if o.Scorer != "" {
		w.printf("\nby the owners' rules, scorer %s (%s)\n", o.Scorer, o.Upstream)
		t := newTable(w, "figure", "value", "95 % interval", "unit", "items")
		for i, f := range o.Figures {
			if i == shownMetrics {
				break
			}
			interval, items := "-", "-"
			if f.CI != nil {
				interval = rangeText(*f.CI, f.Unit)
			}
			if f.N > 0 {
				items = strconv.Itoa(f.N)
			}
			t.row(f.Name, f.Text, interval, f.Unit, items)
		}
		if err := t.print(); err != nil {
			return err
		}
		if n := len(o.Figures) - shownMetrics; n > 0 {
			w.printf("%d more figures in summary.json\n", n)
		}
		w.printf("%d answered, %d missing, %d unparsed\n", o.Answered, o.Missing, o.Unparsed)
	}
	for _, note := range o.Notes {
		w.printf("note: %s\n", note)
	}
	return w.err
}
