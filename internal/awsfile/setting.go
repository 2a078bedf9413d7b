package awsfile

import (
	"strings"

	"forcemfa/internal/session/environ"
)

// The settings of an access key in a profile. Source: AWS SDKs and Tools
// Reference Guide, "AWS access keys".
const (
	KeyIDSetting  = "aws_access_key_id"
	SecretSetting = "aws_secret_access_key"
	TokenSetting  = "aws_session_token"
	// OldTokenSetting is the name of boto, which the AWS CLI and boto3 still read.
	OldTokenSetting = "aws_security_token"
)

// The same as environment variables.
const (
	KeyIDVariable  = environ.KeyID
	SecretVariable = environ.Secret
	TokenVariable  = environ.Token
	// OldTokenVariable is the name of boto, which the AWS CLI and boto3 still read.
	OldTokenVariable = environ.OldToken
)

// TemporaryID reports whether an access key ID is that of temporary credentials.
// Source: IAM User Guide, "IAM identifiers", unique ID prefixes.
func TemporaryID(id string) bool { return strings.HasPrefix(id, "ASIA") }
