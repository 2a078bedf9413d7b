package policy

import "slices"

// rcpServices lists the prefixes of the services that resource control policies
// apply to, in lower case and sorted, as of September 2026.
// Source: Organizations User Guide, "Resource control policies (RCPs)", services
// that support RCPs.
var rcpServices = []string{
	"aoss", "appconfig", "appstream", "autoscaling", "autoscaling-plans", "budgets", "clouddirectory",
	"cloudfront", "cloudsearch", "cloudtrail-data", "codeartifact", "codebuild", "codecommit", "codepipeline",
	"cognito-identity", "cognito-idp", "comprehend", "comprehendmedical", "compute-optimizer",
	"cost-optimization-hub", "dax", "dsql", "dynamodb", "ecr", "ecr-public", "events", "firehose", "fis", "fms",
	"gamelift", "health", "inspector-scan", "kendra", "kinesisvideo", "kms", "logs", "memorydb", "networkmonitor",
	"notifications", "opensearch", "pca-connector-ad", "personalize", "polly", "pricing", "resource-groups",
	"rolesanywhere", "s3", "secretsmanager", "servicediscovery", "signin", "sqs", "sts", "support", "swf",
	"textract", "timestream-influxdb", "transcribe", "transfer", "translate", "wafv2", "workspaces", "xray",
}

// takesRCPs reports whether resource control policies apply to the action of the
// request. The one exception among the actions of these services is kms:RetireGrant.
// Source: KMS Developer Guide, "Resource control policies in AWS KMS".
func (e *evaluation) takesRCPs() bool {
	if equalFold(e.name, "retiregrant") && equalFold(e.service, "kms") {
		return false
	}
	_, found := slices.BinarySearchFunc(rcpServices, e.service, compareFold)
	return found
}

// compareFold orders a lower-case text and one in any case.
func compareFold(lowered, s string) int {
	for i := range min(len(lowered), len(s)) {
		if d := int(lowered[i]) - int(lower(s[i])); d != 0 {
			return d
		}
	}
	return len(lowered) - len(s)
}
