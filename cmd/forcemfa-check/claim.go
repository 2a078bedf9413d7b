package main

import (
	"errors"
	"fmt"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/prove/certificate"
)

// claim returns the proof of a user and the claim that it has to prove.
func (p *pack) claim(u *user) (*policy.Proof, certificate.Claim, error) {
	var none certificate.Claim
	if u.Proof == nil || *u.Proof < 0 || *u.Proof >= len(p.proofs) {
		return nil, none, errors.New("the user has no proof")
	}
	if err := u.identity(); err != nil {
		return nil, none, err
	}
	policies, err := p.policySet(u.Set)
	if err != nil {
		return nil, none, err
	}
	return &p.proofs[*u.Proof], certificate.Claim{
		Principal:          policy.Principal{Kind: policy.IAMUser, Account: u.Account, ARN: u.ARN},
		Set:                policies,
		Context:            u.Context,
		HasDevice:          u.HasDevice,
		ForwardedCallsPass: p.manifest.Claim.ForwardedCallsPass,
		Enrollment:         p.manifest.Claim.Enrollment,
		EnrollmentByKey:    u.EnrollmentByKey,
		Observed:           p.manifest.Claim.Observed,
		Actions:            p.actions,
	}, nil
}

// identity checks that the condition keys about the user agree with its ARN:
// arn:aws:iam::111122223333:user/path/name. They are the same in every request.
// Source: IAM User Guide, "AWS global condition context keys".
func (u *user) identity() error {
	parts := strings.SplitN(u.ARN, ":", 6)
	if len(parts) != 6 || parts[2] != "iam" || parts[4] != u.Account || !strings.HasPrefix(parts[5], "user/") || u.Context == nil {
		return fmt.Errorf("%q is not the ARN of a user of account %q", u.ARN, u.Account)
	}
	for key, want := range map[string]string{
		"aws:PrincipalArn":     u.ARN,
		"aws:PrincipalAccount": u.Account,
		"aws:PrincipalType":    "User",
		"aws:username":         parts[5][strings.LastIndexByte(parts[5], '/')+1:],
	} {
		if have, _ := u.Context.Get(key); len(have) != 1 || have[0] != want {
			return fmt.Errorf("the condition key %s is %q, want %q", key, have, want)
		}
	}
	// Only a request can have these keys, not a user.
	for _, key := range u.Context.Keys() {
		if strings.HasPrefix(key, "aws:multifactorauth") || key == "aws:viaawsservice" || key == "aws:tokenissuetime" {
			return fmt.Errorf("the condition key %s does not belong to a user", key)
		}
	}
	return nil
}

// policySet builds a set of policies once.
func (p *pack) policySet(n int) (*policy.Set, error) {
	if built := p.built[n]; built != nil {
		return built, nil
	}
	if n < 0 || n >= len(p.sets) {
		return nil, fmt.Errorf("there is no set %d", n)
	}
	described, out := p.sets[n], new(policy.Set)
	var err error
	if out.Identity, err = p.sources(policy.Identity, described.Identity); err != nil {
		return nil, err
	}
	if described.Boundary != nil {
		boundary, err := p.source(policy.Boundary, *described.Boundary)
		if err != nil {
			return nil, err
		}
		out.Boundary = &boundary
	}
	if out.SCPs, err = p.levels(policy.SCP, described.SCPs); err != nil {
		return nil, err
	}
	if out.RCPs, err = p.levels(policy.RCP, described.RCPs); err != nil {
		return nil, err
	}
	p.built[n] = out
	return out, nil
}

// levels is nil without any level.
func (p *pack) levels(kind policy.Kind, described [][]source) (out [][]policy.Source, err error) {
	for _, level := range described {
		sources, err := p.sources(kind, level)
		if err != nil {
			return nil, err
		}
		out = append(out, sources)
	}
	return out, nil
}

func (p *pack) sources(kind policy.Kind, list []source) ([]policy.Source, error) {
	out := make([]policy.Source, 0, len(list))
	for _, s := range list {
		parsed, err := p.source(kind, s)
		if err != nil {
			return nil, err
		}
		out = append(out, parsed)
	}
	return out, nil
}

// A kindAndHash identifies a parsed policy: the same text can be attached in several ways.
type kindAndHash struct {
	kind policy.Kind
	hash string
}

// source parses a policy once. A policy that could not be read stays one: no proof can
// rely on it.
func (p *pack) source(kind policy.Kind, s source) (policy.Source, error) {
	if s.Policy == "" {
		return policy.Source{Err: errors.New("could not be read: " + s.Unread)}, nil
	}
	id := kindAndHash{kind, s.Policy}
	if parsed, known := p.parsed[id]; known {
		return parsed, nil
	}
	text, there := p.policies[s.Policy]
	if !there {
		return policy.Source{}, fmt.Errorf("the policy %s is not in policies.jsonl", s.Policy)
	}
	parsed := policy.ParseSource(s.Policy, kind, text)
	p.parsed[id] = parsed
	return parsed, nil
}
