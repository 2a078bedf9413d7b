package probe

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// The answers to a question of yes and no.
const (
	yes     = "yes"
	no      = "no"
	onlyOne = "only for one of the values" // neither
)

func answer(is bool) string {
	if is {
		return yes
	}
	return no
}

// A question has an ask that observes its answer.
type question struct {
	Answer
	ask func(context.Context, *stand) (string, error)
}

const (
	both       = "neither: both interpretations must be safe"
	everything = `{"Effect":"Allow","Action":"sts:*","Resource":"*"}`
	withMFA    = `{"Effect":"Allow","Action":"iam:GetGroup","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`
	asked      = name + "-asked" // the group of a question
)

// questions are those that can be measured by calls. Those about CloudTrail come last,
// because events arrive minutes after the call.
var questions = []question{
	{Answer{ID: "code-in-call", Question: "Does a TokenCode sent with AssumeRole satisfy a Deny in the caller's identity policies?",
		Documented: "only for the trust policy of the role", Assumed: both}, codeInCall},
	{Answer{ID: "role-keeps-mfa", Question: "Does a role session that was assumed from a session with MFA have aws:MultiFactorAuthPresent true?",
		Documented: no, Assumed: both}, roleKeepsMFA},
	{Answer{ID: "role-from-code", Question: "Does a role session that was assumed with a TokenCode in the call have aws:MultiFactorAuthPresent true?",
		Documented: no, Assumed: no}, roleFromCode},
	{Answer{ID: "key-without-mfa-key", Question: "Is aws:MultiFactorAuthPresent missing from requests with a long-term access key?",
		Documented: yes, Assumed: yes}, userGroup(`{"Effect":"Allow","Action":"iam:GetGroup","Resource":"*","Condition":{"Null":{"aws:MultiFactorAuthPresent":"true"}}}`, asked, true)},
	{Answer{ID: "session-without-mfa", Question: "Is aws:MultiFactorAuthPresent false, and not missing, in a session without MFA?",
		Documented: yes, Assumed: yes}, sessionWithoutMFA},
	{Answer{ID: "binary-on-mfa-key", Question: "Does BinaryEquals with the Base64 text of false match aws:MultiFactorAuthPresent false?",
		Documented: "not documented", Assumed: both}, binary},
	{Answer{ID: "single-on-many", Question: "Does StringEquals match a key with several values if one of them is equal?",
		Documented: "not documented: such keys need ForAnyValue or ForAllValues", Assumed: both}, singleOnMany},
	{Answer{ID: "notresource-without-value", Question: "Does a Deny with NotResource apply if a variable in it has no value?",
		Documented: "a variable without a value matches nothing", Assumed: both},
		userGroup(`{"Effect":"Allow","Action":"iam:GetGroup","Resource":"*"},{"Effect":"Deny","Action":"iam:GetGroup","NotResource":["arn:*:iam::*:group/`+name+`-mark-*","arn:*:iam::*:group/${aws:PrincipalTag/`+name+`-none}"]}`, asked, false)},
	{Answer{ID: "several-stars", Question: "Does ** in a resource match what * matches?",
		Documented: "not documented", Assumed: yes}, userGroup(`{"Effect":"Allow","Action":"iam:GetGroup","Resource":"arn:*:iam::**:group/`+name+`**asked"}`, asked, true)},
	{Answer{ID: "forwarded-calls", Question: "Does a call that CloudFormation forwards for a session with MFA keep aws:MultiFactorAuthPresent true?",
		Documented: "for sessions: not documented; for access keys: false", Assumed: both}, forwardedCalls},
	{Answer{ID: "cloudtrail-tags", Question: "Does CloudTrail record the tags of the user who calls?", Documented: "not documented", Assumed: "they do not appear"}, trailTags},
	{Answer{ID: "cloudtrail-inactive-keys", Question: "Does CloudTrail record calls with an inactive access key?", Documented: "not documented", Assumed: "they do not appear"},
		trailInactiveKey},
	{Answer{ID: "change-password", Question: "What does a first sign-in need in order to change the password?",
		Documented: needsChange, Assumed: needsBoth}, changePassword},
}

// notMeasured leaves a question open, and says why.
type notMeasured string

func (e notMeasured) Error() string { return string(e) }

// errNoEvents leaves a question about CloudTrail open.
var errNoEvents = notMeasured("CloudTrail showed no event of the user within " + trailWithin.String())

// userGroup attaches a policy to the user, and asks for a group with its access key. The
// answer is yes if the call is allowed and the statement allows, or denied and it denies.
func userGroup(statements, group string, allows bool) func(context.Context, *stand) (string, error) {
	return func(ctx context.Context, s *stand) (string, error) {
		if err := s.userPolicy(ctx, statements); err != nil {
			return "", err
		}
		ok, err := s.getGroup(ctx, s.key, group)
		return answer(ok == allows), err
	}
}

func codeInCall(ctx context.Context, s *stand) (string, error) {
	const deny = `{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
	if err := s.userPolicy(ctx, everything+","+deny); err != nil {
		return "", err
	}
	if err := s.assumable(ctx); err != nil {
		return "", err
	}
	session, err := s.assume(ctx, s.key, true)
	return answer(session != nil), err
}

// assumable waits until a session with MFA can assume the new role, so that a denial
// later says something about the request.
func (s *stand) assumable(ctx context.Context) error {
	session, err := s.session(ctx, true)
	if err != nil {
		return err
	}
	for range tries {
		if role, err := s.assume(ctx, session, false); role != nil || err != nil {
			return err
		}
		if err := s.Wait(ctx, pause); err != nil {
			return err
		}
	}
	return errors.New("a session with MFA cannot assume the role")
}

func roleKeepsMFA(ctx context.Context, s *stand) (string, error) {
	return s.roleHasMFA(ctx, func() (aws.CredentialsProvider, error) {
		session, err := s.session(ctx, true)
		if err != nil {
			return nil, err
		}
		return s.assume(ctx, session, false)
	})
}

func roleFromCode(ctx context.Context, s *stand) (string, error) {
	return s.roleHasMFA(ctx, func() (aws.CredentialsProvider, error) { return s.assume(ctx, s.key, true) })
}

// roleHasMFA asks whether a role session has the MFA flag.
func (s *stand) roleHasMFA(ctx context.Context, start func() (aws.CredentialsProvider, error)) (string, error) {
	if err := s.userPolicy(ctx, everything); err != nil {
		return "", err
	}
	session, err := s.rolePolicy(ctx, withMFA, start)
	if err != nil {
		return "", err
	}
	ok, err := s.getGroup(ctx, session, asked)
	return answer(ok), err
}

func sessionWithoutMFA(ctx context.Context, s *stand) (string, error) {
	err := s.userPolicy(ctx, `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}`)
	if err != nil {
		return "", err
	}
	session, err := s.session(ctx, false)
	if err != nil {
		return "", err
	}
	role, err := s.assume(ctx, session, false)
	return answer(role != nil), err
}

// binary asks in a role session without MFA, where the key is false.
func binary(ctx context.Context, s *stand) (string, error) {
	if err := s.userPolicy(ctx, everything); err != nil {
		return "", err
	}
	const statement = `{"Effect":"Allow","Action":"iam:GetGroup","Resource":"*","Condition":{"BinaryEquals":{"aws:MultiFactorAuthPresent":"ZmFsc2U="}}}`
	session, err := s.rolePolicy(ctx, statement, func() (aws.CredentialsProvider, error) { return s.assume(ctx, s.key, false) })
	if err != nil {
		return "", err
	}
	ok, err := s.getGroup(ctx, session, asked)
	return answer(ok), err
}

// singleOnMany asks for each of two values: AWS could compare only one of them.
func singleOnMany(ctx context.Context, s *stand) (string, error) {
	one, err := s.tags(ctx, "one")
	if err != nil {
		return "", err
	}
	two, err := s.tags(ctx, "two")
	if err == nil && one != two {
		return onlyOne, nil
	}
	return answer(one && two), err
}

// tags reports whether the user may set the tags one and two, if its policy names a key.
func (s *stand) tags(ctx context.Context, key string) (bool, error) {
	statement := `{"Effect":"Allow","Action":"iam:TagUser","Resource":"*","Condition":{"StringEquals":{"aws:TagKeys":"` + key + `"}}}`
	if err := s.userPolicy(ctx, statement); err != nil {
		return false, err
	}
	_, err := iam.NewFromConfig(s.config(s.key)).TagUser(ctx, &iam.TagUserInput{UserName: aws.String(asked), Tags: []iamtypes.Tag{
		{Key: aws.String("one"), Value: aws.String("1")}, {Key: aws.String("two"), Value: aws.String("2")},
	}})
	return allowed(err)
}
