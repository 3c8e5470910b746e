package main

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// look asks about the picture of a case.
func look(file string) func(dir string) []string {
	return func(dir string) []string {
		return []string{"run", "--model", "testdata/models/llava15", "--image", filepath.Join(dir, file), "--prompt", "Hello", "--max-new-tokens", "1", "--json"}
	}
}

// imageKinds are the picture formats, with several pictures of each where they have sorts.
func (t *torturer) imageKinds(context.Context) ([]*kind, error) {
	webp, err := storedWebP()
	if err != nil {
		return nil, err
	}
	files := []struct {
		name, file string
		data       []byte
		sealed     bool
		structure  int
		written    []*trial
	}{
		{"PNG", "p.png", encode(png.Encode, testPicture()), true, 120, pngCases()},
		{"PNG, palette", "p.png", encode(png.Encode, paletted()), true, 0, paletteCases()},
		{"JPEG", "p.jpg", encode(func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }, testPicture()), false, 620, jpegCases()},
		{"GIF", "p.gif", encode(func(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) }, paletted()), false, 60, gifCases()},
		{"BMP", "p.bmp", encode(bmp.Encode, testPicture()), false, 54, bmpCases()},
		{"TIFF", "p.tif", encode(func(w io.Writer, m image.Image) error {
			return tiff.Encode(w, m, &tiff.Options{Compression: tiff.Deflate})
		}, testPicture()), false, 0, tiffCases()},
		{"WebP, lossy", "p.webp", webp["lossy_7.webp"], false, 60, webpCases()},
		{"WebP, lossless", "p.webp", webp["lossless_7.webp"], false, 60, nil},
		{"WebP, extended", "p.webp", webp["extended_vp8.webp"], false, 60, nil},
	}
	var out []*kind
	for _, f := range files {
		base := filepath.Join(t.work, f.name)
		if err := os.Mkdir(base, 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(base, f.file), f.data, 0o644); err != nil {
			return nil, err
		}
		out = append(out, &kind{name: f.name, base: base, file: f.file, args: look(f.file), sealed: f.sealed, structure: f.structure, written: f.written})
	}
	return out, nil
}

// storedWebP are the WebP files of the image decoder's tests; Go has no encoder for them.
func storedWebP() (map[string][]byte, error) {
	z, err := zip.OpenReader("internal/imaging/testdata/pillow.zip")
	if err != nil {
		return nil, err
	}
	defer z.Close()
	read := func(name string) ([]byte, error) {
		f, err := z.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(f)
	}
	list, err := read("decode.json")
	if err != nil {
		return nil, err
	}
	var cases []struct {
		Name  string `json:"name"`
		Bytes int    `json:"bytes"`
	}
	if err := json.Unmarshal(list, &cases); err != nil {
		return nil, err
	}
	all, err := read("cases.bin")
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, c := range cases {
		if c.Bytes > len(all) {
			return nil, fmt.Errorf("pillow.zip: %s is cut off", c.Name)
		}
		out[c.Name], all = all[:c.Bytes], all[c.Bytes:]
	}
	return out, nil
}

func encode(f func(io.Writer, image.Image) error, m image.Image) []byte {
	var b bytes.Buffer
	if err := f(&b, m); err != nil {
		panic(err) // memory does not fail
	}
	return b.Bytes()
}

func testPicture() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 37, 23))
	for i := range m.Pix {
		m.Pix[i] = uint8(i*i/7 | i&3)
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

func paletted() *image.Paletted {
	m := image.NewPaletted(image.Rect(0, 0, 19, 11), color.Palette{color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}, color.RGBA{9, 9, 255, 255}})
	for i := range m.Pix {
		m.Pix[i] = uint8(i % 3)
	}
	return m
}

// A chunk is one of a PNG file.
type chunk struct {
	name string
	data []byte
}

func pngFile(chunks ...chunk) []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	for _, c := range chunks {
		out = binary.BigEndian.AppendUint32(out, uint32(len(c.data)))
		out = append(append(out, c.name...), c.data...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(append([]byte(c.name), c.data...)))
	}
	return out
}

// ihdr is the header chunk of an 8-bit picture.
func ihdr(w, h uint32, depth, colour byte) chunk {
	d := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return chunk{"IHDR", append(d, depth, colour, 0, 0, 0)}
}

func deflated(n int64) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := io.CopyN(z, zeros{}, n); err != nil {
		panic(err) // memory does not fail
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func pngCases() []*trial {
	const f = "p.png"
	end := chunk{"IEND", nil}
	is := func(name string, data []byte, says ...string) listed {
		return listed{name, replaced(f, data), append(says, f)}
	}
	plain := func(w, h uint32) []byte {
		return pngFile(ihdr(w, h, 8, 2), chunk{"IDAT", deflated(int64(h) * int64(3*w+1))}, end)
	}
	list := []listed{
		is("IM-01 2^31 by 2^31", pngFile(ihdr(1<<31-1, 1<<31-1, 8, 2), chunk{"IDAT", deflated(10)}, end), "2147483647x2147483647", "limit"),
		is("IM-01 no pixels", pngFile(ihdr(0, 5, 8, 2), chunk{"IDAT", deflated(10)}, end), "0x5"),
		is("IM-02 400 million pixels of one colour", pngFile(ihdr(20_000, 20_000, 1, 0), chunk{"IDAT", deflated(20_000 * 2501)}, end), "20000x20000", "limit"),
		is("IM-02 169 million pixels in few bytes", pngFile(ihdr(13_000, 13_000, 1, 0), chunk{"IDAT", deflated(13_000 * 1626)}, end), "13000x13000", "limit"),
		listed{"IM-03 a text of 1 GB", replaced(f, pngFile(ihdr(4, 4, 8, 0), chunk{"zTXt", append([]byte("a\x00\x00"), deflated(1<<30)...)}, chunk{"IDAT", deflated(20)}, end)), valid},
		listed{"IM-03 a profile of 200 MB", replaced(f, pngFile(ihdr(4, 4, 8, 0), chunk{"iCCP", append([]byte("a\x00\x00"), deflated(200<<20)...)}, chunk{"IDAT", deflated(20)}, end)), valid},
		is("IM-04 wrong CRC", edit(plain(4, 4), func(d []byte) { d[29]++ })),
		is("IM-04 no end", pngFile(ihdr(4, 4, 8, 2), chunk{"IDAT", deflated(4 * 13)})),
		is("IM-04 no palette", pngFile(ihdr(4, 4, 8, 3), chunk{"IDAT", deflated(4 * 5)}, end), "PLTE"),
		is("IM-04 data in two places", pngFile(ihdr(4, 4, 8, 2), chunk{"IDAT", deflated(4 * 13)[:9]}, chunk{"tEXt", []byte("a\x00b")}, chunk{"IDAT", deflated(4 * 13)[9:]}, end), "IDAT"),
		is("IM-04 too few pixels", pngFile(ihdr(4, 4, 8, 2), chunk{"IDAT", deflated(4 * 12)}, end)),
		is("IM-04 unknown critical chunk", pngFile(ihdr(4, 4, 8, 2), chunk{"QQQQ", nil}, chunk{"IDAT", deflated(4 * 13)}, end), "QQQQ"),
		is("IM-04 depth 3", pngFile(ihdr(4, 4, 3, 2), chunk{"IDAT", deflated(99)}, end), "3 bits"),
		is("IM-20 two headers", pngFile(ihdr(4, 4, 8, 2), ihdr(8, 8, 8, 2), chunk{"IDAT", deflated(4 * 13)}, end), "IHDR"),
		is("IM-16 SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>`), "SVG"),
		is("IM-16 HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), "HEIC"),
		is("IM-16 AVIF", []byte("\x00\x00\x00\x18ftypavif\x00\x00\x00\x00"), "AVIF"),
		is("IM-16 JPEG XL", []byte("\xff\x0a\x00\x00"), "JPEG XL"),
		is("IM-16 PDF", []byte("%PDF-1.7\n"), "PDF"),
		is("IM-16 video", []byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00"), "video"),
		is("IM-16 a web page", []byte("<html><body>not found"), "HTML"),
		is("IM-21 a data URL", []byte("data:image/png;base64,iVBOR"), "data URL"),
		is("an empty file", nil, "empty"),
		{"a directory", as(f, mkdir), []string{f, "is a directory"}},
		{"a pipe", as(f, mkfifo), []string{f, "named pipe"}},
		{"a device", as(f, func(path string) error { return os.Symlink("/dev/zero", path) }), []string{f, "device"}},
		{"absent", removed(f), []string{f, "no such file"}},
	}
	list = append(list, is("IM-17 1x1", plain(1, 1), "takes the 1x1 pixels", "channels_guess"))
	for _, size := range [][2]uint32{{1, 40}, {2, 2}, {3, 3}, {4, 4}} {
		list = append(list, listed{fmt.Sprintf("IM-17 %dx%d", size[0], size[1]), replaced(f, plain(size[0], size[1])), valid})
	}
	for _, size := range [][2]uint32{{10_000, 1}, {3665, 50}, {950, 1256}} {
		list = append(list, listed{fmt.Sprintf("IM-18 %dx%d", size[0], size[1]), replaced(f, plain(size[0], size[1])), valid})
	}
	out := append(trials(list), &trial{name: "IM-17 1x1 as a picture", damage: replaced(f, plain(1, 1)), ok: true, args: func(dir string) []string {
		return append(look(f)(dir), "--set", "channels_guess=false")
	}})
	for _, size := range [][2]uint32{{10_000, 1}, {1, 10_000}, {3665, 50}, {950, 1256}, {2, 1}} {
		out = append(out, &trial{name: fmt.Sprintf("IM-18 %dx%d in tiles", size[0], size[1]), damage: replaced(f, plain(size[0], size[1])), ok: true, args: func(dir string) []string {
			a := look(f)(dir)
			a[2] = "testdata/models/llava16"
			return a
		}})
	}
	return out
}

func paletteCases() []*trial {
	const f = "p.png"
	end := chunk{"IEND", nil}
	var raw bytes.Buffer
	z := zlib.NewWriter(&raw)
	_, _ = z.Write([]byte{0, 9, 9, 0, 9, 9}) // memory does not fail
	_ = z.Close()
	return trials([]listed{
		{"IM-04 index outside the palette", replaced(f, pngFile(ihdr(2, 2, 8, 3), chunk{"PLTE", []byte{1, 2, 3}}, chunk{"IDAT", raw.Bytes()}, end)), []string{f, "palette"}},
		{"IM-04 a palette of 4 bytes", replaced(f, pngFile(ihdr(2, 2, 8, 3), chunk{"PLTE", []byte{1, 2, 3, 4}}, chunk{"IDAT", raw.Bytes()}, end)), []string{f, "PLTE"}},
	})
}

// edit changes a copy.
func edit(data []byte, f func([]byte)) []byte {
	out := bytes.Clone(data)
	f(out)
	return out
}

func jpegCases() []*trial {
	const f = "p.jpg"
	// marker changes the bytes behind a marker of the valid file.
	marker := func(m byte, change func(segment []byte)) func(string) error {
		return edited(f, func(data []byte) []byte {
			if i := bytes.Index(data, []byte{0xff, m}); i >= 0 {
				change(data[i:])
			}
			return data
		})
	}
	sof := func(name string, change func(segment []byte), says ...string) listed {
		return listed{name, marker(0xc0, change), append(says, f)}
	}
	list := []listed{
		sof("IM-01 65535 by 65535", func(s []byte) { copy(s[5:], "\xff\xff\xff\xff") }, "65535 x 65535", "limit"),
		sof("IM-06 no width", func(s []byte) { copy(s[7:], "\x00\x00") }),
		sof("IM-06 no height", func(s []byte) { copy(s[5:], "\x00\x00") }),
		sof("IM-06 arithmetic coding", func(s []byte) { s[1] = 0xc9 }, "arithmetic"),
		sof("IM-06 lossless", func(s []byte) { s[1] = 0xc3 }, "lossless"),
		sof("IM-06 12 bits", func(s []byte) { s[4] = 12 }, "12"),
		sof("IM-06 two components", func(s []byte) { s[9] = 2 }),
		{"IM-05 cut in the middle", edited(f, func(d []byte) []byte { return d[:len(d)/2] }), []string{f}},
		{"IM-05 cut before the end mark", edited(f, func(d []byte) []byte { return d[:len(d)-2] }), valid}, // Pillow reads it, all pixels are there
		{"IM-10 EXIF that points at itself", exif("II*\x00\x08\x00\x00\x00\x01\x00\x69\x87\x04\x00\x01\x00\x00\x00\x08\x00\x00\x00\x08\x00\x00\x00"), valid},
		{"IM-10 EXIF of 65535 entries", exif("MM\x00*\x00\x00\x00\x08\xff\xff"), valid},
		{"IM-23 a broken profile", after(0xe2, "ICC_PROFILE\x00\x01\x01"+strings.Repeat("\xff", 600)), valid},
		{"IM-16 text", replaced(f, []byte("not a picture")), []string{f, "cannot identify"}},
	}
	return trials(append(list, listed{"IM-08 thousands of scans", edited(f, manyScans), []string{f}}))
}

// after puts a marker segment at the beginning of the valid JPEG file.
func after(marker byte, payload string) func(string) error {
	return edited("p.jpg", func(data []byte) []byte {
		segment := append([]byte{0xff, marker}, binary.BigEndian.AppendUint16(nil, uint16(len(payload)+2))...)
		return bytes.Join([][]byte{data[:2], segment, []byte(payload), data[2:]}, nil)
	})
}

func exif(ifd string) func(string) error { return after(0xe1, "Exif\x00\x00"+ifd) }

// manyScans repeats the scan of a baseline file.
func manyScans(data []byte) []byte {
	i := bytes.Index(data, []byte{0xff, 0xda})
	if i < 0 {
		return nil
	}
	scan := data[i : len(data)-2]
	return append(append(bytes.Clone(data[:i]), bytes.Repeat(scan, 5000)...), 0xff, 0xd9)
}

func gifCases() []*trial {
	const f = "p.gif"
	at := func(name string, i int, with string, says ...string) listed {
		return listed{name, edited(f, func(d []byte) []byte { copy(d[i:], with); return d }), append(says, f)}
	}
	descriptor := func(d []byte) int { return bytes.IndexByte(d, ',') }
	return trials([]listed{
		at("IM-01 65535 by 65535", 6, "\xff\xff\xff\xff", "65535x65535", "limit"),
		{"IM-12 frame outside the canvas", edited(f, func(d []byte) []byte { copy(d[descriptor(d)+1:], "\xf0\xff"); return d }), valid}, // Pillow widens the canvas
		{"IM-12 code size 13", edited(f, func(d []byte) []byte { d[descriptor(d)+10] = 13; return d }), []string{f, "code size"}},
		{"IM-12 code size 0", edited(f, func(d []byte) []byte { d[descriptor(d)+10] = 0; return d }), []string{f, "code size"}},
		{"IM-12 no data", edited(f, func(d []byte) []byte { return d[:descriptor(d)+11] }), []string{f}},
		{"IM-11 100,000 frames", edited(f, func(d []byte) []byte {
			i := descriptor(d)
			return append(append(bytes.Clone(d[:i]), bytes.Repeat(d[i:len(d)-1], 100_000)...), ';')
		}), valid},
	})
}

func bmpCases() []*trial {
	const f = "p.bmp"
	put := func(name string, at int, v uint32, says ...string) listed {
		return listed{name, edited(f, func(d []byte) []byte { binary.LittleEndian.PutUint32(d[at:], v); return d }), append(says, f)}
	}
	return trials([]listed{
		put("IM-01 2^31 wide", 18, 1<<31-1, "limit"),
		put("IM-15 no height", 22, 0),
		put("IM-15 RLE of 24 bits", 30, 1),
		put("IM-15 data beyond the file", 10, 1<<30),
		put("IM-15 header of 7 bytes", 14, 7),
		{"IM-15 height of -2^31", edited(f, func(d []byte) []byte { binary.LittleEndian.PutUint32(d[22:], 1<<31); return d }), []string{f}},
	})
}

func tiffCases() []*trial {
	const f = "p.tif"
	return trials([]listed{
		{"IM-13 directory beyond the file", edited(f, func(d []byte) []byte { copy(d[4:], "\xff\xff\xff\xff"); return d }), []string{f}},
		{"IM-13 directory of 65535 entries", edited(f, func(d []byte) []byte {
			copy(d[binary.LittleEndian.Uint32(d[4:]):], "\xff\xff")
			return d
		}), []string{f}},
		{"IM-13 only the magic", replaced(f, []byte("II*\x00")), []string{f}},
		{"IM-13 BigTIFF", replaced(f, []byte("II+\x00\x08\x00\x00\x00")), []string{f, "BigTIFF"}},
	})
}

func webpCases() []*trial {
	const f = "p.webp"
	return trials([]listed{
		{"IM-14 length beyond the file", edited(f, func(d []byte) []byte { copy(d[4:], "\xf0\xff\xff\xff"); return d }), []string{f}},
		{"IM-14 no chunk", edited(f, func(d []byte) []byte { return d[:12] }), []string{f}},
		{"IM-14 lossless with a broken code", replaced(f, append([]byte("RIFF\x1c\x00\x00\x00WEBPVP8L\x10\x00\x00\x00\x2f"), bytes.Repeat([]byte{0xff}, 15)...)), []string{f}},
	})
}

func mkdir(path string) error  { return os.Mkdir(path, 0o755) }
func mkfifo(path string) error { return syscall.Mkfifo(path, 0o644) }
