package suites

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Limits of a parquet file, checked before its pages are read.
const (
	maxFooter      = 64 << 20
	maxParquetRows = 10_000_000
	maxPage        = 512 << 20 // unpacked
	maxParquetText = maxFile   // of all columns but the pictures
)

// A parquetTable is a parquet file whose text columns are in memory and whose pictures stay where they are.
type parquetTable struct {
	name    string
	rows    int
	text    map[string][][]parquetText // by column, by row: no values for null, several for a list
	columns []string                   // of text, in the file's order
	images  map[string]*parquetImages  // by column, without ".bytes"
}

// A parquetText is a value as text.
type parquetText string

// openParquet reads a parquet file (Apache Parquet format 2.x). Columns of bytes inside a structure, as data sets with pictures
// have them ({bytes, path}), are pictures; the names of lists' inner levels are left out of the columns' names.
func openParquet(d *Dir, name string) (t *parquetTable, err error) {
	defer caught(name, &err)
	in, err := d.random(name)
	if err != nil {
		return nil, err
	}
	if err := checkFooter(in); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	file, err := parquet.OpenFile(in, in.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if file.NumRows() < 0 || file.NumRows() > maxParquetRows {
		return nil, fmt.Errorf("%s: %d rows, expected at most %d", name, file.NumRows(), maxParquetRows)
	}
	t = &parquetTable{name: name, rows: int(file.NumRows()), text: map[string][][]parquetText{}, images: map[string]*parquetImages{}}
	if err := checkGroups(file, in); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	left := int64(maxParquetText)
	for i, path := range file.Schema().Columns() {
		column := columnName(path)
		if picture, ok := strings.CutSuffix(column, ".bytes"); ok {
			t.images[picture] = &parquetImages{name: name, file: file, column: i}
			continue
		}
		if t.text[column] != nil {
			return nil, fmt.Errorf("%s: two columns are called %q", name, column)
		}
		t.columns = append(t.columns, column)
		if t.text[column], err = readColumn(file, i, t.rows, &left); err != nil {
			return nil, fmt.Errorf("%s: column %q: %w", name, column, err)
		}
	}
	d.read = append(d.read, name)
	return t, nil
}

// caught turns a panic of the parquet library over a damaged file into an error.
func caught(name string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: the parquet file is damaged: %v", name, p)
	}
}

// columnName joins a leaf's path without the levels that only make lists.
func columnName(path []string) string {
	var parts []string
	for i := 0; i < len(path); i++ {
		parts = append(parts, path[i])
		if i+2 < len(path) && path[i+1] == "list" && (path[i+2] == "element" || path[i+2] == "item") {
			i += 2
		}
	}
	return strings.Join(parts, ".")
}

func checkFooter(in random) error {
	var tail [8]byte
	if in.size < 12 {
		return errors.New("the file is too short for parquet")
	}
	if _, err := in.ReadAt(tail[:], in.size-8); err != nil {
		return err
	}
	if n := int64(binary.LittleEndian.Uint32(tail[:4])); n > in.size-12 || n > maxFooter {
		return fmt.Errorf("the footer has %d bytes in a file of %d", n, in.size)
	}
	return nil
}

// checkGroups walks over the headers of all pages: every one must lie in its column's part of the file and not unpack to too much.
func checkGroups(file *parquet.File, in random) error {
	leaves := len(file.Schema().Columns())
	rows := int64(0)
	for g, group := range file.Metadata().RowGroups {
		rows += group.NumRows
		if group.NumRows < 0 || rows > file.NumRows() {
			return fmt.Errorf("row group %d: %d rows, more than the file's %d", g, group.NumRows, file.NumRows())
		}
		if len(group.Columns) != leaves {
			return fmt.Errorf("row group %d: %d columns, expected %d", g, len(group.Columns), leaves)
		}
		for c := range group.Columns {
			if err := checkPages(&group.Columns[c].MetaData, in); err != nil {
				return fmt.Errorf("row group %d, column %d: %w", g, c, err)
			}
		}
	}
	if rows != file.NumRows() {
		return fmt.Errorf("%d rows in the row groups, expected %d", rows, file.NumRows())
	}
	return nil
}

func checkPages(m *format.ColumnMetaData, in random) error {
	start := m.DataPageOffset
	if m.DictionaryPageOffset > 0 && m.DictionaryPageOffset < start {
		start = m.DictionaryPageOffset
	}
	if start < 0 || m.TotalCompressedSize < 0 || start > in.size-m.TotalCompressedSize {
		return fmt.Errorf("%d bytes at %d lead out of the file", m.TotalCompressedSize, start)
	}
	end := start + m.TotalCompressedSize
	for at := start; at < end; {
		section := io.NewSectionReader(in, at, end-at)
		counted := &countingReader{r: section}
		var header format.PageHeader
		if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(counted)).Decode(&header); err != nil {
			return fmt.Errorf("page at %d: %w", at, err)
		}
		size, unpacked := int64(header.CompressedPageSize), int64(header.UncompressedPageSize)
		if size < 0 || unpacked < 0 || size > end-at-counted.n {
			return fmt.Errorf("page at %d: %d bytes lead out of the column", at, size)
		}
		if unpacked > maxPage || unpacked > max(unpackedFloor, maxRatio*size) {
			return fmt.Errorf("page at %d: %d bytes unpack to %d", at, size, unpacked)
		}
		at += counted.n + size
	}
	return nil
}

// A countingReader counts what is read through it, byte by byte, so that nothing is read ahead.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *countingReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(c, b[:])
	return b[0], err
}

// readColumn reads a column as text; left is how many bytes it may still have.
func readColumn(file *parquet.File, column, rows int, left *int64) ([][]parquetText, error) {
	out := make([][]parquetText, 0, rows)
	cursor := &parquetCursor{file: file, column: column}
	defer cursor.close()
	for {
		v, err := cursor.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if v.RepetitionLevel() == 0 {
			out = append(out, nil)
		}
		if len(out) == 0 || len(out) > rows {
			return nil, fmt.Errorf("values of more than %d rows", rows)
		}
		if v.IsNull() {
			continue
		}
		text := valueText(v)
		if *left -= int64(len(text)) + 16; *left < 0 {
			return nil, fmt.Errorf("more than %d bytes of text", int64(maxParquetText))
		}
		out[len(out)-1] = append(out[len(out)-1], text)
	}
	if len(out) != rows {
		return nil, fmt.Errorf("%d rows, expected %d", len(out), rows)
	}
	return out, nil
}

func valueText(v parquet.Value) parquetText {
	switch v.Kind() {
	case parquet.Boolean:
		return parquetText(strconv.FormatBool(v.Boolean()))
	case parquet.Int32:
		return parquetText(strconv.Itoa(int(v.Int32())))
	case parquet.Int64:
		return parquetText(strconv.FormatInt(v.Int64(), 10))
	case parquet.Float:
		return parquetText(strconv.FormatFloat(float64(v.Float()), 'g', -1, 32))
	case parquet.Double:
		return parquetText(strconv.FormatFloat(v.Double(), 'g', -1, 64))
	}
	return parquetText(strings.Clone(string(v.ByteArray())))
}

// A parquetCursor goes over the values of a column, from row group to row group.
type parquetCursor struct {
	file   *parquet.File
	column int
	group  int
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buffer [64]parquet.Value
	at, n  int
}

func (c *parquetCursor) close() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	if c.pages != nil {
		_ = c.pages.Close() // it was only read
	}
	c.page, c.pages, c.values = nil, nil, nil
}

// next is the next value, which is good until the one after it is asked for; io.EOF after the last.
func (c *parquetCursor) next() (parquet.Value, error) {
	for {
		if c.at < c.n {
			c.at++
			return c.buffer[c.at-1], nil
		}
		if c.values != nil {
			n, err := c.values.ReadValues(c.buffer[:])
			c.at, c.n = 0, n
			if err != nil && !errors.Is(err, io.EOF) {
				return parquet.Value{}, err
			}
			if n == 0 {
				parquet.Release(c.page)
				c.page, c.values = nil, nil
			}
			continue
		}
		if c.pages == nil {
			groups := c.file.RowGroups()
			if c.group == len(groups) {
				return parquet.Value{}, io.EOF
			}
			c.pages = groups[c.group].ColumnChunks()[c.column].Pages()
			c.group++
		}
		page, err := c.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			err = c.pages.Close()
			c.pages = nil
			if err != nil {
				return parquet.Value{}, err
			}
			continue
		}
		if err != nil {
			return parquet.Value{}, err
		}
		c.page, c.values = page, page.Values()
	}
}

// parquetImages are the pictures of a column. They are read in order of the rows where they are asked for in that order.
type parquetImages struct {
	name   string
	file   *parquet.File
	column int

	cursor *parquetCursor
	row    int           // that the cursor's next value belongs to
	ahead  parquet.Value // the first value of row, already read
	primed bool
}

// bytes is the first picture of a row, nil where it has none.
func (p *parquetImages) bytes(row int, limit int64) (raw []byte, err error) {
	defer caught(p.name, &err)
	if p.cursor == nil || row < p.row {
		p.seek(row)
	}
	for {
		if !p.primed {
			if p.ahead, err = p.cursor.next(); err != nil {
				return nil, fmt.Errorf("%s: row %d: %w", p.name, row, noEOF(err))
			}
			p.primed = true
		}
		if p.row == row {
			break
		}
		if p.ahead, err = p.cursor.next(); err != nil {
			return nil, fmt.Errorf("%s: row %d: %w", p.name, row, noEOF(err))
		}
		if p.ahead.RepetitionLevel() == 0 {
			p.row++
		}
	}
	if p.ahead.IsNull() {
		return nil, nil
	}
	b := p.ahead.ByteArray()
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s: row %d: expected a picture of at most %d bytes", p.name, row, limit)
	}
	return slices.Clone(b), nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// seek starts at the row group of a row.
func (p *parquetImages) seek(row int) {
	if p.cursor != nil {
		p.cursor.close()
	}
	p.cursor, p.row, p.primed = &parquetCursor{file: p.file, column: p.column}, 0, false
	for _, g := range p.file.RowGroups() {
		if row < p.row+int(g.NumRows()) {
			return
		}
		p.row += int(g.NumRows())
		p.cursor.group++
	}
}

// null tells which rows have no picture. The whole column is read for it: statistics without a count of nulls look like those of none.
func (p *parquetImages) null(rows int) (list []bool, err error) {
	defer caught(p.name, &err)
	list = make([]bool, rows)
	cursor := &parquetCursor{file: p.file, column: p.column}
	defer cursor.close()
	row := -1
	for {
		v, err := cursor.next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: row %d: %w", p.name, row, err)
		}
		if v.RepetitionLevel() == 0 {
			if row++; row >= rows {
				return nil, fmt.Errorf("%s: more values than rows", p.name)
			}
			list[row] = v.IsNull()
		}
	}
}
