package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MaxText is how many bytes a text to encode may have. Encoding takes time n log n in the length of a text at worst, and
// some 30 bytes of memory per byte; callers who take text from elsewhere set a limit of their own.
const MaxText = 1 << 29

// A Tokenizer encodes text to ids and decodes ids to text. Implementations are immutable and safe for concurrent use. The
// encoding methods panic if a text is longer than MaxText.
type Tokenizer interface {
	// Encode returns the ids of a text as the reference's tokenizer call does: tokens spelled out in the text (<s>,
	// </s>, added ones) become those tokens, and BOS and EOS are put around as the tokenizer is configured.
	Encode(text string) []int
	// EncodePlain is Encode for text from a user: tokens that structure a prompt (special tokens, and added ones
	// written like <...> or [...]) stay plain text when they are spelled out in it.
	EncodePlain(text string) []int
	// EncodeSpans encodes the concatenation of spans as one text, plain spans as in EncodePlain.
	EncodeSpans(spans []Span) []int
	// Decode returns the text of ids, without special tokens if skipSpecial is set. Ids that the tokenizer does not
	// have, such as the filler rows of an embedding, decode to nothing.
	Decode(ids []int, skipSpecial bool) string
	// NewStream returns a decoder for ids that arrive one by one.
	NewStream(skipSpecial bool) *Stream
	// BOS and EOS return the ids of the tokens that begin and end a text; ok is false where there is none. Whether
	// Encode adds them is another matter.
	BOS() (id int, ok bool)
	EOS() (id int, ok bool)
	// ID returns the id of a piece of the vocabulary or of an added token, spelled as in the tokenizer's files.
	ID(piece string) (id int, ok bool)
	// Piece is the inverse of ID.
	Piece(id int) (piece string, ok bool)
	// Size returns one more than the highest id.
	Size() int
	// CheckVocabulary returns an error that wraps ErrVocabulary unless every id has a row in an embedding of that many
	// rows. More rows than ids are legal: embeddings are padded.
	CheckVocabulary(rows int) error
	// Info returns what was loaded, for a run's manifest.
	Info() Info
}

// A Span is a part of a text to encode.
type Span struct {
	Text  string
	Plain bool // the text is data: tokens spelled out in it are not parsed
}

// Info describes a tokenizer.
type Info struct {
	// File is the file that the vocabulary comes from.
	File string `json:"file"`
	// Kind is "sentencepiece bpe", "sentencepiece unigram", "tokenizer.json bpe" or "vocab.json bpe".
	Kind string `json:"kind"`
	// Legacy is the rule for spaces behind special tokens (SentencePiece only).
	Legacy bool `json:"legacy"`
	AddBOS bool `json:"add_bos"`
	AddEOS bool `json:"add_eos"`
	// Warnings say what was ignored or assumed.
	Warnings []string `json:"warnings,omitempty"`
}

// Format says which files of a directory are read.
type Format int

// The formats. Auto takes tokenizer.model where there is one, as the reference does for LLaMA (use_fast=False), then
// tokenizer.json, then vocab.json with merges.txt.
const (
	Auto Format = iota
	SentencePiece
	JSON
	VocabMerges
)

// Options override what the files of a tokenizer say. The zero value follows them.
type Options struct {
	Format Format
	// Legacy overrides the key legacy of tokenizer_config.json (absent means true): with true each piece of text behind
	// a special token gets a space put in front, with false only the text as a whole does. SentencePiece only.
	Legacy *bool
	// AddBOS and AddEOS override add_bos_token and add_eos_token.
	AddBOS, AddEOS *bool
	// Added are further special tokens, in order, such as the <im_start> and <im_end> of LLaMA-1. Those that the
	// tokenizer has keep their ids, others get the next free ones.
	Added []string
	// AnyClass accepts a tokenizer_class that this package does not know.
	AnyClass bool
}

// Limits on the files of a tokenizer, in bytes. The largest published models are around 20 MB.
const (
	maxModelFile  = 256 << 20
	maxConfigFile = 16 << 20
)

// Open reads the tokenizer in a directory. Errors wrap ErrFormat, ErrUnsupported or the cause from the file system.
func Open(dir string, o Options) (Tokenizer, error) {
	format := o.Format
	if format == Auto {
		for _, f := range []struct {
			name string
			as   Format
		}{{"tokenizer.model", SentencePiece}, {"tokenizer.json", JSON}, {"vocab.json", VocabMerges}} {
			if _, err := os.Stat(filepath.Join(dir, f.name)); err == nil {
				format = f.as
				break
			}
		}
	}
	switch format {
	case SentencePiece:
		return openLlama(dir, o)
	case JSON:
		return openJSON(dir, o)
	case VocabMerges:
		return openVocabMerges(dir, o)
	}
	return nil, fmt.Errorf("%s: no tokenizer.model, tokenizer.json or vocab.json: %w", dir, fs.ErrNotExist)
}

// readFile reads a file that must not be larger than limit.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, formatf("%s: not a regular file", path)
	}
	if info.Size() > limit {
		return nil, formatf("%s: %d bytes, limit %d", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}

// readOptional is readFile for a file that need not be there: then it returns nil.
func readOptional(path string, limit int64) ([]byte, error) {
	b, err := readFile(path, limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// checkVocabulary implements Tokenizer.CheckVocabulary for a tokenizer of the given size.
func checkVocabulary(size, rows int, piece func(int) (string, bool)) error {
	if size <= rows {
		return nil
	}
	last, _ := piece(size - 1)
	return fmt.Errorf("%w: highest id is %d (%q), the embedding has %d rows", ErrVocabulary, size-1, last, rows)
}
