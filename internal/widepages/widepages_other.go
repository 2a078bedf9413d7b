//go:build !linux

package widepages

// Use does nothing: only Linux has pages to ask for.
func Use() {}
