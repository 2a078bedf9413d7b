package run

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"

	"forcemfa/internal/audit"
	"forcemfa/internal/impact"
)

// longest is how many bytes a line may have: a user, a finding or a policy document
// with every quota used up is far below.
const longest = 16 << 20

// An Error is why a file is not a run that this version reads. The remedy is the next
// step of the reader.
type Error struct {
	File   string
	Line   int // from 1; 0: the whole file
	Why    string
	Remedy string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("read run %s: %s", e.File, e.Why)
	}
	return fmt.Sprintf("read run %s: line %d: %s", e.File, e.Line, e.Why)
}

const (
	saveAgain = "save the run again, or take the copy that was saved first"
	notRun    = "name a file that was written with --save"
)

// A Run is a run that was saved.
type Run struct {
	Name string // of the file
	Head Head
	End  End

	open func() (io.ReadCloser, error)
}

// Open checks a saved run from its first line to its hash, and returns what is known
// about it as a whole. open returns the file from its beginning, compressed by gzip or
// not; it is called here and once for each pass over the records. Errors are of type
// [Error], except those of open and of reading.
func Open(name string, open func() (io.ReadCloser, error)) (*Run, error) {
	r := &Run{Name: name, open: open}
	in, err := r.lines()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := r.check(in); err != nil {
		return nil, err
	}
	return r, nil
}

// Title is the line above every output; see the function [Title].
func (r *Run) Title() string { return Title(&r.Head, &r.End) }

// check reads head, end and hash, and passes over the records.
func (r *Run) check(in *lines) error {
	line, err := in.next()
	if err == nil {
		err = r.head(in, line)
	}
	if err != nil {
		return err
	}
	records := -1
	for {
		line, err = in.next()
		if err != nil {
			return err
		}
		records++
		if bytes.HasPrefix(line, []byte(`{"end":`)) {
			break
		}
	}
	var end struct {
		End End `json:"end"`
	}
	if err := in.decode(line, &end); err != nil {
		return err
	}
	if end.End.Records != records {
		return in.fail(fmt.Sprintf("the end counts %d records, and the file has %d: it was changed after it was saved", end.End.Records, records), saveAgain)
	}
	r.End = end.End
	return in.seal()
}

func (r *Run) head(in *lines, line []byte) error {
	// The version comes first: another format may have other members.
	var version struct {
		Head struct {
			Format  *int   `json:"format"`
			Version string `json:"version"`
		} `json:"head"`
	}
	if err := json.Unmarshal(line, &version); err != nil || version.Head.Format == nil || *version.Head.Format < 1 {
		return in.fail(`no head of a run: want {"head":{"format":…}}`, notRun)
	}
	if *version.Head.Format > Format {
		return in.fail(fmt.Sprintf("run format %d of forcemfa %s: this version reads up to format %d", *version.Head.Format, version.Head.Version, Format),
			"read it with forcemfa "+version.Head.Version+" or newer")
	}
	var head struct {
		Head Head `json:"head"`
	}
	if err := in.decode(line, &head); err != nil {
		return err
	}
	r.Head = head.Head
	return nil
}

// Records streams the records between head and end. The stream ends with the first error:
// of the file, which may have changed since it was opened, or of a record that does not
// agree with the others.
func (r *Run) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in, err := r.lines()
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer in.Close()
		if err := r.records(in, func(record Record) bool { return yield(record, nil) }); err != nil {
			yield(Record{}, err)
		}
	}
}

// records yields the records until yield returns false.
func (r *Run) records(in *lines, yield func(Record) bool) error {
	if _, err := in.next(); err != nil {
		return err
	}
	order := newOrder()
	for range r.End.Records {
		line, err := in.next()
		if err != nil {
			return err
		}
		var record Record
		if err := in.decode(line, &record); err != nil {
			return err
		}
		if why := order.add(&record); why != "" {
			return in.fail(why, saveAgain)
		}
		if !yield(record) {
			return nil
		}
	}
	if _, err := in.next(); err != nil {
		return err
	}
	if why := order.end(&r.End); why != "" {
		return in.fail(why, saveAgain)
	}
	return in.seal()
}

// Impact is what CloudTrail said in the run; nil: it was not read.
func (r *Run) Impact() (*impact.Report, error) {
	var report *impact.Report
	for record, err := range r.Records() {
		switch {
		case err != nil:
			return nil, err
		case record.Impact != nil:
			report = record.Impact
		case record.Affected != nil && report != nil:
			report.Users = append(report.Users, *record.Affected)
		}
	}
	return report, nil
}

// Send sends the users, findings, unread parts and accounts of the run to a sink, in the
// order in which they were found.
func (r *Run) Send(sink audit.Sink) error {
	for record, err := range r.Records() {
		if err != nil {
			return err
		}
		record.Send(sink)
	}
	return nil
}

// Send sends the record to a sink if it is a user, a finding, an unread part or an
// account.
func (r *Record) Send(sink audit.Sink) {
	switch {
	case r.User != nil:
		sink.User(*r.User)
	case r.Finding != nil:
		sink.Finding(*r.Finding)
	case r.Unread != nil:
		sink.Gap(*r.Unread)
	case r.Account != nil:
		sink.Account(*r.Account)
	}
}

// lines are the lines of a run with the hash of those that were read.
type lines struct {
	file   string
	from   io.Closer
	in     *bufio.Reader
	hash   hash.Hash
	number int // of the last line, from 1
	long   []byte
}

func (r *Run) lines() (*lines, error) {
	file, err := r.open()
	if err != nil {
		return nil, err
	}
	in := &lines{file: r.Name, from: file, hash: sha256.New()}
	plain := bufio.NewReaderSize(file, 1<<16)
	in.in = plain
	if magic, _ := plain.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b { // RFC 1952
		unpacked, err := gzip.NewReader(plain)
		if err != nil {
			_ = file.Close()
			return nil, in.damaged(err)
		}
		in.in = bufio.NewReaderSize(unpacked, 1<<16)
	}
	return in, nil
}

func (in *lines) Close() { _ = in.from.Close() }

// next is the next line without its end. It is valid until the next call.
func (in *lines) next() ([]byte, error) {
	line, err := in.read()
	if err != nil {
		return nil, err
	}
	in.hash.Write(line)
	return bytes.TrimSuffix(line, []byte("\n")), nil
}

// read is the next line with its end.
func (in *lines) read() ([]byte, error) {
	line, err := in.in.ReadSlice('\n')
	in.number++
	if err == bufio.ErrBufferFull {
		in.long = append(in.long[:0], line...)
		for err == bufio.ErrBufferFull && len(in.long) <= longest {
			line, err = in.in.ReadSlice('\n')
			in.long = append(in.long, line...)
		}
		line = in.long
	}
	switch {
	case len(line) > longest:
		return nil, in.fail(fmt.Sprintf("more than %d MB", longest>>20), notRun)
	case err == io.EOF && in.number == 1 && len(line) == 0:
		return nil, in.fail("the file is empty", notRun)
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, in.fail("the file ends here and was cut short: its end and hash are missing", saveAgain)
	case err != nil:
		return nil, in.damaged(err)
	}
	return line, nil
}

// decode decodes one line into a struct, and refuses members that it does not have.
func (in *lines) decode(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return in.fail(err.Error(), saveAgain)
	}
	if d.InputOffset() != int64(len(line)) {
		return in.fail("text after the record", saveAgain)
	}
	return nil
}

// seal reads the hash, and the end of the file.
func (in *lines) seal() error {
	want := hex.EncodeToString(in.hash.Sum(nil))
	line, err := in.next()
	if err != nil {
		return err
	}
	var have sealed
	if err := in.decode(line, &have); err != nil {
		return err
	}
	if have.SHA256 != want {
		return in.fail("the hash does not fit: the file was changed after it was saved", saveAgain)
	}
	if _, err := in.in.ReadByte(); err == nil {
		in.number++
		return in.fail("text after the end of the run", saveAgain)
	} else if err != io.EOF {
		return in.damaged(err)
	}
	return nil
}

func (in *lines) fail(why, remedy string) error {
	return &Error{File: in.file, Line: in.number, Why: why, Remedy: remedy}
}

// damaged is an error of reading: of gzip, or of the file itself.
func (in *lines) damaged(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF) {
		return in.fail("the compressed file is damaged: "+err.Error(), saveAgain)
	}
	return fmt.Errorf("read run %s: %w", in.file, err)
}
