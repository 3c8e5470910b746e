// Package sharedtest finds the reference data that lie beside the repository, for tests.
package sharedtest

import (
	"os"
	"path/filepath"
	"testing"
)

// Path is the path of a file or folder in ../shared, seen from the repository's root. Where there is no ../shared the test
// is skipped; where there is one without the file, the test fails.
func Path(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(dir, "go.mod")) {
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("there is no go.mod above the test")
		}
		dir = parent
	}
	shared := filepath.Join(dir, "..", "shared")
	if !exists(shared) {
		t.Skip("no ../shared beside the repository")
	}
	path := filepath.Join(append([]string{shared}, parts...)...)
	if !exists(path) {
		t.Fatalf("%s is missing from the reference data", path)
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
