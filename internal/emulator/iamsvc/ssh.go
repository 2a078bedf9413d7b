package iamsvc

import (
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// minimumRSA is the minimum key length in bits.
// Source: IAM API Reference, UploadSSHPublicKey.
const minimumRSA = 2048

var errNotRSA = errors.New("not an RSA public key")

// parseSSH parses an RSA public key in OpenSSH's format or as PEM.
func parseSSH(body string) (*rsa.PublicKey, error) {
	if block, _ := pem.Decode([]byte(body)); block != nil {
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := parsed.(*rsa.PublicKey)
		if err != nil || !ok {
			return nil, errNotRSA
		}
		return key, nil
	}
	fields := strings.Fields(body)
	if len(fields) < 2 || fields[0] != "ssh-rsa" {
		return nil, errNotRSA
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return nil, errNotRSA
	}
	return parseBlob(blob)
}

// parseBlob parses the three fields of an ssh-rsa key (RFC 4253, 6.6), each
// preceded by its length.
func parseBlob(blob []byte) (*rsa.PublicKey, error) {
	var fields [3][]byte
	for i := range fields {
		if len(blob) < 4 {
			return nil, errNotRSA
		}
		n := binary.BigEndian.Uint32(blob)
		blob = blob[4:]
		if uint64(n) > uint64(len(blob)) {
			return nil, errNotRSA
		}
		fields[i], blob = blob[:n], blob[n:]
	}
	e := new(big.Int).SetBytes(fields[1])
	if string(fields[0]) != "ssh-rsa" || len(blob) > 0 || !e.IsInt64() || e.Int64() > 1<<31-1 || e.Sign() == 0 {
		return nil, errNotRSA
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(fields[2]), E: int(e.Int64())}, nil
}

func sshForm(key *rsa.PublicKey) string {
	var blob []byte
	for _, field := range [][]byte{[]byte("ssh-rsa"), mpint(big.NewInt(int64(key.E))), mpint(key.N)} {
		blob = binary.BigEndian.AppendUint32(blob, uint32(len(field)))
		blob = append(blob, field...)
	}
	return "ssh-rsa " + base64.StdEncoding.EncodeToString(blob)
}

// mpint is a positive number with room for its sign (RFC 4251, 5).
func mpint(n *big.Int) []byte { return n.FillBytes(make([]byte, n.BitLen()/8+1)) }

func pemForm(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// fingerprint is the MD5 of a key as ssh-keygen -l -E md5 prints it.
func fingerprint(key *rsa.PublicKey) string {
	blob, _ := base64.StdEncoding.DecodeString(strings.Fields(sshForm(key))[1])
	sum := md5.Sum(blob)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = hex.EncodeToString([]byte{b})
	}
	return strings.Join(parts, ":")
}

func uploadSSHPublicKey(c *operation.Call, in *iam.UploadSSHPublicKeyInput) (*iam.UploadSSHPublicKeyOutput, error) {
	a := edit(c)
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	body := strings.TrimSpace(*in.SSHPublicKeyBody)
	if !strings.HasPrefix(body, "ssh-rsa ") && !strings.HasPrefix(body, "-----BEGIN PUBLIC KEY-----") {
		return nil, &types.UnrecognizedPublicKeyEncodingException{Message: aws.String("Could not recognize the encoding of the public key.")}
	}
	key, err := parseSSH(body)
	if err != nil || key.N.BitLen() < minimumRSA {
		return nil, &types.InvalidPublicKeyException{Message: aws.String("The public key is not a valid RSA key of at least 2048 bits.")}
	}
	for _, k := range u.SSHKeys {
		if other, err := parseSSH(k.Body); err == nil && other.Equal(key) {
			return nil, &types.DuplicateSSHPublicKeyException{Message: aws.String("The public key is already associated with the user.")}
		}
	}
	if quota := a.Quota(world.QuotaSSHKeysPerUser); len(u.SSHKeys) >= quota {
		return nil, overQuota("SSHPublicKeysPerUser", quota)
	}
	k := &world.SSHKey{ID: c.World.NewID("APKA"), Body: body, Active: true, Uploaded: c.Now}
	u.SSHKeys = append(u.SSHKeys, k)
	return &iam.UploadSSHPublicKeyOutput{SSHPublicKey: sshType(u, k, key, k.Body)}, nil
}

func sshType(u *world.User, k *world.SSHKey, key *rsa.PublicKey, body string) *types.SSHPublicKey {
	return &types.SSHPublicKey{
		Fingerprint: aws.String(fingerprint(key)), SSHPublicKeyBody: aws.String(body), SSHPublicKeyId: aws.String(k.ID),
		Status: statusOf(k.Active), UserName: aws.String(u.Name), UploadDate: aws.Time(k.Uploaded),
	}
}

func sshKeyOf(a *world.Account, user, id *string) (*world.User, *world.SSHKey, error) {
	u, err := userOf(a, user)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(u.SSHKeys, func(k *world.SSHKey) bool { return k.ID == *id })
	if i < 0 {
		return nil, nil, noSuchEntity("The Public Key with id %s cannot be found.", *id)
	}
	return u, u.SSHKeys[i], nil
}

func getSSHPublicKey(c *operation.Call, in *iam.GetSSHPublicKeyInput) (*iam.GetSSHPublicKeyOutput, error) {
	u, k, err := sshKeyOf(account(c), in.UserName, in.SSHPublicKeyId)
	if err != nil {
		return nil, err
	}
	key, err := parseSSH(k.Body)
	if err != nil {
		return nil, &types.InvalidPublicKeyException{Message: aws.String("The public key cannot be read.")}
	}
	body := sshForm(key)
	if in.Encoding == types.EncodingTypePem {
		if body, err = pemForm(key); err != nil {
			return nil, err
		}
	}
	return &iam.GetSSHPublicKeyOutput{SSHPublicKey: sshType(u, k, key, body)}, nil
}

func listSSHPublicKeys(c *operation.Call, in *iam.ListSSHPublicKeysInput) (*iam.ListSSHPublicKeysOutput, error) {
	u, err := userOrOwn(c, account(c), in.UserName)
	if err != nil {
		return nil, err
	}
	l := listing[*world.SSHKey]{"ListSSHPublicKeys", slices.Clone(u.SSHKeys), func(k *world.SSHKey) string { return k.ID }}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListSSHPublicKeysOutput{SSHPublicKeys: []types.SSHPublicKeyMetadata{}, IsTruncated: p.truncated(), Marker: p.marker}
	for _, k := range p.items {
		out.SSHPublicKeys = append(out.SSHPublicKeys, types.SSHPublicKeyMetadata{
			SSHPublicKeyId: aws.String(k.ID), Status: statusOf(k.Active), UploadDate: aws.Time(k.Uploaded), UserName: aws.String(u.Name),
		})
	}
	return out, nil
}

func updateSSHPublicKey(c *operation.Call, in *iam.UpdateSSHPublicKeyInput) (*iam.UpdateSSHPublicKeyOutput, error) {
	_, k, err := sshKeyOf(edit(c), in.UserName, in.SSHPublicKeyId)
	if err != nil {
		return nil, err
	}
	active, err := isActive(in.Status)
	if err != nil {
		return nil, err
	}
	k.Active = active
	return &iam.UpdateSSHPublicKeyOutput{}, nil
}

func deleteSSHPublicKey(c *operation.Call, in *iam.DeleteSSHPublicKeyInput) (*iam.DeleteSSHPublicKeyOutput, error) {
	u, k, err := sshKeyOf(edit(c), in.UserName, in.SSHPublicKeyId)
	if err != nil {
		return nil, err
	}
	u.SSHKeys = slices.DeleteFunc(u.SSHKeys, func(o *world.SSHKey) bool { return o == k })
	return &iam.DeleteSSHPublicKeyOutput{}, nil
}
