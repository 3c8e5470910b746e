package rundir

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A shardRun is a run of one shard.
type shardRun struct {
	path     string
	manifest Manifest
}

func (r shardRun) shard() Shard { return *r.manifest.Shard }

// Merge puts the shards of a run together: the new run at out has the bytes of samples.jsonl that one run over the whole suite
// has. It refuses runs that are not the shards of one run, all of them, each complete and once, and says what is wrong.
// summarise makes the summary of all samples and times.
func Merge(paths []string, out string, summarise func([]Sample, []Timing) any) error {
	runs, err := readShards(paths)
	if err != nil {
		return err
	}
	if err := checkShards(runs); err != nil {
		return err
	}
	if err := checkComplete(runs); err != nil {
		return err
	}
	m, err := mergeManifests(runs)
	if err != nil {
		return err
	}
	begun := m
	begun.Ended = nil // until all is there
	d, err := Create(out, begun)
	if err != nil {
		return err
	}
	return errors.Join(d.fill(runs, m, summarise), d.Close())
}

// readShards reads the manifests of shards and puts them in order.
func readShards(paths []string) ([]shardRun, error) {
	var runs []shardRun
	for _, path := range paths {
		m, err := ReadManifest(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if m.Shard == nil {
			return nil, fmt.Errorf("%s is a whole run, not a shard of one", path)
		}
		if s := *m.Shard; s.Count < 1 || s.Number < 1 || s.Number > s.Count || s.First < 0 || s.Items < 0 {
			return nil, fmt.Errorf("%s: shard %s of %d questions from %d on is impossible", path, s, s.Items, s.First)
		}
		runs = append(runs, shardRun{path, m})
	}
	if len(runs) == 0 {
		return nil, errors.New("there are no shards to merge")
	}
	slices.SortStableFunc(runs, func(a, b shardRun) int { return a.shard().Number - b.shard().Number })
	return runs, nil
}

// checkShards proves that runs, in order, are all shards of one run.
func checkShards(runs []shardRun) error {
	base := runs[0]
	for _, r := range runs[1:] {
		if r.shard().Count != base.shard().Count {
			return fmt.Errorf("%s is shard %s, but %s is shard %s: they are of different cuts", base.path, base.shard(), r.path, r.shard())
		}
		if err := sameRun(base, r); err != nil {
			return err
		}
	}
	var missing []string
	number, next := 1, 0
	for _, r := range runs {
		s := r.shard()
		if s.Number == number-1 {
			return fmt.Errorf("shard %s is given twice, the second time as %s", s, r.path)
		}
		for ; number < s.Number; number++ {
			missing = append(missing, fmt.Sprintf("%d/%d", number, s.Count))
		}
		if len(missing) == 0 && s.First != next {
			return fmt.Errorf("%s begins at question %d, expected %d", r.path, s.First, next)
		}
		number, next = s.Number+1, s.First+s.Items
	}
	for ; number <= base.shard().Count; number++ {
		missing = append(missing, fmt.Sprintf("%d/%d", number, base.shard().Count))
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing: shard %s", strings.Join(missing, ", "))
	}
	if next != base.manifest.Suite.Items {
		return fmt.Errorf("the shards have %d questions, but the suite has %d", next, base.manifest.Suite.Items)
	}
	return nil
}

// sameRun checks that two shards were run with the same suite, system and settings.
func sameRun(a, b shardRun) error {
	differ := Results(a.manifest, b.manifest)
	if len(differ) == 0 {
		return nil
	}
	var list []string
	for _, d := range differ[:min(len(differ), maxDifferences)] {
		list = append(list, fmt.Sprintf("%s is %s and %s", d.Path, orAbsent(d.Base), orAbsent(d.New)))
	}
	return fmt.Errorf("%s and %s are not shards of one run: %s", a.path, b.path, strings.Join(list, "; "))
}

// mergeManifests makes the manifest of the whole run.
func mergeManifests(runs []shardRun) (Manifest, error) {
	m := runs[0].manifest
	m.Command, m.Shard, m.Data, m.Load, m.Merged = wholeCommand(m.Command), nil, nil, nil, nil
	seen := map[string]File{}
	for _, r := range runs {
		part := Part{Shard: r.shard(), Machine: r.manifest.Machine, Started: r.manifest.Started, Ended: r.manifest.Ended}
		m.Merged = append(m.Merged, part)
		if part.Started.Before(m.Started) {
			m.Started = part.Started
		}
		if part.Ended != nil && (m.Ended == nil || part.Ended.After(*m.Ended)) {
			m.Ended = part.Ended
		}
		if l := r.manifest.Load; l != nil {
			if m.Load == nil {
				m.Load = &Load{}
			}
			m.Load.CPU, m.Load.Waited = m.Load.CPU+l.CPU, m.Load.Waited+l.Waited
		}
		for _, f := range r.manifest.Data {
			if before, ok := seen[f.Name]; !ok {
				m.Data = append(m.Data, f)
			} else if before != f {
				return m, fmt.Errorf("%s: %s had %d bytes of SHA-256 %s, in an earlier shard %d of %s", r.path, f.Name, f.Size, f.SHA256, before.Size, before.SHA256)
			}
			seen[f.Name] = f
		}
	}
	return m, nil
}

// wholeCommand is the command line of the whole run: that of a shard, without its --shard.
func wholeCommand(shard []string) []string {
	var out []string
	for i := 0; i < len(shard); i++ {
		switch {
		case shard[i] == "--shard":
			i++ // its value
		case !strings.HasPrefix(shard[i], "--shard="):
			out = append(out, shard[i])
		}
	}
	return out
}

// checkComplete checks that every shard has all its answers.
func checkComplete(runs []shardRun) error {
	var incomplete []string
	for _, r := range runs {
		samples, err := ReadSamples(r.path)
		if err != nil {
			return err
		}
		for i, s := range samples {
			if s.Index != i {
				return fmt.Errorf("%s: line %d of %s has the index %d, expected %d", r.path, i+1, SamplesFile, s.Index, i)
			}
		}
		if n := r.shard().Items; len(samples) != n {
			incomplete = append(incomplete, fmt.Sprintf("shard %s (%s) has %d of %d answers", r.shard(), r.path, len(samples), n))
		}
	}
	if len(incomplete) > 0 {
		return fmt.Errorf("not complete: %s; go on with eval --resume", strings.Join(incomplete, "; "))
	}
	return nil
}

// fill copies the samples and times of all shards and finishes the run.
func (d *Dir) fill(runs []shardRun, m Manifest, summarise func([]Sample, []Timing) any) error {
	for _, r := range runs {
		if err := d.copyShard(r); err != nil {
			return fmt.Errorf("%s: %w", r.path, err)
		}
	}
	samples, err := d.Recorded()
	if err != nil {
		return err
	}
	timings, err := d.Timings()
	if err != nil {
		return err
	}
	return d.Finish(m, summarise(samples, timings))
}

// copyShard appends the samples and times of a shard, with their indexes in the suite.
func (d *Dir) copyShard(r shardRun) error {
	samples, err := ReadSamples(r.path)
	if err != nil {
		return err
	}
	timings, err := ReadTimings(r.path)
	if err != nil {
		return err
	}
	for _, s := range samples {
		s.Index += r.shard().First
		if err := appendLine(d.samples, s); err != nil {
			return err
		}
	}
	for _, t := range timings { // a crash can have lost some
		t.Index += r.shard().First
		if err := appendLine(d.timings, t); err != nil {
			return err
		}
	}
	return nil
}
