package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"llavabench/eval"
	"llavabench/eval/local"
	"llavabench/eval/suites"
	"llavabench/internal/atomicfile"
	"llavabench/internal/checkpoint"
	"llavabench/internal/rundir"
	"llavabench/internal/shell"
)

func newChecklist(env *environment) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "checklist RUN",
		Short: "Fill in the reproducibility checklist of a run, as Markdown",
		Long: `checklist writes what conferences ask of an experiment, filled in from what the run recorded: model and data with licences and
digests, every setting, seeds, what the error bars mean, the compute used, the exact commands. What a run cannot know is
marked 'to be filled in'.`,
		Example: `  llavabench checklist runs/sight
  llavabench checklist runs/pope --out checklist.md`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			run := args[0]
			if filepath.Base(run) == "manifest.json" {
				run = filepath.Dir(run)
			}
			m, err := rundir.ReadManifest(run)
			if err != nil {
				return err
			}
			samples, err := rundir.ReadSamples(run)
			if err != nil {
				return err
			}
			write := func(w io.Writer) error { return writeChecklist(w, run, m, samples) }
			if out != "" {
				return atomicfile.Write(out, write)
			}
			return write(env.stdout)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write to this `file` instead of standard output")
	return cmd
}

const toFill = "**to be filled in**"

// writeChecklist writes the questions of the usual checklists (NeurIPS paper checklist, ACM artifact review) with the
// answers of a run.
func writeChecklist(out io.Writer, run string, m rundir.Manifest, samples []rundir.Sample) error {
	w := &stickyWriter{w: out}
	s := eval.Summarise(samples, nil)
	w.printf("# Reproducibility checklist: %s on %s\n\n", code(m.System.Model), code(m.Suite.Name))
	w.printf("Made from %s by `llavabench checklist`. How to check it: `llavabench reproduce %s`.\n\n", code(filepath.Join(run, "manifest.json")), filepath.Join(run, "manifest.json"))

	w.printf("## Claim\n\n")
	if s.Total.N > 0 {
		w.printf("- Accuracy %.2f %%, 95 %% interval %s %%, n = %d questions.\n", 100*s.Total.Accuracy, percentRange(s.Total.CI), s.Total.N)
	}
	w.printf("- %d questions asked, %d of them failed (counted as wrong), %d without a right answer (not counted).\n", s.Samples, s.Failed, s.Unscored)
	if s.Samples != m.Questions() || m.Ended == nil {
		w.printf("- The run is not complete: %d of %d questions.\n", s.Samples, m.Questions())
	}

	w.printf("\n## Model\n\n| | |\n|---|---|\n")
	row := func(name string, value any) { w.printf("| %s | %v |\n", name, value) }
	row("model", code(m.System.Model))
	row("generation", code(m.System.Variant))
	row("weights", code(m.System.DType))
	row("numerics", code(m.System.Numerics))
	row("licence", modelLicence(run, m))
	w.printf("\n%s", fileTable(m.System.Files))

	w.printf("\n## Data\n\n| | |\n|---|---|\n")
	row("suite", code(m.Suite.Name))
	row("version", code(m.Suite.Version))
	if m.Suite.Split != "" {
		row("split", code(m.Suite.Split))
	}
	row("questions", m.Suite.Items)
	if m.Shard != nil {
		row("shard of them", *m.Shard)
	}
	row("licence", dataLicence(m))
	if len(m.Data) > 0 {
		w.printf("\n%d files, listed with digests in the manifest (`data`). The first ones:\n\n%s", len(m.Data), fileTable(m.Data[:min(len(m.Data), 5)]))
	}

	w.printf("\n## Settings\n\nEvery setting that can change an answer, resolved:\n\n| setting | value |\n|---|---|\n")
	for _, v := range rundir.Flatten("settings", m.Settings) {
		row(code(v.Path), code(v.Value))
	}
	for _, v := range rundir.Flatten("options", m.System.Options) {
		row(code(v.Path), code(v.Value))
	}

	w.printf("\n## Seeds and chance\n\n")
	if m.Suite.Seed != 0 {
		w.printf("- The questions are drawn from seed %d.\n", m.Suite.Seed)
	}
	w.printf("%s", howAnswered(m, samples))

	w.printf("\n## Error bars\n\n%s\n", errorBars(s))

	w.printf("\n## Compute\n\n| | |\n|---|---|\n")
	row("CPU", code(m.Machine.CPU))
	row("instruction set", code(m.Machine.ISA))
	row("threads", m.Machine.Threads)
	row("system", code(m.Machine.OS+" "+m.Machine.Arch))
	row("GPU", "none")
	row("started", m.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	if m.Ended != nil {
		row("wall-clock time", m.Ended.Sub(m.Started).Round(1e9))
	}
	if m.Load != nil {
		row("CPU time", fmt.Sprintf("%.1f s", m.Load.CPU))
	}
	row("compute beyond this run", toFill)

	w.printf("\n## Code\n\n| | |\n|---|---|\n")
	row("revision", code(m.Machine.Revision))
	row("compiler", code(m.Machine.Go))
	row("licence", "Apache-2.0")

	w.printf("\n## Exact commands\n\n```sh\n%s\nllavabench reproduce %s\n```\n", shell.Line(m.Command), shell.Quote(filepath.Join(run, "manifest.json")))
	w.printf("\n## Not known to the program\n\n- Limitations, societal impact, consent and personal data in the pictures: %s\n", toFill)
	return w.err
}

// errorBars says in words what the intervals are.
func errorBars(s eval.Summary) string {
	g := s.Total
	if g.N == 0 {
		return "There are no right answers to score by, and no error bars."
	}
	text := fmt.Sprintf("95 %% intervals of the accuracy over the questions that might have been asked instead of these %d (method: %s).", g.N, g.Method)
	if g.Clusters < g.N {
		text += fmt.Sprintf(" The %d questions are about %d images; the interval is clustered by image. As if they were independent it would be %s %%.", g.N, g.Clusters, percentRange(g.Naive))
	}
	return text + " They do not cover the training of the model, the choice of the prompt or the wording of the questions."
}

func fileTable(files []rundir.File) string {
	var b strings.Builder
	b.WriteString("| file | bytes | SHA-256 |\n|---|---|---|\n")
	for _, f := range files {
		fmt.Fprintf(&b, "| %s | %d | `%s` |\n", code(f.Name), f.Size, f.SHA256)
	}
	return b.String()
}

// dataLicence is that of a known suite.
func dataLicence(m rundir.Manifest) string {
	if m.Suite.Name == "sight" {
		return "Apache-2.0, drawn by the program"
	}
	suite, err := suites.Find(m.Suite.Name)
	if err != nil {
		return toFill
	}
	return suite.Licence
}

// modelLicence is what the model card in the checkpoint's directory states.
func modelLicence(run string, m rundir.Manifest) string {
	path := rundir.Relocate(run, m.System.Model, func(p string) bool { _, err := os.Stat(filepath.Join(p, "config.json")); return err == nil })
	dir, err := checkpoint.Resolve(path, nil)
	if err != nil {
		return toFill + " (the checkpoint is not here)"
	}
	licence, err := cardLicence(filepath.Join(dir, "README.md"))
	switch {
	case err == nil && licence != "":
		return code(licence) + ", by the model card"
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return toFill
	}
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return "see " + code(name) + " in the checkpoint's directory"
		}
	}
	return toFill + " (the checkpoint's directory does not say)"
}

// cardLicence is the field license of a model card's front matter.
func cardLicence(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sc := bufio.NewScanner(io.LimitReader(f, 1<<20))
	for n := 0; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if n == 0 && line != "---" || n > 0 && line == "---" {
			break
		}
		if value, ok := strings.CutPrefix(line, "license:"); ok {
			return strings.Trim(strings.TrimSpace(value), `"'`), nil
		}
	}
	return "", sc.Err()
}

// code sets text in a Markdown table cell as it stands.
func code(s string) string {
	if s == "" {
		return "unknown"
	}
	s = strings.NewReplacer("\n", " ", "\r", " ", "|", "\\|").Replace(s)
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}

// howAnswered says how answers came about and what chance had to do with it.
func howAnswered(m rundir.Manifest, samples []rundir.Sample) string {
	var o local.Options
	if err := json.Unmarshal(m.Settings, &o); err != nil {
		o = local.Options{} // of another program: its settings are listed as they are
	}
	chosen := 0
	for _, s := range samples {
		if len(s.Options) > 0 {
			chosen++
		}
	}
	out := ""
	if o.Choose != "" {
		out += fmt.Sprintf("- %d answers are an option of their question, the greatest by %s; nothing was generated for them\n  (`options` in `%s`).\n", chosen, o.Describe(), rundir.SamplesFile)
	}
	same := "The same model, data and settings give the same bytes of `" + rundir.SamplesFile + "`\n  with any number of threads and on any supported instruction set."
	if o.Temperature != 0 {
		return out + fmt.Sprintf("- Tokens are drawn at temperature %g, top-p %g, from seed %d and the question's id. %s\n- Number of runs: 1; other seeds (`--sample-seed`) give other answers, and their spread is not in the error bars.\n",
			o.Temperature, o.TopP, o.SampleSeed, same)
	}
	return out + "- Answers are decoded greedily: no chance enters. " + same +
		"\n- Number of runs: 1; another one gives the same answers, so error bars do not come from repeating it.\n"
}
