package awsfile

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// anyLine draws a line of an AWS file as people write them, and as they do not.
func anyLine() *rapid.Generator[string] {
	keys := []string{"region", "Output", "aws_access_key_id", "mfa_serial", "s3", "role_arn", "x_y", "credential_process"}
	return rapid.Custom(func(t *rapid.T) string {
		pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
		space := func() string { return pick("space", "", " ", "  ", "\t", " \t ") }
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			return space() + pick("mark", "#", ";") + rapid.StringMatching(`[ -~]{0,12}`).Draw(t, "text")
		case 1:
			return space()
		case 2, 3:
			return pick("head", "[", "[ ") + pick("section", "default", "profile a", "profile  a", `profile "b c"`, "sso-session s", "services v", "odd", "a") + pick("tail", "]", " ]", "] # x", "];]")
		case 4:
			return rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "noise")
		case 5:
			return " " + space() + pick("sub", "addressing_style", "max_concurrent_requests") + space() + "=" + space() + pick("value", "path", "20")
		default:
			return space() + rapid.SampledFrom(keys).Draw(t, "key") + space() + pick("delimiter", "=", ":") + space() +
				pick("value", "", "us-east-1", "a=b:c", "x # note", "über", "\xff\xfe", `"quoted"`) + space()
		}
	})
}

// anyFile draws a file with every kind of line ending, and sometimes with a byte
// order mark and without a last newline.
func anyFile() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		var b bytes.Buffer
		if rapid.IntRange(0, 9).Draw(t, "bom") == 0 {
			b.WriteString(byteOrderMark)
		}
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end")
		lines := rapid.SliceOfN(anyLine(), 0, 25).Draw(t, "lines")
		for i, l := range lines {
			b.WriteString(l)
			if i < len(lines)-1 || rapid.Bool().Draw(t, "last newline") {
				b.WriteString(rapid.SampledFrom([]string{end, end, end, "\n", "\r"}).Draw(t, "this end"))
			}
		}
		return b.Bytes()
	})
}

var someSections = []string{"default", "profile a", "profile b c", "odd", "new", "profile new one"}

func TestEveryFileIsKeptByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyFile().Draw(t, "file")
		if got := Parse("f", text).Bytes(); !bytes.Equal(got, text) {
			t.Fatalf("%q came back as %q", text, got)
		}
	})
}

// oneChunk tells whether b is a with one contiguous part replaced, and returns
// both parts.
func oneChunk(a, b []byte) (was, is string) {
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	to := 0
	for to < len(a)-from && to < len(b)-from && a[len(a)-1-to] == b[len(b)-1-to] {
		to++
	}
	return string(a[from : len(a)-to]), string(b[from : len(b)-to])
}

// rest is every section but the key, as it is read.
func rest(f *File, section, key string) []Section {
	var list []Section
	for _, s := range f.Sections() {
		var settings []Setting
		for _, set := range s.Settings {
			set.Origin = Origin{}
			for i := range set.Nested {
				set.Nested[i].Origin = Origin{}
			}
			if s.Name != section || set.Key != key {
				settings = append(settings, set)
			}
		}
		if s.Name != section || len(settings) > 0 {
			list = append(list, Section{Name: s.Name, Settings: settings})
		}
	}
	return list
}

func TestSetChangesOneSettingAndNoOtherByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyFile().Draw(t, "file")
		section := rapid.SampledFrom(someSections).Draw(t, "section")
		key := rapid.SampledFrom([]string{"region", "output", "mfa_serial", "s3", "fresh"}).Draw(t, "key")
		value := rapid.SampledFrom([]string{"new", "a = b", "", "[x]", "#no"}).Draw(t, "value")
		before := Parse("f", text)
		f := Parse("f", text)
		if err := f.Set(section, key, value); err != nil {
			if !bytes.Equal(f.Bytes(), text) {
				t.Fatalf("a refused edit changed the file: %v", err)
			}
			return
		}
		again := Parse("f", f.Bytes())
		s, _ := again.Section(section)
		if got, ok := s.Get(key); !ok || got.Value != value {
			t.Fatalf("%s of %s is %q in\n%s", key, section, got.Value, f.Bytes())
		}
		if d := cmp.Diff(rest(before, section, key), rest(again, section, key)); d != "" {
			t.Fatalf("another setting changed (-before +after):\n%s\n%q\n%q", d, text, f.Bytes())
		}
		was, is := oneChunk(text, f.Bytes())
		old, had := before.Section(section)
		have, had2 := old.Get(key)
		switch {
		case had && had2 && strings.ContainsAny(have.Value, "\n"):
		case had && had2 && len(was) > len(have.Value):
			t.Fatalf("took %q out to replace %q", was, have.Value)
		case !(had && had2) && was != "":
			t.Fatalf("took %q out to add %q", was, is)
		}
	})
}

func TestSetOfANewKeyAndUnsetGiveTheFileBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyFile().Draw(t, "file")
		f := Parse("f", text)
		there := slices.DeleteFunc(slices.Clone(someSections), func(name string) bool { _, ok := f.Section(name); return !ok })
		if len(there) == 0 {
			t.Skip("a section that is made stays")
		}
		section := rapid.SampledFrom(there).Draw(t, "section")
		if err := f.Set(section, "fresh", "1"); err != nil {
			t.Fatal(err)
		}
		if !f.Unset(section, "fresh") || !bytes.Equal(f.Bytes(), text) {
			t.Fatalf("%q came back as %q", text, f.Bytes())
		}
	})
}

func TestUnsetTakesOutWholeSettingsOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyFile().Draw(t, "file")
		section := rapid.SampledFrom(someSections).Draw(t, "section")
		key := rapid.SampledFrom([]string{"region", "s3", "aws_access_key_id"}).Draw(t, "key")
		before, f := Parse("f", text), Parse("f", text)
		had := f.Unset(section, key)
		s, _ := Parse("f", f.Bytes()).Section(section)
		if _, still := s.Get(key); still {
			t.Fatalf("%s is still there in %q", key, f.Bytes())
		}
		if !had && !bytes.Equal(f.Bytes(), text) {
			t.Fatalf("nothing to take out, and %q became %q", text, f.Bytes())
		}
		comments := func(f *File) (list []string) {
			for _, l := range f.lines {
				if l.kind == comment || l.kind == blank || l.kind == stray {
					list = append(list, l.text)
				}
			}
			return list
		}
		if d := cmp.Diff(comments(before), comments(f)); d != "" {
			t.Fatalf("comments changed (-before +after):\n%s", d)
		}
	})
}

// marked reports whether forcemfa manages anything in the file.
func marked(f *File) bool {
	_, _, ok, err := f.block()
	return ok || err != nil || slices.ContainsFunc(f.lines, func(l line) bool {
		return strings.HasPrefix(l.text, wasMark) || strings.TrimSpace(l.text) == setMark
	})
}

func TestMarkedEditsAreTakenBackByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyFile().Draw(t, "file")
		f := Parse("f", text)
		var sections []string
		for _, s := range f.Sections() {
			sections = append(sections, s.Name)
		}
		if len(sections) == 0 || marked(f) {
			t.Skip("nothing to mark")
		}
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			section := rapid.SampledFrom(sections).Draw(t, "section")
			key := rapid.SampledFrom([]string{"region", "s3", "mfa_serial", "fresh"}).Draw(t, "key")
			if rapid.Bool().Draw(t, "suppress") {
				f.Suppress(section, key)
			} else if f.Override(section, key, "ours") == nil {
				s, _ := f.Section(section)
				if got, _ := s.Get(key); got.Value != "ours" {
					t.Fatalf("%s of %s is %q in\n%s", key, section, got.Value, f.Bytes())
				}
			}
		}
		f.Restore()
		if !bytes.Equal(f.Bytes(), text) {
			t.Fatalf("%q came back as %q", text, f.Bytes())
		}
	})
}

func TestTheBlockIsTakenOutByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyFile().Draw(t, "file")
		if n := len(text); n > 0 && text[n-1] != '\n' && text[n-1] != '\r' {
			text = append(text, '\n') // a block needs a line of its own, so this one stays
		}
		f := Parse("f", text)
		for i := range rapid.IntRange(1, 3).Draw(t, "sections") {
			name := "profile " + string(rune('p'+i))
			if err := f.AddSection(name, []Setting{{Key: "region", Value: "r"}}); err != nil {
				t.Fatal(err)
			}
			if in, err := f.InBlock(name); !in || err != nil {
				t.Fatalf("%s is not in the block: %v", name, err)
			}
		}
		if ok, err := f.RemoveBlock(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if !bytes.Equal(f.Bytes(), text) {
			t.Fatalf("%q came back as %q", text, f.Bytes())
		}
	})
}

func TestEdits(t *testing.T) {
	for _, row := range []struct {
		name      string
		text      string
		edit      func(*File) error
		want      string
		wantError string
	}{
		{"value in place", "[a]\r\nRegion=us-east-1   ; home\r\n", func(f *File) error { return f.Set("a", "region", "eu-west-1") }, "[a]\r\nRegion=eu-west-1   ; home\r\n", ""},
		{"new key after the group above it", "[profile a]\ns3 =\n  x = 1\n\n# tail\n[b]\n", func(f *File) error { return f.Set("profile a", "k", "v") }, "[profile a]\ns3 =\n  x = 1\nk = v\n\n# tail\n[b]\n", ""},
		{"no last newline", "[a]\nx=1", func(f *File) error { return f.Set("a", "y", "2") }, "[a]\nx=1\ny=2", ""},
		{"new section", "[a]\nx = 1", func(f *File) error { return f.Set("profile b c", "y", "2") }, "[a]\nx = 1\n\n[profile \"b c\"]\ny = 2\n", ""},
		{"empty file", "", func(f *File) error { return f.Set("a", "y", "2") }, "[a]\ny = 2\n", ""},
		{"of two the one that counts", "[a]\nx = 1\n[a]\nx = 2\n", func(f *File) error { return f.Set("a", "x", "3") }, "[a]\nx = 1\n[a]\nx = 3\n", ""},
		{"empty value", "[a]\nx =\ny = 1\n", func(f *File) error { return f.Set("a", "x", "3") }, "[a]\nx = 3\ny = 1\n", ""},
		{"group", "[a]\ns3 =\n  x = 1\n", func(f *File) error { return f.Set("a", "s3", "3") }, "[a]\ns3 =\n  x = 1\n", "f:2: s3: is a group of settings"},
		{"unset keeps comments", "[a]\n# one\nx = 1\n  # two\n  more\ny = 2\n", func(f *File) error { f.Unset("a", "x"); return nil }, "[a]\n# one\n  # two\ny = 2\n", ""},
		{"newline in a value", "[a]\n", func(f *File) error { return f.Set("a", "x", "1\n[b]") }, "[a]\n", "want one line"},
		{"comment in a value", "[a]\n", func(f *File) error { return f.Set("a", "x", "1 # 2") }, "[a]\n", "begins a comment"},
		{"bracket in a section", "[a]\n", func(f *File) error { return f.Set("b]\n[c", "x", "1") }, "[a]\n", "section name"},
		{"override", "[a]\nx = 1\ny = 2\n", func(f *File) error { return f.Override("a", "x", "3") }, "[a]\n# forcemfa-was: x = 1\n# forcemfa-set\nx = 3\ny = 2\n", ""},
		{"override among indented settings", "[a]\n  x = 1\n  y = 2\n", func(f *File) error { return f.Override("a", "x", "3") }, "[a]\n# forcemfa-was:   x = 1\n# forcemfa-set\n  x = 3\n  y = 2\n", ""},
		{"override above a line that is nothing", "[a]\n x =\n !\n", func(f *File) error { return f.Override("a", "x", "3") }, "[a]\n# forcemfa-was:  x =\n# forcemfa-set\n x = 3\n !\n", ""},
		{"override taken back from a group", "[a]\nx =\ny = 1\n x =\n", func(f *File) error {
			err := f.Override("a", "x", "3")
			f.Suppress("a", "y")
			f.Restore()
			return err
		}, "[a]\nx =\ny = 1\n x =\n", ""},
		{"setting behind the block", "# BEGIN forcemfa: written by forcemfa configure; remove with forcemfa configure --remove\n[b]\n# END forcemfa\nx = 1\n", func(f *File) error { _, err := f.RemoveBlock(); return err }, "", "f:4: this line is in a section"},
		{"block without an end", blockBegin + "\n[b]\n", func(f *File) error { _, err := f.RemoveBlock(); return err }, "", "f:1: the forcemfa block has no end mark"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := Parse("f", []byte(row.text))
			err := row.edit(f)
			if (err != nil) != (row.wantError != "") || err != nil && !strings.Contains(err.Error(), row.wantError) {
				t.Fatalf("error %v, want %q", err, row.wantError)
			}
			if err == nil {
				if d := cmp.Diff(row.want, string(f.Bytes())); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			}
		})
	}
}

func TestAnErrorNeverShowsTheValue(t *testing.T) {
	for _, value := range []string{"canary\nx", " canary", "canary # x"} {
		if err := new(File).Set("a", "aws_secret_access_key", value); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// FuzzEdit edits any text: nothing is lost but the one value.
func FuzzEdit(f *testing.F) {
	for _, seed := range []string{
		"", "[a]", "\ufeff[a]\r\nx=1", "[profile a]\ns3 =\n  x = 1\n\ty: 2\n\n", "x = 1\n[a] ; b]\n", "[a\n]\r\r\n= 1\n[]\n",
		blockBegin + "\n[a]\n" + blockEnd + "\n", "[a]\n" + setMark + "\nx = 1\n" + wasMark + "x = 2",
	} {
		f.Add([]byte(seed), "region", "eu-west-1")
	}
	f.Fuzz(func(t *testing.T, text []byte, key, value string) {
		file := Parse("f", text)
		if !bytes.Equal(file.Bytes(), text) {
			t.Fatal("not kept")
		}
		_ = file.Problems()
		for _, name := range []string{"a", "profile a"} {
			before := rest(file, name, strings.ToLower(key))
			if file.Set(name, key, value) != nil {
				continue
			}
			again := Parse("f", file.Bytes())
			s, _ := again.Section(name)
			if got, ok := s.Get(strings.ToLower(key)); !ok || got.Value != value {
				t.Fatalf("%q = %q read as %q in %q", key, value, got.Value, file.Bytes())
			}
			if d := cmp.Diff(before, rest(again, name, strings.ToLower(key))); d != "" {
				t.Fatalf("another setting changed:\n%s", d)
			}
		}
		if sections := file.Sections(); slices.ContainsFunc(sections, func(s Section) bool { return s.Name == "" }) {
			t.Fatal("a section without a name")
		}
	})
}

// A value with a line break would be another setting, whichever way it is written.
func TestNoWayOfWritingTakesALineBreak(t *testing.T) {
	const text = "[a]\nx = 1\n"
	for name, write := range map[string]func(f *File, value string) error{
		"Set": func(f *File, value string) error { return f.Set("a", "x", value) }, "Override": func(f *File, value string) error { return f.Override("a", "x", value) },
	} {
		for _, value := range []string{"2\ncredential_process = evil", "2\r\n[b]"} {
			f := Parse("config", []byte(text))
			if err := write(f, value); err == nil || string(f.Bytes()) != text {
				t.Errorf("%s %q: %v\n%s", name, value, err, f.Bytes())
			}
		}
	}
}

// A file with any secret keeps its group and others out.
func TestEverySettingThatIsASecretIsKnown(t *testing.T) {
	for key, secret := range map[string]bool{"aws_secret_access_key": true, "aws_session_token": true, "aws_security_token": true, "aws_access_key_id": false, "region": false} {
		f := Parse("credentials", []byte("[a]\n"+key+" = TOPSECRET\n"))
		if f.HoldsSecret() != secret || strings.Contains(string(f.Redacted()), "TOPSECRET") == secret {
			t.Errorf("%s: %s", key, f.Redacted())
		}
	}
}
