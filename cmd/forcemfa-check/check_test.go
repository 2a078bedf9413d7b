package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	archive, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var out bytes.Buffer
	w, hashes := zip.NewWriter(&out), []map[string]any{}
	for _, f := range archive.File {
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
		hashes = append(hashes, map[string]any{"name": f.Name, "bytes": len(text), "sha256": hex.EncodeToString(sum[:])})
		entry, err := w.Create(f.Name)
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
	again := filepath.Join(t.TempDir(), "changed.zip")
	if err := os.WriteFile(again, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return again
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
