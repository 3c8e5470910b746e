package imaging

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var errorClasses = map[string]error{
	"format": ErrFormat, "truncated": ErrTruncated, "unsupported": ErrUnsupported, "limit": ErrLimit,
}

func TestDecodeAgainstPillow(t *testing.T) {
	fx := readFixtures(t)
	for _, c := range fx.decode {
		t.Run(c.Name, func(t *testing.T) {
			m, info, err := Decode(fx.files[c.Name], DecodeOptions{HonourOrientation: strings.Contains(c.Name, ".turned.")})
			if c.Error != "" {
				require.ErrorIs(t, err, errorClasses[c.Error])
				require.Nil(t, m)
				return
			}
			require.NoError(t, err)
			require.NoError(t, m.check())
			require.Equal(t, fmt.Sprint(c.Format, " ", c.Mode, " ", Size{c.Width, c.Height}), fmt.Sprint(info.Format, " ", info.Mode, " ", m.Size()))
			require.Equal(t, c.SHA256, m.PixelSHA256()[:16], "pixels")
		})
	}
}

// Cutting a file anywhere must not be answered with a picture other than the whole one: Pillow shows what it has of
// some, and in the formats without an end mark the last bytes do not matter.
func TestDecodeCutFiles(t *testing.T) {
	fx := readFixtures(t)
	for _, name := range []string{
		"c2d8_1.png", "b24_0.bmp", "rle8_0.bmp", "g5.gif", "lossy_6.webp", "lossless_6.webp", "animated.webp", "t12_1.tif", "t13_5.tif", "rgb.jpg",
	} {
		data := fx.files[name]
		require.NotEmpty(t, data, name)
		whole, _, err := Decode(data, DecodeOptions{})
		require.NoError(t, err, name)
		step := max(len(data)/150, 1)
		for n := len(data) - 1; n >= 0; n -= step {
			m, _, err := Decode(data[:n], DecodeOptions{})
			if err == nil {
				require.Equal(t, whole, m, "%s cut at %d of %d bytes", name, n, len(data))
			}
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	fx := readFixtures(t)
	for _, name := range []string{"c2d8_1.png", "b24_0.bmp", "g5.gif", "lossy_6.webp", "lossless_6.webp", "animated.webp", "t12_1.tif", "rgb.jpg"} {
		data := fx.files[name]
		m, _, err := Decode(data, DecodeOptions{})
		require.NoError(t, err, name)
		pixels, side := m.Width*m.Height, max(m.Width, m.Height)
		for _, c := range []struct {
			limits Limits
			ok     bool
		}{
			{Limits{Pixels: pixels}, true}, {Limits{Pixels: pixels - 1}, false},
			{Limits{Side: side}, true}, {Limits{Side: side - 1}, false},
			{Limits{Bytes: int64(len(data))}, true}, {Limits{Bytes: int64(len(data)) - 1}, false},
		} {
			_, _, err := Decode(data, DecodeOptions{Limits: c.limits})
			if c.ok {
				require.NoError(t, err, "%s %+v", name, c.limits)
			} else {
				require.ErrorIs(t, err, ErrLimit, "%s %+v", name, c.limits)
			}
		}
	}
}

// A header may promise any size: refusing it must take neither memory nor time.
func TestDecodeHugeClaims(t *testing.T) {
	le16 := func(v int) string { return string([]byte{byte(v), byte(v >> 8)}) }
	le32 := func(v int) string { return le16(v) + le16(v>>16) }
	webp := func(stream, body string) string {
		body += strings.Repeat("\x00", len(body)&1)
		return "RIFF" + le32(12+len(body)) + "WEBP" + stream + le32(len(body)) + body
	}
	cases := map[string]string{
		"png of 2^31-1 squared": pngSignature + "\x00\x00\x00\x0dIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\x00\x00\x00\xaf\xaf\xa3\x92",
		"png without data": pngSignature + pngChunk("IHDR", "\x00\x00\x30\x00\x00\x00\x30\x00\x10\x06\x00\x00\x00") +
			pngChunk("IDAT", "x\x9c\x03\x00") + pngChunk("IEND", ""),
		"bmp":           "BM" + le32(0) + le32(0) + le32(54) + le32(40) + le32(12000) + le32(12000) + "\x01\x00" + le16(24) + strings.Repeat("\x00", 24),
		"bmp, negative": "BM" + le32(0) + le32(0) + le32(54) + le32(40) + le32(1<<31-1) + le32(1<<31-1) + "\x01\x00" + le16(24) + strings.Repeat("\x00", 24),
		"gif":           "GIF89a" + le16(65535) + le16(65535) + "\x00\x00\x00," + le16(0) + le16(0) + le16(65535) + le16(65535) + "\x00\x08\x00;",
		"gif in limits": "GIF89a" + le16(13000) + le16(13000) + "\x00\x00\x00," + le16(0) + le16(0) + le16(13000) + le16(13000) + "\x00\x08\x00;",
		"webp":          webp("VP8 ", "\x10\x00\x00\x9d\x01\x2a\xff\x3f\xff\x3f"),
		"webp lossless": webp("VP8L", "\x2f\xff\xff\xff\x0f"),
		"webp canvas":   webp("VP8X", "\x02\x00\x00\x00\xff\xff\xff\xff\xff\xff"),
		"tiff": "II*\x00" + le32(8) + le16(5) + le16(256) + le16(4) + le32(1) + le32(12000) + le16(257) + le16(4) + le32(1) + le32(12000) +
			le16(262) + le16(3) + le32(1) + le32(1) + le16(273) + le16(4) + le32(1) + le32(8) + le16(279) + le16(4) + le32(1) + le32(8) + le32(0),
		"tiff, count of values": "II*\x00" + le32(8) + le16(1) + le16(273) + le16(4) + le32(0x3fffffff) + le32(8) + le32(0),
		"jpeg": "\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01" +
			"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00",
	}
	for name, data := range cases {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, _, err := Decode([]byte(data), DecodeOptions{})
		runtime.ReadMemStats(&after)
		require.Error(t, err, name)
		require.True(t, classOf(err) != nil, "%s: %v", name, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), "%s: memory taken before %v", name, err)
		require.Less(t, time.Since(start), 5*time.Second, name)
	}
}

// pngChunk makes a chunk with its checksum.
func pngChunk(kind, body string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(b, kind+body...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])))
}

// classOf gives the class of a decoding error, nil if it has none.
func classOf(err error) error {
	for _, class := range errorClasses {
		if errors.Is(err, class) {
			return class
		}
	}
	return nil
}

func TestSniffNamesWhatItRefuses(t *testing.T) {
	for data, want := range map[string]string{
		"": "an empty file",
		"<svg xmlns='http://www.w3.org/2000/svg'/>": "an SVG image",
		"<?xml version='1.0'?>\n<!-- x -->\n<svg/>": "an SVG image",
		"\xef\xbb\xbf \n<!DOCTYPE html><html>":      "an HTML page",
		"<HTML><body>404</body></HTML>":             "an HTML page",
		"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00":  "a HEIC image",
		"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00":  "an AVIF image",
		"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00":  "an MP4 or QuickTime video",
		"%PDF-1.7":              "a PDF document",
		"\xff\x0a\xfa":          "a JPEG XL image",
		"PK\x03\x04":            "a zip archive",
		"{\"error\": \"gone\"}": "a JSON document",
		"version https://git-lfs.github.com/spec/v1\noid": "a Git LFS pointer",
		"RIFF\x00\x00\x00\x00AVI LIST":                    "an AVI video",
	} {
		_, _, err := Decode([]byte(data), DecodeOptions{})
		require.ErrorIs(t, err, ErrUnsupported, "%q", data)
		require.ErrorContains(t, err, "is "+want, "%q", data)
	}
	_, _, err := Decode([]byte("not an image\x1b[31m"), DecodeOptions{})
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorContains(t, err, `cannot identify the image type (file starts with "not an i")`)
}

func TestDecodeFile(t *testing.T) {
	dir := t.TempDir()
	fx := readFixtures(t)
	good := filepath.Join(dir, "wrong extension.jpg")
	require.NoError(t, os.WriteFile(good, fx.files["c2d8_1.png"], 0o600))
	m, info, err := DecodeFile(good, DecodeOptions{})
	require.NoError(t, err)
	require.Equal(t, "PNG", info.Format)
	require.Equal(t, m.Size(), info.Size)

	_, _, err = DecodeFile(filepath.Join(dir, "missing.png"), DecodeOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)

	_, _, err = DecodeFile(good, DecodeOptions{Limits: Limits{Bytes: 10}})
	require.ErrorIs(t, err, ErrLimit)
	require.ErrorContains(t, err, "wrong extension.jpg")

	bad := filepath.Join(dir, "bad\x1b[1m.png")
	require.NoError(t, os.WriteFile(bad, []byte(pngSignature), 0o600))
	_, _, err = DecodeFile(bad, DecodeOptions{})
	require.ErrorIs(t, err, ErrTruncated)
	require.ErrorContains(t, err, `bad\x1b[1m.png"`)

	_, _, err = DecodeFile(dir, DecodeOptions{})
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorContains(t, err, "is a directory")
}

func TestBrokenExif(t *testing.T) {
	require.Equal(t, 6, exifOrientation([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00")))
	require.Equal(t, 6, exifOrientation([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00")))
	for _, broken := range []string{
		"", "II*\x00", "II*\x00\xff\xff\xff\xff", "II*\x00\x08\x00\x00\x00", "II*\x00\x08\x00\x00\x00\xff\xff\x12\x01",
		"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x09\x00\x00\x00", // value 9
		"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\xff\xff\xff\xff\x06\x00\x00\x00", // count
		"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x02\x00\x01\x00\x00\x00\x06\x00\x00\x00", // text
	} {
		require.Equal(t, 1, exifOrientation([]byte(broken)), "%q", broken)
	}
}
