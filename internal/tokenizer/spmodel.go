package tokenizer

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// pieceType is the kind of a SentencePiece vocabulary entry (sentencepiece_model.proto, SentencePiece.Type).
type pieceType uint8

const (
	pieceNormal      pieceType = 1
	pieceUnknown     pieceType = 2
	pieceControl     pieceType = 3
	pieceUserDefined pieceType = 4
	pieceUnused      pieceType = 5
	pieceByte        pieceType = 6
)

// modelType is the segmentation algorithm (TrainerSpec.ModelType).
type modelType uint8

const (
	modelUnigram modelType = 1
	modelBPE     modelType = 2
)

// underline is U+2581, which stands for a space inside pieces.
const underline = "\u2581"

// maxPieces bounds the vocabulary of a model; the largest published ones have about a quarter of a million pieces.
const maxPieces = 1 << 22

// spPiece is one vocabulary entry.
type spPiece struct {
	text  string
	score float32
	kind  pieceType
}

// spModel is a SentencePiece model: the contents of a .model file and the indexes that encoding needs. It is immutable
// once built.
type spModel struct {
	pieces       []spPiece
	kind         modelType
	byteFallback bool
	spaceSuffix  bool // treat_whitespace_as_suffix: the dummy space goes behind the text
	norm         normalizer
	unkID        int32
	unkSurface   string // what the unknown piece decodes to
	unkPiece     string
	bosPiece     string
	eosPiece     string

	reserved map[string]int32 // unknown, control and byte pieces: never made from text by merging
	normal   map[string]int32 // all others
	bytes    [256]int32       // ids of the byte pieces, with byteFallback
	blocked  map[int32]bool   // pieces that plain text must not become
	segment  segmenter
}

// segmenter splits normalised text into pieces and hands each to emit, in order. An id of unkID is an unknown piece.
// With plain set, user-defined pieces that look like markup are not formed.
type segmenter interface {
	segment(text string, plain bool, emit func(start, end int, id int32))
}

// parseSentencePiece reads a serialised ModelProto.
func parseSentencePiece(file []byte) (*spModel, error) {
	m := &spModel{
		kind:       modelUnigram,
		unkSurface: " \u2047 ", unkPiece: "<unk>", bosPiece: "<s>", eosPiece: "</s>",
		norm: normalizer{dummyPrefix: true, removeExtra: true, escape: true},
	}
	var charsmap []byte
	err := readWire(file, func(f wireField) error {
		switch f.number {
		case 1:
			return m.parsePiece(f)
		case 2:
			return m.parseTrainerSpec(f)
		case 3:
			return m.norm.parse(f, &charsmap)
		case 5:
			return refuseDenormalizer(f)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if m.norm.charsmap, err = parseCharsmap(charsmap); err != nil {
		return nil, err
	}
	return m, m.index()
}

// parsePiece appends one SentencePiece message to the vocabulary.
func (m *spModel) parsePiece(f wireField) error {
	id := len(m.pieces)
	if err := f.want(wireBytes, fmt.Sprintf("piece %d", id)); err != nil {
		return err
	}
	if id >= maxPieces {
		return formatf("more than %d pieces", maxPieces)
	}
	p := spPiece{kind: pieceNormal}
	err := readWire(f.bytes, func(f wireField) error {
		switch f.number {
		case 1:
			return f.stringInto(&p.text, "piece text")
		case 2:
			return f.floatInto(&p.score, "piece score")
		case 3:
			if err := f.want(wireVarint, "piece type"); err != nil {
				return err
			}
			if f.value < uint64(pieceNormal) || f.value > uint64(pieceByte) {
				return formatf("piece type %d", f.value)
			}
			p.kind = pieceType(f.value)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("piece %d: %w", id, err)
	}
	switch {
	case p.text == "":
		return formatf("piece %d is empty", id)
	case !utf8.ValidString(p.text):
		return formatf("piece %d, %q, is not UTF-8", id, p.text)
	case math.IsNaN(float64(p.score)) || math.IsInf(float64(p.score), 0):
		return formatf("piece %d, %q, has score %v", id, p.text, p.score)
	}
	m.pieces = append(m.pieces, p)
	return nil
}

// parseTrainerSpec reads those training settings that act on encoding and decoding.
func (m *spModel) parseTrainerSpec(f wireField) error {
	if err := f.want(wireBytes, "trainer_spec"); err != nil {
		return err
	}
	return readWire(f.bytes, func(f wireField) error {
		switch f.number {
		case 3:
			if err := f.want(wireVarint, "model_type"); err != nil {
				return err
			}
			switch f.value {
			case uint64(modelUnigram), uint64(modelBPE):
				m.kind = modelType(f.value)
			case 3, 4:
				return unsupportedf("sentencepiece model type %s", []string{3: "WORD", 4: "CHAR"}[f.value])
			default:
				return formatf("sentencepiece model type %d", f.value)
			}
		case 24:
			return f.boolInto(&m.spaceSuffix, "treat_whitespace_as_suffix")
		case 35:
			return f.boolInto(&m.byteFallback, "byte_fallback")
		case 44:
			return f.stringInto(&m.unkSurface, "unk_surface")
		case 45:
			return f.stringInto(&m.unkPiece, "unk_piece")
		case 46:
			return f.stringInto(&m.bosPiece, "bos_piece")
		case 47:
			return f.stringInto(&m.eosPiece, "eos_piece")
		}
		return nil
	})
}

// refuseDenormalizer accepts a denormalizer_spec only if it changes nothing.
func refuseDenormalizer(f wireField) error {
	var n normalizer
	var charsmap []byte
	if err := n.parse(f, &charsmap); err != nil {
		return err
	}
	if len(charsmap) > 0 {
		return unsupportedf("sentencepiece denormalizer with rules of its own")
	}
	return nil
}

// index checks the vocabulary as SentencePiece does when it loads one (ModelInterface::InitializePieces), and more
// strictly where a file could only be damaged, and builds the lookup tables.
func (m *spModel) index() error {
	m.reserved = make(map[string]int32)
	m.normal = make(map[string]int32, len(m.pieces))
	m.blocked = make(map[int32]bool)
	for b := range m.bytes {
		m.bytes[b] = -1
	}
	m.unkID = -1
	for i, p := range m.pieces {
		id := int32(i)
		if first, dup := m.lookup(p.text); dup {
			return formatf("pieces %d and %d are both %q", first, id, p.text)
		}
		switch p.kind {
		case pieceNormal, pieceUnused:
			m.normal[p.text] = id
		case pieceUserDefined:
			m.normal[p.text] = id
			if looksLikeMarkup(p.text) {
				m.blocked[id] = true
			}
		case pieceUnknown:
			if m.unkID >= 0 {
				return formatf("pieces %d and %d are both unknown pieces", m.unkID, id)
			}
			m.unkID = id
			m.reserved[p.text] = id
		case pieceControl:
			m.reserved[p.text] = id
		case pieceByte:
			b, ok := byteOfPiece(p.text)
			if !ok || !m.byteFallback {
				return formatf("piece %d, %q, is marked as a byte", id, p.text)
			}
			m.bytes[b] = id
			m.reserved[p.text] = id
		}
	}
	if m.unkID < 0 {
		return formatf("no unknown piece")
	}
	if m.byteFallback {
		for b, id := range m.bytes {
			if id < 0 {
				return formatf("byte_fallback without a piece for byte %#02x", b)
			}
		}
	}
	m.norm.userDefined = m.userDefinedTrie()
	if m.kind == modelBPE {
		m.segment = newBPE(m)
	} else {
		m.segment = newUnigram(m)
	}
	return nil
}

// lookup returns the id of a piece of any kind.
func (m *spModel) lookup(piece string) (int32, bool) {
	if id, ok := m.reserved[piece]; ok {
		return id, true
	}
	id, ok := m.normal[piece]
	return id, ok
}

// idOf returns the id of a piece, that of the unknown piece if there is none.
func (m *spModel) idOf(piece string) int32 {
	if id, ok := m.lookup(piece); ok {
		return id
	}
	return m.unkID
}

// userDefinedTrie returns the user-defined pieces, nil if there are none.
func (m *spModel) userDefinedTrie() *trie {
	var keys []string
	var ids []int32
	for i, p := range m.pieces {
		if p.kind == pieceUserDefined {
			keys = append(keys, p.text)
			ids = append(ids, int32(i))
		}
	}
	if keys == nil {
		return nil
	}
	return newTrie(keys, ids)
}

// byteOfPiece returns the byte that a piece of the form <0xAB> stands for.
func byteOfPiece(piece string) (byte, bool) {
	if len(piece) != 6 || !strings.HasPrefix(piece, "<0x") || piece[5] != '>' {
		return 0, false
	}
	hi, lo := strings.IndexByte(upperHex, piece[3]), strings.IndexByte(upperHex, piece[4])
	if hi < 0 || lo < 0 {
		return 0, false
	}
	return byte(hi<<4 | lo), true
}

const upperHex = "0123456789ABCDEF"

// looksLikeMarkup reports whether a token is written like the marks that structure a prompt: <s>, <|im_end|>, [PAD].
func looksLikeMarkup(token string) bool {
	return len(token) > 2 && (token[0] == '<' && token[len(token)-1] == '>' || token[0] == '[' && token[len(token)-1] == ']')
}
