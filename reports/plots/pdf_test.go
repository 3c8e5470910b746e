package plots

import (
	"bytes"
	"compress/zlib"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/vg"
)

// drawn gives the drawing instructions of a PDF page that holds one text.
func drawn(t *testing.T, text string) string {
	t.Helper()
	c := newPDF(200, 200)
	style := legendStyle()
	c.FillString(style.Handler.Cache().Lookup(style.Font, style.Font.Size), vg.Point{X: 2, Y: 5}, text)
	var file bytes.Buffer
	_, err := c.WriteTo(&file)
	require.NoError(t, err)
	_, rest, ok := bytes.Cut(file.Bytes(), []byte("stream\n"))
	require.True(t, ok)
	z, err := zlib.NewReader(bytes.NewReader(rest))
	require.NoError(t, err)
	page, err := io.ReadAll(z)
	require.NoError(t, err)
	return string(page)
}

// Texts that the encoding of PDF has are texts, in its bytes; others are outlines, never other letters.
func TestPDFText(t *testing.T) {
	require.Contains(t, drawn(t, "llava 16"), "(llava 16)Tj")
	require.Contains(t, drawn(t, "8–15 é"), "(8\x9615 \xe9)Tj")
	for _, text := range []string{"≥96", "− llava1", "Ω", "中"} {
		page := drawn(t, text)
		require.NotContains(t, page, "Tj", text)
		require.Contains(t, page, "h", text)
		require.Contains(t, page, "f", text)
	}
}
