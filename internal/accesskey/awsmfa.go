package accesskey

import (
	"fmt"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
)

// longTerm is the end of the names of sections in which aws-mfa expects keys. It writes
// sessions into the section without it. Source: README of aws-mfa.
const longTerm = "-long-term"

// awsMFASettings are what aws-mfa writes with a session.
var awsMFASettings = []string{
	awsfile.KeyIDSetting, awsfile.SecretSetting, awsfile.TokenSetting, awsfile.OldTokenSetting, "expiration", "assumed_role", "assumed_role_arn",
}

// FromAWSMFA reads the key of a profile of aws-mfa, which is in the section
// PROFILE-long-term of the credentials file. The session in the section PROFILE is
// removed with the key: AWS tools would prefer it to the profile's credential_process.
func FromAWSMFA(files *awsfile.Files, profile string) (*Found, error) {
	f, section := files.Credentials, profile+longTerm
	ids, texts := f.All(section, awsfile.KeyIDSetting), f.All(section, awsfile.SecretSetting)
	if len(ids) == 0 && len(texts) == 0 {
		return nil, withNext(fmt.Errorf("%s has no section [%s] with a key of aws-mfa", f.Path, section),
			fmt.Sprintf("name the profile without %s, or rename the section if aws-mfa uses another suffix", longTerm))
	}
	if len(ids) != 1 || len(texts) != 1 {
		return nil, severalPlaces(section, append(ids, texts...))
	}
	found := &Found{
		Keys: secret.Keys{AccessKeyID: ids[0].Value, SecretAccessKey: secret.NewText(texts[0].Value)},
		Path: f.Path, section: section, Comments: f.SecretComments(),
	}
	s, _ := f.Section(profile)
	switch id, _ := s.Get(awsfile.KeyIDSetting); {
	case id.Value == "":
	case awsfile.TemporaryID(id.Value):
		found.session = profile
	default:
		return nil, withNext(fmt.Errorf("%s: profile %s holds a long-lived key of its own", id.Origin, profile), fmt.Sprintf("run \"forcemfa import %s\" without --from, or remove one of the two keys", awsfile.Argument(profile)))
	}
	return found, nil
}
