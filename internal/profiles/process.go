package profiles

import (
	"strings"

	"forcemfa/internal/awsfile"
)

const processSetting = "credential_process"

// ProcessLine returns a credential_process for a profile that works in every
// SDK: botocore splits it like a shell without running one, the Go SDK passes it
// to sh -c or cmd.exe. The helper is the credential helper or forcemfa itself; empty
// stands for the bare name of the credential helper.
// Source: AWS SDKs and Tools Reference Guide, Process credential provider.
func ProcessLine(helper, profile string) string {
	if helper == "" {
		helper = awsfile.Helper
	}
	verb := ""
	if name := strings.TrimSuffix(helper, ".exe"); !strings.HasSuffix(name, awsfile.Helper) {
		verb = " credential-process"
	}
	return awsfile.Word(helper) + verb + " --profile " + awsfile.Word(profile)
}

// SetProcess sets the credential_process of a profile unless it already runs the
// credential helper. Another credential_process stays as a comment.
func SetProcess(f *awsfile.File, profile, line string) error {
	section := awsfile.ConfigSection(profile)
	s, _ := f.Section(section)
	have, ok := s.Get(processSetting)
	if _, own := awsfile.HelperProfile(have.Value); own {
		return nil
	}
	if ok {
		return f.Override(section, processSetting, line)
	}
	return f.Set(section, processSetting, line)
}

// serves reports whether a credential_process runs the credential helper for a
// profile.
func serves(command, profile string) bool {
	name, ok := awsfile.HelperProfile(command)
	return ok && name == profile
}
