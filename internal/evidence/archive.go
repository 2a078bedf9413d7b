package evidence

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
)

// An archive writes files with their hashes. Names, order and text decide every byte: the
// files have no time and no mode.
type archive struct {
	out   *zip.Writer
	files []File
}

// add writes one file.
func (a *archive) add(name string, write func(io.Writer) error) error {
	entry, err := a.out.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err != nil {
		return err
	}
	sum := &summer{to: entry, hash: sha256.New(), most: mostOf(name)}
	if err := write(sum); err != nil {
		return err
	}
	if sum.bytes > sum.most {
		return refusedFile(name, "has more than %d MB, which no pack can hold; leave accounts out with --accounts or --ou", sum.most/mib)
	}
	a.files = append(a.files, File{Name: name, Bytes: sum.bytes, SHA256: hex.EncodeToString(sum.hash.Sum(nil))})
	return nil
}

func mostOf(name string) int64 {
	for _, l := range limits {
		if l.name == name {
			return l.most
		}
	}
	return mostManifest
}

// addLines writes JSON Lines.
func addLines[T any](a *archive, name string, lines []T) error {
	return a.add(name, func(w io.Writer) error {
		out := newEncoder(w)
		for i := range lines {
			if err := out.Encode(lines[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func newEncoder(w io.Writer) *json.Encoder {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out
}

// A summer hashes and counts what it passes on.
type summer struct {
	to    io.Writer
	hash  hash.Hash
	bytes int64
	most  int64
}

func (s *summer) Write(text []byte) (int, error) {
	n, err := s.to.Write(text)
	s.hash.Write(text[:n])
	s.bytes += int64(n)
	return n, err
}

// A spool holds text in memory, compressed.
type spool struct {
	packed bytes.Buffer
	writer *flate.Writer
}

func newSpool() *spool {
	s := new(spool)
	s.writer, _ = flate.NewWriter(&s.packed, flate.BestSpeed) // the level is valid
	return s
}

func (s *spool) Write(text []byte) (int, error) { return s.writer.Write(text) }

// copyTo writes all text, once.
func (s *spool) copyTo(w io.Writer) error {
	if err := s.writer.Close(); err != nil {
		return err
	}
	_, err := io.Copy(w, flate.NewReader(&s.packed))
	return err
}
