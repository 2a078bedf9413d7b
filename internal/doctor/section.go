package doctor

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/awsfile"
)

// checkSections reports sections that are meant as profiles and that AWS tools
// ignore because of their names.
// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
func (e *examination) checkSections() {
	headers := e.files.Config.Headers()
	named := func(name string) int {
		return slices.IndexFunc(headers, func(h awsfile.Header) bool { return h.Name == name })
	}
	if i, j := named("default"), named("profile default"); i >= 0 && j >= 0 {
		e.add("profile", Risk, headers[j].Origin.String(), "the file has [default] and [profile default], and AWS tools differ in which one they read", "move all settings into [default]")
	}
	for _, h := range headers {
		if h.Before || h.Behind && h.Text == "default" {
			e.spaced(h)
			continue
		}
		switch kind, name, prefixed := strings.Cut(h.Name, " "); {
		case prefixed && slices.Contains([]string{"profile", "sso-session", "services"}, kind):
			e.checkName(h, kind, name)
		case h.Name != "default" && e.looksLikeProfile(h.Name):
			if prefixed && strings.EqualFold(kind, "profile") {
				h.Name = strings.TrimSpace(name)
			}
			e.ignored(h, "in this file the section of a profile begins with the word profile", "["+awsfile.ConfigSection(awsfile.PlainName(h.Name))+"]")
		}
	}
	for _, h := range e.files.Credentials.Headers() {
		if h.Before || h.Behind {
			e.spaced(h)
			continue
		}
		if name, ok := strings.CutPrefix(h.Name, "profile "); ok {
			e.ignored(h, "in this file the section of a profile is its name alone", "["+name+"]")
			continue
		}
		e.checkCharacters(h, h.Name)
	}
}

func (e *examination) ignored(h awsfile.Header, why, instead string) {
	e.add("profile", Broken, h.Origin.String(), fmt.Sprintf("AWS tools ignore [%s]: %s", h.Text, why), "rename the section to "+instead)
}

// spaced reports a space inside the brackets, which SDKs ignore, except that of Python.
// Source: botocore 1.43, configloader.build_profile_map and load_config.
func (e *examination) spaced(h awsfile.Header) {
	text := "[" + strings.Join(strings.Fields(h.Text), " ") + "]"
	e.add("profile", Broken, h.Origin.String(), fmt.Sprintf("the AWS CLI and boto3 ignore [%s], because a space stands next to a bracket", h.Text), "write it as "+text)
}

// checkName reports names of the config file that are more or less than one word
// to botocore, which splits headers as a shell does.
func (e *examination) checkName(h awsfile.Header, kind, name string) {
	if words, err := awsfile.SplitCommand(h.Text); err != nil || len(words) != 2 {
		e.ignored(h, "a name with spaces or quotation marks", fmt.Sprintf("[%s %s]", kind, awsfile.PlainName(name)))
		return
	}
	e.checkCharacters(h, name)
}

// checkCharacters reports names that only some SDKs read.
func (e *examination) checkCharacters(h awsfile.Header, name string) {
	if plain := awsfile.PlainName(name); plain != name {
		e.add("profile", Risk, h.Origin.String(), fmt.Sprintf("some SDKs cannot read [%s]: names of profiles consist of letters, digits and %s", h.Text, awsfile.PlainCharacters), "rename it to "+plain)
	}
}

// profileSettings are settings that make sense only in a profile.
var profileSettings = []string{
	awsfile.KeyIDSetting, awsfile.SecretSetting, "credential_process", "credential_source", "mfa_serial", "output", "region",
	"role_arn", "source_profile", "sso_account_id", "sso_session", "web_identity_token_file", "login_session",
}

func (e *examination) looksLikeProfile(section string) bool {
	s, _ := e.files.Config.Section(section)
	return slices.ContainsFunc(s.Settings, func(set awsfile.Setting) bool { return slices.Contains(profileSettings, set.Key) })
}
