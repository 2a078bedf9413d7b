package deploy

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// archiveNames are the names of the archive with the bootstrap that releases have next to
// the program: for one architecture, or for the default one.
func archiveNames(architecture string) []string {
	names := []string{"forcemfa-lambda-" + architecture + ".zip"}
	if architecture == ARM64 {
		names = append(names, "forcemfa-lambda.zip")
	}
	return names
}

// Beside returns the bootstrap from the archive in a directory, with the name of the
// archive; no program where there is no archive.
func Beside(dir, architecture string) (program []byte, name string, err error) {
	for _, base := range archiveNames(architecture) {
		name = filepath.Join(dir, base)
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, name, err
		}
		program, err = Unpack(text)
		if err != nil {
			return nil, name, fmt.Errorf("%s: %w", name, err)
		}
		return program, name, nil
	}
	return nil, "", nil
}

// Unpack returns the bootstrap of an archive; of anything else, the text itself.
func Unpack(text []byte) ([]byte, error) {
	if !bytes.HasPrefix(text, []byte("PK\x03\x04")) {
		return text, nil
	}
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, err
	}
	for _, f := range archive.File {
		if f.Name != bootstrapName {
			continue
		}
		from, err := f.Open()
		if err != nil {
			return nil, err
		}
		defer from.Close()
		program, err := io.ReadAll(io.LimitReader(from, unpackedLimit+1))
		if err == nil && len(program) > unpackedLimit {
			err = fmt.Errorf("the bootstrap has more than %d bytes", unpackedLimit)
		}
		return program, err
	}
	return nil, fmt.Errorf("the archive has no file %s", bootstrapName)
}

// InSourceTree reports whether a directory is in the source tree of forcemfa, where
// [Build] works.
func InSourceTree(dir string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			return strings.HasPrefix(string(text), "module forcemfa\n")
		}
		above := filepath.Dir(dir)
		if above == dir {
			return false
		}
		dir = above
	}
}
