package policy

var kindNames = [...]string{"policy", "identity policy", "permissions boundary", "session policy",
	"service control policy", "resource control policy", "resource policy", "trust policy"}

// String names the kind as AWS does.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return kindNames[0]
	}
	return kindNames[k]
}

// String is the effect as a policy writes it, empty for none.
func (e Effect) String() string {
	switch e {
	case Allow:
		return "Allow"
	case Deny:
		return "Deny"
	}
	return ""
}

// String names the verdict for a person.
func (v Verdict) String() string {
	switch v {
	case Allowed:
		return "allowed"
	case ImplicitDenied:
		return "implicitly denied"
	case ExplicitDenied:
		return "explicitly denied"
	}
	return "unknown"
}

// String names the presence for a person: absent, false, true, or several.
func (p Presence) String() string {
	text := ""
	for i, name := range [...]string{"absent", "false", "true"} {
		if p&(1<<i) == 0 {
			continue
		}
		if text != "" {
			text += " or "
		}
		text += name
	}
	return text
}
