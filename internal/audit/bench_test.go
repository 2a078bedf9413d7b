package audit_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

// BenchmarkOrganization audits organizations that are generated while they are
// read, so that only the audit and its proofs are measured. The budgets are one
// account of 5 000 users in 1 s, and 10 000 accounts of 100 users in 60 s on two
// cores. It reports the users a second and the live memory at the end, which
// must not grow with the organization.
func BenchmarkOrganization(b *testing.B) {
	for _, size := range []struct{ accounts, users int }{{1, 5_000}, {100, 100}, {1_000, 100}, {10_000, 100}} {
		b.Run(fmt.Sprintf("%dx%d", size.accounts, size.users), func(b *testing.B) {
			header := &org.Header{Partition: "aws"}
			for b.Loop() {
				counts, err := runAll(context.Background(), header, generated(size.accounts, size.users), baseline.Default(), now, discard{})
				if err != nil || counts.Users != size.accounts*size.users || counts.Enforced == 0 || counts.Open == 0 || counts.Unknown > 0 {
					b.Fatal(counts, err)
				}
			}
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(b.N)*float64(size.accounts*size.users)/b.Elapsed().Seconds(), "users/s")
			b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-live")
		})
	}
}

// discard is a Sink that drops the stream.
type discard struct{}

func (discard) User(audit.User)       {}
func (discard) Finding(audit.Finding) {}
func (discard) Gap(org.Gap)           {}
func (discard) Account(audit.Account) {}

// generated are accounts with users of five kinds: enforced by the group, by an
// attached policy, open with a policy that names the account, open through a
// team, and exempt.
func generated(accounts, users int) org.Accounts {
	document := baseline.Default().Document("aws")
	return func(yield func(*org.Account, error) bool) {
		for n := range accounts {
			if !yield(madeAccount(fmt.Sprintf("%012d", 100_000_000_000+n), document, users), nil) {
				return
			}
		}
	}
}

func madeAccount(id, document string, users int) *org.Account {
	ours, local := baseline.PolicyARN("aws", id), "arn:aws:iam::"+id+":policy/local"
	const administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
	a := &org.Account{
		ID: id, Name: "account " + id, Partition: "aws", State: "ACTIVE", Read: true, Report: now,
		Groups: []org.Group{
			{Name: baseline.GroupName, Path: "/forcemfa/", ARN: baseline.GroupARN("aws", id), Attached: []string{ours}},
			{Name: "admins", Path: "/", ARN: "arn:aws:iam::" + id + ":group/admins", Attached: []string{administrator}},
			{Name: "team", Path: "/", ARN: "arn:aws:iam::" + id + ":group/team", Inline: []org.InlinePolicy{{Name: "data", Document: allow("s3:*")}}},
		},
		Policies: []org.Policy{
			policyOf(administrator, "AdministratorAccess", "/", admin),
			policyOf(ours, baseline.PolicyName, "/forcemfa/", document),
			policyOf(local, "local", "/", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:`+id+`:*"}]}`),
		},
	}
	for i := range users {
		u := org.User{Name: fmt.Sprintf("user%05d", i), Path: "/", Password: org.Yes, MFA: org.Yes, Keys: []org.AccessKey{{Slot: 1, Active: true}}}
		u.ARN = "arn:aws:iam::" + id + ":user/" + u.Name
		u.Devices = []org.Device{{Serial: "arn:aws:iam::" + id + ":mfa/" + u.Name, Kind: org.VirtualMFA}}
		switch i % 5 {
		case 0:
			u.Groups = []string{"admins", baseline.GroupName}
		case 1:
			u.Attached = []string{administrator, ours}
		case 2:
			u.Attached = []string{local}
		case 3:
			u.Groups = []string{"team"}
		case 4:
			u.Tags, u.Password = []org.Tag{{Key: "userType", Value: "Service"}}, org.No
		}
		a.Users = append(a.Users, u)
	}
	a.Sort()
	return a
}
