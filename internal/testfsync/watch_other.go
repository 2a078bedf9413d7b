//go:build !linux

package testfsync

import "testing"

// Watch skips the test.
func Watch(t testing.TB, _ func(path string) bool, _ func()) []string {
	t.Helper()
	t.Skip("syncs are only seen on Linux")
	return nil
}
