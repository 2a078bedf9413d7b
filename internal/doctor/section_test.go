package doctor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/doctor"
)

func TestSectionsThatToolsIgnore(t *testing.T) {
	const region = "\nregion = eu-west-1\n"
	for _, row := range []struct {
		header, credentials string
		want, next          string
	}{
		{header: "[profile alice]"},
		{header: "[profile 'alice']"},
		{header: "[default]"},
		{header: "[services alice]"},
		{header: "[alice]", want: "broken | profile | config:1 | AWS tools ignore [alice]: in this file the section of a profile begins with the word profile", next: "rename the section to [profile alice]"},
		{header: "[Profile alice]", want: "broken | profile | config:1 | AWS tools ignore [Profile alice]: in this file the section of a profile begins with the word profile", next: "rename the section to [profile alice]"},
		{header: "[alice smith]", want: "broken | profile | config:1 | AWS tools ignore [alice smith]: in this file the section of a profile begins with the word profile", next: "rename the section to [profile alice-smith]"},
		{header: "[profile alice smith]", want: "broken | profile | config:1 | AWS tools ignore [profile alice smith]: a name with spaces or quotation marks", next: "rename the section to [profile alice-smith]"},
		{header: "[profile o'hara]", want: "broken | profile | config:1 | AWS tools ignore [profile o'hara]: a name with spaces or quotation marks", next: "rename the section to [profile o-hara]"},
		{header: "[sso-session my corp]", want: "broken | profile | config:1 | AWS tools ignore [sso-session my corp]: a name with spaces or quotation marks", next: "rename the section to [sso-session my-corp]"},
		{header: "[profile alice ]"},
		{header: "[ profile  alice]", want: "broken | profile | config:1 | the AWS CLI and boto3 ignore [profile  alice], because a space stands next to a bracket", next: "write it as [profile alice]"},
		{header: "[default ]", want: "broken | profile | config:1 | the AWS CLI and boto3 ignore [default], because a space stands next to a bracket", next: "write it as [default]"},
		{credentials: "[alice ] # mine", want: "broken | profile | credentials:1 | the AWS CLI and boto3 ignore [alice], because a space stands next to a bracket", next: "write it as [alice]"},
		{header: `[profile "alice smith"]`, want: `risk | profile | config:1 | some SDKs cannot read [profile "alice smith"]: names of profiles consist of letters, digits and _ - . : / @ + %`, next: "rename it to alice-smith"},
		{header: "[profile zoë]", want: "risk | profile | config:1 | some SDKs cannot read [profile zoë]: names of profiles consist of letters, digits and _ - . : / @ + %", next: "rename it to zo-"},
		{credentials: "[profile alice]", want: "broken | profile | credentials:1 | AWS tools ignore [profile alice]: in this file the section of a profile is its name alone", next: "rename the section to [alice]"},
		{credentials: "[alice smith]", want: "risk | profile | credentials:1 | some SDKs cannot read [alice smith]: names of profiles consist of letters, digits and _ - . : / @ + %", next: "rename it to alice-smith"},
	} {
		t.Run(row.header+row.credentials, func(t *testing.T) {
			config, credentials := row.header+region, ""
			if row.header == "" {
				config, credentials = "", row.credentials+region
			}
			l := newLaptop(t, config, credentials)
			got := slices.DeleteFunc(l.examine(t, doctor.Options{Offline: true}), func(s string) bool { return strings.HasSuffix(s, "there is no profile yet") })
			want := []string{}
			if row.want != "" {
				want = append(want, row.want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if next := doctor.Examine(t.Context(), l.Machine, doctor.Options{Offline: true}).Next; row.want != "" && next != row.next {
				t.Errorf("next: %q, want %q", next, row.next)
			}
		})
	}
	l := newLaptop(t, "[plugins]\nx = y\n[profile a]"+region, "")
	if got := l.examine(t, doctor.Options{Offline: true}); len(got) != 0 {
		t.Errorf("a section of a tool: %q", got)
	}
}

func TestHintsNameTheProfileInQuotes(t *testing.T) {
	for _, row := range []struct{ name, config, credentials, next string }{
		{name: "enroll", config: "[profile bob's]\nmfa_serial = arn:aws:iam::1:u2f/user/bob/key\n", next: `add a virtual MFA device: run "forcemfa enroll bob\'s"`},
		{name: "import", credentials: strings.Replace(bobsKey, "[bob]", "[bob smith]", 1), next: `run "forcemfa import bob\ smith"`},
		{name: "configure", config: "[profile r]\nrole_arn = arn:aws:iam::111111111111:role/R\ncredential_process = x\nsource_profile = bob\n", credentials: bobsKey,
			next: `run "forcemfa configure bob": it moves credential_process to a profile of its own, which becomes the source_profile`},
		{name: "moved", config: "[profile bob]\nforcemfa_store = file\ncredential_process = /old/forcemfa-credential-process --profile bob\n",
			next: `run "forcemfa configure bob", which writes where forcemfa is now`},
		{name: "sessions", config: "[profile bob]\ncredential_process = sh\n", credentials: bobsKey + "aws_session_token = t\nmanager = forcemfa\nforcemfa_source = key s\n",
			next: `run "forcemfa sessions clear key\ s", and write to another profile`},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLaptop(t, row.config, row.credentials)
			for _, f := range doctor.Examine(t.Context(), l.Machine, doctor.Options{Offline: true}).Findings {
				if f.Next == row.next {
					return
				}
			}
			t.Errorf("no finding with the next step %q", row.next)
		})
	}
}
