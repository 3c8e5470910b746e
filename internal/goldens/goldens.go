// Package goldens checks reference outputs of the original LLaVA code against this build: picture decoding and
// preprocessing, geometry, tokenizer, prompts, and every recorded tensor of small checkpoints run by package pipeline.
//
// A goldens directory states what it expects in JSON manifests and safetensors files; ../shared/golden/README.md is its
// schema. Nothing in it is passed over in silence: a file, key, tensor, mode, flavour or field that is not understood is
// a failed check, and what states no expectation is listed by name with the reason.
//
// Pictures, ids and hashes are compared exactly, float32 tensors within the tolerances of that README.
package goldens

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options choose what is verified and how. The zero value verifies everything.
type Options struct {
	// Only names the parts to check, as in Parts or ScoringParts; "hd" stands for every part that begins with "hd/". Empty
	// is all.
	Only []string
	// Tokenizer is a SentencePiece model for sets without one of their own; "" tries the set's, then
	// DefaultTokenizer.
	Tokenizer string
	// Threads is the number of workers; 0 is one per core.
	Threads int
	// Progress is told how many of total cases of a part are done. It may be nil.
	Progress func(part string, done, total int)
}

// DefaultTokenizer is the model that text is checked with when neither the set nor the caller has one, seen from the
// current directory.
const DefaultTokenizer = "../shared/golden/tokenizer/tokenizer.model"

// A check is one part of a set.
type check struct {
	name string
	// home is the file or folder whose absence means that the set does not have the part.
	home     string
	optional bool // whether a set may lack it
	run      func(*set, *Part) error
}

// checks lists the parts in the order in which they are reported.
var checks = []check{
	{"preprocess", "preprocess/manifest.json", false, (*set).checkPreprocess},
	{"geometry", "geometry/anyres.json", false, (*set).checkGeometry},
	{"tokenizer", "prompts/tokenizer.json", false, (*set).checkTokenizer},
	{"prompts", "prompts", false, (*set).checkPrompts},
	{"outputs", "outputs/manifest.json", false, (*set).checkOutputs},
	{"anyres_max", "outputs/manifest.json", false, (*set).checkAnyResMax},
	{"e2e", "outputs/manifest.json", false, (*set).checkEndToEnd},
	{"hd/geometry", "hd", true, (*set).checkHDGeometry},
	{"hd/preprocess", "hd", true, (*set).checkHDPreprocess},
	{"hd/outputs", "hd", true, (*set).checkHDOutputs},
	{"extra", "extra", true, (*set).checkExtra},
	{"files", ".", false, (*set).checkFiles},
}

// Parts are the names of the parts.
func Parts() []string {
	var names []string
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

// ScoringParts are the names of the parts of scoring goldens.
func ScoringParts() []string {
	var names []string
	for _, c := range scoringChecks() {
		names = append(names, c.name)
	}
	return names
}

// selected reports whether part name is asked for.
func (o Options) selected(name string) bool {
	for _, only := range o.Only {
		if name == only || strings.HasPrefix(name, only+"/") {
			return true
		}
	}
	return len(o.Only) == 0
}

// IsPart reports whether Options.Only may contain name.
func IsPart(name string) bool {
	return slices.ContainsFunc(append(Parts(), ScoringParts()...), Options{Only: []string{name}}.selected)
}

// check refuses names that are no part.
func (o Options) check() error {
	for _, only := range o.Only {
		if !IsPart(only) {
			return fmt.Errorf("part %q is not known, expected one of %s", only, strings.Join(Parts(), ", "))
		}
	}
	return nil
}

// Verify checks the goldens in dir, of models or of scorers. A difference is no error but a failure in the report; an error means that dir is no
// goldens directory, or that ctx was cancelled.
func Verify(ctx context.Context, dir string, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if isScoring(dir) {
		return verifyScoring(ctx, dir, o)
	}
	if err := recognise(dir); err != nil {
		return nil, err
	}
	s := newSet(ctx, dir, o)
	r := &Report{Dir: dir}
	for _, c := range checks {
		// What is named by no manifest is only known when every manifest has been read.
		if !o.selected(c.name) || c.name == "files" && len(o.Only) > 0 {
			continue
		}
		start := time.Now()
		p := newPart(c.name)
		s.run(c, p)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.Seconds = time.Since(start).Seconds()
		r.Parts = append(r.Parts, p)
	}
	r.finish()
	return r, nil
}

// run does one check unless the set lacks the part.
func (s *set) run(c check, p *Part) {
	if _, err := os.Stat(s.file(c.home)); err != nil {
		switch {
		case errors.Is(err, os.ErrNotExist) && c.optional:
			p.skip(fmt.Sprintf("the set has no %s", c.home), 1)
		default:
			p.failf(c.name, c.home, "%v", err)
		}
		return
	}
	if err := c.run(s, p); err != nil {
		p.failf(c.name, c.home, "%v", err)
	}
}

// recognise tells whether dir is a set of goldens: it has the manifests of outputs and of preprocessing.
func recognise(dir string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return fmt.Errorf("%s: expected a directory of goldens, found a file", dir)
	}
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		return err == nil
	}
	for _, name := range []string{outputsManifestFile, preprocessManifestFile} {
		if exists(name) {
			continue
		}
		if found, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(found) > 0 { // the pattern is well-formed
			return fmt.Errorf("%s: no set of goldens: %s is missing, and %s is not a recorded golden", dir, name, filepath.Base(found[0]))
		}
		return fmt.Errorf("%s: no set of goldens: %s is missing", dir, name)
	}
	return nil
}
