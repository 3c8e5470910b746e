package suites

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// An archive is a zip file that is read as if it were unpacked where it lies: with its entries' own names, in a folder of its own
// name, or without the one folder that all its entries share. One that would write outside the folder that it is unpacked in is not
// read at all.
type archive struct {
	name    string // of the file, relative to the data directory
	stem    string // base name without .zip
	top     string // the folder of all entries, "" where there are several
	entries map[string]*zip.File
	twice   map[string]bool     // names of which there are two entries
	folders map[string][]string // base names of the files in each folder; "." is the outermost
	zip     *zip.Reader
	file    *os.File
	size    int64
	err     error // it cannot be read
}

// archivesIn lists the zip files of a folder, opened once.
func (d *Dir) archivesIn(folder string) []*archive {
	if list, ok := d.archives[folder]; ok {
		return list
	}
	var list []*archive
	if p, err := d.Path(folder); err == nil {
		entries, _ := os.ReadDir(p) // a folder that is not there has no archives
		for _, e := range entries {
			if !e.IsDir() && strings.EqualFold(path.Ext(e.Name()), ".zip") {
				a := openArchive(filepath.Join(p, e.Name()), path.Join(folder, e.Name()))
				if a.file != nil {
					d.open = append(d.open, a.file)
				}
				list = append(list, a)
			}
		}
	}
	d.archives[folder] = list
	return list
}

func openArchive(file, name string) *archive {
	base := path.Base(name)
	a := &archive{name: name, stem: base[:len(base)-len(path.Ext(base))], entries: map[string]*zip.File{}, twice: map[string]bool{}, folders: map[string][]string{".": nil}}
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		a.err = fmt.Errorf("%s: expected a regular zip file", file)
		return a
	}
	a.size = info.Size()
	if a.file, a.err = os.Open(file); a.err != nil {
		return a
	}
	if a.zip, a.err = zip.NewReader(a.file, a.size); a.err != nil {
		a.err = fmt.Errorf("%s: %w", file, a.err)
		return a
	}
	for _, f := range a.zip.File {
		if !fs.ValidPath(path.Clean(f.Name)) || strings.ContainsAny(f.Name, "\\\x00") {
			a.err = fmt.Errorf("%s: the entry %q leads out of the folder that the zip file lies in", file, f.Name)
			return a
		}
	}
	a.list()
	return a
}

// list puts the entries in order.
func (a *archive) list() {
	tops := map[string]bool{}
	for _, f := range a.zip.File {
		entry := path.Clean(f.Name)
		top, _, nested := strings.Cut(entry, "/")
		if entry == "." || top == "__MACOSX" || path.Base(entry) == ".DS_Store" {
			continue // no part of the data
		}
		if strings.HasSuffix(f.Name, "/") {
			a.addFolder(entry)
			tops[top] = true
			continue
		}
		if a.entries[entry] != nil {
			a.twice[entry] = true
		} else {
			a.entries[entry] = f
			a.addFolder(path.Dir(entry))
			a.folders[path.Dir(entry)] = append(a.folders[path.Dir(entry)], path.Base(entry))
		}
		tops[top] = true
		if !nested {
			tops[""] = true // a file outside any folder
		}
	}
	if len(tops) == 1 {
		for a.top = range tops {
		}
	}
}

func (a *archive) addFolder(folder string) {
	for ; folder != "."; folder = path.Dir(folder) {
		if _, ok := a.folders[folder]; ok {
			return
		}
		a.folders[folder] = nil
	}
}

// within lists the names that a file of the data directory may have in the archive, which lies in folder.
func (a *archive) within(folder, name string) []string {
	rel := name
	if folder != "." {
		if name == folder {
			rel = "."
		} else {
			rel = strings.TrimPrefix(name, folder+"/")
		}
	}
	names := []string{rel}
	if rel == a.stem {
		names = append(names, ".")
	}
	if inside, ok := strings.CutPrefix(rel, a.stem+"/"); ok {
		names = append(names, inside)
	}
	if a.top != "" {
		names = append(names, path.Join(a.top, rel))
	}
	return names
}

// ancestors are the folders that a name lies in, the outermost first.
func ancestors(name string) []string {
	list := []string{"."}
	for i, c := range name {
		if c == '/' {
			list = append(list, name[:i])
		}
	}
	return list
}

// inArchives finds a file or folder in the zip files; entry is nil for a folder.
func (d *Dir) inArchives(name string) (a *archive, entry *zip.File, found bool) {
	name = path.Clean(name)
	for _, folder := range ancestors(name) {
		for _, a := range d.archivesIn(folder) {
			for _, n := range a.within(folder, name) {
				if f := a.entries[n]; f != nil {
					return a, f, true
				}
				if _, ok := a.folders[n]; ok && a.err == nil {
					return a, nil, true
				}
			}
		}
	}
	return nil, nil, false
}

// listArchives lists the files that the zip files have in a folder.
func (d *Dir) listArchives(name string) []string {
	var bases []string
	folders := ancestors(name)
	if name != "." {
		folders = append(folders, name)
	}
	for _, folder := range folders {
		for _, a := range d.archivesIn(folder) {
			for _, n := range a.within(folder, name) {
				bases = append(bases, a.folders[n]...)
			}
		}
	}
	return bases
}

// orArchive adds to the error of something missing those of the zip files that cannot be read: it may be in them.
func (d *Dir) orArchive(err error) error {
	for _, folder := range slices.Sorted(maps.Keys(d.archives)) {
		for _, a := range d.archives[folder] {
			if a.err != nil {
				err = fmt.Errorf("%w; %w", err, a.err)
			}
		}
	}
	return err
}

// check refuses what is no file, or could be another one than what people see who unpack the archive.
func (a *archive) check(f *zip.File) error {
	switch {
	case f == nil:
		return fmt.Errorf("%s: expected a file, found a folder", a.name)
	case a.twice[path.Clean(f.Name)]: // programs differ in which one they unpack
		return fmt.Errorf("%s: there are two entries %q", a.name, f.Name)
	case f.Flags&1 != 0:
		return fmt.Errorf("%s: %q is encrypted", a.name, f.Name)
	case !f.Mode().IsRegular():
		return fmt.Errorf("%s: %q is no regular file", a.name, f.Name)
	}
	return nil
}

// open reads an entry.
func (a *archive) open(f *zip.File) (*plain, error) {
	if err := a.check(f); err != nil {
		return nil, err
	}
	limit := int64(unpackedFloor)
	if f.CompressedSize64 < maxFile { // an entry's size is what its header says, until it is read
		limit = max(limit, maxRatio*int64(f.CompressedSize64))
	} else {
		limit = maxRatio * maxFile
	}
	if f.UncompressedSize64 > uint64(limit) {
		return nil, fmt.Errorf("%s: %q unpacks to more than %d times its size", a.name, f.Name, maxRatio)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %q: %w", a.name, f.Name, err)
	}
	return &plain{&inflated{r: r, left: limit, kind: a.name}, r}, nil
}
