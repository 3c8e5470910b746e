package suites

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// maxEmbedded bounds an embedded picture, in base64; the largest of the tables has a few megabytes.
const maxEmbedded = 256 << 20

// referenceCell is how long an image cell may be that holds the index of another row instead of a picture, as in VLMEvalKit.
const referenceCell = 64

// TableImages are the pictures in a table, which the questions of such suites do not repeat.
type TableImages struct {
	name  string
	cells map[string]string
}

// OpenTableImages reads the pictures of a table of MMBench or VLMEvalKit: base64 in the column image, by the column index. name is the file
// that the suite's data were read from, Data.Read[0].
func OpenTableImages(d *Dir, name string) (*TableImages, error) {
	t, err := readTSV(d, name)
	if err != nil {
		return nil, err
	}
	images := &TableImages{name: name, cells: make(map[string]string, len(t.list))}
	for _, row := range t.list {
		images.cells[row.cells["index"]] = row.cells["image"]
	}
	return images, nil
}

// Bytes is the encoded picture of the question with an id. Tables of several pictures a question are refused.
func (t *TableImages) Bytes(id string) ([]byte, error) {
	cell, ok := t.cells[id]
	if ok && cell != "" && len(cell) <= referenceCell {
		if other, found := t.cells[cell]; found { // one step, so that rows cannot name each other for ever
			cell = other
		}
	}
	switch {
	case !ok || cell == "":
		return nil, fmt.Errorf("%s: question %q has no image", t.name, id)
	case len(cell) > maxEmbedded:
		return nil, fmt.Errorf("%s: question %q: an image of %d characters, expected at most %d", t.name, id, len(cell), maxEmbedded)
	case strings.HasPrefix(cell, "["):
		return nil, fmt.Errorf("%s: question %q has a list of images, expected one", t.name, id)
	}
	raw, err := base64.StdEncoding.DecodeString(cell)
	if err != nil {
		return nil, fmt.Errorf("%s: question %q: image: %w", t.name, id, err)
	}
	return raw, nil
}
