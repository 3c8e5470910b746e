//go:build !unix

package rundir

import "os"

// Lock does nothing: there is no lock here that a crash would not leave behind.
func Lock(string) (*os.File, error) { return nil, nil }
