// Package accessanalyzersvc implements policy checks of IAM Access Analyzer in the
// embedded AWS: ValidatePolicy, decided by package lint, and CheckNoNewAccess, decided by
// package prove. Nothing is stored.
package accessanalyzersvc

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/wire"
	"forcemfa/policy"
)

// Operations returns the table of operations. Neither has a resource.
// Source: Service Authorization Reference, IAM Access Analyzer.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Read("ValidatePolicy", operation.OnAll[ValidatePolicyInput]("access-analyzer:ValidatePolicy"), validate),
		operation.Read("CheckNoNewAccess", operation.OnAll[CheckNoNewAccessInput]("access-analyzer:CheckNoNewAccess"), checkNoNewAccess),
	}, operation.Own)
}

var codec = wire.Codec{Protocol: wire.REST, Lowered: []string{"*"}}

// Read returns the operation of a REST request; an empty name for an unknown one.
func Read(r *http.Request, _ url.Values, body []byte) (string, any, error) {
	if r.Method != http.MethodPost {
		return "", nil, nil
	}
	switch r.URL.Path {
	case "/policy/validation":
		in := new(ValidatePolicyInput)
		err := codec.DecodeJSON(body, in)
		if err == nil {
			err = in.query(r.URL.Query())
		}
		return "ValidatePolicy", in, err
	case "/policy/check-no-new-access":
		in := new(CheckNoNewAccessInput)
		return "CheckNoNewAccess", in, codec.DecodeJSON(body, in)
	}
	return "", nil, nil
}

// query reads the members that are in the query string.
func (in *ValidatePolicyInput) query(q url.Values) error {
	if token := q.Get("nextToken"); token != "" {
		in.NextToken = &token
	}
	if text := q.Get("maxResults"); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return invalid("maxResults must be a number.")
		}
		size := int32(n)
		in.MaxResults = &size
	}
	return nil
}

// Write writes the output of an operation as the response.
func Write(w http.ResponseWriter, operation, requestID string, out any) {
	codec.Write(w, operation, requestID, out)
}

// validationException is the error for input that breaks a constraint.
type validationException struct {
	smithy.GenericAPIError
	Reason string
}

func invalid(message string) error {
	return &validationException{smithy.GenericAPIError{Code: "ValidationException", Message: message, Fault: smithy.FaultClient}, "fieldValidationFailed"}
}

// parse reads a document for a check. Its error is AWS's for a document that isn't one.
func parse(kind policy.Kind, member string, text *string) (*policy.Document, error) {
	if text == nil {
		return nil, invalid(member + " is required.")
	}
	d, err := policy.Parse(kind, *text)
	var syntax *policy.SyntaxError
	if errors.As(err, &syntax) {
		return nil, operation.Fault("InvalidParameterException", "%s is not a valid policy: %s", member, syntax.Error())
	}
	return d, err
}
