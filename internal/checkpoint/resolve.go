package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	hubName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)
	revision  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95}){0,3}$`)
	commitSHA = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// Resolve finds the directory that nameOrDir means: a directory itself, or a model of the Hugging Face hub's cache by its
// name "org/name" or "org/name@revision" (a branch, tag or commit; main by default). Nothing is downloaded. env looks up
// HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME and HOME; nil means os.Getenv. Errors are of class ErrNotFound or ErrPath and say
// where was looked.
func Resolve(nameOrDir string, env func(string) string) (dir string, err error) {
	if nameOrDir == "" {
		return "", errf(ErrPath, "model name is empty, expected a directory or a name such as org/name")
	}
	info, err := os.Stat(nameOrDir)
	switch {
	case err == nil && info.IsDir():
		return filepath.Clean(nameOrDir), nil
	case err == nil:
		return "", errf(ErrFormat, "%s is a %s, expected the directory of a checkpoint", nameOrDir, kindOrFile(info))
	}
	name, _, _ := strings.Cut(nameOrDir, "@")
	if !hubName.MatchString(name) || strings.Contains(name, "..") || strings.Contains(name, "--") {
		return "", errf(ErrNotFound, "%s is neither a directory nor a name of the form org/name or org/name@revision", quote(nameOrDir))
	}
	return resolveHub(nameOrDir, env)
}

func kindOrFile(info os.FileInfo) string {
	if info.Mode().IsRegular() {
		return "file"
	}
	return kind(info.Mode())
}

// hubCache is the cache directory and the variable that it comes from.
func hubCache(env func(string) string) (dir, from string, err error) {
	if env == nil {
		env = os.Getenv
	}
	if d := env("HF_HUB_CACHE"); d != "" {
		return d, "HF_HUB_CACHE", nil
	}
	if d := env("HF_HOME"); d != "" {
		return filepath.Join(d, "hub"), "HF_HOME", nil
	}
	if d := env("XDG_CACHE_HOME"); d != "" {
		return filepath.Join(d, "huggingface", "hub"), "XDG_CACHE_HOME", nil
	}
	if d := env("HOME"); d != "" {
		return filepath.Join(d, ".cache", "huggingface", "hub"), "HOME", nil
	}
	return "", "", errf(ErrNotFound, "no hub cache: none of HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME and HOME is set")
}

// resolveHub finds a model in the hub cache: models--org--name/snapshots/COMMIT, with COMMIT given or read from
// refs/REVISION.
//
// Source: huggingface_hub, file_download.py and the documentation of its cache.
func resolveHub(nameAndRevision string, env func(string) string) (string, error) {
	name, rev, given := strings.Cut(nameAndRevision, "@")
	if !given {
		rev = "main"
	}
	if !revision.MatchString(rev) || strings.Contains(rev, "..") {
		return "", errf(ErrPath, "revision %s of %s is not allowed, expected a branch, tag or commit", quote(rev), name)
	}
	cache, from, err := hubCache(env)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(cache); err == nil && !info.IsDir() {
		return "", errf(ErrNotFound, "hub cache %s (from %s) is a %s, expected a directory", cache, from, kindOrFile(info))
	}
	model := filepath.Join(cache, "models--"+strings.ReplaceAll(name, "/", "--"))
	if !isDir(model) {
		return "", errf(ErrNotFound, "%s is not in the hub cache: looked for %s (from %s)", name, model, from)
	}
	commit := rev
	if !commitSHA.MatchString(rev) {
		ref := filepath.Join(model, "refs", filepath.FromSlash(rev))
		data, err := readSmall(ref, 4096)
		if err != nil {
			return "", fmt.Errorf("revision %s of %s: %w", rev, name, err)
		}
		if commit = string(data); !commitSHA.MatchString(commit) {
			return "", errf(ErrFormat, "%s holds %s, expected a commit of 40 hexadecimal digits", ref, quote(commit))
		}
	}
	dir := filepath.Join(model, "snapshots", commit)
	if !isDir(dir) {
		return "", errf(ErrNotFound, "revision %s of %s is not in the hub cache: no directory %s%s", rev, name, dir, incompleteHint(dir))
	}
	return dir, nil
}

// incompleteHint mentions interrupted downloads when dir belongs to a hub cache that has some.
func incompleteHint(dir string) string {
	found, _ := filepath.Glob(filepath.Join(dir, "..", "..", "blobs", "*.incomplete"))
	if len(found) == 0 {
		return ""
	}
	return fmt.Sprintf(" (revision %s; the cache holds %d incomplete downloads, such as %s)", filepath.Base(dir), len(found), filepath.Base(found[0]))
}
