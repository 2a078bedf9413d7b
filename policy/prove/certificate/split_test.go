package certificate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// together is a proof that nobody made: it says that the Denies of a document
// refuse together what one Deny refuses in the usual one.
func together(t *testing.T, denies []string) (*policy.Proof, certificate.Claim) {
	t.Helper()
	list := append([]string{others, byKey}, denies...)
	out := copied(t, prove.User(bob(source(t, others, byKey, fmt.Sprintf(denyAll, mfa)))).Proof)
	for i := range out.Cases {
		for j := range out.Cases[i].Cells {
			cell := &out.Cases[i].Cells[j]
			if cell.By[0].Statement != 2 {
				continue
			}
			cell.By = nil
			for n := range denies {
				cell.By = append(cell.By, policy.ProofDeny{Statement: 2 + n})
			}
		}
	}
	return out, claim(bob(source(t, list...)))
}

// The checker itself finds the value of a key that escapes all Denies of a cell.
func TestTheCheckerFindsTheValueThatEscapes(t *testing.T) {
	tag := func(operator, value string) string {
		return fmt.Sprintf(`%q:{"aws:RequestTag/a":%s}`, operator, value)
	}
	on := func(key, operator, value string) string { return fmt.Sprintf(`%q:{%q:%q}`, operator, key, value) }
	list := func(operator, value string) string { return fmt.Sprintf(`%q:{"aws:TagKeys":%s}`, operator, value) }
	var named []string
	for _, letter := range "zqxjkvwygf0987654321\u00a7\u00b6\u2020:ZQXJKVWYGF" {
		named = append(named, fmt.Sprintf("%q", string(letter)))
	}
	letters := "[" + strings.Join(named, ",") + "]"
	for _, row := range []struct {
		name       string
		conditions []string
		tight      bool
	}{
		{"equal and not equal", []string{tag("StringEquals", `"x"`), tag("StringNotEquals", `"x"`)}, true},
		{"equal and not equal to another", []string{tag("StringEquals", `"x"`), tag("StringNotEquals", `"y"`)}, false},
		{"two values and one", []string{tag("StringEquals", `["x","y"]`), tag("StringNotEquals", `"x"`)}, true},
		{"equal alone", []string{tag("StringEquals", `"x"`)}, false},
		{"equal, if it exists, alone", []string{tag("StringEqualsIfExists", `"x"`)}, false},
		{"not equal alone", []string{tag("StringNotEquals", `"x"`)}, false},
		{"missing and present", []string{tag("Null", `"true"`), tag("Null", `"false"`)}, true},
		{"missing alone", []string{tag("Null", `"true"`)}, false},
		{"present alone", []string{tag("Null", `"false"`)}, false},
		{"one case", []string{tag("StringEquals", `"x"`), tag("StringNotEqualsIgnoreCase", `"x"`)}, false},
		{"any case", []string{tag("StringEqualsIgnoreCase", `"X"`), tag("StringNotEquals", `"x"`)}, true},
		{"a wildcard", []string{tag("StringLike", `"x*"`), tag("StringNotLike", `"x*"`)}, true},
		{"a longer wildcard", []string{tag("StringLike", `"xy*"`), tag("StringNotLike", `"x*"`)}, false},
		{"a question mark", []string{tag("StringLike", `"x?"`), tag("StringNotLike", `"x*"`)}, false},
		{"an asterisk that is none", []string{tag("StringEquals", `"x*"`), tag("StringNotLike", `"x*"`)}, false},
		{"an asterisk as a variable", []string{tag("StringLike", `"x${*}"`), tag("StringNotEquals", `"x*"`)}, true},
		{"a question mark as a variable", []string{tag("StringLike", `"x${?}"`), tag("StringNotEquals", `"x?"`)}, true},
		{"a dollar as a variable", []string{tag("StringEquals", `"x${$}"`), tag("StringNotEquals", `"x$"`)}, true},
		{"the name of the user", []string{tag("StringEquals", `"${aws:username}"`), tag("StringNotEquals", `"bob"`)}, true},
		{"the name of another user", []string{tag("StringEquals", `"${aws:username}"`), tag("StringNotEquals", `"alice"`)}, false},
		{"a variable of the sender", []string{tag("StringEquals", `"${aws:ResourceTag/b}"`), tag("StringNotEquals", `"${aws:ResourceTag/b}"`)}, false},
		{"true and not true", []string{tag("Bool", `"true"`), tag("StringNotEquals", `"true"`)}, true},
		{"ARNs", []string{tag("ArnLike", `"arn:aws:iam::*:role/*"`), tag("ArnNotLike", `"arn:aws:iam::*:role/a*"`)}, false},
		{"ARNs and texts", []string{tag("ArnLike", `"arn:aws:iam::*:role/*"`), tag("StringNotLike", `"arn:aws:iam::*:role/*"`)}, false},
		{"ARNs that match a wildcard", []string{tag("ArnNotEquals", `"arn:aws:iam::*:role/*"`), tag("StringEquals", `"arn:aws:iam::*:role/*"`), tag("StringNotLike", `"arn:*:*:*:*:?*"`)}, false},
		{"smaller and greater numbers", []string{tag("NumericLessThanIfExists", `"5"`), tag("NumericGreaterThan", `"5"`)}, false},
		{"a network and its complement", []string{on("aws:SourceIp", "IpAddress", "192.0.2.0/24"), on("aws:SourceIp", "NotIpAddress", "192.0.2.0/24")}, true},
		{"a network and the complement of its half", []string{on("aws:SourceIp", "IpAddress", "192.0.2.0/24"), on("aws:SourceIp", "NotIpAddress", "192.0.2.0/25")}, true},
		{"half of a network", []string{on("aws:SourceIp", "IpAddress", "192.0.2.0/25"), on("aws:SourceIp", "NotIpAddress", "192.0.2.0/24")}, false},
		{"one address", []string{on("aws:SourceIp", "IpAddress", "192.0.2.7"), on("aws:SourceIp", "NotIpAddress", "192.0.2.0/24")}, false},
		{"a later address", []string{on("aws:SourceIp", "IpAddressIfExists", "0.0.0.0/1")}, false},
		{"IPv6", []string{on("aws:SourceIp", "IpAddressIfExists", "0.0.0.0/0")}, false},
		{"before and from a date on", []string{on("aws:CurrentTime", "DateLessThan", "2027-01-01T00:00:00Z"), on("aws:CurrentTime", "DateGreaterThanEquals", "2027-01-01T00:00:00Z")}, true},
		{"before and after a date", []string{on("aws:CurrentTime", "DateLessThan", "2027-01-01T00:00:00Z"), on("aws:CurrentTime", "DateGreaterThan", "2027-01-01T00:00:00Z")}, false},
		{"before and from a later date on", []string{on("aws:CurrentTime", "DateLessThan", "2027-01-01T00:00:00Z"), on("aws:CurrentTime", "DateGreaterThanEquals", "2028-01-01T00:00:00Z")}, false},
		{"since a date that is over", []string{on("aws:CurrentTime", "DateGreaterThanEquals", "2026-01-01T00:00:00Z")}, true},
		{"since a number of seconds that are over", []string{on("aws:EpochTime", "NumericGreaterThan", "1577836800")}, true},
		{"since a second that may be now", []string{on("aws:CurrentTime", "DateGreaterThan", "2026-01-01T00:00:00Z")}, false},
		{"until a date that is over", []string{on("aws:CurrentTime", "DateLessThan", "2020-01-01T00:00:00Z")}, false},
		{"encrypted or not", []string{on("aws:SecureTransport", "Bool", "true"), on("aws:SecureTransport", "Bool", "false")}, true},
		{"encrypted alone", []string{on("aws:SecureTransport", "Bool", "true")}, false},
		{"any and none of a list", []string{list("ForAnyValue:StringEquals", `"a"`), list("ForAllValues:StringNotEquals", `"a"`)}, true},
		{"any and any other of a list", []string{list("ForAnyValue:StringEquals", `"a"`), list("ForAnyValue:StringNotEquals", `"a"`)}, false},
		{"all and none of a list", []string{list("ForAllValues:StringEquals", `"a"`), list("ForAllValues:StringNotEquals", `"a"`)}, false},
		{"all and none of a key with one value", []string{tag("ForAllValues:StringEquals", `"a"`), tag("ForAllValues:StringNotEquals", `"a"`)}, true},
		{"no list", []string{list("Null", `"true"`)}, false},
		{"lists of a service's key", []string{`"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":"a"}`, `"ForAllValues:StringNotEquals":{"dynamodb:LeadingKeys":"a"}`}, false},
		{"a service's key with one value", []string{`"ForAllValues:StringEquals":{"ec2:Attribute/x":"a"}`, `"ForAllValues:StringNotEquals":{"ec2:Attribute/x":"a"}`}, true},
		{"two keys", []string{tag("StringEquals", `"x"`), tag("StringNotEquals", `"x"`) + `,"StringEquals":{"aws:RequestTag/b":"y"}`}, false},
		{"a Region and the others", []string{on("aws:RequestedRegion", "StringEquals", "eu-west-1"), on("aws:RequestedRegion", "StringNotEquals", "eu-west-1")}, true},
		{"a Region alone", []string{on("aws:RequestedRegion", "StringEqualsIfExists", "eu-west-1")}, false},
		{"a caller that is no service", []string{on("aws:PrincipalIsAWSService", "Bool", "false")}, true},
		{"a caller that is a service", []string{on("aws:PrincipalIsAWSService", "Bool", "true")}, false},
		{"the name of the user, which nothing else names", []string{tag("StringNotEquals", `"${aws:username}"`)}, false},
		{"wildcards in each part of an ARN, and in a text", []string{tag("ArnLike", `"*:*:*:*:*:x"`), tag("StringNotLike", `"*:*:*:*:*:x"`)}, false},
		{"a key that every request of a user has", []string{on("aws:userid", "Null", "false")}, true},
		{"a session of aws login or another request", []string{on("aws:SignInSessionArn", "Null", "false"), on("aws:SignInSessionArn", "Null", "true")}, true},
		{"a request that is not of aws login", []string{on("aws:SignInSessionArn", "Null", "true")}, false},
		{"a request that is not of aws login, or any session", []string{on("aws:SignInSessionArn", "Null", "true"), on("aws:TokenIssueTime", "Null", "false")}, true},
		{"a session of aws login", []string{on("aws:SignInSessionArn", "Null", "false")}, false},
		{"one key of a list and the others", []string{`"StringEquals":{"dynamodb:LeadingKeys":"x"}`, `"StringNotEquals":{"dynamodb:LeadingKeys":"x"}`}, false},
		{"bytes that the checker could try, and their absence", []string{`"BinaryEqualsIfExists":{"kms:RecipientAttestation:PCR0":["","ZXhhbXBsZQ==","b3RoZXI="]}`}, false},
		{"many single letters and everything longer", []string{tag("StringEqualsIfExists", letters), tag("StringNotLike", `"?"`)}, false},
		{"a letter with two capitals", []string{tag("StringEquals", `["k","K"]`), tag("StringNotEqualsIgnoreCase", `"k"`)}, false},
		{"a letter with two capitals, in any case", []string{tag("StringEqualsIgnoreCase", `"k"`), tag("StringNotEqualsIgnoreCase", `"K"`)}, false},
		{"a letter with two small ones", []string{tag("StringEquals", `["s","S"]`), tag("StringNotEqualsIgnoreCase", `"s"`)}, false},
		{"a letter with and without its dot", []string{tag("StringEquals", `["i","I"]`), tag("StringNotEqualsIgnoreCase", `"I"`)}, false},
		{"letters that have one other case", []string{tag("StringEqualsIgnoreCase", `"Aé"`), tag("StringNotEqualsIgnoreCase", `"aÉ"`)}, true},
		{"a default with spaces", []string{tag("StringNotEquals", `"${aws:PrincipalTag/none, ' a '}"`)}, false},
		{"a default with spaces and its value", []string{tag("StringNotEquals", `"${aws:PrincipalTag/none, ' a '}"`), tag("StringEquals", `" a "`)}, true},
		{"a default with a brace", []string{tag("StringNotEquals", `"${aws:PrincipalTag/none, 'a}b'}"`)}, false},
		{"a default with a brace and its value", []string{tag("StringNotEquals", `"${aws:PrincipalTag/none, 'a}b'}"`), tag("StringEquals", `"a}b"`)}, true},
		{"the internet or an endpoint", []string{on("aws:SourceIp", "Null", "true"), on("aws:SourceVpce", "Null", "true")}, true},
	} {
		var denies []string
		for _, c := range row.conditions {
			denies = append(denies, fmt.Sprintf(denyAll, mfa+","+c))
		}
		proof, claimed := together(t, denies)
		if err := certificate.Check(proof, claimed); (err == nil) != row.tight {
			t.Errorf("%s: %v, want accepted %v", row.name, err, row.tight)
		}
	}
}

// The Region of a request is that of its resource.
func TestTheRegionOfARequestIsThatOfItsResource(t *testing.T) {
	here := fmt.Sprintf(denyAll, mfa+`,"StringEqualsIfExists":{"aws:RequestedRegion":"eu-west-1"}`)
	elsewhere := strings.Replace(fmt.Sprintf(denyAll, mfa), `"Resource":"*"`, `"NotResource":"arn:aws:ec2:eu-west-1:*:*"`, 1)
	s := bob(source(t, here, elsewhere, others, byKey))
	a := prove.User(s)
	if a.Outcome != prove.Enforced {
		t.Fatalf("%v %s", a.Counterexample, a.Why)
	}
	if err := certificate.Check(a.Proof, claim(s)); err != nil {
		t.Error(err)
	}
}

// either is a proof that nobody made: it says that every request is refused by one of
// the Denies, each of which refuses a request that it names.
func either(t *testing.T, strict bool, denies []string, requests [][2]string) (*policy.Proof, certificate.Claim) {
	t.Helper()
	out := copied(t, prove.User(bob(source(t, others, byKey, fmt.Sprintf(denyAll, mfa)))).Proof)
	out.Strict = strict
	for i := range out.Cases {
		cells := slices.DeleteFunc(out.Cases[i].Cells, func(c policy.ProofCell) bool { return c.By[0].Statement == 2 })
		for n, r := range requests {
			cells = append(cells, policy.ProofCell{Action: r[0], Resource: r[1], By: []policy.ProofDeny{{Statement: 2 + n}}})
		}
		out.Cases[i].Cells = cells
	}
	return out, claim(bob(source(t, append([]string{others, byKey}, denies...)...)))
}

// The checker itself finds the resource that escapes all Denies.
func TestTheCheckerFindsTheResourceThatEscapes(t *testing.T) {
	on := func(element, resource string) string {
		return strings.Replace(fmt.Sprintf(denyAll, mfa), `"Resource":"*"`, fmt.Sprintf("%q:%q", element, resource), 1)
	}
	instances := []certificate.Action{{Name: "ec2:RunInstances", Resources: []string{"arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}"}}}
	queue := [2]string{"sqs:SendMessage", "arn:aws:sqs:eu-west-1:111111111111:q"}
	instance := func(region string) [2]string {
		return [2]string{"ec2:RunInstances", "arn:aws:ec2:" + region + ":111111111111:instance/i-1"}
	}
	for _, row := range []struct {
		name     string
		actions  []certificate.Action // nil: strict
		denies   []string
		requests [][2]string
		tight    bool
	}{
		{"a Region of one letter and the others", nil, []string{on("NotResource", "arn:aws:ec2:?:*:*"), on("Resource", "arn:aws:ec2:?:*:*")},
			[][2]string{queue, instance("z")}, true},
		{"a Region of one letter, and the first letter that a search may try", nil, []string{on("NotResource", "arn:aws:ec2:?:*:*"), on("Resource", "arn:aws:ec2:z:*:*")},
			[][2]string{queue, instance("z")}, false},
		{"one Region, and none", instances, []string{on("NotResource", "arn:aws:ec2:*:*:*"), on("Resource", "arn:aws:ec2:eu-west-1:*:*"), on("Resource", "arn:aws:ec2::*:*")},
			[][2]string{queue, instance("eu-west-1"), instance("")}, false},
		{"one Region, and all", instances, []string{on("NotResource", "arn:aws:ec2:*:*:*"), on("Resource", "arn:aws:ec2:eu-west-1:*:*"), on("Resource", "arn:aws:ec2:*:*:*")},
			[][2]string{queue, instance("eu-west-1"), instance("us-east-1")}, true},
		{"instances of one account", instances, []string{on("NotResource", "arn:aws:ec2:*:*:*"), on("Resource", "arn:aws:ec2:*:111111111111:*")},
			[][2]string{queue, instance("eu-west-1")}, false},
		{"instances with a name in capitals", instances, []string{on("NotResource", "arn:aws:ec2:*:*:instance/I-*"), on("Resource", "arn:aws:ec2:*:*:instance/i-*")},
			[][2]string{queue, instance("eu-west-1")}, false},
		{"buckets of a name that is longer", nil, []string{on("NotResource", "arn:aws:s3:::a*"), on("Resource", "arn:aws:s3:::a?*")},
			[][2]string{queue, {"s3:GetObject", "arn:aws:s3:::ab"}}, false},
		{"two buckets of three", nil, []string{on("NotResource", "arn:aws:s3:::${aws:username}-?/*"), on("Resource", "arn:aws:s3:::bob-?/*")},
			[][2]string{queue, {"s3:GetObject", "arn:aws:s3:::bob-a/k"}}, true},
		{"the bucket of another user", nil, []string{on("NotResource", "arn:aws:s3:::${aws:username}/*"), on("Resource", "arn:aws:s3:::bo?y/*")},
			[][2]string{queue, {"s3:GetObject", "arn:aws:s3:::boby/k"}}, false},
	} {
		proof, claimed := either(t, row.actions == nil, row.denies, row.requests)
		claimed.Actions = row.actions
		if err := certificate.Check(proof, claimed); (err == nil) != row.tight {
			t.Errorf("%s: %v, want accepted %v", row.name, err, row.tight)
		}
	}
}

// The Region of a resource is compared with all conditions as they are written, whether
// they ignore case or not.
func TestTheRegionOfAResourceIsInAnyCase(t *testing.T) {
	region := func(operator string) string {
		return fmt.Sprintf(denyAll, mfa+fmt.Sprintf(`,%q:{"aws:RequestedRegion":"eu-west-1"}`, operator))
	}
	for operator, tight := range map[string]bool{"StringNotEquals": true, "StringNotEqualsIgnoreCase": false} {
		proof, claimed := either(t, false, []string{region("StringEquals"), region(operator)}, nil)
		for i := range proof.Cases {
			proof.Cases[i].Cells = append(proof.Cases[i].Cells, policy.ProofCell{Action: "ec2:RunInstances", Resource: "arn:aws:ec2:eu-west-1:111111111111:instance/i-1",
				By: []policy.ProofDeny{{Statement: 2}, {Statement: 3}}})
		}
		claimed.Actions = []certificate.Action{{Name: "ec2:RunInstances", Resources: []string{"arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}"}}}
		if err := certificate.Check(proof, claimed); (err == nil) != tight {
			t.Errorf("%s: %v, want accepted %v", operator, err, tight)
		}
	}
}

// A resource control policy refuses requests for the resources of the account. For those
// of other accounts it counts for nothing.
func TestResourceControlPoliciesProtectTheAccountAlone(t *testing.T) {
	rcp := policy.ParseSource("rcp", policy.RCP, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{`+mfa+`}}]}`)
	queues := func(account string) prove.Subject {
		s := bob(source(t, strings.Replace(fmt.Sprintf(denyAll, mfa), `"iam:GetUser"`, `"iam:GetUser","sqs:*"`, 1),
			`{"Effect":"Deny","Action":"sqs:*","NotResource":"arn:aws:sqs:*:`+account+`:*","Condition":{`+mfa+`}}`, others, byKey))
		s.Set.RCPs = [][]policy.Source{{rcp}}
		return s
	}
	own, all := queues(account), queues("*")
	a := prove.User(own)
	if a.Outcome != prove.Enforced {
		t.Fatalf("%v %s", a.Counterexample, a.Why)
	}
	if beyond := prove.User(all); beyond.Outcome != prove.Open || !strings.HasPrefix(beyond.Counterexample.Action, "sqs:") {
		t.Errorf("queues of other accounts: %v", beyond.Counterexample)
	}
	for name, row := range map[string]struct {
		subject prove.Subject
		tight   bool
	}{"own": {own, true}, "all": {all, false}} {
		c := claim(row.subject)
		c.Actions = []certificate.Action{{Name: "sqs:SendMessage", Resources: []string{"arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"}}}
		if err := certificate.Check(a.Proof, c); (err == nil) != row.tight {
			t.Errorf("%s: %v, want accepted %v", name, err, row.tight)
		}
	}
}
