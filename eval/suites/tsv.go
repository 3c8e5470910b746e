package suites

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits of a table.
const (
	maxTSVColumns = 1000 // rows are kept as maps
	maxTSVRows    = 10_000_000
	maxTSVCell    = 16 << 20 // of text; a picture is not kept
)

// referenceCell is how long an image cell may be that holds the index of another row instead of a picture, as in VLMEvalKit.
const referenceCell = 64

// imageColumn holds pictures in base64.
const imageColumn = "image"

type tsvRow struct {
	line  int
	cells map[string]string // without the image
	image tsvCell
}

type tsvTable struct {
	file    string
	columns []string
	list    []tsvRow
}

// A tsvCell is a cell and where it lies in the file, quotes around it left out.
type tsvCell struct {
	text     string // the first bytes of a picture, all of others
	at, size int64
}

// readTSV reads a table with a header row as pandas does: a quote counts only at the beginning of a cell, and what follows a closing
// quote still belongs to it. The file is read once from front to end, and pictures are not kept.
func readTSV(d *Dir, file string) (*tsvTable, error) {
	in, err := d.openFile(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r := &tsvReader{r: bufio.NewReaderSize(in, 1<<16), line: 1, image: -1}
	t := &tsvTable{file: file}
	if mark, _ := r.r.Peek(3); string(mark) == "\ufeff" {
		_, _ = r.r.Discard(3)
		r.at = 3
	}
	for {
		cells, line, err := r.record()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", file, r.line, err)
		}
		if t.columns == nil {
			if err := t.header(r, cells); err != nil {
				return nil, err
			}
			continue
		}
		if len(cells) != len(t.columns) {
			return nil, fmt.Errorf("%s: line %d: %d cells, expected %d as in the header", file, line, len(cells), len(t.columns))
		}
		if len(t.list) == maxTSVRows {
			return nil, fmt.Errorf("%s: more than %d rows", file, maxTSVRows)
		}
		row := tsvRow{line: line, cells: make(map[string]string, len(cells))}
		for i, c := range cells {
			if i == r.image {
				row.image = c
				continue
			}
			row.cells[t.columns[i]] = c.text
		}
		t.list = append(t.list, row)
	}
	if t.columns == nil {
		return nil, fmt.Errorf("%s: the table is empty", file)
	}
	d.read = append(d.read, file)
	return t, nil
}

func (t *tsvTable) header(r *tsvReader, cells []tsvCell) error {
	if len(cells) > maxTSVColumns {
		return fmt.Errorf("%s: the table has %d columns, expected at most %d", t.file, len(cells), maxTSVColumns)
	}
	for i, c := range cells {
		t.columns = append(t.columns, c.text)
		if c.text == imageColumn {
			r.image = i
		}
	}
	if name, twice := repeated(t.columns); twice {
		return fmt.Errorf("%s: the table has two columns %q", t.file, name)
	}
	return nil
}

// A tsvReader splits a stream into cells.
type tsvReader struct {
	r     *bufio.Reader
	at    int64
	line  int // of the next byte, from 1
	image int // column of which only the first bytes are kept; -1 before the header
	text  []byte
}

func (r *tsvReader) next() (byte, error) {
	c, err := r.r.ReadByte()
	if err != nil {
		return 0, err
	}
	r.at++
	switch c {
	case '\n':
		r.line++
	case 0:
		return 0, errors.New("a NUL byte: the table is damaged")
	}
	return c, nil
}

// record reads the cells of a row, which begins at a line; blank lines are passed over. The error is io.EOF after the last one.
func (r *tsvReader) record() (cells []tsvCell, line int, err error) {
	for {
		c, err := r.r.Peek(1)
		if err != nil {
			return nil, r.line, err
		}
		if c[0] == '\r' {
			if two, _ := r.r.Peek(2); len(two) == 2 && two[1] != '\n' {
				break
			}
		} else if c[0] != '\n' {
			break
		}
		if _, err := r.next(); err != nil {
			return nil, r.line, err
		}
	}
	line = r.line
	for {
		c, last, err := r.cell(len(cells))
		if err != nil {
			return nil, line, err
		}
		if cells = append(cells, c); last {
			return cells, line, nil
		}
		if len(cells) > maxTSVColumns {
			return nil, line, fmt.Errorf("the row has more than %d cells", maxTSVColumns)
		}
	}
}

func (r *tsvReader) beforeLineFeed() bool {
	next, _ := r.r.Peek(1)
	return len(next) == 1 && next[0] == '\n'
}

// cell reads a cell and what ends it; last tells that the row ends with it.
func (r *tsvReader) cell(column int) (cell tsvCell, last bool, err error) {
	cell.at = r.at
	r.text = r.text[:0]
	limit := maxTSVCell
	if column == r.image {
		limit = referenceCell + 1
	}
	add := func(c byte) error {
		if len(r.text) < limit {
			r.text = append(r.text, c)
		} else if column != r.image {
			return fmt.Errorf("a cell is longer than %d bytes", maxTSVCell)
		}
		return nil
	}
	end := r.at // after the content
	quoted := false
	for {
		c, err := r.next()
		switch {
		case errors.Is(err, io.EOF) && quoted:
			return cell, false, errors.New("a quoted cell does not end")
		case errors.Is(err, io.EOF):
			last = true
		case err != nil:
			return cell, false, err
		case quoted && c == '"':
			if follow, _ := r.r.Peek(1); len(follow) == 0 || follow[0] != '"' {
				quoted = false
				continue
			}
			_, _ = r.next() // a doubled quote is one
			err, end = add('"'), r.at
		case quoted:
			err, end = add(c), r.at
		case c == '"' && r.at == cell.at+1:
			quoted = true
			cell.at++
			end = r.at
			continue
		case c == '\r' && r.beforeLineFeed():
			continue
		case c == '\t' || c == '\n':
			cell.text, cell.size = string(r.text), end-cell.at
			return cell, c == '\n', nil
		default:
			err, end = add(c), r.at
		}
		if err != nil && !last {
			return cell, false, err
		}
		if last {
			cell.text, cell.size = string(r.text), end-cell.at
			return cell, true, nil
		}
	}
}

// repeated finds a name that is there twice.
func repeated(names []string) (string, bool) {
	seen := map[string]bool{}
	for _, n := range names {
		if n != "" && seen[n] {
			return n, true
		}
		seen[n] = true
	}
	return "", false
}

// pictures makes the pictures of a table known to the directory, and gives their names row by row: TABLE#INDEX of the row that has
// it, or the path in the column image_path of tables whose pictures are files.
func (t *tsvTable) pictures(d *Dir) []string {
	rows := make(map[string]int, len(t.list))
	for i, row := range t.list {
		rows[row.cells["index"]] = i
	}
	names := make([]string, len(t.list))
	var file random
	for i, row := range t.list {
		if path := row.cells["image_path"]; row.image.size == 0 && path != "" {
			names[i] = path
			continue
		}
		if row.image.size > 0 && row.image.size <= referenceCell {
			if other, ok := rows[row.image.text]; ok { // one step, so that rows cannot name each other for ever
				row = t.list[other]
			}
		}
		name := t.file + "#" + row.cells["index"]
		names[i] = name
		if row.image.size == 0 {
			d.embed(name, embedded{missing: noPicture(name)})
			continue
		}
		cell := row.image
		d.embed(name, embedded{certain: true, read: func(limit int64) ([]byte, error) {
			if file.ReaderAt == nil {
				var err error
				if file, err = d.random(t.file); err != nil {
					return nil, err
				}
			}
			raw, err := readBase64(file, cell, limit)
			if err != nil {
				return nil, fmt.Errorf("picture %q: %w", name, err)
			}
			return raw, nil
		}})
	}
	return names
}

// readBase64 decodes a picture of at most limit bytes that lies in a table; of a list written as Python does, the first.
func readBase64(file io.ReaderAt, cell tsvCell, limit int64) ([]byte, error) {
	if cell.size > 64<<30 {
		return nil, errors.New("the cell is too long")
	}
	var in io.Reader = io.NewSectionReader(file, cell.at, cell.size)
	if strings.HasPrefix(cell.text, "[") {
		r := bufio.NewReader(in)
		lead, err := r.ReadBytes('\'')
		if err != nil || len(lead) > 8 {
			return nil, errors.New("expected a list of quoted pictures in base64")
		}
		in = &until{r: r, end: '\''}
	}
	raw, err := io.ReadAll(io.LimitReader(base64.NewDecoder(base64.StdEncoding, in), limit+1))
	if err != nil {
		return nil, fmt.Errorf("base64: %w", err)
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("expected a picture of at most %d bytes", limit)
	}
	return raw, nil
}

// An until reads up to a byte.
type until struct {
	r    *bufio.Reader
	end  byte
	done bool
}

func (u *until) Read(p []byte) (int, error) {
	for n := range p {
		c, err := u.r.ReadByte()
		if u.done = u.done || err == nil && c == u.end; u.done {
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		if err != nil {
			return n, err
		}
		p[n] = c
	}
	return len(p), nil
}

// rowIndex is the number in the column index.
func (row tsvRow) rowIndex() (int, error) {
	n, err := strconv.Atoi(row.cells["index"])
	if err != nil || n < 0 {
		return 0, fmt.Errorf("line %d: index %q is no number", row.line, row.cells["index"])
	}
	return n, nil
}
