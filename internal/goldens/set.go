package goldens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"llavabench/internal/imaging"
)

// The manifests by which a set is recognised.
const (
	outputsManifestFile    = "outputs/manifest.json"
	preprocessManifestFile = "preprocess/manifest.json"
)

// maxFileBytes bounds the golden files that are read into memory; the largest of the published set has 1 MB.
const maxFileBytes = 1 << 28

// A set is an open goldens directory.
type set struct {
	ctx context.Context
	dir string
	opt Options

	mu       sync.Mutex
	used     map[string]bool // files that a manifest named or the schema knows, relative to dir with slashes
	models   map[string]bool // folders of models, named likewise
	pictures map[string]*pictureEntry
}

func newSet(ctx context.Context, dir string, o Options) *set {
	return &set{ctx: ctx, dir: dir, opt: o, used: map[string]bool{}, models: map[string]bool{}}
}

// file is the path of a file of the set, which is marked as understood. name is relative to the set's root.
func (s *set) file(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[name] = true
	return filepath.Join(s.dir, filepath.FromSlash(name))
}

// named is file for a name that a manifest gave: one that leaves the set is refused.
func (s *set) named(folder, name string) (string, error) {
	full := path.Join(folder, name)
	if name == "" || !filepath.IsLocal(filepath.FromSlash(full)) {
		return "", fmt.Errorf("the file name %q leaves the set", name)
	}
	return s.file(full), nil
}

// read reads a file of the set.
func (s *set) read(name string) ([]byte, error) { return readFile(s.file(name)) }

// readFile reads a regular file of bounded size.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxFileBytes {
		return nil, fmt.Errorf("%s: expected a regular file of at most %d bytes, found %s of %d", path, maxFileBytes, st.Mode().Type(), st.Size())
	}
	return io.ReadAll(io.LimitReader(f, maxFileBytes))
}

// readJSON reads a JSON file strictly, see decodeStrict.
func (s *set) readJSON(p *Part, name string, v any) error {
	raw, err := s.read(name)
	if err != nil {
		return err
	}
	return p.decodeStrict(name, raw, v)
}

// threads is the number of workers.
func (s *set) threads() int {
	if s.opt.Threads > 0 {
		return s.opt.Threads
	}
	return runtime.GOMAXPROCS(0)
}

func (s *set) progress(p *Part, done, total int) {
	if s.opt.Progress != nil {
		s.opt.Progress(p.Name, done, total)
	}
}

// each runs body for i in 0..n-1 on several goroutines, each with a part of its own, and adds what they found to p in the
// order of i, so that a report does not depend on timing.
func (s *set) each(p *Part, n int, body func(i int, p *Part)) {
	parts := make([]*Part, n)
	next := make(chan int)
	var wg sync.WaitGroup
	var done int
	for range min(s.threads(), n) {
		wg.Go(func() {
			for i := range next {
				parts[i] = newPart(p.Name)
				body(i, parts[i])
				s.mu.Lock()
				done++
				s.progress(p, done, n)
				s.mu.Unlock()
			}
		})
	}
	for i := 0; i < n && s.ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	wg.Wait()
	for _, q := range parts {
		if q != nil {
			p.add(q)
		}
	}
}

// add merges the findings of q into p.
func (p *Part) add(q *Part) {
	p.Cases += q.Cases
	p.Checked += q.Checked
	p.Failed += q.Failed
	p.Failures = append(p.Failures, q.Failures...)
	for name, t := range q.tensors {
		s := p.stat(name)
		s.Exact = t.Exact
		if t.share > s.share || s.Count == 0 || t.Exact && t.MaxError > s.MaxError {
			s.MaxError, s.Tolerance, s.Case, s.share = t.MaxError, t.Tolerance, t.Case, t.share
		}
		s.Count += t.Count
		s.Elements += t.Elements
	}
	for reason, n := range q.skips {
		p.skips[reason] += n
	}
	for info, n := range q.information {
		p.information[info] += n
	}
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// readPicture reads a picture of the set that is a lossless copy of bytes, such as those in u8/ and rgb/; ok is false
// when the set does not have it.
func (s *set) readPicture(folder, name string) (m *imaging.RGB, ok bool, err error) {
	path, err := s.named(folder, name)
	if err != nil {
		return nil, false, err
	}
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil, false, nil
	}
	m, _, err = imaging.DecodeFile(path, imaging.DecodeOptions{})
	return m, err == nil, err
}

// checkFiles fails for every file that no manifest names and the schema does not know. Files whose names begin with a dot
// are not looked at.
func (s *set) checkFiles(p *Part) error {
	for _, name := range []string{"README.md", setTokenizer} {
		s.file(name)
	}
	return filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		switch {
		case name == ".":
		case strings.HasPrefix(d.Name(), ".") || d.IsDir() && s.models[name]:
			if d.IsDir() {
				return fs.SkipDir // the files of a model are read by package checkpoint
			}
		case d.IsDir():
		case s.used[name]:
			p.Cases++
			p.Checked++
		default:
			p.Cases++
			p.failf(name, "file", "no manifest names it, and the schema does not know it")
		}
		return nil
	})
}

// has reports whether the set has a file or folder.
func (s *set) has(name string) bool {
	_, err := os.Stat(filepath.Join(s.dir, filepath.FromSlash(name)))
	return err == nil
}
