package sample

import (
	"fmt"

	"forcemfa/internal/org"
)

// legacy is the management account. It contains the first workloads of the
// company and its longest-serving users.
func legacy() org.Account {
	b := joined(Legacy, "legacy", rootID)
	b.Management = true
	b.Root = org.Root{MFA: org.Yes, HardwareMFA: org.No, AccessKeys: org.Yes, Password: org.Yes, PasswordUsed: ago(3)}
	b.Unassigned = []org.Device{
		b.device("", org.Device{Serial: "canceled-wizard", Kind: org.VirtualMFA}),
		b.device("", org.Device{Serial: "phones/old-phone-of-beth", Kind: org.VirtualMFA}),
	}
	legacyPolicies(b)
	legacyRoles(b)
	legacyPeople(b)
	legacyOddities(b)
	legacyRobots(b)
	return b.account()
}

func legacyPolicies(b *builder) {
	b.policies("account-management", "deployer", "helpdesk", "reports", "tables", "assume-operator")
	b.group("Administrators", []string{"AdministratorAccess"})
	b.group("Auditors", []string{"IAMReadOnlyAccess", "CloudWatchLogsReadOnlyAccess"})
	b.group("Billing", nil, inline("billing", allow("*", "ce:*", "cur:*", "budgets:ViewBudget")))
	b.group("Developers", []string{"PowerUserAccess", "account-management"})
	b.group("Helpdesk", []string{"helpdesk", "IAMReadOnlyAccess"})
	b.group("Operations",
		[]string{"AmazonEC2FullAccess", "AmazonS3FullAccess", "account-management", "assume-operator", "tables"},
		inline("a-logs", allow("*", "logs:*")),
		inline("b-queues", allow("*", "sqs:*")),
		inline("c-topics", allow("*", "sns:*")),
		inline("d-alarms", allow("*", "cloudwatch:*")),
		inline("e-parameters", allow("*", "ssm:*")),
		inline("z-people", allow("*", "iam:CreateUser", "iam:CreateAccessKey", "iam:AddUserToGroup")),
	)
	for _, name := range projects {
		b.group(name, nil, inline("bucket", allow("arn:aws:s3:::acme-"+name+"/*", "s3:GetObject", "s3:PutObject")))
	}
}

// projects are the groups that exhaust the group quota of some users.
var projects = []string{
	"project-atlas", "project-borealis", "project-comet", "project-delta", "project-ember",
	"project-fjord", "project-gale", "project-harbor", "project-iris", "project-jade",
}

func legacyRoles(b *builder) {
	b.role(role{Name: "ForceMFAAdministrator", Trust: trust(allowAccount(Legacy, nil)), Attached: []string{"AdministratorAccess"}})
	b.role(role{Name: "Administrator", Trust: trust(allowAccount(Legacy, withMFA)), Attached: []string{"AdministratorAccess"}, UsedAgo: 1})
	b.role(role{Name: "Operator", Trust: trust(allowAccount(Legacy, nil)), Attached: []string{"AmazonEC2FullAccess", "tables"}, UsedAgo: 2, MaxSession: 12 * 3600e9})
	b.role(role{Name: "Auditor", Trust: trust(allowAccount(Legacy, weakMFA)), Attached: []string{"IAMReadOnlyAccess"}, UsedAgo: 30})
	b.role(role{Name: "Releaser", Trust: trust(allowAccount(Legacy, withFreshMFA)), Attached: []string{"deployer"}, UsedAgo: 5})
	b.role(role{Name: "Reporter", Trust: trust(allowAccount(Legacy, nullMFA)), Attached: []string{"reports"}})
	b.role(role{Name: "LaptopBackup", Trust: trust(allowPrincipal("arn:aws:iam::"+Legacy+":user/dave", nil)), Attached: []string{"AmazonS3FullAccess"}, UsedAgo: 1})
	// AWS shows the unique ID of a trusted user that has been deleted.
	b.role(role{Name: "Archivist", Trust: trust(allowPrincipal(id("AIDA", "the user who left"), nil)), Attached: []string{"AmazonS3ReadOnlyAccess"}})
	b.role(role{Name: "CostVendor", Trust: trust(allowAccount("999999999999", condition("StringEquals", "sts:ExternalId", "acme-4711"))), Attached: []string{"reports"}, UsedAgo: 1})
	b.role(role{Name: "web-server", Trust: trust(allowService("ec2")), Attached: []string{"AmazonS3ReadOnlyAccess"}, UsedAgo: 1})
	b.role(role{Name: "thumbnailer", Path: "/service-role/", Trust: trust(allowService("lambda")), Inline: []org.InlinePolicy{inline("images", allow("arn:aws:s3:::acme-images/*", "s3:GetObject", "s3:PutObject"))}, UsedAgo: 1})
	b.role(role{Name: "github-deploy", Trust: trust(allowOIDC(Legacy, "token.actions.githubusercontent.com", "repo:acme/*")), Attached: []string{"deployer"}, UsedAgo: 1})
	b.role(serviceLinked("Organizations", "organizations"))
	b.role(serviceLinked("Support", "support"))
	b.role(reservedSSO(Legacy, "AdministratorAccess"))
}

// legacyPeople are the usual users.
func legacyPeople(b *builder) {
	b.users(
		user{Name: "admin", Case: "the administrator of the management account, by a group, with key, password and device",
			Groups: []string{"Administrators"}, Console: password, Keys: keys(active(80, "iam")), Devices: devices(virtual("admin"))},
		user{Name: "alice", Case: "has a device, but nothing enforces its use",
			Groups: []string{"Developers"}, Console: password, Keys: keys(active(120, "s3")), Devices: devices(virtual("alice"))},
		user{Name: "arjun", Case: "key and device, no console password",
			Groups: []string{"Operations"}, Keys: keys(active(40, "ec2")), Devices: devices(virtual("arjun-phone"))},
		user{Name: "beth", Case: "two virtual devices",
			Groups: []string{"Developers"}, Console: password, Keys: keys(active(200, "sts")), Devices: devices(virtual("beth-laptop"), virtual("phones/beth"))},
		user{Name: "bob", Case: "no device, key and console password",
			Groups: []string{"Developers"}, Console: password, Keys: keys(active(400, "s3"))},
		user{Name: "carlos", Case: "administrator by a group, key and device",
			Groups: []string{"Administrators", "Billing"}, Console: password, Keys: keys(active(15, "iam")), Devices: devices(virtual("carlos"))},
		user{Name: "carol", Case: "console only, no device",
			Groups: []string{"Billing", "Auditors"}, Console: password},
		user{Name: "dave", Case: "key only, no device",
			Groups: []string{"Operations"}, Keys: keys(active(700, "s3"))},
		user{Name: "erin", Case: "no credentials at all, but still an administrator",
			Groups: []string{"Administrators"}},
		user{Name: "frank", Case: "AdministratorAccess attached directly, key on a laptop (seed 002)",
			Attached: []string{"AdministratorAccess"}, Console: password, Keys: keys(active(1500, "ec2"))},
		user{Name: "hank", Case: "help desk: may give passwords and keys to others, and tag them",
			Groups: []string{"Helpdesk"}, Console: password, Keys: keys(active(60, "iam")), Devices: devices(virtual("hank"))},
		user{Name: "kofi", Case: "hardware TOTP token",
			Groups: []string{"Operations"}, Console: password, Keys: keys(active(90, "dynamodb")), Devices: devices(hardware("GAHT12345678"))},
		user{Name: "mei", Case: "two active keys, one never used",
			Groups: []string{"Developers"}, Console: password, Keys: keys(active(300, "dynamodb"), unused(290)), Devices: devices(virtual("mei"))},
		user{Name: "nina", Case: "only an inactive key, console password, no device",
			Groups: []string{"Auditors"}, Console: password, Keys: keys(inactive(800))},
		user{Name: "olaf", Case: "a path, key and device",
			Path: "/division/engineering/", Groups: []string{"Developers"}, Keys: keys(active(33, "s3")), Devices: devices(virtual("division/olaf"))},
	)
}

// legacyOddities are the unusual users.
func legacyOddities(b *builder) {
	full := []string{"AmazonEC2ReadOnlyAccess", "AmazonS3FullAccess", "AmazonSNSReadOnlyAccess", "AmazonSQSFullAccess",
		"AWSSupportAccess", "CloudWatchLogsReadOnlyAccess", "IAMReadOnlyAccess", "IAMUserChangePassword", "reports", "tables"}
	b.users(
		user{Name: "george", Case: "10 of 10 managed policies attached directly",
			Attached: full, Console: password, Keys: keys(active(500, "sqs")), Devices: devices(virtual("george"))},
		user{Name: "groot", Case: "has root in the name, and is not root",
			Groups: []string{"Auditors"}, Attached: []string{"AmazonS3ReadOnlyAccess"}, Console: password},
		user{Name: "hana", Case: "10 of 10 groups",
			Groups: projects, Attached: []string{"account-management"}, Keys: keys(active(210, "s3")), Devices: devices(virtual("hana"))},
		user{Name: "ivan", Case: "10 of 10 groups and 10 of 10 policies",
			Groups: projects, Attached: full, Console: password, Keys: keys(active(610, "s3"))},
		user{Name: "judy", Case: "in no group, rights by inline policies; the one that matters sorts last",
			Inline: manyInline(), Console: password, Keys: keys(active(70, "s3"))},
		user{Name: "lars", Case: "must reset the password, has a key, no device",
			Groups: []string{"Developers"}, Console: forcedReset, Keys: keys(active(20, "s3"))},
		user{Name: "lena", Case: "must reset the password, has neither device nor key: no sign-in path, acknowledged",
			Groups: []string{"Billing"}, Console: forcedReset},
		user{Name: "oscar", Case: "in no group and without permissions: open, but not exploitable today",
			Console: password},
		user{Name: "pia", Case: "must reset the password, has a device",
			Groups: []string{"Auditors"}, Console: forcedReset, Devices: devices(virtual("pia"))},
		user{Name: "sven", Case: "Git credentials, SSH keys and a Bedrock API key, none of which can carry MFA",
			Groups: []string{"Developers"}, Console: password, Keys: keys(active(130, "codecommit")), Devices: devices(virtual("sven")),
			Services: &org.ServiceCredentials{ServiceSpecific: []string{"bedrock.amazonaws.com", "codecommit.amazonaws.com"}, SSHKeys: 2}},
	)
}

// manyInline are more inline policies than fit on a small page.
func manyInline() []org.InlinePolicy {
	var list []org.InlinePolicy
	for i, service := range []string{"acm", "athena", "glue", "kinesis", "lambda", "route53"} {
		list = append(list, inline(fmt.Sprintf("read-%d-%s", i+1, service), allow("*", service+":List*", service+":Get*")))
	}
	return append(list, inline("temporary", allow("*", "s3:*", "ec2:*", "dynamodb:*", "iam:*", "sts:*")))
}

// legacyRobots are service accounts, and users with a current or expired
// exemption.
func legacyRobots(b *builder) {
	b.users(
		user{Name: "break-glass-1", Case: "break-glass, hardware token in the safe",
			Attached: []string{"AdministratorAccess"}, Console: password, Devices: devices(hardware("GAHT87654321"))},
		user{Name: "break-glass-2", Case: "break-glass, security key in the other safe",
			Attached: []string{"AdministratorAccess"}, Console: password, Devices: devices(fido("safe-B4X7"))},
		user{Name: "ci-deploy", Case: "service user by tag, exempt",
			Tags: tags(tag("team", "platform"), tag("userType", "Service")), Attached: []string{"deployer"}, Keys: keys(active(365, "s3"))},
		user{Name: "old-deploy", Case: "its exemption by name has expired; key only, no device",
			Attached: []string{"deployer"}, Keys: keys(active(1200, "s3"))},
		user{Name: "scanner", Case: "exempt by path, until a date",
			Path: "/service-accounts/", Groups: []string{"Auditors"}, Keys: keys(active(50, "iam"))},
		user{Name: "ses-smtp", Case: "service user by tag, value in another case",
			Tags: tags(tag("userType", "service")), Inline: []org.InlinePolicy{inline("send", allow("*", "ses:SendRawEmail"))}, Keys: keys(active(900, "ses"))},
	)
}
