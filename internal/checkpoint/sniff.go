package checkpoint

import (
	"bytes"
	"regexp"
)

var signatures = []struct {
	at    int
	magic string
	what  string
}{
	{0, "\x1f\x8b", "gzip data"},
	{0, "\xfd7zXZ\x00", "xz data"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7-zip archive"},
	{0, "\x28\xb5\x2f\xfd", "zstandard data"},
	{0, "BZh", "bzip2 data"},
	{0, "PK\x03\x04", "a zip archive"},
	{0, "GGUF", "a GGUF file"},
	{0, "\x89HDF", "an HDF5 file"},
	{0, "\x93NUMPY", "a NumPy array"},
	{257, "ustar", "a tar archive"},
	{0, "\x80", "a plain pickle"},
}

var (
	lfsPointer = regexp.MustCompile(`^version https://git-lfs`)
	html       = regexp.MustCompile(`(?i)^\s*(<!doctype html|<html|<\?xml)`)
)

// looksLike names what a file that is not what it should be seems to be; "" when nothing is recognised. It is used for
// messages, never to choose a reader.
func looksLike(data []byte) string {
	head := data[:min(len(data), 512)]
	switch {
	case len(data) == 0:
		return "an empty file, as an interrupted download leaves"
	case lfsPointer.Match(head):
		return "a Git LFS pointer: the real file was not downloaded"
	case html.Match(head):
		return "a web page, as a failed download leaves"
	}
	for _, s := range signatures {
		if len(data) > s.at && bytes.HasPrefix(data[s.at:], []byte(s.magic)) {
			return s.what
		}
	}
	return ""
}

// sniffed adds to an error about a file what the file looks like.
func sniffed(err error, data []byte) error {
	if what := looksLike(data); what != "" {
		return errf(err, "%v (it looks like %s)", err, what)
	}
	return err
}
