package goldens

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"llavabench/internal/imaging"
)

// A renderer makes the views of one picture. The modes and flavours have many canvases in common, and each is rendered
// and hashed once: a render is a function of picture and steps alone, and the floats are looked up from the bytes.
type renderer struct {
	img      *imaging.RGB
	canvases map[string][]*imaging.RGB // by their steps and cuts
	floats   map[string]string         // hash of floats by that of the bytes
}

func newRenderer(img *imaging.RGB) *renderer {
	return &renderer{img: img, canvases: map[string][]*imaging.RGB{}, floats: map[string]string{}}
}

// render executes a plan canvas by canvas.
func (r *renderer) render(p imaging.Plan) ([]*imaging.RGB, error) {
	var views []*imaging.RGB
	for _, c := range p.Canvases {
		one := imaging.Plan{Side: p.Side, Canvases: []imaging.Canvas{c}}
		key, err := json.Marshal(one)
		if err != nil {
			return nil, err
		}
		rendered, ok := r.canvases[string(key)]
		if !ok {
			if rendered, err = imaging.Render(r.img, one, nil); err != nil {
				return nil, err
			}
			r.canvases[string(key)] = rendered
		}
		views = append(views, rendered...)
	}
	if len(views) == 0 {
		return nil, errors.New("the plan has no view")
	}
	return views, nil
}

// hashes gives the hashes of views as bytes and as floats, both [views, 3, side, side].
func (r *renderer) hashes(views []*imaging.RGB) viewHashes {
	bytes := sha256.New()
	var buffer []byte
	for _, v := range views {
		buffer = appendPlanes(buffer[:0], v)
		bytes.Write(buffer)
	}
	u8 := hex.EncodeToString(bytes.Sum(nil))
	if r.floats[u8] == "" {
		floats := sha256.New()
		for i := range views {
			buffer = appendFloats(buffer[:0], imaging.ClipNormalizer().Tensor(views[i:i+1]))
			floats.Write(buffer)
		}
		r.floats[u8] = hex.EncodeToString(floats.Sum(nil))
	}
	return viewHashes{u8, r.floats[u8]}
}

// stacked gives the pixels of views one below the other.
func stacked(views []*imaging.RGB) []uint8 {
	var out []uint8
	for _, v := range views {
		out = append(out, v.Pix...)
	}
	return out
}

// appendPlanes adds the bytes of a view as [3, height, width].
func appendPlanes(b []byte, v *imaging.RGB) []byte {
	plane := len(v.Pix) / 3
	at := len(b)
	b = append(b, v.Pix...)
	for c := range 3 {
		channel := b[at+c*plane : at+(c+1)*plane]
		for i := range channel {
			channel[i] = v.Pix[3*i+c]
		}
	}
	return b
}

// appendFloats adds values as little-endian bytes.
func appendFloats(b []byte, values []float32) []byte {
	b = slices.Grow(b, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
