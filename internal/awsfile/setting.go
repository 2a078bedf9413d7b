package awsfile

// The settings of an access key in a profile. Source: AWS SDKs and Tools
// Reference Guide, "AWS access keys".
const (
	KeyIDSetting  = "aws_access_key_id"
	SecretSetting = "aws_secret_access_key"
	TokenSetting  = "aws_session_token"
)

// The same as environment variables.
const (
	KeyIDVariable  = "AWS_ACCESS_KEY_ID"
	SecretVariable = "AWS_SECRET_ACCESS_KEY"
	TokenVariable  = "AWS_SESSION_TOKEN"
)
