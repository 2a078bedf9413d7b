package iamsvc

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

const (
	here    = "111122223333"
	allowS3 = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	denyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
	trust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`
	s3Read  = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
	own     = "arn:aws:iam::111122223333:policy/Own"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// A stand is an account and a caller in it.
type stand struct {
	t    testing.TB
	call operation.Call
}

// newStand has an empty account whose caller is a role session.
func newStand(t testing.TB) *stand {
	w := world.New("aws", 11)
	w.AddAccount(&world.Account{ID: here, Name: "test", Joined: noon.AddDate(-1, 0, 0)})
	return &stand{t, operation.Call{
		World: w, Now: noon, Region: "us-east-1",
		Caller: world.Caller{
			Account:    here,
			Principal:  policy.Principal{Kind: policy.RoleSession, Account: here, ARN: "arn:aws:sts::111122223333:assumed-role/admin/me"},
			Credential: policy.RoleFromKey,
		},
	}}
}

// as is the stand with a user as the caller, by access key or, with a session,
// by that.
func (s *stand) as(user string, session *world.Session) *stand {
	u := s.call.World.Account(here).Users[world.Fold(user)]
	if u == nil {
		s.t.Fatalf("no user %s", user)
	}
	other := *s
	other.call.Caller = world.Caller{
		Account: here, User: u, Session: session, Credential: policy.LongTermKey,
		Principal: policy.Principal{Kind: policy.IAMUser, Account: here, ARN: s.call.World.UserARN(here, u)},
	}
	return &other
}

func withMFA() *world.Session { return &world.Session{Present: policy.True} }

func (s *stand) account() *world.Account { return s.call.World.Account(here) }

var table = func() map[string]operation.Operation {
	byName := map[string]operation.Operation{}
	for _, op := range Operations() {
		byName[op.Name] = op
	}
	return byName
}()

func operationOf(in any) operation.Operation {
	return table[strings.TrimSuffix(reflect.TypeOf(in).Elem().Name(), "Input")]
}

// try runs an operation as the handler would, without authorization.
func (s *stand) try(in any) (any, error) {
	op := operationOf(in)
	if _, err := op.Asks(&s.call, in); err != nil {
		return nil, err
	}
	return op.Do(&s.call, in)
}

// do is try for an operation that must succeed; O is its output.
func do[O any](s *stand, in any) *O {
	s.t.Helper()
	out, err := s.try(in)
	if err != nil {
		s.t.Fatalf("%T: %v", in, err)
	}
	return out.(*O)
}

func (s *stand) did(ins ...any) {
	s.t.Helper()
	for _, in := range ins {
		if _, err := s.try(in); err != nil {
			s.t.Fatalf("%T: %v", in, err)
		}
	}
}

// refusal is "code: message" of an error of an operation.
func refusal(err error) string {
	var api smithy.APIError
	if err == nil {
		return "success"
	}
	if !errors.As(err, &api) {
		return "not an API error: " + err.Error()
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

// wantRefused fails unless the error begins with this text and the account is
// unchanged.
func (s *stand) wantRefused(in any, want string) {
	s.t.Helper()
	before := s.state()
	_, err := s.try(in)
	if got := refusal(err); !strings.HasPrefix(got, want) {
		s.t.Errorf("%T: %s\nwant %s", in, got, want)
	}
	if after := s.state(); after != before {
		s.t.Errorf("%T was refused and yet changed the account from\n%s\nto\n%s", in, before, after)
	}
}

func (s *stand) state() string {
	b, err := json.Marshal(s.account())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func str(s string) *string { return aws.String(s) }

// populated has the user Alice with a policy of each kind, in the group ops, the
// user bob with all credentials, the role app, two roles of AWS, and the policy
// Own with the versions v1 (default) and v2.
func populated(t testing.TB) *stand {
	s := newStand(t)
	s.did(
		&iam.CreateUserInput{UserName: str("Alice"), Path: str("/team/"), Tags: []types.Tag{{Key: str("Team"), Value: str("blue")}}},
		&iam.CreateUserInput{UserName: str("bob")},
		&iam.CreateGroupInput{GroupName: str("ops")},
		&iam.CreateGroupInput{GroupName: str("empty")},
		&iam.AddUserToGroupInput{GroupName: str("ops"), UserName: str("alice")},
		&iam.CreateRoleInput{RoleName: str("app"), AssumeRolePolicyDocument: str(trust), Tags: []types.Tag{{Key: str("tier"), Value: str("web")}}},
		&iam.CreatePolicyInput{PolicyName: str("Own"), PolicyDocument: str(allowS3), Description: str("ours"), Tags: []types.Tag{{Key: str("a"), Value: str("b")}}},
		&iam.CreatePolicyVersionInput{PolicyArn: str(own), PolicyDocument: str(denyAll)},
		&iam.AttachUserPolicyInput{UserName: str("Alice"), PolicyArn: str(own)},
		&iam.AttachGroupPolicyInput{GroupName: str("ops"), PolicyArn: str(s3Read)},
		&iam.AttachRolePolicyInput{RoleName: str("app"), PolicyArn: str(own)},
		&iam.PutUserPolicyInput{UserName: str("Alice"), PolicyName: str("mine"), PolicyDocument: str(allowS3)},
		&iam.PutGroupPolicyInput{GroupName: str("ops"), PolicyName: str("shared"), PolicyDocument: str(allowS3)},
		&iam.PutRolePolicyInput{RoleName: str("app"), PolicyName: str("inner"), PolicyDocument: str(allowS3)},
		&iam.CreateLoginProfileInput{UserName: str("bob"), Password: str("Correct-Horse-1")},
		&iam.CreateAccessKeyInput{UserName: str("bob")},
		&iam.CreateServiceSpecificCredentialInput{UserName: str("bob"), ServiceName: str("codecommit.amazonaws.com")},
		&iam.UploadSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyBody: str(sshForm(&testKey(t).PublicKey))},
	)
	s.enable("bob", "phone")
	a := s.call.World.Edit(here)
	for _, r := range []*world.Role{
		{Name: "AWSServiceRoleForSupport", Path: "/aws-service-role/support.amazonaws.com/", ID: "AROASERVICE"},
		{Name: "AWSReservedSSO_Admin_1", Path: "/aws-reserved/sso.amazonaws.com/", ID: "AROASSO"},
	} {
		r.Created, r.Trust, r.Inline, r.MaxSession = noon, trust, map[string]string{"aws": allowS3}, time.Hour
		r.Attached = []string{s3Read}
		a.Roles[world.Fold(r.Name)] = r
	}
	return s
}

// enable gives a user a virtual device that is in use, by codes that were shown
// an hour ago, and returns its serial number.
func (s *stand) enable(user, device string) string {
	s.t.Helper()
	out := do[iam.CreateVirtualMFADeviceOutput](s, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: str(device)})
	serial := *out.VirtualMFADevice.SerialNumber
	earlier := *s
	earlier.call.Now = s.call.Now.Add(-time.Hour)
	earlier.did(&iam.EnableMFADeviceInput{
		UserName: str(user), SerialNumber: &serial,
		AuthenticationCode1: str(earlier.code(serial, -1)), AuthenticationCode2: str(earlier.code(serial, 0)),
	})
	return serial
}

// code is what a device shows some steps from now.
func (s *stand) code(serial string, step int) string {
	s.t.Helper()
	c, err := s.call.World.Code(serial, s.call.Now.Add(time.Duration(step)*30*time.Second))
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// small pages hold two items at most.
func (s *stand) smallPages() *stand {
	s.call.PageSize = func(asked, byDefault, maximum int) int { return 2 }
	return s
}

// key is bob's access key and the like: the first of a kind.
func (s *stand) ofBob(id func(*world.User) string) *string {
	return str(id(s.account().Users["bob"]))
}

func documentOf(size int) string {
	const frame = `{"Version":"2012-10-17","Statement":[{"Sid":"%s","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	return fmt.Sprintf(frame, strings.Repeat("a", size-len(frame)+2))
}
