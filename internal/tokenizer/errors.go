package tokenizer

import (
	"errors"
	"fmt"
)

var (
	// ErrFormat marks a tokenizer file that breaks the rules of its own format.
	ErrFormat = errors.New("malformed tokenizer")
	// ErrUnsupported marks a well-formed tokenizer that asks for something this package does not do.
	ErrUnsupported = errors.New("unsupported tokenizer")
	// ErrVocabulary marks a tokenizer with ids beyond the rows of a model's embedding.
	ErrVocabulary = errors.New("tokenizer does not fit the vocabulary")
)

// formatf returns an error that wraps ErrFormat.
func formatf(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// unsupportedf returns an error that wraps ErrUnsupported.
func unsupportedf(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnsupported}, args...)...)
}
