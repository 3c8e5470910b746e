// Package energy reads how much energy the processors of this machine have used, through Linux's power capping interface to
// the counters that Intel calls RAPL and AMD has as well.
//
// Reference: Linux, Documentation/power/powercap/powercap.rst and drivers/powercap/intel_rapl_common.c for the names of the
// domains.
package energy

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Reading is energy in joules.
type Reading struct {
	Package float64  // of all processor packages
	DRAM    *float64 // of all memory; nil where the machine does not count it
}

// A Meter adds up the counters from when it was opened. They count all that the machine does, not this process alone.
type Meter struct {
	mu      sync.Mutex
	root    fs.FS
	domains []domain
	dram    bool
	err     error // of a counter that could no longer be read
	stop    chan struct{}
	once    sync.Once
}

// A domain is one counter, in microjoules. It goes back to 0 after wrap.
type domain struct {
	path   string // of the counter
	dram   bool
	wrap   uint64
	last   uint64
	joules float64
}

// root is where the interface lies.
const root = "/sys/class/powercap"

// between is how often a meter reads by itself: counters of 32 bits go round within minutes under full load.
const between = 30 * time.Second

// Open makes a meter of this machine. It fails, and says why, where there are no counters or they cannot all be read: a sum that
// leaves a package out would be wrong. The caller closes the meter.
func Open() (*Meter, error) {
	m, err := open(os.DirFS(root))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", root, err)
	}
	go m.watch()
	return m, nil
}

func open(root fs.FS) (*Meter, error) {
	entries, err := fs.ReadDir(root, ".")
	if err != nil {
		return nil, errors.New("the machine has no energy counters")
	}
	m := &Meter{root: root, stop: make(chan struct{})}
	for _, e := range entries {
		// intel-rapl:N is a package, intel-rapl:N:M a part of one. intel-rapl-mmio:N are the same counters by another way.
		zone, ok := strings.CutPrefix(e.Name(), "intel-rapl:")
		if !ok {
			continue
		}
		name, err := fs.ReadFile(root, e.Name()+"/name")
		if err != nil {
			return nil, short(err)
		}
		part := strings.Contains(zone, ":")
		d := domain{path: e.Name() + "/energy_uj", dram: strings.TrimSpace(string(name)) == "dram"}
		switch {
		case part && d.dram:
			m.dram = true
		case part, !strings.HasPrefix(string(name), "package"):
			continue // cores and graphics lie within the package, psys around it
		}
		if d.wrap, err = m.counter(e.Name() + "/max_energy_range_uj"); err != nil {
			return nil, err
		}
		if d.last, err = m.counter(d.path); err != nil {
			return nil, err
		}
		if d.wrap == 0 || d.last > d.wrap {
			return nil, fmt.Errorf("%s is %d of at most %d", d.path, d.last, d.wrap)
		}
		m.domains = append(m.domains, d)
	}
	if len(m.domains) == 0 {
		return nil, errors.New("the machine has no energy counters of its processors")
	}
	return m, nil
}

// short leaves out the system's own path, which the caller names.
func short(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s cannot be read: %w", p.Path, p.Err)
	}
	return err
}

func (m *Meter) counter(path string) (uint64, error) {
	data, err := fs.ReadFile(m.root, path)
	if err != nil {
		return 0, short(err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("%s holds %.40q, expected microjoules", path, data)
	}
	return n, nil
}

// Read gives the energy since the meter was opened; an error once a counter could not be read, from then on.
func (m *Meter) Read() (Reading, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var r Reading
	var dram float64
	for i := range m.domains {
		d := &m.domains[i]
		if m.err == nil {
			m.err = m.advance(d)
		}
		if d.dram {
			dram += d.joules
		} else {
			r.Package += d.joules
		}
	}
	if m.err != nil {
		return Reading{}, m.err
	}
	if m.dram {
		r.DRAM = &dram
	}
	return r, nil
}

// advance adds what a domain has counted since it was last read.
func (m *Meter) advance(d *domain) error {
	now, err := m.counter(d.path)
	if err != nil {
		return err
	}
	used := now - d.last
	if now < d.last {
		used = d.wrap - d.last + now
	}
	d.last = now
	d.joules += float64(used) / 1e6
	return nil
}

// watch reads the counters so often that none goes round twice in between.
func (m *Meter) watch() {
	t := time.NewTicker(between)
	defer t.Stop()
	for {
		select {
		case <-m.stop:
			return
		case <-t.C:
			_, _ = m.Read() // an error stays
		}
	}
}

// Close ends the meter.
func (m *Meter) Close() { m.once.Do(func() { close(m.stop) }) }
