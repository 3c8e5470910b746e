package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"llavabench/eval/official"
	"llavabench/eval/suites"
)

// dataVariable names the directory that holds a folder for each suite.
const dataVariable = "LLAVABENCH_DATA"

func newSuites(env *environment) *cobra.Command {
	var data string
	var asJSON bool
	list := func(cmd *cobra.Command, _ []string) error { return execSuites(env, data, asJSON) }
	cmd := &cobra.Command{
		Use:   "suites",
		Short: "List the public benchmarks, and check downloads of them",
		Long: `suites lists the public benchmarks: what to download, where it goes, licence, size, metric, scorers, and whether
DIR/NAME has the files: as they are, compressed (.gz), inside zip files, which need not be unpacked, or as the parquet files of the
hub (data/SPLIT-00000-of-00001.parquet, or in a folder of the configuration). Nothing is ever downloaded.

The suite jsonl is a test set of your own, without any code: DIR/questions.jsonl with an object a line,
  question_id  string or integer, unique
  image        path from DIR or DIR/images, or a list of paths; may be absent
  text         the question, as it is to be asked
  answer       the right answer, or answers, a list of them; of a multiple choice the letter
  choices      the options of a multiple choice, without letters
  category     figures are given for each; may be absent
Its scorers are exact (the default), contains, vqa, anls and relaxed.`,
		Example: `  llavabench suites
  llavabench suites list --data ~/benchmarks --json
  llavabench suites check textvqa --data ~/benchmarks/textvqa`,
		Args: cobra.NoArgs,
		RunE: list,
	}
	sub := &cobra.Command{
		Use:   "list",
		Short: "List the public benchmarks",
		Args:  cobra.NoArgs,
		RunE:  list,
	}
	for _, c := range []*cobra.Command{cmd, sub} {
		c.Flags().StringVar(&data, "data", os.Getenv(dataVariable), "`directory` with a folder for each suite (default: $"+dataVariable+")")
		c.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	}
	cmd.AddCommand(sub, newSuitesCheck(env))
	return cmd
}

// suiteOutput is an element of what --json prints.
type suiteOutput struct {
	Name       string      `json:"name"`
	Title      string      `json:"title"`
	Licence    string      `json:"licence"`
	Size       string      `json:"size"`
	Metric     string      `json:"metric"`
	Items      int         `json:"items,omitempty"`
	Files      []suiteFile `json:"files"`
	Scorers    []string    `json:"scorers"`
	Submission string      `json:"submission,omitempty"`
	Here       bool        `json:"here"` // every file that is not optional is there
}

type suiteFile struct {
	Path         string   `json:"path"`
	Alternatives []string `json:"alternatives,omitempty"`
	Source       string   `json:"source"`
	Note         string   `json:"note,omitempty"`
	Optional     bool     `json:"optional,omitempty"`
	Found        string   `json:"found,omitempty"` // which of the paths is there
}

func execSuites(env *environment, data string, asJSON bool) error {
	var list []suiteOutput
	for _, s := range suites.All() {
		var dir *suites.Dir
		if data != "" {
			dir, _ = suites.OpenDir(filepath.Join(data, s.Name)) // not there is what the listing is to say
		}
		list = append(list, describeSuite(s, dir))
	}
	if asJSON {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(list)
	}
	w := &stickyWriter{w: env.stdout}
	t := newTable(w, "suite", "benchmark", "items", "here", "metric", "scorers")
	for _, s := range list {
		t.row(s.Name, s.Title, formatCount(int64(s.Items)), yesNo(s.Here), s.Metric, strings.Join(s.Scorers, ", "))
	}
	if err := t.print(); err != nil {
		return err
	}
	for _, s := range list {
		w.printf("\n%s: %s; licence: %s\n", s.Name, s.Size, s.Licence)
		for _, f := range s.Files {
			w.printf("  %s\n", fileLine(f))
		}
	}
	w.printf("\nSizes and licences are for orientation; the owners' own statements hold.\n")
	return w.err
}

func describeSuite(s *suites.Suite, dir *suites.Dir) suiteOutput {
	out := suiteOutput{Name: s.Name, Title: s.Title, Licence: s.Licence, Size: s.Size, Metric: s.Metric, Items: s.Items, Here: dir != nil && s.In(dir)}
	for _, sc := range s.Scorers {
		out.Scorers = append(out.Scorers, sc.Name)
	}
	if s.Submission != nil {
		out.Submission = s.Submission.Name
	}
	for _, f := range s.Files {
		file := suiteFile{Path: f.Path, Alternatives: f.Alternatives, Source: f.Source, Note: f.Note, Optional: f.Optional}
		if dir != nil {
			file.Found, _ = f.Find(dir)
		}
		out.Files = append(out.Files, file)
	}
	return out
}

func fileLine(f suiteFile) string {
	line := strings.Join(append([]string{f.Path}, f.Alternatives...), " or ") + " from " + f.Source
	if f.Optional {
		line += ", optional"
	}
	if f.Note != "" {
		line += " (" + f.Note + ")"
	}
	if f.Found != "" {
		line += ": found " + f.Found
	}
	return line
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func newSuitesCheck(env *environment) *cobra.Command {
	var data, split string
	var noImages, decode bool
	cmd := &cobra.Command{
		Use:   "check NAME --data DIR",
		Short: "Verify the download of a benchmark",
		Long: `check reads the official files of a suite, counts its questions, and looks for every image that they name: in folders, in zip
files, inside tables and parquet files. --decode also decodes each. The exit code is 1 if a file cannot be read or an image is missing
or broken; --no-images leaves the images out, which scoring does not need.`,
		Example: `  llavabench suites check pope --data ~/benchmarks/pope
  llavabench suites check vqav2 --data ~/benchmarks/vqav2 --no-images`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return execSuitesCheck(env, args[0], data, split, noImages, decode)
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "`directory` with the suite's official files, or with a folder of the suite's name")
	cmd.Flags().StringVar(&split, "split", "", "`split` of the data, where the directory has several (default: the first that is there)")
	cmd.Flags().BoolVar(&noImages, "no-images", false, "do not look for images")
	cmd.Flags().BoolVar(&decode, "decode", false, "decode every image")
	_ = cmd.MarkFlagRequired("data")
	return cmd
}

// shownMissing is how many missing images are named.
const shownMissing = 5

func execSuitesCheck(env *environment, name, data, split string, noImages, decode bool) error {
	suite, err := suites.Find(name)
	if err != nil {
		return usageError{err}
	}
	dir, read, err := openSuite(suite, data, split)
	if err != nil {
		return err
	}
	defer dir.Close()
	w := &stickyWriter{w: env.stdout}
	hub := slices.ContainsFunc(read.Read, func(name string) bool { return strings.HasSuffix(name, ".parquet") })
	if hub {
		w.printf("read from %s\n", strings.Join(read.Read, ", "))
	}
	for _, f := range describeSuite(suite, dir).Files {
		if hub {
			break // the owners' other files are not needed
		}
		state := "missing"
		if f.Found != "" {
			state = "found " + f.Found
		} else if f.Optional {
			state = "not there (optional)"
		}
		w.printf("%s: %s\n", strings.Join(append([]string{f.Path}, f.Alternatives...), " or "), state)
	}
	labels := "with labels"
	if !read.Labelled {
		labels = "without labels"
	}
	w.printf("%d questions %s", len(read.Questions), labels)
	if suite.Items > 0 && suite.Items != len(read.Questions) {
		w.printf("; the split that papers report has %s", formatCount(int64(suite.Items)))
	}
	w.printf("\n")
	notices(env.stderr, read.Notes)
	if noImages {
		return w.err
	}
	count, bad := images(dir, read, decode)
	w.printf("%d images, %d missing%s\n", count, len(bad), map[bool]string{true: " or broken"}[decode])
	for i, line := range bad {
		if i == shownMissing {
			w.printf("  and %d more\n", len(bad)-i)
			break
		}
		w.printf("  %s\n", line)
	}
	if w.err == nil && len(bad) > 0 {
		return fmt.Errorf("%s: %d of %d images are missing%s", suite.Name, len(bad), count, map[bool]string{true: " or broken"}[decode])
	}
	return w.err
}

// images counts the images that questions name, each once, and lists those that are not there or, when all are decoded, broken.
func images(dir *suites.Dir, data *suites.Data, decode bool) (count int, bad []string) {
	seen := map[string]bool{}
	for _, q := range data.Questions {
		for _, name := range q.Images {
			if seen[name] {
				continue
			}
			seen[name] = true
			if !decode {
				if !dir.HasPicture(name) {
					bad = append(bad, "missing: "+name)
				}
				continue
			}
			if _, err := official.Picture(dir, name); err != nil {
				bad = append(bad, err.Error())
			}
		}
	}
	return len(seen), bad
}
