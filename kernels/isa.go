package kernels

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// isaVariable is the environment variable that forces an instruction set; empty takes the best one.
const isaVariable = "LLAVABENCH_ISA"

// knownISAs are the names that isaVariable may have on some machine, for error messages.
var knownISAs = []string{"purego", "avx2", "avx512", "neon"}

// An isa is one implementation of everything in this package that has several: the one dispatch table. A field is a plain
// function with a Go reference in the purego entry, and the bits of all entries are the same.
type isa struct {
	name    string
	missing string // what this machine lacks to run it, empty when nothing
	productSet
	vectorSet
	probeSet
}

// isas lists the implementations compiled into this program, slowest first; active is the one in use, set at start and by
// Select; startError is what Init reports.
var (
	isas       []isa
	active     atomic.Pointer[isa]
	startError error
)

func init() {
	isas = append([]isa{{name: "purego", productSet: productsGo(), vectorSet: vectorsGo()}}, archISAs()...)
	startError = Select("")
}

func findISA(name string) (*isa, error) {
	for i := range isas {
		s := &isas[i]
		if s.name != name {
			continue
		}
		if s.missing != "" {
			return nil, fmt.Errorf("instruction set %q is not supported here: %s is missing", name, s.missing)
		}
		return s, nil
	}
	for _, known := range knownISAs {
		if known == name {
			return nil, fmt.Errorf("instruction set %q is not part of this program (it has %s)", name, isaNames())
		}
	}
	return nil, fmt.Errorf("instruction set %q is unknown (known are %s)", name, strings.Join(knownISAs, ", "))
}

func isaNames() string {
	names := make([]string, len(isas))
	for i := range isas {
		names[i] = isas[i].name
	}
	return strings.Join(names, ", ")
}

// Init reports whether the environment variable LLAVABENCH_ISA asked for an instruction set that is unknown or that this
// machine does not have. Programs call it first.
func Init() error { return startError }

// ISA is the name of the instruction set in use: "purego", "avx2", "avx512" or "neon".
func ISA() string { return active.Load().name }

// Select switches to the named instruction set. The empty name honours the environment variable LLAVABENCH_ISA, and takes
// the fastest set of this machine when that is empty or (with an error) cannot be honoured. It must not be called while
// kernels run.
func Select(name string) error {
	if name != "" {
		s, err := findISA(name)
		if err == nil {
			active.Store(s)
		}
		return err
	}
	for i := range isas {
		if isas[i].missing == "" {
			active.Store(&isas[i])
		}
	}
	forced := os.Getenv(isaVariable)
	if forced == "" {
		return nil
	}
	if err := Select(forced); err != nil {
		return fmt.Errorf("environment variable %s: %w", isaVariable, err)
	}
	return nil
}

// ISAs are the names of the instruction sets that Select accepts on this machine, slowest first.
func ISAs() []string {
	var names []string
	for i := range isas {
		if isas[i].missing == "" {
			names = append(names, isas[i].name)
		}
	}
	return names
}
