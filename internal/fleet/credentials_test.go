package fleet

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go/middleware"
)

// canned is a transport that gives the same answer to every request.
type canned string

func (c canned) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(string(c))), ContentLength: int64(len(c)),
	}, nil
}

func TestUnusableCredentialsAreRefused(t *testing.T) {
	now := time.Date(2026, time.November, 23, 8, 0, 0, 0, time.UTC)
	good := func() *types.Credentials {
		return &types.Credentials{
			AccessKeyId: aws.String("ASIAEXAMPLE"), SecretAccessKey: aws.String("wJalr/UtnFEMI+K7"),
			SessionToken: aws.String("FwoGZXIvYXdzE="), Expiration: aws.Time(now.Add(36 * time.Hour)),
		}
	}
	if got, err := Credentials(good(), now, middleware.Metadata{}); err != nil || !got.HasKeys() || !got.CanExpire || !got.Expires.Equal(now.Add(36*time.Hour)) {
		t.Fatalf("%v, %v", got.Expires, err)
	}
	refused := map[string]*types.Credentials{"no credentials": nil, "nothing": {}}
	change := func(about string, f func(*types.Credentials)) {
		c := good()
		f(c)
		refused[about] = c
	}
	for _, bad := range []string{"", " ", "a b", "a\nb", "a\x00b", "a\x1b[2Jb", "a\u200bb", "é", "a\x7f", "a\xff"} {
		change(fmt.Sprintf("access key ID %q", bad), func(c *types.Credentials) { c.AccessKeyId = &bad })
		change(fmt.Sprintf("secret %q", bad), func(c *types.Credentials) { c.SecretAccessKey = &bad })
		change(fmt.Sprintf("token %q", bad), func(c *types.Credentials) { c.SessionToken = &bad })
	}
	change("access key ID with quotes", func(c *types.Credentials) { c.AccessKeyId = aws.String("ASIA';id;'") })
	change("a token of megabytes", func(c *types.Credentials) { c.SessionToken = aws.String(strings.Repeat("A", 3<<20)) })
	change("no token", func(c *types.Credentials) { c.SessionToken = nil })
	change("no expiration", func(c *types.Credentials) { c.Expiration = nil })
	change("expired", func(c *types.Credentials) { c.Expiration = aws.Time(time.Unix(0, 0)) })
	change("never expires", func(c *types.Credentials) { c.Expiration = aws.Time(now.AddDate(1, 0, 0)) })
	for about, c := range refused {
		got, err := Credentials(c, now, middleware.Metadata{})
		var problem *CredentialsError
		if !errors.As(err, &problem) || got.HasKeys() {
			t.Errorf("%s: %v", about, err)
			continue
		}
		for _, secret := range []string{"wJalr", "FwoGZ", "ASIA", "\x1b"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error holds %q", about, secret)
			}
		}
	}
}

func TestAnAccountIsNotEnteredWithUnusableCredentials(t *testing.T) {
	const good = `<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>x</SessionToken><Expiration>%s</Expiration></Credentials>`
	who := func(arn string) string { return "<AssumedRoleUser><Arn>" + arn + "</Arn></AssumedRoleUser>" }
	const right = "arn:aws:sts::222222222222:assumed-role/a/b"
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for _, row := range []struct {
		about, result string
		enters        bool
	}{
		{"usable", who(right) + fmt.Sprintf(good, later), true},
		{"empty", "", false},
		{"no credentials", who(right), false},
		{"no identity", fmt.Sprintf(good, later), false},
		{"another account", who(strings.Replace(right, "222222222222", "333333333333", 1)) + fmt.Sprintf(good, later), false},
		{"expired", who(right) + fmt.Sprintf(good, "1970-01-01T00:00:00Z"), false},
		{"empty secret", who(right) + strings.Replace(fmt.Sprintf(good, later), "<SecretAccessKey>x", "<SecretAccessKey>", 1), false},
	} {
		answer := canned(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>` + row.result + `</AssumeRoleResult></AssumeRoleResponse>`)
		base := aws.Config{Region: "eu-west-1", HTTPClient: answer, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", "")}
		f := newFleet(t, base, Options{})
		f.caller = &caller{account: "111111111111", partition: "aws"}
		_, _, err := f.Enter(t.Context(), "222222222222")
		var problem *CredentialsError
		if row.enters != (err == nil) || err != nil && !errors.As(err, &problem) {
			t.Errorf("%s: %v", row.about, err)
		}
	}
}

func TestTheIDOfAKeyHasLettersDigitsAndUnderscores(t *testing.T) {
	for _, r := range "azAZ09_" {
		if err := CheckKey(aws.String("AKIA"+string(r)), aws.String("secret")); err != nil {
			t.Errorf("%q: %v", r, err)
		}
	}
	for _, r := range "`{@[/:^-" { // the neighbors of the ranges
		if CheckKey(aws.String("AKIA"+string(r)), aws.String("secret")) == nil {
			t.Errorf("%q is accepted", r)
		}
	}
}

func TestTheLimitsOfAnExpiration(t *testing.T) {
	now := time.Date(2026, time.November, 23, 8, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]bool{
		-wrongestClock - 1: false, -wrongestClock: true, 0: true, longestGranted + wrongestClock: true, longestGranted + wrongestClock + 1: false,
	} {
		if got := possible(now.Add(left), now); got != want {
			t.Errorf("%v left: %v", left, got)
		}
	}
}
