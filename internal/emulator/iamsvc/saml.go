package iamsvc

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy/arn"
)

func samlOperations() []operation.Operation {
	create := spec{on: newOf("saml-provider", "Name"), keys: []key{requestTags}, also: "iam:TagSAMLProvider"}
	tagged := spec{on: aSAMLProvider, keys: []key{requestTags}}
	plain := spec{on: aSAMLProvider}
	return []operation.Operation{
		write("CreateSAMLProvider", create, createSAMLProvider),
		read("GetSAMLProvider", plain, getSAMLProvider),
		read("ListSAMLProviders", spec{on: anything}, listSAMLProviders),
		write("UpdateSAMLProvider", plain, updateSAMLProvider),
		write("DeleteSAMLProvider", plain, deleteSAMLProvider),
		write("TagSAMLProvider", tagged, tagSAMLProvider),
		write("UntagSAMLProvider", tagged, untagSAMLProvider),
		read("ListSAMLProviderTags", plain, listSAMLProviderTags),
	}
}

// aSAMLProvider is the provider in SAMLProviderArn.
func aSAMLProvider(c *operation.Call, in input) (found, error) {
	named, _ := in.text("SAMLProviderArn")
	f := found{arn: named}
	if p := account(c).SAMLProviders[named]; p != nil {
		f.tags = tagMap(p.Tags)
	}
	return f, providerARN(c, named, "saml-provider")
}

func samlProviderOf(a *world.Account, named *string) (*world.SAMLProvider, error) {
	p := a.SAMLProviders[*named]
	if p == nil {
		return nil, noSuchEntity("Manifest not found for arn %s", *named)
	}
	return p, nil
}

// samlMetadata is the part of a SAML metadata document that IAM requires.
// Source: SAML V2.0 Metadata, 2.4.3; IAM User Guide, "Create a SAML identity provider".
type samlMetadata struct {
	XMLName    xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	EntityID   string   `xml:"entityID,attr"`
	ValidUntil string   `xml:"validUntil,attr"`
	IDP        *struct {
		Keys []struct {
			Use         string `xml:"use,attr"`
			Certificate string `xml:"http://www.w3.org/2000/09/xmldsig# KeyInfo>X509Data>X509Certificate"`
		} `xml:"urn:oasis:names:tc:SAML:2.0:metadata KeyDescriptor"`
		SingleSignOn []struct{} `xml:"urn:oasis:names:tc:SAML:2.0:metadata SingleSignOnService"`
	} `xml:"urn:oasis:names:tc:SAML:2.0:metadata IDPSSODescriptor"`
}

var errNoSigningKey = errors.New("it has no certificate of a signing key")

// lastsByDefault is how long metadata without validUntil are valid.
// Source: observed in responses of GetSAMLProvider.
const lastsByDefault = 100 * 365 * 24 * time.Hour

// readMetadata returns until when a metadata document is valid.
func readMetadata(text string, now time.Time) (time.Time, error) {
	var m samlMetadata
	if err := xml.Unmarshal([]byte(text), &m); err != nil {
		return time.Time{}, invalidInput("Could not parse metadata")
	}
	if m.EntityID == "" || m.IDP == nil || len(m.IDP.SingleSignOn) == 0 {
		return time.Time{}, invalidInput("Could not parse metadata: it describes no identity provider")
	}
	if err := m.signingKey(); err != nil {
		return time.Time{}, invalidInput("Could not parse metadata: %v", err)
	}
	if m.ValidUntil == "" {
		return now.Add(lastsByDefault).Truncate(time.Second), nil
	}
	until, err := time.Parse(time.RFC3339, m.ValidUntil)
	if err != nil {
		return time.Time{}, invalidInput("Could not parse metadata: validUntil is not a time")
	}
	if !now.Before(until) {
		return time.Time{}, invalidInput("The metadata document has expired.")
	}
	return until, nil
}

func (m *samlMetadata) signingKey() error {
	for _, k := range m.IDP.Keys {
		if k.Use == "encryption" {
			continue
		}
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(k.Certificate), ""))
		if err != nil {
			return fmt.Errorf("decode its certificate: %w", err)
		}
		if _, err := x509.ParseCertificate(der); err != nil {
			return fmt.Errorf("read its certificate: %w", err)
		}
		return nil
	}
	return errNoSigningKey
}

func createSAMLProvider(c *operation.Call, in *iam.CreateSAMLProviderInput) (*iam.CreateSAMLProviderOutput, error) {
	a := edit(c)
	p := &world.SAMLProvider{
		ARN: arn.IAM(c.World.Partition, a.ID, "saml-provider", "/", *in.Name), Name: *in.Name,
		Metadata: *in.SAMLMetadataDocument, Created: c.Now, Encryption: string(in.AssertionEncryptionMode),
	}
	if a.SAMLProviders[p.ARN] != nil {
		return nil, alreadyExists("SAML Provider with name %s already exists.", p.Name)
	}
	if quota := a.Quota(world.QuotaSAMLProviders); len(a.SAMLProviders) >= quota {
		return nil, overQuota("SAMLProvidersPerAccount", quota)
	}
	var err error
	if p.ValidUntil, err = readMetadata(p.Metadata, c.Now); err != nil {
		return nil, err
	}
	if in.AddPrivateKey != nil {
		if err := addPrivateKey(c, p, *in.AddPrivateKey); err != nil {
			return nil, err
		}
	}
	if err := mayDecrypt(p); err != nil {
		return nil, err
	}
	if p.Tags, err = mergeTags(a, nil, in.Tags); err != nil {
		return nil, err
	}
	p.UUID = "SAMLSP" + c.World.NewID("")
	a.SAMLProviders[p.ARN] = p
	return &iam.CreateSAMLProviderOutput{SAMLProviderArn: aws.String(p.ARN), Tags: tagTypes(p.Tags)}, nil
}

// mostPrivateKeys is how many private keys a provider can have.
// Source: IAM User Guide, "Manage SAML encryption keys".
const mostPrivateKeys = 2

func addPrivateKey(c *operation.Call, p *world.SAMLProvider, text string) error {
	block, _ := pem.Decode([]byte(text))
	if block == nil || !isRSA(block.Bytes) {
		return invalidInput("The private key is not a valid RSA key.")
	}
	if len(p.PrivateKeys) >= mostPrivateKeys {
		return overQuota("PrivateKeysPerSAMLProvider", mostPrivateKeys)
	}
	p.PrivateKeys = append(p.PrivateKeys, world.SAMLKey{ID: c.World.NewCertificateID(), Added: c.Now})
	return nil
}

func isRSA(der []byte) bool {
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return true
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	_, ok := parsed.(*rsa.PrivateKey)
	return err == nil && ok
}

// mayDecrypt refuses a provider that requires encrypted assertions and has no key for
// them.
func mayDecrypt(p *world.SAMLProvider) error {
	if p.Encryption != "" && len(p.PrivateKeys) == 0 {
		return invalidInput("AssertionEncryptionMode needs a private key.")
	}
	return nil
}

func getSAMLProvider(c *operation.Call, in *iam.GetSAMLProviderInput) (*iam.GetSAMLProviderOutput, error) {
	p, err := samlProviderOf(account(c), in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	p = copyOf(p)
	out := &iam.GetSAMLProviderOutput{
		SAMLProviderUUID: &p.UUID, SAMLMetadataDocument: &p.Metadata, CreateDate: &p.Created, ValidUntil: &p.ValidUntil,
		Tags: tagTypes(p.Tags), AssertionEncryptionMode: types.AssertionEncryptionModeType(p.Encryption),
	}
	for _, k := range p.PrivateKeys {
		out.PrivateKeyList = append(out.PrivateKeyList, types.SAMLPrivateKey{KeyId: aws.String(k.ID), Timestamp: aws.Time(k.Added)})
	}
	return out, nil
}

func listSAMLProviders(c *operation.Call, _ *iam.ListSAMLProvidersInput) (*iam.ListSAMLProvidersOutput, error) {
	a := account(c)
	out := &iam.ListSAMLProvidersOutput{SAMLProviderList: []types.SAMLProviderListEntry{}}
	for _, named := range slices.Sorted(maps.Keys(a.SAMLProviders)) {
		p := copyOf(a.SAMLProviders[named])
		out.SAMLProviderList = append(out.SAMLProviderList, types.SAMLProviderListEntry{
			Arn: &p.ARN, CreateDate: &p.Created, ValidUntil: &p.ValidUntil,
		})
	}
	return out, nil
}

func updateSAMLProvider(c *operation.Call, in *iam.UpdateSAMLProviderInput) (*iam.UpdateSAMLProviderOutput, error) {
	a := edit(c)
	p, err := samlProviderOf(a, in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	changed := *p // p itself changes only when everything is valid
	changed.PrivateKeys = slices.Clone(p.PrivateKeys)
	if err := reviseSAMLProvider(c, &changed, in); err != nil {
		return nil, err
	}
	*p = changed
	return &iam.UpdateSAMLProviderOutput{SAMLProviderArn: aws.String(p.ARN)}, nil
}

func reviseSAMLProvider(c *operation.Call, p *world.SAMLProvider, in *iam.UpdateSAMLProviderInput) (err error) {
	if in.SAMLMetadataDocument != nil {
		p.Metadata = *in.SAMLMetadataDocument
		if p.ValidUntil, err = readMetadata(p.Metadata, c.Now); err != nil {
			return err
		}
	}
	if in.RemovePrivateKey != nil {
		i := slices.IndexFunc(p.PrivateKeys, func(k world.SAMLKey) bool { return k.ID == *in.RemovePrivateKey })
		if i < 0 {
			return noSuchEntity("The private key %s cannot be found.", *in.RemovePrivateKey)
		}
		p.PrivateKeys = slices.Delete(p.PrivateKeys, i, i+1)
	}
	if in.AddPrivateKey != nil {
		if err := addPrivateKey(c, p, *in.AddPrivateKey); err != nil {
			return err
		}
	}
	if in.AssertionEncryptionMode != "" {
		p.Encryption = string(in.AssertionEncryptionMode)
	}
	return mayDecrypt(p)
}

func deleteSAMLProvider(c *operation.Call, in *iam.DeleteSAMLProviderInput) (*iam.DeleteSAMLProviderOutput, error) {
	a := edit(c)
	p, err := samlProviderOf(a, in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	delete(a.SAMLProviders, p.ARN)
	return &iam.DeleteSAMLProviderOutput{}, nil
}

func tagSAMLProvider(c *operation.Call, in *iam.TagSAMLProviderInput) (*iam.TagSAMLProviderOutput, error) {
	a := edit(c)
	p, err := samlProviderOf(a, in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	return &iam.TagSAMLProviderOutput{}, addTags(a, &p.Tags, in.Tags)
}

func untagSAMLProvider(c *operation.Call, in *iam.UntagSAMLProviderInput) (*iam.UntagSAMLProviderOutput, error) {
	p, err := samlProviderOf(edit(c), in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	p.Tags = withoutTags(p.Tags, in.TagKeys)
	return &iam.UntagSAMLProviderOutput{}, nil
}

func listSAMLProviderTags(c *operation.Call, in *iam.ListSAMLProviderTagsInput) (*iam.ListSAMLProviderTagsOutput, error) {
	p, err := samlProviderOf(account(c), in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	tags, found, err := tagPage(c, "ListSAMLProviderTags", p.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListSAMLProviderTagsOutput{Tags: tags, IsTruncated: found.truncated(), Marker: found.marker}, nil
}
