package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/limits.md states every limit as the sources do.
func TestLimitsArePage(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "limits.md"))
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| .* \\| `(.+)` \\| `(.+)` `(.+)` \\|$")
	stated := map[string]map[string][]string{} // directory, name, values
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		if stated[m[2]] == nil {
			stated[m[2]] = map[string][]string{}
		}
		stated[m[2]][m[3]] = append(stated[m[2]][m[3]], m[1])
	}
	require.Greater(t, len(stated), 8)
	// The readers of checkpoints and pictures, which must state all of theirs, but for numbers that formats fix.
	complete := []string{"internal/checkpoint", "internal/tokenizer", "internal/imaging", "internal/imaging/jpeg"}
	other := map[string]bool{"maxPickleProtos": true, "maxBlockBytes": true}
	limit := regexp.MustCompile(`^(max|Max)[A-Z]`)
	for dir, names := range stated {
		for name, values := range names {
			for _, value := range values {
				require.True(t, strings.Contains(sources(t, filepath.Join(root, dir)), name), "%s has no %s", dir, name)
				if found := constants(t, filepath.Join(root, dir))[name]; found != "" {
					require.Equal(t, found, value, "%s %s", dir, name)
				} else {
					require.True(t, strings.Contains(sources(t, filepath.Join(root, dir)), value), "%s %s is not %s", dir, name, value)
				}
			}
		}
		if !slices.Contains(complete, dir) {
			continue
		}
		for name := range constants(t, filepath.Join(root, dir)) {
			if limit.MatchString(name) && !other[name] {
				require.Contains(t, names, name, "%s: %s is not in docs/limits.md", dir, name)
			}
		}
	}
}

// sources is the text of a package's files.
func sources(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var b strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		b.Write(data)
	}
	return b.String()
}

// constants are the expressions of a package's constants, as written.
func constants(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	out := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		require.NoError(t, err)
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, src, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				for i, n := range v.Names {
					if i < len(v.Values) {
						out[n.Name] = string(src[set.Position(v.Values[i].Pos()).Offset:set.Position(v.Values[i].End()).Offset])
					}
				}
			}
		}
	}
	return out
}
