package world

import (
	"slices"
	"time"

	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// An InstanceProfile carries a role to EC2 instances.
type InstanceProfile struct {
	Name, Path, ID string
	Created        time.Time
	Tags           []org.Tag
	Role           string // lower-case name; empty: none
}

// An OIDCProvider is an OpenID Connect identity provider.
type OIDCProvider struct {
	ARN         string
	URL         string // without https://
	ClientIDs   []string
	Thumbprints []string
	Created     time.Time
	Tags        []org.Tag
}

// A SAMLProvider is a SAML 2.0 identity provider.
type SAMLProvider struct {
	ARN, Name, UUID     string
	Metadata            string // as uploaded
	Created, ValidUntil time.Time
	Tags                []org.Tag
	Encryption          string // Required or Allowed; empty: none
	PrivateKeys         []SAMLKey
}

// A SAMLKey is a private key that decrypts assertions. The world does not keep the key
// itself: assertions are not accepted here.
type SAMLKey struct {
	ID    string
	Added time.Time
}

// A ServerCertificate is a TLS certificate in IAM. The world does not keep its private
// key: no operation returns it.
type ServerCertificate struct {
	Name, Path, ID    string
	Body, Chain       string // PEM
	Uploaded, Expires time.Time
	Tags              []org.Tag
}

// InstanceProfileARN returns the ARN of an instance profile of an account.
func (w *World) InstanceProfileARN(account string, p *InstanceProfile) string {
	return arn.IAM(w.Partition, account, "instance-profile", p.Path, p.Name)
}

// ServerCertificateARN returns the ARN of a server certificate of an account.
func (w *World) ServerCertificateARN(account string, c *ServerCertificate) string {
	return arn.IAM(w.Partition, account, "server-certificate", c.Path, c.Name)
}

func (p *InstanceProfile) clone() *InstanceProfile {
	c := *p
	c.Tags = slices.Clone(p.Tags)
	return &c
}

func (p *OIDCProvider) clone() *OIDCProvider {
	c := *p
	c.ClientIDs, c.Thumbprints, c.Tags = slices.Clone(p.ClientIDs), slices.Clone(p.Thumbprints), slices.Clone(p.Tags)
	return &c
}

func (p *SAMLProvider) clone() *SAMLProvider {
	c := *p
	c.Tags, c.PrivateKeys = slices.Clone(p.Tags), slices.Clone(p.PrivateKeys)
	return &c
}

func (s *ServerCertificate) clone() *ServerCertificate {
	c := *s
	c.Tags = slices.Clone(s.Tags)
	return &c
}
