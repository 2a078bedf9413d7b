//go:build !linux

package heapfloor

// useWidePages does nothing: only Linux has pages to ask for.
func useWidePages() {}
