package sight

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"

	"llavabench/internal/imaging"
)

// The names of what WriteDir makes.
const (
	QuestionsFile = "questions.jsonl"
	ImagesDir     = "images"
)

// A record is an item as a line of the question file: the fields of LLaVA's question format (question_id, image, text,
// category), then what the answer is judged by.
type record struct {
	ID         string   `json:"question_id"`
	Image      string   `json:"image"` // below ImagesDir
	Text       string   `json:"text"`
	Category   Category `json:"category"`
	Kind       string   `json:"kind"`
	Answer     string   `json:"answer"`
	Options    []string `json:"options,omitempty"`
	Difficulty int      `json:"difficulty"`
	Detail     int      `json:"detail_px"`
	Width      int      `json:"width"`
	Height     int      `json:"height"`
	Split      Split    `json:"split"`
	Seed       uint64   `json:"seed"`
}

// WriteDir writes the first n items of a suite to dir, which must be new or empty: the pictures as PNG files and a question
// file, the last to appear. progress is told how many items are done; it may be nil.
func WriteDir(ctx context.Context, dir string, split Split, seed uint64, n int, progress func(done int)) (err error) {
	if n < 1 {
		return fmt.Errorf("number of items is %d, expected 1 or more", n)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty (it holds %q): a suite is written to a new or empty directory only", dir, entries[0].Name())
	}
	if err := os.MkdirAll(filepath.Join(dir, ImagesDir), 0o755); err != nil {
		return err
	}
	temporary := filepath.Join(dir, QuestionsFile+".tmp")
	f, err := os.Create(temporary)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(temporary)
		}
	}()
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	done := 0
	for it, err := range Items(split, seed, n) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name := it.ID + ".png"
		if err := writePNG(filepath.Join(dir, ImagesDir, name), Draw(it.Scene)); err != nil {
			return err
		}
		if err := enc.Encode(record{
			ID: it.ID, Image: name, Text: it.Question, Category: it.Category, Kind: it.Kind, Answer: it.Answer, Options: it.Options,
			Difficulty: it.Difficulty, Detail: it.Detail, Width: it.Scene.Width, Height: it.Scene.Height, Split: it.Split, Seed: it.Seed,
		}); err != nil {
			return err
		}
		done++
		if progress != nil {
			progress(done)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(dir, QuestionsFile))
}

// writePNG writes a picture without loss.
func writePNG(path string, img *imaging.RGB) (err error) {
	out := image.NewNRGBA(image.Rect(0, 0, img.Width, img.Height))
	for i := range img.Width * img.Height {
		copy(out.Pix[4*i:], img.Pix[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(f, out); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
