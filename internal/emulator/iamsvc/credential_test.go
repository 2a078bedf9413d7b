package iamsvc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"forcemfa/internal/emulator/world"
)

func num(n int32) *int32 { return &n }

func firstKey(u *world.User) string { return u.Keys[0].ID }

var other = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func otherKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := other()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestLoginProfileComesAndGoes(t *testing.T) {
	s := populated(t)
	made := do[iam.CreateLoginProfileOutput](s, &iam.CreateLoginProfileInput{UserName: str("Alice"), Password: str("Correct-Horse-1"), PasswordResetRequired: true}).LoginProfile
	want := &types.LoginProfile{UserName: str("Alice"), CreateDate: &noon, PasswordResetRequired: true}
	if diff := cmp.Diff(want, made, ignoreSmithy); diff != "" {
		t.Error(diff)
	}
	s.call.Now = noon.Add(time.Hour)
	s.did(&iam.UpdateLoginProfileInput{UserName: str("Alice"), Password: str("Another-Horse-2"), PasswordResetRequired: aws.Bool(false)})
	got := *s.account().Users["alice"].Login
	if diff := cmp.Diff(world.Login{Created: noon, Changed: noon.Add(time.Hour), Password: "Another-Horse-2", Earlier: []string{"Correct-Horse-1"}}, got); diff != "" {
		t.Error(diff)
	}
	if own := do[iam.GetLoginProfileOutput](s.as("Alice", nil), &iam.GetLoginProfileInput{}).LoginProfile; *own.UserName != "Alice" {
		t.Errorf("Alice's own login profile is %s's", *own.UserName)
	}
	s.did(&iam.DeleteLoginProfileInput{UserName: str("Alice")})
	if s.account().Users["alice"].Login != nil {
		t.Error("the login profile is still there")
	}
	s.wantRefused(&iam.CreateLoginProfileInput{UserName: str("Alice")}, "ValidationError: ")
}

func TestUserChangesTheOwnPassword(t *testing.T) {
	s := populated(t)
	s.did(&iam.UpdateLoginProfileInput{UserName: str("bob"), PasswordResetRequired: aws.Bool(true)})
	bob := s.as("bob", nil)
	bob.wantRefused(&iam.ChangePasswordInput{OldPassword: str("wrong"), NewPassword: str("Another-Horse-2")}, "AccessDenied: The old password was incorrect.")
	bob.wantRefused(&iam.ChangePasswordInput{OldPassword: str("Correct-Horse-1"), NewPassword: str("weak")}, "PasswordPolicyViolation: ")
	bob.did(&iam.ChangePasswordInput{OldPassword: str("Correct-Horse-1"), NewPassword: str("Another-Horse-2")})
	if got := s.account().Users["bob"].Login; got.Password != "Another-Horse-2" || got.ResetRequired {
		t.Errorf("the login is %+v", got)
	}
	s.wantRefused(&iam.ChangePasswordInput{OldPassword: str("x"), NewPassword: str("y")}, "InvalidUserType: Only IAM Users can change their own password")
	s.as("Alice", nil).wantRefused(&iam.ChangePasswordInput{OldPassword: str("x"), NewPassword: str("y")}, "NoSuchEntity: Login Profile for User Alice cannot be found.")
}

func TestPasswordsMustConform(t *testing.T) {
	strict := &iam.UpdateAccountPasswordPolicyInput{
		MinimumPasswordLength: num(10), RequireSymbols: true, RequireNumbers: true, RequireUppercaseCharacters: true, RequireLowercaseCharacters: true,
	}
	for _, row := range []struct {
		policy   *iam.UpdateAccountPasswordPolicyInput
		password string
		good     bool
	}{
		{nil, "abcdefgH1", true}, {nil, "abcdefg1!", true}, {nil, "abcdefgh1", false}, {nil, "aB1!xyz", false},
		{strict, "aB1!aB1!aB", true}, {strict, "aB1!aB1!a", false}, {strict, "aB11aB11aB", false}, {strict, "aBx!aBx!aB", false}, {strict, "ab1!ab1!ab", false}, {strict, "AB1!AB1!AB", false},
		{&iam.UpdateAccountPasswordPolicyInput{}, "aaaaaa", true}, {&iam.UpdateAccountPasswordPolicyInput{}, "aaaaa", false},
	} {
		s := populated(t)
		if row.policy != nil {
			s.did(row.policy)
		}
		_, err := s.try(&iam.CreateLoginProfileInput{UserName: str("Alice"), Password: &row.password})
		if want := "PasswordPolicyViolation: Password does not conform to the account password policy."; row.good && err != nil || !row.good && refusal(err) != want {
			t.Errorf("%q under %+v: %v", row.password, row.policy, err)
		}
	}
}

func TestPasswordPolicyReadsBack(t *testing.T) {
	s := populated(t)
	s.did(&iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: num(14), RequireNumbers: true, MaxPasswordAge: num(90), PasswordReusePrevention: num(24), AllowUsersToChangePassword: true})
	got := do[iam.GetAccountPasswordPolicyOutput](s, &iam.GetAccountPasswordPolicyInput{}).PasswordPolicy
	want := &types.PasswordPolicy{
		MinimumPasswordLength: num(14), RequireNumbers: true, ExpirePasswords: true, MaxPasswordAge: num(90),
		PasswordReusePrevention: num(24), AllowUsersToChangePassword: true, HardExpiry: aws.Bool(false),
	}
	if diff := cmp.Diff(want, got, ignoreSmithy); diff != "" {
		t.Error(diff)
	}
	s.did(&iam.DeleteAccountPasswordPolicyInput{})
	s.wantRefused(&iam.GetAccountPasswordPolicyInput{}, "NoSuchEntity: ")
}

func TestAccessKeysComeAndGo(t *testing.T) {
	s := populated(t)
	bob := s.as("bob", nil)
	made := do[iam.CreateAccessKeyOutput](bob, &iam.CreateAccessKeyInput{}).AccessKey
	if len(*made.AccessKeyId) != 20 || len(*made.SecretAccessKey) != 40 || *made.UserName != "bob" {
		t.Errorf("made %+v", made)
	}
	if owner, key := s.call.World.Key(*made.AccessKeyId); owner.User != "bob" || key.Secret != *made.SecretAccessKey {
		t.Errorf("the world says %+v of the key", owner)
	}
	bob.did(&iam.UpdateAccessKeyInput{AccessKeyId: made.AccessKeyId, Status: types.StatusTypeInactive})
	s.wantRefused(&iam.UpdateAccessKeyInput{UserName: str("bob"), AccessKeyId: made.AccessKeyId, Status: types.StatusTypeExpired}, "InvalidInput: ")
	first := s.ofBob(firstKey)
	status := map[string]types.StatusType{}
	for _, k := range do[iam.ListAccessKeysOutput](bob, &iam.ListAccessKeysInput{}).AccessKeyMetadata {
		status[*k.AccessKeyId] = k.Status
	}
	if diff := cmp.Diff(map[string]types.StatusType{*first: types.StatusTypeActive, *made.AccessKeyId: types.StatusTypeInactive}, status); diff != "" {
		t.Error(diff)
	}
	s.wantRefused(&iam.DeleteAccessKeyInput{UserName: str("Alice"), AccessKeyId: first}, "NoSuchEntity: ")
	bob.did(&iam.DeleteAccessKeyInput{AccessKeyId: first})
	if _, ok := s.call.World.FindKey(*first); ok {
		t.Error("the deleted key still signs")
	}
}

func TestLastUseOfAKeyIsTold(t *testing.T) {
	s := populated(t)
	id := s.ofBob(firstKey)
	ask := func() *iam.GetAccessKeyLastUsedOutput {
		return do[iam.GetAccessKeyLastUsedOutput](s, &iam.GetAccessKeyLastUsedInput{AccessKeyId: id})
	}
	never := &iam.GetAccessKeyLastUsedOutput{UserName: str("bob"), AccessKeyLastUsed: &types.AccessKeyLastUsed{Region: str("N/A"), ServiceName: str("N/A")}}
	if diff := cmp.Diff(never, ask(), ignoreSmithy); diff != "" {
		t.Errorf("never used:\n%s", diff)
	}
	s.call.World.UseKey(*id, world.Use{At: noon, Region: "eu-west-1", Service: "s3"})
	used := &iam.GetAccessKeyLastUsedOutput{UserName: str("bob"), AccessKeyLastUsed: &types.AccessKeyLastUsed{LastUsedDate: &noon, Region: str("eu-west-1"), ServiceName: str("s3")}}
	if diff := cmp.Diff(used, ask(), ignoreSmithy); diff != "" {
		t.Errorf("used:\n%s", diff)
	}
}

func TestServiceCredentialsComeAndGo(t *testing.T) {
	s := populated(t).smallPages()
	git := do[iam.CreateServiceSpecificCredentialOutput](s, &iam.CreateServiceSpecificCredentialInput{UserName: str("Alice"), ServiceName: str("codecommit.amazonaws.com")}).ServiceSpecificCredential
	key := do[iam.CreateServiceSpecificCredentialOutput](s, &iam.CreateServiceSpecificCredentialInput{UserName: str("Alice"), ServiceName: str("bedrock.amazonaws.com"), CredentialAgeDays: num(30)}).ServiceSpecificCredential
	if *git.ServiceUserName != "Alice-at-111122223333" || len(*git.ServicePassword) < 20 || git.ServiceCredentialAlias != nil {
		t.Errorf("Git credentials: %+v", git)
	}
	if key.ServiceCredentialSecret == nil || *key.ServiceCredentialAlias != "Alice+1-at-111122223333" || !key.ExpirationDate.Equal(noon.AddDate(0, 0, 30)) || key.ServiceUserName != nil {
		t.Errorf("API key: %+v", key)
	}
	again := do[iam.ResetServiceSpecificCredentialOutput](s, &iam.ResetServiceSpecificCredentialInput{UserName: str("Alice"), ServiceSpecificCredentialId: git.ServiceSpecificCredentialId}).ServiceSpecificCredential
	if *again.ServicePassword == *git.ServicePassword {
		t.Error("resetting gave the same password")
	}
	list := func(in iam.ListServiceSpecificCredentialsInput) int {
		n := 0
		for {
			out := do[iam.ListServiceSpecificCredentialsOutput](s, &in)
			n += len(out.ServiceSpecificCredentials)
			if !out.IsTruncated {
				return n
			}
			in.Marker = out.Marker
		}
	}
	if n := list(iam.ListServiceSpecificCredentialsInput{AllUsers: aws.Bool(true)}); n != 3 {
		t.Errorf("%d credentials of all users, want 3", n)
	}
	if n := list(iam.ListServiceSpecificCredentialsInput{AllUsers: aws.Bool(true), ServiceName: str("codecommit.amazonaws.com")}); n != 2 {
		t.Errorf("%d Git credentials, want 2", n)
	}
	s.wantRefused(&iam.ListServiceSpecificCredentialsInput{AllUsers: aws.Bool(true), UserName: str("bob")}, "ValidationError: ")
	s.wantRefused(&iam.CreateServiceSpecificCredentialInput{UserName: str("bob"), ServiceName: str("s3.amazonaws.com")}, "NotSupportedService: ")
	s.wantRefused(&iam.CreateServiceSpecificCredentialInput{UserName: str("bob"), ServiceName: str("codecommit.amazonaws.com"), CredentialAgeDays: num(1)}, "InvalidInput: ")

	s.did(&iam.UpdateServiceSpecificCredentialInput{UserName: str("Alice"), ServiceSpecificCredentialId: git.ServiceSpecificCredentialId, Status: types.StatusTypeInactive})
	s.call.Now = noon.AddDate(0, 0, 30)
	status := map[string]types.StatusType{}
	for _, m := range do[iam.ListServiceSpecificCredentialsOutput](s.as("Alice", nil), &iam.ListServiceSpecificCredentialsInput{}).ServiceSpecificCredentials {
		status[*m.ServiceName] = m.Status
	}
	want := map[string]types.StatusType{"codecommit.amazonaws.com": types.StatusTypeInactive, "bedrock.amazonaws.com": types.StatusTypeExpired}
	if diff := cmp.Diff(want, status); diff != "" {
		t.Error(diff)
	}
	s.did(&iam.DeleteServiceSpecificCredentialInput{UserName: str("Alice"), ServiceSpecificCredentialId: git.ServiceSpecificCredentialId})
	if n := list(iam.ListServiceSpecificCredentialsInput{UserName: str("Alice")}); n != 1 {
		t.Errorf("%d credentials are left, want 1", n)
	}
}

func certificate(t *testing.T, serial int64, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: noon.AddDate(-2, 0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestSigningCertificatesComeAndGo(t *testing.T) {
	s := populated(t)
	upload := func(body string) any {
		return &iam.UploadSigningCertificateInput{UserName: str("bob"), CertificateBody: &body}
	}
	first := certificate(t, 1, noon.AddDate(1, 0, 0))
	s.did(upload(first))
	s.wantRefused(upload(first), "DuplicateCertificate: ")
	s.wantRefused(upload("x"), "MalformedCertificate: ")
	s.wantRefused(upload(certificate(t, 2, noon.AddDate(-1, 0, 0))), "InvalidCertificate: ")
	s.did(upload(certificate(t, 3, noon.AddDate(1, 0, 0))))
	s.wantRefused(upload(certificate(t, 4, noon.AddDate(1, 0, 0))), "LimitExceeded: Cannot exceed quota for CertificatesPerUser: 2")
	id := s.ofBob(func(u *world.User) string { return u.Certificates[0].ID })
	s.did(&iam.UpdateSigningCertificateInput{UserName: str("bob"), CertificateId: id, Status: types.StatusTypeInactive})
	list := do[iam.ListSigningCertificatesOutput](s, &iam.ListSigningCertificatesInput{UserName: str("bob")}).Certificates
	status := map[string]types.StatusType{}
	for _, o := range list {
		status[*o.CertificateId] = o.Status
	}
	want := map[string]types.StatusType{*id: types.StatusTypeInactive, s.account().Users["bob"].Certificates[1].ID: types.StatusTypeActive}
	if diff := cmp.Diff(want, status); diff != "" {
		t.Error(diff)
	}
	s.did(&iam.DeleteSigningCertificateInput{UserName: str("bob"), CertificateId: id})
	if n := len(s.account().Users["bob"].Certificates); n != 1 {
		t.Errorf("%d certificates are left, want 1", n)
	}
}

func TestAliasIsOnePerAccountAndUniqueAmongAll(t *testing.T) {
	s := populated(t)
	s.call.World.AddAccount(&world.Account{ID: "999999999999", Alias: "taken"})
	s.wantRefused(&iam.CreateAccountAliasInput{AccountAlias: str("taken")}, "EntityAlreadyExists: The account alias taken already exists.")
	s.did(&iam.CreateAccountAliasInput{AccountAlias: str("acme")}, &iam.CreateAccountAliasInput{AccountAlias: str("acme-2")})
	if got := do[iam.ListAccountAliasesOutput](s, &iam.ListAccountAliasesInput{}).AccountAliases; !cmp.Equal(got, []string{"acme-2"}) {
		t.Errorf("aliases %v", got)
	}
	s.did(&iam.DeleteAccountAliasInput{AccountAlias: str("acme-2")})
	if got := do[iam.ListAccountAliasesOutput](s, &iam.ListAccountAliasesInput{}).AccountAliases; len(got) != 0 {
		t.Errorf("aliases %v after deleting", got)
	}
}

func TestSummaryTellsCountsAndQuotas(t *testing.T) {
	s := populated(t)
	s.did(&iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: str("orphan")})
	a := s.call.World.Edit(here)
	a.Root = world.Root{MFA: true, AccessKeys: 1}
	a.Quotas[world.QuotaAttachedToUser] = 20
	got := do[iam.GetAccountSummaryOutput](s, &iam.GetAccountSummaryInput{}).SummaryMap
	want := map[string]int32{
		"Users": 2, "UsersQuota": 5000, "Groups": 2, "GroupsQuota": 300, "Roles": 3, "RolesQuota": 1000, "Policies": 1, "PoliciesQuota": 1500,
		"PolicyVersionsInUse": 2, "PolicyVersionsInUseQuota": 10000, "VersionsPerPolicyQuota": 5, "PolicySizeQuota": 6144,
		"UserPolicySizeQuota": 2048, "GroupPolicySizeQuota": 5120, "RolePolicySizeQuota": 10240, "AssumeRolePolicySizeQuota": 2048,
		"AttachedPoliciesPerUserQuota": 20, "AttachedPoliciesPerGroupQuota": 10, "AttachedPoliciesPerRoleQuota": 20, "GroupsPerUserQuota": 10,
		"AccessKeysPerUserQuota": 2, "SigningCertificatesPerUserQuota": 2, "MFADevices": 2, "MFADevicesInUse": 1,
		"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 1, "AccountPasswordPresent": 0, "AccountSigningCertificatesPresent": 0,
		"ServerCertificates": 0, "ServerCertificatesQuota": 20, "InstanceProfiles": 0, "InstanceProfilesQuota": 1000, "Providers": 0, "GlobalEndpointTokenVersion": 1,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}
