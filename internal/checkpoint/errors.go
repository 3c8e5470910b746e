package checkpoint

import (
	"errors"
	"fmt"
)

// The classes of errors that this package returns; test for them with errors.Is. The message itself says which file, tensor
// or field, what was found and what was expected.
var (
	ErrTruncated   = errors.New("truncated")            // fewer bytes than the file itself announces
	ErrTooLarge    = errors.New("too large")            // a size beyond a stated limit of the format or of this reader
	ErrOverflow    = errors.New("overflow")             // sizes whose product or sum exceeds 64 bits
	ErrFormat      = errors.New("bad format")           // not what the format allows
	ErrUnsupported = errors.New("unsupported")          // well-formed, but a feature that is not implemented
	ErrUnsafe      = errors.New("unsafe")               // asks for code to be run
	ErrMismatch    = errors.New("mismatch")             // two parts that must agree do not
	ErrChanged     = errors.New("changed")              // a mapped file that was written to or cut off while in use
	ErrPath        = errors.New("path not allowed")     // a name that leads out of its directory
	ErrNotFound    = errors.New("checkpoint not found") // no such directory, name or file
)

// A classed error is a message that belongs to a class without repeating the class's words.
type classed struct {
	class error
	err   error
}

func (c *classed) Error() string   { return c.err.Error() }
func (c *classed) Unwrap() []error { return []error{c.class, c.err} }

// errf builds an error of a class.
func errf(class error, format string, args ...any) error {
	return &classed{class: class, err: fmt.Errorf(format, args...)}
}

// quote prints text that came from a file: escaped, and cut when it is long.
func quote(s string) string {
	const most = 120
	if len(s) > most {
		return fmt.Sprintf("%q... (%d bytes)", s[:most], len(s))
	}
	return fmt.Sprintf("%q", s)
}
