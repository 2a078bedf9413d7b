package sample

import "forcemfa/internal/org"

// identity contains only users (seed 000): they sign in here and assume roles in
// other accounts.
func identity() org.Account {
	b := created(Identity, "identity", security)
	b.Root = org.Root{MFA: org.Yes, HardwareMFA: org.Yes, AccessKeys: org.No, Password: org.Yes}
	b.Unassigned = []org.Device{b.device("", org.Device{Serial: "test", Kind: org.VirtualMFA})}
	b.policies("account-management", "assume-administrator", "assume-dev", "assume-staging", "assume-prod",
		"mfa", "mfa-with-bool", "boundary-engineer", "boundary-mfa", "boundary-services")
	b.group("administrators", []string{"assume-administrator", "IAMFullAccess"})
	b.group("dev", []string{"account-management", "assume-dev"})
	b.group("platform", []string{"AdministratorAccess"})
	b.group("prod", []string{"assume-dev", "assume-prod", "mfa"})
	b.group("staging", []string{"account-management", "assume-staging", "mfa-with-bool"})
	b.role(role{Name: "Administrator", Trust: trust(allowAccount(Identity, withMFA)), Attached: []string{"IAMFullAccess"}, UsedAgo: 4})
	b.role(role{Name: "okta-users", Trust: trust(allowSAML(Identity, "okta")), Attached: []string{"IAMReadOnlyAccess"}, UsedAgo: 1})
	b.role(reservedSSO(Identity, "IAMReadOnlyAccess"))
	identityPeople(b)
	identityRobots(b)
	return b.account()
}

func identityPeople(b *builder) {
	b.users(
		user{Name: "anna", Case: "assumes roles in dev (seed 003), key and device",
			Groups: []string{"dev"}, Console: password, Keys: keys(active(30, "sts")), Devices: devices(virtual("anna"))},
		user{Name: "boris", Case: "console and device, no key",
			Groups: []string{"dev"}, Console: password, Devices: devices(virtual("boris"))},
		user{Name: "chloe", Case: "her policy says Bool where it must say BoolIfExists: her key needs no MFA",
			Groups: []string{"staging"}, Console: password, Keys: keys(active(100, "sts"))},
		user{Name: "deepak", Case: "enforced already by the group's policy, key and device",
			Groups: []string{"prod"}, Console: password, Keys: keys(active(25, "sts")), Devices: devices(virtual("deepak"))},
		user{Name: "emma", Case: "enforced already, and has no device yet",
			Groups: []string{"prod"}, Console: password, Keys: keys(active(10, "sts"))},
		user{Name: "farid", Case: "security key only, console password and key: can sign in, but not with the CLI",
			Groups: []string{"dev"}, Console: password, Keys: keys(active(77, "sts")), Devices: devices(fido("yubikey-5C-XK3F"))},
		user{Name: "fiona", Case: "security key only and no console password: no sign-in path, acknowledged",
			Groups: []string{"dev"}, Keys: keys(active(77, "sts")), Devices: devices(fido("yubikey-5-Q2WE"))},
		user{Name: "grace", Case: "Allow with BoolIfExists true (seed 002): appears to require MFA, but a key passes",
			Groups: []string{"administrators"}, Console: password, Keys: keys(active(222, "iam"))},
		user{Name: "hugo", Case: "a path, key only, no device",
			Path: "/contractors/northwind/", Groups: []string{"staging"}, Keys: keys(active(45, "sts"))},
		user{Name: "ines", Case: "in no group, policies attached directly",
			Attached: []string{"account-management", "assume-prod"}, Console: password, Keys: keys(active(66, "sts")), Devices: devices(virtual("ines"))},
		user{Name: "jonas", Case: "enforced already by a permissions boundary",
			Attached: []string{"AdministratorAccess"}, Boundary: "boundary-mfa", Console: password, Keys: keys(active(12, "iam")), Devices: devices(virtual("jonas"))},
		user{Name: "kira", Case: "a permissions boundary without an MFA condition",
			Groups: []string{"platform"}, Boundary: "boundary-engineer", Console: password, Keys: keys(active(18, "s3"))},
		user{Name: "liam", Case: "a boundary that allows no enrollment, but has a device already",
			Groups: []string{"dev"}, Boundary: "boundary-services", Console: password, Keys: keys(active(140, "s3")), Devices: devices(virtual("liam"))},
		user{Name: "Maya", Case: "upper case in the name; security key and phone",
			Groups: []string{"platform"}, Console: password, Keys: keys(active(5, "sts")), Devices: devices(fido("macbook-passkey-7H2K"), virtual("Maya"))},
	)
}

func identityRobots(b *builder) {
	b.users(
		user{Name: "portal", Case: "service user by tag with a console password: exempt, but somebody signs in",
			Tags: tags(tag("userType", "Service")), Groups: []string{"dev"}, Console: password, Keys: keys(active(180, "sts"))},
		user{Name: "terraform", Case: "service user by tag, key and value in another case",
			Tags: tags(tag("UserType", "SERVICE")), Attached: []string{"IAMFullAccess"}, Keys: keys(active(95, "iam"))},
	)
}
