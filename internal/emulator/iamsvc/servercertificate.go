package iamsvc

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy/arn"
)

func serverCertificateOperations() []operation.Operation {
	upload := spec{on: newOf("server-certificate", "ServerCertificateName"), keys: []key{requestTags}, also: "iam:TagServerCertificate"}
	tagged := spec{on: aServerCertificate, keys: []key{requestTags}}
	plain := spec{on: aServerCertificate}
	return []operation.Operation{
		write("UploadServerCertificate", upload, uploadServerCertificate),
		read("GetServerCertificate", plain, getServerCertificate),
		read("ListServerCertificates", spec{on: anything}, listServerCertificates),
		write("UpdateServerCertificate", spec{on: aServerCertificate, to: "NewServerCertificateName"}, updateServerCertificate),
		write("DeleteServerCertificate", plain, deleteServerCertificate),
		write("TagServerCertificate", tagged, tagServerCertificate),
		write("UntagServerCertificate", tagged, untagServerCertificate),
		read("ListServerCertificateTags", plain, listServerCertificateTags),
	}
}

// aServerCertificate is the certificate in ServerCertificateName.
func aServerCertificate(c *operation.Call, in input) (found, error) {
	name, _ := in.text("ServerCertificateName")
	s := account(c).ServerCertificates[world.Fold(name)]
	if s == nil {
		return found{arn: arn.IAM(c.World.Partition, c.Caller.Account, "server-certificate", "/", name)}, nil
	}
	return found{arn: c.World.ServerCertificateARN(c.Caller.Account, s), tags: tagMap(s.Tags)}, nil
}

func serverCertificateOf(a *world.Account, name *string) (*world.ServerCertificate, error) {
	s := a.ServerCertificates[world.Fold(*name)]
	if s == nil {
		return nil, noSuchEntity("The Server Certificate with name %s cannot be found.", *name)
	}
	return s, nil
}

func malformedCertificate(message string) error {
	return &types.MalformedCertificateException{Message: &message}
}

// checkKeyPair returns the certificate of a body whose private key is given.
func checkKeyPair(body, key string, chain *string) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(body))
	if block == nil || block.Type != "CERTIFICATE" || strings.TrimSpace(string(rest)) != "" {
		return nil, malformedCertificate("Unable to parse certificate. Please ensure the certificate is in PEM format.")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, malformedCertificate("Unable to parse certificate. Please ensure the certificate is in PEM format.")
	}
	if block, _ := pem.Decode([]byte(key)); block == nil {
		return nil, malformedCertificate("Unable to parse key. Please ensure the key is in PEM format.")
	}
	if _, err := tls.X509KeyPair([]byte(body), []byte(key)); err != nil {
		return nil, &types.KeyPairMismatchException{Message: aws.String("The private key does not match the certificate.")}
	}
	return parsed, checkChain(chain)
}

func checkChain(chain *string) error {
	if chain == nil {
		return nil
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(*chain)) {
		return malformedCertificate("Unable to parse certificate chain. Please ensure the chain is in PEM format.")
	}
	return nil
}

// uploadServerCertificate keeps the certificate without white space at its ends.
func uploadServerCertificate(c *operation.Call, in *iam.UploadServerCertificateInput) (*iam.UploadServerCertificateOutput, error) {
	a := edit(c)
	if a.ServerCertificates[world.Fold(*in.ServerCertificateName)] != nil {
		return nil, alreadyExists("The Server Certificate with name %s already exists.", *in.ServerCertificateName)
	}
	if quota := a.Quota(world.QuotaServerCertificates); len(a.ServerCertificates) >= quota {
		return nil, overQuota("ServerCertificatesPerAccount", quota)
	}
	parsed, err := checkKeyPair(*in.CertificateBody, *in.PrivateKey, in.CertificateChain)
	if err != nil {
		return nil, err
	}
	tags, err := mergeTags(a, nil, in.Tags)
	if err != nil {
		return nil, err
	}
	s := &world.ServerCertificate{
		Name: *in.ServerCertificateName, Path: pathOr(in.Path), ID: c.World.NewID("ASCA"), Body: strings.TrimSpace(*in.CertificateBody),
		Chain: strings.TrimSpace(aws.ToString(in.CertificateChain)), Uploaded: c.Now, Expires: parsed.NotAfter.UTC(), Tags: tags,
	}
	a.ServerCertificates[world.Fold(s.Name)] = s
	return &iam.UploadServerCertificateOutput{ServerCertificateMetadata: serverCertificateType(c, s), Tags: tagTypes(tags)}, nil
}

func serverCertificateType(c *operation.Call, s *world.ServerCertificate) *types.ServerCertificateMetadata {
	s = copyOf(s)
	return &types.ServerCertificateMetadata{
		Arn: aws.String(c.World.ServerCertificateARN(c.Caller.Account, s)), Path: &s.Path, ServerCertificateId: &s.ID,
		ServerCertificateName: &s.Name, UploadDate: &s.Uploaded, Expiration: &s.Expires,
	}
}

func getServerCertificate(c *operation.Call, in *iam.GetServerCertificateInput) (*iam.GetServerCertificateOutput, error) {
	s, err := serverCertificateOf(account(c), in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	t := &types.ServerCertificate{
		ServerCertificateMetadata: serverCertificateType(c, s), CertificateBody: aws.String(s.Body), Tags: tagTypes(s.Tags),
	}
	if s.Chain != "" {
		t.CertificateChain = aws.String(s.Chain)
	}
	return &iam.GetServerCertificateOutput{ServerCertificate: t}, nil
}

func listServerCertificates(c *operation.Call, in *iam.ListServerCertificatesInput) (*iam.ListServerCertificatesOutput, error) {
	l := listing[*world.ServerCertificate]{operation: "ListServerCertificates", key: func(s *world.ServerCertificate) string { return world.Fold(s.Name) }}
	for _, s := range account(c).ServerCertificates {
		if strings.HasPrefix(s.Path, aws.ToString(in.PathPrefix)) {
			l.items = append(l.items, s)
		}
	}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListServerCertificatesOutput{
		ServerCertificateMetadataList: []types.ServerCertificateMetadata{}, IsTruncated: p.truncated(), Marker: p.marker,
	}
	for _, s := range p.items {
		out.ServerCertificateMetadataList = append(out.ServerCertificateMetadataList, *serverCertificateType(c, s))
	}
	return out, nil
}

func updateServerCertificate(c *operation.Call, in *iam.UpdateServerCertificateInput) (*iam.UpdateServerCertificateOutput, error) {
	a := edit(c)
	s, err := serverCertificateOf(a, in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	if in.NewServerCertificateName != nil {
		other := a.ServerCertificates[world.Fold(*in.NewServerCertificateName)]
		if other != nil && other != s {
			return nil, alreadyExists("The Server Certificate with name %s already exists.", *in.NewServerCertificateName)
		}
		delete(a.ServerCertificates, world.Fold(s.Name))
		s.Name = *in.NewServerCertificateName
		a.ServerCertificates[world.Fold(s.Name)] = s
	}
	if in.NewPath != nil {
		s.Path = *in.NewPath
	}
	return &iam.UpdateServerCertificateOutput{}, nil
}

func deleteServerCertificate(c *operation.Call, in *iam.DeleteServerCertificateInput) (*iam.DeleteServerCertificateOutput, error) {
	a := edit(c)
	s, err := serverCertificateOf(a, in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	delete(a.ServerCertificates, world.Fold(s.Name))
	return &iam.DeleteServerCertificateOutput{}, nil
}

func tagServerCertificate(c *operation.Call, in *iam.TagServerCertificateInput) (*iam.TagServerCertificateOutput, error) {
	a := edit(c)
	s, err := serverCertificateOf(a, in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	return &iam.TagServerCertificateOutput{}, addTags(a, &s.Tags, in.Tags)
}

func untagServerCertificate(c *operation.Call, in *iam.UntagServerCertificateInput) (*iam.UntagServerCertificateOutput, error) {
	s, err := serverCertificateOf(edit(c), in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	s.Tags = withoutTags(s.Tags, in.TagKeys)
	return &iam.UntagServerCertificateOutput{}, nil
}

func listServerCertificateTags(c *operation.Call, in *iam.ListServerCertificateTagsInput) (*iam.ListServerCertificateTagsOutput, error) {
	s, err := serverCertificateOf(account(c), in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	tags, p, err := tagPage(c, "ListServerCertificateTags", s.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListServerCertificateTagsOutput{Tags: tags, IsTruncated: p.truncated(), Marker: p.marker}, nil
}
