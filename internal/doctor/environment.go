package doctor

import (
	"forcemfa/internal/awsfile"
	"forcemfa/internal/session/cache"
)

// checkEnvironment reports keys in the environment, which override every profile.
func (e *examination) checkEnvironment() {
	if first, second := e.Getenv("AWS_PROFILE"), e.Getenv("AWS_DEFAULT_PROFILE"); first != "" && second != "" && first != second {
		e.add("environment", Risk, "AWS_DEFAULT_PROFILE", "AWS_PROFILE and AWS_DEFAULT_PROFILE name different profiles: boto3 uses "+second+", and most other tools "+first, "unset AWS_DEFAULT_PROFILE")
	}
	id := e.Getenv(awsfile.KeyIDVariable)
	token := e.Getenv(awsfile.TokenVariable) != "" || e.Getenv(awsfile.OldTokenVariable) != ""
	add := func(level Level, what, next string) { e.add("environment", level, awsfile.KeyIDVariable, what, next) }
	switch {
	case id == "":
	case e.Getenv(awsfile.SecretVariable) == "":
		add(Broken, "it is set, but "+awsfile.SecretVariable+" is not", "set both, or unset "+awsfile.KeyIDVariable)
	case !token && awsfile.TemporaryID(id):
		add(Broken, "temporary credentials in the environment have no session token, so AWS refuses them", "set "+awsfile.TokenVariable+", or unset "+awsfile.KeyIDVariable+" "+awsfile.SecretVariable)
	case !token:
		add(Risk, "a long-lived key in the environment overrides every profile, without MFA",
			"keep the key with \"forcemfa import PROFILE --env\" if you need it, then unset "+awsfile.KeyIDVariable+" "+awsfile.SecretVariable)
	case cache.EnvironmentProfile(e.Getenv) != "":
		add(Risk, "a session in the environment overrides AWS_PROFILE in most tools",
			"unset "+awsfile.KeyIDVariable+" "+awsfile.SecretVariable+" "+awsfile.TokenVariable+" "+awsfile.OldTokenVariable)
	}
}
