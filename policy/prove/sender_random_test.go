package prove_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
)

// A randomSender draws requests without MFA that AWS would accept, near the patterns and values of a user's documents.
type randomSender struct {
	prove.Subject
	dice      *rand.Rand
	listed    []string // actions of the catalog that the documents can tell apart
	patterns  []string // of actions
	resources []string // patterns
	values    []string
	keys      []string // that the documents name
}

// listedActions are enough of the catalog to be in and out of every pattern.
var listedActions = slices.Concat(someActions, []string{"iam:AttachUserPolicy", "iam:ListUsers", "iam:DeactivateMFADevice", "s3:ListAllMyBuckets", "s3:PutObject", "s3:ListBucket",
	"secretsmanager:GetSecretValue", "kms:Decrypt", "dynamodb:CreateTable", "dynamodb:GetItem", "ec2:DescribeInstances", "lambda:GetFunction", "sts:GetFederationToken", "iam:ChangePassword"})

func newSender(s prove.Subject, dice *rand.Rand) *randomSender {
	out := &randomSender{Subject: s, dice: dice, listed: listedActions, resources: []string{"*"}, values: []string{"", "a", "x y", "*"}}
	named := map[string]bool{}
	name := func(key string) {
		if !named[strings.ToLower(key)] {
			named[strings.ToLower(key)] = true
			out.keys = append(out.keys, key)
		}
	}
	for _, source := range s.Set.Sources() {
		for _, st := range source.Document.Statements {
			out.patterns = append(append(out.patterns, st.Actions...), st.NotActions...)
			out.resources = append(append(out.resources, st.Resources...), st.NotResources...)
			for _, c := range st.Conditions {
				out.values = append(out.values, c.Values...)
				name(c.Key)
			}
		}
	}
	for _, text := range slices.Concat(out.resources, out.values) {
		for _, part := range strings.Split(text, "${")[1:] {
			key, _, _ := strings.Cut(part, "}")
			key, _, _ = strings.Cut(key, ",")
			name(strings.TrimSpace(key))
		}
	}
	return out
}

func pick[T any](dice *rand.Rand, from []T) T { return from[dice.IntN(len(from))] }

// request draws one request, and the set that decides it; nil where the answer for the user says nothing about it.
func (s *randomSender) request(anything bool) (*policy.Request, *policy.Set) {
	c, credential := s.context()
	action := s.action(anything)
	resource := s.resource(action, anything, c)
	namesake := strings.Contains(resource, ":user/") && strings.HasSuffix(resource, "/bob") && resource != self // two users have no name in common
	if exempt(credential, action, resource) || namesake {
		return nil, nil
	}
	parts := strings.SplitN(resource, ":", 6)
	owner, set := account, s.Set
	switch {
	case len(parts) == 6 && parts[4] != "":
		owner = parts[4]
	case len(parts) == 6 && strings.HasPrefix(resource, "arn:aws:s3") && s.dice.IntN(4) == 0:
		owner = "222222222222"
	}
	if owner != account { // resource control policies are those of the resource's account
		set = &policy.Set{Identity: set.Identity, Boundary: set.Boundary, Session: set.Session, SCPs: set.SCPs}
	}
	c.Set("aws:ResourceAccount", owner)
	region := pick(s.dice, []string{"eu-west-1", "us-east-1", "eu-north-1"})
	if len(parts) == 6 && parts[3] != "" {
		region = parts[3]
	}
	c.Set("aws:RequestedRegion", region)
	return &policy.Request{Principal: s.Principal, Action: action, Resource: resource, ResourceAccount: owner, Context: c}, set
}

// context draws a credential and every key that the documents name.
func (s *randomSender) context() (*policy.Context, policy.Credential) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if s.dice.IntN(2) == 0 {
		at = at.Add(time.Duration(s.dice.Int64N(int64(48 * time.Hour)))).Truncate(time.Second)
	} else if s.dice.IntN(3) == 0 {
		at = at.AddDate(s.dice.IntN(400), 0, 0)
	}
	credential := pick(s.dice, []policy.Credential{policy.LongTermKey, policy.ConsolePassword, policy.SessionToken})
	c := s.Context.Clone()
	present := policy.False
	if credential == policy.LongTermKey {
		present = policy.Absent
	}
	c.SetMFA(credential, present, at, at)
	c.Set("aws:CurrentTime", at.Format(time.RFC3339))
	c.Set("aws:EpochTime", strconv.FormatInt(at.Unix(), 10))
	c.Set("aws:ViaAWSService", "false")
	c.Set("aws:SecureTransport", pick(s.dice, []string{"true", "true", "false"}))
	if address := pick(s.dice, []string{"192.0.2.7", "192.0.2.200", "198.51.100.7", "2001:db8::7", "203.0.113.9"}); s.dice.IntN(5) == 0 {
		c.Set("aws:SourceVpce", pick(s.dice, []string{"vpce-1", "vpce-0123456789abcdef0"}))
		c.Set("aws:SourceVpc", "vpc-1")
		c.Set("aws:VpcSourceIp", "10.0.0.7")
	} else {
		c.Set("aws:SourceIp", address)
	}
	for _, key := range s.keys {
		switch lower := strings.ToLower(key); {
		case lower == "aws:tagkeys" && s.dice.IntN(3) > 0:
			c.SetMany(key, []string{s.value(c), s.value(c)}[:1+s.dice.IntN(2)])
		case strings.HasPrefix(lower, "aws:requesttag/"), strings.HasPrefix(lower, "aws:resourcetag/"), lower == "aws:useragent", lower == "s3:prefix":
			if s.dice.IntN(4) > 0 {
				c.Set(key, s.value(c))
			}
		}
	}
	return c, credential
}

// value draws a text near one of the documents' values.
func (s *randomSender) value(c *policy.Context) string {
	v := pick(s.dice, s.values)
	if s.dice.IntN(3) == 0 {
		v = pick(s.dice, mixedValues)
	}
	v = s.fill(v, c)
	switch s.dice.IntN(9) {
	case 0:
		return strings.ToUpper(v)
	case 1:
		return v + "x"
	case 2:
		if n, err := strconv.Atoi(v); err == nil {
			return strconv.Itoa(n + 1 - 2*s.dice.IntN(2))
		}
	case 3:
		address, _, _ := strings.Cut(v, "/")
		return address
	}
	return v
}

// fill replaces variables by what the request has, and wildcards by short texts.
func (s *randomSender) fill(text string, c *policy.Context) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		for _, r := range before {
			switch r {
			case '*':
				out.WriteString(pick(s.dice, []string{"", "a", "t1", "bob", "c/d", "111111111111", "eu-west-1"}))
			case '?':
				out.WriteString(pick(s.dice, []string{"G", "a", "1"}))
			default:
				out.WriteRune(r)
			}
		}
		if !found {
			return out.String()
		}
		variable, after, _ := strings.Cut(rest, "}")
		key, standard, _ := strings.Cut(variable, ",")
		if values, ok := c.Get(strings.TrimSpace(key)); ok && s.dice.IntN(5) > 0 {
			out.WriteString(values[0])
		} else {
			out.WriteString(strings.Trim(strings.TrimSpace(standard), "'"))
		}
		text = after
	}
}

// action draws one of the catalog, or any that a pattern matches.
func (s *randomSender) action(anything bool) string {
	if !anything || s.dice.IntN(2) == 0 {
		return pick(s.dice, s.listed)
	}
	if a := s.fill(pick(s.dice, s.patterns), new(policy.Context)); strings.Count(a, ":") == 1 && !strings.Contains(a, "/") {
		return a
	}
	return "quantum:Entangle"
}

// resource draws one that the action can have: by the catalog's templates, or any where no template counts.
func (s *randomSender) resource(action string, anything bool, c *policy.Context) string {
	a, known := catalog.Load().Action(action)
	if known && len(a.Resources) == 0 {
		return "*"
	}
	if known && (!anything || s.dice.IntN(2) == 0) {
		return s.template(pick(s.dice, a.Resources).Type.ARN, c)
	}
	parts := strings.SplitN(s.fill(pick(s.dice, s.resources), c), ":", 6)
	if len(parts) == 6 && strings.HasPrefix(strings.ToLower(action), "iam:") { // its actions have no other service's resources
		parts[2], parts[3] = "iam", ""
	}
	if len(parts) < 6 || slices.Contains(parts[:3], "") || parts[0] != "arn" {
		return "*"
	}
	if parts[2] == "iam" || parts[4] != "" { // what IAM has belongs to the account
		parts[4] = account
	}
	if parts[2] != "iam" && s.dice.IntN(6) == 0 {
		parts[4] = "222222222222"
	}
	return strings.Join(parts, ":")
}

func (s *randomSender) template(text string, c *policy.Context) string {
	text, _, _ = strings.Cut(text, ", ")
	resource := strings.NewReplacer("${Partition}", "aws", "${Region}", pick(s.dice, []string{"eu-west-1", "us-west-2"}), "${Account}", account).Replace(text)
	for {
		before, rest, found := strings.Cut(resource, "${")
		if !found {
			return resource
		}
		_, after, _ := strings.Cut(rest, "}")
		name := pick(s.dice, []string{"a", "b", "t1", "bob", "carol", "c/d", "x/bob/y"})
		if key := s.keys; len(key) > 0 && s.dice.IntN(2) == 0 {
			if values, ok := c.Get(pick(s.dice, key)); ok && values[0] != "" && !strings.Contains(values[0], ":") {
				name = values[0]
			}
		}
		resource = before + name + after
	}
}
