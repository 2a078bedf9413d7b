package stssvc

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// An assumption is a valid call of AssumeRole.
type assumption struct {
	arn     string
	account string
	role    *world.Role // nil: it does not exist, or its account is suspended
	tags    sessionTags
	source  string // source identity of the new session
}

// newAssumption finds the role and the properties that the new session inherits
// from the caller's.
func newAssumption(c *operation.Call, in *sts.AssumeRoleInput) (*assumption, error) {
	named, role, err := roleNamed(c, *in.RoleArn)
	if err != nil {
		return nil, err
	}
	a := &assumption{arn: *in.RoleArn, account: named.Account, role: role}
	if a.tags, err = newSessionTags(c.Caller.Session, in.Tags, in.TransitiveTagKeys); err != nil {
		return nil, err
	}
	a.source, err = sourceIdentity(c.Caller.Session, in.SourceIdentity)
	return a, err
}

// roleNamed returns the ARN of a role, and the role if it exists.
func roleNamed(c *operation.Call, text string) (arn.ARN, *world.Role, error) {
	named, err := arn.Parse(text)
	if err != nil || named.Service != "iam" || named.Partition != c.World.Partition || named.Kind() != "role" || !arn.IsAccountID(named.Account) {
		return named, nil, invalid("%s is invalid", text)
	}
	return named, findRole(c.World, named), nil
}

// findRole returns the role with exactly this ARN in an account that is not
// suspended, or nil.
func findRole(w *world.World, named arn.ARN) *world.Role {
	account, r := operation.RoleOf(w, named.String())
	if r == nil || w.Account(account).State != "ACTIVE" {
		return nil
	}
	return r
}

// sourceIdentity returns that of the new session: once set, it stays through a
// chain of roles.
// Source: IAM User Guide, "Monitor and control actions taken with assumed
// roles".
func sourceIdentity(s *world.Session, asked *string) (string, error) {
	inherited := ""
	if s != nil {
		inherited = s.SourceIdentity
	}
	switch {
	case asked == nil:
		return inherited, nil
	case inherited != "" && inherited != *asked:
		return "", denied("The source identity %s of the calling session cannot be changed", inherited)
	}
	return *asked, nil
}

func assumeRoleAsks(c *operation.Call, in *sts.AssumeRoleInput) ([]operation.Ask, error) {
	if err := validate(in); err != nil {
		return nil, err
	}
	if len(in.ProvidedContexts) > 0 {
		return nil, invalid("The provided contexts must come from IAM Identity Center, which this AWS does not have.")
	}
	switch c.Caller.Principal.Kind {
	case policy.RootUser:
		return nil, denied("Roles may not be assumed by root accounts.")
	case policy.FederatedUser:
		return nil, denied("Cannot call AssumeRole with the credentials of GetFederationToken")
	}
	a, err := newAssumption(c, in)
	if err != nil {
		return nil, err
	}
	withMFA, err := authenticate(c, in.SerialNumber, in.TokenCode)
	if err != nil {
		return nil, err
	}
	ask := operation.Ask{
		Resource: a.arn, ResourceAccount: a.account, Policies: a.trust(c.World),
		Context: a.conditions(in), MFAInCall: withMFA,
	}
	var asks []operation.Ask
	for _, action := range a.actions() {
		ask.Action = action
		asks = append(asks, ask)
	}
	return asks, nil
}

// actions returns the actions that both sides must allow.
// Source: IAM User Guide, "Pass session tags in AWS STS"; "Monitor and control
// actions taken with assumed roles".
func (a *assumption) actions() []string {
	actions := []string{"sts:AssumeRole"}
	if len(a.tags.all) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if a.source != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	return actions
}

// trustsNobody replaces the trust policy of a role that does not exist. AWS
// answers as if the role did not trust the caller.
const trustsNobody = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"AIDAAAAAAAAAAAAAAAAAA"},"Action":"sts:AssumeRole"}]}`

func (a *assumption) trust(w *world.World) []policy.Source {
	text := trustsNobody
	if a.role != nil {
		text = a.role.Trust
	}
	return []policy.Source{w.Parse("trust policy of "+a.arn, policy.Trust, text)}
}

// conditions adds the keys of the call and the role.
// Source: IAM User Guide, "IAM and AWS STS condition context keys".
func (a *assumption) conditions(in *sts.AssumeRoleInput) func(*policy.Context) {
	return func(x *policy.Context) {
		x.Set("sts:RoleSessionName", *in.RoleSessionName)
		if in.ExternalId != nil {
			x.Set("sts:ExternalId", *in.ExternalId)
		}
		if in.SourceIdentity != nil {
			x.Set("sts:SourceIdentity", *in.SourceIdentity)
		}
		setRequestTags(x, in.Tags, in.TransitiveTagKeys)
		a.describe(x)
	}
}

// describe adds the tags of the role.
func (a *assumption) describe(x *policy.Context) {
	if a.role == nil {
		return
	}
	for _, t := range a.role.Tags {
		x.Set("aws:ResourceTag/"+t.Key, t.Value)
		x.Set("iam:ResourceTag/"+t.Key, t.Value)
	}
}

func assumeRole(c *operation.Call, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	a, err := newAssumption(c, in)
	if err != nil {
		return nil, err
	}
	if a.role == nil { // not reached: a missing role is never allowed
		return nil, denied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.Caller.Principal.ARN, a.arn)
	}
	lasts, err := roleDuration(c.Caller.Session, a.role, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	packed, err := pack(c.World, a.account, in.Policy, in.PolicyArns, in.Tags)
	if err != nil {
		return nil, err
	}
	s := world.Session{
		Account: a.account, Role: world.Fold(a.role.Name), Name: *in.RoleSessionName,
		Policies: packed.policies, Tags: a.tags.all, TransitiveTags: a.tags.transitive,
		SourceIdentity: a.source, Chained: c.Caller.Session != nil,
	}
	inheritMFA(c, in.TokenCode != nil, &s)
	out := &sts.AssumeRoleOutput{
		AssumedRoleUser: assumedRole(c, a.account, a.role, s.Name),
		//lint:ignore SA1019 AWS still answers with it.
		PackedPolicySize: packed.percent,
		Credentials:      issue(c, s, lasts, in.MinimumSessionTokenSize),
	}
	out.SessionTokenSize = aws.Int32(int32(len(*out.Credentials.SessionToken)))
	if a.source != "" {
		out.SourceIdentity = aws.String(a.source)
	}
	return out, nil
}

func assumedRole(c *operation.Call, account string, r *world.Role, session string) *types.AssumedRoleUser {
	return &types.AssumedRoleUser{
		Arn:           aws.String("arn:" + c.World.Partition + ":sts::" + account + ":assumed-role/" + r.Name + "/" + session),
		AssumedRoleId: aws.String(r.ID + ":" + session),
	}
}

// roleDuration returns the maximum duration of a role session. A session that
// assumes a role makes a chain.
// Source: STS API Reference, AssumeRole, DurationSeconds.
func roleDuration(s *world.Session, r *world.Role, asked *int32) (time.Duration, error) {
	if asked == nil {
		return time.Hour, nil
	}
	lasts := time.Duration(*asked) * time.Second
	chained := s != nil && lasts > longestChain*time.Second
	switch {
	case chained && s.Role != "":
		return 0, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case chained || lasts > max(r.MaxSession, time.Hour):
		return 0, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return lasts, nil
}

// inheritMFA returns the kind of credential of a role session, and its MFA
// state: false, as documented, or that of the calling session, as observed
// ([operation.Readings]). A code in the call itself is never inherited.
// Source: IAM User Guide, "Secure API access with MFA".
func inheritMFA(c *operation.Call, withCode bool, s *world.Session) {
	caller := c.Caller.Session
	callerMFA := caller != nil && caller.Present == policy.True
	switch {
	case caller != nil && caller.Role != "":
		s.Credential = policy.ChainedRole
	case callerMFA:
		s.Credential = policy.RoleFromMFA
	case withCode:
		s.Credential = policy.RoleFromCode
	default:
		s.Credential = policy.RoleFromKey
	}
	s.Present = policy.False
	if callerMFA && c.Readings.RolesKeepMFA {
		s.Present, s.MFAAt = policy.True, caller.MFAAt
	}
}
