package audit

import (
	"fmt"
	"strings"
)

// A Rule is one kind of finding. The table of all is [Rules].
type Rule struct {
	Name       string
	Severities []Severity // that its findings have, worst first
	Means      string     // the deviation, and how the severity is chosen
	Remedy     string     // the next step
	Refs       []string   // the requirements that it is evidence for, each with its version
}

// Requirements shared by several rules. The numbers in the CIS benchmark changed
// four times, so each has its version.
var (
	strongAuthentication = []string{
		"securityhub:IAM.19", "nist_800_53_r5:IA-2(1)", "nist_800_53_r5:IA-2(2)", "nist_800_171_r2:3.5.3",
		"pci_4.0:8.4.2", "iso27001_2022:A.8.5", "hipaa:164.312(d)", "mitre_attack:T1078",
	}
	consoleMFA = append([]string{
		"cis_1.4:1.10", "cis_2.0:1.10", "cis_3.0:1.10", "cis_4.0:1.10", "cis_5.0:1.9", "cis_6.0:2.9", "cis_7.0:2.10",
		"securityhub:IAM.5", "config:iam-user-mfa-enabled", "config:mfa-enabled-for-iam-console-access",
	}, strongAuthentication...)
	rootMFA = []string{
		"cis_1.4:1.5", "cis_2.0:1.5", "cis_3.0:1.5", "cis_4.0:1.5", "cis_5.0:1.4", "cis_6.0:2.4", "cis_7.0:2.5",
		"securityhub:IAM.9", "config:root-account-mfa-enabled",
	}
	rootHardwareMFA = []string{
		"cis_1.4:1.6", "cis_2.0:1.6", "cis_3.0:1.6", "cis_4.0:1.6", "cis_5.0:1.5", "cis_6.0:2.5", "cis_7.0:2.6",
		"securityhub:IAM.6", "config:root-account-hardware-mfa-enabled",
	}
	groupsOnly = []string{"cis_3.0:1.15", "cis_5.0:1.14", "securityhub:IAM.2", "config:iam-user-no-policies-check"}
)

// Rules are all rules, those about users first.
var Rules = []Rule{
	{
		Name: "user-open", Severities: []Severity{Critical, High, Medium},
		Means: "A request of the user without MFA is not denied. Critical when it is allowed today and the user has an active access key " +
			"or a console password; high when it is allowed and the user has neither; medium when nothing allows it today.",
		Remedy: "apply the plan, so that ForceMFA is in force for the user", Refs: strongAuthentication,
	},
	{
		Name: "user-unknown", Severities: []Severity{High},
		Means:  "forcemfa could not decide whether the user is enforced.",
		Remedy: "make the named document readable, or repair it, then audit again", Refs: strongAuthentication,
	},
	{
		Name: "no-device", Severities: []Severity{Medium, Low},
		Means:  "The user has no MFA device: medium with a console password, low with only access keys.",
		Remedy: "let the user enroll a device", Refs: consoleMFA,
	},
	{
		Name: "cannot-enroll", Severities: []Severity{Medium, Low},
		Means: "The user has no MFA device and cannot enroll one today: no policy allows it, or a Deny, an SCP or a permissions boundary refuses it. " +
			"Medium with a console password, low with only access keys. Notices that ask the user to enroll by a date cannot be followed.",
		Remedy: "allow iam:CreateVirtualMFADevice and iam:EnableMFADevice on the user's own user and device (policy.self_service in the config file), open an enrollment window, or enroll the device as an administrator",
		Refs:   nil,
	},
	{
		Name: "cli-lockout", Severities: []Severity{Medium},
		Means: "The user has active access keys, but only devices that do not generate codes (passkeys, security keys). " +
			"STS accepts only codes, so the keys stop working with ForceMFA.",
		Remedy: "let the user add a TOTP device, or move to `aws login` or a role", Refs: nil,
	},
	{
		Name: "exempt-interactive", Severities: []Severity{High},
		Means:  "An exempt user has a console password, so a person can sign in without MFA. Break-glass users are not reported.",
		Remedy: "delete the password, or end the exemption", Refs: consoleMFA,
	},
	{
		Name: "exemption-expired", Severities: []Severity{Medium},
		Means:  "An exemption of the user has expired and no longer applies.",
		Remedy: "renew it in the config file with a reason, or remove it", Refs: nil,
	},
	{
		Name: "exemption-tag-settable", Severities: []Severity{Critical, Medium, Low},
		Means: "An exemption depends on a tag that a principal can set on a user. Critical when a user can set it without MFA, " +
			"medium when a user can with MFA, low when only roles can, or when it could not be decided.",
		Remedy: "deny iam:TagUser and iam:CreateUser with that tag key to everybody except the administrator role, or exempt users by name",
		Refs:   nil,
	},
	{
		Name: "exemption-name-settable", Severities: []Severity{Critical, Medium, Low},
		Means: "An exemption depends on a path, name or ARN that a principal can give a user: by renaming or moving it, or by creating one. " +
			"Critical when a user can do so without MFA, medium when a user can with MFA, low when only roles can, or when it could not be decided.",
		Remedy: "deny iam:UpdateUser and iam:CreateUser on the exempt ARNs to everybody except the administrator role, as the guard SCP does",
		Refs:   nil,
	},
	{
		Name: "guard-bypass", Severities: []Severity{High},
		Means: "The guard SCP excepts roles by name, and a principal of the account can create such a role, change its trust policy, or assume one that was there before. " +
			"The role may then exempt users and remove the policy.",
		Remedy: "apply the plan, which puts the guard SCP of this version in force; delete a role that the account can assume, or let only its service trust it", Refs: nil,
	},
	{
		Name: "exempt-credentials", Severities: []Severity{Info},
		Means: "A principal under the guard SCP can create access keys, passwords or other credentials of exempt users, and so get a credential that works without MFA. " +
			"The guard SCP leaves that open, because keys of service accounts have to be replaced.",
		Remedy: "let only the role that replaces these keys create credentials of exempt users, add that role to guard_scp.except, or replace the exempt users with roles", Refs: nil,
	},
	{
		Name: "window-open", Severities: []Severity{Medium},
		Means:  "The enrollment window of the user is open: its access key can enroll a first device without MFA.",
		Remedy: "let the user enroll before the window ends", Refs: nil,
	},
	{
		Name: "window-expired", Severities: []Severity{High},
		Means:  "The enrollment window of the user should be closed: its date has passed or cannot be read, or the user has a device.",
		Remedy: "apply the plan, which removes the tag", Refs: nil,
	},
	{
		Name: "device-by-key", Severities: []Severity{High},
		Means: "The device was added in an enrollment window, where an access key is enough. The thief of a key could have added it. " +
			"The finding stays until a person confirms the device.",
		Remedy: "confirm with the person that the device is theirs, then run forcemfa enroll --confirm USER; otherwise delete the key and deactivate the device",
		Refs:   nil,
	},
	{
		Name: "window-tag-settable", Severities: []Severity{High, Low},
		Means: "An exempt user, who does not need MFA, can set the tag of the enrollment window on users. With a stolen key of a user without a device, " +
			"an attacker can then register a device for that user. Low when the tag can only be removed.",
		Remedy: "deny iam:TagUser and iam:UntagUser with that tag key to everybody except the administrator role, as the guard SCP does",
		Refs:   nil,
	},
	{
		Name: "direct-policies", Severities: []Severity{Low},
		Means:  "Policies are attached to the user directly instead of to a group.",
		Remedy: "move them to a group", Refs: groupsOnly,
	},
	{
		Name: "no-group", Severities: []Severity{Low},
		Means:  "The user is in no group, so policies attached to groups do not apply to it.",
		Remedy: "apply the plan, which adds the user to the ForceMFA group", Refs: []string{"config:iam-user-group-membership-check"},
	},
	{
		Name: "policy-drift", Severities: []Severity{High},
		Means:  "The ForceMFA policy differs from the document of the config file.",
		Remedy: "apply the plan, which creates a new default version", Refs: nil,
	},
	{
		Name: "policy-name-collision", Severities: []Severity{Medium},
		Means:  "A policy or group is named ForceMFA but is not managed by forcemfa. Only its document counts, not its name.",
		Remedy: "rename or delete it; a policy that requires MFA can be adopted with adopt in the config file, or --adopt", Refs: nil,
	},
	{
		Name: "deny-bool", Severities: []Severity{High},
		Means: "A Deny checks for MFA in a way that misses requests without it: Bool misses access keys, which carry no " +
			"aws:MultiFactorAuthPresent; Null misses sessions without MFA; an age without IfExists misses both.",
		Remedy: "use BoolIfExists aws:MultiFactorAuthPresent false, or NumericGreaterThanIfExists aws:MultiFactorAuthAge", Refs: strongAuthentication,
	},
	{
		Name: "allow-if-exists", Severities: []Severity{Medium},
		Means:  "An Allow has a condition on MFA that is also true without MFA: IfExists and ForAllValues allow access keys, Null false allows any session.",
		Remedy: "use Bool aws:MultiFactorAuthPresent true", Refs: strongAuthentication,
	},
	{
		Name: "role-trust-open", Severities: []Severity{High, Medium, Low},
		Means: "The role can be assumed without MFA by users or a whole account, or with MFA by everybody, and no resource control policy of the account prevents it. High when a stranger can assume it, " +
			"low when its condition refuses callers without the right external ID, as for third parties.",
		Remedy: "require Bool aws:MultiFactorAuthPresent true in the trust policy, for the account and user principals", Refs: strongAuthentication,
	},
	{
		Name: "role-trust-federated", Severities: []Severity{High, Medium, Low, Info},
		Means: "Principals of an identity provider (OIDC, Amazon Cognito, SAML) or certificates (IAM Roles Anywhere) can assume the role, and AWS " +
			"cannot require MFA of them. High when anybody can get a token that the trust policy accepts, medium when any subject of your provider " +
			"can, low for any certificate of the account, info when conditions limit who can.",
		Remedy: "require MFA at the identity provider; limit the trust policy by the subject (sub), the identity pool (aud, amr) or the trust anchor (aws:SourceArn)", Refs: nil,
	},
	{
		Name: "role-trust-weak", Severities: []Severity{High},
		Means:  "The trust policy of the role has a condition on MFA that is also true without MFA.",
		Remedy: "use Bool aws:MultiFactorAuthPresent true in the trust policy", Refs: strongAuthentication,
	},
	{
		Name: "role-policy-mfa", Severities: []Severity{Medium, Low},
		Means: "An own policy of the role depends on MFA. A session of a role that a service or an identity provider assumes never carries MFA (medium), " +
			"and one that a user assumed carries it at most where the user had MFA (low): a Deny without MFA makes the role useless, an Allow with MFA grants nothing.",
		Remedy: "remove the condition, and require Bool aws:MultiFactorAuthPresent true in the trust policy", Refs: strongAuthentication,
	},
	{
		Name: "role-trust-unknown", Severities: []Severity{Medium},
		Means:  "The trust policy of the role could not be read, or AWS does not document whether its condition on MFA is true without MFA.",
		Remedy: "make the trust policy readable, or repair it, and require MFA with Bool aws:MultiFactorAuthPresent true, then audit again", Refs: nil,
	},
	{
		Name: "root-no-mfa", Severities: []Severity{Critical},
		Means:  "The root user has credentials but no MFA device.",
		Remedy: "enroll an MFA device for the root user, or remove its credentials through centralized root access", Refs: rootMFA,
	},
	{
		Name: "root-no-hardware-mfa", Severities: []Severity{Low},
		Means: "A virtual MFA device can sign in as the root user. AWS does not show whether the root user also has a hardware device; " +
			"the benchmarks accept only hardware devices, so a virtual one next to a security key counts too.",
		Remedy: "enroll a security key for the root user, and deactivate the virtual device", Refs: rootHardwareMFA,
	},
	{
		Name: "root-access-key", Severities: []Severity{Critical},
		Means:  "The root user has an access key. Neither policies nor MFA restrict it.",
		Remedy: "delete it", Refs: []string{"cis_5.0:1.3", "securityhub:IAM.4"},
	},
	{
		Name: "orphan-device", Severities: []Severity{Low},
		Means:  "A virtual MFA device is not assigned to a user: its enrollment was not finished, or is in progress.",
		Remedy: "delete it if the next run reports it again", Refs: nil,
	},
	{
		Name: "account-unreadable", Severities: []Severity{High},
		Means:  "The account could not be read. Suspended and closed accounts are skipped and not reported.",
		Remedy: "let forcemfa assume a role in the account, then audit again", Refs: nil,
	},
	{
		Name: "outside-organization", Severities: []Severity{High},
		Means: "The account is in no organization, although the config file relies on service control policies: it left, or was removed. " +
			"No service control policy affects its users.",
		Remedy: "invite the account into the organization, or remove scp and guard_scp from the config file", Refs: nil,
	},
	{
		Name: "account-departed", Severities: []Severity{High},
		Means: "An account that an earlier run of this machine listed in the organization is not in it any more: it left, or was removed. " +
			"Its users keep their credentials, and no service control policy affects them. Accounts that a run has seen suspended are not reported. " +
			"The finding is about the management account; it ends after 90 days, or when the departure is acknowledged.",
		Remedy: "find out who removed the account, and invite it again; if it was intended, add account-departed:ACCOUNT to acknowledge in the config file", Refs: nil,
	},
	{
		Name: "no-trail", Severities: []Severity{Medium},
		Means: "No trail logs the write management events of the account in the home Region of IAM, so EventBridge delivers no events " +
			"and the function finds changes at its next scheduled scan. Reported by `deploy plan`.",
		Remedy: "create an organization trail that logs write management events in all Regions", Refs: nil,
	},
	{
		Name: "deployment-drift", Severities: []Severity{High},
		Means: "A resource of the deployed stacks (a rule, the function, a role, an alarm, a queue) was changed or deleted after CloudFormation created it, " +
			"so users who appear later may not be enforced. Reported by `deploy plan`, which has CloudFormation compare every stack.",
		Remedy: "run the command that the finding names, and ask who changed it", Refs: nil,
	},
	{
		Name: "report-missing", Severities: []Severity{Medium},
		Means:  "No credential report could be read, so devices, passwords and keys may be unknown.",
		Remedy: "allow iam:GenerateCredentialReport and iam:GetCredentialReport for the role that forcemfa assumes", Refs: nil,
	},
	{
		Name: "report-stale", Severities: []Severity{Low},
		Means:  "The credential report is older than a day, so devices, passwords and keys may have changed.",
		Remedy: "audit again with fresh data", Refs: nil,
	},
}

// RuleNames are the names of all rules, in the order of [Rules].
func RuleNames() []string {
	out := make([]string, len(Rules))
	for i := range Rules {
		out[i] = Rules[i].Name
	}
	return out
}

var ruleByName = func() map[string]*Rule {
	m := make(map[string]*Rule, len(Rules))
	for i := range Rules {
		m[Rules[i].Name] = &Rules[i]
	}
	return m
}()

// Markdown is the page of the rules in the documentation.
func Markdown() string {
	var out strings.Builder
	out.WriteString("# Rules\n\nAfter reading this page you know the meaning and the remedy of each finding of `forcemfa audit`.\n\n" +
		"Every finding has the ID `rule/account/subject`. This page is generated from `internal/audit/rules.go`.\n")
	for _, r := range Rules {
		fmt.Fprintf(&out, "\n## %s\n\n%s\n\n- Severity: %s\n- Remedy: %s\n", r.Name, r.Means, join(r.Severities), r.Remedy)
		if len(r.Refs) > 0 {
			fmt.Fprintf(&out, "- Evidence for: %s\n", strings.Join(r.Refs, ", "))
		}
	}
	return out.String()
}

func join(severities []Severity) string {
	words := make([]string, len(severities))
	for i, s := range severities {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}
