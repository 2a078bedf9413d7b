package awsfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestASettingIsFoundAndRemovedInItsSectionAlone(t *testing.T) {
	const text = "[a]\nregion = one\nREGION = two\n[b]\nregion = three\n[a]\nregion = four\n"
	f := Parse("config", []byte(text))
	var got []string
	for _, s := range f.All("a", "Region") {
		got = append(got, s.Value)
	}
	if diff := cmp.Diff([]string{"one", "two", "four"}, got); diff != "" {
		t.Errorf("values of a (-want +got):\n%s", diff)
	}
	if len(f.All("b", "output")) != 0 || len(f.All("c", "region")) != 0 {
		t.Error("found a setting that is not there")
	}
	if !f.Unset("b", "region") || f.Unset("b", "region") {
		t.Error("the setting of b was not removed once")
	}
	if want := "[a]\nregion = one\nREGION = two\n[b]\n[a]\nregion = four\n"; string(f.Bytes()) != want {
		t.Errorf("got %q, want %q", f.Bytes(), want)
	}
}

func TestProblemsNameWhatProgramsReadDifferently(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"a value in several lines", "[a]\nca_bundle = one\n  two\n", ""},
		{"a group with a line that is no setting", "[a]\ns3 =\n  nothing\n", "no key = value in the group s3"},
		{"the first setting is indented", "[a]\n  region = x\n", ""},
		{"the first of a second section is indented", "[b]\nregion = x\n[a]\n  region = x\n", ""},
		{"a second setting is indented further", "[a]\nregion = x\n  output = y\n", "output, which is indented, as part of the value above it"},
		{"two settings are indented alike", "[a]\n  region = x\n  output = y\n", ""},
		{"a setting before the first section", "region = x\n", "a setting before the first section"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for _, p := range Parse("config", []byte(row.text)).Problems() {
				got = append(got, p.What)
			}
			if text := strings.Join(got, "; "); (text == "") != (row.want == "") || !strings.Contains(text, row.want) {
				t.Errorf("problems %q, want %q", text, row.want)
			}
		})
	}
}

func TestSecretCommentsHaveAValue(t *testing.T) {
	f := Parse("config", []byte("# aws_secret_access_key =\n# aws_secret_access_key = x\n;aws_session_token=y\n# region = z\n[a]\naws_secret_access_key = live\n"))
	var lines []int
	for _, o := range f.SecretComments() {
		lines = append(lines, o.Line)
	}
	if diff := cmp.Diff([]int{2, 3}, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestPlainNameKeepsWhatEverySDKReads(t *testing.T) {
	for name, want := range map[string]string{"azAZ09": "azAZ09", "a_b-c.d:e/f@g+h%i": "a_b-c.d:e/f@g+h%i", "my prod]": "my-prod-", "é`{[^": "-----"} {
		if got := PlainName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func TestOnlySectionsOfTheBlockAreInIt(t *testing.T) {
	f := Parse("config", []byte("[outside]\nregion = x\n"))
	if err := f.AddSection("inside", []Setting{{Key: "region", Value: "y"}}); err != nil {
		t.Fatal(err)
	}
	for section, want := range map[string]bool{"inside": true, "outside": false, "absent": false} {
		if got, err := f.InBlock(section); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", section, got, err, want)
		}
	}
}

func TestASectionGoesWithItsLastSetting(t *testing.T) {
	f := Parse("config", []byte("[a]\nregion = x\noutput = y\n\n[b]\nregion = z\n"))
	if f.UnsetAll("a", "absent") || f.UnsetAll("absent", "region") {
		t.Error("something that is not there was removed")
	}
	if !f.UnsetAll("a", "region", "absent") || string(f.Bytes()) != "[a]\noutput = y\n\n[b]\nregion = z\n" {
		t.Errorf("a section with another setting: %q", f.Bytes())
	}
	if !f.UnsetAll("a", "output") || strings.Contains(string(f.Bytes()), "[a]") || !strings.Contains(string(f.Bytes()), "[b]") {
		t.Errorf("a section without settings: %q", f.Bytes())
	}
}

func TestALineEndsAsPythonReadsIt(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		f := Parse("config", []byte("[a]"+end+"region = x"+end+"output = y"+end))
		if s := f.All("a", "output"); len(s) != 1 || s[0].Origin.Line != 3 || s[0].Value != "y" {
			t.Errorf("%q: %+v", end, s)
		}
	}
}
