package sample

import "strings"

// trust returns a role trust policy.
func trust(s ...statement) string { return statements(s...) }

// condition returns a Condition element with one operator, key and value.
func condition(operator, key, value string) map[string]any {
	return map[string]any{operator: map[string]any{key: value}}
}

// MFA conditions found in trust policies: the first two work, the others only
// appear to.
var (
	withMFA      = condition("Bool", "aws:MultiFactorAuthPresent", "true")
	withFreshMFA = condition("NumericLessThan", "aws:MultiFactorAuthAge", "3600")
	weakMFA      = condition("BoolIfExists", "aws:MultiFactorAuthPresent", "true")
	nullMFA      = condition("Null", "aws:MultiFactorAuthPresent", "false")
)

// allowAccount lets the principals of an account assume the role if that account
// allows it.
func allowAccount(account string, condition map[string]any) statement {
	return allowPrincipal("arn:aws:iam::"+account+":root", condition)
}

func allowPrincipal(principal string, condition map[string]any) statement {
	return statement{
		Effect: "Allow", Principal: map[string]any{"AWS": principal},
		Action: "sts:AssumeRole", Condition: condition,
	}
}

// allowService lets an AWS service assume the role.
func allowService(name string) statement {
	return statement{
		Effect: "Allow", Principal: map[string]any{"Service": name + ".amazonaws.com"},
		Action: "sts:AssumeRole",
	}
}

// allowSAML lets the users of a SAML provider assume the role.
func allowSAML(account, provider string) statement {
	return statement{
		Effect:    "Allow",
		Principal: map[string]any{"Federated": "arn:aws:iam::" + account + ":saml-provider/" + provider},
		Action:    []string{"sts:AssumeRoleWithSAML", "sts:TagSession"},
		Condition: condition("StringEquals", "SAML:aud", "https://signin.aws.amazon.com/saml"),
	}
}

// allowOIDC lets the jobs of one repository at an OIDC provider assume the role.
func allowOIDC(account, provider, subject string) statement {
	return statement{
		Effect:    "Allow",
		Principal: map[string]any{"Federated": "arn:aws:iam::" + account + ":oidc-provider/" + provider},
		Action:    "sts:AssumeRoleWithWebIdentity",
		Condition: condition("StringLike", provider+":sub", subject),
	}
}

// serviceLinked returns a service-linked role.
func serviceLinked(name, service string) role {
	return role{
		Name: "AWSServiceRoleFor" + name, Path: "/aws-service-role/" + service + ".amazonaws.com/",
		Trust: trust(allowService(service)),
	}
}

// reservedSSO returns a role that IAM Identity Center created for a permission
// set.
func reservedSSO(account, set string) role {
	return role{
		Name:       "AWSReservedSSO_" + set + "_" + strings.ToLower(id("", account+set)[:16]),
		Path:       "/aws-reserved/sso.amazonaws.com/",
		Trust:      trust(allowSAML(account, "AWSSSO_DO_NOT_DELETE")),
		Attached:   []string{set},
		MaxSession: 8 * 3600e9,
		UsedAgo:    2,
	}
}
