package doors

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/smithy-go"
)

func TestJudge(t *testing.T) {
	answer := func(code string) error {
		return fmt.Errorf("operation error IAM: X: %w", &smithy.GenericAPIError{Code: code, Message: "because"})
	}
	for _, row := range []struct {
		name string
		err  error
		want Outcome
		why  string
	}{
		{"success is open", nil, Open, "succeeded"},
		{"a refusal is closed", answer("AccessDenied"), Closed, "AccessDenied: because"},
		{"EC2's refusal is closed", answer("UnauthorizedOperation"), Closed, "UnauthorizedOperation: because"},
		{"DynamoDB's refusal is closed", answer("AccessDeniedException"), Closed, "AccessDeniedException: because"},
		{"a thing that is not there was authorized", answer("NoSuchEntity"), Open, "NoSuchEntity: because"},
		{"a thing that is there already was authorized", answer("EntityAlreadyExists"), Open, "EntityAlreadyExists: because"},
		{"a full quota was authorized", answer("LimitExceeded"), Open, "LimitExceeded: because"},
		{"wrong codes for another's device were authorized", answer("InvalidAuthenticationCode"), Open, "InvalidAuthenticationCode: because"},
		{"an unknown key shows nothing", answer("InvalidClientTokenId"), Failed, "InvalidClientTokenId: because"},
		{"a barred session is closed", barred(answer("InvalidClientTokenId")), Closed, ""},
		{"a bad signature shows nothing", answer("SignatureDoesNotMatch"), Failed, "SignatureDoesNotMatch: because"},
		{"an expired session shows nothing", answer("ExpiredToken"), Failed, "ExpiredToken: because"},
		{"a malformed request shows nothing", answer("ValidationError"), Failed, "ValidationError: because"},
		{"what the emulator lacks shows nothing", answer("NotImplemented"), Failed, "NotImplemented: because"},
		{"throttling shows nothing", answer("Throttling"), Failed, "Throttling: because"},
		{"a broken line shows nothing", errors.New("connection reset"), Failed, "connection reset"},
		{"a credential that AWS refuses is closed", noCredential("session", answer("AccessDenied")), Closed, ""},
		{"a credential that is not had for another reason shows nothing", noCredential("session", answer("ValidationError")), Failed, ""},
		{"a set-up that AWS refuses shows nothing", &setUpError{"plant a device", answer("AccessDenied")}, Failed, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, why := Judge(row.err)
			if got != row.want || row.why != "" && why != row.why {
				t.Errorf("Judge = %v, %q; want %v, %q", got, why, row.want, row.why)
			}
		})
	}
}

func TestErrorsOfEachProtocolAreRead(t *testing.T) {
	for _, row := range []struct{ service, body, code, message string }{
		{"s3", `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>1</RequestId></Error>`, "AccessDenied", "Access Denied"},
		{"ec2", `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized</Message></Error></Errors><RequestID>1</RequestID></Response>`, "UnauthorizedOperation", "You are not authorized"},
		{"dynamodb", `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"User is not authorized"}`, "AccessDeniedException", "User is not authorized"},
		{"dynamodb", `{"__type":"ResourceNotFoundException","message":"no table"}`, "ResourceNotFoundException", "no table"},
	} {
		err := serviceError(row.service, &http.Response{Status: "403 Forbidden"}, []byte(row.body))
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != row.code || api.ErrorMessage() != row.message {
			t.Errorf("%s: %v, want %s: %s", row.service, err, row.code, row.message)
		}
	}
}

func TestAnAnswerWithoutAnErrorCodeShowsNothing(t *testing.T) {
	for _, body := range []string{"", "<html>bad gateway</html>", "{}", "{"} {
		if outcome, why := Judge(serviceError("s3", &http.Response{Status: "502 Bad Gateway"}, []byte(body))); outcome != Failed {
			t.Errorf("%q: %v, %s; want failed", body, outcome, why)
		}
	}
}
