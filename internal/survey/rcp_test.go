package survey_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/access"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

const (
	head     = "111111111111" // management
	member   = "222222222222" // has the roles
	sibling  = "333333333333"
	foreign  = "999999999999" // in no organization
	mayAll   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	trustAll = `"Principal":{"AWS":["111111111111","222222222222","333333333333","999999999999"]},"Action":"sts:AssumeRole"`
)

// trusting is a trust policy for the accounts, with conditions.
func trusting(conditions string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + trustAll + conditions + `}]}`
}

// group is an organization with a user in each account, and one outside of it.
func group(t *testing.T) *emulator.Cloud {
	t.Helper()
	h := org.Header{Format: org.Format, Partition: "aws", Taken: now,
		Organization: &org.Organization{ID: "o-group00000", ManagementAccount: head, FeatureSet: "ALL"},
		Units:        []org.Unit{{ID: "r-root", Name: "Root"}, {ID: "ou-root-workload", Name: "Workloads", Parent: "r-root"}},
	}
	var accounts []*org.Account
	for id, unit := range map[string]string{head: "r-root", member: "ou-root-workload", sibling: "r-root", foreign: ""} {
		user := arn.IAM("aws", id, "user", "/", "alice")
		accounts = append(accounts, &org.Account{ID: id, Name: id, Partition: "aws", State: "ACTIVE", Unit: unit, Management: id == head, Read: true,
			Users: []org.User{{Name: "alice", Path: "/", ARN: user, Inline: []org.InlinePolicy{{Name: "all", Document: mayAll}}, MFA: org.Yes, Password: org.No,
				Keys: []org.AccessKey{{Slot: 1, Active: true}}, Devices: []org.Device{{Serial: arn.IAM("aws", id, "mfa", "/", "alice"), Kind: org.VirtualMFA, Enabled: &now}}}},
			Roles: []org.Role{
				{Name: "gated", Path: "/", ARN: arn.IAM("aws", id, "role", "/", "gated"), Trust: trusting(`,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`)},
				{Name: "open", Path: "/ops/", ARN: arn.IAM("aws", id, "role", "/ops/", "open"), Trust: trusting("")},
			}})
	}
	w, err := world.Load(h, func(yield func(*org.Account, error) bool) {
		for _, a := range accounts {
			if !yield(a, nil) {
				return
			}
		}
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return emulator.New(w, emulator.Options{Clock: func() time.Time { return now }})
}

// keyOf is the configuration of a user with its access key.
func keyOf(cloud *emulator.Cloud, account string) (c aws.Config) {
	cloud.View(func(w *world.World) {
		key := w.Account(account).Users["alice"].Keys[0]
		c = cloud.Config(credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""), "us-east-1")
	})
	return c
}

// sessionOf is the configuration of a user with a session, with MFA or without.
func sessionOf(t *testing.T, cloud *emulator.Cloud, account string, mfa bool) aws.Config {
	t.Helper()
	in := &sts.GetSessionTokenInput{}
	if mfa {
		serial := arn.IAM("aws", account, "mfa", "/", "alice")
		in.SerialNumber = &serial
		cloud.View(func(w *world.World) {
			code, err := w.Code(serial, cloud.Now())
			if err != nil {
				t.Error(err)
			}
			in.TokenCode = &code
		})
	}
	out, err := sts.NewFromConfig(keyOf(cloud, account)).GetSessionToken(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return cloud.Config(credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken), "us-east-1")
}

func assumes(t *testing.T, c aws.Config, role string) bool {
	t.Helper()
	_, err := sts.NewFromConfig(c).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("forcemfa")})
	return err == nil
}

// control enables resource control policies and attaches one.
func control(t *testing.T, cloud *emulator.Cloud, target, document string) {
	t.Helper()
	c := organizations.NewFromConfig(keyOf(cloud, head))
	const kind = types.PolicyTypeResourceControlPolicy
	if _, err := c.EnablePolicyType(t.Context(), &organizations.EnablePolicyTypeInput{RootId: aws.String("r-root"), PolicyType: kind}); err != nil {
		t.Fatal(err)
	}
	p, err := c.CreatePolicy(t.Context(), &organizations.CreatePolicyInput{Name: aws.String("RCP"), Description: aws.String(""), Content: &document, Type: kind})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AttachPolicy(t.Context(), &organizations.AttachPolicyInput{PolicyId: p.Policy.PolicySummary.Id, TargetId: &target}); err != nil {
		t.Fatal(err)
	}
}

func rcp(action, resource, conditions string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"%s","Resource":"%s"%s}]}`, action, resource, conditions)
}

// controlled are resource control policies, where they are attached, and what they leave.
// The roles are those of member.
var controlled = []struct {
	name, target, document string
	open                   bool // somebody assumes a role without MFA, with any request
	mfa                    bool // somebody assumes a role with MFA
}{
	{"none", "", "", true, true},
	{"without MFA", "r-root", rcp("sts:AssumeRole", "*", `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`), false, true},
	{"without MFA, not services", "ou-root-workload", rcp("sts:*", "*", `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","aws:PrincipalIsAWSService":"false"}}`), false, true},
	{"with a plain Bool", member, rcp("sts:AssumeRole", "*", `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`), true, true},
	{"everything", member, rcp("sts:AssumeRole", "*", ""), false, false},
	{"a path", member, rcp("sts:AssumeRole", "arn:aws:iam::*:role/ops/*", ""), false, true},
	{"another path", member, rcp("sts:AssumeRole", "arn:aws:iam::*:role/other/*", ""), true, true},
	{"another account", sibling, rcp("sts:AssumeRole", "*", ""), true, true},
	{"the management account", head, rcp("sts:AssumeRole", "*", ""), true, true},
	{"another service", "r-root", rcp("s3:*", "*", ""), true, true},
	{"from outside", "r-root", rcp("sts:AssumeRole", "*", `,"Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-group00000"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}`), true, true},
	{"not one account", "r-root", rcp("sts:AssumeRole", "*", `,"Condition":{"StringNotEquals":{"aws:PrincipalAccount":"333333333333"},"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`), true, true},
}

// The embedded AWS decides each request by the policies that its API has; the audit and
// package access by those that were collected.
func TestRCPsDecideInTheAuditAsInTheEmbeddedAWS(t *testing.T) {
	for _, row := range controlled {
		t.Run(row.name, func(t *testing.T) {
			cloud := group(t)
			if row.document != "" {
				control(t, cloud, row.target, row.document)
			}
			h, accounts := collected(t, cloud)
			to := accounts[member]
			open := false
			for _, name := range []string{"gated", "open"} {
				for _, id := range []string{head, member, sibling, foreign} {
					role := to.Role(name)
					without := assumes(t, keyOf(cloud, id), role.ARN) || assumes(t, sessionOf(t, cloud, id, false), role.ARN)
					open = open || without
					if id == foreign {
						continue // not collected
					}
					saysWith, saysWithout := access.CanAssume(h, accounts[id], accounts[id].User("alice"), to, role, now)
					if (saysWithout.Verdict == policy.Allowed) != without || saysWithout.Verdict == policy.Unknown {
						t.Errorf("%s, %s: without MFA the embedded AWS says %v, package access %+v", id, name, without, saysWithout)
					}
					cloud.Advance(time.Minute) // another code
					if with := assumes(t, sessionOf(t, cloud, id, true), role.ARN); with != (saysWith.Verdict == policy.Allowed) {
						t.Errorf("%s, %s: with MFA the embedded AWS says %v, package access %+v", id, name, with, saysWith)
					} else if !row.mfa && with {
						t.Errorf("%s, %s: can be assumed with MFA", id, name)
					}
				}
			}
			if open != row.open {
				t.Errorf("somebody assumes a role without MFA: %v", open)
			}
			var found log
			auditor := audit.New(h, baseline.Default(), now)
			auditor.Account(to, &found)
			if says := has(found.findings, "role-trust-open", "role/ops/open"); says != open {
				t.Errorf("a role can be assumed without MFA: %v, the audit says %v", open, says)
			}
			reached := false
			for _, r := range auditor.Reach(to, to.User("alice")).Roles {
				reached = reached || r.Role.ARN == to.Role("open").ARN
			}
			if in := assumes(t, keyOf(cloud, member), to.Role("open").ARN); in != reached {
				t.Errorf("the user of the account assumes the role: %v, explain says %v", in, reached)
			}
		})
	}
}

// collected is the organization as package collect reads it, which the policies may keep
// out of an account: its header is read, and the accounts are those of the embedded AWS.
func collected(t *testing.T, cloud *emulator.Cloud) (*org.Header, map[string]*org.Account) {
	t.Helper()
	f, err := fleet.New(keyOf(cloud, head), fleet.Options{Rate: -1, Now: cloud.Now})
	if err != nil {
		t.Fatal(err)
	}
	d, err := f.Discover(t.Context())
	if err != nil || len(d.Header.Gaps) > 0 {
		t.Fatal(err, d.Header.Gaps)
	}
	accounts := map[string]*org.Account{}
	cloud.View(func(w *world.World) {
		_, stream := w.Snapshot(now)
		for a := range stream {
			accounts[a.ID] = a
		}
	})
	for _, a := range d.Accounts {
		accounts[a.ID].RCPs = a.RCPs
	}
	return &d.Header, accounts
}

func has(findings []audit.Finding, rule, subject string) bool {
	for _, f := range findings {
		if f.Rule == rule && f.Subject == subject {
			return true
		}
	}
	return false
}
