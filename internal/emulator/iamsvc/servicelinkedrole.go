package iamsvc

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

func serviceLinkedRoleOperations() []operation.Operation {
	return []operation.Operation{
		write("CreateServiceLinkedRole", spec{on: newServiceLinkedRole, keys: []key{awsServiceName}}, createServiceLinkedRole),
		write("DeleteServiceLinkedRole", spec{on: aRole, keys: []key{serviceOfRole}}, deleteServiceLinkedRole),
		read("GetServiceLinkedRoleDeletionStatus", spec{on: deletedRole}, getServiceLinkedRoleDeletionStatus),
	}
}

const serviceRolePath = "/aws-service-role/"

// serviceRoles names the role of each service that has one. A name that ends in an
// underscore continues with the suffix of the caller.
// Source: the page about service-linked roles in the documentation of each service.
var serviceRoles = map[string]string{
	"access-analyzer.amazonaws.com":                     "AWSServiceRoleForAccessAnalyzer",
	"autoscaling.amazonaws.com":                         "AWSServiceRoleForAutoScaling",
	"backup.amazonaws.com":                              "AWSServiceRoleForBackup",
	"batch.amazonaws.com":                               "AWSServiceRoleForBatch",
	"cloudtrail.amazonaws.com":                          "AWSServiceRoleForCloudTrail",
	"config.amazonaws.com":                              "AWSServiceRoleForConfig",
	"dynamodb.application-autoscaling.amazonaws.com":    "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
	"ecs.amazonaws.com":                                 "AWSServiceRoleForECS",
	"ecs.application-autoscaling.amazonaws.com":         "AWSServiceRoleForApplicationAutoScaling_ECSService",
	"eks.amazonaws.com":                                 "AWSServiceRoleForAmazonEKS",
	"elasticache.amazonaws.com":                         "AWSServiceRoleForElastiCache",
	"elasticbeanstalk.amazonaws.com":                    "AWSServiceRoleForElasticBeanstalk",
	"elasticloadbalancing.amazonaws.com":                "AWSServiceRoleForElasticLoadBalancing",
	"es.amazonaws.com":                                  "AWSServiceRoleForAmazonElasticsearchService",
	"events.amazonaws.com":                              "AWSServiceRoleForCloudWatchEvents",
	"guardduty.amazonaws.com":                           "AWSServiceRoleForAmazonGuardDuty",
	"inspector2.amazonaws.com":                          "AWSServiceRoleForAmazonInspector2",
	"kafka.amazonaws.com":                               "AWSServiceRoleForKafka",
	"macie.amazonaws.com":                               "AWSServiceRoleForAmazonMacie",
	"member.org.stacksets.cloudformation.amazonaws.com": "AWSServiceRoleForCloudFormationStackSetsOrgMember",
	"ops.apigateway.amazonaws.com":                      "AWSServiceRoleForAPIGateway",
	"opensearchservice.amazonaws.com":                   "AWSServiceRoleForAmazonOpenSearchService",
	"organizations.amazonaws.com":                       "AWSServiceRoleForOrganizations",
	"rds.amazonaws.com":                                 "AWSServiceRoleForRDS",
	"redshift.amazonaws.com":                            "AWSServiceRoleForRedshift",
	"replicator.lambda.amazonaws.com":                   "AWSServiceRoleForLambdaReplicator",
	"securityhub.amazonaws.com":                         "AWSServiceRoleForSecurityHub",
	"spot.amazonaws.com":                                "AWSServiceRoleForEC2Spot",
	"spotfleet.amazonaws.com":                           "AWSServiceRoleForEC2SpotFleet",
	"ssm.amazonaws.com":                                 "AWSServiceRoleForAmazonSSM",
	"sso.amazonaws.com":                                 "AWSServiceRoleForSSO",
	"support.amazonaws.com":                             "AWSServiceRoleForSupport",
	"transitgateway.amazonaws.com":                      "AWSServiceRoleForVPCTransitGateway",
	"trustedadvisor.amazonaws.com":                      "AWSServiceRoleForTrustedAdvisor",
}

// suffixed lists the services whose roles may have a custom suffix.
// Source: Amazon EC2 Auto Scaling User Guide, "Service-linked roles".
var suffixed = map[string]bool{"autoscaling.amazonaws.com": true}

// serviceRoleName returns the name of a service-linked role.
func serviceRoleName(service string, suffix *string) (string, error) {
	name, ok := serviceRoles[service]
	switch {
	case !ok:
		return "", invalidInput("The service %s has no service-linked role that the embedded AWS knows.", service)
	case suffix == nil:
		return name, nil
	case !suffixed[service]:
		return "", invalidInput("Custom suffix is not allowed for %s", service)
	}
	return name + "_" + *suffix, nil
}

// newServiceLinkedRole is the role that AWSServiceName and CustomSuffix name.
func newServiceLinkedRole(c *operation.Call, in input) (found, error) {
	service, _ := in.text("AWSServiceName")
	var suffix *string
	if text, ok := in.text("CustomSuffix"); ok {
		suffix = &text
	}
	name, err := serviceRoleName(service, suffix)
	return found{arn: arn.IAM(c.World.Partition, c.Caller.Account, "role", serviceRolePath+service+"/", name)}, err
}

func awsServiceName(ctx *policy.Context, in input, _ found) {
	service, _ := in.text("AWSServiceName")
	ctx.Set("iam:AWSServiceName", service)
}

// serviceOfRole is the service in the ARN of a service-linked role.
func serviceOfRole(ctx *policy.Context, _ input, on found) {
	if _, rest, ok := strings.Cut(on.arn, serviceRolePath); ok {
		service, _, _ := strings.Cut(rest, "/")
		ctx.Set("iam:AWSServiceName", service)
	}
}

func createServiceLinkedRole(c *operation.Call, in *iam.CreateServiceLinkedRoleInput) (*iam.CreateServiceLinkedRoleOutput, error) {
	a := edit(c)
	service := *in.AWSServiceName
	name, err := serviceRoleName(service, in.CustomSuffix)
	if err != nil {
		return nil, err
	}
	if a.Roles[world.Fold(name)] != nil {
		return nil, invalidInput("Service role name %s has been taken in this account, please try a different suffix.", name)
	}
	if quota := a.Quota(world.QuotaRoles); len(a.Roles) >= quota {
		return nil, overQuota("RolesPerAccount", quota)
	}
	r := &world.Role{
		Name: name, Path: serviceRolePath + service + "/", ID: c.World.NewID("AROA"), Description: aws.ToString(in.Description),
		Created: c.Now, Inline: map[string]string{}, MaxSession: time.Hour,
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`,
	}
	a.Roles[world.Fold(name)] = r
	return &iam.CreateServiceLinkedRoleOutput{Role: roleType(c, r, true)}, nil
}

// deleteServiceLinkedRole deletes the role at once: no service uses one here. AWS takes
// some seconds, and refuses while the service has resources.
func deleteServiceLinkedRole(c *operation.Call, in *iam.DeleteServiceLinkedRoleInput) (*iam.DeleteServiceLinkedRoleOutput, error) {
	a := edit(c)
	r, err := roleOf(a, in.RoleName)
	if err != nil {
		return nil, err
	}
	if !r.ServiceLinked() {
		return nil, noSuchEntity("The role with name %s is not a service-linked role.", r.Name)
	}
	task := "task" + r.Path + r.Name + "/" + c.World.NewUUID()
	delete(a.Roles, world.Fold(r.Name))
	a.RoleDeletions[task] = c.World.RoleARN(a.ID, r)
	return &iam.DeleteServiceLinkedRoleOutput{DeletionTaskId: &task}, nil
}

// deletedRole is the role in DeletionTaskId.
func deletedRole(c *operation.Call, in input) (found, error) {
	task, _ := in.text("DeletionTaskId")
	role, ok := account(c).RoleDeletions[task]
	if !ok {
		return found{arn: arn.IAM(c.World.Partition, c.Caller.Account, "role", "/", "*")}, nil
	}
	return found{arn: role}, nil
}

func getServiceLinkedRoleDeletionStatus(c *operation.Call, in *iam.GetServiceLinkedRoleDeletionStatusInput) (*iam.GetServiceLinkedRoleDeletionStatusOutput, error) {
	if _, ok := account(c).RoleDeletions[*in.DeletionTaskId]; !ok {
		return nil, noSuchEntity("The deletion task %s cannot be found.", *in.DeletionTaskId)
	}
	return &iam.GetServiceLinkedRoleDeletionStatusOutput{Status: types.DeletionTaskStatusTypeSucceeded}, nil
}
