package awsfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestKeysOfSettingsHaveLettersDigitsAndDashes(t *testing.T) {
	for key, want := range map[string]bool{"region": true, "Region": true, "s3-x_9": true, "AZ": true, "a b": false, "a=b": false, "a.b": false, "a\n": false, "": false, "ä": false, "[": false} {
		if err := Parse("config", nil).Set("default", key, "x"); (err == nil) != want {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// A section that is added follows one empty line, and no second one.
func TestANewSectionFollowsOneEmptyLine(t *testing.T) {
	for before, want := range map[string]string{
		"": "[default]\nregion = x\n", "[profile a]\noutput = json\n": "[profile a]\noutput = json\n\n[default]\nregion = x\n",
		"[profile a]\noutput = json\n\n": "[profile a]\noutput = json\n\n[default]\nregion = x\n",
	} {
		f := Parse("config", []byte(before))
		if err := f.Set("default", "region", "x"); err != nil || string(f.Bytes()) != want {
			t.Errorf("%q: %q, %v; want %q", before, f.Bytes(), err, want)
		}
	}
}

// A value follows its equals sign after one space, whatever space an empty one had.
func TestAnEmptyValueIsReplaced(t *testing.T) {
	for before, want := range map[string]string{
		"region =": "region = x", "region=": "region= x", "region = ": "region = x", "region =  ": "region =  x", "region = y": "region = x", "region=y": "region=x",
	} {
		f := Parse("config", []byte("[default]\n"+before+"\n"))
		if err := f.Set("default", "region", "x"); err != nil || string(f.Bytes()) != "[default]\n"+want+"\n" {
			t.Errorf("%q: %q, %v; want %q", before, f.Bytes(), err, want)
		}
	}
}

// A path that leads through a file is an error, not a new file.
func TestAFileInPlaceOfADirectoryIsAnError(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, _, err := current(filepath.Join(name, "config")); err == nil && os.PathSeparator == '/' {
		t.Errorf("read %q", text)
	}
}
