package awsfile

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/testclients"
)

const sampleConfig = `# top
[default]
region = eu-west-1

[profile base]
output = json
mfa_serial = arn:aws:iam::111111111111:mfa/phone # the blue one
services = local

[profile "two words"]
role_arn: arn:aws:iam::222222222222:role/R
source_profile=base
include_profile = mixin
s3 =
    addressing_style = path
    max_concurrent_requests = 20

[profile mixin]
region = us-west-2
aws_access_key_id = AKIAMIXIN
output = table
[services local]
sts =
  endpoint_url = http://127.0.0.1:1
[not a profile]
x = y
`

const sampleCredentials = `[base]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = verysecret
output = text
[only-here]
aws_access_key_id = ASIAEXAMPLE
aws_secret_access_key = verysecret
aws_session_token = token
`

func sampleFiles() *Files {
	return &Files{Parse("config", []byte(sampleConfig)), Parse("credentials", []byte(sampleCredentials))}
}

func TestAProfileIsWhatBothFilesSay(t *testing.T) {
	files := sampleFiles()
	type view struct {
		Origin   string
		Settings map[string]string
	}
	look := func(name string) view {
		p, err := files.Profile(name)
		if err != nil {
			t.Fatal(err)
		}
		v := view{p.Origin.String(), map[string]string{}}
		for _, key := range slices.Sorted(maps.Keys(p.settings)) {
			s, _ := p.Setting(key)
			v.Settings[key] = s.Value + " @ " + s.Origin.String()
			for _, sub := range s.Nested {
				v.Settings[key+"."+sub.Key] = sub.Value + " @ " + sub.Origin.String()
			}
		}
		return v
	}
	got := map[string]view{}
	for _, name := range files.Profiles() {
		got[name] = look(name)
	}
	want := map[string]view{
		"default": {"config:2", map[string]string{"region": "eu-west-1 @ config:3"}},
		"base": {"config:5", map[string]string{
			"output":                "text @ credentials:4",
			"mfa_serial":            "arn:aws:iam::111111111111:mfa/phone @ config:7",
			"services":              "local @ config:8",
			"aws_access_key_id":     "AKIAEXAMPLE @ credentials:2",
			"aws_secret_access_key": "verysecret @ credentials:3",
		}},
		"two words": {"config:10", map[string]string{
			"role_arn":                   "arn:aws:iam::222222222222:role/R @ config:11",
			"source_profile":             "base @ config:12",
			"include_profile":            "mixin @ config:13",
			"s3":                         " @ config:14",
			"s3.addressing_style":        "path @ config:15",
			"s3.max_concurrent_requests": "20 @ config:16",
			"region":                     "us-west-2 @ config:19",
			"output":                     "table @ config:21",
		}},
		"mixin": {"config:18", map[string]string{
			"region":            "us-west-2 @ config:19",
			"aws_access_key_id": "AKIAMIXIN @ config:20",
			"output":            "table @ config:21",
		}},
		"only-here": {"credentials:5", map[string]string{
			"aws_access_key_id":     "ASIAEXAMPLE @ credentials:6",
			"aws_secret_access_key": "verysecret @ credentials:7",
			"aws_session_token":     "token @ credentials:8",
		}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTemporaryKeysAreNotLongLived(t *testing.T) {
	for text, want := range map[string]bool{
		"aws_access_key_id = AKIA\naws_secret_access_key = s\n":                         true,
		"aws_access_key_id = AKIA\naws_secret_access_key = s\naws_session_token = t\n":  false,
		"aws_access_key_id = AKIA\naws_secret_access_key = s\naws_security_token = t\n": false,
		"aws_access_key_id = ASIA\naws_secret_access_key = s\n":                         false,
	} {
		files := &Files{Config: Parse("config", nil), Credentials: Parse("credentials", []byte("[bob]\n"+text))}
		if p, err := files.Profile("bob"); err != nil || p.LongLivedKey() != want || p.Temporary() == want {
			t.Errorf("%q: long-lived %v, temporary %v, error %v", text, p.LongLivedKey(), p.Temporary(), err)
		}
	}
}

func TestKeysWithoutASessionTokenAreLongLived(t *testing.T) {
	files := sampleFiles()
	for name, want := range map[string]bool{"base": true, "only-here": false, "default": false} {
		if p, err := files.Profile(name); err != nil || p.LongLivedKey() != want {
			t.Errorf("%s: %v, error %v", name, p.LongLivedKey(), err)
		}
	}
}

func TestTheEndpointOfAServiceComesFromItsSection(t *testing.T) {
	files := sampleFiles()
	base, _ := files.Profile("base")
	if got := files.Endpoint(base, "sts"); got != "http://127.0.0.1:1" {
		t.Errorf("sts at %q", got)
	}
	if got := files.Endpoint(base, "iam"); got != "" {
		t.Errorf("iam at %q", got)
	}
}

func TestProfileErrors(t *testing.T) {
	files := &Files{Parse("config", []byte("[profile a]\ninclude_profile = b\n[profile b]\ninclude_profile = a\n[profile c]\ninclude_profile = d\n")), Parse("credentials", nil)}
	if _, err := files.Profile("a"); err == nil || !strings.Contains(err.Error(), "config:4: include_profile settings form a loop: a → b → a") {
		t.Errorf("circle: %v", err)
	}
	if _, err := files.Profile("c"); !errors.Is(err, ErrNoProfile) || !strings.Contains(err.Error(), "config:6") {
		t.Errorf("include of nothing: %v", err)
	}
	if _, err := files.Profile("e"); !errors.Is(err, ErrNoProfile) {
		t.Errorf("nothing: %v", err)
	}
}

func TestPathsFollowTheEnvironment(t *testing.T) {
	env := map[string]string{"AWS_CONFIG_FILE": "~/elsewhere", "AWS_SHARED_CREDENTIALS_FILE": "/tmp/creds"}
	config, credentials := Paths(func(k string) string { return env[k] }, "/home/a")
	if config != filepath.Join("/home/a", "elsewhere") || credentials != "/tmp/creds" {
		t.Errorf("%s, %s", config, credentials)
	}
	config, credentials = Paths(func(string) string { return "" }, "/home/a")
	if config != filepath.Join("/home/a", ".aws", "config") || credentials != filepath.Join("/home/a", ".aws", "credentials") {
		t.Errorf("%s, %s", config, credentials)
	}
}

func TestAnUnreadableFileIsAnErrorAndAMissingOneIsEmpty(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"AWS_CONFIG_FILE": dir}
	if _, err := Load(func(k string) string { return env[k] }, dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory was read: %v", err)
	}
	files, err := Load(func(string) string { return "" }, dir)
	if err != nil || len(files.Profiles()) != 0 {
		t.Errorf("missing: %v", err)
	}
}

func TestProblems(t *testing.T) {
	for text, want := range map[string][]string{
		"[a]\nx = 1\n":                          nil,
		"\ufeff[a]\n":                           {"f:1 refused: a byte order mark stands before the text"},
		"x = 1\n":                               {"f:1 refused: a setting before the first section"},
		"[a]\nwhat\n":                           {"f:2 refused: neither a section nor a setting"},
		"[a]\n[b]\n[a]\n":                       {"f:3 refused: section a stands at line 1 already"},
		"[a]\nx = 1\nX = 2\n":                   {"f:3 refused: x in section a stands at line 2 already"},
		"[a]\nx = 1 # one\n":                    {"f:2: the aws CLI reads the comment behind x as part of its value"},
		"[a]\nx = 1\n  y = 2\n":                 {"f:3: the aws CLI reads y, which is indented, as part of the value above it"},
		"[a]\nx = \xff\n":                       {"f:2 refused: not UTF-8"},
		"[profile a]\n[profile \"a\"]\nx = 1\n": {"f:2 refused: section profile a stands at line 1 already"},
	} {
		var got []string
		for _, p := range Parse("f", []byte(text)).Problems() {
			at := p.Origin.String()
			if p.Refused {
				at += " refused"
			}
			got = append(got, at+": "+p.What)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

// botocoreReads prints what botocore reads in the files it is given: an object of
// sections each, or null for one that it refuses.
const botocoreReads = `
import sys, json, os, glob
from botocore.configloader import raw_config_parse
out = []
for i in range(int(sys.argv[2])):
    try:
        out.append(raw_config_parse(os.path.join(sys.argv[1], str(i))))
    except Exception as e:
        out.append(None)
print(json.dumps(out))
`

func TestValuesAreBotocoresWhereNoProblemIsTold(t *testing.T) {
	dir := t.TempDir()
	var files []*File
	for i := range 500 {
		text := anyFile().Example(i)
		write(t, filepath.Join(dir, strconv.Itoa(i)), string(text), 0o600)
		files = append(files, Parse("f", text))
	}
	testclients.Need(t, "botocore")
	python := testclients.Command(t, "python3", "-c", botocoreReads, dir, strconv.Itoa(len(files)))
	python.Env = append(os.Environ(), "PYTHONUTF8=1")
	out, err := python.Output()
	if err != nil {
		t.Fatalf("read with botocore: %v", err)
	}
	var theirs []map[string]map[string]any
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for i, f := range files {
		refused, told := false, f.Problems()
		for _, p := range told {
			refused = refused || p.Refused
		}
		if (theirs[i] == nil) && !refused {
			t.Fatalf("botocore refuses this file, and no problem says so:\n%q", f.Bytes())
		}
		if theirs[i] == nil || len(told) > 0 {
			continue
		}
		compared++
		ours := map[string]map[string]any{}
		for _, s := range f.Sections() {
			ours[s.Name] = map[string]any{}
			for _, set := range s.Settings {
				ours[s.Name][set.Key] = plain(set)
			}
		}
		their := map[string]map[string]any{}
		for name, settings := range theirs[i] {
			their[canonical(strings.TrimSpace(name))] = settings
		}
		if d := cmp.Diff(their, ours); d != "" {
			t.Fatalf("file %q (-botocore +awsfile):\n%s", f.Bytes(), d)
		}
	}
	if compared < 20 {
		t.Errorf("only %d files could be compared", compared)
	}
}

func plain(s Setting) any {
	if len(s.Nested) == 0 {
		return s.Value
	}
	group := map[string]any{}
	for _, sub := range s.Nested {
		group[sub.Key] = sub.Value
	}
	return group
}
