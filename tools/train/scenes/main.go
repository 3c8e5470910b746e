// Command scenes streams training pictures with their labels to the Python code that trains the small models. For each
// index from -from on it writes to standard output a length (uint32, little-endian), a JSON object of that length, and the
// pixels: height x width x 3 bytes of the picture (the size is in the JSON), or with -views the views that the named
// generation makes of it, views x side x side x 3 bytes. It ends when its reader does.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"flag"
	"log"
	"os"

	"llavabench/eval/sight"
	"llavabench/internal/imaging"
)

// A frame is one picture: a crowded scene without questions, or an item of a split with several.
type frame struct {
	Index int          `json:"index"`
	ID    string       `json:"id,omitempty"`
	Scene *sight.Scene `json:"scene"`
	QA    []sight.QA   `json:"qa"`
	// With -views: where each view shows the picture, and the image tokens in order.
	Places []place `json:"places,omitempty"`
	Refs   []int   `json:"refs,omitempty"`

	plan imaging.Plan
}

func main() {
	log.SetFlags(0)
	kind := flag.String("kind", "item", "drill (crowded, no questions) or item")
	split := flag.String("split", "train", "split of the items: train, val or test")
	seed := flag.Uint64("seed", 1, "seed of the suite")
	from := flag.Int("from", 0, "first index")
	count := flag.Int("count", 0, "number of pictures; 0 is without end")
	step := flag.Int("step", 1, "distance of the indices, for several streams side by side")
	more := flag.Int("more", 8, "further questions asked of each picture")
	views := flag.String("views", "", "write this generation's views instead of the picture")
	side := flag.Int("side", 336, "side of a view in pixels")
	model := flag.String("checkpoint", "", "take the settings of -views from this checkpoint `directory`")
	pixels := flag.Bool("pixels", true, "draw the pictures; without them only the labels are written")
	flag.Parse()
	var look *viewer
	if *views != "" {
		var err error
		if look, err = newViewer(*views, *side, *model); err != nil {
			log.Fatal(err)
		}
	}
	w := bufio.NewWriterSize(os.Stdout, 1<<20)
	for n := 0; *count == 0 || n < *count; n++ {
		f := frame{Index: *from + n**step}
		if *kind == "drill" {
			f.Scene = sight.Drill(*seed, f.Index)
		} else {
			it, err := sight.New(sight.Split(*split), *seed, f.Index)
			if err != nil {
				log.Fatal(err)
			}
			f.ID, f.Scene = it.ID, it.Scene
			f.QA = append([]sight.QA{it.QA}, sight.More(it.Scene, it.Seed, *more)...)
		}
		if look != nil {
			var err error
			if f.plan, f.Places, f.Refs, err = look.look(f.Scene); err != nil {
				log.Fatal(err)
			}
		}
		if err := write(w, f, *pixels); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
}

func write(w *bufio.Writer, f frame, pixels bool) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if err := binary.Write(w, binary.LittleEndian, uint32(len(text))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil || !pixels {
		return err
	}
	picture := sight.Draw(f.Scene)
	if f.Places == nil {
		_, err = w.Write(picture.Pix)
		return err
	}
	rendered, err := imaging.Render(picture, f.plan, func(n int, body func(lo, hi int)) { body(0, n) })
	if err != nil {
		return err
	}
	for _, v := range rendered {
		if _, err := w.Write(v.Pix); err != nil {
			return err
		}
	}
	return nil
}
