package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"

	"llavabench/internal/imaging"
)

// A FeatureStore keeps what the vision tower made of views, for pipelines that see the same views through the same tower. The
// features of a view depend on nothing else, so they are the same bits whether they are computed or kept.
type FeatureStore interface {
	// Get fills features with those kept under key, and reports whether there were as many.
	Get(key [sha256.Size]byte, features []float32) bool
	// Put keeps features, if there is room.
	Put(key [sha256.Size]byte, features []float32)
}

// towerIdentity starts the key of a view: everything that its features depend on, but for its pixels.
func (p *Pipeline) towerIdentity() ([]byte, error) {
	h := sha256.New()
	settings, err := json.Marshal(struct {
		Tower, Normalizer any
		Weights, Profile  string
	}{p.tower.Config(), p.norm, p.opts.TowerWeights, string(p.profile)})
	if err != nil {
		return nil, err
	}
	field(h, settings)
	src := p.ckpt.Vision()
	for _, name := range src.Names() {
		t, ok := src.Tensor(name)
		if !ok {
			return nil, fmt.Errorf("vision tower: tensor %q is missing", name)
		}
		field(h, fmt.Appendf(nil, "%s %s %v", name, t.DType, t.Shape))
		field(h, t.Data)
	}
	return h.Sum(nil), nil
}

// field adds bytes with their number, so that no two lists of fields are alike.
func field(h hash.Hash, b []byte) {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
	h.Write(n[:])
	h.Write(b)
}

// viewKey is the key of a view's features.
func (p *Pipeline) viewKey(view *imaging.RGB) (key [sha256.Size]byte) {
	h := sha256.New()
	field(h, p.towerID)
	field(h, view.Pix)
	h.Sum(key[:0])
	return key
}
