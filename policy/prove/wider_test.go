package prove_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// What the sets of TestProofsHoldForOtherSubjects have in addition to layered ones.
var (
	otherActions   = []string{`["s?:*"]`, `["*:GetObject"]`, `["iam:*MFA*"]`, `["s3:G*t"]`, `["ec2:Describe*","s3:ListAllMyBuckets"]`, `["sts:AssumeRole"]`, `["*:*"]`, `["quantum:Entangle","s3:*"]`}
	otherResources = []string{"arn:aws:s3:::${aws:PrincipalTag/team, 'a'}/*", "arn:aws:s3:::${aws:TagKeys}/*", "arn:aws:s3:::${aws:username}*", "arn:aws-cn:s3:::a/*", "arn:aws:iam::111111111111:role/${aws:RequestTag/a, 'a'}",
		"arn:aws:iam::aws:policy/*", "arn:aws:dynamodb:*:222222222222:*", "arn:aws:s3:::${dynamodb:LeadingKeys, 'a'}/*", "arn:aws:sqs:*:111111111111:${aws:ResourceTag/owner}", "**", "arn:aws:iam::*:user/*/bob"}
	otherKeys = []string{"aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalTag/none", "aws:EpochTime", "aws:CalledVia", "aws:CalledViaFirst", "aws:VpcSourceIp", "aws:SourceVpc", "aws:TokenIssueTime", "aws:userid",
		"aws:PrincipalType", "aws:PrincipalArn", "aws:Referer", "aws:ViaAWSService", "aws:SourceOwner", "aws:ResourceOrgPaths", "s3:max-keys", "ec2:Encrypted", "ec2:InstanceType", "dynamodb:LeadingKeys", "s3:new-key",
		"s3:ExistingObjectTag/a", "aws:SignInSessionArn", "aws:MultiFactorAuthAge", "aws:PrincipalAccount", "aws:SourceAccount", "iam:PolicyARN", "s3:TlsVersion"}
	otherOperators = []string{"ForAnyValue:StringEqualsIfExists", "ForAllValues:StringLikeIfExists", "ForAllValues:StringNotEqualsIfExists", "ForAnyValue:ArnLike", "ForAllValues:IpAddress",
		"NumericGreaterThan", "NumericLessThanEquals", "DateGreaterThan", "NotIpAddressIfExists", "ArnNotEqualsIfExists", "StringNotLikeIfExists", "StringNotEqualsIgnoreCase", "ForAnyValue:StringNotEquals", "ForAnyValue:StringLike"}
	otherOperands = []string{"::/0", "0.0.0.0/0", "2001:db8::7", "User", "o-1", "o-1/r-1/*", "AIDABOB", "111111111111", "athena.amazonaws.com", "10.0.0.0/8", "vpc-1", "1798761600", "2027-01-01T00:00:00Z", "t3.*",
		"${aws:PrincipalTag/team, 'a'}", "${aws:TagKeys, 'a'}", "${aws:PrincipalAccount}", "${aws:userid}", "${dynamodb:LeadingKeys, 'x'}", "${*}", "10", "11", "arn:*:iam::*:policy/*", "arn:aws:iam::aws:policy/a", "${aws:username, 'x'}", "arn:aws:iam::*:user/${aws:RequestTag/a}"}
	otherPairs = [][2]string{{"NumericLessThanEquals", "NumericGreaterThanIfExists"}, {"ForAnyValue:StringLike", "ForAllValues:StringNotLike"}, {"ForAllValues:StringEqualsIfExists", "ForAnyValue:StringNotEquals"},
		{"StringLikeIfExists", "StringNotLike"}, {"NotIpAddressIfExists", "IpAddress"}, {"DateLessThanEquals", "DateGreaterThan"}, {"ArnEquals", "ArnNotEquals"}, {"NumericNotEquals", "NumericEquals"}}
)

// drawOther draws a subject of another partition, with facts that were not read, with observed answers, or with
// calls that services forward.
func drawOther(t *rapid.T) prove.Subject {
	set := drawLayered(t)
	s := bob(set)
	partition := rapid.SampledFrom([]string{"aws", "aws", "aws", "aws-cn", "aws-us-gov"}).Draw(t, "partition")
	s.Principal.ARN = strings.Replace(s.Principal.ARN, "arn:aws:", "arn:"+partition+":", 1)
	s.Context.Set("aws:PrincipalArn", s.Principal.ARN)
	s.HasDevice = rapid.IntRange(0, 3).Draw(t, "device") == 0
	s.EnrollmentByKey = rapid.IntRange(0, 3).Draw(t, "by key") == 0
	s.ForwardedCallsPass = rapid.IntRange(0, 2).Draw(t, "forwarded") > 0
	if rapid.Bool().Draw(t, "tag") {
		s.Context.Set("aws:PrincipalTag/team", rapid.SampledFrom([]string{"a", "true", ""}).Draw(t, "team"))
	}
	if rapid.Bool().Draw(t, "organization") {
		s.Context.Set("aws:PrincipalOrgID", "o-1")
		s.Context.SetMany("aws:PrincipalOrgPaths", []string{"o-1/r-1/ou-1/"})
	}
	if rapid.Bool().Draw(t, "ID") {
		s.Context.Set("aws:userid", "AIDABOB")
	}
	var answers []string
	for _, q := range []string{"binary-on-mfa-key", "single-on-many", "notresource-without-value"} {
		if a := rapid.SampledFrom([]string{"", "", "yes", "no"}).Draw(t, q); a != "" {
			answers = append(answers, q+"="+a)
		}
	}
	var err error
	if s.Observed, err = policy.ParseObserved(answers); err != nil {
		t.Fatal(err)
	}
	return s
}

// otherRequest draws a request of any of the credentials, with every key that the documents name.
func (s *randomSender) otherRequest(anything bool) (*policy.Request, *policy.Set, policy.Credential) {
	c, credential := s.context()
	if !s.ForwardedCallsPass && s.dice.IntN(3) == 0 {
		credential = policy.ForwardedFromKey
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		c.SetMFA(credential, policy.False, at, at)
		c.Set("aws:ViaAWSService", "true")
	}
	c.Observe(s.Observed)
	c.Set("aws:PrincipalIsAWSService", "false")
	for _, key := range s.keys {
		s.other(key, c, credential)
	}
	action := s.action(anything)
	resource := s.resource(action, anything, c)
	partition := strings.SplitN(s.Principal.ARN, ":", 3)[1]
	if parts := strings.SplitN(resource, ":", 6); len(parts) == 6 {
		parts[1] = partition
		resource = strings.Join(parts, ":")
	}
	own := resource == s.Principal.ARN
	_, limited := credential.Limit(action)
	namesake := strings.Contains(resource, ":user/") && strings.HasSuffix(resource, "/bob") && !own
	switch {
	case limited, namesake, policy.Unconditional(action), exempt(policy.LongTermKey, action, resource), own && s.HasDevice && (action == "iam:EnableMFADevice" || action == "iam:DeactivateMFADevice"):
		return nil, nil, 0
	case action == "iam:EnableMFADevice" && own && (s.EnrollmentByKey || credential != policy.LongTermKey):
		return nil, nil, 0
	}
	parts := strings.SplitN(resource, ":", 6)
	owner, set := account, s.Set
	switch {
	case len(parts) == 6 && parts[4] != "":
		if owner = parts[4]; owner == "aws" { // its policies are in every account
			owner = account
		}
	case len(parts) == 6 && parts[2] == "s3" && s.dice.IntN(4) == 0:
		owner = "222222222222"
	}
	if owner != account {
		set = &policy.Set{Identity: set.Identity, Boundary: set.Boundary, Session: set.Session, SCPs: set.SCPs}
	}
	c.Set("aws:ResourceAccount", owner)
	region := pick(s.dice, []string{"eu-west-1", "us-east-1", "eu-north-1"})
	if len(parts) == 6 && parts[3] != "" {
		region = parts[3]
	}
	c.Set("aws:RequestedRegion", region)
	return &policy.Request{Principal: s.Principal, Action: action, Resource: resource, ResourceAccount: owner, Context: c}, set, credential
}

// other draws the value of a key that context does not know.
func (s *randomSender) other(key string, c *policy.Context, credential policy.Credential) {
	lower := strings.ToLower(key)
	always := lower == "aws:userid" // every request has it
	if _, known := c.Get(key); known || !always && s.dice.IntN(4) == 0 {
		return
	}
	k, global := catalog.Global(key)
	switch {
	case strings.HasPrefix(lower, "aws:calledvia") && credential == policy.ForwardedFromKey:
		c.SetMany("aws:CalledVia", []string{"athena.amazonaws.com"})
		c.Set("aws:CalledViaFirst", "athena.amazonaws.com")
		c.Set("aws:CalledViaLast", "athena.amazonaws.com")
	case lower == "aws:signinsessionarn" && credential == policy.ConsolePassword:
		c.Set(key, "arn:aws:signin:us-east-1:111111111111:session/x")
	case always:
		c.Set(key, "AIDAOTHER")
	case lower == "aws:principalorgid":
		c.Set(key, pick(s.dice, []string{"o-1", "o-2"}))
	case lower == "aws:principalorgpaths", lower == "aws:resourceorgpaths":
		c.SetMany(key, []string{pick(s.dice, []string{"o-1/r-1/ou-1/", "o-2/r-1/"})})
	case lower == "s3:max-keys":
		c.Set(key, pick(s.dice, []string{"0", "1", "9", "10", "11", "2000000000"}))
	case lower == "s3:tlsversion":
		c.Set(key, pick(s.dice, []string{"1.2", "9", "10", "10.5", "11", "2000000000"}))
	case lower == "iam:policyarn":
		partition := strings.SplitN(s.Principal.ARN, ":", 3)[1]
		c.Set(key, "arn:"+partition+":iam::"+pick(s.dice, []string{"aws", account, "222222222222"})+":policy/"+pick(s.dice, []string{"a", "a/b", "ab"}))
	case lower == "ec2:encrypted":
		c.Set(key, pick(s.dice, []string{"true", "false"}))
	case lower == "dynamodb:leadingkeys", lower == "s3:new-key" && s.dice.IntN(2) == 0:
		c.SetMany(key, []string{s.value(c), s.value(c)}[:1+s.dice.IntN(2)])
	case !global && !strings.HasPrefix(lower, "saml:"), k.Name == "aws:Referer", k.Name == "aws:SourceOwner":
		c.Set(key, s.value(c))
	case lower == "aws:sourcevpc", lower == "aws:vpcsourceip":
		if _, direct := c.Get("aws:SourceIp"); !direct {
			c.Set(key, map[string]string{"aws:sourcevpc": "vpc-2", "aws:vpcsourceip": "10.0.0.7"}[lower])
		}
	}
}

func TestProofsHoldForOtherSubjects(t *testing.T) {
	defer func(a, r, k, o, m []string, p [][2]string) {
		layeredActions, layeredResources, layeredKeys, layeredOperands, mixedOperators, complements = a, r, k, o, m, p
	}(layeredActions, layeredResources, layeredKeys, layeredOperands, mixedOperators, complements)
	layeredActions, layeredResources = slices.Concat(layeredActions, otherActions), slices.Concat(layeredResources, otherResources)
	layeredKeys, layeredOperands = slices.Concat(layeredKeys, otherKeys), slices.Concat(layeredOperands, otherOperands)
	mixedOperators, complements = slices.Concat(mixedOperators, otherOperators), slices.Concat(complements, otherPairs)
	words := map[prove.Outcome]string{prove.Unknown: "unknown", prove.Enforced: "enforced", prove.Open: "open"}
	outcomes, accepted, sent, sets, possible := map[string]int{}, 0, 0, uint64(0), 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawOther(t)
		a := prove.User(s)
		outcomes[words[a.Outcome]+", today "+words[a.Today.Outcome]]++
		claim := claimOf(s)
		claim.Observed = s.Observed
		if a.Outcome == prove.Open {
			checkOther(t, s, a)
		}
		if a.Outcome == prove.Enforced && a.Strict == prove.Enforced {
			if err := certificate.Check(a.Proof, claim); err != nil {
				t.Errorf("the checker refuses the proof: %v\n%s", err, texts(s.Set))
			}
		}
		taken := certificate.Check(claims(t, s), claim) == nil
		if taken {
			accepted++
		}
		sets++
		sender := newSender(s, rand.New(rand.NewPCG(sets, 41)))
		federated := a.Outcome == prove.Enforced && !strings.Contains(strings.Join(a.Assumptions, " "), "federation tokens")
		for range layeredRequests / testdepth.Each(5) {
			r, set, credential := sender.otherRequest(taken || a.Strict == prove.Enforced)
			if r == nil {
				continue
			}
			sent++
			if v := set.Refuses(r).Verdict; v != policy.ExplicitDenied && (taken || a.Outcome == prove.Enforced) {
				t.Fatalf("prover %v (strictly %v), checker accepts %v, but %s by %v on %s is %v: %s\n%s %v", a.Outcome, a.Strict, taken, r.Action, credential, r.Resource, v, describe(r.Context), texts(s.Set), s.Observed)
			}
			v := set.Decide(r).Verdict
			if v == policy.Allowed && a.Today.Outcome == prove.Enforced {
				t.Fatalf("said not to be exploitable today, but %s by %v on %s is allowed: %s\n%s %v", r.Action, credential, r.Resource, describe(r.Context), texts(s.Set), s.Observed)
			}
			if v == policy.Allowed && possible < 20*int(sets) && credential != policy.ForwardedFromKey {
				possible++
				s := s
				s.Context = s.Context.Clone()
				s.Context.Observe(s.Observed)
				if o, _, why := new(prove.Prover).Possible(s, []policy.Credential{credential}, r.Action, r.Resource); o == prove.Enforced {
					t.Fatalf("said to be impossible (%s), but %s by %v on %s is allowed: %s\n%s %v", why, r.Action, credential, r.Resource, describe(r.Context), texts(s.Set), s.Observed)
				}
			}
			if federated && credential == policy.SessionToken && !strings.HasPrefix(strings.ToLower(r.Action), "sts:") {
				f := *r
				f.Context = r.Context.Clone()
				name := pick(sender.dice, []string{"a", "bob", "x"})
				f.Principal = policy.Principal{Kind: policy.FederatedUser, Account: account, Issuer: s.Principal.ARN, ARN: strings.Replace(strings.Replace(s.Principal.ARN, ":iam:", ":sts:", 1), ":user/bob", ":federated-user/"+name, 1)}
				f.Context.SetMFA(policy.FederationToken, policy.False, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
				f.Context.Set("aws:PrincipalArn", f.Principal.ARN)
				f.Context.Set("aws:PrincipalType", "FederatedUser")
				f.Context.Set("aws:userid", account+":"+name)
				f.Context.Delete("aws:username")
				f.Context.Delete("aws:PrincipalTag/team")
				if sender.dice.IntN(2) == 0 {
					f.Context.Set("aws:PrincipalTag/team", pick(sender.dice, []string{"a", "b", "true"}))
				}
				if v := set.Refuses(&f).Verdict; v != policy.ExplicitDenied {
					t.Fatalf("federated sessions are said to be refused, but %s on %s is %v: %s\n%s %v", f.Action, f.Resource, v, describe(f.Context), texts(s.Set), s.Observed)
				}
			}
		}
	})
	t.Logf("%v; the checker accepted %d claims; %d requests, %d possible", outcomes, accepted, sent, possible)
}

// checkOther sends the counterexample of a subject.
func checkOther(t rapid.TB, s prove.Subject, a prove.Answer) {
	w := a.Counterexample
	if w.Credential == policy.ForwardedFromKey {
		return
	}
	with := s
	with.Context = s.Context.Clone()
	with.Context.Set("aws:PrincipalIsAWSService", "false")
	with.Context.Observe(a.Observed)
	c := contexts(with)[w.Credential]
	w.SetKeys(c)
	for key := range w.Keys {
		if k, global := catalog.Global(key); global && k.Origin == catalog.FromService {
			t.Errorf("%v: nobody can send %s", w, key)
		}
	}
	r := &policy.Request{Principal: s.Principal, Action: w.Action, Resource: w.Resource, Context: c}
	set := s.Set
	if parts := strings.SplitN(r.Resource, ":", 6); len(parts) == 6 && parts[4] != account {
		elsewhere := *s.Set
		elsewhere.RCPs = nil
		if len(parts[4]) == len(account) {
			r.ResourceAccount = parts[4]
		}
		if parts[4] != "" || a.Latent {
			set = &elsewhere
		}
	}
	if v := set.Refuses(r).Verdict; v != policy.ImplicitDenied {
		t.Errorf("%v: refuses says %v\n%s", w, v, texts(s.Set))
	}
	if allowed := s.Set.Decide(r).Verdict == policy.Allowed; allowed == a.Latent {
		t.Errorf("%v: latent %v, allowed %v\n%s", w, a.Latent, allowed, texts(s.Set))
	}
}
