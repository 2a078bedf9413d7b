package baseline

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"forcemfa/internal/baseline/document"
	"forcemfa/policy/arn"
)

// Parse reads a config file and refuses everything that it does not know. The error
// is a *ConfigError with the position and the allowed values. The name is used only
// in errors.
func Parse(name string, text []byte) (*Baseline, error) {
	b := defaults()
	b.Name = name
	root, err := parseYAML(name, text)
	if err != nil {
		return nil, err
	}
	file := new(configFile)
	if err := file.over(b).read(root); err != nil {
		return nil, err
	}
	b.Exemptions = append(b.Exemptions, file.breakGlass...)
	if file.access.Account != "" {
		b.Access = file.access
	}
	for i := range b.Exemptions {
		b.Exemptions[i].Match = b.Exemptions[i].Match.compiled()
	}
	for i := range b.Waves {
		b.Waves[i].Match = b.Waves[i].Match.compiled()
	}
	return b, nil
}

// A configFile is what the file contains in addition to a baseline.
type configFile struct {
	breakGlass []Exemption
	access     *Access
}

// over is the table of the whole file. It reads into the baseline, whose current
// values are the defaults.
func (f *configFile) over(b *Baseline) mapping {
	if f.access = b.Access; f.access == nil {
		f.access = new(Access)
	}
	return mapping{
		fields: []field{
			{"version", required, "The version of this file's layout.", version{}},
			{"attach", optional, "How the policy reaches a user: through one group managed by forcemfa, through every existing group, directly, or by a service control policy.",
				oneOf(&b.Attach, AttachGroup, AttachGroups, AttachUser, AttachSCP)},
			{"scope", optional, "The users who must have the policy: all users, or only users without an MFA device. The access keys of users with a device then work without MFA.",
				oneOf(&b.Scope, ScopeAll, ScopeWithoutDevice)},
			{"adopt", optional, "Existing policies that forcemfa takes over in the accounts that have them, by path and name, as /ForceMFA. Their documents are replaced; their attachments stay.",
				adopted(&b.Adopt)},
			{"policy", optional, "Options of the ForceMFA document.", policyFields(&b.Policy)},
			{"window", optional, "The enrollment window, in which a user without a console password can enroll with an access key.", b.Window.fields()},
			{"waves", optional, "The roll-out in waves. The first wave that matches a user decides; a user in no wave starts with the last.",
				sequence[Wave]{&b.Waves, func(w *Wave, _ node) value { return w.fields() }}},
			{"exemptions", optional, "Users without ForceMFA, with an owner and a reason.", exemptions(&b.Exemptions, false)},
			{"break_glass", optional, "Emergency users. They are exempt, and are expected to have a console password.", exemptions(&f.breakGlass, true)},
			{"acknowledge", optional, "Guards that are overridden by name: guard:NAME or guard:ACCOUNT/NAME. Accounts that left the organization: account-departed:ACCOUNT.",
				sequence[Acknowledgement]{&b.Acknowledge, func(a *Acknowledgement, _ node) value {
					return word[Acknowledgement]{to: a, parse: ParseAcknowledgement, shape: `^[a-z-]+:.`}
				}}},
			{"observed", optional, "Answers of probe-aws, where AWS's documentation leaves its behavior open. Proofs may rely on them, and name them.",
				sequence[Observation]{&b.Observed, func(o *Observation, _ node) value { return o.fields() }}},
			{"scp", optional, "Targets of the service control policy of attach: scp.", mapping{fields: []field{
				{"targets", optional, "Roots, organizational units and accounts; the default is the root.", targets(&b.SCP.Targets)},
			}}},
			{"guard_scp", optional, "A service control policy that protects the policy and group of forcemfa, and the tags for exemptions and enrollment windows.",
				b.Guard.fields()},
			{"trust", optional, "What role trust policies require of accounts and users.", mapping{fields: []field{
				{"mfa", optional, "Whether role trust policies require MFA. Services and federated principals are not affected.", truth{&b.Trust.MFA}},
				{"max_age", optional, "How long after the MFA code a role can be assumed: none, or 15m to 36h.", age{&b.Trust.MaxAge}},
			}}},
			{"access", optional, "Groups of the identity account, their members, and the roles that they can assume in other accounts.",
				f.access.fields()},
			{"athena", optional, "Queries of CloudTrail logs in Athena.", mapping{fields: []field{
				{"price_per_tb", optional, "USD for each TB that Athena scans, for the estimate of the cost.", amount{&b.Athena.PricePerTB, 1000}},
			}}},
			{"notify", optional, "Notifications. Secrets are referenced here, never written.", b.Notify.fields()},
		},
		check: b.check,
	}
}

// check validates the keys of the file together.
func (b *Baseline) check(n node) error {
	b.Acknowledge = unique(b.Acknowledge)
	if b.Attach == AttachSCP && len(b.Waves) > 0 {
		return n.errorf("waves: attach: scp enforces whole accounts at once; attach the policy to one unit after the other with scp: {targets: […]}, or use another attach")
	}
	if b.Trust.MaxAge > 0 && !b.Trust.MFA {
		return n.errorf("trust: max_age has no effect without mfa: true")
	}
	if (b.Attach == AttachSCP || b.Attach == AttachGroups) && b.Scope == ScopeWithoutDevice {
		return n.errorf("scope without-device: attach: %s also enforces users with a device; use attach: group or user", b.Attach)
	}
	if _, err := b.answers(); err != nil {
		return n.errorf("observed: %v", err)
	}
	return b.Notify.check(n)
}

func unique[T comparable](all []T) []T {
	var kept []T
	for _, one := range all {
		if !slices.Contains(kept, one) {
			kept = append(kept, one)
		}
	}
	return kept
}

func policyFields(p *document.Policy) mapping {
	return mapping{fields: []field{
		{"self_service", optional, "What the document allows: managing one's own MFA devices, managing all own credentials with MFA, or nothing.",
			oneOf(&p.SelfService, document.SelfServiceEnroll, document.SelfServiceFull, document.SelfServiceNone)},
		{"enrollment", optional, "What can enroll a first device: only a console session, or also an access key, including a stolen one.",
			oneOf(&p.Enrollment, document.EnrollmentConsole, document.EnrollmentAny)},
		{"allow_password_change_before_mfa", optional, "Whether a forced password change is possible before MFA.", truth{&p.PasswordChangeBeforeMFA}},
		{"console_authorization", optional, "Whether the actions of AWS Sign-In are allowed before MFA, for accounts that use console authorization.",
			oneOf(&p.ConsoleAuthorization, document.ConsoleAuthorizationAuto, document.ConsoleAuthorizationOn, document.ConsoleAuthorizationOff)},
		{"max_session_age", optional, "How long after the MFA code a session is valid: none (no limit), or 15m to 36h.", age{&p.MaxSessionAge}},
		{"fas", optional, "Whether requests that an AWS service forwards for a user are allowed. These requests lose the MFA flag.", oneOf(&p.FAS, document.FASAllow, document.FASDeny)},
	}}
}

// fields allows fewer characters in a tag key than IAM, because the key becomes part
// of a condition key.
func (w *Window) fields() mapping {
	isKey := func(s string) bool { return s != "" && len(s) <= 128 && strings.Trim(s, entityNameChars) == "" }
	return mapping{fields: []field{
		{"tag", optional, "The tag on a user that opens the enrollment window.", word[string]{
			to: &w.Tag, shape: `^[A-Za-z0-9_+=,.@-]{1,128}$`,
			parse: func(s string) (string, error) {
				if !isKey(s) {
					return "", fmt.Errorf("window tag %q: want 1 to 128 letters, digits or _+=,.@-", s)
				}
				return s, nil
			}}},
		{"days", optional, "The number of days that an enrollment window stays open.", number{&w.Days, "window days", 1, 90}},
		{"networks", optional, "The networks from which an access key can enroll a device, as CIDR blocks; the default is everywhere.",
			sequence[string]{&w.Networks, func(network *string, _ node) value {
				return word[string]{to: network, shape: `^[0-9a-fA-F.:]+/[0-9]{1,3}$`, want: "a CIDR block, as 192.0.2.0/24", parse: parseNetwork}
			}}},
	}}
}

// parseNetwork reads a CIDR block without host bits. A block of all addresses would
// restrict nothing.
func parseNetwork(s string) (string, error) {
	network, err := netip.ParsePrefix(s)
	if err != nil || network.Masked() != network || network.Bits() == 0 {
		return "", fmt.Errorf("window network %q: want a CIDR block without host bits, as 192.0.2.0/24, and not all addresses", s)
	}
	return s, nil
}

func exemptions(to *[]Exemption, breakGlass bool) value {
	return sequence[Exemption]{to, func(e *Exemption, n node) value {
		e.BreakGlass, e.Line = breakGlass, n.line()
		return mapping{
			fields: []field{
				{"match", required, "The users. All given keys must match.", e.Match.fields()},
				{"owner", required, "The person or team responsible for the exemption.", responsible{&e.Owner}},
				{"reason", required, "The reason for the exemption.", sentence{&e.Reason}},
				{"expires", optional, "The last day of the exemption, in UTC.", day{&e.Expires}},
			},
			check: func(n node) error {
				if m := (Match{Name: e.Match.Name, ARN: e.Match.ARN}); e.BreakGlass && m.everybody() {
					return n.errorf("break_glass: match must contain name or arn")
				}
				return nil
			},
		}
	}}
}

func (m *Match) fields() mapping {
	return mapping{fields: m.keys(), least: 1, check: func(n node) error {
		if m.everybody() {
			return n.errorf("match would exempt everybody; give one or more of tag, name, path, arn, account, ou")
		}
		return nil
	}}
}

func (m *Match) keys() []field {
	return []field{
		{"tag", optional, "A tag as key=value, compared without case. Spaces around key and value are ignored; * and ? are wildcards; the value may be regex:… .",
			pattern{to: &m.Tag, want: "key=value or key=regex:…", ok: isTagPattern, shape: `^[^=]*[^=\s][^=]*=`, regex: true, examples: []string{"userType=Service"}, tidy: tagPattern}},
		{"name", optional, "The name of a user, a glob, or regex:… , which is anchored at both ends.",
			pattern{to: &m.Name, want: "the name of a user", ok: isNamePattern, shape: `^[A-Za-z0-9_+=,.@*?-]+$`, regex: true, examples: []string{"ci-*"}}},
		{"path", optional, "A path, a glob, or regex:… .",
			pattern{to: &m.Path, want: "a path that begins and ends with a slash, or a glob", ok: isPathPattern, shape: `^[/*]`, regex: true, examples: []string{"/workloads/*"}}},
		{"arn", optional, "The ARN of a user, a glob, or regex:… .",
			pattern{to: &m.ARN, want: "the ARN of a user, or a glob", ok: isUserARNPattern, shape: `^(arn:|\*)`, regex: true}},
		{"account", optional, "An account ID in quotes, a glob, or regex:… .",
			pattern{to: &m.Account, want: "an account ID of 12 digits in quotes, or a glob", ok: isAccountPattern, shape: `^[0-9*?]+$`, regex: true}},
		{"ou", optional, "The ID or name of an organizational unit, including the units below it. A glob or regex:… .",
			pattern{to: &m.OU, want: "the ID or name of an organizational unit", ok: isUnitPattern, shape: `\S`, regex: true, examples: []string{"ou-ab12-11111111"}}},
	}
}

// everybody reports whether all given patterns match everything.
func (m Match) everybody() bool {
	for _, p := range m.parts() {
		if p.pattern != "" && !m.allPass(p.key, p.pattern) {
			return false
		}
	}
	return true
}

// tagPattern is a tag pattern without spaces around its key and its value, so that a tag
// is the same one here and in WHITELIST_TAG.
func tagPattern(s string) string {
	key, value, found := strings.Cut(s, "=")
	if !found {
		return s
	}
	return strings.TrimSpace(key) + "=" + strings.TrimSpace(value)
}

// A tag pattern with an empty value is a tag whose value is empty.
func isTagPattern(s string) bool {
	key, _, found := strings.Cut(s, "=")
	return found && key != "" && !strings.HasPrefix(key, regexMark) // only a value may be a regular expression
}

func isNamePattern(s string) bool { return strings.Trim(s, entityNameChars+"*?") == "" }

func isPathPattern(s string) bool {
	return strings.HasPrefix(s, "*") || strings.HasPrefix(s, "/") && (strings.HasSuffix(s, "/") || isGlob(s))
}

func isUserARNPattern(s string) bool {
	if isGlob(s) {
		return strings.HasPrefix(s, "arn:") || strings.HasPrefix(s, "*")
	}
	a, err := arn.Parse(s)
	return err == nil && a.Service == "iam" && a.Kind() == "user" && arn.IsAccountID(a.Account)
}

func isAccountPattern(s string) bool {
	return arn.IsAccountID(s) || isGlob(s) && strings.Trim(s, "0123456789*?") == ""
}

func isUnitPattern(s string) bool { return strings.TrimSpace(s) == s && s != "" }

func isGlob(s string) bool { return strings.ContainsAny(s, "*?") }
