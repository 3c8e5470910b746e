package eval

import (
	"time"

	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// A Progress is how far a run is.
type Progress struct {
	Done, Total int // questions
	Failed      int // of those done
	// Accuracy is that of the questions done, with its interval; N is 0 while none has a right answer to compare with.
	Accuracy stats.Estimate
	// ImageTokens is how many a second were answered about since the run was started or resumed; 0 where it is not known.
	ImageTokens float64
}

// A meter follows a run.
type meter struct {
	p       Progress
	marks   stats.Running
	tokens  int // since started
	started time.Time
	now     func() time.Time
}

// newMeter begins with the samples that were recorded before.
func newMeter(done []rundir.Sample, total int, now func() time.Time) *meter {
	m := &meter{p: Progress{Total: total}, started: now(), now: now}
	for _, s := range done {
		m.add(s)
	}
	m.tokens = 0
	return m
}

func (m *meter) add(s rundir.Sample) {
	m.p.Done++
	if s.Error != "" {
		m.p.Failed++
	}
	m.tokens += s.ImageTokens
	if mark, ok := s.Mark(); ok {
		m.marks.Add(mark, s.PixelSHA256)
	}
}

func (m *meter) progress() Progress {
	m.p.Accuracy = m.marks.Estimate()
	m.p.ImageTokens = 0
	if took := m.now().Sub(m.started).Seconds(); took > 0 {
		m.p.ImageTokens = float64(m.tokens) / took
	}
	return m.p
}
