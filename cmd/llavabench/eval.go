package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"llavabench/eval"
	"llavabench/eval/jsonl"
	"llavabench/eval/local"
	"llavabench/eval/official"
	"llavabench/eval/sight"
	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

type evalFlags struct {
	models  []string   // as given: one or several
	model   modelFlags // of the one
	opts    local.Options
	suite   string
	file    string
	images  string
	answer  string
	split   string
	seed    uint64
	limit   int
	out     string
	resume  bool
	shard   string
	strict  bool
	batch   int
	noShare bool
	limits  bool
	verify  bool
	keyEnv  string
	json    bool

	categories []string // of sight

	// of the public benchmarks
	data, prompts, submission string
	splitSet, tokensSet       bool // --split and --max-new-tokens are given

	launcher launchFlags
	choose   chooseFlags
}

func newEval(env *environment) *cobra.Command {
	cmd, _ := evalCommand(env)
	return cmd
}

// parseEval gives the flags of eval for a command line.
func parseEval(args []string) (evalFlags, error) {
	cmd, f := evalCommand(&environment{})
	if err := cmd.ParseFlags(args); err != nil {
		return evalFlags{}, err
	}
	all, err := f.settle(cmd.Flags())
	if err == nil && len(all) != 1 {
		err = usagef("the command makes %d runs, expected one", len(all))
	}
	return *f, err
}

// settle works out what follows from the flags given: which models they name, in which weight types. Where it is one, it becomes
// that of f.
func (f *evalFlags) settle(fl *pflag.FlagSet) (all []subject, err error) {
	f.splitSet, f.tokensSet = fl.Changed("split"), fl.Changed("max-new-tokens")
	if f.opts.Choice, err = f.choose.choice(fl); err != nil {
		return nil, err
	}
	if all, err = f.subjects(); err != nil || len(all) != 1 {
		return all, err
	}
	f.model.path, f.model.dtype = all[0].path, all[0].dtype
	if all[0].variant != "" {
		f.model.opts.Variant = all[0].variant
	}
	return all, nil
}

// evalCommand is the command with the flags that its command line will set.
func evalCommand(env *environment) (*cobra.Command, *evalFlags) {
	f := new(evalFlags)
	cmd := &cobra.Command{
		Use:   "eval --model M [--model M2]... --suite sight --out RUN",
		Short: "Answer a suite's questions, score and record them",
		Long: `eval asks a model every question of a suite and leaves a run directory: manifest.json (what was run, with the digest of every
file), samples.jsonl (a line per question in order, flushed as it is answered), timings.jsonl and summary.json.

The same model, suite and settings give the same samples.jsonl byte for byte, with any number of threads. A run that was
broken off in any way goes on with --resume: nothing is answered twice, and the result is that of an unbroken run. Resuming
with other settings, another model or another suite is refused with the difference. One process at a time has a run directory.

A question that fails (a picture that cannot be read, logits that are not finite, --sample-timeout) is recorded with its error,
counts as wrong, and the run goes on; --strict ends it there. Weights that are written to or cut off during the run end it.
Questions about one picture share its preprocessing, its vision features and the decoder's state after the tokens with which
their prompts begin, questions about different pictures the template's words before the picture, and up to --batch questions go through the decoder together, so that the weights are read once for all. Each
answer has the bits that it gets alone; --batch 1 --no-share shows it.

The summary says what an answer cost: mean, p50, p90 and p99 of each stage, of a decoded token, of the time to the first token
and to the whole answer; image tokens and prompt; questions per hour over all sessions of the run; the peak of the process's
resident memory; and the energy of the machine's processors and memory where /sys/class/powercap (RAPL) lets it be read, which
often takes an administrator: absent otherwise. The first batch of each session is warm-up and left out, unless there is no
other. Stages of questions answered together are shares of their common time, which add up to the time of the run; first token and
whole answer are on the clock, so only --batch 1 shows the latency of a question by itself.

Ctrl-C finishes the questions under way and writes the summary so far; a second one ends the run at once.

--shard I/N asks the I-th of N blocks of the questions (questions about one picture stay together), for runs on several machines
or in several processes; 'llavabench merge' puts the shards together and proves that none is missing. --shard auto takes I and
N from the Slurm job array that the run is a task of, auto/N only I, for arrays of which a part is run again.

--launcher slurm does all that: it writes batch scripts into the run directory, submits a job array with one of --shards in each
task and a merge that waits for them, and prints the ids of the jobs. A task that is killed or runs out of time goes back to the
queue and on where it stopped. The same command again submits what is missing, and answers nothing twice.

A model may also be openai:URL#NAME, a model behind a server with OpenAI's interface (llama.cpp's server, vLLM, a hosted one), so
that other engines stand in the same tables. The key comes from the environment (--key-env) and is recorded nowhere. A server
that cannot be reached ends the run, which goes on with --resume.

Several models (--model more than once) and weight types (--dtype stored,q8) are asked the same questions, one run after the other, each
in a directory of its name in --out (with several suites: OUT/SUITE/NAME). In the end one table shows what each scores and costs, and the
paired differences to the first. --resume goes on with what is missing; --shard takes the same part of all, and 'llavabench merge'
puts the directories together as well.

Suites: sight, the procedural benchmark that ships with the program (--split, --seed and --limit choose its items), and the public
benchmarks that 'llavabench suites' lists, read from their owners' files in --data as downloaded: folders, zip files without
unpacking, tables and parquet files with pictures inside. Each question has the exact prompt of LLaVA's evaluation, or of another
harness (--prompts), and its limit of tokens. At the end the answers are scored by the owners' rules; 'llavabench score RUN' does
that again, also by other scorers. --submission writes the file that the owners' server takes.

--choose likelihood lets the model generate nothing where a question offers options (the multiple choices of ScienceQA, MMBench,
SEED-Bench, MMMU, MathVista, AI2D, RealWorldQA, sight and of your own sets, and yes or no in POPE, MME and sight's presence): each
option's log-likelihood as the answer is computed, all of them behind one reading of picture and question, and the greatest wins, of
equal ones the first. --choose-by, --choose-norm and --choose-end say what is scored; samples.jsonl has the log-likelihoods, and the
winner as the text, so that every scorer works as before. Other questions are generated. docs/likelihood.md has the definitions.

Or give
--questions FILE, JSON lines with question_id, image, text and optionally answer, category and options: your own test set, or the
question files of LLaVA's evaluation (eval.zip), which hold the exact prompts of every benchmark. --answers writes LLaVA's
answer file, which 'llavabench score' scores as the benchmark's owners do.`,
		Example: `  llavabench eval --model DIR --suite pope --data data/pope --out runs/pope
  llavabench eval --model DIR --suite vizwiz --data data/vizwiz --split test --out runs/vizwiz --submission vizwiz.json
  llavabench eval --model DIR --suite mme,textvqa --data data --prompts lmms-eval --out runs/lmms
  llavabench eval --model DIR --questions llava_pope_test.jsonl --images val2014 --out runs/pope --answers pope.jsonl
  llavabench eval --model DIR --suite sight --limit 70 --out runs/dir-sight
  llavabench eval --model DIR --suite sight --limit 70 --out runs/dir-sight --resume
  llavabench eval --model DIR --suite scienceqa --data data --choose likelihood --out runs/scienceqa
  llavabench eval --model DIR --suite sight --shard 2/3 --out runs/part2
  llavabench eval --model DIR --suite sight --out runs/sight --launcher slurm --shards 8 --slurm-args '--mem=32G --time=2:00:00'
  llavabench eval --model DIR --model DIR=llava15hd --model OTHER --suite sight --out runs/models
  llavabench eval --model DIR --dtype stored,q8,q4 --suite sight,pope --data data --out runs/types
  llavabench eval --model openai:http://localhost:8080#llava-1.5-7b --suite sight --out runs/server`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.launcher.check(); err != nil {
				return err
			}
			all, err := f.settle(cmd.Flags())
			if err != nil {
				return err
			}
			if len(all) > 1 && f.launcher.launcher != "" {
				return usagef("--launcher takes one --model and one --dtype: the shards of each run are a job array of their own; give the command once for each, with another --out")
			}
			if len(all) > 1 {
				return f.eachSubject(cmd.Context(), env, cmd.Flags(), all)
			}
			if f.launcher.launcher != "" {
				return f.launch(cmd.Context(), env, cmd.Flags())
			}
			return eachSuite(cmd.Context(), env, *f)
		},
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.models, "model", nil, "checkpoint `directory`, a name in the hub cache such as org/name, or openai:URL#NAME; MODEL=VARIANT runs it as another generation; repeat for several, each then in a directory of its name in --out")
	f.model.register(fl)
	fl.Lookup("dtype").Usage = "weight `types`: f32, f16, bf16, or quantised on loading q8, q4, q4g64, q4-all, q4g64-all (default: stored, as in the file; f32 widens exactly, without a copy); several with commas between, each then in a directory of its own"
	f.launcher.register(fl)
	f.choose.register(fl)
	fl.StringVar(&f.suite, "suite", sightSuite, "`name` of the suite: sight, or a public benchmark; several with commas between, each then in a directory of its name in --out")
	fl.StringVar(&f.data, "data", "", "`directory` with the official files of a public benchmark, or with a folder of the suite's name")
	fl.StringVar(&f.prompts, "prompts", "", "`harness` whose prompts are asked: llava, lmms-eval or vlmevalkit, or HARNESS:VARIANT (default: llava where it asks the suite)")
	fl.StringVar(&f.submission, "submission", "", "also write the submission for the benchmark's server to this `file`")
	fl.StringVar(&f.file, "questions", "", "`file` of questions instead of a suite")
	fl.StringVar(&f.images, "images", "", "`directory` of the pictures of --questions")
	fl.StringVar(&f.answer, "answers", "", "also write the answers to this `file`, in LLaVA's layout")
	fl.StringSliceVar(&f.categories, "categories", nil, "only questions of these `categories` of sight, commas between: presence, attribute, counting, position, reading, wide, choice")
	fl.StringVar(&f.split, "split", "test", "`split`: train, val or test of sight; of a benchmark with several the one to ask (default: the first that is there)")
	fl.Uint64Var(&f.seed, "seed", 7, "seed of the suite's items")
	fl.IntVar(&f.limit, "limit", 0, "first `questions` only (default: 140 of sight, all of others)")
	fl.StringVar(&f.opts.Template, "template", "", "conversation template (default: the one that belongs to the checkpoint)")
	fl.IntVar(&f.opts.MaxNewTokens, "max-new-tokens", 16, "`tokens` to generate at most (default of a public benchmark: the harness's)")
	fl.Float64Var(&f.opts.Temperature, "temperature", 0, "0 is greedy; above, tokens are drawn, for each question from a seed of its own")
	fl.Float64Var(&f.opts.TopP, "top-p", 1, "with --temperature: draw from the most probable tokens that make up this share")
	fl.Uint64Var(&f.opts.SampleSeed, "sample-seed", 0, "with --temperature: seed of the draws")
	fl.BoolVar(&f.opts.Blind, "blind", false, "replace every picture by its mean colour: the baseline of language alone")
	fl.StringVar(&f.out, "out", "", "run `directory`")
	fl.BoolVar(&f.resume, "resume", false, "go on with the run that is in --out")
	fl.StringVar(&f.shard, "shard", "", "ask only block `I/N` of the questions, or auto in a Slurm job array")
	fl.IntVar(&f.batch, "batch", 16, "`questions` that go through the decoder together, fewer where their key-value caches do not fit into memory; never changes a result")
	fl.BoolVar(&f.noShare, "no-share", false, "do not share work among questions about one picture; never changes a result")
	fl.BoolVar(&f.strict, "strict", false, "end the run at the first question that fails")
	fl.BoolVar(&f.verify, "verify", false, "compute the digests of the model's files again at the end and compare them")
	fl.DurationVar(&f.opts.SampleTimeout, "sample-timeout", 0, "`time` that a question may take, such as 90s, before it counts as failed (default: no limit); what fails then depends on the machine")
	fl.StringVar(&f.keyEnv, "key-env", "OPENAI_API_KEY", "environment `variable` with the key for openai: models")
	fl.BoolVar(&f.limits, "limits", false, "measure the machine's limits first (2 s, 1 GiB), so that reports can draw them")
	fl.BoolVar(&f.json, "json", false, "print the summary as JSON")
	_ = cmd.MarkFlagRequired("model")
	_ = cmd.MarkFlagRequired("out")
	return cmd, f
}

func execEval(ctx context.Context, env *environment, f evalFlags) error {
	if f.opts.Temperature == 0 {
		if f.opts.TopP != 1 || f.opts.SampleSeed != 0 {
			return usagef("--top-p and --sample-seed belong to a --temperature above 0")
		}
		f.opts.TopP = 0 // recorded only where it counts
	}
	bench, err := f.official()
	if err != nil {
		return err
	}
	if bench != nil {
		defer bench.Dir.Close()
		env.notices(bench.Notes)
	}
	suite, err := f.chosen(bench)
	if err != nil {
		return err
	}
	if suite, err = sharded(suite, f.shard, os.Getenv); err != nil {
		return err
	}
	note, err := chosenNote(f.opts.Choice, suite)
	if err != nil {
		return err
	}
	f.model.opts.Features = env.features
	bar := newProgress(env.stderr)
	bar.label = env.label
	defer bar.finish()
	a, err := f.open(ctx, suite, bar)
	if err != nil {
		return err
	}
	defer a.close()
	a.manifest.Command, a.manifest.Shard = append([]string{"llavabench"}, withShard(env.args, suite.Part)...), suite.Part
	if a.manifest.Data, err = dataFiles(ctx, f, suite, bench, bar); err != nil {
		return err
	}
	if env.manifest != nil {
		if err := env.manifest(a.manifest); err != nil {
			return err
		}
	}
	start := rundir.Create
	if f.resume {
		start = rundir.Resume
	}
	dir, err := start(f.out, a.manifest)
	if err != nil {
		return err
	}
	defer dir.Close()
	if note != "" {
		notice(env.stderr, "%s", note)
	}
	env.notices(append(a.notes, dir.Notes()...))
	work, done := patient(ctx, env.stderr)
	defer done()
	bar.show(answering, len(dir.Done()), suite.Items())
	summary, err := eval.Run(work, suite, a.system, dir, a.manifest, eval.Options{Batch: f.batch, Strict: f.strict, Stop: ctx.Done(), Progress: bar.answered, Usage: a.usage})
	bar.finish()
	bar.only = ""
	switch {
	case errors.Is(err, eval.ErrStopped):
		return f.interrupted(env, summary, suite.Items())
	case err != nil:
		return fmt.Errorf("%w; what was answered is kept: go on with --resume", err)
	}
	if f.verify {
		if err := a.verify(ctx); err != nil {
			return fmt.Errorf("--verify: %w; the answers may be wrong", err)
		}
		bar.finish()
	}
	if f.answer != "" {
		if err := writeAnswers(f.answer, f.out, f.model.path, bench); err != nil {
			return err
		}
	}
	if f.submission != "" {
		if err := submit(env, bench, f.submission, f.out); err != nil {
			return fmt.Errorf("--submission: %w", err)
		}
	}
	if err := f.show(env, summary); err != nil {
		return err
	}
	return f.anyAnswer(summary)
}

func (f evalFlags) show(env *environment, s eval.Summary) error {
	if f.json {
		return printJSON(env, s)
	}
	if err := printSummary(env, s); err != nil {
		return err
	}
	if err := printCosts(env, s.Cost); err != nil || s.Official == nil {
		return err
	}
	return printOfficial(env, s.Official)
}

// anyAnswer makes a run without a single answer a failure, and says what the first question met with.
func (f evalFlags) anyAnswer(s eval.Summary) error {
	if s.Samples == 0 || s.Failed < s.Samples {
		return nil
	}
	samples, err := rundir.ReadSamples(f.out)
	if err != nil {
		return err
	}
	return noAnswerError{s.Samples, samples[0]}
}

// A noAnswerError says that every question of a run failed.
type noAnswerError struct {
	questions int
	first     rundir.Sample
}

func (e noAnswerError) Error() string {
	return fmt.Sprintf("none of %d questions was answered: question %q: %s", e.questions, e.first.ID, e.first.Error)
}

// maxBatch bounds --batch: beyond some dozens nothing is gained.
const maxBatch = 1024

// checkRun refuses values of flags that no run can have.
func (f evalFlags) checkRun() error {
	switch {
	case f.opts.SampleTimeout < 0:
		return usagef("--sample-timeout cannot be negative")
	case f.batch < 1 || f.batch > maxBatch:
		return usagef("--batch is %d, expected 1 to %d", f.batch, maxBatch)
	case f.limit < 0 || f.opts.MaxNewTokens < 1:
		return usagef("--limit cannot be negative and --max-new-tokens must be at least 1")
	case len(f.categories) > 0 && (f.file != "" || f.suite != sightSuite):
		return usagef("--categories belongs to the suite sight")
	}
	if err := f.opts.Sampling().Check(); err != nil {
		return usageError{err}
	}
	return nil
}

// chosen is the suite that the flags ask for; bench is the public benchmark, if it is one.
func (f evalFlags) chosen(bench *official.Run) (s eval.Suite, err error) {
	if err := f.checkRun(); err != nil {
		return s, err
	}
	if s, err = f.named(bench); err != nil {
		return s, err
	}
	return s, canChoose(f.opts.Choice, s)
}

// named is the suite by the name or file that is given.
func (f evalFlags) named(bench *official.Run) (eval.Suite, error) {
	if f.file != "" {
		return jsonl.Suite(f.file, f.images, f.limit)
	}
	if f.images != "" {
		return eval.Suite{}, usagef("--images belongs to --questions")
	}
	if bench != nil {
		return bench.Eval()
	}
	if f.limit == 0 {
		f.limit = 140
	}
	split := sight.Split(f.split)
	if _, err := sight.New(split, f.seed, 0); err != nil {
		return eval.Suite{}, usageError{err}
	}
	var categories []sight.Category
	for _, c := range f.categories {
		if !slices.Contains(sight.Categories, sight.Category(c)) {
			return eval.Suite{}, usagef("--categories: %q is not known, expected some of %v", c, sight.Categories)
		}
		categories = append(categories, sight.Category(c))
	}
	return sight.Suite(split, f.seed, f.limit, categories...), nil
}

// dataFiles gives the digests of the question file and of every picture file that is there.
func dataFiles(ctx context.Context, f evalFlags, suite eval.Suite, bench *official.Run, bar *progress) ([]rundir.File, error) {
	if bench != nil {
		return suiteFiles(ctx, bench, f.data, bar)
	}
	if f.file == "" {
		return nil, nil
	}
	file, err := rundir.HashFile(ctx, f.file, filepath.Base(f.file))
	if err != nil {
		return nil, err
	}
	files := []rundir.File{file}
	seen := map[string]bool{}
	for q, err := range suite.Questions {
		if err != nil {
			return nil, err
		}
		if q.File == "" || seen[q.File] {
			continue
		}
		seen[q.File] = true
		picture, err := rundir.HashFile(ctx, filepath.Join(suite.Pictures, filepath.FromSlash(q.File)), q.File)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil: // what cannot be read is recorded as the question's failure
			files = append(files, picture)
		}
		bar.report("digests of pictures", len(seen), suite.Items())
	}
	return files, nil
}

// revision is the commit that the program was built from.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	return rev + dirty
}

func printSummary(env *environment, s eval.Summary) error {
	groups := append(s.Categories, s.Total)
	header := []string{"category", "questions", "accuracy %", "95 % interval"}
	shared := slices.ContainsFunc(groups, func(g eval.Group) bool { return g.Clusters < g.N })
	if shared {
		header = append(header, "if independent", "images")
	}
	t := newTable(env.stdout, header...)
	for _, g := range groups {
		row := []string{g.Name, fmt.Sprint(g.N), fmt.Sprintf("%.1f", 100*g.Accuracy), percentRange(g.CI)}
		if shared {
			row = append(row, percentRange(g.Naive), fmt.Sprint(g.Clusters))
		}
		t.row(row...)
	}
	if err := t.print(); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "\nmean image tokens %.0f, mean prompt %.0f positions, %d questions without an answer, %d without a reference\n", s.ImageTokens, s.PromptTokens, s.Failed, s.Unscored)
	return nil
}

// percentRange prints an interval of shares.
func percentRange(i stats.Interval) string {
	return fmt.Sprintf("%.1f to %.1f", 100*i.Low, 100*i.High)
}
