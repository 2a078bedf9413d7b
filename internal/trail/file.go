package trail

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxExpanded bounds what one file gives when it is decompressed.
const maxExpanded = 16 << 30 // bytes

// A Place is a file or folder with logs.
type Place struct {
	FS   fs.FS
	Root string // in FS
	Name string // of FS, for messages
}

// A LogFile is a file that can hold records.
type LogFile struct {
	Place
	Path string // in FS
}

func (f LogFile) String() string {
	if f.Name == "" {
		return f.Path
	}
	return strings.TrimSuffix(f.Name, "/") + "/" + f.Path
}

// A Problem is a file, or a part of one, that could not be read, and why.
type Problem struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

// notRecords are the folders next to CloudTrail's in a bucket that hold no records.
// Source: CloudTrail User Guide, "CloudTrail log file examples".
var notRecords = []string{"CloudTrail-Digest", "CloudTrail-Insight", "CloudTrail-Aggregated"}

// Files lists the log files of a place in the order of their paths, which is that
// of account, Region and day in CloudTrail's layout.
func (p Place) Files() (files []LogFile, problems []Problem) {
	err := fs.WalkDir(p.FS, p.Root, func(name string, d fs.DirEntry, err error) error {
		f := LogFile{p, name}
		switch {
		case err != nil:
			problems = append(problems, Problem{f.String(), err.Error()})
			return nil
		case d.IsDir():
			if !HoldsRecords(d.Name()) {
				return fs.SkipDir
			}
		case !d.Type().IsRegular() && d.Type()&fs.ModeSymlink == 0:
			problems = append(problems, Problem{f.String(), "not a regular file"})
		case name == p.Root || logName(name):
			files = append(files, f)
		}
		return nil
	})
	if err != nil {
		problems = append(problems, Problem{p.Name, err.Error()})
	}
	return files, problems
}

// logName reports whether a file of a folder can hold records.
func logName(name string) bool {
	lower := strings.ToLower(path.Base(name))
	return slices.ContainsFunc([]string{".json", ".jsonl", ".ndjson", ".json.gz", ".gz", ".tgz", ".zip"}, func(end string) bool {
		return strings.HasSuffix(lower, end)
	})
}

// Logs reports whether the name of a file is that of a log file.
func (f LogFile) Logs() bool {
	return logName(f.Path) && !slices.ContainsFunc(notRecords, func(dir string) bool { return strings.Contains(f.Path, "/"+dir+"/") })
}

// HoldsRecords reports whether a folder of this name can hold records.
func HoldsRecords(folder string) bool { return !slices.Contains(notRecords, folder) }

// Day is the folder of a file in CloudTrail's layout, …/YYYY/MM/DD, which holds all
// records of an account, Region and day; empty outside the layout.
func (f LogFile) Day() string {
	dir := path.Dir(f.Path)
	parts := strings.Split(dir, "/")
	if len(parts) < 4 {
		return ""
	}
	for i, size := range []int{4, 2, 2} {
		part := parts[len(parts)-3+i]
		if len(part) != size || strings.Trim(part, "0123456789") != "" {
			return ""
		}
	}
	return dir
}

// A fileReader reads files one after the other and keeps its buffers.
type fileReader struct {
	records *Reader
	in      *bufio.Reader
	gz      *gzip.Reader
	problem func(Problem)
}

func newFileReader(problem func(Problem)) *fileReader {
	return &fileReader{records: NewReader(nil), in: bufio.NewReaderSize(nil, 1<<16), problem: problem}
}

// read calls each with the records of a file. What cannot be read is a problem.
func (r *fileReader) read(f LogFile, each func(*Call) error) error {
	file, err := f.FS.Open(f.Path)
	if err != nil {
		return r.note(f.String(), err)
	}
	defer file.Close()
	if strings.HasSuffix(strings.ToLower(f.Path), ".zip") {
		return r.zip(f.String(), file, each)
	}
	r.in.Reset(file)
	return r.note(f.String(), r.stream(f.String(), r.in, each))
}

// A callerError is an error of each, which ends everything.
type callerError struct{ error }

// note makes an error of a file a problem.
func (r *fileReader) note(name string, err error) error {
	var ends callerError
	if err == nil || errors.As(err, &ends) {
		return err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	r.problem(Problem{name, err.Error()})
	return nil
}

// stream reads a file that may be compressed.
func (r *fileReader) stream(name string, in *bufio.Reader, each func(*Call) error) error {
	magic, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return r.text(in, each)
	}
	if r.gz == nil {
		r.gz, err = gzip.NewReader(in)
	} else {
		err = r.gz.Reset(in)
	}
	if err != nil {
		return err
	}
	lower := strings.ToLower(name)
	if strings.HasSuffix(lower, ".tar.gz") || strings.HasSuffix(lower, ".tgz") {
		return r.tar(name, r.gz, each)
	}
	return r.text(r.gz, each)
}

func (r *fileReader) text(in io.Reader, each func(*Call) error) error {
	limited := &io.LimitedReader{R: in, N: maxExpanded}
	r.records.Reset(limited)
	err := r.records.Calls(func(c *Call) error {
		if err := each(c); err != nil {
			return callerError{err}
		}
		return nil
	})
	if limited.N == 0 {
		return fmt.Errorf("it has more than %d GB after decompression; the rest was not read", maxExpanded>>30)
	}
	if err == nil {
		err = r.records.Skipped.Err(r.records.Read)
	}
	return err
}

// tar reads the log files of an archive. Their names are only shown.
func (r *fileReader) tar(name string, in io.Reader, each func(*Call) error) error {
	archive := tar.NewReader(&io.LimitedReader{R: in, N: maxExpanded})
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		if h.Typeflag != tar.TypeReg || !logName(h.Name) {
			continue
		}
		if err := r.member(name, h.Name, archive, each); err != nil {
			return err
		}
	}
}

// member reads a file of an archive.
func (r *fileReader) member(archive, file string, in io.Reader, each func(*Call) error) error {
	name := archive + ":" + file
	if slices.Contains(strings.FieldsFunc(file, func(c rune) bool { return c == '/' || c == '\\' }), "..") {
		return r.note(name, errors.New("a name with .. in an archive"))
	}
	inner := newFileReader(r.problem)
	inner.records = r.records
	return r.note(name, inner.stream(name, bufio.NewReader(in), each))
}

func (r *fileReader) zip(name string, file fs.File, each func(*Call) error) error {
	info, err := file.Stat()
	if err != nil {
		return r.note(name, err)
	}
	at, ok := file.(io.ReaderAt)
	if !ok {
		return r.note(name, errors.New("a zip archive must be a file on disk"))
	}
	archive, err := zip.NewReader(at, info.Size())
	if err != nil {
		return r.note(name, fmt.Errorf("read the archive: %w", err))
	}
	for _, member := range archive.File {
		if member.FileInfo().IsDir() || !logName(member.Name) {
			continue
		}
		in, err := member.Open()
		if err == nil {
			err = r.member(name, member.Name, in, each)
			_ = in.Close()
		}
		if err := r.note(name+":"+member.Name, err); err != nil {
			return err
		}
	}
	return nil
}
