package doctor

import (
	"fmt"
	"strings"

	"forcemfa/internal/awsfile"
)

// checkKey checks that the access key of a profile is whole, in one file, and not
// in plain text.
func (e *examination) checkKey(p awsfile.Profile) {
	id, secretKey := p.Get(awsfile.KeyIDSetting), p.Get(awsfile.SecretSetting)
	if id == "" && secretKey == "" {
		return
	}
	at, _ := p.Setting(awsfile.KeyIDSetting)
	with, _ := p.Setting(awsfile.SecretSetting)
	const complete = "put aws_access_key_id and aws_secret_access_key of the same key into one file"
	switch {
	case secretKey == "":
		e.add("key", Broken, at.Origin.String(), "profile "+p.Name+": aws_access_key_id has no aws_secret_access_key", "add the secret or delete the line")
	case id == "":
		e.add("key", Broken, with.Origin.String(), "profile "+p.Name+": aws_secret_access_key has no aws_access_key_id", "add the access key ID or delete the line")
	case at.Origin.Path != with.Origin.Path:
		e.add("key", Broken, at.Origin.String(), "profile "+p.Name+": the secret access key is in another file, "+with.Origin.String()+", and the AWS CLI and boto3 read a key from one file", complete)
	case p.Temporary() && p.Token() == "":
		e.add("key", Broken, at.Origin.String(), "profile "+p.Name+": temporary credentials without aws_session_token, which AWS refuses", "add the session token, or delete the credentials")
	}
	if with.Value != "" && !p.Temporary() {
		e.add("plaintext", Risk, with.Origin.String(), "profile "+p.Name+": a long-lived key is stored in plain text", importing(p.Name))
	}
}

// importing is the command that moves the key of a profile into the store. aws-mfa expects
// keys in sections whose names end in -long-term.
func importing(profile string) string {
	if name, ok := strings.CutSuffix(profile, "-long-term"); ok && name != "" {
		return fmt.Sprintf("run \"forcemfa import %s --from aws-mfa\"", awsfile.Argument(name))
	}
	return run("import", profile)
}
