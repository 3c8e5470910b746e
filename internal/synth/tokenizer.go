package synth

import (
	"encoding/binary"
	"fmt"
	"math"

	"llavabench/internal/checkpoint"
)

// The kinds of pieces in a SentencePiece model (sentencepiece_model.proto, ModelProto.SentencePiece.Type).
const (
	pieceNormal  = 1
	pieceUnknown = 2
	pieceControl = 3
	pieceUnused  = 5
	pieceByte    = 6
)

const space = "\u2581" // SentencePiece's mark of a space

// words are joined from letters by merges, so that English text is not spelled out letter by letter.
var words = []string{
	"th", "he", "in", "er", "an", "re", "on", "at", "en", "is", "it", "or", "ha", "ou", "ing", "the", "and", "ar", "st", "ed",
	space + "t", space + "a", space + "th", space + "the", space + "s", space + "w", space + "wh", space + "i", space + "is", space + "o",
	space + "an", space + "and", space + "b", space + "c", "es", "al", "le", "ti", "as", "nt",
}

// specials is the number of rows that a configuration keeps for added tokens beyond the tokenizer.
func specials(c checkpoint.Config) int {
	if !c.Multimodal.UseStartEnd {
		return 0
	}
	if c.Multimodal.UsePatchToken {
		return 3
	}
	return 2
}

// tokenizerModel makes a SentencePiece BPE model of vocab-added pieces: unknown, begin, end, the 256 bytes, words, the
// printable ASCII characters, and unused pieces for the rest. Every text can be written with it.
func tokenizerModel(vocab, added int) []byte {
	var out []byte
	n := 0
	add := func(piece string, score float32, kind uint64) {
		if n >= vocab-added {
			return
		}
		n++
		out = appendField(out, 1, appendPiece(nil, piece, score, kind))
	}
	add("<unk>", 0, pieceUnknown)
	add("<s>", 0, pieceControl)
	add("</s>", 0, pieceControl)
	for b := range 256 {
		add(fmt.Sprintf("<0x%02X>", b), 0, pieceByte)
	}
	score := float32(0)
	for _, w := range words {
		add(w, score, pieceNormal)
		score--
	}
	add(space, score, pieceNormal)
	for c := '!'; c <= '~'; c++ {
		score--
		add(string(c), score, pieceNormal)
	}
	for i := 0; n < vocab-added; i++ {
		add(fmt.Sprintf("<unused%d>", i), 0, pieceUnused)
	}
	// TrainerSpec: model_type (3) BPE = 2, byte_fallback (35), unk/bos/eos ids (40..42), pad id (43) -1.
	trainer := appendVarint(nil, 3, 2)
	trainer = appendVarint(trainer, 35, 1)
	trainer = appendVarint(trainer, 40, 0)
	trainer = appendVarint(trainer, 41, 1)
	trainer = appendVarint(trainer, 42, 2)
	trainer = appendVarint(trainer, 43, math.MaxUint64)
	out = appendField(out, 2, trainer)
	// NormalizerSpec: name (1), add_dummy_prefix (3), remove_extra_whitespaces (4), escape_whitespaces (5).
	normalizer := appendField(nil, 1, []byte("identity"))
	normalizer = appendVarint(normalizer, 3, 1)
	normalizer = appendVarint(normalizer, 4, 0)
	normalizer = appendVarint(normalizer, 5, 1)
	return appendField(out, 3, normalizer)
}

func appendPiece(b []byte, piece string, score float32, kind uint64) []byte {
	b = appendField(b, 1, []byte(piece))
	b = binary.AppendUvarint(b, 2<<3|5)
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(score))
	return appendVarint(b, 3, kind)
}

// appendField appends a length-delimited protobuf field.
func appendField(b []byte, field uint64, value []byte) []byte {
	b = binary.AppendUvarint(b, field<<3|2)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

// appendVarint appends a protobuf field of an integer type.
func appendVarint(b []byte, field, value uint64) []byte {
	b = binary.AppendUvarint(b, field<<3)
	return binary.AppendUvarint(b, value)
}
