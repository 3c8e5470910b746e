package rundir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// HashFile gives the size and digest of a regular file. name is what it is called in the record.
func HashFile(ctx context.Context, path, name string) (File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return File{}, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return File{}, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	h := sha256.New()
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return File{}, err
		}
		n, err := io.CopyN(h, f, 1<<20)
		size += n
		if err == io.EOF {
			break
		}
		if err != nil {
			return File{}, err
		}
	}
	return File{Name: name, Size: size, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// Check says in what a file on disk is not the recorded one; "" when it is that.
func (f File) Check(ctx context.Context, path string) (string, error) {
	now, err := HashFile(ctx, path, f.Name)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("%s is missing (%s)", f.Name, path), nil
	case err != nil:
		return "", err
	case now.Size != f.Size:
		return fmt.Sprintf("%s has %d bytes, it had %d in the run (%s)", f.Name, now.Size, f.Size, path), nil
	case now.SHA256 != f.SHA256:
		return fmt.Sprintf("%s has the SHA-256 %s, it had %s in the run (%s)", f.Name, now.SHA256, f.SHA256, path), nil
	}
	return "", nil
}

// NameFrom is what a file is called as seen from a directory, with slashes; one that lies elsewhere leads there, such as
// ../clip/config.json.
func NameFrom(dir, path string) (string, error) {
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	name, err := filepath.Rel(from, to)
	if err != nil {
		name = to // another volume
	}
	return filepath.ToSlash(name), nil
}

// Relocate finds where a path given on the command line of a run lies now. Of a run that was moved together with what it
// was made from, that is beside it: the path, or of an absolute one its ends, are looked for in the directories above the
// run, the nearest first, so that a copy of a whole tree uses the files of the copy. Else it is where it was, seen from the
// current directory. The check tells whether a candidate can be meant.
func Relocate(run, path string, check func(string) bool) string {
	above, err := filepath.Abs(run)
	if err != nil {
		return path
	}
	var parents []string
	for dir := filepath.Dir(above); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		parents = append(parents, dir)
	}
	var ends []string // of the path, the longest first
	clean := filepath.Clean(path)
	for rest := clean[len(filepath.VolumeName(clean)):]; rest != ""; rest = shorter(rest) {
		if !filepath.IsLocal(rest) {
			continue
		}
		ends = append(ends, rest)
		if !filepath.IsAbs(path) {
			break // what was given relative keeps its form
		}
	}
	for _, dir := range parents {
		for _, end := range ends {
			if candidate := filepath.Join(dir, end); check(candidate) {
				return candidate
			}
		}
	}
	return path
}

// shorter drops the first part of a path.
func shorter(path string) string {
	for i := 1; i < len(path); i++ {
		if path[i-1] == filepath.Separator && path[i] != filepath.Separator {
			return path[i:]
		}
	}
	return ""
}
