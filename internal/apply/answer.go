package apply

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

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

// whole returns a part of an answer that AWS always sends.
func whole[T any](part *T, operation string) (*T, error) {
	if part == nil {
		return nil, &IncompleteError{operation}
	}
	return part, nil
}

// mostHead is how much of an answer is looked at. The elements that name the operation
// stand at its beginning.
const mostHead = 1024

// iamAnswers refuses answers of IAM that do not name the operation: the element
// GetGroupResponse and, when something is read, GetGroupResult in it.
// Source: IAM API Reference, examples of each operation.
func iamAnswers(o *iam.Options) {
	o.APIOptions = append(o.APIOptions, traced(iamReads), answers(func(operation string, head []byte) bool {
		reads := iamReads(operation)
		return bytes.Contains(head, []byte("<"+operation+"Response")) && (!reads || bytes.Contains(head, []byte("<"+operation+"Result")))
	}))
}

func iamReads(operation string) bool {
	return strings.HasPrefix(operation, "Get") || strings.HasPrefix(operation, "List")
}

// organizationAnswers refuses answers of Organizations to a read that are no JSON object
// with a member. Changes have an empty answer.
func organizationAnswers(o *organizations.Options) {
	o.APIOptions = append(o.APIOptions, traced(organizationReads), answers(func(operation string, head []byte) bool {
		return !organizationReads(operation) || bytes.Contains(head, []byte(`"`))
	}))
}

func organizationReads(operation string) bool {
	return strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "List")
}

func answers(named func(operation string, head []byte) bool) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
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
				if operation := middleware.GetOperationName(ctx); !named(operation, head) {
					return out, data, &IncompleteError{operation}
				}
				return out, data, nil
			}), middleware.After)
	}
}
