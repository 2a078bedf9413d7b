// Package wire reads requests and writes responses of AWS's protocols by
// reflection over the SDK's own input and output structs. It knows no service.
//
// In awsQuery and awsJson the wire name of a member is the name of the Go field,
// possibly with a lower-case first letter, so no API model is needed. Reflection
// cannot find the members of a union (an interface field): the codec must list
// them. The only output member of IAM that starts in lower case
// (ListDelegationRequests' isTruncated) is written with an upper-case first
// letter, which the SDK accepts and botocore does not.
package wire

import (
	"net/http"
	"net/url"
)

// A Protocol is the format of requests and responses.
type Protocol uint8

// The protocols. A codec reads and writes Query and JSON; EC2 and REST XML are
// here only for their errors.
const (
	Query   Protocol = iota + 1 // awsQuery: IAM, STS, CloudFormation
	EC2                         // ec2Query
	JSON10                      // awsJson 1.0: DynamoDB
	JSON11                      // awsJson 1.1: Organizations
	RESTXML                     // S3
	REST                        // REST JSON: only its errors
)

// JSON reports whether errors of the protocol are JSON.
func (p Protocol) JSON() bool { return p == JSON10 || p == JSON11 || p == REST }

// ContentType returns the media type of responses.
func (p Protocol) ContentType() string {
	switch p {
	case JSON10:
		return "application/x-amz-json-1.0"
	case JSON11:
		return "application/x-amz-json-1.1"
	case REST:
		return "application/json"
	case EC2:
		return "text/xml;charset=UTF-8"
	case RESTXML:
		return "application/xml"
	}
	return "text/xml"
}

// A Codec reads the requests and writes the responses of one service.
type Codec struct {
	Protocol  Protocol
	Namespace string       // XML namespace of the answers
	Required  Requirements // members that a request must have
	Unions    []any        // pointers to the member types of the service's unions
	// MissingCode is the error code for a missing required member; empty:
	// ValidationError in queries, ValidationException in JSON.
	MissingCode string
	// Lowered lists the members of answers in JSON whose name starts with a lower-case
	// letter; * means all.
	Lowered []string
}

// DecodeQuery fills in the input struct from the parameters of a query, except
// Action, Version and the signature. The error is a smithy.APIError.
func (c *Codec) DecodeQuery(form url.Values, in any) error {
	if err := c.decodeQuery(form, in); err != nil {
		return err
	}
	return c.missing(in)
}

// DecodeJSON fills in the input struct from the body of a JSON request; an empty
// body is an empty object. The error is a smithy.APIError.
func (c *Codec) DecodeJSON(body []byte, in any) error {
	if err := c.decodeJSON(body, in); err != nil {
		return err
	}
	return c.missing(in)
}

// Write writes the output struct out as the response.
func (c *Codec) Write(w http.ResponseWriter, operation, requestID string, out any) {
	body := c.Encode(operation, requestID, out)
	w.Header().Set("Content-Type", c.Protocol.ContentType())
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the client may have gone
}

// Encode returns the body of a response.
func (c *Codec) Encode(operation, requestID string, out any) []byte {
	if c.Protocol.JSON() {
		return c.encodeJSON(out)
	}
	return encodeQuery(operation, c.Namespace, requestID, out)
}
