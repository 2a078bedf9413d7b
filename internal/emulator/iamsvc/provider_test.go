package iamsvc

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
)

var blue = []types.Tag{{Key: str("team"), Value: str("blue")}}

func TestInstanceProfilesCarryOneRole(t *testing.T) {
	s := populated(t)
	out := do[iam.CreateInstanceProfileOutput](s, &iam.CreateInstanceProfileInput{InstanceProfileName: str("Web"), Path: str("/x/"), Tags: blue})
	if got := *out.InstanceProfile.Arn; got != "arn:aws:iam::111122223333:instance-profile/x/Web" || len(*out.InstanceProfile.InstanceProfileId) != 21 {
		t.Errorf("created %s, %s", got, *out.InstanceProfile.InstanceProfileId)
	}
	s.wantRefused(&iam.CreateInstanceProfileInput{InstanceProfileName: str("WEB")}, "EntityAlreadyExists: ")
	add := &iam.AddRoleToInstanceProfileInput{InstanceProfileName: str("web"), RoleName: str("app")}
	want := []ask{
		{"iam:AddRoleToInstanceProfile", "arn:aws:iam::111122223333:instance-profile/x/Web", map[string]string{"aws:resourcetag/team": "blue"}},
		{"iam:PassRole", "arn:aws:iam::111122223333:role/app", map[string]string{"aws:resourcetag/tier": "web", "iam:resourcetag/tier": "web", "iam:passedtoservice": "ec2.amazonaws.com"}},
	}
	if diff := cmp.Diff(want, s.asks(add)); diff != "" {
		t.Errorf("permissions:\n%s", diff)
	}
	s.did(add)
	s.wantRefused(add, "LimitExceeded: Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	s.wantRefused(&iam.AddRoleToInstanceProfileInput{InstanceProfileName: str("web"), RoleName: str("AWSServiceRoleForSupport")}, "UnmodifiableEntity: ")
	s.wantRefused(&iam.DeleteInstanceProfileInput{InstanceProfileName: str("web")}, "DeleteConflict: Cannot delete entity, must remove roles from instance profile first.")
	s.did(
		&iam.DetachRolePolicyInput{RoleName: str("app"), PolicyArn: str(own)}, &iam.DeleteRolePolicyInput{RoleName: str("app"), PolicyName: str("inner")},
	)
	s.wantRefused(&iam.DeleteRoleInput{RoleName: str("app")}, "DeleteConflict: Cannot delete entity, must remove roles from instance profile first.")
	of := do[iam.ListInstanceProfilesForRoleOutput](s, &iam.ListInstanceProfilesForRoleInput{RoleName: str("app")})
	if len(of.InstanceProfiles) != 1 || *of.InstanceProfiles[0].Roles[0].RoleName != "app" || of.InstanceProfiles[0].Tags != nil {
		t.Errorf("profiles of app: %+v", of.InstanceProfiles)
	}
	if got := do[iam.GetInstanceProfileOutput](s, &iam.GetInstanceProfileInput{InstanceProfileName: str("web")}); len(got.InstanceProfile.Tags) != 1 {
		t.Errorf("profile %+v", got.InstanceProfile)
	}
	for _, r := range do[iam.GetAccountAuthorizationDetailsOutput](s, &iam.GetAccountAuthorizationDetailsInput{}).RoleDetailList {
		if n := len(r.InstanceProfileList); (n == 1) != (*r.RoleName == "app") {
			t.Errorf("%s has %d instance profiles in the authorization details", *r.RoleName, n)
		}
	}
	if got := do[iam.GetAccountSummaryOutput](s, &iam.GetAccountSummaryInput{}).SummaryMap["InstanceProfiles"]; got != 1 {
		t.Errorf("summary: %d instance profiles", got)
	}
	s.wantRefused(&iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: str("web"), RoleName: str("AWSReservedSSO_Admin_1")}, "UnmodifiableEntity: ")
	s.did(
		&iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: str("web"), RoleName: str("APP")}, &iam.DeleteRoleInput{RoleName: str("app")},
		&iam.DeleteInstanceProfileInput{InstanceProfileName: str("web")},
	)
	s.wantRefused(&iam.GetInstanceProfileInput{InstanceProfileName: str("web")}, "NoSuchEntity: Instance Profile web cannot be found.")
}

func TestInstanceProfilesAreListedInPages(t *testing.T) {
	s := newStand(t).smallPages()
	for i := range 5 {
		s.did(&iam.CreateInstanceProfileInput{InstanceProfileName: str(fmt.Sprintf("p%d", i)), Path: str([]string{"/a/", "/b/"}[i%2])})
	}
	var names []string
	in := &iam.ListInstanceProfilesInput{PathPrefix: str("/a/")}
	for {
		out := do[iam.ListInstanceProfilesOutput](s, in)
		for _, p := range out.InstanceProfiles {
			names = append(names, *p.InstanceProfileName)
		}
		if in.Marker = out.Marker; !out.IsTruncated {
			break
		}
	}
	if diff := cmp.Diff([]string{"p0", "p2", "p4"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestOIDCProvidersComeAndGo(t *testing.T) {
	s := newStand(t)
	const arn = "arn:aws:iam::111122223333:oidc-provider/token.example.com/x"
	print := strings.Repeat("0a", 20)
	create := &iam.CreateOpenIDConnectProviderInput{Url: str("https://token.example.com/x/"), ClientIDList: []string{"a", "b", "a"}, ThumbprintList: []string{print}, Tags: blue}
	if diff := cmp.Diff([]ask{
		{"iam:CreateOpenIDConnectProvider", arn, map[string]string{"aws:requesttag/team": "blue", "aws:tagkeys": "team"}},
		{"iam:TagOpenIDConnectProvider", arn, map[string]string{"aws:requesttag/team": "blue", "aws:tagkeys": "team"}},
	}, s.asks(create)); diff != "" {
		t.Errorf("permissions:\n%s", diff)
	}
	if got := *do[iam.CreateOpenIDConnectProviderOutput](s, create).OpenIDConnectProviderArn; got != arn {
		t.Errorf("created %s", got)
	}
	s.wantRefused(create, "EntityAlreadyExists: ")
	for _, bad := range []string{"http://token.example.com", "https://token.example.com:8443", "https://token.example.com?x=1", "token.example.com", "https://"} {
		s.wantRefused(&iam.CreateOpenIDConnectProviderInput{Url: &bad}, "ValidationError: ")
	}
	s.wantRefused(&iam.CreateOpenIDConnectProviderInput{Url: str("https://a.example.com"), ThumbprintList: []string{print, print, print, print, print, print}}, "InvalidInput: ")
	s.wantRefused(&iam.CreateOpenIDConnectProviderInput{Url: str("https://a.example.com"), ThumbprintList: []string{strings.Repeat("zz", 20)}}, "ValidationError: ")
	s.did(
		&iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: str(arn), ClientID: str("c")}, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: str(arn), ClientID: str("c")},
		&iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: str(arn), ClientID: str("a")}, &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: str(arn), ClientID: str("none")},
		&iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: str(arn), ThumbprintList: []string{strings.Repeat("0b", 20)}},
	)
	got := do[iam.GetOpenIDConnectProviderOutput](s, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: str(arn)})
	if diff := cmp.Diff([]string{"b", "c"}, got.ClientIDList); diff != "" || *got.Url != "token.example.com/x" || got.ThumbprintList[0] != strings.Repeat("0b", 20) {
		t.Errorf("provider %+v:\n%s", got, diff)
	}
	if list := do[iam.ListOpenIDConnectProvidersOutput](s, &iam.ListOpenIDConnectProvidersInput{}).OpenIDConnectProviderList; len(list) != 1 || *list[0].Arn != arn {
		t.Errorf("providers %+v", list)
	}
	other := str(strings.Replace(arn, "/x", "/y", 1))
	s.wantRefused(&iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: other}, "NoSuchEntity: OpenIDConnect Provider not found for arn ")
	s.wantRefused(&iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: other, ClientID: str("c")}, "NoSuchEntity: ")
	s.wantRefused(&iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: str("arn:aws:iam::111122223333:role/application")}, "InvalidInput: ")
	s.wantRefused(&iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: str(strings.Replace(arn, "1111", "9999", 1))}, "AccessDenied: ")
	s.did(&iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: other}, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: str(arn)})
	s.wantRefused(&iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: str(arn)}, "NoSuchEntity: ")
}

// keyPair is a certificate and its private key, in PEM.
func keyPair(t *testing.T, key *rsa.PrivateKey) (certificate, private string) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(7), NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return certificate, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// metadataOf is a SAML metadata document with a signing certificate.
func metadataOf(t *testing.T, attributes string) string {
	t.Helper()
	body, _ := keyPair(t, testKey(t))
	block, _ := pem.Decode([]byte(body))
	return `<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com"` + attributes + `>
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` +
		base64.StdEncoding.EncodeToString(block.Bytes) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>` + strings.Repeat(" ", 1000)
}

func TestSAMLProvidersComeAndGo(t *testing.T) {
	s := newStand(t)
	const arn = "arn:aws:iam::111122223333:saml-provider/corp"
	until := ` validUntil="2027-01-02T03:04:05Z"`
	valid := metadataOf(t, until)
	s.did(&iam.CreateSAMLProviderInput{Name: str("corp"), SAMLMetadataDocument: &valid, Tags: blue})
	s.wantRefused(&iam.CreateSAMLProviderInput{Name: str("corp"), SAMLMetadataDocument: &valid}, "EntityAlreadyExists: ")
	for what, bad := range map[string]string{
		"not XML":     strings.Repeat("x", 1000),
		"no IdP":      strings.ReplaceAll(valid, "IDPSSODescriptor", "SPSSODescriptor"),
		"no key":      strings.Replace(valid, `use="signing"`, `use="encryption"`, 1),
		"bad key":     strings.Replace(valid, "<ds:X509Certificate>", "<ds:X509Certificate>AAAA", 1),
		"expired":     metadataOf(t, ` validUntil="2026-01-01T00:00:00Z"`),
		"no entityID": strings.Replace(valid, `entityID=`, `id=`, 1),
	} {
		if _, err := s.try(&iam.CreateSAMLProviderInput{Name: str("bad"), SAMLMetadataDocument: &bad}); !strings.HasPrefix(refusal(err), "InvalidInput: ") {
			t.Errorf("%s: %s", what, refusal(err))
		}
	}
	got := do[iam.GetSAMLProviderOutput](s, &iam.GetSAMLProviderInput{SAMLProviderArn: str(arn)})
	if want := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC); !got.ValidUntil.Equal(want) || *got.SAMLMetadataDocument != valid || len(got.Tags) != 1 {
		t.Errorf("provider %+v", got)
	}
	_, private := keyPair(t, testKey(t))
	s.wantRefused(&iam.UpdateSAMLProviderInput{SAMLProviderArn: str(arn), AssertionEncryptionMode: types.AssertionEncryptionModeTypeRequired}, "InvalidInput: ")
	s.wantRefused(&iam.UpdateSAMLProviderInput{SAMLProviderArn: str(arn), AddPrivateKey: str("not a key")}, "InvalidInput: ")
	s.did(&iam.UpdateSAMLProviderInput{SAMLProviderArn: str(arn), AssertionEncryptionMode: types.AssertionEncryptionModeTypeRequired, AddPrivateKey: &private})
	keys := do[iam.GetSAMLProviderOutput](s, &iam.GetSAMLProviderInput{SAMLProviderArn: str(arn)}).PrivateKeyList
	if len(keys) != 1 {
		t.Fatalf("private keys %v", keys)
	}
	s.wantRefused(&iam.UpdateSAMLProviderInput{SAMLProviderArn: str(arn), RemovePrivateKey: keys[0].KeyId}, "InvalidInput: ")
	if list := do[iam.ListSAMLProvidersOutput](s, &iam.ListSAMLProvidersInput{}).SAMLProviderList; len(list) != 1 || *list[0].Arn != arn {
		t.Errorf("providers %+v", list)
	}
	s.did(&iam.DeleteSAMLProviderInput{SAMLProviderArn: str(arn)})
	s.wantRefused(&iam.DeleteSAMLProviderInput{SAMLProviderArn: str(arn)}, "NoSuchEntity: Manifest not found for arn "+arn)
}

func TestServerCertificatesNeedTheirKey(t *testing.T) {
	s := newStand(t)
	body, private := keyPair(t, testKey(t))
	another, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, foreign := keyPair(t, another)
	upload := func(name, body, key string) *iam.UploadServerCertificateInput {
		return &iam.UploadServerCertificateInput{ServerCertificateName: &name, CertificateBody: &body, PrivateKey: &key, Path: str("/cloudfront/"), Tags: blue}
	}
	s.wantRefused(upload("web", body, foreign), "KeyPairMismatch: ")
	s.wantRefused(upload("web", "text", private), "MalformedCertificate: ")
	s.wantRefused(upload("web", body, "text"), "MalformedCertificate: ")
	s.wantRefused(upload("web", body+body, private), "MalformedCertificate: ")
	chained := upload("web", body, private)
	chained.CertificateChain = str("text")
	s.wantRefused(chained, "MalformedCertificate: ")
	out := do[iam.UploadServerCertificateOutput](s, upload("web", body, private)).ServerCertificateMetadata
	if *out.Arn != "arn:aws:iam::111122223333:server-certificate/cloudfront/web" || !out.Expiration.Equal(noon.AddDate(1, 0, 0)) {
		t.Errorf("metadata %+v", out)
	}
	s.wantRefused(upload("WEB", body, private), "EntityAlreadyExists: ")
	s.did(upload("api", body, private))
	s.wantRefused(&iam.UpdateServerCertificateInput{ServerCertificateName: str("api"), NewServerCertificateName: str("Web")}, "EntityAlreadyExists: ")
	rename := &iam.UpdateServerCertificateInput{ServerCertificateName: str("api"), NewServerCertificateName: str("rest"), NewPath: str("/")}
	if asked := s.asks(rename); len(asked) != 2 || asked[1].Resource != "arn:aws:iam::111122223333:server-certificate/rest" {
		t.Errorf("permissions %+v", asked)
	}
	s.did(rename)
	if got := do[iam.GetServerCertificateOutput](s, &iam.GetServerCertificateInput{ServerCertificateName: str("rest")}).ServerCertificate; *got.CertificateBody != strings.TrimSpace(body) || len(got.Tags) != 1 {
		t.Errorf("certificate %+v", got)
	}
	if list := do[iam.ListServerCertificatesOutput](s, &iam.ListServerCertificatesInput{PathPrefix: str("/cloudfront/")}).ServerCertificateMetadataList; len(list) != 1 {
		t.Errorf("certificates %+v", list)
	}
	if state := s.state(); strings.Contains(state, strings.Split(private, "\n")[1]) {
		t.Error("the world keeps the private key")
	}
	s.did(&iam.DeleteServerCertificateInput{ServerCertificateName: str("rest")})
	s.wantRefused(&iam.GetServerCertificateInput{ServerCertificateName: str("rest")}, "NoSuchEntity: ")
}

func TestServiceLinkedRolesBelongToTheirService(t *testing.T) {
	s := newStand(t)
	create := &iam.CreateServiceLinkedRoleInput{AWSServiceName: str("autoscaling.amazonaws.com"), CustomSuffix: str("blue")}
	const role = "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling_blue"
	if diff := cmp.Diff([]ask{{"iam:CreateServiceLinkedRole", role, map[string]string{"iam:awsservicename": "autoscaling.amazonaws.com"}}}, s.asks(create)); diff != "" {
		t.Errorf("permissions:\n%s", diff)
	}
	if got := do[iam.CreateServiceLinkedRoleOutput](s, create).Role; *got.Arn != role || !strings.Contains(*got.AssumeRolePolicyDocument, "autoscaling.amazonaws.com") {
		t.Errorf("role %+v", got)
	}
	s.wantRefused(create, "InvalidInput: Service role name AWSServiceRoleForAutoScaling_blue has been taken in this account, please try a different suffix.")
	s.wantRefused(&iam.CreateServiceLinkedRoleInput{AWSServiceName: str("rds.amazonaws.com"), CustomSuffix: str("blue")}, "InvalidInput: Custom suffix is not allowed for rds.amazonaws.com")
	s.wantRefused(&iam.CreateServiceLinkedRoleInput{AWSServiceName: str("nothing.amazonaws.com")}, "InvalidInput: ")
	name := str("AWSServiceRoleForAutoScaling_blue")
	s.wantRefused(&iam.DeleteRoleInput{RoleName: name}, "UnmodifiableEntity: ")
	s.wantRefused(&iam.UpdateRoleInput{RoleName: name, MaxSessionDuration: num(7200)}, "UnmodifiableEntity: ")
	s.did(&iam.UpdateRoleInput{RoleName: name, Description: str("for the web")}, &iam.TagRoleInput{RoleName: name, Tags: blue})
	if got := do[iam.GetRoleOutput](s, &iam.GetRoleInput{RoleName: name}).Role; *got.Description != "for the web" || len(got.Tags) != 1 {
		t.Errorf("role %+v", got)
	}
	deletion := &iam.DeleteServiceLinkedRoleInput{RoleName: name}
	if got := s.asks(deletion)[0].Keys["iam:awsservicename"]; got != "autoscaling.amazonaws.com" {
		t.Errorf("iam:AWSServiceName is %q", got)
	}
	task := do[iam.DeleteServiceLinkedRoleOutput](s, deletion).DeletionTaskId
	if got := do[iam.GetServiceLinkedRoleDeletionStatusOutput](s, &iam.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: task}).Status; got != types.DeletionTaskStatusTypeSucceeded {
		t.Errorf("deletion is %s", got)
	}
	s.wantRefused(&iam.GetRoleInput{RoleName: name}, "NoSuchEntity: ")
	s.wantRefused(&iam.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: str("task/other")}, "NoSuchEntity: ")
	s.did(&iam.CreateRoleInput{RoleName: str("plain"), AssumeRolePolicyDocument: str(trust)})
	s.wantRefused(&iam.DeleteServiceLinkedRoleInput{RoleName: str("plain")}, "NoSuchEntity: ")
}

// Each kind of resource has the same three operations for tags.
func TestProvidersProfilesAndCertificatesHaveTags(t *testing.T) {
	s := newStand(t)
	body, private := keyPair(t, testKey(t))
	document := metadataOf(t, "")
	name, oidc, saml := str("x"), str("arn:aws:iam::111122223333:oidc-provider/a.example.com"), str("arn:aws:iam::111122223333:saml-provider/x")
	s.did(
		&iam.CreateInstanceProfileInput{InstanceProfileName: name}, &iam.CreateOpenIDConnectProviderInput{Url: str("https://a.example.com")},
		&iam.CreateSAMLProviderInput{Name: name, SAMLMetadataDocument: &document}, &iam.UploadServerCertificateInput{ServerCertificateName: name, CertificateBody: &body, PrivateKey: &private},
	)
	keys := []string{"TEAM"}
	for _, row := range []struct {
		tag, untag, list any
		listed           func(any) []types.Tag
	}{
		{&iam.TagInstanceProfileInput{InstanceProfileName: name, Tags: blue}, &iam.UntagInstanceProfileInput{InstanceProfileName: name, TagKeys: keys}, &iam.ListInstanceProfileTagsInput{InstanceProfileName: name},
			func(o any) []types.Tag { return o.(*iam.ListInstanceProfileTagsOutput).Tags }},
		{&iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: oidc, Tags: blue}, &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: oidc, TagKeys: keys}, &iam.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderArn: oidc},
			func(o any) []types.Tag { return o.(*iam.ListOpenIDConnectProviderTagsOutput).Tags }},
		{&iam.TagSAMLProviderInput{SAMLProviderArn: saml, Tags: blue}, &iam.UntagSAMLProviderInput{SAMLProviderArn: saml, TagKeys: keys}, &iam.ListSAMLProviderTagsInput{SAMLProviderArn: saml},
			func(o any) []types.Tag { return o.(*iam.ListSAMLProviderTagsOutput).Tags }},
		{&iam.TagServerCertificateInput{ServerCertificateName: name, Tags: blue}, &iam.UntagServerCertificateInput{ServerCertificateName: name, TagKeys: keys}, &iam.ListServerCertificateTagsInput{ServerCertificateName: name},
			func(o any) []types.Tag { return o.(*iam.ListServerCertificateTagsOutput).Tags }},
	} {
		count := func() int {
			out, err := s.try(row.list)
			if err != nil {
				t.Fatal(err)
			}
			return len(row.listed(out))
		}
		s.did(row.tag)
		if n := count(); n != 1 {
			t.Errorf("%T: %d tags after %T", row.list, n, row.tag)
		}
		s.did(row.untag)
		if n := count(); n != 0 {
			t.Errorf("%T: %d tags after %T", row.list, n, row.untag)
		}
	}
}
