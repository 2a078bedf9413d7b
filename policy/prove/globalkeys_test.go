package prove_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// keysOfServices are keys that are not global: lists, keys with a name of the sender's choice, a key that the catalog does
// not know.
var keysOfServices = []catalog.GlobalKey{
	{Key: catalog.Key{Name: "dynamodb:LeadingKeys", Type: "ArrayOfString"}}, {Key: catalog.Key{Name: "events:metadata/a", Type: "ArrayOfString"}},
	{Key: catalog.Key{Name: "s3:prefix", Type: "String"}}, {Key: catalog.Key{Name: "kms:EncryptionContext:a", Type: "String"}},
	{Key: catalog.Key{Name: "s3:max-keys", Type: "Numeric"}}, {Key: catalog.Key{Name: "ec2:Encrypted", Type: "Bool"}}, {Key: catalog.Key{Name: "iam:PolicyARN", Type: "ARN"}},
	{Key: catalog.Key{Name: "s3:ExistingObjectTag/a", Type: "String"}}, {Key: catalog.Key{Name: "kms:RecipientAttestation:PCR0", Type: "String"}},
	{Key: catalog.Key{Name: "s3:new-key", Type: "Unknown"}},
}

// keyOperands are compared with the values of keys, in addition to mixedOperands.
var keyOperands = append([]string{"k", "K", "\u212a", "s", "i", "ZXhhbXBsZQ==", "Zm9yY2VtZmE=", "7", "o-1/r-1/ou-1/", "${aws:PrincipalTag/none, ' a '}", "${aws:PrincipalTag/none, 'a}b'}",
	"${aws:PrincipalOrgPaths, 'a'}", "${*}", "${$}{a}", "eu-west-1", "vpc-1", "111111111111", "2027-01-01T00:00:00Z", "1798761600", "2026"}, mixedOperands...)

// keyValues are what a sender puts into a key.
var keyValues = append([]string{"k", "K", "\u212a", "s", "\u017f", "i", "\u0130", "example", "forcemfa", "other", "7", "8", "o-1/r-1/ou-1/", "a", " a ", "a}b", "*", "${a}", "z", "u", "eu-west-1", "vpc-1",
	"111111111111", "2027-01-01T00:00:00Z"}, mixedValues...)

// A claim about any global key, on which operators of any type meet, holds for requests with any value that AWS or the sender
// can give it; what the prover calls enforced does as well.
func TestClaimsHoldForEveryGlobalKey(t *testing.T) {
	keys := append(append([]catalog.GlobalKey{}, catalog.Globals()...), keysOfServices...)
	accepted, enforced, tried := 0, 0, 0
	for n := range 12_000 / testdepth.Each(60) {
		dice := rand.New(rand.NewPCG(uint64(n), 26))
		key := keys[n%len(keys)]
		key.Name = strings.Replace(key.Name, "${TagKey}", "team", 1)
		s := bob(identity(append([]string{admin, others, byKey}, drawSplit(dice, key.Name)...)...))
		if s.Set.Identity[0].Err != nil {
			continue
		}
		s.Context.SetMany("aws:PrincipalOrgPaths", []string{"o-1/r-1/ou-1/"})
		a := prove.User(s)
		taken := certificate.Check(hopeful(t, s), claimOf(s)) == nil
		proved := a.Outcome == prove.Enforced
		if tried++; taken {
			accepted++
		}
		if proved {
			enforced++
		}
		for range 200 {
			if !taken && !proved {
				break
			}
			r := keyRequest(dice, s, key)
			if v := s.Set.Refuses(r).Verdict; v != policy.ExplicitDenied {
				t.Errorf("seed %d, %s: prover %v, checker accepts %v, but a request is %v: %s\n%s", n, key.Name, a.Outcome, taken, v, describe(r.Context), texts(s.Set))
				break
			}
		}
	}
	t.Logf("%d sets: %d claims accepted, %d called enforced", tried, accepted, enforced)
}

// drawSplit draws Denies that seem to cover all values of a key.
func drawSplit(dice *rand.Rand, key string) (out []string) {
	pair := pick(dice, complements)
	if dice.IntN(4) == 0 {
		pair = [2]string{pick(dice, mixedOperators), pick(dice, mixedOperators)}
	}
	values := []string{pick(dice, keyOperands), pick(dice, keyOperands)}[:1+dice.IntN(2)]
	for i, operator := range pair {
		own := values
		if bare := strings.TrimSuffix(operator[strings.IndexByte(operator, ':')+1:], "IfExists"); bare == "Bool" || bare == "Null" {
			own = []string{[]string{"true", "false"}[i]}
		} else if dice.IntN(5) == 0 {
			own = append([]string{pick(dice, keyOperands)}, values...)
		}
		name := key
		if strings.EqualFold(key, "aws:CurrentTime") && dice.IntN(3) == 0 {
			name = "aws:EpochTime"
		}
		out = append(out, fmt.Sprintf(denyAll, mfa+fmt.Sprintf(`,%q:{%q:[%s]}`, operator, name, quotedList(own))))
	}
	return out
}

func quotedList(values []string) string {
	var out []string
	for _, v := range values {
		out = append(out, strconv.Quote(v))
	}
	return strings.Join(out, ",")
}

// keyRequest draws a request of the user without MFA, with a value of the key that it can have according to AWS.
func keyRequest(dice *rand.Rand, s prove.Subject, key catalog.GlobalKey) *policy.Request {
	credential := pick(dice, []policy.Credential{policy.LongTermKey, policy.ConsolePassword, policy.SessionToken})
	present := policy.False
	if credential == policy.LongTermKey {
		present = policy.Absent
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(dice.Int64N(int64(800 * 24 * time.Hour)))).Truncate(time.Second)
	if dice.IntN(4) == 0 {
		at = at.AddDate(300, 0, 0)
	}
	c := s.Context.Clone()
	c.SetMFA(credential, present, at.Add(-time.Duration(dice.IntN(5000))*time.Hour), at)
	c.Set("aws:ViaAWSService", "false")
	c.Set("aws:PrincipalIsAWSService", "false")
	c.Set("aws:CurrentTime", at.Format(time.RFC3339))
	c.Set("aws:EpochTime", strconv.FormatInt(at.Unix(), 10))
	c.Set("aws:SecureTransport", pick(dice, []string{"true", "false"}))
	fixed := key.Origin == catalog.FromAuthentication || key.Origin == catalog.FromPrincipal && (key.Always || strings.HasPrefix(key.Name, "aws:PrincipalTag/")) ||
		key.Type == "Date" || key.Name == "aws:SecureTransport"
	_, known := c.Get(key.Name)
	chosen := key.Origin == catalog.FromSender || key.Origin == catalog.Undocumented || key.Origin == catalog.FromPrincipal || key.Origin == catalog.FromSignIn && credential == policy.ConsolePassword
	if key.Name != "aws:userid" && fixed || known || !chosen || !key.Always && dice.IntN(4) == 0 {
		return &policy.Request{Principal: s.Principal, Action: "s3:GetObject", Resource: "arn:aws:s3:::a/b", Context: c}
	}
	list := key.Many() || key.Type == "Unknown" && dice.IntN(2) == 0
	switch value := func() string { return keyValue(dice, key) }; {
	case list:
		c.SetMany(key.Name, []string{value(), value(), value()}[:1+dice.IntN(3)])
	default:
		c.Set(key.Name, value())
	}
	return &policy.Request{Principal: s.Principal, Action: "s3:GetObject", Resource: "arn:aws:s3:::a/b", Context: c}
}

// keyValue draws a value that a key can have.
func keyValue(dice *rand.Rand, key catalog.GlobalKey) string {
	switch key.Name {
	case "iam:PolicyARN", "iam:PermissionsBoundary":
		return "arn:aws:iam::" + pick(dice, []string{"aws", account, "222222222222"}) + ":policy/" + pick(dice, []string{"a", "A", "a/b", "*", "${a}", "forcemfa/ForceMFA"})
	case "s3:max-keys":
		return pick(dice, []string{"0", "6", "7", "8", "10", "11", "2026", "1772323200"})
	}
	switch key.Type {
	case "Bool":
		return pick(dice, []string{"true", "false"})
	case "Numeric":
		return pick(dice, []string{"0", "1", "6", "7", "8", "10", "11", "1.0", "9.5", "2026", "1772323200", "1798761601"})
	case "IPAddress":
		return pick(dice, []string{"192.0.2.7", "192.0.3.0", "198.51.100.7", "0.0.0.0", "2001:db8::7", "2001:db9::", "::"})
	}
	return pick(dice, keyValues)
}
