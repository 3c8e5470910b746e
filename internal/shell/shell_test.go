package shell_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/shell"
)

// A shell prints the words as they are.
func TestLine(t *testing.T) {
	words := []string{"plain", "", "two words", `it's "quoted"`, "$HOME `id` \\ *", "--model=a/b:c", "ü", "a;b&c", "line\nend"}
	out, err := exec.Command("sh", "-c", `printf '%s\0' `+shell.Line(words)).Output()
	require.NoError(t, err)
	require.Equal(t, words, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"))
	require.Equal(t, "a b=1 'c d'", shell.Line([]string{"a", "b=1", "c d"}))
}
