// Package slurm runs a suite as a job array of a Slurm cluster: one shard a task, the merge as a job that depends on them. What
// is done and what is missing is read from the run directory and the queue each time; nothing else is remembered.
//
//	RUN/slurm/shard.sh         batch script of a task
//	RUN/slurm/merge.sh         batch script of the merge
//	RUN/slurm/shard-I-of-N/    run directory of a shard
//	RUN/slurm/logs/            what the tasks and the merge print
//	RUN/                       the whole run, once merged: manifest.json comes last
package slurm

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"llavabench/internal/shell"
)

// A Launch is a run that is cut into shards.
type Launch struct {
	Run     string   // absolute run directory, on a file system that all nodes share
	Dir     string   // absolute working directory of the tasks, from which relative paths in Ask start
	Program string   // absolute path of llavabench
	Ask     []string // command line of eval, from "eval" on, without what is about where: --out, --shard, --resume, --answers
	Shards  int
	Answers string   // file of the answers in LLaVA's layout; "" for none
	Options []string // options of sbatch, one or more in each
}

// JobName is the name of the array's jobs in the queue, by which they are found again: of the run directory, so that two runs
// never have the same.
func (l Launch) JobName() string {
	return fmt.Sprintf("llavabench-%x", sha256.Sum256([]byte(l.Run)))[:len("llavabench-")+8]
}

// MergeName is the name of the merge's job in the queue.
func (l Launch) MergeName() string { return l.JobName() + "-merge" }

// ShardScript is the path of the batch script of a task.
func (l Launch) ShardScript() string { return filepath.Join(l.home(), "shard.sh") }

// MergeScript is the path of the batch script of the merge.
func (l Launch) MergeScript() string { return filepath.Join(l.home(), "merge.sh") }

// Logs is the directory of what the tasks print.
func (l Launch) Logs() string { return filepath.Join(l.home(), "logs") }

// Shard is the run directory of shard number, from 1.
func (l Launch) Shard(number int) string {
	return filepath.Join(l.home(), fmt.Sprintf("shard-%d-of-%d", number, l.Shards))
}

func (l Launch) home() string { return filepath.Join(l.Run, "slurm") }

// answersName is the file of a shard's answers, in its run directory.
const answersName = "answers.jsonl"

// askPrefix begins the line of a script that says what is asked: two scripts with the same line ask the same.
const askPrefix = "ask=("

// A task goes back to the queue by itself after a failure, whatever it was, as long as its last start answered something: the
// questions end, so this ends too. A start that answered nothing, on a node without the data perhaps, is forgiven twice. A wrong
// command line (exit code 2) and scancel (SIGTERM) end it.
const shardText = `#!/bin/bash
#SBATCH --job-name={{.JobName}}
#SBATCH --output={{.Log "shard-%a.log"}}
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
{{- range .Options}}
#SBATCH {{.}}
{{- end}}
# One shard of {{.Shards}} in each task. By hand, those that are missing: sbatch --array=2,3 {{quote .ShardScript}}
cd {{quote .Dir}} || exit
program={{quote .Program}}
` + askPrefix + `{{words .Ask}})
shard={{quote .ShardPrefix}}$SLURM_ARRAY_TASK_ID-of-{{.Shards}}

answers() { cat "$shard/samples.jsonl" 2>/dev/null | wc -l; }
child= cancelled=
trap 'kill -TERM $child' USR1 # the task's time is nearly up: the question under way is finished
trap 'cancelled=yes; kill -TERM $child' TERM

before=$(answers)
echo "shard $SLURM_ARRAY_TASK_ID of {{.Shards}} on $(hostname), job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)), $before answers are there"
resume=
[ -f "$shard/manifest.json" ] && resume=--resume
{{if not .HasThreads}}threads=${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-0}}
{{end -}}
"$program" "${ask[@]}" {{if not .HasThreads}}--threads="$threads" {{end}}--shard="auto/{{.Shards}}" --out="$shard" {{if .Answers}}--answers="$shard/{{.AnswersName}}" {{end}}$resume &
child=$!
wait $child
code=$?
while kill -0 $child 2>/dev/null; do # a signal to this script ended the wait
	wait $child
	code=$?
done
[ $code -eq 0 ] && exit 0

now=$(answers)
echo "shard $SLURM_ARRAY_TASK_ID of {{.Shards}} ended with exit code $code after $((now - before)) more answers"
[ $code -eq 2 ] && exit 2
[ -n "$cancelled" ] && exit $code
if [ "$now" -gt "$before" ] || [ "${SLURM_RESTART_COUNT:-0}" -lt 2 ]; then
	echo "back to the queue"
	scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
`

const mergeText = `#!/bin/bash
#SBATCH --job-name={{.MergeName}}
#SBATCH --output={{.Log "merge.log"}}
#SBATCH --open-mode=append
#SBATCH --requeue
{{- range .Options}}
#SBATCH {{.}}
{{- end}}
# Puts the shards together and proves that none is missing. By hand: bash {{quote .MergeScript}}
cd {{quote .Dir}} || exit
run={{quote .Run}}
part=$run/slurm/merging
rm -rf "$part"
{{quote .Program}} merge{{range .Each}} \
	{{quote .}}{{end}} \
	--out "$part" || exit
{{if .Answers}}cat{{range .Each}} \
	{{quote .}}/{{$.AnswersName}}{{end}} \
	>"$part/{{.AnswersName}}" && mv -f "$part/{{.AnswersName}}" {{quote .Answers}} || exit
{{end -}}
mv -f "$part/samples.jsonl" "$part/timings.jsonl" "$part/summary.json" "$run/" && mv -f "$part/manifest.json" "$run/" && rm -rf "$part"
`

var scripts = template.Must(template.Must(template.New("shard").Funcs(template.FuncMap{"quote": shell.Quote, "words": shell.Line}).Parse(shardText)).New("merge").Parse(mergeText))

// ShardText is the batch script of a task.
func (l Launch) ShardText() (string, error) { return l.render("shard") }

// MergeText is the batch script of the merge.
func (l Launch) MergeText() (string, error) { return l.render("merge") }

func (l Launch) render(name string) (string, error) {
	for _, text := range append([]string{l.Run, l.Dir, l.Program, l.Answers}, l.Options...) {
		if strings.ContainsAny(text, "\n\r\x00") {
			return "", fmt.Errorf("%q has an end of line, which a batch script cannot express", text)
		}
	}
	if strings.ContainsAny(l.Run, `'"\`) {
		return "", fmt.Errorf("run directory %q: sbatch takes no quotes or backslashes in the paths of logs", l.Run)
	}
	var b strings.Builder
	err := scripts.ExecuteTemplate(&b, name, view{l})
	return b.String(), err
}

// A view is a launch as the templates see it.
type view struct{ Launch }

func (v view) AnswersName() string { return answersName }

// Log is the value of --output: sbatch reads quotes as a shell does, and % as the start of a pattern.
func (v view) Log(name string) string {
	return `"` + strings.ReplaceAll(v.Logs(), "%", "%%") + "/" + name + `"`
}

// ShardPrefix is the path of a shard up to its number.
func (v view) ShardPrefix() string { return filepath.Join(v.home(), "shard-") }

// HasThreads reports that the number of threads is given: otherwise a task takes the processors that it was given.
func (v view) HasThreads() bool {
	return slices.ContainsFunc(v.Ask, func(a string) bool { return strings.HasPrefix(a, "--threads=") })
}

// Each are the run directories of all shards.
func (v view) Each() []string {
	var all []string
	for i := range v.Shards {
		all = append(all, v.Shard(i+1))
	}
	return all
}

// askOf is the line of a script that says what is asked; "" where there is none.
func askOf(script string) string {
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, askPrefix) {
			return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), askPrefix), ")")
		}
	}
	return ""
}
