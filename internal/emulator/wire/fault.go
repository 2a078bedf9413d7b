package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"

	"github.com/aws/smithy-go"
)

// WriteError writes an error. A smithy.APIError keeps its code and, in JSON, its
// modeled members; any other error becomes an internal failure without its text.
func WriteError(w http.ResponseWriter, p Protocol, namespace, requestID string, err error) {
	api := apiError(p, err)
	status := Status(p, api.ErrorCode())
	var b bytes.Buffer
	switch {
	case p.JSON():
		writeJSONError(&b, p, api)
	case p == EC2:
		b.WriteString(xmlHeader + "<Response><Errors><Error>")
		element(&b, "Code", api.ErrorCode())
		element(&b, "Message", api.ErrorMessage())
		b.WriteString("</Error></Errors>")
		element(&b, "RequestID", requestID)
		b.WriteString("</Response>")
	case p == RESTXML:
		b.WriteString(xmlHeader + "<Error>")
		element(&b, "Code", api.ErrorCode())
		element(&b, "Message", api.ErrorMessage())
		element(&b, "RequestId", requestID)
		b.WriteString("</Error>")
	default:
		b.WriteString(`<ErrorResponse xmlns="` + namespace + `"><Error>`)
		element(&b, "Type", sender(status))
		element(&b, "Code", api.ErrorCode())
		element(&b, "Message", api.ErrorMessage())
		b.WriteString("</Error>")
		element(&b, "RequestId", requestID)
		b.WriteString("</ErrorResponse>")
	}
	writeErrorHeader(w, p, requestID, api, status)
	_, _ = w.Write(b.Bytes()) // the client may have gone
}

const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func writeErrorHeader(w http.ResponseWriter, p Protocol, requestID string, api smithy.APIError, status int) {
	h := w.Header()
	h.Set("Content-Type", p.ContentType())
	h.Set("X-Amzn-Requestid", requestID)
	if p == RESTXML {
		h.Set("X-Amz-Request-Id", requestID)
	}
	if p == REST {
		h.Set("X-Amzn-Errortype", api.ErrorCode())
	}
	w.WriteHeader(status)
}

func apiError(p Protocol, err error) smithy.APIError {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api
	}
	code := "InternalFailure"
	if p == EC2 || p == RESTXML {
		code = "InternalError"
	}
	return &smithy.GenericAPIError{Code: code, Message: "The request processing has failed because of an unknown error, exception or failure.", Fault: smithy.FaultServer}
}

func sender(status int) string {
	if status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

func writeJSONError(b *bytes.Buffer, p Protocol, api smithy.APIError) {
	c := &Codec{}
	if p == REST {
		c.Lowered = []string{"*"}
	}
	b.WriteByte('{')
	first := true
	c.writeJSONMember(b, &first, "__type", reflect.ValueOf(api.ErrorCode()))
	v := reflect.Indirect(reflect.ValueOf(api))
	if _, generic := api.(*smithy.GenericAPIError); !generic && v.Kind() == reflect.Struct {
		for _, m := range members(v.Type()) {
			if m.name != "Message" {
				c.writeJSONMember(b, &first, m.name, v.Field(m.index))
			}
		}
	}
	message, _ := json.Marshal(api.ErrorMessage()) // a string always marshals
	b.WriteString(`,"` + c.wireName("Message") + `":`)
	b.Write(message)
	b.WriteByte('}')
}

// Status returns the HTTP status of an error code. In JSON every client fault is
// a 400.
func Status(p Protocol, code string) int {
	if status, ok := serverStatus[code]; ok {
		return status
	}
	if p == JSON10 || p == JSON11 {
		return http.StatusBadRequest
	}
	if p == RESTXML && code == "ExpiredToken" {
		return http.StatusBadRequest
	}
	if status, ok := clientStatus[code]; ok {
		return status
	}
	return http.StatusBadRequest
}

var serverStatus = map[string]int{
	"InternalFailure":     500,
	"InternalError":       500,
	"InternalServerError": 500,

	"InternalServerException":  500,
	"InternalServiceException": 500,
	"ServiceFailure":           500,
	"ServiceException":         500,
	"PolicyEvaluation":         500,
	"NotImplemented":           501,
	"ServiceUnavailable":       503,
	"Unavailable":              503,

	"ServiceUnavailableException": 503,
	"SlowDown":                    503,
}

// Source: the error sections of IAM's and STS's API models, the common errors of
// their API references, and S3's list of error codes. A code that is not listed
// is a 400.
var clientStatus = map[string]int{
	"AccessUndecided":                     403,
	"AccessDenied":                        403,
	"AccessDeniedException":               403,
	"AuthFailure":                         401,
	"BucketAlreadyExists":                 409,
	"BucketAlreadyOwnedByYou":             409,
	"BucketNotEmpty":                      409,
	"ConcurrentModification":              409,
	"DeleteConflict":                      409,
	"DryRunOperation":                     412,
	"DuplicateCertificate":                409,
	"EntityAlreadyExists":                 409,
	"EntityTemporarilyUnmodifiable":       409,
	"ExpiredToken":                        403,
	"FeatureDisabled":                     404,
	"FeatureEnabled":                      409,
	"IDPRejectedClaim":                    403,
	"IncompleteSignature":                 400,
	"InvalidAccessKeyId":                  403,
	"InvalidAuthenticationCode":           403,
	"InvalidClientTokenId":                403,
	"InvalidSignatureException":           403,
	"InvalidRange":                        416,
	"LimitExceeded":                       409,
	"MethodNotAllowed":                    405,
	"MissingAuthenticationToken":          403,
	"MissingAuthenticationTokenException": 403,
	"MissingContentLength":                411,
	"NoSuchBucket":                        404,
	"NoSuchEntity":                        404,
	"NoSuchKey":                           404,
	"NoSuchUpload":                        404,
	"NotSupportedService":                 404,
	"OptInRequired":                       403,
	"PreconditionFailed":                  412,
	"RequestEntityTooLarge":               413,
	"OutboundWebIdentityFederationDisabledException": 403,
	"RegionDisabledException":                        403,
	"ReportExpired":                                  410,
	"ReportGenerationLimitExceeded":                  409,
	"ReportInProgress":                               404,
	"ReportNotPresent":                               410,
	"RequestTimeTooSkewed":                           403,
	"SessionDurationEscalationException":             403,
	"SignatureDoesNotMatch":                          403,
	"UnauthorizedOperation":                          403,
	"UnprocessableEntityException":                   422,
	"UnrecognizedClientException":                    403,
}
