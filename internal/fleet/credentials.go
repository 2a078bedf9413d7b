package fleet

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go/middleware"
)

// longest is half of what Linux passes in one variable. Tokens of AWS have about a thousand
// characters.
const longest = 64 << 10

// Limits of the expiration of a new session. AWS grants 36 hours at most. A clock may
// be wrong by a day; the time in the answer counts too if it is within a month of this
// machine's clock. Source: STS API Reference, GetSessionToken.
const (
	longestGranted = 36 * time.Hour
	wrongestClock  = 24 * time.Hour
	wrongestAnswer = 31 * 24 * time.Hour
)

// A CredentialsError says what is wrong with the credentials in an answer of AWS. It
// contains nothing of them.
type CredentialsError struct{ What string }

func (e *CredentialsError) Error() string {
	return "the response has no usable credentials: " + e.What
}

// Credentials returns the credentials of an answer of STS, or a [*CredentialsError].
// Answers come from whatever endpoint is configured, and go into files, shells and
// environments: each value must be printable ASCII without spaces, and the expiration
// must be possible by this machine's clock or by AWS's, which is in the metadata.
// Source: STS API Reference, Credentials.
func Credentials(c *types.Credentials, now time.Time, answer middleware.Metadata) (aws.Credentials, error) {
	if c == nil {
		return aws.Credentials{}, &CredentialsError{"they are missing"}
	}
	if err := CheckKey(c.AccessKeyId, c.SecretAccessKey); err != nil {
		return aws.Credentials{}, err
	}
	if err := written("session token", c.SessionToken, notVisible); err != nil {
		return aws.Credentials{}, err
	}
	if c.Expiration == nil {
		return aws.Credentials{}, &CredentialsError{"the expiration is missing"}
	}
	theirs, ok := awsmiddleware.GetServerTime(answer)
	if !possible(*c.Expiration, now) && (!ok || theirs.Sub(now).Abs() > wrongestAnswer || !possible(*c.Expiration, theirs)) {
		return aws.Credentials{}, &CredentialsError{fmt.Sprintf("they expire on %s, and this machine's clock shows %s", c.Expiration.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))}
	}
	return aws.Credentials{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken,
		CanExpire: true, Expires: *c.Expiration,
	}, nil
}

func possible(expires, now time.Time) bool {
	left := expires.Sub(now)
	return left >= -wrongestClock && left <= longestGranted+wrongestClock
}

// CheckKey returns a [*CredentialsError] unless an answer of AWS holds an access key ID
// and a secret access key.
func CheckKey(id, secret *string) error {
	if err := written("access key ID", id, notInKeyID); err != nil {
		return err
	}
	return written("secret access key", secret, notVisible)
}

func written(name string, value *string, not func(rune) bool) error {
	switch {
	case aws.ToString(value) == "":
		return &CredentialsError{"the " + name + " is empty"}
	case len(*value) > longest:
		return &CredentialsError{"the " + name + " is longer than an environment variable can be"}
	case strings.ContainsFunc(*value, not):
		return &CredentialsError{"the " + name + " contains characters that AWS does not use"}
	}
	return nil
}

func notVisible(r rune) bool { return r <= ' ' || r > '~' }

func notInKeyID(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
}
