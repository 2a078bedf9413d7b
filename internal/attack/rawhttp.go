package attack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"forcemfa/policy/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// A call is one request to a service without an SDK client in this program: the
// clients of S3, EC2 and DynamoDB would double the time of a cold build.
type call struct {
	service, method, path string
	body                  string
	header                map[string]string
}

// s3 is a request to S3, in path style.
func s3(method, path, body string) call {
	return call{service: "s3", method: method, path: path, body: body}
}

// ec2 is an operation of EC2's query protocol.
func ec2(action string, parameters url.Values) call {
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for name, values := range parameters {
		form[name] = values
	}
	return call{service: "ec2", method: http.MethodPost, path: "/", body: form.Encode(),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}}
}

// dynamoDB is an operation of DynamoDB's JSON protocol.
func dynamoDB(operation string, input map[string]string) (call, error) {
	body, err := json.Marshal(input)
	return call{service: "dynamodb", method: http.MethodPost, path: "/", body: string(body),
		header: map[string]string{
			"Content-Type": "application/x-amz-json-1.0",
			"X-Amz-Target": "DynamoDB_20120810." + operation,
		}}, err
}

// send signs and sends the call. An error returned by the service is a smithy.APIError.
func (a *attempt) send(ctx context.Context, with aws.CredentialsProvider, c call) error {
	endpoint, err := a.endpoint(c.service)
	if err != nil {
		return &setUpError{"find the endpoint of " + c.service, err}
	}
	request, err := http.NewRequestWithContext(ctx, c.method, endpoint+c.path, strings.NewReader(c.body))
	if err != nil {
		return fmt.Errorf("make a request to %s: %w", c.service, err)
	}
	for name, value := range c.header {
		request.Header.Set(name, value)
	}
	if err := a.sign(ctx, request, with, c); err != nil {
		return err
	}
	response, err := a.Config.HTTPClient.Do(request)
	if err != nil {
		return fmt.Errorf("send a request to %s: %w", c.service, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.service, err)
	}
	if response.StatusCode < 300 {
		return nil
	}
	return serviceError(c.service, response, body)
}

func (a *attempt) sign(ctx context.Context, request *http.Request, with aws.CredentialsProvider, c call) error {
	credentials, err := with.Retrieve(ctx)
	if err != nil {
		return &setUpError{"retrieve credentials", err}
	}
	sum := sha256.Sum256([]byte(c.body))
	hash := hex.EncodeToString(sum[:])
	request.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = c.service == "s3" })
	// The wall clock, as in the SDK's clients, although the scene's clock may be ahead.
	if err := signer.SignHTTP(ctx, credentials, request, hash, c.service, a.Config.Region, time.Now()); err != nil {
		return &setUpError{"sign a request to " + c.service, err}
	}
	return nil
}

// endpoint is the URL of a service without the trailing slash.
func (a *attempt) endpoint(service string) (string, error) {
	if a.Config.BaseEndpoint != nil {
		return strings.TrimSuffix(*a.Config.BaseEndpoint, "/"), nil
	}
	p, known := arn.LookupPartition(a.Partition)
	if !known {
		return "", fmt.Errorf("unknown partition %q", a.Partition)
	}
	return "https://" + service + "." + a.Config.Region + "." + p.DNSSuffix, nil
}

// serviceError reads the error formats of S3 (an Error element), EC2 (the same inside
// Errors) and DynamoDB (JSON with __type).
func serviceError(service string, response *http.Response, body []byte) error {
	e := &smithy.GenericAPIError{Fault: smithy.FaultClient}
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")):
		var answer struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if json.Unmarshal(body, &answer) == nil {
			e.Code, e.Message = answer.Type[strings.LastIndexByte(answer.Type, '#')+1:], answer.Message
		}
	default:
		e.Code, e.Message = xmlError(body)
	}
	if e.Code == "" {
		return fmt.Errorf("%s answered %s without an error code", service, response.Status)
	}
	return e
}

// xmlError returns the first Code and Message of a response, at any depth.
func xmlError(body []byte) (code, message string) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.Token()
		if err != nil {
			return code, message
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "Code":
			_ = decoder.DecodeElement(&code, &start)
		case "Message":
			_ = decoder.DecodeElement(&message, &start)
		}
	}
}
