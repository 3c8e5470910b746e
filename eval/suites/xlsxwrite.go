package suites

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An xlsxCell is text or a number in decimal; an empty one is left out.
type xlsxCell struct {
	text   string
	number bool
}

// ReadXLSX reads the cells of a workbook's first sheet as text.
func ReadXLSX(raw []byte) ([][]string, error) { return readXLSX(raw) }

// maxXLSXText is how long a text may be in the format.
const maxXLSXText = 32767

// The fixed parts of a workbook with one sheet (ECMA-376, part 1, chapter 12; the relations are those of part 2).
const (
	xlsxHead  = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	xlsxMain  = `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	xlsxRels  = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	xlsxPkg   = `http://schemas.openxmlformats.org/package/2006/`
	xlsxTypes = xlsxHead + `<Types xmlns="` + xlsxPkg + `content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>` +
		`</Types>`
	xlsxRoot = xlsxHead + `<Relationships xmlns="` + xlsxPkg + `relationships">` +
		`<Relationship Id="rId1" Type="` + xlsxRels + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	xlsxBook = xlsxHead + `<workbook xmlns="` + xlsxMain + `" xmlns:r="` + xlsxRels + `">` +
		`<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`
	xlsxBookRels = xlsxHead + `<Relationships xmlns="` + xlsxPkg + `relationships">` +
		`<Relationship Id="rId1" Type="` + xlsxRels + `/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`
)

// writeXLSX writes a workbook of one sheet, the same bytes for the same cells: no times, no styles, texts in their cells.
func writeXLSX(w io.Writer, rows [][]xlsxCell) error {
	if len(rows) > maxSheetRows {
		return fmt.Errorf("xlsx: %d rows, but a sheet holds %d", len(rows), maxSheetRows)
	}
	z := zip.NewWriter(w)
	for _, part := range []struct{ name, content string }{
		{"[Content_Types].xml", xlsxTypes}, {"_rels/.rels", xlsxRoot}, {"xl/workbook.xml", xlsxBook}, {"xl/_rels/workbook.xml.rels", xlsxBookRels},
	} {
		f, err := z.Create(part.name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(f, part.content); err != nil {
			return err
		}
	}
	f, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	b.WriteString(xlsxHead + `<worksheet xmlns="` + xlsxMain + `"><sheetData>`)
	for i, row := range rows {
		fmt.Fprintf(b, `<row r="%d">`, i+1)
		for j, c := range row {
			if c.text == "" {
				continue
			}
			ref := fmt.Sprintf("%s%d", xlsxColumnName(j), i+1)
			if c.number {
				fmt.Fprintf(b, `<c r="%s"><v>%s</v></c>`, ref, c.text)
				continue
			}
			if utf8.RuneCountInString(c.text) > maxXLSXText {
				return fmt.Errorf("xlsx: cell %s: a text of more than %d characters", ref, maxXLSXText)
			}
			fmt.Fprintf(b, `<c r="%s" t="inlineStr"><is><t xml:space="preserve">`, ref)
			if err := xml.EscapeText(b, []byte(escapeXLSX(c.text))); err != nil {
				return err
			}
			b.WriteString(`</t></is></c>`)
		}
		b.WriteString(`</row>`)
	}
	b.WriteString(`</sheetData></worksheet>`)
	return errors.Join(b.Flush(), z.Close())
}

// xlsxColumnName is the letter of column n: A for 0, AA for 26.
func xlsxColumnName(n int) string {
	name := ""
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// startsXLSXNotation is whether s begins like _xHHHH; the closing underscore may come from the escape of the next character.
func startsXLSXNotation(s string) bool {
	if len(s) < 6 || s[1] != 'x' {
		return false
	}
	_, err := strconv.ParseUint(s[2:6], 16, 16)
	return err == nil
}

// escapeXLSX writes characters that XML cannot hold as _xHHHH_, and what looks like such a notation with its underscore so.
func escapeXLSX(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r < 0x20 && r != '\n' && r != '\t', r == 0xfffe, r == 0xffff:
			fmt.Fprintf(&b, "_x%04X_", r)
		case r == '_' && startsXLSXNotation(s[i:]):
			b.WriteString("_x005F_")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
