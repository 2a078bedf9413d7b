package document

import "slices"

// OwnAccount lets users manage their own credentials. It requires MFA
// except for enrolling a first device and changing one's own password, which the
// ForceMFA policy restricts.
func OwnAccount(partition string) string {
	statements := append(load("enroll.json"), load("full.json")...)
	for i := range statements {
		s := &statements[i]
		switch s.Sid {
		case "AllowManageOwnMFA":
			with := *s
			with.Sid = "AllowDeactivateOwnMFAWithMFA"
			with.Action = list{"iam:DeactivateMFADevice"}
			with.Condition = requireMFA()
			s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return slices.Contains(with.Action, a) })
			statements = append(statements, with)
		case "AllowManageOwnCredentials":
			s.Condition = requireMFA()
		}
	}
	return render(statements, partition)
}

func requireMFA() map[string]map[string]list {
	return map[string]map[string]list{"Bool": {"aws:MultiFactorAuthPresent": {"true"}}}
}

// Assume lets a group assume exactly these roles. It does not require MFA,
// because the trust policies of the roles do.
func Assume(partition string, roles []string) string {
	return render([]statement{{Sid: "AllowAssumeRoles", Effect: "Allow", Action: list{"sts:AssumeRole"}, Resource: roles}}, partition)
}

// Actions allows actions on everything.
func Actions(partition string, actions []string) string {
	return render([]statement{{Sid: "AllowActions", Effect: "Allow", Action: actions, Resource: list{"*"}}}, partition)
}
