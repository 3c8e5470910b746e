package plots

import (
	"fmt"

	"llavabench/reports/study"
)

// A Missing is a figure that was not drawn, and why.
type Missing struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// nothing is the error of a figure whose data the runs do not hold.
type nothing string

func (n nothing) Error() string { return string(n) }

// makers draw one figure each.
var makers = []struct {
	name string
	make func(study.Study) (*Figure, error)
}{
	{"accuracy-tokens", accuracyTokens},
	{"accuracy-latency", accuracyLatency},
	{"accuracy-detail", accuracyDetail},
	{"accuracy-aspect", accuracyAspect},
	{"accuracy-memory", accuracyMemory},
	{"categories", categories},
	{"differences", differences},
	{"latency-stages", latencyStages},
	{"prefill-speed", prefillSpeed},
	{"decode-speed", decodeSpeed},
}

// All draws every figure that the runs of a study hold the data of, and says why the others are missing.
func All(s study.Study) ([]*Figure, []Missing, error) {
	var figures []*Figure
	var missing []Missing
	for _, m := range makers {
		f, err := m.make(s)
		if reason, ok := err.(nothing); ok {
			missing = append(missing, Missing{m.name, string(reason)})
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("figure %s: %w", m.name, err)
		}
		f.Caption = study.Visible(f.Caption)
		figures = append(figures, f)
	}
	return figures, missing, nil
}

// asked is the end of every caption about accuracy: over how many questions of what.
func asked(s study.Study) string {
	least, most := s.Scored()
	n := fmt.Sprint(most)
	if least != most {
		n = fmt.Sprintf("%d to %d", least, most)
	}
	return fmt.Sprintf("Error bars are 95 %% intervals over %s questions of %s.", n, s.Title())
}
