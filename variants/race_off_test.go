//go:build !race

package variants_test

// raceEnabled tells slow tests to do less.
const raceEnabled = false
