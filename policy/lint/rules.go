package lint

import (
	"fmt"
	"strings"
)

// A Rule is one kind of finding. Its code never changes its meaning. The table
// of all is [Rules].
type Rule struct {
	Code     string
	Severity Severity // of its findings, unless Means says otherwise
	Title    string
	Means    string // why it is a hole, in one sentence
	Remedy   string
}

// Rules is every rule. D-n are the flaws of the policies that are passed around,
// as the survey of them numbers them; M are conditions on the MFA keys, E what a
// guard leaves open, L lock-outs, U one's own user, T trust policies, O
// organizations, A gates, K names and texts, W what became weaker.
var Rules = []Rule{
	{"D-1", High, "others' devices and passwords are open without MFA",
		"The exempted actions are not confined to one's own user, so a stolen key of an administrator enrolls a device for, or gives a password to, anybody who has none.",
		"deny these actions without MFA on everything but one's own user"},
	{"D-2", Medium, "users with a path are left out",
		"user/${aws:username} does not match user/team/alice, so a user with a path cannot enroll and is locked out for good.",
		"add user/*/${aws:username}"},
	{"D-3", Medium, "device must be called like its user",
		"Device names are free since November 2022, so enrollment fails for who types another name than the user's.",
		"allow mfa/* for creating devices: enabling them is what matters"},
	{"D-4", Info, "partition is written down",
		"A document for any account that says arn:aws matches nothing in China and GovCloud.",
		"fill the partition in for each account, or write arn:*: where AWS takes it"},
	{"D-5", Low, "device can be enabled and not read",
		"The console asks for iam:GetMFADevice while a user enrolls, and gets an error without it.",
		"allow iam:GetMFADevice and except it from the Deny"},
	{"D-6", Info, "forced password change is refused",
		"A user who must change the password at the first sign-in needs iam:ChangePassword and iam:GetAccountPasswordPolicy before MFA: with neither the sign-in ends there (info), with one of them too (low).",
		"except both or neither; AWS advises against allowing it before MFA"},
	{"D-7", Info, "forwarded calls are refused",
		"A call that a service makes for somebody carries no MFA even when the person has it, so CloudFormation, Athena and others stop working for users with MFA.",
		"add BoolIfExists aws:ViaAWSService false, if you accept that such calls then pass (E-8)"},
	{"D-8", Critical, "Deny misses requests without MFA",
		"Bool on a key that is not there never holds and long-term access keys carry no aws:MultiFactorAuthPresent; Null true holds for them alone and misses console sessions.",
		"write BoolIfExists aws:MultiFactorAuthPresent false"},
	{"D-9", High, "Allow with IfExists is met without MFA",
		"IfExists holds when the key is not there, so a long-term access key meets a condition that looks like MFA.",
		"write Bool aws:MultiFactorAuthPresent true in an Allow"},
	{"D-10", Info, "MFA never gets old",
		"Without a limit on aws:MultiFactorAuthAge a session from GetSessionToken counts as MFA for up to 36 hours.",
		"add a Deny with NumericGreaterThanIfExists aws:MultiFactorAuthAge where that is too long"},
	{"D-12", High, "access key may enroll the first device",
		"AWS asks for MFA to add a second device and not for the first, so a stolen key of a user without a device enrolls the thief's phone and then passes every check.",
		"deny iam:CreateVirtualMFADevice and iam:EnableMFADevice with Null aws:TokenIssueTime true: a console session may still enroll"},
	{"D-15", Medium, "who cannot have MFA is asked for it",
		"Services, SAML and OIDC can never show MFA and sessions of roles (low) seldom do, so they cannot assume the role.",
		"ask account and user principals for MFA, in a statement of their own"},
	{"D-16", Low, "whole account is trusted",
		"Whoever can make a user or role in that account, or anybody in AWS where the principal is * (high), may assume the role.",
		"name users or roles, or ask for aws:PrincipalOrgID"},
	{"D-18", Medium, "access key alone may make credentials",
		"A stolen access key makes itself further keys, certificates or a password, and outlives its own deletion.",
		"ask for MFA in the Allow, or add a guard"},
	{"D-19", Info, "guard comes with gifts",
		"A document that is attached in order to take rights away also grants credentials of one's own, to robots as well.",
		"keep self service in a policy of its own"},
	{"D-20", Info, "document is large",
		"It fits as a managed policy only (info), is over the quota of its kind, so that it cannot be in force (medium), or is larger than AWS takes anywhere and was not checked (high).",
		"keep the Denies apart from self service"},
	{"D-21", Medium, "devices can be deleted without MFA",
		"A stolen key deletes devices that are not yet, or no longer, in use, and so keeps others from enrolling.",
		"leave iam:DeleteVirtualMFADevice out of the exceptions"},
	{"M-1", High, "condition is the wrong way round",
		"The statement hits requests with MFA where it means those without, or allows those without where it means those with.",
		"turn true into false, or Allow into Deny"},
	{"M-2", Critical, "Deny by age misses requests without MFA",
		"aws:MultiFactorAuthAge is there only when MFA was used, so a plain numeric comparison never holds without MFA.",
		"write NumericGreaterThanIfExists"},
	{"M-3", High, "Allow is met by any session",
		"Null false asks whether aws:MultiFactorAuthPresent is there, which it also is, with the value false, after a sign-in with a password alone.",
		"write Bool aws:MultiFactorAuthPresent true"},
	{"M-4", High, "ForAllValues is met without the key",
		"ForAllValues holds for a key that is not there, so a long-term access key meets it.",
		"write Bool aws:MultiFactorAuthPresent true, without ForAllValues"},
	{"M-5", High, "Allow by a negated operator is met without the key",
		"A negated operator holds for a key that is not there, so a long-term access key meets it.",
		"write Bool aws:MultiFactorAuthPresent true"},
	{"M-6", High, "case of the value",
		"String operators compare with case and requests say true and false, so True and FALSE are never met, and always by a negated operator.",
		"write Bool, or the value in lower case"},
	{"M-7", High, "value is of the wrong type",
		"The key never has such a value, or the list names both true and false, so the condition does not tell requests with MFA from those without.",
		"compare aws:MultiFactorAuthPresent with Bool and aws:MultiFactorAuthAge with a number"},
	{"M-8", High, "conditions never hold together",
		"No request meets all conditions on MFA of the statement, so it never applies: a Deny lets everything pass, an Allow grants nothing.",
		"keep one of the conditions, or make two statements of them"},
	{"M-9", High, "Deny hits those who have MFA, too",
		"The condition holds with MFA as without, so nobody gets anything done.",
		"write BoolIfExists aws:MultiFactorAuthPresent false"},
	{"E-1", Critical, "devices can be removed without MFA",
		"Who can remove a device without MFA then enrolls another one.",
		"take iam:DeactivateMFADevice out of the exceptions"},
	{"E-2", High, "credentials can be made without MFA",
		"A stolen key makes itself a password or further keys, of others too where it may administer users; changing one's own password alone is low.",
		"take these actions out of the exceptions"},
	{"E-3", Critical, "enforcement can be switched off without MFA",
		"Policies, groups, tags, boundaries and roles decide who is behind MFA, and can be changed or taken on without it.",
		"take these actions out of the exceptions"},
	{"E-4", Medium, "more is excepted than getting MFA needs",
		"Every further action in NotAction works without MFA; reading from IAM alone is low.",
		"take these actions out of the exceptions"},
	{"E-5", High, "guard covers some resources only",
		"A guard with another Resource than * leaves every other resource open without MFA.",
		"write \"Resource\": \"*\""},
	{"E-6", Low, "principals are let off",
		"Whom a tag or name lets off acts without MFA, so who may set the tag or take the name decides.",
		"say who may set it, and deny that to everybody else"},
	{"E-7", High, "request lets itself off",
		"An address, an agent or a parameter belongs to the request, and a stolen key is used from where it is let off.",
		"make the guard hold for every request"},
	{"E-8", Info, "forwarded calls pass",
		"Calls that a service makes for somebody pass without MFA, which is safe as long as their first call is refused.",
		"none needed; leave aws:ViaAWSService out for the strict form (D-7)"},
	{"L-1", High, "nobody can enroll",
		"What a user needs so as to get MFA is refused without it, or to everybody, so a user without a device never gets one.",
		"except the actions of enrollment from the Deny"},
	{"U-1", High, "one's own user also matches others",
		"A wildcard beside ${aws:username} matches users whose names begin or end alike, which anybody can choose who makes users.",
		"write user/${aws:username} and user/*/${aws:username}"},
	{"T-1", High, "side door of a trust policy",
		"One statement asks for MFA and another lets the same people in without it.",
		"ask for MFA in each statement for accounts and users"},
	{"T-2", Medium, "principal is nobody",
		"Principals are compared as they are: one that was deleted, or has a wildcard in its ARN, never matches.",
		"name the principal, or the account with a condition on aws:PrincipalArn"},
	{"O-1", High, "control policy hits role sessions",
		"Sessions of roles carry aws:MultiFactorAuthPresent false whatever their people did, so Identity Center, SAML and services stop working in the whole organization.",
		"add ArnLike aws:PrincipalArn arn:*:iam::*:user/* and ask for MFA in trust policies"},
	{"O-2", Info, "management account stays out",
		"Service control policies do not bind the management account, so its users need the guard as a policy of their own.",
		"attach the guard to its users"},
	{"A-1", Info, "gate is no guard",
		"An Allow that asks for MFA enforces nothing: any other policy that allows the same lets requests without MFA through.",
		"deny requests without MFA"},
	{"K-1", Critical, "MFA key is misspelled",
		"A key that no request has is always absent, so the condition always holds or never does.",
		"write aws:MultiFactorAuthPresent or aws:MultiFactorAuthAge"},
	{"K-2", Low, "unknown condition key",
		"A key that no request has is always absent, so the condition always holds or never does.",
		"write the name as AWS documents it"},
	{"K-3", Low, "unknown action",
		"A name that is no action matches nothing, so an exception does not except and a Deny does not deny.",
		"write the name as AWS documents it"},
	{"K-4", Medium, "placeholder",
		"A text that is still to be filled in matches nothing.",
		"fill in the account"},
	{"K-5", High, "variables without Version",
		"Without Version 2012-10-17 a variable is plain text, so users do not match their own name: they cannot enroll, and a Deny on their name misses them.",
		"write \"Version\": \"2012-10-17\""},
	{"K-6", Info, "what no policy can refuse",
		"sts:GetSessionToken and sts:GetCallerIdentity work whatever a policy says, so a Deny of them only looks like one.",
		"leave it out"},
	{"K-7", High, "statement is about nothing",
		"A list of exceptions that holds * leaves nothing to apply to: a Deny lets everything pass, and an Allow grants nothing (low).",
		"list the exceptions"},
	{"K-8", High, "whether the statement applies is unknown",
		"AWS does not document what such a value, or none, or such a pattern does, so a Deny with it may protect nobody; an Allow is low.",
		"write a value of the operator's type, or a whole ARN"},
	{"W-1", Critical, "document lets more pass than the old one",
		"A request without MFA that the old document refuses is refused no longer; medium when only an action that AWS has yet to invent would show it.",
		"keep what refused it, or make sure that another policy does"},
	{"W-2", High, "whether it lets more pass than the old one is unknown",
		"The comparison with the old document could not be decided, so it may be weaker.",
		"bring the two closer to each other, and compare again"},
}

// notOfADocument are the numbers of the survey that no single document shows,
// and why.
var notOfADocument = []struct{ code, why string }{
	{"D-11", "who may detach the policy is up to a control policy: `forcemfa audit`"},
	{"D-13", "which devices users have: `forcemfa audit`, rule cli-lockout"},
	{"D-14", "which credentials would break: the plan"},
	{"D-17", "who is in no group: `forcemfa audit`, rule no-group"},
	{"D-22", "a script, not a policy"},
}

var ruleByCode = func() map[string]*Rule {
	m := make(map[string]*Rule, len(Rules))
	for i := range Rules {
		m[Rules[i].Code] = &Rules[i]
	}
	return m
}()

// RuleOf is the rule of a code.
func RuleOf(code string) (*Rule, bool) {
	r, ok := ruleByCode[code]
	return r, ok
}

// Markdown is the table of codes as it stands in the documentation.
func Markdown() string {
	var out strings.Builder
	out.WriteString(`# Findings of lint

After reading this page you know what each finding of ` + "`forcemfa lint`" + ` means, and how to correct the document.

` + "`forcemfa lint`" + ` reads policy documents and reports those that appear to require MFA but don't. It decides each statement for the
credentials that can lack MFA: a long-term access key (without ` + "`aws:MultiFactorAuthPresent`" + `) and a console session by password alone
(` + "`false`" + `). Each finding names the statement, an example request, and the corrected statements. A request "with full access" is one that
AdministratorAccess allows, or FullAWSAccess together with a control policy.

A document that cannot be read is an error (exit status 1), never a clean one. JSON files in a folder that are not policies are reported and
make the run incomplete (exit status 4), as does a document of which a part could not be checked or compared (D-20 at high, W-2). The test of
the table in ` + "`policy/lint/rules.go`" + ` writes this page.

| code | severity | finding | why it matters | remedy |
|---|---|---|---|---|
`)
	for _, r := range Rules {
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", r.Code, r.Severity, r.Title, r.Means, r.Remedy)
	}
	out.WriteString("\nThese numbers are not about one document:\n\n")
	for _, n := range notOfADocument {
		fmt.Fprintf(&out, "- %s: %s\n", n.code, n.why)
	}
	return out.String()
}
