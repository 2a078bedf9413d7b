package policy

var kindNames = [...]string{"policy", "identity policy", "permissions boundary", "session policy",
	"service control policy", "resource control policy", "resource policy", "trust policy"}

// String returns AWS's name of the kind.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return kindNames[0]
	}
	return kindNames[k]
}

// String returns the effect as written in a policy; empty for none.
func (e Effect) String() string {
	switch e {
	case Allow:
		return "Allow"
	case Deny:
		return "Deny"
	}
	return ""
}

// String returns a name of the verdict to print.
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

// String returns the presence: absent, false, true, or several of them.
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
