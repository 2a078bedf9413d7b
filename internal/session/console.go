package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"forcemfa/internal/fleet"
	"forcemfa/internal/session/cache"
	"forcemfa/policy/arn"
)

// A ConsolePage is what a sign-in link leads to.
type ConsolePage struct {
	Service string // such as ec2; empty: the start page
	Region  string
	// Endpoint is the federation endpoint; empty: the partition's own.
	Endpoint string
}

// SignInURL is a link that signs a browser in as a role session. It is good for
// some minutes, for whoever has it.
// Source: IAM User Guide, "Enabling custom identity broker access to the AWS
// console". No SessionDuration is asked for: sign-ins from role chaining must
// not have one.
func (m *Manager) SignInURL(ctx context.Context, e *cache.Entry, page ConsolePage) (string, error) {
	if e.Kind == cache.MFASession {
		return "", noLink(e)
	}
	a, err := arn.Parse(e.ARN)
	if err != nil {
		return "", err
	}
	p, _ := arn.LookupPartition(a.Partition)
	if p.ConsoleHost == "" {
		return "", &Problem{
			Sentence: fmt.Sprintf("the console address of partition %s is unknown", a.Partition),
			Next:     "open the console in a browser and switch to the role there",
		}
	}
	endpoint := or(page.Endpoint, "https://"+p.SignInHost+"/federation")
	token, err := m.signInToken(ctx, endpoint, e)
	if err != nil {
		return "", err
	}
	link := url.Values{
		"Action": {"login"}, "Issuer": {"forcemfa"}, "SigninToken": {token},
		"Destination": {page.destination(p)},
	}
	return endpoint + "?" + link.Encode(), nil
}

// noLink says why a user without a role gets no link.
func noLink(e *cache.Entry) error {
	account := User{Account: e.Account, Partition: "aws"}
	if a, err := arn.Parse(e.Serial); err == nil {
		account.Partition = a.Partition
	}
	next := "use a profile with a role"
	if account.Account != "" {
		next += ", or sign in with your password at " + account.SignInPage()
	}
	return &Problem{
		Sentence: fmt.Sprintf("profile %s has no role: AWS provides sign-in links for role sessions only, and a federation token never carries MFA", e.Profile),
		Next:     next,
	}
}

func (c ConsolePage) destination(p arn.Partition) string {
	to := url.URL{Scheme: "https", Host: p.ConsoleHost, Path: "/"}
	if c.Service != "" {
		to.Path = "/" + url.PathEscape(c.Service) + "/home"
	}
	if c.Region != "" {
		to.RawQuery = url.Values{"region": {c.Region}}.Encode()
	}
	return to.String()
}

// maxAnswer is more than a sign-in token takes.
const maxAnswer = 64 << 10

func (m *Manager) signInToken(ctx context.Context, endpoint string, e *cache.Entry) (string, error) {
	session, err := json.Marshal(map[string]string{"sessionId": e.AccessKeyID, "sessionKey": e.SecretAccessKey, "sessionToken": e.SessionToken})
	if err != nil {
		return "", err
	}
	query := url.Values{"Action": {"getSigninToken"}, "Session": {string(session)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"?"+query.Encode(), nil)
	if err != nil {
		return "", errors.New("the federation endpoint is not a URL")
	}
	client := m.HTTP
	if client == nil {
		if client, err = m.network(m.bundleOf(e.Profile)); err != nil {
			return "", err
		}
	}
	answer, err := fleet.Transport(client).Do(req)
	if err != nil {
		// The error of net/http holds the URL, and that the session.
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return "", &Problem{Sentence: "cannot reach the AWS sign-in endpoint: " + strings.ReplaceAll(err.Error(), req.URL.RawQuery, "…"), Next: "check the network and proxies"}
	}
	defer answer.Body.Close()
	var got struct{ SigninToken string }
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(text, &got) != nil || got.SigninToken == "" {
		return "", &Problem{
			Sentence: fmt.Sprintf("the AWS sign-in endpoint rejected the session of %s: %s", e.ARN, answer.Status),
			Next:     "run " + command("login --force", e.Profile) + " and try again",
		}
	}
	return got.SigninToken, nil
}
