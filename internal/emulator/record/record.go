// Package record has the parts of CloudTrail's records that follow from a call alone: its
// parameters and elements without secrets, the kind of its event, and the ID.
package record

import (
	"hash/fnv"
	"strings"
)

// ReadOnly reports whether the event of a call is read-only, where writes says whether the
// call may change something here.
func ReadOnly(service, operation string, writes bool) bool {
	return !writes || readOnly[service+":"+operation]
}

// Matched reports whether rules match the event of such a call by default: it is a
// management event that is not read-only.
func Matched(service, operation string, writes bool) bool {
	return managed[service] && !ReadOnly(service, operation, writes)
}

// IsData reports whether the event of an operation is a data event.
func IsData(service, operation string) bool { return dataEvents[service+":"+operation] }

// EventName is the name of the event of an operation.
func EventName(service, operation string) string {
	if service == "lambda" {
		return operation + versioned[operation]
	}
	return operation
}

// readOnly lists operations that change something here but are read-only in
// CloudTrail.
// Source: IAM User Guide, "Logging IAM and AWS STS API calls with AWS
// CloudTrail", whose AssumeRole records have readOnly true; Service Authorization
// Reference, "AWS Signin", access levels.
var readOnly = map[string]bool{"sts:AssumeRole": true, "sts:AssumeRoleWithSAML": true, "sts:AssumeRoleWithWebIdentity": true, "iam:GenerateCredentialReport": true, "events:PutEvents": true, "signin:CreateOAuth2Token": true}

// managed lists the services whose writes here are management events. Those of
// S3 and DynamoDB are data events, which trails do not log by default.
var managed = map[string]bool{
	"iam": true, "sts": true, "organizations": true, "ec2": true, "events": true, "lambda": true, "cloudformation": true, "cloudtrail": true,
}

// versioned are the operations of Lambda whose events are named with the version of the
// API.
// Source: Lambda Developer Guide, "Logging AWS Lambda API calls using AWS CloudTrail".
var versioned = map[string]string{
	"CreateFunction": "20150331", "DeleteFunction": "20150331", "UpdateFunctionCode": "20150331v2", "UpdateFunctionConfiguration": "20150331v2",
	"AddPermission": "20150331v2", "RemovePermission": "20150331v2", "PutFunctionConcurrency": "20171031", "DeleteFunctionConcurrency": "20171031",
}

// dataEvents are the operations whose events are data events.
// Source: CloudTrail User Guide, "Logging data events".
var dataEvents = named(map[string]string{
	"s3": `AbortMultipartUpload CompleteMultipartUpload CopyObject CreateMultipartUpload DeleteObject DeleteObjects DeleteObjectTagging GetObject GetObjectAcl
		GetObjectAttributes GetObjectTagging HeadBucket HeadObject ListMultipartUploads ListObjects ListObjectsV2 ListObjectVersions ListParts PutObject
		PutObjectAcl PutObjectTagging RestoreObject SelectObjectContent UploadPart UploadPartCopy`,
	"dynamodb":   "BatchExecuteStatement BatchGetItem BatchWriteItem DeleteItem ExecuteStatement ExecuteTransaction GetItem PutItem Query Scan TransactGetItems TransactWriteItems UpdateItem",
	"lambda":     "Invoke",
	"sqs":        "ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage DeleteMessageBatch ReceiveMessage SendMessage SendMessageBatch",
	"sns":        "Publish PublishBatch",
	"kinesis":    "GetRecords PutRecord PutRecords SubscribeToShard",
	"logs":       "FilterLogEvents GetLogEvents PutLogEvents",
	"events":     "PutEvents",
	"monitoring": "GetMetricData GetMetricStatistics PutMetricData",
})

// named is a set of service:Operation.
func named(operations map[string]string) map[string]bool {
	set := map[string]bool{}
	for service, names := range operations {
		for _, name := range strings.Fields(names) {
			set[service+":"+name] = true
		}
	}
	return set
}

// EventID derives an event ID in AWS's format from a request ID.
func EventID(requestID string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte("event " + requestID)) // never fails
	return strings.Join([]string{requestID[:8], requestID[9:13], requestID[14:18], requestID[19:23], hexadecimal(h.Sum64())}, "-")
}

func hexadecimal(n uint64) string {
	const digits = "0123456789abcdef"
	text := make([]byte, 12)
	for i := range text {
		text[i] = digits[n>>(4*i)&15]
	}
	return string(text)
}
