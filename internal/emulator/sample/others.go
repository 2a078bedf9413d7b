package sample

import "forcemfa/internal/org"

// archive keeps records for legal reasons. An SCP already requires MFA of its
// users. Its policy with the name ForceMFA and another path is a name collision
// and proves nothing.
func archive() org.Account {
	b := created(Archive, "archive", regulated)
	b.Root = org.Root{MFA: org.No, HardwareMFA: org.No, AccessKeys: org.No, Password: org.No}
	b.policies("account-management")
	b.policy("/", "ForceMFA", document("forcemfa-name-collision"))
	b.group("records", []string{"AmazonS3FullAccess", "account-management"})
	b.users(
		user{Name: "xenia", Case: "enforced already by an SCP, key and device",
			Groups: []string{"records"}, Console: password, Keys: keys(active(21, "s3")), Devices: devices(virtual("xenia"))},
		user{Name: "yusuf", Case: "enforced already by an SCP; also has a policy with the name ForceMFA (name collision)",
			Groups: []string{"records"}, Attached: []string{"ForceMFA"}, Console: password, Keys: keys(active(160, "s3"))},
	)
	return b.account()
}

// acquired was invited into the organization and has no role to enter it: its
// data exists, but no run can read it.
func acquired() org.Account {
	b := joined(Acquired, "acquired", outside)
	b.Root = org.Root{MFA: org.No, HardwareMFA: org.No, AccessKeys: org.Yes, Password: org.Yes, PasswordUsed: ago(1)}
	b.group("admins", []string{"AdministratorAccess"})
	b.users(
		user{Name: "founder", Case: "in an account that cannot be entered",
			Groups: []string{"admins"}, Console: password, Keys: keys(active(2000, "s3"))},
		user{Name: "website", Case: "in an account that cannot be entered",
			Attached: []string{"AmazonS3FullAccess"}, Keys: keys(active(1900, "s3"))},
	)
	return b.account()
}

// closed is suspended: its credentials do not work, and it cannot be entered.
func closed() org.Account {
	b := created(Closed, "closed", outside)
	b.State = "SUSPENDED"
	b.users(user{Name: "zoe", Case: "in a suspended account",
		Attached: []string{"AdministratorAccess"}, Console: password, Keys: keys(active(1000, "s3"))})
	return b.account()
}
