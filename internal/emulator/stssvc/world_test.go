package stssvc_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/stssvc"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

const (
	people    = "123456789012" // has users
	work      = "210987654321" // has roles
	suspended = "333333333333"
)

var now = time.Date(2026, 11, 2, 9, 0, 10, 0, time.UTC)

// newWorld has bob, whose devices are a phone, a token and a security key, in
// one account, and roles in another.
func newWorld(t *testing.T, partition string) *world.World {
	t.Helper()
	w := world.New(partition, 7)
	a := w.AddAccount(&world.Account{ID: people})
	a.Users["bob"] = &world.User{Name: "Bob", Path: "/", ID: "AIDABOBBOBBOBBOBBOB01", Created: now.AddDate(-1, 0, 0)}
	a.Users["eve"] = &world.User{Name: "eve", Path: "/", ID: "AIDAEVEEVEEVEEVEEVE01", Created: now.AddDate(-1, 0, 0)}
	w.AddKey(people, "bob", &world.Key{ID: "AKIABOBBOBBOBBOBBOB1", Secret: "secret", Active: true})
	for _, d := range []*world.Device{
		{Serial: phone(partition), Kind: org.VirtualMFA, User: "bob", Seed: []byte("bob's phone")},
		{Serial: "GAHT12345678", Kind: org.HardwareMFA, User: "bob", Seed: []byte("bob's token")},
		{Serial: "arn:" + partition + ":iam::" + people + ":u2f/user/Bob/key", Kind: org.FIDO, User: "bob"},
		{Serial: "arn:" + partition + ":iam::" + people + ":mfa/eve", Kind: org.VirtualMFA, User: "eve", Seed: []byte("eve's phone")},
		{Serial: "arn:" + partition + ":iam::" + people + ":mfa/nobody", Kind: org.VirtualMFA, Seed: []byte("unassigned")},
		{Serial: "arn:" + partition + ":iam::" + people + ":mfa/root-account-mfa-device", Kind: org.VirtualMFA, User: world.RootUser, Seed: []byte("root's phone")},
	} {
		a.Devices[d.Serial] = d
	}
	b := w.AddAccount(&world.Account{ID: work})
	b.Roles["worker"] = newRole("Worker", "/", trusting("arn:"+partition+":iam::"+people+":root"))
	b.Roles["worker"].Tags = []org.Tag{{Key: "team", Value: "blue"}}
	b.Roles["longworker"] = newRole("LongWorker", "/long/", trusting("arn:"+partition+":iam::"+people+":root"))
	b.Roles["longworker"].MaxSession = 12 * time.Hour
	readOnly := "arn:" + partition + ":iam::" + work + ":policy/read"
	b.Policies[readOnly] = &world.Policy{ARN: readOnly, Name: "read", Path: "/", Default: "v1",
		Versions: []org.Version{{ID: "v1", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`}}}
	c := w.AddAccount(&world.Account{ID: suspended, State: "SUSPENDED"})
	c.Roles["worker"] = newRole("Worker", "/", trusting("arn:"+partition+":iam::"+people+":root"))
	return w
}

func newRole(name, path, trust string) *world.Role {
	return &world.Role{
		Name: name, Path: path, ID: fmt.Sprintf("AROA%-17.17s", name+"XXXXXXXXXXXXXXXXX"), Created: now.AddDate(-1, 0, 0),
		Trust: trust, Inline: map[string]string{}, MaxSession: time.Hour,
	}
}

func trusting(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal +
		`"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`
}

func phone(partition string) string { return "arn:" + partition + ":iam::" + people + ":mfa/phone" }

func roleARN(name string) string { return "arn:aws:iam::" + work + ":role/" + name }

// bob calls with the access key, or with the session when there is one.
func bob(w *world.World, s *world.Session) world.Caller {
	u := w.Account(people).Users["bob"]
	caller := world.Caller{
		Principal:  policy.Principal{Kind: policy.IAMUser, Account: people, ARN: w.UserARN(people, u)},
		Account:    people,
		User:       u,
		Credential: policy.LongTermKey,
	}
	if s != nil {
		caller.Session, caller.Credential = s, s.Credential
	}
	return caller
}

func root(w *world.World) world.Caller {
	return world.Caller{
		Principal:  policy.Principal{Kind: policy.RootUser, Account: people, ARN: w.RootARN(people)},
		Account:    people,
		Credential: policy.RootKey,
	}
}

// worker calls with a session of the role Worker.
func worker(w *world.World, s world.Session) world.Caller {
	r := w.Account(work).Roles["worker"]
	s.Account, s.Role, s.Name = work, "worker", "bobs-session"
	if s.Credential == 0 {
		s.Credential = policy.RoleFromKey
	}
	return world.Caller{
		Principal: policy.Principal{
			Kind: policy.RoleSession, Account: work,
			ARN:    "arn:" + w.Partition + ":sts::" + work + ":assumed-role/Worker/bobs-session",
			Issuer: w.RoleARN(work, r),
		},
		Account:    work,
		Role:       r,
		Session:    &s,
		Credential: s.Credential,
	}
}

func federated(w *world.World) world.Caller {
	caller := bob(w, &world.Session{Account: people, User: "bob", Name: "guest", Credential: policy.FederationToken})
	caller.Principal = policy.Principal{
		Kind: policy.FederatedUser, Account: people, Issuer: caller.Principal.ARN,
		ARN: "arn:" + w.Partition + ":sts::" + people + ":federated-user/guest",
	}
	return caller
}

// do runs an operation for a caller whom everything is allowed.
func do[O any](w *world.World, caller world.Caller, name string, in any) (*O, error) {
	return doAt[O](&operation.Call{World: w, Caller: caller, Now: now}, name, in)
}

func doAt[O any](c *operation.Call, name string, in any) (*O, error) {
	for _, op := range stssvc.Operations() {
		if op.Name != name {
			continue
		}
		if _, err := op.Asks(c, in); err != nil {
			return nil, err
		}
		out, err := op.Do(c, in)
		if err != nil {
			return nil, err
		}
		return out.(*O), nil
	}
	return nil, fmt.Errorf("no operation %s", name)
}

// asks are what an operation must be allowed.
func asks(t *testing.T, w *world.World, caller world.Caller, name string, in any) []operation.Ask {
	t.Helper()
	for _, op := range stssvc.Operations() {
		if op.Name == name {
			list, err := op.Asks(&operation.Call{World: w, Caller: caller, Now: now}, in)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
	}
	t.Fatalf("no operation %s", name)
	return nil
}

// fault is an error as a client sees it: code and message; empty for none.
func fault(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}
