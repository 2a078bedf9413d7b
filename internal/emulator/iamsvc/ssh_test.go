package iamsvc

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/world"
)

var generated = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func testKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSSHKeyReadsTheSameInBothForms(t *testing.T) {
	key := &testKey(t).PublicKey
	pemText, err := pemForm(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{sshForm(key), sshForm(key) + " bob@laptop", pemText} {
		if got, err := parseSSH(text); err != nil || !got.Equal(key) {
			t.Errorf("parseSSH(%.20s…): %v, the key is not the same", text, err)
		}
	}
}

func TestSSHKeyOfALoadedWorldIsReadable(t *testing.T) {
	s := populated(t)
	id := s.ofBob(func(u *world.User) string { return u.SSHKeys[0].ID })
	inSSH := do[iam.GetSSHPublicKeyOutput](s, &iam.GetSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyId: id, Encoding: types.EncodingTypeSsh})
	inPEM := do[iam.GetSSHPublicKeyOutput](s, &iam.GetSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyId: id, Encoding: types.EncodingTypePem})
	if !strings.HasPrefix(*inSSH.SSHPublicKey.SSHPublicKeyBody, "ssh-rsa AAAA") || !strings.HasPrefix(*inPEM.SSHPublicKey.SSHPublicKeyBody, "-----BEGIN PUBLIC KEY-----") {
		t.Errorf("bodies: %.20s, %.30s", *inSSH.SSHPublicKey.SSHPublicKeyBody, *inPEM.SSHPublicKey.SSHPublicKeyBody)
	}
	if a, b := *inSSH.SSHPublicKey.Fingerprint, *inPEM.SSHPublicKey.Fingerprint; a != b || len(a) != 47 {
		t.Errorf("fingerprints %s and %s", a, b)
	}
}

func TestSSHKeysComeAndGo(t *testing.T) {
	s := populated(t)
	id := s.ofBob(func(u *world.User) string { return u.SSHKeys[0].ID })
	s.did(&iam.UpdateSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyId: id, Status: types.StatusTypeInactive})
	list := do[iam.ListSSHPublicKeysOutput](s.as("bob", nil), &iam.ListSSHPublicKeysInput{})
	want := []types.SSHPublicKeyMetadata{{SSHPublicKeyId: id, Status: types.StatusTypeInactive, UploadDate: &noon, UserName: str("bob")}}
	if diff := cmp.Diff(want, list.SSHPublicKeys, ignoreSmithy); diff != "" {
		t.Error(diff)
	}
	s.did(&iam.DeleteSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyId: id})
	if n := len(s.account().Users["bob"].SSHKeys); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

func TestSSHKeysThatIAMRefuses(t *testing.T) {
	s := populated(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		sshForm(&testKey(t).PublicKey):      "DuplicateSSHPublicKey: ",
		sshForm(&weak.PublicKey):            "InvalidPublicKey: ",
		"ssh-rsa AAAAB3NzaC1yc2E=":          "InvalidPublicKey: ",
		"ssh-rsa not-base64!":               "InvalidPublicKey: ",
		"-----BEGIN PUBLIC KEY-----\nx":     "InvalidPublicKey: ",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5A": "UnrecognizedPublicKeyEncoding: ",
	} {
		s.wantRefused(&iam.UploadSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyBody: &body}, want)
	}
}

func FuzzParseSSH(f *testing.F) {
	key, err := generated()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sshForm(&key.PublicKey))
	f.Add("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := parseSSH(text)
		if err != nil || key.N.Sign() == 0 {
			return
		}
		again, err := parseSSH(sshForm(key))
		if err != nil || !again.Equal(key) {
			t.Errorf("%q does not survive printing: %v", text, err)
		}
	})
}
