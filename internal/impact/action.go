package impact

import (
	"regexp"
	"strings"

	"forcemfa/policy/catalog"
)

// prefixes are the event sources whose service has another prefix in IAM.
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

// An action is the IAM action that decides a call.
type action struct {
	name  string // service:Name
	known bool   // the catalog has it
}

// actionOf returns the IAM action of a recorded call. CloudTrail has the name of
// the API operation, which for most calls is that of the action.
func actionOf(source, name string) action {
	service, _, _ := strings.Cut(source, ".amazonaws.com")
	if prefix, ok := prefixes[service]; ok {
		service = prefix
	} else if strings.HasPrefix(service, "chime-sdk-") {
		service = "chime"
	}
	switch {
	case service == "s3" && s3Actions[name] != "":
		name = s3Actions[name]
	case withDate[service]:
		name = dated.ReplaceAllString(name, "")
		if service == "lambda" && (name == "Invoke" || name == "InvokeAsync") {
			name = "InvokeFunction"
		}
	case service == "apigateway":
		for _, m := range apiGatewayMethods {
			if strings.HasPrefix(name, m.begins) {
				name = m.action
				break
			}
		}
	}
	if a, ok := catalog.Load().Action(service + ":" + name); ok {
		return action{a.String(), true}
	}
	return action{service + ":" + name, false}
}
