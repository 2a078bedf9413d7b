package wire_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/wire"
)

func TestBadQueriesAreRefused(t *testing.T) {
	codec := &wire.Codec{Protocol: wire.Query, Required: required(t, "iam")}
	for _, row := range []struct {
		name, query string
		in          any
		want        string
	}{
		{"unknown parameter", "UserName=bob&Colour=red", &iam.CreateUserInput{}, "MalformedQueryString: the parameter Colour is not recognized"},
		{"parameter twice", "UserName=bob&UserName=fay", &iam.CreateUserInput{}, "MalformedQueryString: the parameter UserName appears 2 times"},
		{"missing member", "Path=/", &iam.CreateUserInput{}, "ValidationError: 1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must not be null"},
		{"missing members", "", &iam.AttachUserPolicyInput{}, "ValidationError: 2 validation errors detected: Value at 'policyArn' failed to satisfy constraint: Member must not be null; Value at 'userName' failed to satisfy constraint: Member must not be null"},
		{"missing member of an item", "UserName=bob&Tags.member.1.Key=k", &iam.TagUserInput{}, "ValidationError: 1 validation error detected: Value at 'tags.1.member.value' failed to satisfy constraint: Member must not be null"},
		{"list without numbers", "UserName=bob&TagKeys=a", &iam.UntagUserInput{}, "MalformedQueryString: TagKeys is not a list: want TagKeys.member.1"},
		{"number that is none", "MaxItems=many", &iam.ListUsersInput{}, `MalformedInput: MaxItems: "many" is not a whole number of 32 bits`},
		{"number that is too large", "MaxItems=4294967296", &iam.ListUsersInput{}, `MalformedInput: MaxItems: "4294967296" is not a whole number of 32 bits`},
		{"boolean that is none", "SetAsDefault=yes&PolicyArn=a&PolicyDocument=d", &iam.CreatePolicyVersionInput{}, `MalformedInput: SetAsDefault: "yes" is neither true nor false`},
		{"value in the middle of a name", "UserName.member.1=bob", &iam.CreateUserInput{}, "MalformedQueryString: UserName is a single value"},
		{"name that is none", "UserName..x=bob", &iam.CreateUserInput{}, `MalformedQueryString: "UserName..x" is not the name of a parameter`},
		{"map without a value", "Properties.entry.1.key=a", &iam.PutAccountPropertiesInput{}, "MalformedQueryString: Properties.entry.1 needs a key and a value"},
	} {
		t.Run(row.name, func(t *testing.T) {
			form, err := url.ParseQuery(row.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := said(codec.DecodeQuery(form, row.in)); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestBadJSONIsRefused(t *testing.T) {
	codec := &wire.Codec{Protocol: wire.JSON11, Required: required(t, "organizations"), MissingCode: "InvalidInputException"}
	for _, row := range []struct {
		name, body string
		in         any
		want       string
	}{
		{"unknown member", `{"Colour":"red"}`, &organizations.ListAccountsInput{}, "SerializationException: the member Colour is not recognized"},
		{"wrong type", `{"MaxResults":"5"}`, &organizations.ListAccountsInput{}, "SerializationException: MaxResults must not be a string"},
		{"fraction", `{"MaxResults":1.5}`, &organizations.ListAccountsInput{}, `SerializationException: MaxResults: "1.5" is not a whole number of 32 bits`},
		{"array for a value", `{"NextToken":[]}`, &organizations.ListAccountsInput{}, "SerializationException: NextToken is a single value"},
		{"no object", `[]`, &organizations.ListAccountsInput{}, "SerializationException: the body is not a JSON object: json: cannot unmarshal array into Go value of type map[string]interface {}"},
		{"more than an object", `{} {}`, &organizations.ListAccountsInput{}, "SerializationException: the JSON object is followed by other data"},
		{"missing member", `{"AccountId":null}`, &organizations.DescribeAccountInput{}, "InvalidInputException: You must include a value for all required parameters: accountId"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := said(codec.DecodeJSON([]byte(row.body), row.in)); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestUnionsAreReadAndWrittenInJSON(t *testing.T) {
	codec := &wire.Codec{Protocol: wire.JSON11, Unions: []any{&iamtypes.PolicyIdentifierMemberPolicyArn{}}}
	type holder struct{ Policy iamtypes.PolicyIdentifier }
	const text = `{"Policy":{"PolicyArn":"arn"}}`
	var in holder
	if err := codec.DecodeJSON([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	if got := string(codec.Encode("", "", &in)); got != text {
		t.Errorf("got %s, want %s", got, text)
	}
	for _, bad := range []string{`{"Policy":{"Colour":"red"}}`, `{"Policy":{}}`, `{"Policy":"arn"}`} {
		if err := codec.DecodeJSON([]byte(bad), &holder{}); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

func said(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return "no error of AWS"
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

func TestPresignedParametersAreNoMembers(t *testing.T) {
	codec := &wire.Codec{Protocol: wire.Query}
	form := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}, "X-Amz-Signature": {"00"}, "X-Amz-Date": {"x"}}
	if err := codec.DecodeQuery(form, &sts.GetCallerIdentityInput{}); err != nil {
		t.Error(err)
	}
}

func TestErrorsHaveTheirProtocolsForm(t *testing.T) {
	constraint := &orgtypes.ConstraintViolationException{Message: aws.String("no <more>"), Reason: orgtypes.ConstraintViolationExceptionReasonMaxPolicyTypeAttachmentLimitExceeded}
	for _, row := range []struct {
		name     string
		protocol wire.Protocol
		err      error
		status   int
		want     string
	}{
		{"query", wire.Query, &iamtypes.NoSuchEntityException{Message: aws.String("no <b>")}, 404,
			`<ErrorResponse xmlns="ns"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no &lt;b&gt;</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
		{"query, a fault of the server", wire.Query, &iamtypes.ServiceFailureException{Message: aws.String("oh")}, 500,
			`<ErrorResponse xmlns="ns"><Error><Type>Receiver</Type><Code>ServiceFailure</Code><Message>oh</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
		{"query, an error that is not AWS's", wire.Query, errors.New("secret detail"), 500,
			`<ErrorResponse xmlns="ns"><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>The request processing has failed because of an unknown error, exception or failure.</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
		{"JSON", wire.JSON11, constraint, 400,
			`{"__type":"ConstraintViolationException","Reason":"MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED","Message":"no \u003cmore\u003e"}`},
		{"EC2", wire.EC2, &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "no"}, 403,
			`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>id</RequestID></Response>`},
		{"S3", wire.RESTXML, &smithy.GenericAPIError{Code: "ExpiredToken", Message: "no"}, 400,
			`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Error><Code>ExpiredToken</Code><Message>no</Message><RequestId>id</RequestId></Error>`},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			wire.WriteError(w, row.protocol, "ns", "id", row.err)
			if w.Code != row.status {
				t.Errorf("status %d, want %d", w.Code, row.status)
			}
			if diff := cmp.Diff(row.want, w.Body.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// IAM's and STS's API models give these statuses to their exceptions; all
// others have 400.
func TestStatusesAreThoseOfTheModels(t *testing.T) {
	want := map[string]int{
		"ConcurrentModification": 409, "ReportExpired": 410, "ReportNotPresent": 410, "ReportInProgress": 404, "DeleteConflict": 409,
		"DuplicateCertificate": 409, "DuplicateSSHPublicKey": 400, "EntityAlreadyExists": 409, "EntityTemporarilyUnmodifiable": 409,
		"FeatureDisabled": 404, "FeatureEnabled": 409, "InvalidAuthenticationCode": 403, "InvalidInput": 400, "LimitExceeded": 409,
		"MalformedPolicyDocument": 400, "NoSuchEntity": 404, "PolicyEvaluation": 500, "PolicyNotAttachable": 400,
		"ReportGenerationLimitExceeded": 409, "ServiceFailure": 500, "NotSupportedService": 404, "UnmodifiableEntity": 400,
		"IDPRejectedClaim": 403, "OutboundWebIdentityFederationDisabledException": 403, "PackedPolicyTooLarge": 400,
		"RegionDisabledException": 403, "SessionDurationEscalationException": 403, "ExpiredTokenException": 400,
	}
	got := map[string]int{}
	for code := range want {
		got[code] = wire.Status(wire.Query, code)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// For any data, the decoder returns an AWS error or fills in the input.
func FuzzDecodeQuery(f *testing.F) {
	f.Add("UserName=bob&Tags.member.1.Key=a&Tags.member.1.Value=b")
	f.Add("ContextEntries.member.2.ContextKeyValues.member.1=x&ActionNames=&PolicySourceArn=a")
	f.Add("Properties.entry.1.key=a&Properties.entry.1.value=b")
	codec := &wire.Codec{Protocol: wire.Query, Required: required(f, "iam"), Unions: []any{&iamtypes.PolicyIdentifierMemberPolicyArn{}}}
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		for _, in := range []any{&iam.TagUserInput{}, &iam.SimulatePrincipalPolicyInput{}, &iam.PutAccountPropertiesInput{}} {
			if err := codec.DecodeQuery(form, in); err != nil && said(err) == "no error of AWS" {
				t.Errorf("%T: %v", in, err)
			}
		}
	})
}

// For any data, the decoder returns an AWS error or fills in the input; and it
// reads the same input again from its own output.
func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"Name":"n","Description":"d","Content":"{}","Type":"SERVICE_CONTROL_POLICY","Tags":[{"Key":"k","Value":"v"}]}`))
	f.Add([]byte(`{"Timestamp":1.5e9}`))
	f.Add([]byte(`null`))
	codec := &wire.Codec{Protocol: wire.JSON11}
	f.Fuzz(func(t *testing.T, body []byte) {
		in := &organizations.CreatePolicyInput{}
		if err := codec.DecodeJSON(body, in); err != nil {
			if said(err) == "no error of AWS" {
				t.Error(err)
			}
			return
		}
		text := codec.Encode("CreatePolicy", "id", in)
		if !json.Valid(text) {
			t.Fatalf("no JSON: %s", text)
		}
		again := &organizations.CreatePolicyInput{}
		if err := codec.DecodeJSON(text, again); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if diff := cmp.Diff(in, again, sameShape...); diff != "" {
			t.Errorf("(-first +again):\n%s", diff)
		}
	})
}
