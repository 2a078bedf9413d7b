package lint

import (
	"fmt"
	"strings"
)

// A Rule is one kind of finding. Its code never changes its meaning. [Rules] lists
// all of them.
type Rule struct {
	Code     string
	Severity Severity // of its findings, unless Means says otherwise
	Title    string
	Means    string // why it matters, in one sentence
	Remedy   string
}

// Rules lists every rule. D-n are the flaws of published MFA policies, numbered as
// in the survey of them; M are conditions on the MFA keys, E exceptions of a
// guard, G guards that miss users, L lockouts, U the user's own user, T trust and own policies of roles, O organizations, A
// Allow statements with an MFA condition, K names and texts, R resource policies, W changes that weaken
// a document.
var Rules = []Rule{
	{"D-1", High, "other users' devices and passwords are open without MFA",
		"The exempted actions are not limited to the user's own user, so the stolen key of an administrator can enroll a device or set a password for any user without one.",
		"deny these actions without MFA on everything except the user's own user"},
	{"D-2", Medium, "users with a path are not covered",
		"user/${aws:username} does not match user/team/alice, so a user with a path cannot enroll and is locked out permanently.",
		"add user/*/${aws:username}"},
	{"D-3", Medium, "device must have the name of its user",
		"Device names have been free since November 2022, so enrollment fails for users who choose another name.",
		"allow mfa/* for creating devices: only enabling a device matters"},
	{"D-4", Info, "partition is fixed",
		"A document for any account that contains arn:aws matches nothing in other partitions, such as China and GovCloud.",
		"fill in the partition of each account, or write arn:*: where AWS accepts it"},
	{"D-5", Low, "device can be enabled but not read",
		"The console calls iam:GetMFADevice during enrollment and shows an error without it.",
		"allow iam:GetMFADevice and exempt it from the Deny"},
	{"D-6", Info, "forced password change is refused",
		"A user who must change the password at the first sign-in needs iam:ChangePassword and iam:GetAccountPasswordPolicy before MFA: without both the sign-in ends there (info). With iam:ChangePassword alone it is reported to work, though AWS documents both.",
		"exempt both or neither; AWS advises against allowing the change before MFA"},
	{"D-7", Info, "forwarded calls are refused",
		"A call that a service makes on behalf of a user carries no MFA even when the user has it, so CloudFormation, Athena and others stop working for users with MFA.",
		"add BoolIfExists aws:ViaAWSService false if you accept that such calls then pass (E-8)"},
	{"D-8", Critical, "Deny misses requests without MFA",
		"Bool on a missing key never matches, and long-term access keys carry no aws:MultiFactorAuthPresent; Null true matches only them and misses console sessions.",
		"write BoolIfExists aws:MultiFactorAuthPresent false"},
	{"D-9", High, "Allow with IfExists matches without MFA",
		"IfExists matches when the key is missing, so a long-term access key meets a condition that appears to require MFA.",
		"write Bool aws:MultiFactorAuthPresent true in an Allow"},
	{"D-10", Info, "MFA never expires",
		"Without a limit on aws:MultiFactorAuthAge a session from GetSessionToken counts as MFA for up to 36 hours.",
		"add a Deny with NumericGreaterThanIfExists aws:MultiFactorAuthAge where that is too long"},
	{"D-12", High, "access key may enroll the first device",
		"AWS requires MFA to add a second device but not the first, so the stolen key of a user without a device can enroll the thief's phone and then passes every check.",
		"deny iam:CreateVirtualMFADevice and iam:EnableMFADevice with Null aws:TokenIssueTime true: a console session may still enroll"},
	{"D-15", Medium, "MFA is required of principals that cannot have it",
		"Requests of services, SAML and OIDC carry no MFA key, and those of role sessions (low) only if the role was assumed with MFA, so they cannot assume the role or use the resource.",
		"require MFA of account and user principals in a separate statement"},
	{"D-16", Low, "whole account is trusted",
		"Anyone who can create a user or role in that account may assume the role; with the principal * anyone in AWS may (high).",
		"name users or roles, or require aws:PrincipalOrgID"},
	{"D-18", Medium, "access key alone may create credentials",
		"A stolen access key creates further keys, certificates or a password for its user and survives its own deletion.",
		"require MFA in the Allow, or add a guard"},
	{"D-19", Info, "guard also grants permissions",
		"A document that is attached to take permissions away also allows users to manage their own credentials, service accounts included.",
		"keep self-service in a separate policy"},
	{"D-20", Info, "document is large",
		"It fits only as a managed policy (info), exceeds the quota of its kind and cannot be in force (medium), or is larger than AWS accepts anywhere and was not checked (high).",
		"keep the Denies separate from self-service"},
	{"D-21", Medium, "devices can be deleted without MFA",
		"A stolen key can delete devices that are not enabled, and so keeps other users from enrolling.",
		"remove iam:DeleteVirtualMFADevice from the exceptions"},
	{"M-1", High, "condition is reversed",
		"The statement applies to requests with MFA instead of those without (critical), or allows requests without MFA instead of those with it.",
		"turn true into false, or Allow into Deny"},
	{"M-2", Critical, "Deny by age misses requests without MFA",
		"aws:MultiFactorAuthAge exists only when MFA was used, so a plain numeric comparison never matches without MFA.",
		"write NumericGreaterThanIfExists"},
	{"M-3", High, "Allow matches any session",
		"Null false tests whether aws:MultiFactorAuthPresent exists, and it does exist, with the value false, after a sign-in with only a password.",
		"write Bool aws:MultiFactorAuthPresent true"},
	{"M-4", High, "ForAllValues matches without the key",
		"ForAllValues matches when the key is missing, so a long-term access key meets the condition.",
		"write Bool aws:MultiFactorAuthPresent true, without ForAllValues"},
	{"M-5", High, "Allow with a negated operator matches without the key",
		"A negated operator matches when the key is missing, so a long-term access key meets the condition.",
		"write Bool aws:MultiFactorAuthPresent true"},
	{"M-6", High, "case of the value",
		"String operators are case-sensitive and requests contain true and false, so True and FALSE never match, and always match with a negated operator. In a Deny that misses requests for it, critical.",
		"write Bool, or the value in lower case"},
	{"M-7", High, "value has the wrong type",
		"The key never has such a value, or the list contains both true and false, so the condition does not distinguish requests with MFA from those without. In a Deny that misses requests for it, critical.",
		"compare aws:MultiFactorAuthPresent with Bool and aws:MultiFactorAuthAge with a number"},
	{"M-8", High, "conditions can never match together",
		"No request meets all MFA conditions of the statement, so it never applies: a Deny lets everything pass (critical), an Allow grants nothing.",
		"keep one of the conditions, or split the statement"},
	{"M-9", High, "Deny also applies with MFA",
		"The condition matches with MFA as well as without, so the users cannot work at all.",
		"write BoolIfExists aws:MultiFactorAuthPresent false"},
	{"M-10", Medium, "limit on the age of MFA has no effect",
		"The value is not a number of seconds or is longer than any session, so MFA never expires; a limit below a minute ends each session at once (high).",
		"write a number of seconds between 900 and 129600, such as 43200"},
	{"E-1", Critical, "devices can be removed without MFA",
		"Anyone who can remove a device without MFA can then enroll another one.",
		"remove iam:DeactivateMFADevice from the exceptions"},
	{"E-2", High, "credentials can be created without MFA",
		"A stolen key can create a password or further keys, for other users too where it may administer them; changing only the user's own password is low.",
		"remove these actions from the exceptions"},
	{"E-3", Critical, "enforcement can be disabled without MFA",
		"Policies, groups, tags, boundaries and roles decide which users are behind MFA, and a request without MFA can change or assume them.",
		"remove these actions from the exceptions"},
	{"E-4", Medium, "exceptions go beyond enrollment",
		"Every further action in NotAction works without MFA; actions that only read IAM are low.",
		"remove these actions from the exceptions"},
	{"E-5", High, "guard covers only some resources",
		"A guard with a Resource other than * leaves all other resources open without MFA.",
		"write \"Resource\": \"*\""},
	{"E-6", Low, "principals are exempt",
		"Principals that a tag or name exempts act without MFA, so the permission to set the tag or take the name decides. A guard for users with a tag, below a path or of some accounts only is high: every other user passes.",
		"limit who may set it, and deny it to all others; exempt users (StringNotEquals) in place of including them"},
	{"E-7", High, "request can exempt itself",
		"The sender chooses the address, the user agent and the parameters of a request, so a stolen key can be used in the exempt way. A guard that lets requests over TLS pass is critical: every client uses it.",
		"make the guard apply to every request"},
	{"E-8", Info, "forwarded calls pass",
		"Calls that a service makes on behalf of a user pass without MFA, which is safe as long as the first call is refused.",
		"none needed; remove aws:ViaAWSService for the strict form (D-7)"},
	{"E-9", High, "access keys can get tokens without MFA",
		"Sign-in tokens, bearer tokens and web identity tokens outlive the request that gets them, and a stolen key must not turn into one without MFA. An Allow of these actions, or of federation tokens, in a document without a guard is medium.",
		"deny these actions with Null aws:TokenIssueTime true: sessions may still use them"},
	{"E-10", High, "guard applies at some times only",
		"A condition on aws:CurrentTime or aws:EpochTime begins or ends the guard. Nobody can choose the time of a request, but a stolen key can wait. A guard that has ended is G-1.",
		"remove the condition on the time, or extend it before it ends"},
	{"G-1", Critical, "guard does not reach users",
		"The Deny looks like a guard, but one of its conditions never holds for an IAM user, or for one way to sign in, so requests without MFA pass.",
		"write a condition that holds for users, or none apart from MFA"},
	{"G-2", High, "guard is undecided",
		"AWS does not document the effect of the document on some requests without MFA, so it may protect nothing.",
		"write conditions whose effect AWS documents"},
	{"G-3", Medium, "only listed actions require MFA",
		"A Deny that lists actions leaves all others open without MFA, also those that AWS adds later; a list of the enrollment actions is the reverse of a guard (high).",
		"write NotAction with the enrollment actions"},
	{"L-1", High, "users cannot enroll",
		"An action that a user needs in order to get MFA is refused without MFA, or always, so a user without a device never gets one. A document that allows only passkeys and security keys is info.",
		"exempt the enrollment actions from the Deny"},
	{"U-1", High, "pattern of the user's own user matches other users",
		"A wildcard next to ${aws:username} matches users whose names begin or end alike, and anyone who creates users can choose such a name.",
		"write user/${aws:username} and user/*/${aws:username}"},
	{"T-1", High, "second statement of a trust policy bypasses MFA",
		"One statement requires MFA and another one allows the same principals without it.",
		"require MFA in each statement for accounts and users"},
	{"T-2", Medium, "principal does not exist",
		"Principals are compared literally: a deleted principal, or one with a wildcard or a variable in its ARN, never matches; a statement of a resource policy without a principal is high.",
		"name the principal, or the account with a condition on aws:PrincipalArn"},
	{"T-3", High, "own policy of a role depends on MFA",
		"Sessions of a role carry aws:MultiFactorAuthPresent false, and true at most where the role was assumed from a session with MFA: a Deny of everything without MFA makes the role useless, other statements (medium) don't do what they appear to, or apply to no session of a role. Checked with --kind role and --kind session.",
		"remove the condition, and require MFA in the role's trust policy"},
	{"T-4", High, "identity provider lets strangers in",
		"The trust policy accepts tokens that anyone can get from the provider (high), any subject of the provider (medium), or any certificate of IAM Roles Anywhere (low); IAM cannot require MFA of them.",
		"compare the subject of the token, or the audience of an identity pool, with the values that you expect"},
	{"R-1", High, "second statement of a resource policy bypasses MFA",
		"One statement requires MFA and another one allows the same principals without it.",
		"require MFA in each statement that allows users"},
	{"R-2", High, "resource policy denies roles and services",
		"Role sessions carry aws:MultiFactorAuthPresent false and AWS services none, so the Deny also refuses roles and deliveries, such as logs and notifications.",
		"add ArnLike aws:PrincipalArn arn:*:iam::*:user/*"},
	{"O-1", High, "control policy denies role sessions",
		"Role sessions carry aws:MultiFactorAuthPresent false even when the user signed in with MFA, so Identity Center, SAML and services stop working in the whole organization.",
		"add ArnLike aws:PrincipalArn arn:*:iam::*:user/* and require MFA in trust policies"},
	{"O-2", Info, "management account is not covered",
		"Service control policies do not apply to the management account, so its users need the guard in an identity policy.",
		"attach the guard to the users of the management account"},
	{"A-1", Info, "Allow with an MFA condition is not a guard",
		"An Allow that requires MFA enforces nothing: any other policy that allows the same actions lets requests without MFA through; a statement of the same document that does makes the condition useless (high).",
		"deny requests without MFA"},
	{"K-1", Critical, "MFA key is misspelled",
		"A key that no request has is always missing, so the condition always or never matches.",
		"write aws:MultiFactorAuthPresent or aws:MultiFactorAuthAge"},
	{"K-2", Low, "unknown condition key",
		"A key that no request has is always missing, so the condition always or never matches.",
		"write the name as AWS documents it"},
	{"K-3", Low, "unknown action",
		"A name that is not an action matches nothing, so an exception does not exempt and a Deny does not deny.",
		"write the name as AWS documents it"},
	{"K-4", Medium, "placeholder",
		"A placeholder that was never filled in matches nothing.",
		"fill in the account"},
	{"K-5", High, "variables without Version",
		"Without Version 2012-10-17 a variable is plain text, so users do not match their own name: they cannot enroll, and a Deny on their name misses them.",
		"write \"Version\": \"2012-10-17\""},
	{"K-6", Info, "action that no policy controls",
		"sts:GetSessionToken and sts:GetCallerIdentity work whatever a policy says, so a Deny of them, or a statement that allows nothing else, has no effect.",
		"remove the action"},
	{"K-7", High, "statement applies to nothing",
		"A list of exceptions that contains * leaves nothing to apply to: a Deny lets everything pass, and an Allow grants nothing (low).",
		"list the exceptions"},
	{"K-8", High, "effect of the statement is unknown",
		"AWS does not document the effect of such a value, empty value or pattern, so a Deny with it may protect nothing; an Allow is low.",
		"write a value of the operator's type, or a complete ARN"},
	{"K-9", High, "action never acts on these resources",
		"An action is only granted or refused on resources of its own types, so on others the statement has no effect: for an enrollment action no user can enroll; for other actions low. An action without resource types is only matched by *.",
		"write the resource that the action acts on, * for an action without resource types"},
	{"K-10", Medium, "operator compares wildcards literally",
		"StringEquals and StringNotEquals compare * and ? as they are, so the value matches no request: the exemption never exempts, or the condition never holds.",
		"write StringLike or StringNotLike"},
	{"K-11", Medium, "Sid is refused",
		"A Sid contains only letters and digits, except in the policies of some resources, and stands once in a document; AWS refuses other documents.",
		"correct or remove the Sid"},
	{"W-1", Critical, "document is weaker than the old one",
		"A request without MFA that the old document refuses is no longer refused; medium when only an action that AWS does not have today shows it, info when it is one that users need to enroll.",
		"keep the statement that refused it, or make sure that another policy does"},
	{"W-2", High, "comparison with the old document is undecided",
		"The comparison could not be decided, so the document may be weaker than the old one.",
		"make the documents more alike and compare them again; compare policies of principals, resources and roles by reading them"},
}

// notOfADocument lists the numbers of the survey that no single document shows, and
// where to find them.
var notOfADocument = []struct{ code, why string }{
	{"D-11", "who may detach the policy depends on other policies: `forcemfa audit`"},
	{"D-13", "which devices users have: `forcemfa audit`, rule cli-lockout"},
	{"D-14", "which credentials would stop working: `forcemfa plan`"},
	{"D-17", "users in no group: `forcemfa audit`, rule no-group"},
	{"D-22", "a script, not a policy"},
}

var ruleByCode = func() map[string]*Rule {
	m := make(map[string]*Rule, len(Rules))
	for i := range Rules {
		m[Rules[i].Code] = &Rules[i]
	}
	return m
}()

// RuleOf returns the rule with a code.
func RuleOf(code string) (*Rule, bool) {
	r, ok := ruleByCode[code]
	return r, ok
}

// Markdown returns docs/lint.md, with the table of the rules.
func Markdown() string {
	var out strings.Builder
	out.WriteString(`# Findings of lint

After reading this page you know what each finding of ` + "`forcemfa lint`" + ` means, and how to correct the document.

` + "`forcemfa lint`" + ` reads policy documents and reports those that appear to require MFA but don't. It decides each statement for the
credentials that can lack MFA: a long-term access key (without ` + "`aws:MultiFactorAuthPresent`" + `) and a console session by password alone
(` + "`false`" + `). Each finding names the statement, an example request, and the corrected statements. A request "with full access" is one that
AdministratorAccess allows, or FullAWSAccess together with a control policy.

A file is one policy document, or the output of a tool that holds some: of ` + "`aws iam get-account-authorization-details`" + `, ` + "`get-role`" + `,
` + "`get-policy-version`" + `, ` + "`aws s3api get-bucket-policy`" + `, ` + "`aws organizations describe-policy`" + ` and ` + "`terraform show -json`" + `, a CloudFormation, CDK or
Serverless template in JSON or YAML, a snapshot, an array, JSON Lines, or a page with code blocks. What only a deployment knows stands for some text of the kind that its place has. For
Terraform's own language, lint the output of ` + "`terraform show -json PLAN`" + `.

An own policy of a role looks like one of a user. It is known where it stands in such a file (inline policies of roles, permission sets);
for a document alone use ` + "`--kind role`" + `. It gets T-3 and the findings about names and size, not those about guards of users.
So does a session policy (` + "`--kind session`" + `).

A document that cannot be read is an error (exit status 1), never a clean one. JSON files in a folder that are not policies are reported and
make the run incomplete (exit status 4), as does a document of which a part could not be checked or compared (D-20 at high, W-2). The test of
the table in ` + "`policy/lint/rules.go`" + ` writes this page.

| code | severity | finding | why it matters | remedy |
|---|---|---|---|---|
`)
	for _, r := range Rules {
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", r.Code, r.Severity, r.Title, r.Means, r.Remedy)
	}
	out.WriteString("\nA single document does not show these:\n\n")
	for _, n := range notOfADocument {
		fmt.Fprintf(&out, "- %s: %s\n", n.code, n.why)
	}
	return out.String()
}
