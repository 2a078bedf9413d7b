package org

import (
	"time"
)

var (
	may = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	// denyJSON and its twin say the same in another order and other white space.
	denyJSON = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
	denyTwin = "{\n  \"Statement\": [ {\"Resource\":\"*\", \"Action\":\"*\",\n\"Effect\":\"Deny\"} ],\n  \"Version\": \"2012-10-17\"\n}"
	allow    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

const (
	forceARN = "arn:aws:iam::222222222222:policy/forcemfa/ForceMFA"
	adminARN = "arn:aws:iam::aws:policy/AdministratorAccess"
)

// controlled adds resource control policies to acme.
func controlled(h *Header, a *Account) {
	h.Organization.RCPsEnabled = true
	h.RCPs = []SCP{
		{ID: "p-RCPFullAWSAccess", Name: "RCPFullAWSAccess", AWSManaged: true, Document: allowAll},
		{ID: "p-perimeter", Name: "Perimeter", Document: perimeter},
	}
	h.Units[0].RCPs, a.RCPs = []string{"p-RCPFullAWSAccess"}, []string{"p-RCPFullAWSAccess"}
	h.Units[1].RCPs = []string{"p-RCPFullAWSAccess", "p-perimeter"}
}

const (
	allowAll  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
	perimeter = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]}`
)

// acme is a header and the account dev, with one of everything.
func acme() (*Header, *Account) {
	h := &Header{
		Format: Format, Taken: may, Partition: "aws", Caller: "arn:aws:sts::111111111111:assumed-role/Admin/x",
		Organization: &Organization{ID: "o-acme", ManagementAccount: "111111111111", FeatureSet: "ALL", SCPsEnabled: true},
		Units: []Unit{
			{ID: "r-1", Name: "Root", SCPs: []string{"p-FullAWSAccess"}},
			{ID: "ou-dev", Name: "Dev", Parent: "r-1", SCPs: []string{"p-FullAWSAccess", "p-guard"}},
		},
		SCPs: []SCP{
			{ID: "p-FullAWSAccess", Name: "FullAWSAccess", AWSManaged: true, Document: allow},
			{ID: "p-guard", Name: "Guard", Document: denyJSON},
		},
	}
	a := &Account{
		ID: "222222222222", Name: "dev", Partition: "aws", State: "ACTIVE", Unit: "ou-dev", SCPs: []string{"p-FullAWSAccess"},
		Read: true, Report: may, Quotas: Quotas{GroupsPerUser: 10},
		Root: Root{MFA: Yes, HardwareMFA: No, AccessKeys: No, Password: Yes},
		Users: []User{
			{
				Name: "ann", Path: "/", ARN: "arn:aws:iam::222222222222:user/ann", ID: "AIDAANN", Created: may,
				Attached: []string{adminARN}, Boundary: forceARN, Password: Yes, MFA: Yes,
				Devices: []Device{{Serial: "arn:aws:iam::222222222222:mfa/ann", Kind: VirtualMFA, Enabled: &may}},
			},
			{
				Name: "bob", Path: "/team/", ARN: "arn:aws:iam::222222222222:user/team/bob", ID: "AIDABOB", Created: may,
				Tags: []Tag{{"userType", "Human"}}, Groups: []string{"Devs"}, Inline: []InlinePolicy{{"own", allow}},
				Password: No, MFA: No, Keys: []AccessKey{{Slot: 1, Active: true, Created: &may}, {Slot: 2}},
			},
		},
		Groups: []Group{{
			Name: "Devs", Path: "/", ARN: "arn:aws:iam::222222222222:group/Devs", ID: "AGPADEVS",
			Inline: []InlinePolicy{{"devs", allow}}, Attached: []string{forceARN},
		}},
		Roles: []Role{{
			Name: "Deploy", Path: "/", ARN: "arn:aws:iam::222222222222:role/Deploy", ID: "AROADEPLOY", Created: may,
			Trust: allow, Attached: []string{adminARN}, MaxSession: time.Hour,
		}},
		Policies: []Policy{
			{ARN: forceARN, Name: "ForceMFA", Path: "/forcemfa/", Default: "v2", Versions: []Version{{"v1", may, allow}, {"v2", may, denyJSON}}},
			{ARN: adminARN, Name: "AdministratorAccess", Path: "/", Default: "v1", Versions: []Version{{"v1", may, allow}}},
		},
		Unassigned: []Device{{Serial: "arn:aws:iam::222222222222:mfa/left", Kind: VirtualMFA}},
		Gaps:       []Gap{{Account: "222222222222", What: "iam:ListAccountAliases", Why: "AccessDenied: no"}},
	}
	return h, a
}

// only is a stream of these accounts.
func only(accounts ...*Account) Accounts {
	return func(yield func(*Account, error) bool) {
		for _, a := range accounts {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// all reads a stream to its end.
func all(accounts Accounts) ([]*Account, error) {
	var list []*Account
	for a, err := range accounts {
		if err != nil {
			return list, err
		}
		list = append(list, a)
	}
	return list, nil
}
