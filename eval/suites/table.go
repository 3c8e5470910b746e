package suites

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// readDelimited reads a table as spreadsheet programs and pandas write it: quoted where needed, quotes doubled.
func readDelimited(raw []byte, comma rune) ([][]string, error) {
	r := csv.NewReader(bytes.NewReader(raw))
	r.Comma = comma
	r.FieldsPerRecord = -1
	r.LazyQuotes = false
	return r.ReadAll()
}

// Limits of a worksheet, those of the format.
const (
	maxSheetRows    = 1 << 20
	maxSheetColumns = 1 << 14
	maxSheetCells   = 1 << 24
)

// readXLSX reads the first worksheet of an Office Open XML workbook: text, shared text and numbers, as written by the
// common libraries. Formulas give their stored value.
func readXLSX(raw []byte) ([][]string, error) {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, fmt.Errorf("xlsx: %w", err)
	}
	for _, f := range z.File {
		if f.UncompressedSize64 > max(unpackedFloor, maxRatio*f.CompressedSize64) { // the reader checks the size itself
			return nil, fmt.Errorf("xlsx: %q unpacks to %d bytes, more than %d times its size", f.Name, f.UncompressedSize64, maxRatio)
		}
	}
	var shared []string
	if f, err := z.Open("xl/sharedStrings.xml"); err == nil {
		shared, err = readSharedStrings(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("xlsx: shared strings: %w", err)
		}
	}
	f, err := z.Open("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, fmt.Errorf("xlsx: %w", err)
	}
	defer f.Close()
	rows, err := readSheet(f, shared)
	if err != nil {
		return nil, fmt.Errorf("xlsx: sheet 1: %w", err)
	}
	return rows, nil
}

// xlsxText is a run of text: plain, or pieces with their own formats.
type xlsxText struct {
	T    []string `xml:"t"`
	Runs []struct {
		T string `xml:"t"`
	} `xml:"r"`
}

func (t xlsxText) text() string {
	s := strings.Join(t.T, "")
	for _, r := range t.Runs {
		s += r.T
	}
	return unescapeXLSX(s)
}

// unescapeXLSX replaces _xHHHH_, the format's notation for characters that XML cannot hold.
func unescapeXLSX(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "_x")
		if i < 0 || i+7 > len(s) {
			b.WriteString(s)
			return b.String()
		}
		v, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
		if err != nil || s[i+6] != '_' {
			b.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		b.WriteRune(rune(v))
		s = s[i+7:]
	}
}

func readSharedStrings(r io.Reader) ([]string, error) {
	d := xml.NewDecoder(r)
	var list []string
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "si" {
			var si xlsxText
			if err := d.DecodeElement(&si, &e); err != nil {
				return nil, err
			}
			list = append(list, si.text())
		}
	}
}

type xlsxRow struct {
	Cells []struct {
		Ref    string   `xml:"r,attr"`
		Type   string   `xml:"t,attr"`
		Value  string   `xml:"v"`
		Inline xlsxText `xml:"is"`
	} `xml:"c"`
}

func readSheet(r io.Reader, shared []string) ([][]string, error) {
	d := xml.NewDecoder(r)
	var rows [][]string
	cells := 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		e, ok := t.(xml.StartElement)
		if !ok || e.Name.Local != "row" {
			continue
		}
		var row xlsxRow
		if err := d.DecodeElement(&row, &e); err != nil {
			return nil, err
		}
		var line []string
		for _, c := range row.Cells {
			col := len(line)
			if c.Ref != "" {
				if col, err = xlsxColumn(c.Ref); err != nil {
					return nil, err
				}
			}
			if col < len(line) || col >= maxSheetColumns {
				return nil, fmt.Errorf("row %d: cell %q is out of order or out of range", len(rows)+1, c.Ref)
			}
			for len(line) < col {
				line = append(line, "")
			}
			value := c.Value
			switch c.Type {
			case "s":
				i, err := strconv.Atoi(c.Value)
				if err != nil || i < 0 || i >= len(shared) {
					return nil, fmt.Errorf("cell %q: no shared string %q", c.Ref, c.Value)
				}
				value = shared[i]
			case "inlineStr":
				value = c.Inline.text()
			}
			line = append(line, value)
		}
		if cells += len(line); len(rows) >= maxSheetRows || cells > maxSheetCells {
			return nil, errors.New("the sheet is too large")
		}
		rows = append(rows, line)
	}
}

// xlsxColumn is the column of a cell such as "AB12", from 0.
func xlsxColumn(ref string) (int, error) {
	n := 0
	for i := 0; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z'; i++ {
		if n = n*26 + int(ref[i]-'A') + 1; n > maxSheetColumns {
			break
		}
	}
	if n == 0 || n > maxSheetColumns {
		return 0, fmt.Errorf("cell %q has no column", ref)
	}
	return n - 1, nil
}
