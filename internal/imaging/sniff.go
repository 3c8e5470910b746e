package imaging

import (
	"bytes"
	"fmt"
)

// A fileKind is a type of file that is recognised by its first bytes.
type fileKind struct {
	name   string
	match  func(data []byte) bool
	decode func(data []byte, l Limits) (*RGB, Info, error) // nil: recognised, but not supported
}

// refusal is the error for a kind without decoder.
func (k *fileKind) refusal(data []byte) error {
	if k.name == "" {
		return fmt.Errorf("%w: cannot identify the image type (file starts with %q)", ErrUnsupported, data[:min(len(data), 8)])
	}
	return fmt.Errorf("%w: is %s, which is not supported", ErrUnsupported, k.name)
}

// sniff finds the kind of a file. The zero kind means that nothing fits.
func sniff(data []byte) *fileKind {
	for i := range fileKinds {
		if fileKinds[i].match(data) {
			return &fileKinds[i]
		}
	}
	return &fileKind{}
}

// fileKinds lists the kinds in the order in which they are tried: supported ones first.
var fileKinds = []fileKind{
	{"JPEG", starts("\xff\xd8\xff"), decodeJPEG},
	{"PNG", starts(pngSignature), decodePNG},
	{"WEBP", riff("WEBP"), decodeWebP},
	{"GIF", starts("GIF87a", "GIF89a"), decodeGIF},
	{"BMP", starts("BM"), decodeBMP},
	{"TIFF", starts("II*\x00", "MM\x00*"), decodeTIFF},

	{"an empty file", func(data []byte) bool { return len(data) == 0 }, nil},
	{"an AVIF image", brand("avif", "avis"), nil},
	{"a HEIC image", brand("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"), nil},
	{"a Canon CR3 raw image", brand("crx "), nil},
	{"an MP4 or QuickTime video", func(data []byte) bool { return len(data) >= 12 && string(data[4:8]) == "ftyp" }, nil},
	{"a JPEG XL image", starts("\xff\x0a", "\x00\x00\x00\x0cJXL \r\n\x87\n"), nil},
	{"a JPEG 2000 image", starts("\xff\x4f\xff\x51", "\x00\x00\x00\x0cjP  \r\n\x87\n"), nil},
	{"a BigTIFF image", starts("II+\x00", "MM\x00+"), nil},
	{"an AVI video", riff("AVI "), nil},
	{"a WAV sound", riff("WAVE"), nil},
	{"a PDF document", starts("%PDF-"), nil},
	{"a PostScript document", starts("%!PS", "\xc5\xd0\xd3\xc6"), nil},
	{"a Photoshop document", starts("8BPS"), nil},
	{"an OpenEXR image", starts("v/1\x01"), nil},
	{"a Radiance HDR image", starts("#?RADIANCE", "#?RGBE"), nil},
	{"a QOI image", starts("qoif"), nil},
	{"a Windows icon", starts("\x00\x00\x01\x00", "\x00\x00\x02\x00"), nil},
	{"a DDS texture", starts("DDS "), nil},
	{"a NetPBM image", netPBM, nil},
	{"a Matroska or WebM video", starts("\x1a\x45\xdf\xa3"), nil},
	{"a zip archive", starts("PK\x03\x04", "PK\x05\x06"), nil},
	{"a gzip file", starts("\x1f\x8b"), nil},
	{"a Zstandard file", starts("\x28\xb5\x2f\xfd"), nil},
	{"a NumPy array", starts("\x93NUMPY"), nil},
	{"a Git LFS pointer (the file itself was not downloaded)", starts("version https://git-lfs.github.com/spec/"), nil},
	{"an SVG image", svg, nil},
	{"an HTML page", markup("<!doctype html", "<html", "<head", "<body", "<script"), nil},
	{"an XML document", markup("<?xml"), nil},
	{"a JSON document", markup("{", "["), nil},
	{"a base64 data URL", markup("data:image/"), nil},
}

// starts matches files that begin with one of the given strings.
func starts(magic ...string) func([]byte) bool {
	return func(data []byte) bool {
		for _, m := range magic {
			if bytes.HasPrefix(data, []byte(m)) {
				return true
			}
		}
		return false
	}
}

// riff matches a RIFF container of the given form.
func riff(form string) func([]byte) bool {
	return func(data []byte) bool {
		return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == form
	}
}

// brand matches an ISO base media file (ISO/IEC 14496-12) whose major brand is one of those given.
func brand(brands ...string) func([]byte) bool {
	return func(data []byte) bool {
		if len(data) < 12 || string(data[4:8]) != "ftyp" {
			return false
		}
		for _, b := range brands {
			if string(data[8:12]) == b {
				return true
			}
		}
		return false
	}
}

func netPBM(data []byte) bool {
	return len(data) >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '7' && bytes.IndexByte([]byte(" \t\r\n"), data[2]) >= 0
}

// text gives the beginning of a file in lower case without byte order mark and leading white space.
func text(data []byte) []byte {
	data = bytes.TrimPrefix(data[:min(len(data), 1024)], []byte("\xef\xbb\xbf"))
	return bytes.ToLower(bytes.TrimLeft(data, " \t\r\n"))
}

// markup matches text files that begin with one of the given lower-case strings.
func markup(tags ...string) func([]byte) bool {
	return func(data []byte) bool { return starts(tags...)(text(data)) }
}

// svg matches an svg element, possibly behind an XML declaration, comments or a document type.
func svg(data []byte) bool {
	t := text(data)
	if bytes.HasPrefix(t, []byte("<svg")) {
		return true
	}
	return starts("<?xml", "<!--", "<!doctype svg")(t) && bytes.Contains(t, []byte("<svg"))
}
