// Command pictures draws the pictures in testdata/images: a street with a sign, in four sizes and aspect ratios, so that
// every generation has something to cut into tiles. Run it from the repository's root:
//
//	go run ./tools/pictures testdata/images
package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"log"
	"os"
	"path/filepath"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

var pictures = []struct {
	file          string
	width, height int
	sign          string
}{
	{"square.png", 336, 336, "BAKERY 24"},
	{"photo.jpg", 640, 480, "HOTEL ROMA"},
	{"wide.png", 1008, 336, "PLATFORM 9 - TO THE TRAINS"},
	{"tall.png", 300, 900, "LIFT"},
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: pictures DIRECTORY")
	}
	for _, p := range pictures {
		if err := write(filepath.Join(os.Args[1], p.file), scene(p.width, p.height, p.sign)); err != nil {
			log.Fatal(err)
		}
	}
}

func write(path string, m image.Image) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	switch filepath.Ext(path) {
	case ".jpg":
		return jpeg.Encode(f, m, &jpeg.Options{Quality: 88})
	case ".png":
		return png.Encode(f, m)
	}
	return fmt.Errorf("%s: no encoder for this extension", path)
}

// scene is a sky, a row of houses with windows, a street, and one sign.
func scene(w, h int, sign string) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	horizon := h * 2 / 3
	for y := range h {
		c := color.RGBA{uint8(120 + y*60/h), uint8(170 + y*50/h), 235, 255}
		if y >= horizon {
			c = color.RGBA{uint8(96 - (y-horizon)*40/h), uint8(96 - (y-horizon)*40/h), 100, 255}
		}
		fill(m, image.Rect(0, y, w, y+1), c)
	}
	walls := []color.RGBA{{178, 72, 60, 255}, {222, 196, 140, 255}, {92, 124, 96, 255}, {70, 88, 140, 255}, {200, 150, 90, 255}}
	unit := max(min(w, h)/6, 20)
	for i, x := 0, unit/3; x+unit < w; i, x = i+1, x+unit+unit/5 {
		top := horizon - unit - (i*37%(unit+1))*horizon/(unit*3)
		fill(m, image.Rect(x, max(top, unit/2), x+unit, horizon), walls[i%len(walls)])
		for wy := max(top, unit/2) + unit/6; wy+unit/4 < horizon; wy += unit / 2 {
			for wx := x + unit/8; wx+unit/4 < x+unit; wx += unit * 3 / 8 {
				lit := color.RGBA{40, 48, 64, 255}
				if (wx*7+wy*13)%5 == 0 {
					lit = color.RGBA{250, 226, 130, 255}
				}
				fill(m, image.Rect(wx, wy, wx+unit/4, wy+unit/4), lit)
			}
		}
	}
	disc(m, w*4/5, h/8, unit/3, color.RGBA{255, 240, 170, 255})
	fill(m, image.Rect(w/10, horizon+unit/4, w/10+7*len(sign)+12, horizon+unit/4+24), color.RGBA{250, 250, 250, 255})
	d := font.Drawer{Dst: m, Src: image.NewUniform(color.RGBA{150, 20, 30, 255}), Face: basicfont.Face7x13,
		Dot: fixed.P(w/10+6, horizon+unit/4+17)}
	d.DrawString(sign)
	return m
}

func fill(m draw.Image, r image.Rectangle, c color.Color) {
	draw.Draw(m, r, image.NewUniform(c), image.Point{}, draw.Src)
}

func disc(m *image.RGBA, cx, cy, r int, c color.RGBA) {
	for y := -r; y <= r; y++ {
		for x := -r; x <= r; x++ {
			if x*x+y*y <= r*r {
				m.SetRGBA(cx+x, cy+y, c)
			}
		}
	}
}
