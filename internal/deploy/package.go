package deploy

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// The architectures of functions, with the names of Lambda.
const (
	ARM64 = "arm64"
	X86   = "x86_64"
)

// bootstrapName is the program in the package.
// Source: Lambda Developer Guide, "Building a custom runtime".
const bootstrapName = "bootstrap"

// ConfigName is the config file in the package, which the program reads.
const ConfigName = "forcemfa.yaml"

// unpackedLimit is the maximum size of a package.
// Source: Lambda Developer Guide, "Lambda quotas", deployment package size.
const unpackedLimit = 250 << 20

// A Package is the zip file for both functions.
type Package struct {
	Zip          []byte
	Hash         string // SHA-256 of Zip, in hexadecimal
	ConfigHash   string // SHA-256 of the config file in it
	Architecture string
}

// Key returns the key of the package in the bucket. It contains a hash of the
// content, so that CloudFormation detects a new package.
func (p *Package) Key() string {
	return "code/forcemfa-" + p.Architecture + "-" + p.Hash[:32] + ".zip"
}

// Pack creates the package from a program for Linux and a config file. The same
// bytes give the same package: times, modes and order are fixed.
func Pack(bootstrap, config []byte, architecture string) (*Package, error) {
	if err := checkProgram(bootstrap, architecture); err != nil {
		return nil, err
	}
	if len(bootstrap)+len(config) > unpackedLimit {
		return nil, fmt.Errorf("the package has %d bytes, and Lambda accepts %d", len(bootstrap)+len(config), unpackedLimit)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, file := range []struct {
		name string
		mode uint32
		text []byte
	}{{bootstrapName, 0o755, bootstrap}, {ConfigName, 0o644, config}} {
		if err := add(w, file.name, file.mode, file.text); err != nil {
			return nil, fmt.Errorf("pack %s: %w", file.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return &Package{Zip: out.Bytes(), Hash: sum(out.Bytes()), ConfigHash: sum(config), Architecture: architecture}, nil
}

// epoch is the time of every file: the earliest that a zip file can contain.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func add(w *zip.Writer, name string, mode uint32, text []byte) error {
	const regular = 0o100000
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch, CreatorVersion: 3 << 8} // 3: Unix; without it the mode is lost
	h.ExternalAttrs = (regular | mode) << 16
	file, err := w.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return err
}

// checkProgram rejects a program for another machine, which Lambda would reject
// only when starting it.
func checkProgram(bootstrap []byte, architecture string) error {
	machines := map[string]elf.Machine{ARM64: elf.EM_AARCH64, X86: elf.EM_X86_64}
	want, ok := machines[architecture]
	if !ok {
		return fmt.Errorf("architecture %q: want %s or %s", architecture, ARM64, X86)
	}
	file, err := elf.NewFile(bytes.NewReader(bootstrap))
	if err != nil {
		return errors.New("the bootstrap is not a program for Linux")
	}
	if file.Machine != want {
		return fmt.Errorf("the bootstrap is for %s, but the function is for %s", file.Machine, architecture)
	}
	return nil
}

func sum(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// Placeholder stands for the program in a package that no function starts: the header of a
// program for Linux.
func Placeholder(architecture string) []byte {
	header := make([]byte, 64)
	copy(header, "\x7fELF\x02\x01\x01")
	header[16], header[18], header[20] = 2, byte(elf.EM_AARCH64), 1
	if architecture == X86 {
		header[18] = byte(elf.EM_X86_64)
	}
	header[52], header[54], header[58] = 64, 56, 64
	return header
}
