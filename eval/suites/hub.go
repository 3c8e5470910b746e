package suites

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// A hubLayout tells how the parquet files of a suite are read, as published on the hub for lmms-eval (datasets of
// lmms-lab-encoder) or by the owners.
type hubLayout struct {
	// splits are the names of the splits that count, in the order of preference; the first that is there is read.
	splits []string
	// named maps the suite's own names of splits to the hub's.
	named map[string]string
	// config keeps the folders (configurations of the data set) that count; nil keeps all.
	config func(folder string) bool
	// images are the columns of pictures, the first that is there is used.
	images []string
	// merged tells that the files of all folders belong together; else those of the first one count.
	merged bool
	// optional tells that rows may have no picture.
	optional bool
	question func(r hubRow) (Question, error)
	// finish completes the data; it may be nil.
	finish func(d *Dir, data *Data, tables []*parquetTable) error
}

// A hubRow is a row of a parquet file.
type hubRow struct {
	t     *parquetTable
	row   int
	index int // over all files
}

// list is the values of the first of the named columns that is there.
func (r hubRow) list(names ...string) []string {
	for _, name := range names {
		if column, ok := r.t.text[name]; ok {
			out := make([]string, len(column[r.row]))
			for i, v := range column[r.row] {
				out[i] = string(v)
			}
			return out
		}
	}
	return nil
}

// text is the first value of list.
func (r hubRow) text(names ...string) string {
	if list := r.list(names...); len(list) > 0 {
		return list[0]
	}
	return ""
}

func (r hubRow) has(name string) bool { _, ok := r.t.text[name]; return ok }

// hubFile is a parquet file with the split and the folder that its path says.
type hubFile struct{ name, split, folder string }

// hubFiles lists the parquet files of a directory and of its folders, two deep.
func hubFiles(d *Dir) ([]hubFile, error) {
	folders := []string{"."}
	for i := 0; i < len(folders); i++ {
		if strings.Count(folders[i], "/") == 1 {
			continue
		}
		p, err := d.Path(folders[i])
		if err != nil {
			return nil, err
		}
		entries, err := os.ReadDir(p)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if isFolder(d, path.Join(folders[i], e.Name()), e) && !strings.HasPrefix(e.Name(), ".") {
				folders = append(folders, path.Join(folders[i], e.Name()))
			}
		}
	}
	var list []hubFile
	for _, folder := range folders {
		names, err := d.Glob(path.Join(folder, "*.parquet"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			split, _, numbered := strings.Cut(strings.TrimSuffix(path.Base(name), ".parquet"), "-")
			config := folder
			if !numbered && strings.Trim(split, "0123456789") == "" { // SPLIT/0000.parquet
				split, config = path.Base(folder), path.Dir(folder)
			}
			list = append(list, hubFile{name, split, path.Base(config)})
		}
	}
	return list, nil
}

func isFolder(d *Dir, name string, e os.DirEntry) bool {
	if e.IsDir() {
		return true
	}
	if e.Type()&os.ModeSymlink == 0 {
		return false
	}
	p, err := d.Path(name)
	if err != nil {
		return false
	}
	info, err := os.Stat(p)
	return err == nil && info.IsDir()
}

// choose picks the files of a split.
func (h *hubLayout) choose(d *Dir) ([]string, error) {
	all, err := hubFiles(d)
	if err != nil {
		return nil, err
	}
	splits := h.splits
	if d.Split != "" {
		splits = []string{d.Split}
		if name, ok := h.named[d.Split]; ok {
			splits = []string{name}
		}
	}
	for _, split := range splits {
		var names []string
		first := ""
		for _, f := range all {
			if f.split != split || h.config != nil && !h.config(f.folder) {
				continue
			}
			if folder := path.Dir(f.name); len(names) == 0 {
				first = folder
			} else if folder != first && !h.merged {
				continue
			}
			names = append(names, f.name)
		}
		if len(names) > 0 {
			slices.Sort(names)
			return names, nil
		}
	}
	return nil, nil
}

// openHub reads a suite from its parquet files; ok is false where there are none.
func openHub(s *Suite, d *Dir) (data *Data, ok bool, err error) {
	h := hubLayouts[s.Name]
	if h == nil {
		return nil, false, nil
	}
	names, err := h.choose(d)
	if err != nil || len(names) == 0 {
		return nil, false, err
	}
	data = &Data{Labelled: true}
	var tables []*parquetTable
	for _, name := range names {
		t, err := openParquet(d, name)
		if err != nil {
			return nil, false, err
		}
		tables = append(tables, t)
		if err := h.read(d, data, t); err != nil {
			return nil, false, fmt.Errorf("%s: %w", name, err)
		}
	}
	if h.finish != nil {
		if err := h.finish(d, data, tables); err != nil {
			return nil, false, err
		}
	}
	data.Read = d.Read()
	return data, true, uniqueIDs(names[0], data.Questions)
}

// read adds the questions of a table.
func (h *hubLayout) read(d *Dir, data *Data, t *parquetTable) error {
	var images *parquetImages
	column := ""
	for _, name := range h.images {
		if images = t.images[name]; images != nil {
			column = name
			break
		}
	}
	var null []bool
	if images != nil && h.optional {
		var err error
		if null, err = images.null(t.rows); err != nil {
			return err
		}
	}
	for row := range t.rows {
		r := hubRow{t, row, len(data.Questions)}
		q, err := h.question(r)
		if err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
		if q.Reference == nil {
			data.Labelled = false
		}
		if images != nil && (null == nil || !null[row]) {
			name := fmt.Sprintf("%s#%d", t.name, row)
			d.embedParquet(name, images, row)
			q.Images = []string{name}
			if file := r.text(column + ".path"); file != "" && q.Group == "" {
				q.Group = file
			}
		}
		if q.Group == "" {
			q.Group = q.ID
		}
		data.Questions = append(data.Questions, q)
	}
	return nil
}

// embedParquet makes the picture of a row known.
func (d *Dir) embedParquet(name string, images *parquetImages, row int) {
	d.embed(name, embedded{read: func(limit int64) ([]byte, error) {
		raw, err := images.bytes(row, limit)
		if err == nil && len(raw) == 0 {
			err = noPicture(name)
		}
		return raw, err
	}})
}

var errNoColumn = errors.New("the column is not there")

// need refuses a row without a value that every question has.
func (r hubRow) need(names ...string) (string, error) {
	for _, name := range names {
		if r.has(name) {
			return r.text(name), nil
		}
	}
	return "", fmt.Errorf("column %q: %w", names[0], errNoColumn)
}
