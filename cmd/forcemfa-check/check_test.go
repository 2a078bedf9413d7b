package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/evidence"
	"forcemfa/internal/org"
	forcemfarun "forcemfa/internal/run"
)

func samplePack(t *testing.T) string {
	t.Helper()
	header, accounts := sample.Organization()
	b, err := baseline.Parse("forcemfa.yaml", sample.Config())
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "pack.zip")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := evidence.Input{
		Header: &header, Baseline: b, Now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Program: evidence.Program{Version: "devel"}, Head: forcemfarun.Head{Partition: "aws"},
		Formats: evidence.Formats{OCSF: noFindings, OSCAL: noFindings},
		Accounts: func(yield func(*org.Account, error) bool) {
			for i := range accounts {
				if !yield(&accounts[i], nil) {
					return
				}
			}
		},
	}
	if _, err := evidence.Write(file, in); err != nil {
		t.Fatal(err)
	}
	return name
}

func noFindings(io.Writer, *forcemfarun.Head) (audit.Sink, func() error) {
	return forcemfarun.NewWriter(io.Discard, forcemfarun.Head{}), func() error { return nil }
}

func TestProofsOfThePackAreAccepted(t *testing.T) {
	var out bytes.Buffer
	if err := run(samplePack(t), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"proved     5 of 70 users", "not proved 11 exempt, 54 open, 0 unknown", "5 for every action", "iam:EnableMFADevice", "SHA-256 "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// changed packs the files again after a change, with hashes that fit.
func changed(t *testing.T, name string, change func(file, text string) string) string {
	t.Helper()
	return renamed(t, name, func(file string) string { return file }, change)
}

// renamed is changed, with other names of the files; empty: the file is left out.
func renamed(t *testing.T, name string, rename func(file string) string, change func(file, text string) string) string {
	t.Helper()
	archive, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var out bytes.Buffer
	w, hashes := zip.NewWriter(&out), []map[string]any{}
	for _, f := range archive.File {
		as := rename(f.Name)
		if as == "" {
			continue
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == "manifest.json" {
			var m map[string]any
			if err := json.Unmarshal(text, &m); err != nil {
				t.Fatal(err)
			}
			m["files"] = hashes
			text, _ = json.MarshalIndent(m, "", "  ")
		}
		text = []byte(change(f.Name, string(text)))
		sum := sha256.Sum256(text)
		hashes = append(hashes, map[string]any{"name": as, "bytes": len(text), "sha256": hex.EncodeToString(sum[:])})
		entry, err := w.Create(as)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return written(t, out.Bytes())
}

func TestWhatIsNotProvedIsRefused(t *testing.T) {
	pack := samplePack(t)
	if err := run(changed(t, pack, func(_, text string) string { return text }), io.Discard); err != nil {
		t.Fatalf("an unchanged pack: %v", err)
	}
	for name, row := range map[string]struct{ file, from, to, why string }{
		"another state":      {"users.jsonl", `"state":"open"`, `"state":"enforced"`, "has no proof"},
		"another proof":      {"users.jsonl", `"proof":0`, `"proof":1`, "is not proved"},
		"another set":        {"users.jsonl", `"set":`, `"set":99`, "there is no set"},
		"another name":       {"users.jsonl", `"aws:username":"`, `"aws:username":"x`, "the condition key aws:username"},
		"another account":    {"users.jsonl", `"account":"`, `"account":"9`, "is not the ARN"},
		"an MFA key":         {"users.jsonl", `"context":{`, `"context":{"aws:multifactorauthpresent":"true",`, "does not belong to a user"},
		"no enrollment set":  {"manifest.json", `"iam:GetUser"`, `"iam:None"`, "is not proved"},
		"forwarded calls":    {"manifest.json", `"forwarded_calls_pass": true`, `"forwarded_calls_pass": false`, "no case for requests with a call forwarded"},
		"a policy":           {"policies.jsonl", `Deny`, `Allow`, "another SHA-256"},
		"a set":              {"sets.jsonl", `"policy":"`, `"policy":"0`, "is not in policies.jsonl"},
		"a newer format":     {"manifest.json", `"format": 1`, `"format": 2`, "reads evidence packs of format 1"},
		"a member twice":     {"manifest.json", `"kind":`, `"KIND": "forcemfa evidence pack", "kind":`, "is there twice"},
		"a line without end": {"users.jsonl", `{`, `{"arn":`, "line 1"},

		"a member twice in a user":    {"users.jsonl", `"state":"open"`, `"state":"enforced","State":"open"`, `users.jsonl, line 1: the member "State" is there twice`},
		"a condition key twice":       {"users.jsonl", `"context":{`, `"context":{"aws:principaltype":"Role",`, `users.jsonl, line 1: the member "aws:principaltype" is there twice`},
		"a member twice in a set":     {"sets.jsonl", `{"identity":`, `{"identity":[],"identity":`, `sets.jsonl, line 1: the member "identity" is there twice`},
		"a member twice in a policy":  {"policies.jsonl", `"document":`, `"document":"{}","document":`, `policies.jsonl, line 1: the member "document" is there twice`},
		"a member twice in a proof":   {"proofs.jsonl", `"strict":`, `"strict":false,"strict":`, `proofs.jsonl, line 1: the member "strict" is there twice`},
		"a member more":               {"users.jsonl", `"state":`, `"note":"MFA is enforced","state":`, `users.jsonl, line 1: json: unknown field "note"`},
		"a member more in a policy":   {"policies.jsonl", `"name":`, `"note":"","name":`, `policies.jsonl, line 1: json: unknown field "note"`},
		"a member more in a manifest": {"manifest.json", `"kind":`, `"note":"", "kind":`, `manifest.json: json: unknown field "note"`},
		"a line with two values":      {"sets.jsonl", "}\n", "}{}\n", "sets.jsonl, line 1: "},
		"an unknown state":            {"users.jsonl", `"state":"open"`, `"state":"fine"`, `users.jsonl, line 1: "fine" is no state of a user`},
		"a proof of an open user":     {"users.jsonl", `"state":"open"`, `"state":"open","proof":0`, "users.jsonl, line 1: only an enforced user has a proof"},
		"a number of users":           {"manifest.json", `"enforced": 5`, `"enforced": 55`, `manifest.json: "users" is`},
		"a number of proofs":          {"manifest.json", `"any_action": 5`, `"any_action": 55`, `manifest.json: "proofs" is`},
		"a number of certificates":    {"manifest.json", `"certificates": `, `"certificates": 1`, `manifest.json: "proofs" is`},
		"a size":                      {"manifest.json", `"bytes": `, `"bytes": 1`, "README.txt: has"},
		"a time that is none":         {"manifest.json", `"as_of": "2026-`, `"as_of": "always, 2026-`, "manifest.json: "},
		"a file that is not there":    {"manifest.json", `"name": "README.txt"`, `"name": "LIESMICH.txt"`, "LIESMICH.txt: is listed by manifest.json and is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			n := -1 // every place
			err := run(changed(t, pack, func(file, text string) string {
				if file == row.file {
					if !strings.Contains(text, row.from) {
						t.Fatalf("no %s in %s", row.from, file)
					}
					return strings.Replace(text, row.from, row.to, n)
				}
				return text
			}), io.Discard)
			if err == nil || !strings.Contains(err.Error(), row.why) {
				t.Errorf("%v, want %s", err, row.why)
			}
		})
	}
	text, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 10, len(text) / 2, len(text) - 1} {
		short := filepath.Join(t.TempDir(), "short.zip")
		if err := os.WriteFile(short, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if run(short, io.Discard) == nil {
			t.Errorf("accepted with %d bytes", cut)
		}
	}
	if run(filepath.Join(t.TempDir(), "missing.zip"), io.Discard) == nil {
		t.Error("a missing file is accepted")
	}
}

// A zipped is a file of an archive as it is stored.
type zipped struct {
	zip.FileHeader
	raw []byte
}

// repacked stores the files again after a change, in which hide writes into the archive.
func repacked(t *testing.T, name, comment string, change func(f *zipped)) string {
	t.Helper()
	archive, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range archive.File {
		in, err := f.OpenRaw()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		stored := &zipped{f.FileHeader, raw}
		if f.Name == "users.jsonl" {
			change(stored)
		}
		to, err := w.CreateRaw(&stored.FileHeader)
		if err == nil {
			_, err = to.Write(stored.raw)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.SetComment(comment), w.Close()); err != nil {
		t.Fatal(err)
	}
	return written(t, out.Bytes())
}

func written(t *testing.T, text []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "changed.zip")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Whatever is in the archive in addition to the hashed text of its files could be all that
// another reader sees.
func TestBytesOutsideOfTheFilesAreRefused(t *testing.T) {
	pack := samplePack(t)
	if err := run(repacked(t, pack, "", func(*zipped) {}), io.Discard); err != nil {
		t.Fatalf("an unchanged pack: %v", err)
	}
	const outside, form = "has bytes outside of its files", "users.jsonl: is not stored as forcemfa stores"
	for name, row := range map[string]struct {
		change func(f *zipped)
		why    string
	}{
		"a comment of a file": {func(f *zipped) { f.Comment = "all users are enforced" }, form},
		"an extra field":      {func(f *zipped) { f.Extra = []byte("\x99\x99\x04\x00text") }, form},
		"an encrypted file":   {func(f *zipped) { f.Flags |= 1 }, form},
		"a date":              {func(f *zipped) { f.ModifiedDate = 0x5b7c }, outside},
		"text between files": {func(f *zipped) {
			f.Flags = 0 // the sizes are before the data
			f.raw = append(f.raw, "hidden"...)
		}, outside},
		"text after the compressed data": {func(f *zipped) {
			f.raw = append(f.raw, "hidden"...)
			f.CompressedSize64 += 6
		}, "users.jsonl: has bytes after its compressed data"},
		"more text than the directory says": {func(f *zipped) { f.UncompressedSize64 -= 10 }, "users.jsonl: has"},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, repacked(t, pack, "", row.change), row.why) })
	}
	text, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, repacked(t, pack, "all users are enforced", func(*zipped) {}), outside)
	refuse(t, written(t, append([]byte("#!/bin/sh\n"), text...)), outside)
	refuse(t, written(t, append(bytes.Clone(text), text[:100]...)), outside)
}

func refuse(t *testing.T, pack, why string) {
	t.Helper()
	if err := run(pack, io.Discard); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("%v, want %s", err, why)
	}
}

func TestFilesAndLinesAreThereOnce(t *testing.T) {
	pack := samplePack(t)
	twice := func(name string) func(file, text string) string {
		return func(file, text string) string {
			if file == name {
				return text + text[:strings.IndexByte(text, '\n')+1]
			}
			return text
		}
	}
	refuse(t, changed(t, pack, twice("users.jsonl")), "users.jsonl, line 71: arn:aws:iam::111111111111:user/admin is there twice")
	refuse(t, changed(t, pack, twice("policies.jsonl")), "the document is there twice")
	less := func(file, text string) string {
		if file == "users.jsonl" {
			return text[strings.IndexByte(text, '\n')+1:]
		}
		return text
	}
	refuse(t, changed(t, pack, less), `manifest.json: "users" is`)
	unchanged := func(_, text string) string { return text }
	for file, as := range map[string]struct{ name, why string }{
		"snapshot.jsonl": {"", "snapshot.jsonl: is missing"},
		"config.json":    {"", "config.json: is missing"},
		"README.txt":     {"NOTE.txt", `has the file "NOTE.txt", which no pack of format 1 has`},
	} {
		rename := func(name string) string {
			if name == file {
				return as.name
			}
			return name
		}
		refuse(t, renamed(t, pack, rename, unchanged), as.why)
	}
	refuse(t, changed(t, pack, func(file, text string) string {
		if file != "manifest.json" {
			return text
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		m["files"] = m["files"].([]any)[1:]
		out, _ := json.Marshal(m)
		return string(out)
	}), "README.txt: is not listed by manifest.json")
}
