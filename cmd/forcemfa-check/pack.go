package main

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"forcemfa/policy"
	"forcemfa/policy/prove/certificate"
)

// The limits of a pack. They keep a hostile pack from filling the memory.
const (
	mostBytes = 64 << 20 // of a file that is read whole
	mostTotal = 8 << 30  // of all files
	mostLine  = 4 << 20
)

// A pack is an evidence pack whose files have the hashes of its manifest.
type pack struct {
	file     *os.File
	hash     string // SHA-256 of the whole file
	entries  map[string]*zip.File
	manifest manifest

	policies map[string]string // the documents, by the SHA-256 of their text
	sets     []set
	proofs   []policy.Proof
	actions  []certificate.Action

	parsed map[kindAndHash]policy.Source
	built  map[int]*policy.Set
}

// A manifest is the part of manifest.json that matters here.
type manifest struct {
	Kind   string `json:"kind"`
	Format int    `json:"format"`
	AsOf   string `json:"as_of"`
	Claim  struct {
		Enrollment         []string        `json:"enrollment"`
		ForwardedCallsPass bool            `json:"forwarded_calls_pass"`
		Observed           policy.Observed `json:"observed"`
	} `json:"claim"`
	Files []struct {
		Name   string `json:"name"`
		SHA256 string `json:"sha256"`
	} `json:"files"`
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
	for _, step := range []func() error{p.directory, p.compare, p.load} {
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
	archive, err := zip.NewReader(p.file, size)
	if err != nil {
		return err
	}
	var total uint64
	for _, f := range archive.File {
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
	if err := json.Unmarshal(text, &p.manifest); err != nil {
		return fmt.Errorf("manifest.json: %w", err)
	}
	if member := duplicate(text); member != "" {
		return fmt.Errorf("manifest.json: the member %q is there twice", member)
	}
	if p.manifest.Kind != "forcemfa evidence pack" || p.manifest.Format != 1 {
		return fmt.Errorf("manifest.json: %q of format %d; this program reads evidence packs of format 1", p.manifest.Kind, p.manifest.Format)
	}
	return nil
}

// compare compares the files with the manifest.
func (p *pack) compare() error {
	if len(p.entries) != len(p.manifest.Files)+1 {
		return errors.New("the manifest lists other files")
	}
	listed := map[string]bool{"manifest.json": true}
	for _, f := range p.manifest.Files {
		if listed[f.Name] {
			return fmt.Errorf("the manifest lists %s twice", f.Name)
		}
		listed[f.Name] = true
		in, err := p.open(f.Name)
		if err != nil {
			return err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, in)
		in.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
			return fmt.Errorf("%s: another SHA-256 than in the manifest", f.Name)
		}
	}
	return nil
}

// load reads everything except the users.
func (p *pack) load() error {
	type document struct {
		SHA256   string `json:"sha256"`
		Document string `json:"document"`
	}
	type action struct {
		Name      string   `json:"action"`
		Resources []string `json:"resources"`
		Any       bool     `json:"any"`
	}
	err := lines(p, "policies.jsonl", func(_ int, d *document) error {
		sum := sha256.Sum256([]byte(d.Document))
		if hex.EncodeToString(sum[:]) != d.SHA256 {
			return errors.New("the document has another SHA-256")
		}
		p.policies[d.SHA256] = d.Document
		return nil
	})
	if err == nil {
		err = lines(p, "sets.jsonl", func(_ int, s *set) error { p.sets = append(p.sets, *s); return nil })
	}
	if err == nil {
		err = lines(p, "proofs.jsonl", func(_ int, x *policy.Proof) error { p.proofs = append(p.proofs, *x); return nil })
	}
	if err != nil || p.entries["actions.jsonl"] == nil {
		return err
	}
	return lines(p, "actions.jsonl", func(_ int, a *action) error {
		p.actions = append(p.actions, certificate.Action{Name: a.Name, Resources: a.Resources, Any: a.Any})
		return nil
	})
}

func (p *pack) open(name string) (io.ReadCloser, error) {
	f := p.entries[name]
	if f == nil {
		return nil, fmt.Errorf("%s is missing", name)
	}
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return struct { // never more than the directory says
		io.Reader
		io.Closer
	}{io.LimitReader(in, int64(f.UncompressedSize64)), in}, nil
}

// users calls do with each line of users.jsonl.
func (p *pack) users(do func(line int, u *user) error) error { return lines(p, "users.jsonl", do) }

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

// lines decodes each line of a file and calls do with it and its number from 1.
func lines[T any](p *pack, name string, do func(line int, value *T) error) error {
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
		err := json.Unmarshal(scanner.Bytes(), value)
		if err == nil {
			err = do(number, value)
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", name, number, err)
		}
	}
	return scanner.Err()
}
