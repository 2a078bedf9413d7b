package evidence_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/evidence"
	"forcemfa/internal/testdepth"
	"forcemfa/policy"
)

// An entry is a file of an archive.
type entry struct {
	name string
	text []byte
}

// A forgery is a pack taken apart.
type forgery struct {
	t       testing.TB
	entries []entry
}

func takeApart(t testing.TB, pack []byte) *forgery {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	if err != nil {
		t.Fatal(err)
	}
	f := &forgery{t: t}
	for _, file := range archive.File {
		in, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		f.entries = append(f.entries, entry{file.Name, text})
	}
	return f
}

func (f *forgery) at(name string) *entry {
	i := slices.IndexFunc(f.entries, func(e entry) bool { return e.name == name })
	if i < 0 {
		f.t.Fatalf("the pack has no %s", name)
	}
	return &f.entries[i]
}

// replace replaces text in a file, and fails if there is none.
func (f *forgery) replace(name, from, to string) {
	f.t.Helper()
	e := f.at(name)
	if !bytes.Contains(e.text, []byte(from)) {
		f.t.Fatalf("%s has no %s", name, from)
	}
	e.text = bytes.Replace(e.text, []byte(from), []byte(to), 1)
}

// line edits the first line of a JSON Lines file that has a text.
func (f *forgery) line(name, with string, edit func(line map[string]any)) {
	f.t.Helper()
	lines := strings.SplitAfter(string(f.at(name).text), "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, with) })
	if i < 0 {
		f.t.Fatalf("%s has no line with %s", name, with)
	}
	var value map[string]any
	if err := json.Unmarshal([]byte(lines[i]), &value); err != nil {
		f.t.Fatal(err)
	}
	edit(value)
	text, err := json.Marshal(value)
	if err != nil {
		f.t.Fatal(err)
	}
	lines[i] = string(text) + "\n"
	f.at(name).text = []byte(strings.Join(lines, ""))
}

// manifest edits the manifest.
func (f *forgery) manifest(edit func(m *evidence.Manifest)) {
	f.t.Helper()
	var m evidence.Manifest
	if err := json.Unmarshal(f.at("manifest.json").text, &m); err != nil {
		f.t.Fatal(err)
	}
	edit(&m)
	text, err := json.Marshal(m)
	if err != nil {
		f.t.Fatal(err)
	}
	f.at("manifest.json").text = text
}

// hash writes the sizes and hashes of the files into the manifest.
func (f *forgery) hash() {
	f.manifest(func(m *evidence.Manifest) {
		m.Files = nil
		for _, e := range f.entries {
			if e.name != "manifest.json" {
				sum := sha256.Sum256(e.text)
				m.Files = append(m.Files, evidence.File{Name: e.name, Bytes: int64(len(e.text)), SHA256: hex.EncodeToString(sum[:])})
			}
		}
	})
}

// seal writes the hash at the end of the run.
func (f *forgery) seal() {
	e := f.at("run.jsonl")
	body := e.text[:bytes.LastIndex(e.text, []byte(`{"sha256":`))]
	sum := sha256.Sum256(body)
	e.text = fmt.Appendf(bytes.Clone(body), "{\"sha256\":%q}\n", hex.EncodeToString(sum[:]))
}

func (f *forgery) pack() []byte {
	f.t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, e := range f.entries {
		file, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Deflate})
		if err != nil {
			f.t.Fatal(err)
		}
		if _, err := file.Write(e.text); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		f.t.Fatal(err)
	}
	return out.Bytes()
}

const enforced, openUser = `"state":"enforced"`, `"state":"open"`

// forgeries are packs that somebody changed, with hashes and numbers that fit again, and
// a part of the reason why each is refused.
var forgeries = map[string]struct {
	forge func(f *forgery)
	why   string
}{
	"an open user becomes enforced, with another user's proof": {func(f *forgery) {
		f.line("users.jsonl", openUser, func(u map[string]any) { u["state"], u["proof"] = "enforced", 0 })
	}, "and the snapshot and config make it open"},
	"an enforced user gets another proof": {func(f *forgery) {
		f.line("users.jsonl", enforced, func(u map[string]any) { u["proof"] = int(u["proof"].(float64)+1) % 4 })
	}, "independent checker refuses the proof"},
	"an enforced user gets no proof": {func(f *forgery) {
		f.line("users.jsonl", enforced, func(u map[string]any) { delete(u, "proof") })
	}, "an enforced user has a proof"},
	"an open user gets a proof": {func(f *forgery) {
		f.line("users.jsonl", openUser, func(u map[string]any) { u["proof"] = 0 })
	}, "only an enforced user"},
	"a proof that is not there": {func(f *forgery) {
		f.line("users.jsonl", enforced, func(u map[string]any) { u["proof"] = 99 })
	}, "there is no proof 99"},
	"a set that is not there": {func(f *forgery) {
		f.line("users.jsonl", enforced, func(u map[string]any) { u["set"] = -1 })
	}, "there is no set -1"},
	"the set of another user": {func(f *forgery) {
		f.line("users.jsonl", enforced, func(u map[string]any) { u["set"] = 0 })
	}, "has other policies in the snapshot"},
	"other condition keys": {func(f *forgery) {
		f.line("users.jsonl", enforced, func(u map[string]any) { u["context"].(map[string]any)["aws:principaltag/team"] = "x" })
	}, "other condition keys"},
	"a device that is not there": {func(f *forgery) {
		f.line("users.jsonl", enforced, func(u map[string]any) { u["has_device"] = !u["has_device"].(bool) })
	}, "condition keys or devices"},
	"another user's name": {func(f *forgery) {
		f.line("users.jsonl", enforced, func(u map[string]any) { u["arn"] = "arn:aws:iam::111111111111:user/nobody" })
	}, "is about arn:aws:iam::111111111111:user/nobody"},
	"a user less": {func(f *forgery) {
		e := f.at("users.jsonl")
		e.text = e.text[bytes.IndexByte(e.text, '\n')+1:]
	}, "and the snapshot has"},
	"the last user is left out": {func(f *forgery) {
		e := f.at("users.jsonl")
		e.text = e.text[:bytes.LastIndexByte(e.text[:len(e.text)-1], '\n')+1]
	}, "is in the snapshot and not here"},
	"a user more": {func(f *forgery) {
		e := f.at("users.jsonl")
		e.text = append(bytes.Clone(e.text), e.text[:bytes.IndexByte(e.text, '\n')+1]...)
	}, "more users than in the snapshot"},
	"a policy with another text": {func(f *forgery) {
		f.replace("policies.jsonl", `\"Effect\":\"Allow\"`, `\"Effect\":\"Deny\"`)
	}, "has another SHA-256"},
	"a policy with another text and hash": {func(f *forgery) {
		f.line("policies.jsonl", "sha256", func(p map[string]any) {
			p["document"] = strings.Replace(p["document"].(string), "Allow", "Deny", 1)
			sum := sha256.Sum256([]byte(p["document"].(string)))
			old := p["sha256"].(string)
			p["sha256"] = hex.EncodeToString(sum[:])
			f.at("sets.jsonl").text = bytes.ReplaceAll(f.at("sets.jsonl").text, []byte(old), []byte(p["sha256"].(string)))
		})
	}, "has other policies in the snapshot"},
	"a policy twice": {func(f *forgery) {
		e := f.at("policies.jsonl")
		e.text = append(bytes.Clone(e.text), e.text[:bytes.IndexByte(e.text, '\n')+1]...)
	}, "is there twice"},
	"a set with a document that is not there": {func(f *forgery) {
		f.line("sets.jsonl", "policy", func(s map[string]any) {
			s["identity"].([]any)[0].(map[string]any)["policy"] = strings.Repeat("0", 64)
		})
	}, "is not in policies.jsonl"},
	"a proof without one of its cases": {func(f *forgery) {
		e := f.at("proofs.jsonl")
		var out []byte
		for _, l := range bytes.SplitAfter(bytes.TrimSuffix(e.text, []byte("\n")), []byte("\n")) {
			var p policy.Proof
			if err := json.Unmarshal(l, &p); err != nil {
				f.t.Fatal(err)
			}
			p.Cases = p.Cases[1:]
			text, _ := json.Marshal(p)
			out = append(append(out, text...), '\n')
		}
		e.text = out
	}, "has no case for requests"},
	"a proof that names a document that is not there": {func(f *forgery) {
		f.at("proofs.jsonl").text = bytes.ReplaceAll(f.at("proofs.jsonl").text, []byte(`"source":`), []byte(`"source":77`))
	}, "there is no policy 77"},
	"the enrollment set in the manifest": {func(f *forgery) {
		f.manifest(func(m *evidence.Manifest) { m.Claim.Enrollment = m.Claim.Enrollment[1:] })
	}, `"claim" is`},
	"the numbers in the manifest": {func(f *forgery) {
		f.manifest(func(m *evidence.Manifest) { m.Users.Open--; m.Users.Enforced++ })
	}, `"users" is`},
	"the unread accounts in the manifest": {func(f *forgery) {
		f.manifest(func(m *evidence.Manifest) { m.Accounts.Unread = 7 })
	}, `"accounts" is`},
	"the assumptions in the manifest": {func(f *forgery) {
		f.manifest(func(m *evidence.Manifest) { m.Assumptions = m.Assumptions[1:] })
	}, `"assumptions" are not those`},
	"the organization in the manifest": {func(f *forgery) {
		f.manifest(func(m *evidence.Manifest) { m.Organization = "o-other12345" })
	}, "its organization or config is not the one in the manifest"},
	"the time in the manifest": {func(f *forgery) {
		f.manifest(func(m *evidence.Manifest) { m.AsOf = m.AsOf.AddDate(20, 0, 0) })
	}, "its time is not the one in the manifest"},
	"the time in the manifest and the run, after an exemption expired": {func(f *forgery) {
		f.manifest(func(m *evidence.Manifest) { m.AsOf = m.AsOf.AddDate(20, 0, 0) })
		f.replace("run.jsonl", `"time":"2026`, `"time":"2046`)
		f.seal()
	}, "and the snapshot and config make it"},
	"a state in the run": {func(f *forgery) {
		f.replace("run.jsonl", openUser, enforced)
	}, "the hash does not fit"},
	"a state in the run, with a hash that fits": {func(f *forgery) {
		f.replace("run.jsonl", openUser, enforced)
		f.seal()
	}, `run.jsonl: "state" of the user "arn:aws:iam::111111111111:user/admin" is not what`},
	"a finding of the run": {func(f *forgery) {
		f.replace("run.jsonl", `"severity":"critical"`, `"severity":"low"`)
		f.seal()
	}, `run.jsonl: "severity" of the finding "exemption-name-settable/`},
	"a sentence of the run": {func(f *forgery) {
		f.replace("run.jsonl", `"what":"`, `"what":"not `)
		f.seal()
	}, "run.jsonl: is not the one that the snapshot and the config give"},
	"the findings for other programs": {func(f *forgery) {
		f.replace("findings.ocsf.json", "user-open", "user-okay")
	}, "findings.ocsf.json: is not the one that the snapshot and the config give"},
	"the assessment results": {func(f *forgery) {
		f.replace("assessment-results.oscal.json", "critical", "low")
	}, "assessment-results.oscal.json: is not the one that the snapshot and the config give"},
	"no assessment results": {func(f *forgery) { f.drop("assessment-results.oscal.json") }, "assessment-results.oscal.json: is missing"},
	"an exemption in the config": {func(f *forgery) {
		f.replace("config.json", `"tag": "userType=Service"`, `"name": "*"`)
	}, "is open here, and the snapshot and config make it exempt"},
	"the README": {func(f *forgery) { f.replace("README.txt", "explicit Deny", "all") }, "is not what forcemfa 1.0.0 writes"},
	"a device in the snapshot": {func(f *forgery) {
		f.replace("snapshot.jsonl", `"mfa":"yes","devices"`, `"mfa":"no","devices"`)
	}, "condition keys or devices"},
	"an account twice": {func(f *forgery) {
		e := f.at("snapshot.jsonl")
		lines := bytes.SplitAfter(e.text, []byte("\n"))
		e.text = append(bytes.Clone(e.text), lines[len(lines)-2]...)
	}, "is there twice"},
	"a list of actions that no proof relies on": {func(f *forgery) {
		f.entries = slices.Insert(f.entries, len(f.entries)-1, entry{"actions.jsonl", []byte(`{"action":"s3:GetObject"}` + "\n")})
	}, "no proof relies on it"},
	"another member": {func(f *forgery) {
		f.line("users.jsonl", enforced, func(u map[string]any) { u["note"] = "x" })
	}, `unknown field "note"`},
	"a member of a user twice": {func(f *forgery) {
		f.replace("users.jsonl", openUser, enforced+`,"State":"open"`)
	}, `member "State" is there twice`},
	"a condition key twice": {func(f *forgery) {
		f.replace("users.jsonl", `"context":{`, `"context":{"aws:principaltype":"Role",`)
	}, `users.jsonl, line 1: member "aws:principaltype" is there twice`},
	"a member of a set twice": {func(f *forgery) {
		f.replace("sets.jsonl", `{"identity":`, `{"identity":[],"identity":`)
	}, `sets.jsonl, line 1: member "identity" is there twice`},
	"a member of a policy twice": {func(f *forgery) {
		f.replace("policies.jsonl", `"document":`, `"document":"{}","document":`)
	}, `policies.jsonl, line 1: member "document" is there twice`},
	"a member of a proof twice": {func(f *forgery) {
		f.replace("proofs.jsonl", `"strict":`, `"strict":false,"strict":`)
	}, `proofs.jsonl, line 1: member "strict" is there twice`},
	"a member of the config twice": {func(f *forgery) {
		f.replace("config.json", `"hash":`, `"hash":"","hash":`)
	}, `config.json: member "hash" is there twice`},
	"a member of the manifest twice": {func(f *forgery) {
		f.hash()
		f.at("manifest.json").text = bytes.Replace(f.at("manifest.json").text, []byte(`"format":`), []byte(`"Users":{"users":67,"enforced":67},"format":`), 1)
	}, "is there twice"},
	"text after the manifest": {func(f *forgery) {
		f.hash()
		f.at("manifest.json").text = append(f.at("manifest.json").text, "{}"...)
	}, "after top-level value"},
	"a newer version": {func(f *forgery) {
		f.manifest(func(m *evidence.Manifest) { m.Format = 2; m.Program.Version = "9.9" })
	}, "the pack has format 2 and was written by forcemfa 9.9; this version reads format 1"},
	"something else": {func(f *forgery) { f.manifest(func(m *evidence.Manifest) { m.Kind = "x" }) }, `"kind" is "x"`},
}

func TestForgeriesAreRefused(t *testing.T) {
	pack := samplePack(t)
	if _, err := check(func() []byte { f := takeApart(t, pack); f.hash(); return f.pack() }()); err != nil {
		t.Fatalf("a pack that was only packed again: %v", err)
	}
	for name, row := range testdepth.Cases(forgeries, 3) {
		t.Run(name, func(t *testing.T) {
			f := takeApart(t, pack)
			row.forge(f)
			if text := f.at("manifest.json").text; !bytes.HasSuffix(text, []byte("}{}")) && !bytes.Contains(text, []byte(`"Users"`)) {
				f.hash()
			}
			refuse(t, f.pack(), row.why)
		})
	}
}

// refuse expects a refusal in one short line.
func refuse(t *testing.T, pack []byte, why string) {
	t.Helper()
	_, err := check(pack)
	switch {
	case err == nil:
		t.Error("is accepted")
	case !strings.Contains(err.Error(), why):
		t.Errorf("refused: %v\nwant %s", err, why)
	case strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 1000:
		t.Errorf("the reason is not one short line: %q", err)
	}
}

// archives are packs whose ZIP file is hostile.
var archives = map[string]struct {
	forge func(f *forgery)
	why   string
}{
	"an extra file":           {func(f *forgery) { f.entries = append(f.entries, entry{"extra.txt", nil}) }, `has the file "extra.txt"`},
	"a path with ..":          {func(f *forgery) { f.entries = append(f.entries, entry{"../users.jsonl", nil}) }, `has the file "../users.jsonl"`},
	"an absolute path":        {func(f *forgery) { f.entries = append(f.entries, entry{"/etc/passwd", nil}) }, `has the file "/etc/passwd"`},
	"a folder":                {func(f *forgery) { f.entries = append(f.entries, entry{"x/", nil}) }, `has the file "x/"`},
	"a name with a line feed": {func(f *forgery) { f.entries = append(f.entries, entry{"a\nb", nil}) }, `has the file "a\nb"`},
	"a file twice":            {func(f *forgery) { f.entries = append(f.entries, entry{"users.jsonl", nil}) }, "is there twice"},
	"two manifests":           {func(f *forgery) { f.entries = append(f.entries, *f.at("manifest.json")) }, "is there twice"},
	"many files": {func(f *forgery) {
		for i := range 5000 {
			f.entries = append(f.entries, entry{fmt.Sprint(i), nil})
		}
	}, "has 5011 files"},
	"no manifest": {func(f *forgery) { f.entries = f.entries[:len(f.entries)-1] }, "has no manifest.json"},
	"no users": {func(f *forgery) {
		f.entries = slices.DeleteFunc(f.entries, func(e entry) bool { return e.name == "users.jsonl" })
	}, "is listed by the manifest and is not there"},
	"no users, nor in the list": {func(f *forgery) {
		f.entries = slices.DeleteFunc(f.entries, func(e entry) bool { return e.name == "users.jsonl" })
		f.hash()
	}, "users.jsonl: is missing"},
	"an unlisted file":         {func(f *forgery) { f.entries = append(f.entries, entry{"actions.jsonl", nil}) }, "is not listed by the manifest"},
	"a file with another text": {func(f *forgery) { f.at("README.txt").text[0] ^= 1 }, "its SHA-256 is not the one in the manifest"},
	"a file with a byte more":  {func(f *forgery) { f.at("README.txt").text = append(f.at("README.txt").text, 'x') }, "and the manifest lists"},
	"a zip bomb":               {func(f *forgery) { f.at("snapshot.jsonl").text = make([]byte, 160<<20); f.hash() }, "times as large after decompression"},
	"100 MB of certificates": {func(f *forgery) {
		f.at("proofs.jsonl").text = bytes.Repeat(f.at("proofs.jsonl").text, 100<<20/len(f.at("proofs.jsonl").text))
		f.hash()
	}, "proofs.jsonl: has"},
	"a manifest that is no JSON": {func(f *forgery) { f.at("manifest.json").text = []byte("{") }, "manifest.json: "},
	"a deep manifest":            {func(f *forgery) { f.at("manifest.json").text = bytes.Repeat([]byte("["), 1<<20) }, "manifest.json: "},
	"a long line":                {func(f *forgery) { f.at("users.jsonl").text = bytes.Repeat([]byte(" q9"), 2<<20); f.hash() }, "users.jsonl, line 1: "},
	"no lines":                   {func(f *forgery) { f.at("snapshot.jsonl").text = nil; f.hash() }, "the snapshot is empty"},
}

func TestHostileArchivesAreRefusedInLittleMemory(t *testing.T) {
	pack := samplePack(t)
	for name, row := range testdepth.Cases(archives, 3) {
		t.Run(name, func(t *testing.T) {
			f := takeApart(t, pack)
			row.forge(f)
			hostile := f.pack()
			f.entries = nil
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			refuse(t, hostile, row.why)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 128<<20 {
				t.Errorf("%d MB were allocated", used>>20)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	for _, text := range [][]byte{nil, []byte("PK"), pack[:len(pack)-1], pack[len(pack)/2:], append([]byte("x"), pack...), append(bytes.Clone(pack), pack...)[:len(pack)+9]} {
		if _, err := check(text); err == nil {
			t.Errorf("%d bytes are accepted", len(text))
		}
	}
}

// A proof whose check would not end in reasonable time is refused.
func TestAnEndlessProofIsRefused(t *testing.T) {
	f := takeApart(t, samplePack(t))
	var out []byte
	for _, l := range bytes.SplitAfter(bytes.TrimSuffix(f.at("proofs.jsonl").text, []byte("\n")), []byte("\n")) {
		var p policy.Proof
		if err := json.Unmarshal(l, &p); err != nil {
			t.Fatal(err)
		}
		for i := range p.Cases {
			cells := p.Cases[i].Cells
			// The cells for every resource go, so that all requests are tried with
			// many cells that do not cover them.
			cell := cells[0]
			cell.Resource = "arn:aws:s3:::none"
			p.Cases[i].Cells = slices.Repeat([]policy.ProofCell{cell}, 20_000)
		}
		text, _ := json.Marshal(p)
		out = append(append(out, text...), '\n')
	}
	f.at("proofs.jsonl").text = out
	f.hash()
	began := time.Now()
	_, err := check(f.pack())
	if err == nil || time.Since(began) > time.Minute {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func FuzzCheck(f *testing.F) {
	pack := samplePack(f)
	f.Add(pack)
	for _, name := range []string{"users.jsonl", "sets.jsonl", "proofs.jsonl", "policies.jsonl"} {
		part := takeApart(f, pack)
		part.at(name).text = nil
		part.hash()
		f.Add(part.pack())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := check(text); err == nil && !bytes.Equal(text, pack) {
			// The archive may be written in another way; its files decide.
			again := takeApart(t, text)
			for i, e := range takeApart(t, pack).entries {
				if again.entries[i].name != e.name || !bytes.Equal(again.entries[i].text, e.text) {
					t.Fatalf("%s differs, and the pack is accepted", e.name)
				}
			}
		}
	})
}
