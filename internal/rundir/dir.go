package rundir

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"llavabench/internal/atomicfile"
)

// SamplesFile is the file of a run directory whose bytes are the same whenever the results are.
const SamplesFile = "samples.jsonl"

// SummaryFile is the file of a run's figures.
const SummaryFile = "summary.json"

const (
	manifestName = "manifest.json"
	timingsName  = "timings.jsonl"
	lockName     = ".lock"
)

// maxLine bounds a line of the logs; an answer of thousands of tokens stays far below.
const maxLine = 64 << 20

// maxManifest bounds a manifest and a summary: thousands of files stay far below.
const maxManifest = 64 << 20

// A Dir is a run directory that is being written. One process at a time has it.
type Dir struct {
	path    string
	lock    *os.File
	samples *os.File
	timings *os.File
	done    []Sample
	notes   []string
}

// Create makes a new run directory for a manifest. The directory must be absent or empty; what a process leaves that was
// killed before it had written its manifest does not count.
func Create(path string, m Manifest) (*Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	d := &Dir{path: path}
	var err error
	if d.lock, err = Lock(path); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	for _, e := range entries {
		if e.Name() != lockName && !strings.HasPrefix(e.Name(), "."+manifestName+".") {
			return nil, errors.Join(fmt.Errorf("%s is not empty: resume the run that is in it, or choose another directory", path), d.Close())
		}
	}
	m.SchemaVersion = SchemaVersion
	if err := d.writeJSON(manifestName, m); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, d.openLogs()
}

// Resume opens a run directory to go on with it. The manifest that is there must identify the same results as m; a
// difference is an error that names it. A last line that a crash cut off or damaged is dropped, and said so in Notes.
func Resume(path string, m Manifest) (*Dir, error) {
	if _, err := os.Stat(filepath.Join(path, manifestName)); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no run to go on with: it has no %s", path, manifestName)
	}
	d := &Dir{path: path}
	var err error
	if d.lock, err = Lock(path); err != nil {
		return nil, err
	}
	old, err := ReadManifest(path)
	if err == nil {
		err = sameResults(old, m)
	}
	if err == nil {
		err = d.repair()
	}
	if n := len(d.done); err == nil && n > m.Questions() {
		err = fmt.Errorf("%s has %d answers, but the run has %d questions", SamplesFile, n, m.Questions())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s cannot be resumed: %w", path, err), d.Close())
	}
	return d, d.openLogs()
}

// maxDifferences bounds how many differences of two manifests are listed.
const maxDifferences = 8

// sameResults compares what identifies the results of two runs.
func sameResults(old, now Manifest) error {
	var differ []string
	for _, part := range []struct {
		name     string
		old, now any
	}{{"suite", old.Suite, now.Suite}, {"system", old.System, now.System}, {"settings", old.Settings, now.Settings}, {"shard", old.Shard, now.Shard}} {
		a, b := flatten(part.name, part.old), flatten(part.name, part.now)
		for _, key := range sortedKeys(a, b) {
			if a[key] != b[key] {
				differ = append(differ, fmt.Sprintf("%s was %s in the run, but is %s now", key, orAbsent(a[key]), orAbsent(b[key])))
			}
		}
	}
	switch n := len(differ); {
	case n == 0:
		return nil
	case n > maxDifferences:
		differ = append(differ[:maxDifferences], fmt.Sprintf("and %d more differences", n-maxDifferences))
	}
	return errors.New(strings.Join(differ, "; "))
}

// repair reads the samples that are there, cuts off a torn or damaged last line, and cuts the timings to the samples.
func (d *Dir) repair() error {
	samples, err := repairLog(d, SamplesFile, "the question is answered again", func(s Sample) int { return s.Index })
	if err != nil {
		return err
	}
	timings, err := repairLog(d, timingsName, "the times are lost", func(t Timing) int { return t.Index })
	if err != nil {
		return err
	}
	// A timing whose own sample was cut off goes as well.
	kept := len(timings)
	for kept > 0 && timings[kept-1].Index >= len(samples) {
		kept--
	}
	if kept < len(timings) {
		end, err := lineEnd(filepath.Join(d.path, timingsName), kept)
		if err != nil {
			return err
		}
		if _, err := cut(filepath.Join(d.path, timingsName), end); err != nil {
			return err
		}
	}
	d.done = samples
	return nil
}

// repairLog reads a log, cuts off what a crash did to its end and says so. The indexes of samples are 0, 1, 2, ...; those of
// timings, of which a crash can lose one, ascend.
func repairLog[T any](d *Dir, name, lost string, index func(T) int) ([]T, error) {
	path := filepath.Join(d.path, name)
	next := 0
	lines, whole, damage, err := readLines(path, func(v T) error {
		at := index(v)
		if at != next && (name == SamplesFile || at < next) {
			return fmt.Errorf("index is %d, expected %d", at, next)
		}
		next = at + 1
		return nil
	})
	if err != nil {
		return nil, err
	}
	dropped, err := cut(path, whole)
	if err != nil {
		return nil, err
	}
	if dropped > 0 {
		what := "has no end"
		if damage != nil {
			what = fmt.Sprintf("is damaged (%v)", damage)
		}
		d.notes = append(d.notes, fmt.Sprintf("%s: the last line, %d, %s: its %d bytes are dropped, %s", path, len(lines)+1, what, dropped, lost))
	}
	return lines, nil
}

// Samples is the path of the log of samples.
func (d *Dir) Samples() string { return filepath.Join(d.path, SamplesFile) }

// Recorded reads all samples of the log.
func (d *Dir) Recorded() ([]Sample, error) { return ReadSamples(d.path) }

// Timings reads all times of the log.
func (d *Dir) Timings() ([]Timing, error) { return ReadTimings(d.path) }

// Done are the samples that were answered before.
func (d *Dir) Done() []Sample { return d.done }

// Notes are remarks about what was repaired.
func (d *Dir) Notes() []string { return d.notes }

// Append writes one sample and its times, and flushes them to the system.
func (d *Dir) Append(s Sample, t Timing) error {
	if err := appendLine(d.samples, s); err != nil {
		return err
	}
	return appendLine(d.timings, t)
}

func appendLine(f *os.File, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	// One write per line: what a crash leaves is a whole line or the beginning of one.
	_, err := f.Write(b.Bytes())
	return err
}

// Pause writes the summary of what has been answered so far; the run can be resumed.
func (d *Dir) Pause(summary any) error {
	return errors.Join(d.samples.Sync(), d.timings.Sync(), d.writeJSON(SummaryFile, summary))
}

// Finish writes the summary and the manifest with its end.
func (d *Dir) Finish(m Manifest, summary any) error {
	m.SchemaVersion = SchemaVersion
	if err := d.Pause(summary); err != nil {
		return err
	}
	return d.writeJSON(manifestName, m)
}

// Close releases the directory.
func (d *Dir) Close() error {
	var errs []error
	for _, f := range []*os.File{d.samples, d.timings, d.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

func (d *Dir) openLogs() (err error) {
	for _, log := range []struct {
		name string
		f    **os.File
	}{{SamplesFile, &d.samples}, {timingsName, &d.timings}} {
		if *log.f, err = openLog(filepath.Join(d.path, log.name), os.O_APPEND|os.O_CREATE|os.O_WRONLY); err != nil {
			return errors.Join(err, d.Close())
		}
	}
	return nil
}

func (d *Dir) writeJSON(name string, v any) error {
	return atomicfile.Write(filepath.Join(d.path, name), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	})
}

// ReadManifest reads the manifest of a run.
func ReadManifest(path string) (Manifest, error) {
	var m Manifest
	name := filepath.Join(path, manifestName)
	if err := readJSON(name, &m); err != nil {
		return m, err
	}
	if m.SchemaVersion < 1 || m.SchemaVersion > SchemaVersion {
		return m, fmt.Errorf("%s: schema_version is %d, this program reads 1 to %d", name, m.SchemaVersion, SchemaVersion)
	}
	return m, nil
}

// readJSON reads a file of one object, of bounded size.
func readJSON(name string, v any) error {
	f, err := openLog(name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return err
	}
	if len(b) > maxManifest {
		return fmt.Errorf("%s has more than %d bytes", name, maxManifest)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// ReadSamples reads the samples of a run, complete lines only.
func ReadSamples(path string) ([]Sample, error) {
	return readAll[Sample](filepath.Join(path, SamplesFile))
}

// ReadTimings reads the times of a run, complete lines only.
func ReadTimings(path string) ([]Timing, error) {
	return readAll[Timing](filepath.Join(path, timingsName))
}

func readAll[T any](path string) ([]T, error) {
	lines, _, damage, err := readLines[T](path, nil)
	if err == nil && damage != nil {
		err = fmt.Errorf("%s: line %d: %w", path, len(lines)+1, damage)
	}
	return lines, err
}

// readLines decodes the complete lines of a log and returns the bytes that they take. A line that does not decode or that
// check, which may be nil, refuses is an error, unless nothing follows it but an unfinished line: then it is left out, and
// damage says what is wrong with it.
func readLines[T any](path string, check func(T) error) (all []T, whole int64, damage, err error) {
	f, err := openLog(path, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, nil, nil
	}
	if err != nil {
		return nil, 0, nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	for n := 1; ; n++ {
		line, err := readLine(r)
		if err == io.EOF {
			return all, whole, damage, nil // what is left has no end of line
		}
		if damage != nil {
			return nil, 0, nil, fmt.Errorf("%s: line %d: %w", path, n-1, damage)
		}
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		var v T
		damage = json.Unmarshal(line, &v)
		if damage == nil && check != nil {
			damage = check(v)
		}
		if damage != nil {
			continue
		}
		all = append(all, v)
		whole += int64(len(line))
	}
}

// openLog opens a log, which must be a regular file: a pipe under its name would be waited for without end.
func openLog(path string, flag int) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return os.OpenFile(path, flag, 0o644)
}

// readLine reads up to and including the next end of line; io.EOF when there is none.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			return line, nil
		}
		if err != bufio.ErrBufferFull {
			return nil, err
		}
		if len(line) > maxLine {
			return nil, fmt.Errorf("longer than %d bytes", maxLine)
		}
	}
}

// lineEnd is the number of bytes of the first n lines.
func lineEnd(path string, n int) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	var end int64
	for range n {
		line, err := readLine(r)
		if err != nil {
			return 0, err
		}
		end += int64(len(line))
	}
	return end, nil
}

// cut shortens a file to size and returns how many bytes went.
func cut(path string, size int64) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil || info.Size() == size {
		return 0, err
	}
	return info.Size() - size, os.Truncate(path, size)
}
