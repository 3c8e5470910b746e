//go:build !unix

package kernels

import "testing"

// guarded is plain memory where pages cannot be protected.
func guarded[T any](_ testing.TB, n int, _ bool) []T { return make([]T, n) }

// guardedCopy is a copy of src.
func guardedCopy[T any](_ testing.TB, src []T, _ bool) []T { return append([]T(nil), src...) }
