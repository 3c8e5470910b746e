package energy

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// machine is a tree as Linux shows it.
func machine(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text + "\n"), Mode: 0o444}
	}
	return m
}

func twoPackages() fstest.MapFS {
	return machine(map[string]string{
		"intel-rapl/enabled":                      "1",
		"intel-rapl:0/name":                       "package-0",
		"intel-rapl:0/energy_uj":                  "5000000",
		"intel-rapl:0/max_energy_range_uj":        "262143328850",
		"intel-rapl:0:0/name":                     "core",
		"intel-rapl:0:0/energy_uj":                "70",
		"intel-rapl:0:0/max_energy_range_uj":      "262143328850",
		"intel-rapl:0:1/name":                     "dram",
		"intel-rapl:0:1/energy_uj":                "100",
		"intel-rapl:0:1/max_energy_range_uj":      "65712999613",
		"intel-rapl:1/name":                       "package-1",
		"intel-rapl:1/energy_uj":                  "262143000000",
		"intel-rapl:1/max_energy_range_uj":        "262143328850",
		"intel-rapl:2/name":                       "psys",
		"intel-rapl:2/energy_uj":                  "1",
		"intel-rapl:2/max_energy_range_uj":        "262143328850",
		"intel-rapl-mmio:0/name":                  "package-0",
		"intel-rapl-mmio:0/energy_uj":             "5000000",
		"intel-rapl-mmio:0/max_energy_range_uj":   "262143328850",
		"dtpm/name":                               "other",
		"intel-rapl:0/constraint_0_max_power_uw":  "100",
		"intel-rapl:0/constraint_0_power_limit_u": "100",
	})
}

func set(root fstest.MapFS, name, text string) {
	root[name] = &fstest.MapFile{Data: []byte(text + "\n"), Mode: 0o444}
}

// Packages are added up, each once, also when a counter has gone round; memory stands by itself.
func TestPackagesAddUp(t *testing.T) {
	root := twoPackages()
	m, err := open(root)
	require.NoError(t, err)
	r, err := m.Read()
	require.NoError(t, err)
	require.Zero(t, r.Package)
	require.NotNil(t, r.DRAM)
	require.Zero(t, *r.DRAM)

	set(root, "intel-rapl:0/energy_uj", "7500000")
	set(root, "intel-rapl:1/energy_uj", "671150") // round: 328850 to the end and 671150 on
	set(root, "intel-rapl:0:1/energy_uj", "250100")
	set(root, "intel-rapl:0:0/energy_uj", "999999999")
	set(root, "intel-rapl-mmio:0/energy_uj", "7500000")
	r, err = m.Read()
	require.NoError(t, err)
	require.InDelta(t, 3.5, r.Package, 1e-9)
	require.InDelta(t, 0.25, *r.DRAM, 1e-9)

	set(root, "intel-rapl:1/energy_uj", "671149") // and once more
	r, err = m.Read()
	require.NoError(t, err)
	require.InDelta(t, 3.5+262143.328849, r.Package, 1e-6)
}

// Without memory counters there is no figure of memory, rather than one of 0.
func TestNoMemoryCounter(t *testing.T) {
	root := twoPackages()
	delete(root, "intel-rapl:0:1/name")
	delete(root, "intel-rapl:0:1/energy_uj")
	delete(root, "intel-rapl:0:1/max_energy_range_uj")
	m, err := open(root)
	require.NoError(t, err)
	r, err := m.Read()
	require.NoError(t, err)
	require.Nil(t, r.DRAM)
}

// What cannot be read whole is absent, with the reason.
func TestAbsent(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(fstest.MapFS)
		want   string
	}{
		{"a counter for the administrator only", func(r fstest.MapFS) { delete(r, "intel-rapl:1/energy_uj") }, "intel-rapl:1/energy_uj cannot be read"},
		{"no range", func(r fstest.MapFS) { set(r, "intel-rapl:0/max_energy_range_uj", "0") }, "is 5000000 of at most 0"},
		{"not a number", func(r fstest.MapFS) { set(r, "intel-rapl:0/energy_uj", "-4") }, `holds "-4\n"`},
		{"beyond its range", func(r fstest.MapFS) { set(r, "intel-rapl:0/energy_uj", "262143328851") }, "of at most 262143328850"},
		{"no name", func(r fstest.MapFS) { delete(r, "intel-rapl:0/name") }, "intel-rapl:0/name cannot be read"},
		{"nothing", func(r fstest.MapFS) { clear(r); set(r, "dtpm/name", "x") }, "no energy counters of its processors"},
	} {
		root := twoPackages()
		c.change(root)
		_, err := open(root)
		require.ErrorContains(t, err, c.want, c.name)
	}
	_, err := open(noTree{})
	require.EqualError(t, err, "the machine has no energy counters")
}

type noTree struct{}

func (noTree) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// A counter that is gone once leaves the sum unknown for good.
func TestLostCounter(t *testing.T) {
	root := twoPackages()
	m, err := open(root)
	require.NoError(t, err)
	lost := root["intel-rapl:1/energy_uj"]
	delete(root, "intel-rapl:1/energy_uj")
	_, err = m.Read()
	require.ErrorContains(t, err, "intel-rapl:1/energy_uj cannot be read")
	root["intel-rapl:1/energy_uj"] = lost
	_, err = m.Read()
	require.Error(t, err)
}

// Every machine has energy or a reason.
func TestThisMachine(t *testing.T) {
	m, err := Open()
	if err != nil {
		require.ErrorContains(t, err, root)
		return
	}
	defer m.Close()
	_, err = m.Read()
	require.NoError(t, err)
}
