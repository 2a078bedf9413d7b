package session

import (
	"cmp"
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go/middleware"

	"forcemfa/internal/fleet"
	"forcemfa/internal/session/cache"
	"forcemfa/policy/arn"
)

// maxTries is how often a person may mistype a code.
const maxTries = 3

// exchange gives AWS a code for a session: the MFA session, or that of a role
// of more than an hour.
func (m *Manager) exchange(ctx context.Context, r *Route, codes CodeSource, i int) (*cache.Entry, error) {
	cfg, err := m.keyConfig(ctx, r)
	if err != nil {
		return nil, err
	}
	client := m.sts(r, cfg)
	for try := 1; ; try++ {
		code, err := m.code(ctx, r, codes)
		if err != nil {
			return nil, err
		}
		e, err := m.send(ctx, client, r, i, code)
		if err == nil {
			m.remember(r)
			return e, nil
		}
		problem := m.explain(err, r, i)
		if !isWrongCode(err) || !codes.Person || try == maxTries {
			m.forget(r, err)
			return nil, problem
		}
		m.say("%v", problem)
	}
}

func (m *Manager) send(ctx context.Context, client *sts.Client, r *Route, i int, code string) (*cache.Entry, error) {
	issued := m.Now()
	if i >= 0 {
		in := assumeInput(r.Roles[i])
		in.SerialNumber, in.TokenCode = aws.String(r.Serial), aws.String(code)
		out, err := client.AssumeRole(ctx, in)
		if err != nil {
			return nil, err
		}
		return m.created(r.entry(cache.DirectRole, i, issued), out.Credentials, out.ResultMetadata, r.Roles[i].Duration)
	}
	out, err := client.GetSessionToken(ctx, &sts.GetSessionTokenInput{
		SerialNumber: aws.String(r.Serial), TokenCode: aws.String(code),
		DurationSeconds: aws.Int32(int32(r.duration / time.Second)),
	})
	if err != nil {
		return nil, err
	}
	return m.created(r.entry(cache.MFASession, i, issued), out.Credentials, out.ResultMetadata, r.duration.Truncate(time.Second))
}

// assume assumes a role of the route from the session before it.
func (m *Manager) assume(ctx context.Context, r *Route, i int, source *cache.Entry) (*cache.Entry, error) {
	cfg, err := m.entryConfig(r, source)
	if err != nil {
		return nil, err
	}
	issued := m.Now()
	out, err := m.sts(r, cfg).AssumeRole(ctx, assumeInput(r.Roles[i]))
	if err != nil {
		return nil, m.explain(err, r, i)
	}
	return m.created(r.entry(cache.RoleSession, i, issued), out.Credentials, out.ResultMetadata, cmp.Or(r.Roles[i].Duration, time.Hour))
}

func assumeInput(role Role) *sts.AssumeRoleInput {
	in := &sts.AssumeRoleInput{
		RoleArn: aws.String(role.ARN), RoleSessionName: aws.String(role.SessionName),
		ExternalId: orNil(role.ExternalID), SourceIdentity: orNil(role.SourceIdentity), Policy: orNil(role.Policy),
		TransitiveTagKeys: role.Transitive,
	}
	if role.Duration > 0 {
		in.DurationSeconds = aws.Int32(int32(role.Duration / time.Second))
	}
	for _, p := range role.PolicyARNs {
		in.PolicyArns = append(in.PolicyArns, types.PolicyDescriptorType{Arn: aws.String(p)})
	}
	for _, t := range role.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(t[0]), Value: aws.String(t[1])})
	}
	return in
}

const checkEndpoint = "check AWS_ENDPOINT_URL, endpoint_url, proxies and this machine's clock, then run it again"

// created puts the credentials of an answer of STS into an entry. Unusable ones go
// nowhere.
func (m *Manager) created(e *cache.Entry, c *types.Credentials, answer middleware.Metadata, lasts time.Duration) (*cache.Entry, error) {
	found, err := fleet.Credentials(c, m.Now(), answer)
	if err != nil {
		return nil, &Problem{Sentence: err.Error(), Next: checkEndpoint, Err: err}
	}
	e.AccessKeyID, e.SecretAccessKey, e.SessionToken, e.Expires = found.AccessKeyID, found.SecretAccessKey, found.SessionToken, found.Expires
	return m.checked(e, lasts), nil
}

// entry is what the cache keeps of a session except its credentials.
func (r *Route) entry(kind string, i int, issued time.Time) *cache.Entry {
	e := &cache.Entry{
		Kind: kind, Issued: issued,
		Profile: or(r.Base, r.Profile), KeyID: r.Key.AccessKeyID, Serial: r.Serial,
	}
	named := r.Serial
	if i >= 0 {
		e.Profile, e.ARN = r.Roles[i].Profile, r.Roles[i].ARN
		named = e.ARN
	}
	if a, err := arn.Parse(named); err == nil {
		e.Account = a.Account
	}
	return e
}
