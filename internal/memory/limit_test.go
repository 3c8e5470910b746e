package memory

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestAvailable(t *testing.T) {
	const v1Mount = "30 23 0:26 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n"
	const v2Mount = "29 23 0:25 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
	const gib = 1 << 30
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64 // before the margin
		from  string
	}{
		{"nothing", nil, 0, ""},
		{"a machine", map[string]string{"proc/meminfo": "MemFree: 1 kB\nMemTotal:       33554432 kB\n"}, 32 * gib, "machine"},
		{"version 2", map[string]string{"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2Mount, "sys/fs/cgroup/a/b/memory.max": "8589934592\n"}, 8 * gib, "group"},
		{"version 2, high", map[string]string{"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2Mount, "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/memory.high": "4294967296\n"}, 4 * gib, "group"},
		{"version 2, a group above", map[string]string{"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2Mount, "sys/fs/cgroup/a/b/memory.max": "8589934592\n", "sys/fs/cgroup/a/memory.max": "4294967296\n"}, 4 * gib, "group"},
		{"version 2, in a container", map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": "29 23 0:25 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "sys/fs/cgroup/memory.max": "4294967296\n"}, 4 * gib, "group"},
		{"version 1", map[string]string{"proc/self/cgroup": "9:cpu:/x\n8:memory:/a\n", "proc/self/mountinfo": v1Mount, "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4294967296\n"}, 4 * gib, "group"},
		{"version 1, no limit", map[string]string{"proc/meminfo": "MemTotal: 8388608 kB\n", "proc/self/cgroup": "8:memory:/a\n", "proc/self/mountinfo": v1Mount, "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, 8 * gib, "machine"},
		{"group above the machine", map[string]string{"proc/meminfo": "MemTotal: 8388608 kB\n", "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2Mount, "sys/fs/cgroup/memory.max": "99999999999999\n"}, 8 * gib, "machine"},
		{"damaged", map[string]string{"proc/meminfo": "MemTotal: x kB\n", "proc/self/cgroup": "8\n\n::", "proc/self/mountinfo": "- - -\n"}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, content := range c.files {
				root[name] = &fstest.MapFile{Data: []byte(content)}
			}
			l, ok := available(root)
			require.Equal(t, c.want > 0, ok)
			if ok {
				require.Equal(t, c.want-max(c.want/16, minMargin), l.Bytes)
				require.Contains(t, l.Source, c.from)
			}
		})
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"4GiB": 4 << 30, "3.5 GB": 3.5e9, "512M": 512 << 20, "1000000": 1e6, "1 kb": 1000, "7b": 7, "2tib": 2 << 40} {
		n, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{"", "GiB", "-1GiB", "0", "NaN", "inf", "1e300", "4 GiBs", "4,5GB"} {
		_, err := ParseSize(text)
		require.ErrorContains(t, err, "expected a number with a unit", text)
	}
	require.Equal(t, "4.00 GiB", Format(4<<30))
	require.Equal(t, "1.50 MiB", Format(3<<19))
	require.Equal(t, "7 B", Format(7))
}
