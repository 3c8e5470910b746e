package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"llavabench/eval/judge"
	"llavabench/eval/suites"
	"llavabench/internal/openai"
)

type judgeFlags struct {
	suite   string
	data    string
	answers string
	url     string
	model   string
	keyEnv  string
	prompt  string
	runs    int
	run     int
	out     string
	log     string
}

func newJudge(env *environment) *cobra.Command {
	var f judgeFlags
	cmd := &cobra.Command{
		Use:   "judge --suite S --data DIR --answers FILE --judge-url URL --judge-model M --out FILE",
		Short: "Have a language model grade stored answers, for the suites that need it",
		Long: `judge asks a model behind a server with OpenAI's interface to grade answers to LLaVA-Bench or MM-Vet, and writes the file of
reviews or grades that the benchmark's own scripts write; 'llavabench score' scores it.

  llava_bench  needs rule.json (llava/eval/table/rule.json of LLaVA's repository) in the data directory, beside the questions,
               contexts and reference answers; --run numbers the judgement, of which three are usual
  mmvet        needs the few-shot prompt of MM-Vet's evaluator in a file (--judge-prompt); --runs judgements are made at once

The texts that the judge is given are compared with the released ones, and a difference is said: scores are comparable only
under the same judge and the same text. Every exchange is appended to --log as it is made, and the log is a cache: what is in
it is never asked again, so a judgement that was broken off goes on by the same command. The key comes from the environment.`,
		Example: `  llavabench judge --suite mmvet --data data/mm-vet --answers answers.jsonl --judge-prompt prompt.txt --judge-url https://host/v1 --judge-model gpt-4o --runs 3 --out grades.json
  llavabench score --suite mmvet --data data/mm-vet --answers grades.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return execJudge(cmd.Context(), env, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.suite, "suite", "", "`name` of the suite: llava_bench or mmvet")
	fl.StringVar(&f.data, "data", "", "`directory` with the suite's official files")
	fl.StringVar(&f.answers, "answers", "", "`file` of answers")
	fl.StringVar(&f.url, "judge-url", "", "`address` of the server, such as http://localhost:8080 or https://host/v1")
	fl.StringVar(&f.model, "judge-model", "", "`name` of the judge on that server")
	fl.StringVar(&f.keyEnv, "key-env", "OPENAI_API_KEY", "environment `variable` with the key")
	fl.StringVar(&f.prompt, "judge-prompt", "", "`file` with MM-Vet's few-shot prompt")
	fl.IntVar(&f.runs, "runs", 1, "`judgements` of every answer of mmvet")
	fl.IntVar(&f.run, "run", 1, "`number` of the judgement of llava_bench: another number asks again")
	fl.StringVar(&f.out, "out", "", "`file` of reviews or grades")
	fl.StringVar(&f.log, "log", "", "`file` of all exchanges (default: --out with .exchanges.jsonl)")
	for _, name := range []string{"suite", "data", "answers", "judge-url", "judge-model", "out"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

func execJudge(ctx context.Context, env *environment, f judgeFlags) error {
	if f.runs < 1 || f.run < 1 {
		return usagef("--runs and --run must be at least 1")
	}
	suite, err := suites.Find(f.suite)
	if err != nil {
		return usageError{err}
	}
	client, err := openai.New(f.url, os.Getenv(f.keyEnv))
	if err != nil {
		return usageError{fmt.Errorf("--judge-url: %w", err)}
	}
	dir, err := suites.OpenDir(f.data)
	if err != nil {
		return err
	}
	answers, err := suite.ReadAnswers(f.answers)
	if err != nil {
		return err
	}
	if f.log == "" {
		f.log = f.out + ".exchanges.jsonl"
	}
	bar := newProgress(env.stderr)
	defer bar.finish()
	ask, notes, err := f.prepare(ctx, suite.Name, dir, answers, client, func(done, total int) { bar.report("judgements", done, total) })
	if err != nil {
		return err
	}
	notices(env.stderr, notes)
	log, err := judge.OpenLog(f.log)
	if err != nil {
		return err
	}
	defer log.Close()
	failed := 0
	err = writeFile(f.out, func(w io.Writer) (err error) {
		failed, err = ask(w, log)
		return err
	})
	bar.finish()
	if err != nil {
		return fmt.Errorf("%w; the exchanges so far are in %s: the same command goes on", err, f.log)
	}
	fmt.Fprintf(env.stdout, "%s: %d judgements asked for, %d taken from %s, %d that cannot be read\n", f.out, log.Asked, log.Reused, f.log, failed)
	if failed > 0 {
		notice(env.stderr, "%d judgements hold no score; upstream counts them as -1 (llava_bench) or 0 (mmvet), and so does 'score', which says so", failed)
	}
	return nil
}

// prepare makes the requests of a suite.
func (f judgeFlags) prepare(ctx context.Context, suite string, dir *suites.Dir, answers *suites.Answers, client judge.Asker, progress func(done, total int)) (ask func(io.Writer, *judge.Log) (int, error), notes []string, err error) {
	switch suite {
	case "llava_bench":
		if f.prompt != "" || f.runs != 1 {
			return nil, nil, usagef("--judge-prompt and --runs belong to mmvet: rule.json has the prompt, and --run numbers the judgement")
		}
		list, notes, err := judge.Reviews(dir, answers, f.model)
		return func(w io.Writer, log *judge.Log) (int, error) {
			return judge.WriteReviews(ctx, w, log, client, list, f.run, progress)
		}, notes, err
	case "mmvet":
		if f.prompt == "" {
			return nil, nil, usagef("--judge-prompt is needed: the few-shot prompt of MM-Vet's evaluator, which is not part of this program")
		}
		if f.run != 1 {
			return nil, nil, usagef("--run belongs to llava_bench; --runs says how many judgements mmvet gets")
		}
		text, err := os.ReadFile(f.prompt)
		if err != nil {
			return nil, nil, err
		}
		list, notes, err := judge.Gradings(dir, answers, strings.TrimRight(string(text), "\n"))
		return func(w io.Writer, log *judge.Log) (int, error) {
			return judge.WriteGrades(ctx, w, log, client, list, f.model, f.runs, progress)
		}, notes, err
	}
	return nil, nil, usagef("--suite: %s is scored without a judge; expected llava_bench or mmvet", suite)
}
