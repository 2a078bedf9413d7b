package fleet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// An IncompleteError says that an answer with status 200 is not one of the operation.
// The SDK reads an answer without a body as a success with nothing in it: a list that is
// empty, a change that was made. A proxy or an endpoint other than AWS can send that.
type IncompleteError struct{ Operation string }

func (e *IncompleteError) Error() string {
	return "the answer to " + e.Operation + " is empty or incomplete; it may not come from AWS"
}

// Whole returns a part of an answer that AWS always sends.
func Whole[T any](part *T, operation string) (*T, error) {
	if part == nil {
		return nil, &IncompleteError{operation}
	}
	return part, nil
}

// mostHead is how much of an answer is looked at. The elements that name the operation
// stand at its beginning.
const mostHead = 1024

// WholeAnswers makes clients of IAM and Organizations refuse answers that are not those of
// the operation, with an [*IncompleteError]. An answer of IAM names the operation in the
// element GetGroupResponse and, when something is read, in GetGroupResult within it. An
// answer of Organizations to a read is a JSON object with a member; changes have an empty
// answer.
// Source: IAM API Reference and Organizations API Reference, examples of each operation.
func WholeAnswers(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("WholeAnswers",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, data, err := next.HandleDeserialize(ctx, in)
			r, ok := out.RawResponse.(*smithyhttp.Response)
			if err != nil || !ok || r.StatusCode != 200 {
				return out, data, err
			}
			head, err := io.ReadAll(io.LimitReader(r.Body, mostHead))
			if err != nil {
				return out, data, fmt.Errorf("read an answer: %w", err)
			}
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
			if operation := middleware.GetOperationName(ctx); !isAnswer(awsmiddleware.GetServiceID(ctx), operation, head) {
				return out, data, &IncompleteError{operation}
			}
			return out, data, nil
		}), middleware.After)
}

func isAnswer(service, operation string, head []byte) bool {
	reads := Reads(operation)
	switch service {
	case iam.ServiceID:
		return bytes.Contains(head, []byte("<"+operation+"Response")) && (!reads || bytes.Contains(head, []byte("<"+operation+"Result")))
	case organizations.ServiceID:
		return !reads || bytes.Contains(head, []byte(`"`))
	}
	return true
}

// Reads reports whether an operation of IAM or Organizations changes nothing.
func Reads(operation string) bool {
	return strings.HasPrefix(operation, "Get") || strings.HasPrefix(operation, "List") || strings.HasPrefix(operation, "Describe")
}
