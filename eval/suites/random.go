package suites

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A random is a file of the data directory that is read at any place.
type random struct {
	io.ReaderAt
	size int64
}

// random opens a file for reading at any place: as it is, or inside a zip file where it is stored uncompressed. A compressed one is
// unpacked into a temporary file, which is gone with the program. It is open until the directory is closed.
func (d *Dir) random(name string) (random, error) {
	p, err := d.Path(name)
	if err != nil {
		return random{}, err
	}
	info, err := os.Stat(p)
	if err == nil && !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return random{}, fmt.Errorf("%s: expected a regular file, found %s", p, info.Mode().Type())
	}
	if err == nil {
		f, err := os.Open(p)
		if err != nil {
			return random{}, err
		}
		d.open = append(d.open, f)
		var magic [2]byte
		if _, err := f.ReadAt(magic[:], 0); err != nil || string(magic[:]) != "\x1f\x8b" { // a shorter file is no gzip either
			return random{f, info.Size()}, nil
		}
	} else if a, entry, found := d.inArchives(name); found && a.check(entry) == nil && entry.Method == zip.Store {
		return a.section(entry)
	}
	r, err := d.openFile(name)
	if err != nil {
		return random{}, err
	}
	defer r.Close()
	return d.spool(name, r)
}

// section is an entry that is stored as it is.
func (a *archive) section(f *zip.File) (random, error) {
	offset, err := f.DataOffset()
	if err != nil {
		return random{}, fmt.Errorf("%s: %q: %w", a.name, f.Name, err)
	}
	size := int64(f.UncompressedSize64)
	if size < 0 || offset < 0 || offset > a.size-size {
		return random{}, fmt.Errorf("%s: %q: %d bytes at %d lead out of the file", a.name, f.Name, f.UncompressedSize64, offset)
	}
	return random{io.NewSectionReader(a.file, offset, size), size}, nil
}

// spool unpacks a file for reading at any place.
func (d *Dir) spool(name string, r io.Reader) (random, error) {
	f, err := os.CreateTemp("", "llavabench-*")
	if err != nil {
		return random{}, err
	}
	d.open = append(d.open, unpacked{f})
	n, err := io.Copy(f, io.LimitReader(r, maxUnpacked+1))
	if err == nil && n > maxUnpacked {
		err = fmt.Errorf("it unpacks to more than %d bytes", int64(maxUnpacked))
	}
	if err != nil {
		return random{}, fmt.Errorf("%s: %w", name, err)
	}
	return random{f, n}, nil
}

// maxUnpacked bounds a temporary file: the largest official table has a few gigabytes.
const maxUnpacked = 64 << 30

// An unpacked is a temporary file that is removed when it is closed.
type unpacked struct{ *os.File }

func (u unpacked) Close() error {
	err := u.File.Close()
	if rerr := os.Remove(u.Name()); err == nil && rerr != nil && !os.IsNotExist(rerr) {
		err = rerr
	}
	return err
}

// An embedded is a picture inside a table.
type embedded struct {
	missing error // there is none
	certain bool  // there is one, otherwise only reading it tells
	read    func(limit int64) ([]byte, error)
}

// embed makes a picture known by its name, TABLE#ROW.
func (d *Dir) embed(name string, e embedded) { d.embedded[name] = e }

// noPicture is the error of a row without a picture.
func noPicture(name string) error {
	return fmt.Errorf("picture %q: %w: the row has none", name, fs.ErrNotExist)
}
