package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	commit = "0123456789abcdef0123456789abcdef01234567"
	index  = "model.safetensors.index.json"
)

// sharded writes two shards of a tensor each and an index with the given text in place of the map.
func sharded(t *testing.T, dir, weightMap string) string {
	one := string(withHeader("{"+entry("a", "U8", "[1]", 0, 1)+"}", 1))
	two := string(withHeader("{"+entry("b", "U8", "[1]", 0, 1)+"}", 1))
	return writeFiles(t, dir, map[string]string{"1.safetensors": one, "2.safetensors": two, index: `{"metadata": {"total_size": 2}, "weight_map": ` + weightMap + `}`})
}

const goodMap = `{"a": "1.safetensors", "b": "2.safetensors"}`

func TestMalformedShards(t *testing.T) {
	for _, c := range []struct {
		name, weightMap string
		files           map[string]string // written over
		class           error
		says            string
	}{
		{"SH-01 absolute", `{"a": "/1.safetensors"}`, nil, ErrPath, "plain file name"},
		{"SH-01 up", `{"a": "../1.safetensors"}`, nil, ErrPath, "plain file name"},
		{"SH-01 backslash", `{"a": "x\\1.safetensors"}`, nil, ErrPath, "plain file name"},
		{"SH-01 drive", `{"a": "C:1.safetensors"}`, nil, ErrPath, "plain file name"},
		{"SH-01 NUL", `{"a": "1\u0000.safetensors"}`, nil, ErrPath, "plain file name"},
		{"SH-01 nothing", `{"a": ""}`, nil, ErrPath, "plain file name"},
		{"SH-03 shard lacks it", `{"a": "1.safetensors", "b": "2.safetensors", "c": "2.safetensors"}`, nil, ErrMismatch, `"c" is in no shard`},
		{"SH-03 index lacks it", `{"a": "1.safetensors"}`, map[string]string{"1.safetensors": string(withHeader("{"+entry("a", "U8", "[1]", 0, 1)+","+entry("b", "U8", "[1]", 1, 2)+"}", 2))}, ErrMismatch, "not in the index"},
		{"SH-03 in another shard", `{"a": "2.safetensors", "b": "1.safetensors"}`, nil, ErrMismatch, `"a" is in "1.safetensors", expected in "2.safetensors"`},
		{"SH-03 in two shards", goodMap, map[string]string{"2.safetensors": string(withHeader("{"+entry("a", "U8", "[1]", 0, 1)+","+entry("b", "U8", "[1]", 1, 2)+"}", 2))}, ErrMismatch, `"a" is in two shards`},
		{"SH-04 absent", `{"a": "3.safetensors"}`, nil, ErrNotFound, "3.safetensors: no such file"},
		{"SH-04 LFS pointer", goodMap, map[string]string{"2.safetensors": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"}, ErrTooLarge, "Git LFS pointer"},
		{"SH-06 empty", goodMap, map[string]string{"2.safetensors": ""}, ErrTruncated, "interrupted download"},
		{"other ending", `{"a": "1.bin"}`, nil, ErrFormat, "ends in .safetensors"},
		{"no map", `{}`, nil, ErrFormat, "weight_map is missing or empty"},
		{"map of numbers", `{"a": 1}`, nil, ErrFormat, "JSON at byte"},
		{"name twice", `{"a": "1.safetensors", "a": "2.safetensors"}`, nil, ErrFormat, "duplicate key"},
		{"index is a pointer", goodMap, map[string]string{index: "version https://git-lfs.github.com/spec/v1\n"}, ErrFormat, "Git LFS pointer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := sharded(t, t.TempDir(), c.weightMap)
			writeFiles(t, dir, c.files)
			_, err := openWeights(dir, OpenOptions{})
			require.ErrorIs(t, err, c.class)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// SH-05: a wrong total is said and not believed.
func TestShardsTotal(t *testing.T) {
	dir := sharded(t, t.TempDir(), goodMap)
	w, err := openWeights(dir, OpenOptions{})
	require.NoError(t, err)
	require.Empty(t, w.notes)
	require.NoError(t, w.Close())
	writeFiles(t, dir, map[string]string{index: `{"metadata": {"total_size": 99999999999999999999, "more": [1]}, "weight_map": ` + goodMap + `, "x": {}}`})
	w, err = openWeights(dir, OpenOptions{})
	require.NoError(t, err)
	require.Len(t, w.notes, 1)
	require.Contains(t, w.notes[0], "99999999999999999999 bytes, the tensors take 2")
	require.NoError(t, w.Close())
}

// hubModel lays a model out as the hub's cache does and returns the snapshot and the blobs.
func hubModel(t *testing.T, cache, name string) (snapshot, blobs string) {
	root := filepath.Join(cache, "models--"+strings.ReplaceAll(name, "/", "--"))
	snapshot, blobs = filepath.Join(root, "snapshots", commit), filepath.Join(root, "blobs")
	writeFiles(t, root, map[string]string{"refs/main": commit, "refs/pr/1": commit})
	require.NoError(t, os.MkdirAll(snapshot, 0o755))
	require.NoError(t, os.MkdirAll(blobs, 0o755))
	return snapshot, blobs
}

// SH-02: links lead into the directory or into the cache's blobs.
func TestShardLinks(t *testing.T) {
	cache := t.TempDir()
	snapshot, blobs := hubModel(t, cache, "org/name")
	sharded(t, blobs, goodMap)
	for _, f := range []string{"1.safetensors", "2.safetensors", index} {
		require.NoError(t, os.Symlink("../../blobs/"+f, filepath.Join(snapshot, f)))
	}
	w, err := openWeights(snapshot, OpenOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Close())

	dir := sharded(t, t.TempDir(), goodMap)
	require.NoError(t, os.Rename(filepath.Join(dir, "2.safetensors"), filepath.Join(dir, "x")))
	require.NoError(t, os.Symlink("x", filepath.Join(dir, "2.safetensors")))
	w, err = openWeights(dir, OpenOptions{})
	require.NoError(t, err, "a link inside the directory")
	require.NoError(t, w.Close())

	outside := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.Rename(filepath.Join(dir, "x"), outside))
	require.NoError(t, os.Remove(filepath.Join(dir, "2.safetensors")))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "2.safetensors")))
	_, err = openWeights(dir, OpenOptions{})
	require.ErrorIs(t, err, ErrPath)
	require.ErrorContains(t, err, "outside its directory")

	require.NoError(t, os.Remove(outside))
	_, err = openWeights(dir, OpenOptions{})
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, "interrupted download")
}

// SH-06: an interrupted download is named with its revision.
func TestIncompleteDownload(t *testing.T) {
	snapshot, blobs := hubModel(t, t.TempDir(), "org/name")
	sharded(t, snapshot, `{"a": "1.safetensors", "c": "3.safetensors"}`)
	writeFiles(t, blobs, map[string]string{"abc.incomplete": "x"})
	_, err := openWeights(snapshot, OpenOptions{})
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, "revision "+commit)
	require.ErrorContains(t, err, "abc.incomplete")
}

func TestResolve(t *testing.T) {
	root := t.TempDir()
	snapshot, _ := hubModel(t, filepath.Join(root, "huggingface", "hub"), "org/name")
	env := func(pairs ...string) func(string) string {
		return func(key string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == key {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	hf := filepath.Join(root, "huggingface")
	for _, e := range []func(string) string{
		env("HF_HUB_CACHE", filepath.Join(hf, "hub"), "HF_HOME", "/nowhere"), env("HF_HOME", hf, "HOME", "/nowhere"), env("XDG_CACHE_HOME", root),
	} {
		for _, name := range []string{"org/name", "org/name@main", "org/name@refs/pr/1", "org/name@" + commit} {
			dir, err := Resolve(strings.Replace(name, "refs/pr", "pr", 1), e)
			require.NoError(t, err)
			require.Equal(t, snapshot, dir)
		}
	}
	dir, err := Resolve(root+"/", nil)
	require.NoError(t, err)
	require.Equal(t, root, dir)

	good := env("HF_HOME", hf)
	writeFiles(t, hf, map[string]string{
		"hub/models--org--bad/refs/main": "../../../etc\n", "hub/models--org--gone/refs/main": commit, "a file": "x",
	})
	for _, c := range []struct {
		name  string
		env   func(string) string
		class error
		says  string
	}{
		{"", good, ErrPath, "empty"},
		{"org/absent", good, ErrNotFound, "models--org--absent (from HF_HOME)"},
		{"org/name@dev", good, ErrNotFound, "revision dev of org/name"},
		{"org/name@../x", good, ErrPath, "revision"},
		{"org/name@" + strings.Repeat("0", 40), good, ErrNotFound, "is not in the hub cache"},
		{"org/bad", good, ErrFormat, `holds "../../../etc\n"`},
		{"org/gone", good, ErrNotFound, "no directory"},
		{"org/na--me", good, ErrNotFound, "neither a directory nor a name"},
		{"../org", good, ErrNotFound, "neither a directory nor a name"},
		{"/org/name", good, ErrNotFound, "neither a directory nor a name"},
		{"a/b/c", good, ErrNotFound, "neither a directory nor a name"},
		{"org/\x1b[31m", good, ErrNotFound, `\x1b[31m`},
		{filepath.Join(hf, "a file"), good, ErrFormat, "is a file"},
		{"org/name", noEnv, ErrNotFound, "none of HF_HUB_CACHE"},
		{"org/name", env("HF_HUB_CACHE", filepath.Join(hf, "a file")), ErrNotFound, "(from HF_HUB_CACHE) is a file"},
	} {
		_, err := Resolve(c.name, c.env)
		require.ErrorIs(t, err, c.class, c.name)
		require.ErrorContains(t, err, c.says)
	}
}

// The tower may lie in the hub cache, too.
func TestTowerInHubCache(t *testing.T) {
	cache := t.TempDir()
	snapshot, _ := hubModel(t, cache, "openai/tower")
	dir := originalDir(t, edit{"mm_vision_tower", `"openai/tower"`})
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "..", "tower")))
	writeFiles(t, snapshot, map[string]string{"config.json": object(visionConfig), "preprocessor_config.json": object(processorConfig)})
	env := func(key string) string { return map[string]string{"HF_HUB_CACHE": cache}[key] }
	c, err := ReadConfig(dir, OpenOptions{Env: env})
	require.NoError(t, err)
	require.Equal(t, 28, c.Vision.Image)
	_, err = readConfigOf(dir)
	require.ErrorContains(t, err, "hub cache")
	require.ErrorContains(t, err, fmt.Sprintf("%s (no such directory)", filepath.Join(dir, "..", "openai", "tower")))
}

func FuzzIndex(f *testing.F) {
	f.Add(`{"metadata": {"total_size": 2}, "weight_map": ` + goodMap + `}`)
	f.Add(`{"weight_map": {"a": "../x"}}`)
	f.Add(`{"metadata": {"total_size": "2"}, "x": [1, {}], "weight_map": {}}`)
	f.Fuzz(func(t *testing.T, text string) {
		_, weightMap, err := parseIndex([]byte(text))
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		for name, shard := range weightMap {
			require.NotEmpty(t, name)
			require.True(t, filepath.IsLocal(shard))
			require.Equal(t, filepath.Base(shard), shard)
		}
	})
}
