package session

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/mfapreset"
	"forcemfa/internal/session/cache"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A textRule is what STS accepts as a parameter.
// Source: STS API Reference, AssumeRole and GetSessionToken.
type textRule struct {
	min, max int
	pattern  func() *regexp.Regexp
	is       string // what the text must be
}

// compiled compiles a pattern when it is first used: most calls check nothing.
func compiled(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) })
}

var (
	nameRule       = textRule{2, 64, compiled(`[\w+=,.@-]*`), "2 to 64 letters, digits and _+=,.@-"}
	externalIDRule = textRule{2, 1224, compiled(`[\w+=,.@:/-]*`), "2 to 1224 letters, digits and _+=,.@:/-"}
	serialRule     = textRule{9, 256, compiled(`[\w+=/:,.@-]*`), "9 to 256 letters, digits and _+=/:,.@-"}
	tagKeyRule     = textRule{1, 128, compiled(`[\p{L}\p{Z}\p{N}_.:/=+\-@]+`), "1 to 128 letters, digits, spaces and _.:/=+-@"}
	tagValueRule   = textRule{0, 256, compiled(`[\p{L}\p{Z}\p{N}_.:/=+\-@]*`), "at most 256 letters, digits, spaces and _.:/=+-@"}
	policyRule     = textRule{1, 2048, compiled(`[\x09\x0A\x0D\x20-\x{FF}]+`), "at most 2048 characters"}
	deviceRule     = textRule{1, 226, compiled(`[\w+=,.@-]+`), "1 to 226 letters, digits and _+=,.@-"}
	pathRule       = textRule{1, 512, compiled(`/|/[\x21-\x7E]+/`), "begin and end with /, such as /phones/"}
)

func (r textRule) accepts(text string) bool {
	n := len([]rune(text))
	return n >= r.min && n <= r.max && r.pattern().MatchString(text)
}

// AWS accepts this many tags and managed policies for a session.
// Source: IAM User Guide, "IAM and AWS STS quotas".
const (
	maxSessionTags     = 50
	maxSessionPolicies = 10
)

// CheckProfile returns a problem if STS would refuse a setting of a profile,
// whatever the code. It calls nothing.
func CheckProfile(p awsfile.Profile) error {
	if text := p.Get(ExecSetting); text != "" && text != ExecProfile && text != ExecStatic {
		return settingProblem(p, ExecSetting, "is neither "+ExecProfile+" nor "+ExecStatic, "correct it, or remove it")
	}
	if err := mfapreset.Check(p.Get("mfa_process")); err != nil {
		return settingProblem(p, "mfa_process", "is not valid: "+err.Error(), "correct it, or remove it")
	}
	if p.Get("role_arn") != "" {
		_, err := roleOf(p, func(string) string { return "" })
		return err
	}
	if text := p.Get("duration_seconds"); text != "" && seconds(text) == 0 {
		return settingProblem(p, "duration_seconds", "is not a number of seconds", "set it to a number from 900 to 129600")
	}
	return nil
}

// CheckRegion returns a problem if the Region of a profile is none. The environment may
// replace it, so that a session does not need it.
func CheckRegion(p awsfile.Profile) error {
	if text := p.Get("region"); text != "" && !cache.IsRegion(text) {
		return settingProblem(p, "region", "is not the name of a Region", "set it to one such as eu-west-1; AWS tools replace no variables in this file")
	}
	return nil
}

// checkRole checks what STS would refuse in the settings of a role.
func checkRole(p awsfile.Profile, r Role) error {
	for _, s := range []struct {
		key  string
		rule textRule
	}{
		{"role_session_name", nameRule}, {"source_identity", nameRule}, {"external_id", externalIDRule}, {"session_policy", policyRule},
	} {
		if text := p.Get(s.key); text != "" && !s.rule.accepts(text) {
			return settingProblem(p, s.key, "is not accepted by STS", "it must be "+s.rule.is)
		}
	}
	if r.Policy != "" {
		if _, err := policy.Parse(policy.Session, r.Policy); err != nil {
			return settingProblem(p, "session_policy", "is not a policy document ("+err.Error()+")", "correct it; forcemfa lint checks policy documents")
		}
	}
	for _, text := range r.PolicyARNs {
		if a, err := arn.Parse(text); err != nil || a.Service != "iam" || a.Kind() != "policy" {
			return settingProblem(p, "session_policy_arns", "is not a list of ARNs of managed policies", "separate ARNs such as arn:aws:iam::aws:policy/ReadOnlyAccess by commas")
		}
	}
	if len(r.PolicyARNs) > maxSessionPolicies {
		return settingProblem(p, "session_policy_arns", fmt.Sprintf("has more than %d policies", maxSessionPolicies), "remove some")
	}
	return checkTags(p, r)
}

func checkTags(p awsfile.Profile, r Role) error {
	keys := map[string]bool{}
	for _, tag := range r.Tags {
		folded := strings.ToLower(tag[0])
		switch {
		case !tagKeyRule.accepts(tag[0]):
			return settingProblem(p, "session_tags", "has a key that STS does not accept", "a key must be "+tagKeyRule.is)
		case !tagValueRule.accepts(tag[1]):
			return settingProblem(p, "session_tags", "has a value that STS does not accept", "a value must be "+tagValueRule.is)
		case keys[folded]:
			return settingProblem(p, "session_tags", "has the key "+tag[0]+" twice", "remove one; keys differ by more than case")
		}
		keys[folded] = true
	}
	if len(r.Tags) > maxSessionTags {
		return settingProblem(p, "session_tags", fmt.Sprintf("has more than %d tags", maxSessionTags), "remove some")
	}
	for _, key := range r.Transitive {
		if !keys[strings.ToLower(key)] {
			return settingProblem(p, "transitive_session_tags", "names "+key+", which is not in session_tags", "add it to session_tags, or remove it")
		}
	}
	return nil
}

// checkDevice checks the serial number of a route, and that the roles are in its
// partition.
func (r *Route) checkDevice() error {
	if r.Serial == "" {
		return nil
	}
	if isSecurityKey(r.Serial) {
		return securityKeyProblem(r.Serial, r.Base)
	}
	if err := CheckSerial(r.Serial); err != nil {
		return err
	}
	device, err := arn.Parse(r.Serial)
	for _, role := range r.Roles {
		if a, wrong := arn.Parse(role.ARN); err == nil && wrong == nil && a.Partition != device.Partition {
			return &Problem{
				Sentence: fmt.Sprintf("the role %s of %s is in partition %s, but the MFA device %s is in %s", role.ARN, role.source(), a.Partition, r.Serial, device.Partition),
				Next:     "correct role_arn or mfa_serial",
			}
		}
	}
	return nil
}

// serialKinds are the kinds of the ARNs of devices with codes.
var serialKinds = []string{"mfa", "sms-mfa"}

// CheckSerial returns a problem if a text cannot be the serial number of an MFA
// device.
func CheckSerial(serial string) error {
	a, err := arn.Parse(serial)
	isARN := strings.HasPrefix(serial, "arn:")
	if serialRule.accepts(serial) && (!isARN || err == nil && a.Service == "iam" && arn.IsAccountID(a.Account) && slices.Contains(serialKinds, a.Kind())) {
		return nil
	}
	return &Problem{
		Sentence: fmt.Sprintf("%q is not the serial number of an MFA device", serial),
		Next:     "use the ARN of a virtual device, such as arn:aws:iam::123456789012:mfa/bob, or the number on a hardware token",
	}
}

// CheckDeviceName returns a problem if IAM would refuse the name or the path of a
// new device; both may be empty.
// Source: IAM API Reference, CreateVirtualMFADevice.
func CheckDeviceName(name, path string) error {
	if name != "" && !deviceRule.accepts(name) {
		return &Problem{Sentence: fmt.Sprintf("%q cannot be the name of an MFA device", name), Next: "use " + deviceRule.is}
	}
	if path != "" && !pathRule.accepts(path) {
		return &Problem{Sentence: fmt.Sprintf("%q cannot be the path of an MFA device", path), Next: "a path must " + pathRule.is}
	}
	return nil
}
