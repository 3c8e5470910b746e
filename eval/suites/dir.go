package suites

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds what one file may hold, decompressed: the largest official annotation file has under 0.5 GB.
const maxFile = 2 << 30

// maxLine bounds a line of a file of lines: pictures in base64 stay below.
const maxLine = 64 << 20

// What is packed may unpack to unpackedFloor bytes, or maxRatio times its own size; annotations reach 20 times.
const (
	unpackedFloor = 64 << 20
	maxRatio      = 64
)

// A Dir is the data directory of a suite. Names in it are slash-separated and relative; a name that would lead out of it is
// refused, wherever it comes from. Files may lie in it as they are, compressed as NAME.gz, or in zip files that stand where they
// would be unpacked. Symbolic links to the files and folders that a suite asks for are the user's own and are followed; one that a
// picture's name leads through must stay inside, see Picture.
type Dir struct {
	// Split is the split to read of suites with several; "" is the first that is there.
	Split string

	root     string
	read     []string
	folders  []string              // of pictures, as the suite names them
	archives map[string][]*archive // by the folder that they lie in
	roots    map[string]*os.Root   // by the folder, for pictures
	embedded map[string]embedded   // pictures inside tables, by name
	open     []io.Closer
}

// OpenDir opens a data directory.
func OpenDir(root string) (*Dir, error) {
	st, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return nil, fmt.Errorf("%s: expected a directory of data, found a file", root)
	}
	return &Dir{root: root, archives: map[string][]*archive{}, roots: map[string]*os.Root{}, embedded: map[string]embedded{}}, nil
}

// Close releases the files that pictures are read from.
func (d *Dir) Close() error {
	var errs []error
	for _, c := range d.open {
		errs = append(errs, c.Close())
	}
	d.open = nil
	return errors.Join(errs...)
}

// Root is the directory's path.
func (d *Dir) Root() string { return d.root }

// Read lists the files read so far.
func (d *Dir) Read() []string { return d.read }

// Path is where name lies in the file system.
func (d *Dir) Path(name string) (string, error) {
	local := filepath.FromSlash(strings.TrimSuffix(name, "/"))
	if !filepath.IsLocal(local) || strings.ContainsAny(name, "\\\x00") {
		return "", fmt.Errorf("%s: %q leads out of the data directory", d.root, name)
	}
	return filepath.Join(d.root, local), nil
}

// Exists reports whether there is a file or folder name, a file name.gz, or either in a zip file.
func (d *Dir) Exists(name string) bool {
	p, err := d.Path(name)
	if err != nil {
		return false
	}
	for _, p := range []string{p, p + ".gz"} {
		if _, err := os.Stat(p); err == nil {
			return true
		}
	}
	_, _, found := d.inArchives(strings.TrimSuffix(name, "/"))
	return found
}

// First is the first of names that exists.
func (d *Dir) First(names ...string) (string, error) {
	for _, name := range names {
		if d.Exists(name) {
			return name, nil
		}
	}
	err := fmt.Errorf("%s: %w: %s", d.root, fs.ErrNotExist, strings.Join(names, " or "))
	return "", d.orArchive(err)
}

// Glob lists the files that match a pattern of path.Match, sorted, with a trailing .gz taken off.
func (d *Dir) Glob(pattern string) ([]string, error) {
	folder, base := path.Split(pattern)
	dir := path.Clean("./" + folder)
	p, err := d.Path(dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(p)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var bases []string
	for _, e := range entries {
		if !e.IsDir() {
			bases = append(bases, strings.TrimSuffix(e.Name(), ".gz"))
		}
	}
	bases = append(bases, d.listArchives(dir)...)
	slices.Sort(bases)
	var names []string
	for _, name := range slices.Compact(bases) {
		ok, err := path.Match(base, name)
		if err != nil {
			return nil, err
		}
		if ok {
			names = append(names, folder+name)
		}
	}
	return names, nil
}

// openFile opens name, or name.gz, or either's entry in a zip file, to be read from front to end.
func (d *Dir) openFile(name string) (*plain, error) {
	p, err := d.Path(name)
	if err != nil {
		return nil, err
	}
	r, err := openPlain(p)
	if errors.Is(err, fs.ErrNotExist) {
		if zipped, zerr := openPlain(p + ".gz"); !errors.Is(zerr, fs.ErrNotExist) {
			return zipped, zerr
		}
		if a, entry, found := d.inArchives(name); found {
			return a.open(entry)
		}
		return nil, d.orArchive(err)
	}
	return r, err
}

// ReadFile reads name, decompressed.
func (d *Dir) ReadFile(name string) ([]byte, error) {
	r, err := d.openFile(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(d.root, filepath.FromSlash(name)), err)
	}
	d.read = append(d.read, name)
	return raw, nil
}

// JSON reads a JSON file into v; what v has no field for is passed over, as the owners' files grow new ones.
func (d *Dir) JSON(name string, v any) error {
	raw, err := d.ReadFile(name)
	if err != nil {
		return err
	}
	return decodeJSON(filepath.Join(d.root, filepath.FromSlash(name)), raw, v)
}

// JSONLines reads a file of one JSON value a line, blank lines passed over. f gets the line's number, from 1.
func (d *Dir) JSONLines(name string, f func(line int, raw []byte) error) error {
	r, err := d.openFile(name)
	if err != nil {
		return err
	}
	p := filepath.Join(d.root, filepath.FromSlash(name))
	defer r.Close()
	d.read = append(d.read, name)
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 1<<16), maxLine)
	n := 0
	for sc.Scan() {
		n++
		line := sc.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")) // some editors put a mark of the encoding first
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := f(n, bytes.Clone(line)); err != nil {
			return fmt.Errorf("%s: line %d: %w", p, n, err)
		}
	}
	if err := sc.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s: line %d is longer than %d bytes", p, n+1, maxLine)
	} else if err != nil {
		return fmt.Errorf("%s: line %d: %w", p, n+1, err)
	}
	return nil
}

// splitLines cuts at line feeds; the text after the last one is a line if it is not empty.
func splitLines(raw []byte) [][]byte {
	lines := bytes.Split(raw, []byte{'\n'})
	if n := len(lines); len(lines[n-1]) == 0 {
		lines = lines[:n-1]
	}
	return lines
}

// readPlain reads a file within maxFile, decompressed if it is gzip.
func readPlain(p string) ([]byte, error) {
	r, err := openPlain(p)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return raw, nil
}

// A plain reads a file's bytes, decompressed if it is gzip.
type plain struct {
	io.Reader
	io.Closer
}

// openPlain opens a regular file, and nothing else: a pipe would be waited for without end.
func openPlain(p string) (*plain, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: expected a regular file, found %s", p, info.Mode().Type())
	}
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(f, 1<<16)
	if magic, _ := buffered.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return &plain{buffered, f}, nil
	}
	z, err := gzip.NewReader(buffered)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: gzip: %w", p, err)
	}
	return &plain{&inflated{r: z, left: max(unpackedFloor, maxRatio*info.Size()), kind: "gzip"}, f}, nil
}

// An inflated reads what gzip or zip unpacks, up to a limit.
type inflated struct {
	r    io.Reader
	left int64
	kind string
}

func (i *inflated) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	if i.left -= int64(n); i.left < 0 {
		return 0, fmt.Errorf("%s: it unpacks to more than %d times its size", i.kind, maxRatio)
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%s: %w", i.kind, err)
	}
	return n, err
}

func readAll(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(raw) > maxFile {
		err = fmt.Errorf("holds more than %d bytes", int64(maxFile))
	}
	return raw, err
}
