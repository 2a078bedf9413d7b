package awsfile

import "testing"

func TestNamesThatBotocoreReadsDifferentlyAreNotWritten(t *testing.T) {
	for section, written := range map[string]bool{
		"profile bob": true, "profile b o b": true, "profile it's": true, "profile a#b": true, "profile -x": true, "profile DEFAULT": true,
		"default": true, "bob": true, "it's": true, "a b": true, "sso-session corp": true,
		`profile a\b`: false, `profile a"b`: false, `profile "a`: false, `profile a b"c`: false, "profile a\\": false,
		"DEFAULT": false, "a\x00b": false, "profile a\x1bb": false, "a\xffb": false,
	} {
		f := Parse("f", nil)
		if err := f.Set(section, "region", "eu-west-1"); written != (err == nil) || !written && len(f.Bytes()) > 0 {
			t.Errorf("%q: %v\n%s", section, err, f.Bytes())
		}
	}
}
