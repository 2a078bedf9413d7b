package session

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"forcemfa/internal/fleet"
	"forcemfa/internal/netfault"
	"forcemfa/internal/session/cache"
	"forcemfa/policy/arn"
)

// A ConsolePage is what a sign-in link leads to.
type ConsolePage struct {
	Service string // such as ec2; empty: the start page
	// Destination is the page itself instead: a URL of the console, or a path.
	Destination string
	Region      string
	// SignOut ends another sign-in of the browser first.
	SignOut bool
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
	to, err := page.destination(p)
	if err != nil {
		return "", err
	}
	endpoint := or(page.Endpoint, "https://"+p.SignInHost+"/federation")
	token, err := m.signInToken(ctx, endpoint, e)
	if err != nil {
		return "", err
	}
	link := url.Values{
		"Action": {"login"}, "Issuer": {"forcemfa"}, "SigninToken": {token},
		"Destination": {to},
	}
	if page.SignOut {
		return signOut(endpoint, endpoint+"?"+link.Encode()), nil
	}
	return endpoint + "?" + link.Encode(), nil
}

// signOut ends a sign-in of the browser and continues with a link. AWS does not document
// this address; the console itself uses it for "Sign out".
func signOut(endpoint, link string) string {
	return strings.TrimSuffix(endpoint, "/federation") + "/oauth?" + url.Values{"Action": {"logout"}, "redirect_uri": {link}}.Encode()
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

// Check returns a problem if the destination is a page of no console. The partition of
// the role is checked later: this costs no code.
func (c ConsolePage) Check() error {
	var refused error
	for _, id := range arn.PartitionIDs() {
		p, _ := arn.LookupPartition(id)
		if p.ConsoleHost == "" {
			continue
		}
		_, err := c.destination(p)
		if err == nil {
			return nil
		}
		refused = cmp.Or(refused, err)
	}
	return refused
}

// destination returns the address of the page in the console of a partition. The
// federation endpoint would send a browser that has just signed in to any address.
func (c ConsolePage) destination(p arn.Partition) (string, error) {
	to := &url.URL{Scheme: "https", Host: p.ConsoleHost, Path: "/"}
	if c.Service != "" {
		to.Path = "/" + url.PathEscape(c.Service) + "/home"
	}
	if c.Destination != "" {
		given, err := url.Parse(c.Destination)
		if err != nil || given.Scheme == "" && given.Host != "" {
			return "", c.notInConsole(p)
		}
		to = to.ResolveReference(given)
	}
	if to.Scheme != "https" || to.User != nil || to.Host != p.ConsoleHost && !strings.HasSuffix(to.Host, "."+p.ConsoleHost) {
		return "", c.notInConsole(p)
	}
	if query := to.Query(); c.Region != "" && query.Get("region") == "" && to.Host == p.ConsoleHost {
		query.Set("region", c.Region)
		to.RawQuery = query.Encode()
	}
	return to.String(), nil
}

func (c ConsolePage) notInConsole(p arn.Partition) error {
	return &Problem{
		Sentence: fmt.Sprintf("%q is not a page of the AWS console", c.Destination),
		Next:     "use a URL that begins with https://" + p.ConsoleHost + "/, or a path such as cloudwatch/home",
	}
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
	answer, err := fleet.PromptTransport(client).Do(req)
	if err != nil {
		what, next := netfault.Sentence(err), netfault.Next(err)
		// The error of net/http holds the URL, and that the session.
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return "", &Problem{
			Sentence: "the AWS sign-in endpoint: " + strings.ReplaceAll(cmp.Or(what, err.Error()), req.URL.RawQuery, "…"),
			Next:     cmp.Or(next, "check the network and proxies"),
		}
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
