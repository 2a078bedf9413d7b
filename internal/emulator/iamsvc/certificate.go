package iamsvc

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

func uploadSigningCertificate(c *operation.Call, in *iam.UploadSigningCertificateInput) (*iam.UploadSigningCertificateOutput, error) {
	a := edit(c)
	u, err := userOrOwn(c, a, in.UserName)
	if err != nil {
		return nil, err
	}
	body := strings.TrimSpace(*in.CertificateBody)
	if err := checkCertificate(c, body); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(u.Certificates, func(o *world.Certificate) bool { return o.Body == body }) {
		return nil, &types.DuplicateCertificateException{Message: aws.String("The certificate is already associated with the user.")}
	}
	if quota := a.Quota(world.QuotaCertificatesPerUser); len(u.Certificates) >= quota {
		return nil, overQuota("CertificatesPerUser", quota)
	}
	certificate := &world.Certificate{ID: c.World.NewCertificateID(), Body: body, Active: true, Uploaded: c.Now}
	u.Certificates = append(u.Certificates, certificate)
	t := certificateType(u, certificate)
	return &iam.UploadSigningCertificateOutput{Certificate: &t}, nil
}

// checkCertificate refuses a text that is not a certificate, or not a valid one
// now.
func checkCertificate(c *operation.Call, body string) error {
	block, _ := pem.Decode([]byte(body))
	if block == nil || block.Type != "CERTIFICATE" {
		return &types.MalformedCertificateException{Message: aws.String("Certificate body is invalid.")}
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return &types.MalformedCertificateException{Message: aws.String("Certificate body is invalid.")}
	}
	if c.Now.After(parsed.NotAfter) {
		return &types.InvalidCertificateException{Message: aws.String("Certificate is expired.")}
	}
	return nil
}

func certificateType(u *world.User, o *world.Certificate) types.SigningCertificate {
	o = copyOf(o)
	return types.SigningCertificate{
		CertificateBody: &o.Body, CertificateId: &o.ID, Status: statusOf(o.Active), UserName: aws.String(u.Name), UploadDate: &o.Uploaded,
	}
}

func listSigningCertificates(c *operation.Call, in *iam.ListSigningCertificatesInput) (*iam.ListSigningCertificatesOutput, error) {
	u, err := userOrOwn(c, account(c), in.UserName)
	if err != nil {
		return nil, err
	}
	l := listing[*world.Certificate]{"ListSigningCertificates", slices.Clone(u.Certificates), func(o *world.Certificate) string { return o.ID }}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListSigningCertificatesOutput{Certificates: []types.SigningCertificate{}, IsTruncated: p.truncated(), Marker: p.marker}
	for _, o := range p.items {
		out.Certificates = append(out.Certificates, certificateType(u, o))
	}
	return out, nil
}

func certificateOf(c *operation.Call, a *world.Account, user, id *string) (*world.User, *world.Certificate, error) {
	u, err := userOrOwn(c, a, user)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(u.Certificates, func(o *world.Certificate) bool { return o.ID == *id })
	if i < 0 {
		return nil, nil, noSuchEntity("The Certificate with id %s cannot be found.", *id)
	}
	return u, u.Certificates[i], nil
}

func updateSigningCertificate(c *operation.Call, in *iam.UpdateSigningCertificateInput) (*iam.UpdateSigningCertificateOutput, error) {
	_, o, err := certificateOf(c, edit(c), in.UserName, in.CertificateId)
	if err != nil {
		return nil, err
	}
	active, err := isActive(in.Status)
	if err != nil {
		return nil, err
	}
	o.Active = active
	return &iam.UpdateSigningCertificateOutput{}, nil
}

func deleteSigningCertificate(c *operation.Call, in *iam.DeleteSigningCertificateInput) (*iam.DeleteSigningCertificateOutput, error) {
	u, o, err := certificateOf(c, edit(c), in.UserName, in.CertificateId)
	if err != nil {
		return nil, err
	}
	u.Certificates = slices.DeleteFunc(u.Certificates, func(other *world.Certificate) bool { return other == o })
	return &iam.DeleteSigningCertificateOutput{}, nil
}
