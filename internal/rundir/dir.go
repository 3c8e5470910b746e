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

	"llavabench/internal/atomicfile"
)

const (
	manifestName = "manifest.json"
	samplesName  = "samples.jsonl"
	timingsName  = "timings.jsonl"
	summaryName  = "summary.json"
	lockName     = ".lock"
)

// maxLine bounds a line of the logs; an answer of thousands of tokens stays far below.
const maxLine = 64 << 20

// A Dir is a run directory that is being written. One process at a time has it.
type Dir struct {
	path    string
	lock    *os.File
	samples *os.File
	timings *os.File
	done    []Sample
	notes   []string
}

// Create makes a new run directory for a manifest. The directory must be absent or empty.
func Create(path string, m Manifest) (*Dir, error) {
	if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: resume the run that is in it, or choose another directory", path)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	d := &Dir{path: path}
	if err := d.acquire(); err != nil {
		return nil, err
	}
	m.SchemaVersion = SchemaVersion
	if err := d.writeJSON(manifestName, m); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, d.openLogs()
}

// Resume opens a run directory to go on with it. The manifest that is there must identify the same results as m; a
// difference is an error that names it. A last line that a crash cut off is dropped, and said so in Notes.
func Resume(path string, m Manifest) (*Dir, error) {
	d := &Dir{path: path}
	if err := d.acquire(); err != nil {
		return nil, err
	}
	old, err := ReadManifest(path)
	if err == nil {
		err = sameResults(old, m)
	}
	if err == nil {
		err = d.repair()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s cannot be resumed: %w", path, err), d.Close())
	}
	return d, d.openLogs()
}

// sameResults compares what identifies the results of two runs.
func sameResults(old, now Manifest) error {
	for _, part := range []struct {
		name     string
		old, now any
	}{{"suite", old.Suite, now.Suite}, {"system", old.System, now.System}, {"settings", old.Settings, now.Settings}} {
		a, b := flatten(part.name, part.old), flatten(part.name, part.now)
		for _, key := range sortedKeys(a, b) {
			if a[key] != b[key] {
				return fmt.Errorf("%s was %s in the run, but is %s now", key, orAbsent(a[key]), orAbsent(b[key]))
			}
		}
	}
	return nil
}

// repair reads the samples that are there, cuts off a torn last line, and cuts the timings to the samples.
func (d *Dir) repair() error {
	samples, whole, err := readLines[Sample](filepath.Join(d.path, samplesName))
	if err != nil {
		return err
	}
	for i, s := range samples {
		if s.Index != i {
			return fmt.Errorf("%s: line %d has index %d, expected %d", samplesName, i+1, s.Index, i)
		}
	}
	if dropped, err := cut(filepath.Join(d.path, samplesName), whole); err != nil {
		return err
	} else if dropped > 0 {
		d.notes = append(d.notes, fmt.Sprintf("%s: the last line was cut off (%d bytes) and is answered again", samplesName, dropped))
	}
	timings, whole, err := readLines[Timing](filepath.Join(d.path, timingsName))
	if err != nil {
		return err
	}
	if len(timings) > len(samples) {
		// The timing of a sample whose own line was torn.
		if whole, err = lineEnd(filepath.Join(d.path, timingsName), len(samples)); err != nil {
			return err
		}
	}
	if _, err := cut(filepath.Join(d.path, timingsName), whole); err != nil {
		return err
	}
	d.done = samples
	return nil
}

// Done are the samples that were answered before.
func (d *Dir) Done() []Sample { return d.done }

// Notes are remarks about what was repaired.
func (d *Dir) Notes() []string { return d.notes }

// Append writes one sample and its times, and flushes them to the system.
func (d *Dir) Append(s Sample, t Timing) error {
	for _, part := range []struct {
		f *os.File
		v any
	}{{d.samples, s}, {d.timings, t}} {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(part.v); err != nil {
			return err
		}
		// One write per line: what a crash leaves is a whole line or the beginning of one.
		if _, err := part.f.Write(b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// Finish writes the summary and the manifest with its end.
func (d *Dir) Finish(m Manifest, summary any) error {
	m.SchemaVersion = SchemaVersion
	if err := errors.Join(d.samples.Sync(), d.timings.Sync()); err != nil {
		return err
	}
	if err := d.writeJSON(summaryName, summary); err != nil {
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
	}{{samplesName, &d.samples}, {timingsName, &d.timings}} {
		if *log.f, err = os.OpenFile(filepath.Join(d.path, log.name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
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
	b, err := os.ReadFile(filepath.Join(path, manifestName))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%s: %w", manifestName, err)
	}
	if m.SchemaVersion < 1 || m.SchemaVersion > SchemaVersion {
		return m, fmt.Errorf("%s: schema_version is %d, this program reads 1 to %d", manifestName, m.SchemaVersion, SchemaVersion)
	}
	return m, nil
}

// ReadSamples reads the samples of a run, complete lines only.
func ReadSamples(path string) ([]Sample, error) {
	s, _, err := readLines[Sample](filepath.Join(path, samplesName))
	return s, err
}

// ReadTimings reads the times of a run, complete lines only.
func ReadTimings(path string) ([]Timing, error) {
	t, _, err := readLines[Timing](filepath.Join(path, timingsName))
	return t, err
}

// readLines decodes the complete lines of a log and returns the bytes that they take. A line that does not decode is an
// error unless it is an unfinished last one.
func readLines[T any](path string) (all []T, whole int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	for n := 1; ; n++ {
		line, err := readLine(r)
		if err == io.EOF {
			return all, whole, nil // what is left has no end of line
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return nil, 0, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		all = append(all, v)
		whole += int64(len(line))
	}
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
