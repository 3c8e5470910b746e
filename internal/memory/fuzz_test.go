package memory

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// Any size is refused or a positive number.
func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"4GiB", "3.5 GB", "512M", "1000000", "1e999", "nan", "-1", "0x1p60B", "9.3e18"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := ParseSize(s); err == nil {
			require.GreaterOrEqual(t, n, int64(0))
			require.NotEmpty(t, Format(n))
		} else {
			require.NotContains(t, err.Error(), "\n")
		}
	})
}

// Whatever the system's files say, a limit is none or positive.
func FuzzGroup(f *testing.F) {
	f.Add("0::/a/b\n", "30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "4096\n")
	f.Add("5:memory:/a\n", "30 29 0:26 /a /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "max\n")
	f.Add("0::/../..\n", "30 29 0:26 /x /.. rw - cgroup2 cgroup2 rw\n", "-1\n")
	f.Fuzz(func(t *testing.T, groups, mounts, limit string) {
		root := fstest.MapFS{
			"proc/self/cgroup":                           {Data: []byte(groups)},
			"proc/self/mountinfo":                        {Data: []byte(mounts)},
			"sys/fs/cgroup/memory.max":                   {Data: []byte(limit)},
			"sys/fs/cgroup/memory/memory.limit_in_bytes": {Data: []byte(limit)},
		}
		require.GreaterOrEqual(t, group(root), int64(0))
	})
}
