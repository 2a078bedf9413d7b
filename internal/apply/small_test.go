package apply_test

import (
	"fmt"
	"strings"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// entry is an administrator role without conditions in its trust policy.
func entry(account string) org.Role {
	return org.Role{
		Name: "forcemfa", Path: "/", ARN: "arn:aws:iam::" + account + ":role/forcemfa",
		Trust:    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`,
		Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
	}
}

// small is an organization of two accounts: fresh has no changes by forcemfa, drifted
// has old ones. Together their plan has every Op that plans have.
func small() (org.Header, []org.Account) {
	return org.Header{Format: org.Format, Taken: start, Partition: "aws"}, []org.Account{fresh("111122223333"), drifted("444455556666")}
}

func accountOf(id string) org.Account {
	return org.Account{
		ID: id, Name: "a" + id, Partition: "aws", State: "ACTIVE", Read: true, Roles: []org.Role{entry(id)},
		Quotas: org.Quotas{
			AttachedPoliciesPerUser: 2, AttachedPoliciesPerGroup: 10, GroupsPerUser: 2, Groups: 300,
			Policies: 1500, PolicySize: 6144, UserPolicySize: 2048, GroupPolicySize: 5120, VersionsPerPolicy: 5,
		},
	}
}

func fresh(id string) org.Account {
	a := accountOf(id)
	for _, name := range []string{"one", "two"} {
		a.Groups = append(a.Groups, org.Group{Name: name, Path: "/", ARN: "arn:aws:iam::" + id + ":group/" + name})
	}
	a.Policies = []org.Policy{
		{ARN: "arn:aws:iam::" + id + ":policy/work", Name: "work", Path: "/", Default: "v1", Versions: []org.Version{{ID: "v1", Document: allowAll}}},
	}
	work := []string{a.Policies[0].ARN}
	both := append(work, "arn:aws:iam::aws:policy/AdministratorAccess")
	a.Users = []org.User{
		person(id, "ada", nil, both, phone),
		person(id, "bob", []string{"one", "two"}, work, phone),
		person(id, "cyd", []string{"one", "two"}, both, phone),
		person(id, "dan", nil, work, keyOnly),
	}
	return a
}

func drifted(id string) org.Account {
	a := accountOf(id)
	policyARN, groupARN := baseline.PolicyARN("aws", id), baseline.GroupARN("aws", id)
	p := org.Policy{ARN: policyARN, Name: baseline.PolicyName, Path: baseline.Path, Default: "v5"}
	for n := 1; n <= 5; n++ {
		document := strings.Replace(allowAll, `"*"`, fmt.Sprintf(`"s%d:*"`, n), 1)
		p.Versions = append(p.Versions, org.Version{ID: fmt.Sprintf("v%d", n), Created: start.AddDate(0, n-12, 0), Document: document})
	}
	a.Policies = []org.Policy{p}
	a.Groups = []org.Group{{Name: baseline.GroupName, Path: baseline.Path, ARN: groupARN, Attached: []string{policyARN}}}
	workload := person(id, "robby", []string{baseline.GroupName}, []string{policyARN}, keyOnly)
	workload.Tags = []org.Tag{{Key: "userType", Value: "Service"}}
	workload.Inline = []org.InlinePolicy{{Name: baseline.InlinePolicyName, Document: strings.Replace(allowAll, "Allow", "Deny", 1)}}
	late := person(id, "late", []string{baseline.GroupName}, nil, phone)
	late.Tags = []org.Tag{{Key: "Forcemfa-Enrollment", Value: "2026-10-01"}}
	a.Users = []org.User{late, person(id, "mia", nil, nil, phone), workload}
	return a
}

func person(account, name string, groups, attached []string, how func(*org.User)) org.User {
	u := org.User{
		Name: name, Path: "/", ARN: "arn:aws:iam::" + account + ":user/" + name, Created: start.AddDate(-1, 0, 0),
		Groups: groups, Attached: attached, Keys: []org.AccessKey{{Slot: 1, Active: true}},
	}
	how(&u)
	return u
}

// phone gives a user a password and a virtual device.
func phone(u *org.User) {
	u.Password, u.PasswordReset, u.MFA = org.Yes, org.No, org.Yes
	u.Devices = []org.Device{{Serial: strings.Replace(u.ARN, ":user/", ":mfa/", 1), Kind: org.VirtualMFA}}
}

func keyOnly(u *org.User) { u.Password, u.PasswordReset, u.MFA = org.No, org.No, org.No }
