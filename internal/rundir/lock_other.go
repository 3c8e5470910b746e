//go:build !unix

package rundir

// acquire does nothing: there is no lock here that a crash would not leave behind.
func (d *Dir) acquire() error { return nil }
