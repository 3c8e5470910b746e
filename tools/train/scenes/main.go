// Command scenes streams training pictures with their labels to the Python code that trains the small models. For each
// index from -from on it writes to standard output a length (uint32, little-endian), a JSON object of that length, and the
// pixels (height x width x 3 bytes, the size is in the JSON). It ends when its reader does.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"flag"
	"log"
	"os"

	"llavabench/eval/sight"
)

// A frame is one picture: a crowded scene without questions, or an item of a split with several.
type frame struct {
	Index int          `json:"index"`
	Scene *sight.Scene `json:"scene"`
	QA    []sight.QA   `json:"qa"`
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
	flag.Parse()
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
			f.Scene = it.Scene
			f.QA = append([]sight.QA{it.QA}, sight.More(it.Scene, it.Seed, *more)...)
		}
		if err := write(w, f); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
}

func write(w *bufio.Writer, f frame) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if err := binary.Write(w, binary.LittleEndian, uint32(len(text))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	_, err = w.Write(sight.Draw(f.Scene).Pix)
	return err
}
