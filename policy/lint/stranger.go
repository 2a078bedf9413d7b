package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// strangers returns users whom the conditions do not name, one without a path and one
// with a path: a guard that names users misses the next one that is created. There are
// none where no condition is about the name of the caller.
func (in *inspection) strangers(conditions []policy.Condition) []policy.Principal {
	var named []policy.Condition
	for _, c := range conditions {
		if nameOf(&c, &policy.Principal{}) != nil {
			named = append(named, c)
		}
	}
	if len(named) == 0 {
		return nil
	}
	var out []policy.Principal
	for _, path := range []string{"", "0/"} {
		left := make([]policy.Principal, 0, 3*len(nameLetters))
		for _, size := range []int{5, 1, 16} {
			for _, r := range nameLetters {
				word := strings.Repeat(string(r), size)
				left = append(left, in.userNamed(strings.ReplaceAll(path, "0", word)+word))
			}
		}
		for i := range named {
			left = unnamed(left, &named[i])
		}
		out = append(out, left[0])
	}
	return out
}

// outsiders returns a user of an account that the conditions of a control policy do not
// name: the policy applies to several accounts.
func (in *inspection) outsiders(conditions []policy.Condition) []policy.Principal {
	if in.kind != policy.SCP {
		return nil
	}
	var named []policy.Condition
	for _, c := range conditions {
		if _, op, _ := operator(&c); positiveText(op) && (ofAccount(c) || strings.EqualFold(c.Key, "aws:PrincipalArn")) {
			named = append(named, c)
		}
	}
	for _, digit := range "9876543210" {
		account := strings.Repeat(string(digit), 12)
		user := policy.Principal{Kind: policy.IAMUser, Account: account, ARN: "arn:" + in.partition + ":iam::" + account + ":user/alice"}
		if len(named) > 0 && !slices.ContainsFunc(named, func(c policy.Condition) bool {
			return slices.ContainsFunc(c.Values, func(v string) bool { g := arn.Compile(v); return g.Match(account) || g.Match(user.ARN) })
		}) {
			return []policy.Principal{user}
		}
	}
	return nil
}

// nameLetters are characters of names of users, those that are seldom in patterns first.
const nameLetters = "zqxjkvwyghubpfcmdlnortsiea0123456789ZQXJKVWYGHUBPFCMDLNORTSIEA_=,.@-"

// nameOf returns what a condition compares of a user; nil if that is not the name.
func nameOf(c *policy.Condition, p *policy.Principal) *string {
	switch name := p.ARN[strings.LastIndexByte(p.ARN, '/')+1:]; strings.ToLower(c.Key) {
	case "aws:username":
		return &name
	case "aws:principalarn":
		return &p.ARN
	}
	return nil
}

// unnamed returns the users that no value of a condition matches, or all of them
// where a value matches each.
func unnamed(users []policy.Principal, c *policy.Condition) []policy.Principal {
	for _, v := range c.Values {
		g := arn.Compile(strings.ToLower(anyVariable.ReplaceAllString(v, "*")))
		left := slices.Clone(users)
		left = slices.DeleteFunc(left, func(p policy.Principal) bool { return g.MatchFold(*nameOf(c, &p)) })
		if len(left) > 0 {
			users = left
		}
	}
	return users
}

// conditions returns those of all Denies of the document that depend on MFA.
func (in *inspection) conditions() (out []policy.Condition) {
	for i := range in.doc.Statements {
		if st := &in.doc.Statements[i]; st.Effect == policy.Deny && len(mfaConditions(st)) > 0 {
			out = append(out, st.Conditions...)
		}
	}
	return out
}
