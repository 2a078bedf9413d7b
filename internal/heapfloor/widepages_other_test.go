//go:build !linux

package heapfloor

func wide() int { return 0 }
