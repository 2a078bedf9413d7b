//go:build !unix

package cache

import (
	"io/fs"
	"os"
	"path/filepath"
)

func join(elements ...string) string { return filepath.Join(elements...) }
func isAbs(name string) bool         { return filepath.IsAbs(name) }

// readOwn reads a file. Where there are no Unix modes, the directory is in the
// user's profile, whose access list says who may read it.
func readOwn(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", ErrCold
	}
	return string(text), nil
}

func own(fs.FileInfo) bool { return true }

func wide(fs.FileMode) bool { return false }

func identity(fs.FileInfo) string { return "" }
