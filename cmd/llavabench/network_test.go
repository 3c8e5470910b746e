package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// networked are the rooms that may speak to other machines, because a flag of theirs names the address, and eval/slurm, which
// starts the commands of the cluster that --launcher names. Everything else must not be able to.
var networked = []string{"internal/openai", "eval/remote", "eval/slurm"}

// opensConnections are the packages of the standard library with which a program reaches a network or starts another.
var opensConnections = regexp.MustCompile(`^(net|net/http|net/http/.*|net/rpc|net/rpc/.*|net/smtp|os/exec|plugin|crypto/tls)$`)

func TestOnlySomeRoomsHaveANetwork(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if e.IsDir() {
			// Tools are for the project's authors; a user's program does not link them.
			if name == "tools" || name == "testdata" || len(name) > 1 && (e.Name()[0] == '.' || e.Name()[0] == '_') {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			pkg, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			if !opensConnections.MatchString(pkg) {
				continue
			}
			allowed := false
			for _, room := range networked {
				allowed = allowed || name == room || strings.HasPrefix(name, room+"/")
			}
			require.True(t, allowed, "%s imports %s: rooms that may are %v", name, pkg, networked)
		}
		return nil
	}))
	require.Greater(t, files, 100)
}

// A key on a command line is seen by every user of the machine and ends in manifests and histories: flags name the variable or
// the file that holds it.
func TestSecretsAreNeverFlags(t *testing.T) {
	secret := regexp.MustCompile(`(^|-)(key|secret|password|passphrase|credentials?|auth|bearer|api-token)(-|$)`)
	seen := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			seen++
			if secret.MatchString(f.Name) {
				require.Regexp(t, `-(file|env)$`, f.Name, "%s --%s", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(&environment{}))
	require.Greater(t, seen, 50)
}
