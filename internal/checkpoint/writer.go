package checkpoint

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/internal/tensor"
)

// A Spec announces a tensor that will be written.
type Spec struct {
	Name  string
	DType tensor.DType
	Shape []int
}

// Bytes is the tensor's size.
func (s Spec) Bytes() (int64, error) {
	n := uint64(s.DType.Size())
	for _, d := range s.Shape {
		hi, lo := bits.Mul64(n, uint64(d))
		if d < 0 || hi != 0 || lo > 1<<62 {
			return 0, errf(ErrOverflow, "tensor %s: shape %s of %s is too large", quote(s.Name), tensor.ShapeString(s.Shape), s.DType)
		}
		n = lo
	}
	return int64(n), nil
}

// WriterOptions shape the files. The zero value writes one file.
type WriterOptions struct {
	Metadata map[string]string // goes into every file's `__metadata__`; {"format": "pt"} when nil
	// MaxShardBytes starts a new file before a tensor that would make the current one's data longer; 0 is no limit.
	MaxShardBytes int64
	// Base is the files' name without the extension; "model" when empty.
	Base string
}

// A Writer streams tensors into safetensors files: `model.safetensors`, or `model-00001-of-00003.safetensors` and so on
// with `model.safetensors.index.json`. The files appear under temporary names and get their final ones in Commit, the
// index last: a file under a final name is complete. The bytes depend on the arguments and the data alone.
type Writer struct {
	dir    string
	base   string
	shards []shard
	next   int // tensors begun so far
	left   int64
	file   *os.File
	buf    *bufio.Writer
	at     int // shard being written
	done   bool
}

// A shard is one file of a Writer.
type shard struct {
	name   string
	temp   string // path while it is written
	specs  []Spec
	sizes  []int64
	header []byte
}

// headerAlign is the multiple at which the data of a file begin, so that a mapping of it is aligned for every kernel.
const headerAlign = 64

// NewWriter plans the files of the tensors, in the given order, in an existing directory. Close must be called.
func NewWriter(dir string, specs []Spec, o WriterOptions) (*Writer, error) {
	w := &Writer{dir: dir, base: o.Base, at: -1}
	if w.base == "" {
		w.base = "model"
	}
	seen := map[string]bool{}
	var size int64
	for _, s := range specs {
		if s.Name == "" || len(s.Name) > maxNameBytes || s.Name == "__metadata__" || seen[s.Name] {
			return nil, errf(ErrFormat, "tensor name %s is empty, too long, reserved or used twice", quote(s.Name))
		}
		seen[s.Name] = true
		n, err := s.Bytes()
		if err != nil {
			return nil, err
		}
		if len(w.shards) == 0 || o.MaxShardBytes > 0 && size > 0 && n > 0 && size+n > o.MaxShardBytes {
			w.shards = append(w.shards, shard{})
			size = 0
		}
		last := &w.shards[len(w.shards)-1]
		last.specs, last.sizes = append(last.specs, s), append(last.sizes, n)
		size += n
	}
	if len(w.shards) == 0 {
		w.shards = make([]shard, 1)
	}
	metadata := o.Metadata
	if metadata == nil {
		metadata = map[string]string{"format": "pt"}
	}
	for i := range w.shards {
		s := &w.shards[i]
		s.name = w.base + ".safetensors"
		if len(w.shards) > 1 {
			s.name = fmt.Sprintf("%s-%05d-of-%05d.safetensors", w.base, i+1, len(w.shards))
		}
		var err error
		if s.header, err = header(s.specs, s.sizes, metadata); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// header builds the length and the JSON object of a file, padded with spaces.
func header(specs []Spec, sizes []int64, metadata map[string]string) ([]byte, error) {
	out := []byte("xxxxxxxx{")
	if len(metadata) > 0 {
		out = append(out, `"__metadata__":`...)
		m, err := json.Marshal(metadata)
		if err != nil {
			return nil, err
		}
		out = append(out, m...)
		if len(specs) > 0 {
			out = append(out, ',')
		}
	}
	var at int64
	for i, s := range specs {
		name, err := json.Marshal(s.Name)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		shape := strings.ReplaceAll(tensor.ShapeString(s.Shape), " ", "")
		out = fmt.Appendf(out, `%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, s.DType.String(), shape, at, at+sizes[i])
		at += sizes[i]
	}
	out = append(out, '}')
	for len(out)%headerAlign != 0 {
		out = append(out, ' ')
	}
	if len(out)-8 > maxHeaderBytes {
		return nil, errf(ErrTooLarge, "header of %d bytes exceeds the limit of %d", len(out)-8, maxHeaderBytes)
	}
	binary.LittleEndian.PutUint64(out, uint64(len(out)-8))
	return out, nil
}

// Begin starts the named tensor, which must be the next one of the plan. Its bytes follow by Write.
func (w *Writer) Begin(name string) error {
	if w.left != 0 {
		return fmt.Errorf("tensor %s begins while %d bytes of the one before it are missing", quote(name), w.left)
	}
	for w.at < 0 || w.next == len(w.shards[w.at].specs) {
		if w.at+1 == len(w.shards) {
			return fmt.Errorf("tensor %s is beyond the planned ones", quote(name))
		}
		if err := w.openNext(); err != nil {
			return err
		}
	}
	s := w.shards[w.at]
	if want := s.specs[w.next].Name; want != name {
		return fmt.Errorf("tensor %s begins, expected %s", quote(name), quote(want))
	}
	w.left = s.sizes[w.next]
	w.next++
	return nil
}

// Write adds bytes to the tensor that was begun.
func (w *Writer) Write(p []byte) (int, error) {
	if int64(len(p)) > w.left {
		return 0, fmt.Errorf("%d bytes are written, but the tensor takes %d more", len(p), w.left)
	}
	n, err := w.buf.Write(p)
	w.left -= int64(n)
	return n, err
}

// Hole makes the rest of the tensor that was begun zero, without writing it: where the file system has holes, it takes no room.
func (w *Writer) Hole() error {
	if err := w.buf.Flush(); err != nil {
		return err
	}
	at, err := w.file.Seek(w.left, io.SeekCurrent)
	if err != nil {
		return err
	}
	w.left = 0
	return w.file.Truncate(at)
}

// Tensor writes a whole tensor.
func (w *Writer) Tensor(name string, data []byte) error {
	if err := w.Begin(name); err != nil {
		return err
	}
	if int64(len(data)) != w.left {
		return fmt.Errorf("tensor %s has %d bytes, expected %d", quote(name), len(data), w.left)
	}
	_, err := w.Write(data)
	return err
}

// openNext finishes the current file and starts the next.
func (w *Writer) openNext() error {
	if err := w.finish(); err != nil {
		return err
	}
	w.at++
	w.next = 0
	s := &w.shards[w.at]
	f, err := os.CreateTemp(w.dir, "."+s.name+".*.tmp")
	if err != nil {
		return err
	}
	s.temp, w.file = f.Name(), f
	if w.buf == nil {
		w.buf = bufio.NewWriterSize(f, 1<<20)
	} else {
		w.buf.Reset(f)
	}
	_, err = w.buf.Write(s.header)
	return err
}

// finish flushes and closes the current file.
func (w *Writer) finish() error {
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.buf.Flush(), w.file.Chmod(0o644), w.file.Sync(), w.file.Close())
	w.file = nil
	return err
}

// Commit gives the files their final names. Every planned tensor must have been written.
func (w *Writer) Commit() error {
	if w.left != 0 {
		return fmt.Errorf("%d bytes of the last tensor are missing", w.left)
	}
	for w.at+1 < len(w.shards) && (w.at < 0 || w.next == len(w.shards[w.at].specs)) && len(w.shards[w.at+1].specs) == 0 {
		if err := w.openNext(); err != nil { // a file without tensors
			return err
		}
	}
	if w.at+1 < len(w.shards) || w.next < len(w.shards[w.at].specs) {
		return errors.New("not all planned tensors were written")
	}
	if err := w.finish(); err != nil {
		return err
	}
	for i := range w.shards {
		s := &w.shards[i]
		if err := os.Rename(s.temp, filepath.Join(w.dir, s.name)); err != nil {
			return err
		}
		s.temp = ""
	}
	w.done = true
	if len(w.shards) == 1 {
		return nil
	}
	return writeFile(filepath.Join(w.dir, w.base+".safetensors.index.json"), w.indexJSON())
}

// indexJSON is the index of the shards, its names sorted.
func (w *Writer) indexJSON() []byte {
	var total int64
	var lines []string
	for _, s := range w.shards {
		for i, spec := range s.specs {
			total += s.sizes[i]
			name, _ := json.Marshal(spec.Name) // a string always marshals
			lines = append(lines, fmt.Sprintf("    %s: %q", name, s.name))
		}
	}
	slices.Sort(lines)
	return fmt.Appendf(nil, "{\n  \"metadata\": {\n    \"total_size\": %d\n  },\n  \"weight_map\": {\n%s\n  }\n}\n", total, strings.Join(lines, ",\n"))
}

// Close releases what Commit has not put in place: without a Commit nothing is left behind.
func (w *Writer) Close() error {
	var errs []error
	if w.file != nil {
		errs = append(errs, w.file.Close())
		w.file = nil
	}
	for _, s := range w.shards {
		if s.temp != "" && !w.done {
			errs = append(errs, os.Remove(s.temp))
		}
	}
	w.done = true
	return errors.Join(errs...)
}

// writeFile writes a small file under a temporary name and renames it.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

var _ io.Writer = (*Writer)(nil)
