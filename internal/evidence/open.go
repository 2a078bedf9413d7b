package evidence

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"forcemfa/internal/org"
)

// A pack is a pack whose files have the sizes and hashes of its manifest.
type pack struct {
	files    map[string]*zip.File
	manifest Manifest
}

// open reads the directory and the manifest, and compares the hashes of all files.
// Nothing about the archive is trusted.
func open(ctx context.Context, in io.ReaderAt, size int64) (*pack, error) {
	if size > mostArchive {
		return nil, &Error{Why: fmt.Sprintf("%d MB are more than a pack can have", size/mib)}
	}
	archive, err := zip.NewReader(in, size)
	if err != nil {
		return nil, &Error{Why: "is not a whole ZIP archive: " + strings.TrimPrefix(err.Error(), "zip: ")}
	}
	if err := nothingAround(in, size, archive); err != nil {
		return nil, err
	}
	p := &pack{files: map[string]*zip.File{}}
	if err := p.directory(archive, size); err != nil {
		return nil, err
	}
	if err := p.readManifest(); err != nil {
		return nil, err
	}
	if err := p.compare(); err != nil {
		return nil, err
	}
	for _, f := range p.manifest.Files {
		if err := p.hash(ctx, f); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// endSize is the size of the last record of an archive without a comment.
// Source: APPNOTE.TXT of PKWARE, "End of central directory record".
const endSize = 22

// nothingAround refuses an archive with bytes before the first file or after the last
// record.
func nothingAround(in io.ReaderAt, size int64, archive *zip.Reader) error {
	var end [4]byte
	if _, err := in.ReadAt(end[:], size-endSize); err != nil || string(end[:]) != "PK\x05\x06" {
		return &Error{Why: "has text after the ZIP archive"}
	}
	if len(archive.File) == 0 {
		return nil
	}
	const header = 30 // bytes before the name
	first := archive.File[0]
	if at, err := first.DataOffset(); err != nil || at != header+int64(len(first.Name)) {
		return &Error{Why: "has text before the ZIP archive"}
	}
	return nil
}

// directory checks names and sizes before anything is decompressed.
func (p *pack) directory(archive *zip.Reader, size int64) error {
	if len(archive.File) > len(limits)+1 {
		return &Error{Why: fmt.Sprintf("has %d files, and a pack has at most %d", len(archive.File), len(limits)+1)}
	}
	var total uint64
	for _, f := range archive.File {
		name := f.Name
		switch {
		case !known(name):
			return &Error{Why: fmt.Sprintf("has the file %q, which no pack of format %d has; a newer version of forcemfa may know it", name, Format)}
		case p.files[name] != nil:
			return refusedFile(name, "is there twice")
		case f.Method != zip.Deflate || f.Flags&1 != 0 || f.Comment != "" || len(f.Extra) > 0:
			return refusedFile(name, "is not stored as forcemfa stores the files of a pack")
		case f.UncompressedSize64 > uint64(mostOf(name)):
			return refusedFile(name, "has %d MB, at most %d are read", f.UncompressedSize64/mib, mostOf(name)/mib)
		}
		p.files[name] = f
		total += f.UncompressedSize64
	}
	if archive.Comment != "" {
		return &Error{Why: "has a comment, which no pack has"}
	}
	if total > mib && total/mostRatio > uint64(size) {
		return &Error{Why: fmt.Sprintf("would be %d times as large after decompression, at most %d times is read", total/uint64(size), mostRatio)}
	}
	return nil
}

func known(name string) bool {
	for _, l := range limits {
		if l.name == name {
			return true
		}
	}
	return name == manifestFile
}

func (p *pack) readManifest() error {
	if p.files[manifestFile] == nil {
		return &Error{Why: "has no " + manifestFile + ": it is not an evidence pack, or was cut short"}
	}
	text, err := p.read(manifestFile)
	if err != nil {
		return err
	}
	var version struct {
		Kind    string
		Format  int
		Program Program
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return refusedFile(manifestFile, "%v", err)
	}
	switch {
	case version.Kind != Kind:
		return refusedFile(manifestFile, `"kind" is %q, want %q`, version.Kind, Kind)
	case version.Format != Format:
		return refusedFile(manifestFile, "the pack has format %d and was written by forcemfa %s; this version reads format %d", version.Format, version.Program.Version, Format)
	}
	return decode(manifestFile, 0, text, &p.manifest)
}

// compare compares the directory with the manifest.
func (p *pack) compare() error {
	listed := map[string]bool{manifestFile: true}
	for _, f := range p.manifest.Files {
		entry := p.files[f.Name]
		switch {
		case listed[f.Name]:
			return refusedFile(manifestFile, "lists %s twice", f.Name)
		case entry == nil:
			return refusedFile(f.Name, "is listed by the manifest and is not there")
		case entry.UncompressedSize64 != uint64(f.Bytes):
			return refusedFile(f.Name, "has %d bytes, and the manifest lists %d", entry.UncompressedSize64, f.Bytes)
		}
		listed[f.Name] = true
	}
	for name := range p.files {
		if !listed[name] {
			return refusedFile(name, "is not listed by the manifest")
		}
	}
	for _, l := range limits {
		if !l.optional && !listed[l.name] {
			return refusedFile(l.name, "is missing")
		}
	}
	return nil
}

func (p *pack) hash(ctx context.Context, f File) error {
	in, err := p.open(f.Name)
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, stoppable{ctx, in}); err != nil {
		return refusedFile(f.Name, "cannot be decompressed: %v", err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return refusedFile(f.Name, "its SHA-256 is not the one in the manifest")
	}
	return nil
}

// stoppable is a reader that ends with a context.
type stoppable struct {
	ctx context.Context
	in  io.Reader
}

func (s stoppable) Read(to []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.in.Read(to)
}

// open opens a file, which gives no more than the size in the directory.
func (p *pack) open(name string) (io.ReadCloser, error) {
	f := p.files[name]
	if f == nil {
		return nil, refusedFile(name, "is missing")
	}
	in, err := f.Open()
	if err != nil {
		return nil, refusedFile(name, "%v", err)
	}
	return &bounded{ReadCloser: in, rest: int64(f.UncompressedSize64)}, nil
}

type bounded struct {
	io.ReadCloser
	rest int64
}

func (b *bounded) Read(to []byte) (int, error) {
	n, err := b.ReadCloser.Read(to)
	if b.rest -= int64(n); b.rest < 0 {
		return 0, errors.New("is larger than its directory entry")
	}
	return n, err
}

func (p *pack) read(name string) ([]byte, error) {
	in, err := p.open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, refusedFile(name, "%v", err)
	}
	return text, nil
}

// decode decodes one JSON value, and refuses members that it does not have, and members
// that are there twice: another reader could take the other one.
func decode(file string, line int, text []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(to)
	if err == nil && len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		err = errors.New("something follows the JSON value")
	}
	if err == nil {
		if member, _ := org.Duplicate(text); member != "" {
			err = fmt.Errorf("member %q is there twice", member)
		}
	}
	if err != nil {
		return &Error{File: file, Line: line, Why: err.Error()}
	}
	return nil
}

// records yields the lines of a file of JSON Lines.
type records struct {
	file   string
	in     io.ReadCloser
	lines  *bufio.Scanner
	number int
}

func (p *pack) records(file string) (*records, error) {
	in, err := p.open(file)
	if err != nil {
		return nil, err
	}
	r := &records{file: file, in: in, lines: bufio.NewScanner(in)}
	r.lines.Buffer(make([]byte, 0, 64*kib), mostRecord)
	return r, nil
}

func (r *records) Close() { _ = r.in.Close() }

// next decodes the next line; io.EOF after the last.
func (r *records) next(to any) error {
	if !r.lines.Scan() {
		if err := r.lines.Err(); err != nil {
			return &Error{File: r.file, Line: r.number + 1, Why: err.Error()}
		}
		return io.EOF
	}
	r.number++
	return decode(r.file, r.number, r.lines.Bytes(), to)
}

func (r *records) fail(format string, args ...any) error {
	return &Error{File: r.file, Line: r.number, Why: fmt.Sprintf(format, args...)}
}

// list reads all lines of a file.
func list[T any](p *pack, file string) ([]T, error) {
	r, err := p.records(file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []T
	for {
		var next T
		switch err := r.next(&next); {
		case err == io.EOF:
			return out, nil
		case err != nil:
			return nil, err
		}
		out = append(out, next)
	}
}

// shortLines refuses a text with a line that would fill the memory.
type shortLines struct {
	in   io.Reader
	line int64
}

func (s *shortLines) Read(to []byte) (int, error) {
	n, err := s.in.Read(to)
	for rest := to[:n]; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			s.line += int64(len(rest))
			break
		}
		s.line, rest = 0, rest[end+1:]
	}
	if s.line > mostLine {
		return 0, fmt.Errorf("a line has more than %d MB", int64(mostLine)/mib)
	}
	return n, err
}
