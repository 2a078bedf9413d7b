package attack

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
		{"success", nil, Succeeded, "succeeded"},
		{"a refusal", answer("AccessDenied"), Refused, "AccessDenied: because"},
		{"a refusal by EC2", answer("UnauthorizedOperation"), Refused, "UnauthorizedOperation: because"},
		{"a refusal by DynamoDB", answer("AccessDeniedException"), Refused, "AccessDeniedException: because"},
		{"a missing entity means the request was authorized", answer("NoSuchEntity"), Succeeded, "NoSuchEntity: because"},
		{"an existing entity means the request was authorized", answer("EntityAlreadyExists"), Succeeded, "EntityAlreadyExists: because"},
		{"an exceeded quota means the request was authorized", answer("LimitExceeded"), Succeeded, "LimitExceeded: because"},
		{"wrong MFA codes mean the request was authorized", answer("InvalidAuthenticationCode"), Succeeded, "InvalidAuthenticationCode: because"},
		{"an unknown key is inconclusive", answer("InvalidClientTokenId"), Failed, "InvalidClientTokenId: because"},
		{"a session that the service does not accept", barred(answer("InvalidClientTokenId")), Refused, ""},
		{"a bad signature is inconclusive", answer("SignatureDoesNotMatch"), Failed, "SignatureDoesNotMatch: because"},
		{"an expired session is inconclusive", answer("ExpiredToken"), Failed, "ExpiredToken: because"},
		{"a malformed request is inconclusive", answer("ValidationError"), Failed, "ValidationError: because"},
		{"an operation missing in the emulator is inconclusive", answer("NotImplemented"), Failed, "NotImplemented: because"},
		{"throttling is inconclusive", answer("Throttling"), Failed, "Throttling: because"},
		{"a broken connection is inconclusive", errors.New("connection reset"), Failed, "connection reset"},
		{"a credential that AWS refuses", noCredential("session", answer("AccessDenied")), Refused, ""},
		{"a credential that is missing for another reason is inconclusive", noCredential("session", answer("ValidationError")), Failed, ""},
		{"a setup that AWS refuses is inconclusive", &setUpError{"plant a device", answer("AccessDenied")}, Failed, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, why := judge(row.err)
			if got != row.want || row.why != "" && why != row.why {
				t.Errorf("judge = %v, %q; want %v, %q", got, why, row.want, row.why)
			}
		})
	}
}

func TestErrorsOfEveryProtocolAreRead(t *testing.T) {
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

func TestAResponseWithoutAnErrorCodeIsInconclusive(t *testing.T) {
	for _, body := range []string{"", "<html>bad gateway</html>", "{}", "{"} {
		if outcome, why := judge(serviceError("s3", &http.Response{Status: "502 Bad Gateway"}, []byte(body))); outcome != Failed {
			t.Errorf("%q: %v, %s; want failed", body, outcome, why)
		}
	}
}
