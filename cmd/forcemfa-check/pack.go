package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"forcemfa/policy"
	"forcemfa/policy/prove/certificate"
)

// The limits of a pack. They keep a hostile pack from filling the memory.
const (
	mostBytes = 64 << 20 // of a file that is read whole
	mostTotal = 8 << 30  // of all files
	mostLine  = 4 << 20
)

// optional says of each file of a pack, except the manifest, whether a pack can lack it.
var optional = map[string]bool{
	"README.txt": false, "config.json": false, "snapshot.jsonl": false, "policies.jsonl": false, "sets.jsonl": false, "proofs.jsonl": false,
	"users.jsonl": false, "run.jsonl": false, "findings.ocsf.json": false, "assessment-results.oscal.json": true, "actions.jsonl": true,
}

// A pack is an evidence pack whose files have the hashes of its manifest.
type pack struct {
	file     *os.File
	hash     string // SHA-256 of the whole file
	archive  *zip.Reader
	entries  map[string]*zip.File
	manifest manifest

	policies map[string]string // the documents, by the SHA-256 of their text
	sets     []set
	proofs   []policy.Proof
	actions  []certificate.Action

	parsed map[kindAndHash]policy.Source
	built  map[int]*policy.Set
}

// A manifest is manifest.json. What the program compares with the snapshot and the config
// can be anything here.
type manifest struct {
	Kind   string      `json:"kind"`
	Format int         `json:"format"`
	AsOf   time.Time   `json:"as_of"`
	Users  userCounts  `json:"users"`
	Proofs proofCounts `json:"proofs"`
	Claim  struct {
		Enrollment         []string        `json:"enrollment"`
		ForwardedCallsPass bool            `json:"forwarded_calls_pass"`
		Observed           policy.Observed `json:"observed"`
	} `json:"claim"`
	Files []struct {
		Name   string `json:"name"`
		Bytes  uint64 `json:"bytes"`
		SHA256 string `json:"sha256"`
	} `json:"files"`

	Taken        any `json:"taken"`
	Program      any `json:"program"`
	Organization any `json:"organization"`
	ConfigHash   any `json:"config_hash"`
	Accounts     any `json:"accounts"`
	Rules        any `json:"rules"`
	Redaction    any `json:"redaction"`
	Assumptions  any `json:"assumptions"`
}

// userCounts counts users by state.
type userCounts struct {
	Users    int `json:"users"`
	Enforced int `json:"enforced"`
	Exempt   int `json:"exempt"`
	Open     int `json:"open"`
	Unknown  int `json:"unknown"`
}

// proofCounts counts the different proofs, and the enforced users by what their proofs cover.
type proofCounts struct {
	Certificates  int `json:"certificates"`
	AnyAction     int `json:"any_action"`     // every action that AWS could have
	ListedActions int `json:"listed_actions"` // the actions of actions.jsonl
}

// A set is a line of sets.jsonl: the policies that decide the requests of a user.
type set struct {
	Identity []source   `json:"identity"`
	Boundary *source    `json:"boundary"`
	SCPs     [][]source `json:"scps"`
	RCPs     [][]source `json:"rcps"`
}

// A source is a policy by the SHA-256 of its text, or why it could not be read.
type source struct {
	Policy string `json:"policy"`
	Unread string `json:"unread"`
}

// A user is a line of users.jsonl.
type user struct {
	ARN             string          `json:"arn"`
	Account         string          `json:"account"`
	State           string          `json:"state"`
	Set             int             `json:"set"`
	Proof           *int            `json:"proof"`
	HasDevice       bool            `json:"has_device"`
	EnrollmentByKey bool            `json:"enrollment_by_key"`
	Context         *policy.Context `json:"context"`

	Example   string `json:"example"` // these are words, and not compared with anything
	Why       string `json:"why"`
	Exemption string `json:"exemption"`
}

// openPack reads a pack, except its users, and compares all hashes.
func openPack(name string) (*pack, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // to open a pipe would wait for its writer
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, errors.Join(fmt.Errorf("%s is not a regular file", name), err)
	}
	p := &pack{file: file, entries: map[string]*zip.File{}, policies: map[string]string{}, parsed: map[kindAndHash]policy.Source{}, built: map[int]*policy.Set{}}
	for _, step := range []func() error{p.directory, p.compare, p.envelope, p.load} {
		if err := step(); err != nil {
			file.Close()
			return nil, err
		}
	}
	return p, nil
}

// directory reads the list of files and the manifest.
func (p *pack) directory() error {
	sum := sha256.New()
	size, err := io.Copy(sum, p.file)
	if err != nil {
		return err
	}
	p.hash = hex.EncodeToString(sum.Sum(nil))
	if p.archive, err = zip.NewReader(p.file, size); err != nil {
		return err
	}
	var total uint64
	for _, f := range p.archive.File {
		if p.entries[f.Name] != nil {
			return fmt.Errorf("%q is there twice", f.Name)
		}
		p.entries[f.Name] = f
		if total += f.UncompressedSize64; total > mostTotal || f.UncompressedSize64 > mostTotal {
			return errors.New("the files are too large")
		}
	}
	text, err := p.read("manifest.json")
	if err != nil {
		return err
	}
	var version struct { // of any format
		Kind   string
		Format int
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return fmt.Errorf("manifest.json: %w", err)
	}
	if version.Kind != "forcemfa evidence pack" || version.Format != 1 {
		return fmt.Errorf("manifest.json: %q of format %d; this program reads evidence packs of format 1", version.Kind, version.Format)
	}
	if err := decode(text, &p.manifest); err != nil {
		return fmt.Errorf("manifest.json: %w", err)
	}
	return nil
}

// compare compares the files with the manifest.
func (p *pack) compare() error {
	listed := map[string]bool{"manifest.json": true}
	for _, f := range p.manifest.Files {
		entry := p.entries[f.Name]
		switch {
		case listed[f.Name]:
			return fmt.Errorf("manifest.json: lists %q twice", f.Name)
		case entry == nil:
			return fmt.Errorf("%s: is listed by manifest.json and is not there", f.Name)
		}
		listed[f.Name] = true
		size, sum, err := hashOf(entry)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", f.Name, err)
		case size != f.Bytes:
			return fmt.Errorf("%s: has %d bytes, and manifest.json lists %d", f.Name, size, f.Bytes)
		case sum != f.SHA256:
			return fmt.Errorf("%s: another SHA-256 than in the manifest", f.Name)
		}
	}
	for name := range p.entries {
		if !listed[name] {
			return fmt.Errorf("%s: is not listed by manifest.json", name)
		}
		if _, known := optional[name]; !known && name != "manifest.json" {
			return fmt.Errorf("has the file %q, which no pack of format 1 has", name)
		}
	}
	for name, may := range optional {
		if !may && !listed[name] {
			return fmt.Errorf("%s: is missing", name)
		}
	}
	return nil
}

// hashOf returns the number of bytes of a file, and their SHA-256. Nothing may follow the
// compressed data, where another reader could find it.
func hashOf(f *zip.File) (size uint64, hash string, err error) {
	if f.Method != zip.Deflate || f.Flags&^dataDescriptor != 0 || f.Comment != "" || len(f.Extra) > 0 {
		return 0, "", errors.New("is not stored as forcemfa stores the files of a pack")
	}
	raw, err := f.OpenRaw()
	if err != nil {
		return 0, "", err
	}
	packed, sum := bufio.NewReader(raw), sha256.New()
	n, err := io.Copy(sum, io.LimitReader(flate.NewReader(packed), int64(f.UncompressedSize64)+1))
	if err != nil {
		return 0, "", err
	}
	if uint64(n) != f.UncompressedSize64 {
		return 0, "", errors.New("has another size than in the directory of the archive")
	}
	if _, err := packed.ReadByte(); err != io.EOF {
		return 0, "", errors.New("has bytes after its compressed data")
	}
	return uint64(n), hex.EncodeToString(sum.Sum(nil)), nil
}

// dataDescriptor is the flag of a file whose sizes follow its data.
const dataDescriptor = 8

// envelope refuses an archive that is more than its files: with a comment, text before,
// between or after the files, or headers in which another reader sees something else. It
// packs the compressed data again, which gives the same bytes.
func (p *pack) envelope() error {
	sum := sha256.New()
	again := zip.NewWriter(sum)
	for _, f := range p.archive.File {
		raw, err := f.OpenRaw()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		to, err := again.CreateRaw(&zip.FileHeader{
			Name: f.Name, Method: f.Method, Flags: f.Flags, CreatorVersion: f.CreatorVersion, ReaderVersion: f.ReaderVersion,
			CRC32: f.CRC32, CompressedSize64: f.CompressedSize64, UncompressedSize64: f.UncompressedSize64,
		})
		if err == nil {
			_, err = io.Copy(to, raw)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if err := again.Close(); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != p.hash {
		return errors.New("has bytes outside of its files: a comment, text around or between the files, or other headers than forcemfa writes")
	}
	return nil
}

// load reads everything except the users.
func (p *pack) load() error {
	type document struct {
		SHA256   string `json:"sha256"`
		Name     string `json:"name"`
		Document string `json:"document"`
	}
	type action struct {
		Name      string   `json:"action"`
		Resources []string `json:"resources"`
		Any       bool     `json:"any"`
	}
	err := lines(p, "policies.jsonl", func(d *document) error {
		sum := sha256.Sum256([]byte(d.Document))
		if hex.EncodeToString(sum[:]) != d.SHA256 {
			return errors.New("the document has another SHA-256")
		}
		if _, twice := p.policies[d.SHA256]; twice {
			return errors.New("the document is there twice")
		}
		p.policies[d.SHA256] = d.Document
		return nil
	})
	if err == nil {
		err = lines(p, "sets.jsonl", func(s *set) error { p.sets = append(p.sets, *s); return nil })
	}
	if err == nil {
		err = lines(p, "proofs.jsonl", func(x *policy.Proof) error { p.proofs = append(p.proofs, *x); return nil })
	}
	if err != nil || p.entries["actions.jsonl"] == nil {
		return err
	}
	return lines(p, "actions.jsonl", func(a *action) error {
		p.actions = append(p.actions, certificate.Action{Name: a.Name, Resources: a.Resources, Any: a.Any})
		return nil
	})
}

func (p *pack) open(name string) (io.ReadCloser, error) {
	f := p.entries[name]
	if f == nil {
		return nil, fmt.Errorf("%s: is missing", name)
	}
	in, err := f.Open() // gives no more than the directory says
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return in, nil
}

// users calls do with each line of users.jsonl.
func (p *pack) users(do func(u *user) error) error { return lines(p, "users.jsonl", do) }

func (p *pack) read(name string) ([]byte, error) {
	in, err := p.open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, mostBytes+1))
	if err == nil && len(text) > mostBytes {
		err = errors.New("is too large")
	}
	return text, err
}

// lines decodes each line of a file and calls do with it.
func lines[T any](p *pack, name string, do func(value *T) error) error {
	in, err := p.open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	if most := uint64(mostBytes); name != "users.jsonl" && p.entries[name].UncompressedSize64 > most {
		return fmt.Errorf("%s is too large", name)
	}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, mostLine)
	number := 0
	for scanner.Scan() {
		number++
		value := new(T)
		err := decode(scanner.Bytes(), value)
		if err == nil {
			err = do(value)
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", name, number, err)
		}
	}
	return scanner.Err()
}

// decode decodes a JSON text that has no other members than a value, and none twice.
func decode(text []byte, value any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(value); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	if member := duplicate(text); member != "" {
		return fmt.Errorf("the member %q is there twice", member)
	}
	return nil
}
