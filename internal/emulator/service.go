package emulator

import (
	"bytes"
	"embed"
	"net/http"
	"net/url"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/accessanalyzersvc"
	"forcemfa/internal/emulator/cfnsvc"
	"forcemfa/internal/emulator/cloudtrailsvc"
	"forcemfa/internal/emulator/cloudwatchsvc"
	"forcemfa/internal/emulator/dynamodbsvc"
	"forcemfa/internal/emulator/ec2svc"
	"forcemfa/internal/emulator/eventssvc"
	"forcemfa/internal/emulator/iamsvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/logssvc"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/orgsvc"
	"forcemfa/internal/emulator/s3svc"
	"forcemfa/internal/emulator/secretssvc"
	"forcemfa/internal/emulator/signinsvc"
	"forcemfa/internal/emulator/sqssvc"
	"forcemfa/internal/emulator/stssvc"
	"forcemfa/internal/emulator/taggingsvc"
	"forcemfa/internal/emulator/wire"
)

// A service is one row of the table of services.
type service struct {
	name    string // in the scope of a signature
	prefix  string // of its actions in policies; empty: the name
	version string // API version that a query must have
	target  string // before the dot of X-Amz-Target
	codec   wire.Codec
	// codes lists error codes that differ from those of the protocol.
	codes map[reason]string
	// faulty services fail and lag in strict tests; absent lists their error
	// codes for things that do not exist.
	faulty     bool
	absent     []string
	operations []operation.Operation

	// check refuses inputs that the operation accepts and the API model does not; nil:
	// the operations check them.
	check func(in any) error

	// read and write replace the codec for protocols that it does not support.
	read  func(r *http.Request, form url.Values, body []byte) (operation string, in any, err error)
	write func(w http.ResponseWriter, operation, requestID string, out any)

	byName map[string]*operation.Operation
}

//go:embed required-iam.txt
var requiredIAM []byte

//go:embed required-sts.txt
var requiredSTS []byte

//go:embed required-organizations.txt
var requiredOrganizations []byte

// services returns the services of the cloud by their name in the scope of a
// signature.
var services = sync.OnceValue(func() map[string]*service {
	table := []*service{
		{
			name: "iam", version: "2010-05-08", operations: iamsvc.Operations(), faulty: true,
			absent: []string{"NoSuchEntity"},
			codes:  map[reason]string{failed: "ServiceFailure"},
			codec: wire.Codec{
				Protocol: wire.Query, Namespace: "https://iam.amazonaws.com/doc/2010-05-08/", Required: requirements(requiredIAM),
				Unions: []any{
					&types.PolicyIdentifierMemberInlinePolicyIdentifier{},
					&types.PolicyIdentifierMemberPolicyArn{},
					&types.PolicyIdentifierMemberPolicyType{},
				},
			},
		},
		{
			name: "sts", version: "2011-06-15", operations: stssvc.Operations(),
			codec: wire.Codec{Protocol: wire.Query, Namespace: "https://sts.amazonaws.com/doc/2011-06-15/", Required: requirements(requiredSTS)},
		},
		{
			name: "organizations", target: "AWSOrganizationsV20161128", operations: orgsvc.Operations(), faulty: true, check: orgsvc.Check,
			absent: []string{"AccountNotFoundException", "OrganizationalUnitNotFoundException", "ParentNotFoundException", "PolicyNotFoundException", "PolicyNotAttachedException", "TargetNotFoundException"},
			codes:  map[reason]string{failed: "ServiceException", throttled: "TooManyRequestsException"},
			codec: wire.Codec{
				Protocol: wire.JSON11, Required: requirements(requiredOrganizations), MissingCode: "InvalidInputException",
			},
		},
		{
			name: "ec2", version: ec2svc.Version, operations: ec2svc.Operations(),
			codec: wire.Codec{Protocol: wire.EC2},
			read: func(_ *http.Request, form url.Values, _ []byte) (string, any, error) {
				in, err := ec2svc.Read(form.Get("Action"), form)
				return form.Get("Action"), in, err
			},
			write: ec2svc.Write,
		},
		{
			name: "dynamodb", target: "DynamoDB_20120810", operations: dynamodbsvc.Operations(),
			codec: wire.Codec{Protocol: wire.JSON10},
		},
		{
			name: "s3", operations: s3svc.Operations(),
			codec: wire.Codec{Protocol: wire.RESTXML},
			read: func(r *http.Request, _ url.Values, body []byte) (string, any, error) {
				return s3svc.Read(r, body)
			},
			write: s3svc.Write,
		},
		{
			name: "cloudformation", version: "2010-05-15", operations: cfnsvc.Operations(),
			codec: wire.Codec{Protocol: wire.Query, Namespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/", Required: requirementsOf("cloudformation")},
		},
		{name: "events", target: "AWSEvents", operations: eventssvc.Operations(), codec: wire.Codec{Protocol: wire.JSON11, Required: requirementsOf("eventbridge")}},
		{name: "sqs", target: "AmazonSQS", operations: sqssvc.Operations(), codec: wire.Codec{Protocol: wire.JSON10, Required: requirementsOf("sqs"), MissingCode: "MissingParameter"}},
		{name: "secretsmanager", target: "secretsmanager", operations: secretssvc.Operations(), codec: wire.Codec{Protocol: wire.JSON11, Required: requirementsOf("secretsmanager")}},
		{name: "logs", target: "Logs_20140328", operations: logssvc.Operations(), codec: wire.Codec{Protocol: wire.JSON11, Lowered: []string{"*"}}},
		{name: "cloudtrail", target: "CloudTrail_20131101", operations: cloudtrailsvc.Operations(), codec: wire.Codec{Protocol: wire.JSON11, Required: requirementsOf("cloudtrail"), Lowered: []string{"TrailList"}}},
		{
			name: "monitoring", prefix: "cloudwatch", version: "2010-08-01", operations: cloudwatchsvc.Operations(),
			codec: wire.Codec{Protocol: wire.Query, Namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/"},
		},
		{
			name: "tagging", prefix: "tag", target: "ResourceGroupsTaggingAPI_20170126", operations: taggingsvc.Operations(),
			codes: map[reason]string{failed: "InternalServiceException", throttled: "ThrottledException"}, codec: wire.Codec{Protocol: wire.JSON11},
		},
		{
			name: "access-analyzer", operations: accessanalyzersvc.Operations(), codec: wire.Codec{Protocol: wire.REST},
			codes: map[reason]string{failed: "InternalServerException"}, read: accessanalyzersvc.Read, write: accessanalyzersvc.Write,
		},
		{
			name: "lambda", operations: lambdasvc.Operations(), codec: wire.Codec{Protocol: wire.REST},
			read:  func(*http.Request, url.Values, []byte) (string, any, error) { return "", nil, nil },
			write: func(http.ResponseWriter, string, string, any) {},
		},
		{
			name: "signin", operations: signinsvc.Operations(), codec: wire.Codec{Protocol: wire.REST},
			read:  func(*http.Request, url.Values, []byte) (string, any, error) { return "", nil, nil },
			write: func(http.ResponseWriter, string, string, any) {},
		},
	}
	byName := map[string]*service{}
	for _, s := range table {
		s.index()
		byName[s.name] = s
	}
	return byName
})

//go:embed required-cloudformation.txt required-cloudtrail.txt required-eventbridge.txt required-secretsmanager.txt required-sqs.txt
var requiredFiles embed.FS

// requirementsOf returns the required members of a service by the name of its SDK module.
func requirementsOf(module string) wire.Requirements {
	text, err := requiredFiles.ReadFile("required-" + module + ".txt")
	if err != nil {
		panic(err) // a mistake in the table of services
	}
	return requirements(text)
}

func requirements(text []byte) wire.Requirements {
	r, err := wire.ParseRequirements(bytes.NewReader(text))
	if err != nil {
		panic(err) // a mistake in an embedded table
	}
	return r
}

func (s *service) index() {
	s.byName = map[string]*operation.Operation{}
	for i := range s.operations {
		op := &s.operations[i]
		if s.byName[op.Name] != nil {
			panic(s.name + " has two operations " + op.Name)
		}
		s.byName[op.Name] = op
	}
}

// action returns the name of an operation in policies.
func (s *service) action(operation string) string { return s.authorizedAs() + ":" + operation }

// authorizedAs returns the prefix of the service in policies.
func (s *service) authorizedAs() string {
	if s.prefix == "" {
		return s.name
	}
	return s.prefix
}

// prefixes lists the services whose prefix in policies differs from their name
// in signatures.
// Source: Service Authorization Reference, service prefixes.
var prefixes = map[string]string{
	"monitoring":            "cloudwatch",
	"email":                 "ses",
	"tagging":               "tag",
	"mobiletargeting-email": "ses",
	"mturk-requester":       "mechanicalturk",
	"streams.dynamodb":      "dynamodb",
}

// foreign returns a service that the cloud does not have or cannot name. Its
// protocol is inferred from the request.
func foreign(name string, r *http.Request, form url.Values) *service {
	s := &service{name: name, prefix: prefixes[name]}
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		s.codec.Protocol = wire.JSON11
		if r.Header.Get("Content-Type") == wire.JSON10.ContentType() {
			s.codec.Protocol = wire.JSON10
		}
	case form.Get("Action") != "":
		s.codec.Protocol = wire.Query
	default:
		s.codec.Protocol = wire.REST
	}
	return s
}
