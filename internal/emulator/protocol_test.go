package emulator

import (
	"net/http"
	"strings"
	"testing"
)

func jsonRequest(service, target, body string) signed {
	return signed{
		method: "POST", url: "https://" + service + ".us-east-1.amazonaws.com/", body: body, service: service, creds: alice(), at: noon,
		header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}},
	}
}

func queryRequest(service, body string) signed {
	s := iamRequest()
	s.url, s.service, s.body = "https://"+service+".us-east-1.amazonaws.com/", service, body
	return s
}

func TestProtocolsSayWhatIsWrong(t *testing.T) {
	bob := jsonRequest("organizations", "AWSOrganizationsV20161128.DescribeOrganization", "{}")
	bob.creds.AccessKeyID, bob.creds.SecretAccessKey = keyOf("bob"), "secret of bob"
	expired := jsonRequest("dynamodb", "DynamoDB_20120810.ListTables", "{}")
	expired.creds.SessionToken = "none"
	ec2 := queryRequest("ec2", "Action=DescribeInstances&Version=2016-11-15")
	ec2.creds.AccessKeyID, ec2.creds.SecretAccessKey = keyOf("bob"), "secret of bob"
	for _, row := range []struct {
		name   string
		s      signed
		status int
		want   string
	}{
		{"a parameter that is missing", queryRequest("iam", "Action=CreateUser&Version=2010-05-08"), 400,
			"<Code>ValidationError</Code><Message>1 validation error detected: Value at &#39;userName&#39; failed to satisfy constraint: Member must not be null</Message>"},
		{"a parameter that is not recognized", queryRequest("iam", getUser+"&Colour=red"), 400, "<Code>MalformedQueryString</Code>"},
		{"a parameter twice", queryRequest("iam", getUser+"&UserName=fay"), 400, "<Code>MalformedQueryString</Code>"},
		{"a query with a syntax error", queryRequest("iam", getUser+"&a=%zz"), 400, "<Code>MalformedQueryString</Code>"},
		{"no version", queryRequest("iam", "Action=GetUser"), 400, "Could not find operation GetUser for version NO_VERSION_SPECIFIED"},
		{"an operation that is not here", queryRequest("iam", "Action=CreateSomethingNew&Version=2010-05-08"), 501, "<Code>NotImplemented</Code>"},
		{"a service that is not here", queryRequest("rds", "Action=DescribeDBInstances&Version=2014-10-31"), 501, "<Code>NotImplemented</Code>"},
		{"a JSON service that is not here", jsonRequest("kms", "TrentService.ListKeys", "{}"), 501, `"__type":"NotImplemented"`},
		{"a REST service", signed{method: "GET", url: "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/", service: "lambda", creds: alice(), at: noon}, 501, "It was not authorized either"},
		{"a JSON member that is missing", jsonRequest("organizations", "AWSOrganizationsV20161128.DescribeAccount", "{}"), 400, `"__type":"InvalidInputException"`},
		{"a JSON member that is not recognized", jsonRequest("organizations", "AWSOrganizationsV20161128.DescribeOrganization", `{"Colour":1}`), 400, `"__type":"SerializationException"`},
		{"no JSON", jsonRequest("organizations", "AWSOrganizationsV20161128.DescribeOrganization", `{`), 400, `"__type":"SerializationException"`},
		{"another service's target", jsonRequest("organizations", "DynamoDB_20120810.ListTables", `{}`), 400, `"__type":"UnknownOperationException"`},
		{"JSON denied", bob, 400, `"__type":"AccessDeniedException"`},
		{"JSON with a wrong token", expired, 400, `"__type":"UnrecognizedClientException"`},
		{"EC2 denied", ec2, 403, "<Code>UnauthorizedOperation</Code>"},
		{"EC2 with an unknown parameter", queryRequest("ec2", "Action=DescribeInstances&Version=2016-11-15&Colour=red"), 400, "<Code>UnknownParameter</Code>"},
		{"a subresource of S3", s3Request("/data-222222222222?acl"), 501, "<Code>NotImplemented</Code>"},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, body := serve(atNoon(t), row.s.sign(t))
			if status != row.status || !strings.Contains(body, row.want) {
				t.Errorf("status %d, want %d and %q:\n%s", status, row.status, row.want, body)
			}
		})
	}
}

// A caller without MFA is denied an operation that the embedded AWS does not
// implement, and does not learn that it is missing.
func TestWhatIsNotImplementedIsAuthorizedFirst(t *testing.T) {
	s := queryRequest("cloudformation", "Action=ListStacks&Version=2010-05-15")
	s.creds.AccessKeyID, s.creds.SecretAccessKey = keyOf("bob"), "secret of bob"
	status, body := serve(atNoon(t), s.sign(t))
	if status != 403 || !strings.Contains(body, "not authorized to perform: cloudformation:ListStacks with an explicit deny") {
		t.Errorf("status %d:\n%s", status, body)
	}
}
