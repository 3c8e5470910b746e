package suites

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Pictures prepares d for Dir.Picture where the questions are not needed. Load does so as well, and makes the pictures inside tables
// known besides.
func (s *Suite) Pictures(d *Dir) { d.folders = pictureFolders(s) }

// pictureFolders are the folders of pictures that the suite asks for, which may be links to elsewhere.
func pictureFolders(s *Suite) []string {
	var list []string
	for _, f := range s.Files {
		for _, name := range append([]string{f.Path}, f.Alternatives...) {
			if strings.HasSuffix(name, "/") {
				list = append(list, strings.TrimSuffix(name, "/"))
			}
		}
	}
	return list
}

// Picture reads an encoded picture of Question.Images of at most limit bytes: a file of a folder, of a zip file, or inside a table
// that the questions were read from. A name that leads out of the data directory is refused, also through symbolic links; only the
// folders that the suite names may be links themselves.
func (d *Dir) Picture(name string, limit int64) ([]byte, error) {
	if e, ok := d.embedded[name]; ok {
		if e.missing != nil {
			return nil, e.missing
		}
		return e.read(limit)
	}
	f, err := d.pictureFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if a, entry, found := d.inArchives(name); found {
			f, err = a.open(entry)
		} else {
			err = d.orArchive(err)
		}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.LimitReader(f, limit+1)); err != nil {
		return nil, pictureError(name, err)
	}
	if int64(b.Len()) > limit {
		return nil, tooLarge(name, limit)
	}
	return b.Bytes(), nil
}

func tooLarge(name string, limit int64) error {
	return fmt.Errorf("%q: expected a picture of at most %d bytes", name, limit)
}

// HasPicture reports whether Picture would find something to read.
func (d *Dir) HasPicture(name string) bool {
	if e, ok := d.embedded[name]; ok {
		if e.missing == nil && e.certain {
			return true
		}
		raw, err := d.Picture(name, maxPage)
		return err == nil && len(raw) > 0
	}
	f, err := d.pictureFile(name)
	if err == nil {
		f.Close()
		return true
	}
	_, entry, found := d.inArchives(name)
	return errors.Is(err, fs.ErrNotExist) && found && entry != nil
}

// pictureFile opens a picture that is a file of its own.
func (d *Dir) pictureFile(name string) (io.ReadCloser, error) {
	if _, err := d.Path(name); err != nil {
		return nil, err
	}
	folder, inside := "", name
	for _, f := range d.folders {
		if rest, ok := strings.CutPrefix(name, f+"/"); ok && len(f) > len(folder) {
			folder, inside = f, rest
		}
	}
	root, err := d.rootOf(folder)
	if err != nil {
		return nil, pictureError(name, err)
	}
	inside = filepath.FromSlash(inside)
	info, err := root.Stat(inside)
	if err != nil {
		return nil, pictureError(name, err)
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return nil, fmt.Errorf("picture %q: expected a file, found %s", name, info.Mode().Type())
	}
	return root.Open(inside)
}

// pictureError says which picture an error of the file system is about; its own words name a system call.
func pictureError(name string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("picture %q: %w", name, err)
}

// rootOf opens a folder, once.
func (d *Dir) rootOf(folder string) (*os.Root, error) {
	if root := d.roots[folder]; root != nil {
		return root, nil
	}
	root, err := os.OpenRoot(filepath.Join(d.root, filepath.FromSlash(folder)))
	if err != nil {
		return nil, err
	}
	d.roots[folder] = root
	d.open = append(d.open, root)
	return root, nil
}

// Source is the file that holds name, relative to the directory: itself, NAME.gz, a zip file, or the table of an embedded picture.
func (d *Dir) Source(name string) (string, bool) {
	if _, ok := d.embedded[name]; ok {
		name = name[:strings.LastIndexByte(name, '#')]
	}
	p, err := d.Path(name)
	if err != nil {
		return "", false
	}
	for _, end := range []string{"", ".gz"} {
		if info, err := os.Stat(p + end); err == nil && info.Mode().IsRegular() {
			return name + end, true
		}
	}
	a, _, found := d.inArchives(name)
	if !found {
		return "", false
	}
	return a.name, true
}
