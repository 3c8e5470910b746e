package rundir

import (
	"errors"
	"os"
	"path/filepath"

	"llavabench/internal/stats"
)

// An Official is a run's score by the rules of a benchmark's owners.
type Official struct {
	Scorer   string   `json:"scorer,omitempty"` // "" where the answers cannot be scored here, which Notes explain
	Upstream string   `json:"upstream,omitempty"`
	Figures  []Figure `json:"figures,omitempty"` // the headline first
	Answered int      `json:"answered"`
	Missing  int      `json:"missing"`  // questions without an answer
	Unparsed int      `json:"unparsed"` // answers that no rule understands
	Notes    []string `json:"notes,omitempty"`
}

// A Figure is one figure of a score.
type Figure struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"` // null where it is not a finite number
	Text  string   `json:"text"`  // as upstream prints it
	N     int      `json:"n,omitempty"`
	Unit  string   `json:"unit"` // "percent", "ratio", "points" or "count"
	// CI is the 95 % interval, clustered by image where questions share one; absent where nothing is known.
	CI *stats.Interval `json:"ci95,omitempty"`
}

// ReadSummary reads the summary of a run into v.
func ReadSummary(path string, v any) error { return readJSON(filepath.Join(path, SummaryFile), v) }

// ReadOfficial reads the score by the owners' rules from the summary of a run; nil where it has none.
func ReadOfficial(path string) (*Official, error) {
	var s struct {
		Official *Official `json:"official"`
	}
	err := ReadSummary(path, &s)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return s.Official, err
}
