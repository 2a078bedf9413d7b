package sample

import (
	"forcemfa/internal/org"
)

// workload begins an account with workloads: it has the role of seed 003, which
// users of the identity account assume with MFA, and a role with a weaker
// condition.
func workload(id, name string, engineer role) *builder {
	b := created(id, name, workloads)
	b.policies("deployer", "tables", "account-management")
	b.role(role{
		Name: "PrivilegedActionsRole", Trust: trust(allowAccount(Identity, withMFA)), UsedAgo: 1,
		Inline: []org.InlinePolicy{inline("privileged-actions", allow("*",
			"dynamodb:DeleteTable", "dynamodb:ListTables", "ec2:DescribeInstances", "ec2:TerminateInstances"))},
	})
	engineer.Name, engineer.Attached, engineer.UsedAgo = "engineer", []string{"AmazonEC2ReadOnlyAccess", "AmazonS3ReadOnlyAccess"}, 1
	b.role(engineer)
	b.role(role{Name: "node", Trust: trust(allowService("ec2")), Attached: []string{"AmazonS3ReadOnlyAccess"}, UsedAgo: 1})
	b.role(serviceLinked("AutoScaling", "autoscaling"))
	return b
}

// dev contains users of engineers, with a raised quota.
func dev() org.Account {
	b := workload(Dev, "dev", role{Trust: trust(allowAccount(Identity, nil), allowPrincipal("arn:aws:iam::"+Staging+":role/engineer", nil))})
	b.Root = org.Root{MFA: org.No, HardwareMFA: org.No, AccessKeys: org.No, Password: org.Yes, PasswordUsed: ago(700)}
	b.Quotas.AttachedPoliciesPerUser = 20
	b.group("engineers", []string{"account-management", "deployer"})
	b.group("testers", []string{"AmazonEC2ReadOnlyAccess", "AmazonS3ReadOnlyAccess"})
	b.role(role{Name: "ci", Trust: trust(allowOIDC(Dev, "token.actions.githubusercontent.com", "repo:acme/app:*")), Attached: []string{"deployer"}, UsedAgo: 1})
	b.users(
		user{Name: "dana", Case: "engineer with key, password and device",
			Groups: []string{"engineers"}, Console: password, Keys: keys(active(14, "dynamodb")), Devices: devices(virtual("dana"))},
		user{Name: "emil", Case: "12 policies where the quota was raised to 20",
			Attached: []string{"AmazonEC2FullAccess", "AmazonEC2ReadOnlyAccess", "AmazonS3FullAccess", "AmazonS3ReadOnlyAccess",
				"AmazonSNSReadOnlyAccess", "AmazonSQSFullAccess", "AmazonSQSReadOnlyAccess", "AWSSupportAccess",
				"CloudWatchLogsReadOnlyAccess", "IAMReadOnlyAccess", "IAMUserSSHKeys", "tables"},
			Console: password, Keys: keys(active(88, "ec2"))},
		user{Name: "finn", Case: "key only, used yesterday, no device",
			Groups: []string{"engineers"}, Keys: keys(active(320, "s3"))},
		user{Name: "gita", Case: "console only, with device",
			Groups: []string{"testers"}, Console: password, Devices: devices(virtual("gita"))},
		user{Name: "hideo", Case: "console only, no device",
			Groups: []string{"testers"}, Console: password},
		user{Name: "igor", Case: "key and device, no password, rights by an inline policy",
			Inline: []org.InlinePolicy{inline("all-tables", allow("*", "dynamodb:*", "s3:*", "iam:ListAccessKeys"))}, Keys: keys(active(61, "dynamodb")), Devices: devices(virtual("igor"))},
		user{Name: "selenium", Case: "service user by tag, exempt",
			Tags: tags(tag("userType", "Service")), Groups: []string{"testers"}, Keys: keys(active(250, "s3"))},
	)
	return b.account()
}

// staging used an old version of forcemfa: a policy exists at the ARN that
// forcemfa uses, and its document has drifted.
func staging() org.Account {
	b := workload(Staging, "staging", role{
		Trust:  trust(allowAccount(Identity, weakMFA)),
		Inline: []org.InlinePolicy{inline("compare-with-dev", allow("arn:aws:iam::"+Dev+":role/engineer", "sts:AssumeRole"))},
	})
	b.Root = org.Root{MFA: org.Yes, HardwareMFA: org.No, AccessKeys: org.No, Password: org.Yes}
	b.policy("/forcemfa/", "ForceMFA",
		document("forcemfa-2021"), document("mfa-with-bool"), document("forcemfa-2022"), document("mfa"), document("forcemfa-2023"))
	b.groupAt("/forcemfa/", "ForceMFA", []string{"ForceMFA"})
	b.group("engineers", []string{"account-management", "deployer", "tables"})
	b.users(
		user{Name: "pavel", Case: "in the ForceMFA group, whose policy has drifted; key and device",
			Groups: []string{"ForceMFA", "engineers"}, Console: password, Keys: keys(active(28, "s3")), Devices: devices(virtual("pavel"))},
		user{Name: "petra", Case: "the drifted policy attached directly, administrator, no device",
			Attached: []string{"AdministratorAccess", "ForceMFA"}, Console: password, Keys: keys(active(190, "iam"))},
		user{Name: "quentin", Case: "joined after the last run of forcemfa, not in the ForceMFA group; two security keys",
			Groups: []string{"engineers"}, Console: password, Devices: devices(fido("solokey-1A2B"), fido("solokey-3C4D"))},
		user{Name: "rosa", Case: "key only, no device",
			Groups: []string{"engineers"}, Keys: keys(active(410, "dynamodb"))},
		user{Name: "tomas", Case: "administrator by an inline policy, key and device",
			Inline: []org.InlinePolicy{inline("everything", allow("*", "*"))}, Keys: keys(active(7, "iam")), Devices: devices(virtual("tomas"))},
		user{Name: "loadtest", Case: "service user by tag, exempt",
			Tags: tags(tag("userType", "Service")), Attached: []string{"tables"}, Keys: keys(active(55, "dynamodb"))},
	)
	return b.account()
}

// prod has few users, and no root credentials.
func prod() org.Account {
	b := workload(Prod, "prod", role{Trust: trust(allowAccount(Identity, withMFA))})
	b.Root = org.Root{MFA: org.No, HardwareMFA: org.No, AccessKeys: org.No, Password: org.No}
	b.group("oncall", []string{"AmazonEC2FullAccess", "account-management", "tables"})
	b.role(role{Name: "vendor-backup", Trust: trust(allowAccount("999999999999", nil)), Attached: []string{"AmazonS3ReadOnlyAccess"}, UsedAgo: 12})
	b.users(
		user{Name: "ulla", Case: "on call: key, password and device",
			Groups: []string{"oncall"}, Console: password, Keys: keys(active(35, "ec2")), Devices: devices(virtual("ulla"))},
		user{Name: "viktor", Case: "on call: key and password, no device",
			Groups: []string{"oncall"}, Console: password, Keys: keys(active(360, "ec2"))},
		user{Name: "wanda", Case: "administrator with hardware token, no key",
			Attached: []string{"AdministratorAccess"}, Console: password, Devices: devices(hardware("GAHT55501234"))},
		user{Name: "backup", Case: "exempt by ARN, owned by the vendor's contact",
			Attached: []string{"AmazonS3FullAccess"}, Keys: keys(active(420, "s3"))},
		user{Name: "break-glass-prod", Case: "break-glass, in a vault; no device",
			Attached: []string{"AdministratorAccess"}, Console: password},
	)
	return b.account()
}
