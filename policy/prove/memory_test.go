package prove_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"forcemfa/policy/prove"
)

// Pieces of policies that can tell users, paths, tags and accounts apart.
var (
	personalARNs = slices.Concat(someARNs, []string{
		"arn:aws:iam::*:user/bob", "arn:aws:iam::*:user/b*", "arn:aws:iam::*:user/team/*", "arn:aws:iam::*:user/*/${aws:username}", "arn:aws:iam::" + account + ":user/*",
		"arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/bob/*", "arn:aws:s3:::${aws:PrincipalAccount}/*", "arn:aws:s3:::${aws:PrincipalTag/team}/*",
		"arn:aws:dynamodb:*:" + account + ":table/*", "arn:aws:iam::*:mfa/${aws:username}", "arn:aws:iam::*:mfa/bob",
	})
	personalTests = slices.Concat(someTests, []string{
		mfa + `,"StringLike":{"aws:username":"b*"}`, mfa + `,"StringNotEquals":{"aws:username":"bob"}`, mfa + `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/team/*"}`,
		mfa + `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, mfa + `,"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/bob"}`,
		mfa + `,"StringEquals":{"aws:PrincipalTag/team":"red"}`, mfa + `,"StringNotEqualsIfExists":{"aws:PrincipalTag/team":"red"}`, mfa + `,"Null":{"aws:PrincipalTag/team":"true"}`,
		mfa + `,"StringEquals":{"aws:PrincipalAccount":"` + account + `"}`, mfa + `,"StringNotEquals":{"aws:PrincipalAccount":["` + account + `"]}`,
		mfa + `,"StringEquals":{"aws:PrincipalTag/team":"${aws:username}"}`,
	})
)

// Whoever else was asked about before, the answer is the same.
func TestAnswersDoNotDependOnWhoWasAskedAboutBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := drawSet(t, 3, personalARNs, personalTests)
		var p prove.Prover
		for i := range 6 {
			draw := func(what string, from ...string) string {
				return rapid.SampledFrom(from).Draw(t, fmt.Sprint(what, " ", i))
			}
			s := user(draw("path", "/", "/team/", "/team/deep/"), draw("name", "bob", "carol", "bill"), set)
			s.HasDevice = draw("device", "no", "yes") == "yes"
			if id := draw("account", account, "222222222222"); id != account {
				s.Principal.Account = id
				s.Principal.ARN = strings.Replace(s.Principal.ARN, account, id, 1)
				s.Context.Set("aws:PrincipalArn", s.Principal.ARN)
				s.Context.Set("aws:PrincipalAccount", id)
			}
			if tag := draw("tag", "", "red", "bob"); tag != "" {
				s.Context.Set("aws:PrincipalTag/team", tag)
			}
			if diff := cmp.Diff(whole(prove.User(s)), whole(p.User(s))); diff != "" {
				t.Errorf("%s (-alone +after others):\n%s", s.Principal.ARN, diff) // rapid shows what it drew
			}
		}
	})
}

func whole(a prove.Answer) string {
	return fmt.Sprintf("%s; strictly %v; today %v", text(a), a.Strict, a.Today.Outcome)
}
