package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	return root
}

// llavabench runs the program in the current directory.
func llavabench(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), strings.NewReader(""), &out, &errs, args)
	return code, out.String(), errs.String()
}

// fakeHub puts a shipped checkpoint into a hub cache under the name of a released one.
func fakeHub(t *testing.T, name, model string) {
	t.Helper()
	hub := t.TempDir()
	repo := filepath.Join(hub, "models--"+strings.ReplaceAll(name, "/", "--"))
	require.NoError(t, os.MkdirAll(filepath.Join(repo, "refs"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(repo, "refs", "main"), []byte("0123456789abcdef0123456789abcdef01234567"), 0o644))
	require.NoError(t, os.CopyFS(filepath.Join(repo, "snapshots", "0123456789abcdef0123456789abcdef01234567"), os.DirFS(filepath.Join(repository(t), "testdata/models", model))))
	t.Setenv("HF_HUB_CACHE", hub)
}

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	goBlock    = regexp.MustCompile("(?s)```go\n(.*?)```")
	words      = regexp.MustCompile(`'[^']*'|\S+`)
)

// Every command that the README shows is run: make's by CI, llavabench's here, in a directory where testdata is what it is
// in the repository and the hub cache holds a small model under the released name.
func TestReadmeCommandsRun(t *testing.T) {
	root := repository(t)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	ci, err := os.ReadFile(filepath.Join(root, ".ci/run"))
	require.NoError(t, err)

	fakeHub(t, "llava-hf/llava-1.5-7b-hf", "llava15")
	t.Chdir(t.TempDir())
	require.NoError(t, os.Symlink(filepath.Join(root, "testdata"), "testdata"))
	ran := 0
	for _, block := range shellBlock.FindAllStringSubmatch(string(readme), -1) {
		for _, line := range strings.Split(strings.TrimSpace(block[1]), "\n") {
			args := words.FindAllString(line, -1)
			for i := range args {
				args[i] = strings.Trim(args[i], "'")
			}
			switch args[0] {
			case "make":
				require.Contains(t, string(makefile), "\n"+args[1]+":", line)
				require.Contains(t, string(ci), line, "CI runs what the README shows")
			case "bin/llavabench":
				code, _, stderr := llavabench(t, args[1:]...)
				require.Zero(t, code, "%s\n%s", line, stderr)
				ran++
			default:
				t.Fatalf("the README shows %q, which no test runs", line)
			}
		}
	}
	require.Greater(t, ran, 8)
}

// The generation that the README shows is the one that variants/example_test.go compiles and runs.
func TestReadmeGenerationCompiles(t *testing.T) {
	root := repository(t)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	example, err := os.ReadFile(filepath.Join(root, "variants/example_test.go"))
	require.NoError(t, err)
	block := goBlock.FindStringSubmatch(string(readme))
	require.NotNil(t, block)
	require.Contains(t, string(example), block[1])
}

// What the README links to is there.
func TestReadmeLinks(t *testing.T) {
	root := repository(t)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(readme), -1) {
		_, err := os.Stat(filepath.Join(root, m[1]))
		require.NoError(t, err, m[0])
	}
}
