package emulator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"pgregory.net/rapid"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
)

// Pieces of random policies, which overlap on purpose.
var (
	randomActions    = []string{"*", "s3:*", "iam:*", "iam:Create*", "iam:List*", "ec2:*", "sts:AssumeRole", "dynamodb:*Table", "iam:GetUser", "iam:*MFA*"}
	randomResources  = []string{"*", "arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*", "arn:aws:s3:::data-*", "arn:aws:s3:::*", "arn:aws:dynamodb:*:*:table/o*"}
	randomConditions = []string{``, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`,
		`"Null":{"aws:MultiFactorAuthPresent":"true"}`, `"Bool":{"aws:MultiFactorAuthPresent":"true"}`, `"Null":{"aws:TokenIssueTime":"true"}`,
		`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`, `"StringEquals":{"aws:PrincipalTag/team":"blue"}`,
		`"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"3600"}`}
)

func randomDocument(t *rapid.T, label string, effects ...string) string {
	var statements []string
	for i := range rapid.IntRange(1, 3).Draw(t, label) {
		draw := func(what string, from []string) string {
			return rapid.SampledFrom(from).Draw(t, fmt.Sprint(label, i, " ", what))
		}
		list := func(what string, from []string) string {
			not := draw(what, []string{"", "", "Not"})
			return `"` + not + what + `":["` + draw(what+"1", from) + `","` + draw(what+"2", from) + `"]`
		}
		statements = append(statements, `{"Effect":"`+draw("effect", effects)+`",`+list("Action", randomActions)+`,`+
			list("Resource", randomResources)+`,"Condition":{`+draw("condition", randomConditions)+`}}`)
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// A bench is a cloud with a user carl with random policies, and carl's
// credentials without MFA.
type bench struct {
	cloud *Cloud
	creds map[policy.Credential]aws.Credentials
}

func newBench(t *rapid.T) *bench {
	w := testWorld()
	carl := user("carl", randomDocument(t, "first", "Allow", "Allow", "Deny"))
	carl.Inline["second"] = randomDocument(t, "second", "Allow", "Deny", "Deny")
	carl.Login = &world.Login{Created: made, Password: password}
	w.Edit(member).Users["carl"] = carl
	w.AddKey(member, "carl", &world.Key{ID: keyOf("carl"), Secret: "secret of carl", Active: true, Created: made})
	if rapid.Bool().Draw(t, "has SCP") {
		o := w.EditOrganization()
		o.SCPs["p-random"] = randomSCP(t)
		w.Edit(member).SCPs = []string{"p-full", "p-random"}
	}
	b := &bench{cloud: New(w, Options{}), creds: map[policy.Credential]aws.Credentials{}}
	key, err := as("carl").Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	b.creds[policy.LongTermKey] = key
	if b.creds[policy.ConsolePassword], err = b.cloud.SignIn(member, "carl", password, ""); err != nil {
		t.Fatal(err)
	}
	out, err := sts.NewFromConfig(b.cloud.Config(as("carl"), "us-east-1")).GetSessionToken(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b.creds[policy.SessionToken] = aws.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken,
	}
	return b
}

// call is a call of carl's with a credential, without operation.
func (b *bench) call(t *rapid.T, c policy.Credential) *operation.Call {
	who, err := b.cloud.Caller(b.creds[c].AccessKeyID)
	if err != nil {
		t.Fatal(err)
	}
	return &operation.Call{World: b.cloud.world, Caller: who, Now: b.cloud.Now(), Region: "us-east-1", SourceIP: "198.51.100.7"}
}

var elsewhere = origin{ip: "198.51.100.7", region: "us-east-1"}

// authorized asks the cloud's own authorization, with keys that the sender
// chooses.
func (b *bench) authorized(t *rapid.T, c policy.Credential, action, resource string, set func(*policy.Context)) *refusal {
	return b.cloud.authorize(b.call(t, c), elsewhere, []operation.Ask{{Action: action, Resource: resource, Context: set}}, nil)
}

// subject is carl as the prover sees him: all documents, and the keys that he
// cannot choose.
func (b *bench) subject(t *rapid.T) prove.Subject {
	call := b.call(t, policy.LongTermKey)
	x := b.cloud.conditions(call, elsewhere)
	for _, chosen := range []string{"aws:SourceIp", "aws:RequestedRegion", "aws:CurrentTime", "aws:EpochTime", "aws:UserAgent", "aws:SecureTransport", "aws:ViaAWSService"} {
		x.Delete(chosen)
	}
	return prove.Subject{
		Principal: call.Caller.Principal, Set: b.cloud.documents(&call.Caller), Context: x, ForwardedCallsPass: true,
		Enrollment:  []string{"iam:GetUser", "iam:EnableMFADevice"},
		Credentials: []policy.Credential{policy.LongTermKey, policy.ConsolePassword, policy.SessionToken},
	}
}

// The emulator agrees with the prover: it authorizes counterexamples, signed
// ones included, and refuses every request without MFA of an enforced user.
func TestTheCloudAgreesWithTheProver(t *testing.T) {
	counts := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(t)
		s := b.subject(t)
		a := prove.User(s)
		switch {
		case a.Outcome == prove.Enforced:
			counts["enforced"]++
			b.wantRefused(t, s.Enrollment)
		case a.Outcome == prove.Open && !a.Latent:
			counts["open"]++
			if why := b.authorized(t, a.Counterexample.Credential, a.Counterexample.Action, a.Counterexample.Resource, a.Counterexample.SetKeys); why != nil {
				t.Fatalf("%v: the cloud refuses it: %v", a.Counterexample, why)
			}
			counts["signed"] += b.send(t, a.Counterexample)
		}
	})
	t.Logf("%v", counts)
}

// wantRefused tries actions of the catalog, each on one resource.
func (b *bench) wantRefused(t *rapid.T, enrollment []string) {
	services := catalog.Load().Services
	for range 40 {
		service := services[rapid.IntRange(0, len(services)-1).Draw(t, "service")]
		action := service.Actions[rapid.IntRange(0, len(service.Actions)-1).Draw(t, "action")].String()
		if slices.Contains(enrollment, action) || policy.Unconditional(action) {
			continue
		}
		resource := rapid.SampledFrom([]string{"*", "arn:aws:iam::222222222222:user/carl", "arn:aws:s3:::data-1/x"}).Draw(t, "resource")
		for c := range b.creds {
			if why := b.authorized(t, c, action, resource, func(*policy.Context) {}); why == nil {
				t.Fatalf("enforced, but the cloud lets %s on %s pass by credential %v", action, resource, c)
			}
		}
	}
}

// send sends the counterexample as a signed request if its arguments suffice; it
// returns the number of requests sent.
func (b *bench) send(t *rapid.T, w *prove.Counterexample) int {
	if region, ok := w.Keys["aws:RequestedRegion"]; len(w.Keys) > 1 || len(w.Keys) == 1 && (!ok || !slices.Equal(region, []string{"us-east-1"})) {
		return 0
	}
	creds := b.creds[w.Credential]
	client := iam.NewFromConfig(b.cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, "us-east-1"))
	ctx := context.Background()
	name := aws.String(w.Resource[strings.LastIndexByte(w.Resource, '/')+1:])
	var err error
	switch w.Action {
	case "iam:ListUsers":
		_, err = client.ListUsers(ctx, nil)
	case "iam:ListRoles":
		_, err = client.ListRoles(ctx, nil)
	case "iam:ListPolicies":
		_, err = client.ListPolicies(ctx, nil)
	case "iam:CreateAccessKey":
		_, err = client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	case "iam:CreateLoginProfile":
		_, err = client.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: name, Password: aws.String(password + "1A!")})
	case "iam:CreateUser":
		_, err = client.CreateUser(ctx, &iam.CreateUserInput{UserName: name})
	case "iam:CreateGroup":
		_, err = client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name})
	case "iam:ListAccessKeys":
		_, err = client.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name})
	case "iam:ListMFADevices":
		_, err = client.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: name})
	default:
		return 0
	}
	if err != nil {
		if text := err.Error(); strings.Contains(text, "AccessDenied") || strings.Contains(text, "AccessUndecided") {
			t.Fatalf("%v: the signed request is refused: %v", w, err)
		}
	}
	return 1
}

func randomSCP(t *rapid.T) org.SCP {
	return org.SCP{ID: "p-random", Name: "random", Document: randomDocument(t, "scp", "Deny", "Deny", "Allow")}
}
