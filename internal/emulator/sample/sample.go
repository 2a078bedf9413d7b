// Package sample contains the sample organization: a realistic company whose users
// cover every case that forcemfa handles, and the config that its administrators
// would write.
//
// Nothing here is secret: keys, seeds and passwords are generated when a world is
// loaded from it. Everything in it is possible in AWS; tests check it against
// AWS's quotas and naming rules.
package sample

import (
	_ "embed"
	"time"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// The accounts of the sample organization.
const (
	Legacy   = "111111111111" // management account with the oldest workloads
	Identity = "222222222222" // only users
	Dev      = "333333333333"
	Staging  = "444444444444"
	Prod     = "555555555555"
	Acquired = "666666666666" // was invited, so it cannot be entered from outside
	Closed   = "777777777777" // suspended
	Archive  = "888888888888" // behind an SCP that requires MFA
)

// taken is the time of the sample: its dates count back from here.
var taken = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

//go:embed forcemfa.yaml
var config []byte

// Config is the sample organization's config file, forcemfa.yaml.
func Config() []byte { return append([]byte(nil), config...) }

// Organization returns the sample organization with all its data, including
// accounts that no run can read.
func Organization() (org.Header, []org.Account) {
	return header(), []org.Account{
		legacy(), identity(), dev(), staging(), prod(), acquired(), closed(), archive(),
	}
}

// World returns a new world with the sample organization.
func World() (*world.World, error) {
	header, accounts := Organization()
	return world.Load(header, func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}, 0)
}

// Units and policies of the organization.
const (
	rootID    = "r-acme"
	workloads = "ou-acme-wrkloads"
	security  = "ou-acme-security"
	regulated = "ou-acme-regulatd" // below security
	outside   = "ou-acme-outsider"

	fullAccess = "p-FullAWSAccess"
	regions    = "p-acmeregion"
	guardRails = "p-acmeguards"
	requireMFA = "p-acmereqmfa"
)

func header() org.Header {
	return org.Header{
		Format:    org.Format,
		Taken:     taken,
		Partition: "aws",
		Organization: &org.Organization{
			ID:                "o-acme2sample",
			ManagementAccount: Legacy,
			FeatureSet:        "ALL",
			SCPsEnabled:       true,
			DelegatedAdmins:   []string{Identity},
		},
		Units: []org.Unit{
			{ID: rootID, Name: "Root", SCPs: []string{fullAccess}},
			{ID: workloads, Name: "Workloads", Parent: rootID, SCPs: []string{fullAccess, regions, guardRails}},
			{ID: security, Name: "Security", Parent: rootID, SCPs: []string{fullAccess, guardRails}},
			{ID: regulated, Name: "Regulated", Parent: security, SCPs: []string{fullAccess, requireMFA}},
			{ID: outside, Name: "Outside", Parent: rootID, SCPs: []string{fullAccess}},
		},
		SCPs: []org.SCP{
			{ID: fullAccess, Name: "FullAWSAccess", AWSManaged: true, Document: document("aws/FullAWSAccess")},
			{ID: guardRails, Name: "guard-rails", Document: document("guard-rails")},
			{ID: regions, Name: "regions", Document: document("regions")},
			{ID: requireMFA, Name: "require-mfa", Document: document("require-mfa")},
		},
	}
}
