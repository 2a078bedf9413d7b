package catalog

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// newer are actions that AWS documented after the version of the embedded data.
// Source: CHANGELOG of the AWS SDK for Go, module signin, 2026-11-09.
var newer = []struct {
	service, name string
	access        Access
}{
	{"signin", "CreateBearerToken", Write},
}

// addNewer adds the actions of newer that the data lacks.
func (c *Catalog) addNewer() {
	for _, n := range newer {
		s, ok := c.Service(n.service)
		if !ok || slices.ContainsFunc(s.Actions, func(a *Action) bool { return strings.EqualFold(a.Name, n.name) }) {
			continue
		}
		s.Actions = append(s.Actions, &Action{Service: s, Name: n.name, Access: n.access})
	}
}

// Date is the day of the data in the form 2006-01-02, from its version; the whole
// version where it has no date.
func (c *Catalog) Date() string {
	last := c.Version[strings.LastIndexByte(c.Version, '.')+1:]
	if len(last) > 8 {
		last = last[:8]
	}
	day, err := time.Parse("20060102", last)
	if err != nil {
		return c.Version
	}
	return day.Format(time.DateOnly)
}

// prefixes are the event sources and API names of services with another prefix in
// IAM.
// Source: Service Authorization Reference, the service prefix of each service, and
// CloudTrail's event sources.
var prefixes = map[string]string{
	"application-insights": "applicationinsights", "billingconsole": "billing", "cloudcontrolapi": "cloudformation",
	"contact-lens": "connect", "discovery-marketplace": "aws-marketplace", "management-marketplace": "aws-marketplace-management",
	"marketplacecatalog": "aws-marketplace", "migrationhub": "mgh", "monitoring": "cloudwatch", "opensearchservice": "es",
	"participant-connect": "connect", "pinpoint": "mobiletargeting", "pricelist": "pricing", "qconnect": "wisdom", "rdsdata": "rds-data",
	"reporting-marketplace": "aws-marketplace", "servicecatalog-appregistry": "servicecatalog", "tagging": "tag", "taxconsole": "tax",
	"transcribestreaming": "transcribe",
}

// s3Actions are the operations of Amazon S3 that an action of another name allows.
// Source: Amazon S3 User Guide, "Required permissions for Amazon S3 API operations".
var s3Actions = map[string]string{
	"ListBuckets": "ListAllMyBuckets", "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket", "HeadBucket": "ListBucket",
	"ListObjectVersions": "ListBucketVersions", "ListMultipartUploads": "ListBucketMultipartUploads", "ListParts": "ListMultipartUploadParts",
	"HeadObject": "GetObject", "SelectObjectContent": "GetObject", "CopyObject": "PutObject", "CreateMultipartUpload": "PutObject",
	"UploadPart": "PutObject", "UploadPartCopy": "PutObject", "CompleteMultipartUpload": "PutObject", "PostObject": "PutObject",
	"DeleteObjects": "DeleteObject", "GetBucketLifecycle": "GetLifecycleConfiguration", "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
	"PutBucketLifecycle": "PutLifecycleConfiguration", "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration", "DeleteBucketLifecycle": "PutLifecycleConfiguration",
	"GetBucketEncryption": "GetEncryptionConfiguration", "PutBucketEncryption": "PutEncryptionConfiguration", "DeleteBucketEncryption": "PutEncryptionConfiguration",
	"GetBucketReplication": "GetReplicationConfiguration", "PutBucketReplication": "PutReplicationConfiguration", "DeleteBucketReplication": "PutReplicationConfiguration",
	"GetBucketCors": "GetBucketCORS", "PutBucketCors": "PutBucketCORS", "DeleteBucketCors": "PutBucketCORS",
	"DeleteBucketTagging": "PutBucketTagging", "GetBucketNotificationConfiguration": "GetBucketNotification", "PutBucketNotificationConfiguration": "PutBucketNotification",
	"GetPublicAccessBlock": "GetBucketPublicAccessBlock", "PutPublicAccessBlock": "PutBucketPublicAccessBlock", "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
	"GetBucketInventoryConfiguration": "GetInventoryConfiguration", "GetBucketMetricsConfiguration": "GetMetricsConfiguration", "GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
	"GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration", "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
	"PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
	"GetObjectLockConfiguration":       "GetBucketObjectLockConfiguration", "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
}

// dated is the version that names of some older APIs carry in CloudTrail, such as
// Invoke20150331 and UpdateFunctionCode20150331v2.
var dated = regexp.MustCompile(`\d{8}(v\d+)?$`)

// withDate are the services with such names. Names of other services end in digits
// of their own.
var withDate = map[string]bool{"lambda": true, "cloudfront": true}

// apiGatewayMethods are the IAM actions of API Gateway, by how its operations begin.
var apiGatewayMethods = []struct{ begins, action string }{
	{"Get", "GET"}, {"Create", "POST"}, {"Import", "POST"}, {"Update", "PATCH"}, {"Put", "PUT"}, {"Delete", "DELETE"}, {"Tag", "PUT"}, {"Untag", "DELETE"},
}

// Operation returns the action that decides an API operation, by the prefix of its
// service or its event source (s3, monitoring) and the operation's name, which for
// most operations is that of the action. The name is a guess where the catalog has no
// such action; ok is false then.
func (c *Catalog) Operation(service, operation string) (name string, ok bool) {
	if prefix := prefixes[service]; prefix != "" {
		service = prefix
	} else if strings.HasPrefix(service, "chime-sdk-") {
		service = "chime"
	}
	switch {
	case service == "s3" && s3Actions[operation] != "":
		operation = s3Actions[operation]
	case withDate[service]:
		operation = dated.ReplaceAllString(operation, "")
		if service == "lambda" && (operation == "Invoke" || operation == "InvokeAsync") {
			operation = "InvokeFunction"
		}
	case service == "apigateway":
		operation = method(operation)
	}
	if a, known := c.Action(service + ":" + operation); known {
		return a.String(), true
	}
	return service + ":" + operation, false
}

// method is the action of an operation of API Gateway.
func method(operation string) string {
	for _, m := range apiGatewayMethods {
		if strings.HasPrefix(operation, m.begins) {
			return m.action
		}
	}
	return operation
}
