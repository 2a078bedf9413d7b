package org

import "time"

// Providers are the instance profiles, identity providers and server certificates of an
// account. Snapshots of AWS do not have them, because no finding depends on them: the
// embedded AWS keeps them from one run to the next.
type Providers struct {
	InstanceProfiles   []InstanceProfile   `json:"instance_profiles,omitempty"` // sorted by name
	OIDC               []OIDCProvider      `json:"oidc,omitempty"`              // by ARN
	SAML               []SAMLProvider      `json:"saml,omitempty"`              // by ARN
	ServerCertificates []ServerCertificate `json:"server_certificates,omitempty"`
}

// An InstanceProfile carries a role to EC2 instances.
type InstanceProfile struct {
	Name    string    `json:"name"`
	Path    string    `json:"path"`
	ID      string    `json:"id,omitempty"`
	Created time.Time `json:"created"`
	Tags    []Tag     `json:"tags,omitempty"`
	Role    string    `json:"role,omitempty"` // name; empty: none
}

// An OIDCProvider is an OpenID Connect identity provider.
type OIDCProvider struct {
	ARN         string    `json:"arn"`
	URL         string    `json:"url"` // without https://
	ClientIDs   []string  `json:"client_ids,omitempty"`
	Thumbprints []string  `json:"thumbprints,omitempty"`
	Created     time.Time `json:"created"`
	Tags        []Tag     `json:"tags,omitempty"`
}

// A SAMLProvider is a SAML identity provider, without private keys.
type SAMLProvider struct {
	ARN        string    `json:"arn"`
	Name       string    `json:"name"`
	UUID       string    `json:"uuid,omitempty"`
	Metadata   string    `json:"metadata"`
	Created    time.Time `json:"created"`
	ValidUntil time.Time `json:"valid_until"`
	Tags       []Tag     `json:"tags,omitempty"`
}

// A ServerCertificate is a TLS certificate in IAM, without its private key.
type ServerCertificate struct {
	Name     string    `json:"name"`
	Path     string    `json:"path"`
	ID       string    `json:"id,omitempty"`
	Body     string    `json:"body"` // PEM
	Chain    string    `json:"chain,omitempty"`
	Uploaded time.Time `json:"uploaded"`
	Expires  time.Time `json:"expires"`
	Tags     []Tag     `json:"tags,omitempty"`
}

// check refuses providers of another account, and what is there twice or out of order.
func (p *Providers) check(a *Account) error {
	if p == nil {
		return nil
	}
	return first(
		each(p.OIDC, func(o OIDCProvider) error { return a.holds("oidc-provider", o.ARN) }),
		each(p.SAML, func(s SAMLProvider) error { return a.owns("saml-provider", s.Name, s.ARN) }),
		ascending("instance profile", p.InstanceProfiles, func(i InstanceProfile) string { return i.Name }),
		ascending("OIDC provider", p.OIDC, func(o OIDCProvider) string { return o.ARN }),
		ascending("SAML provider", p.SAML, func(s SAMLProvider) string { return s.ARN }),
		ascending("server certificate", p.ServerCertificates, func(c ServerCertificate) string { return c.Name }),
	)
}
