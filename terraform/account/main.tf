# forcemfa in one account: the ForceMFA policy, its group, and the function that keeps every IAM user behind MFA. Deploy it once in each account, in the home Region of IAM.
#
# Translated from the CloudFormation template of `forcemfa deploy template`, by:
#
#   FORCEMFATEST_UPDATE=1 go test ./internal/deploy -run Terraform

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

variable "alarm_topic" {
  description = "ARN of the SNS topic for alarms; empty for none."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+)?$", var.alarm_topic))
    error_message = "alarm_topic must match ^(arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+)?$."
  }
}

variable "architecture" {
  description = "Architecture of the bootstrap in the package."
  type        = string
  default     = "arm64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be one of arm64 x86_64."
  }
}

variable "bus_arn" {
  description = "Event bus that receives the notifications; empty when this account sends them itself."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/.+)?$", var.bus_arn))
    error_message = "bus_arn must match ^(arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/.+)?$."
  }
}

variable "config_hash" {
  description = "SHA-256 of the forcemfa.yaml in the package. With a different file the function only reports."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([0-9a-f]{64})?$", var.config_hash))
    error_message = "config_hash must match ^([0-9a-f]{64})?$."
  }
}

variable "journal_bucket" {
  description = "Bucket for the journals of changes, under journal/ACCOUNT/; empty to keep them only in the log."
  type        = string
  default     = ""
}

variable "log_retention_days" {
  description = "How many days to keep the logs."
  type        = number
  default     = 365
  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653."
  }
}

variable "mail_from" {
  description = "Sender of the e-mail, an address of the identity. Not used with a bus."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([^@\\s,]+@[A-Za-z0-9.-]+\\.[A-Za-z0-9-]+)?$", var.mail_from))
    error_message = "mail_from must match ^([^@\\s,]+@[A-Za-z0-9.-]+\\.[A-Za-z0-9-]+)?$."
  }
}

variable "mail_identity" {
  description = "ARN of the verified identity of Amazon SES that sends e-mail. Not used with a bus."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:ses:[a-z0-9-]+:[0-9]{12}:identity/.+)?$", var.mail_identity))
    error_message = "mail_identity must match ^(arn:[a-z-]+:ses:[a-z0-9-]+:[0-9]{12}:identity/.+)?$."
  }
}

variable "mail_to" {
  description = "Recipients of the e-mail, with commas between them. Not used with a bus."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([^@\\s,]+@[A-Za-z0-9.-]+\\.[A-Za-z0-9-]+( *, *[^@\\s,]+@[A-Za-z0-9.-]+\\.[A-Za-z0-9-]+)*)?$", var.mail_to))
    error_message = "mail_to must match ^([^@\\s,]+@[A-Za-z0-9.-]+\\.[A-Za-z0-9-]+( *, *[^@\\s,]+@[A-Za-z0-9.-]+\\.[A-Za-z0-9-]+)*)?$."
  }
}

variable "mode" {
  description = "What the function does about a user without MFA enforcement."
  type        = string
  default     = "report"
  validation {
    condition     = contains(["report", "enforce", "off"], var.mode)
    error_message = "mode must be one of report enforce off."
  }
}

variable "policy_and_group" {
  description = "Choose existing when forcemfa apply has already created the policy and the group."
  type        = string
  default     = "create"
  validation {
    condition     = contains(["create", "existing"], var.policy_and_group)
    error_message = "policy_and_group must be one of create existing."
  }
}

variable "reserved_concurrency" {
  description = "Reserved concurrency of the function; 0 for none. The quota of a new account is too low to reserve any."
  type        = number
  default     = 0
  validation {
    condition     = var.reserved_concurrency >= 0 && var.reserved_concurrency <= 10
    error_message = "reserved_concurrency must be 0 to 10."
  }
}

variable "s3_bucket" {
  description = "Bucket with the package, in the Region of this stack."
  type        = string
  validation {
    condition     = length(var.s3_bucket) >= 3
    error_message = "s3_bucket must have at least 3 characters."
  }
}

variable "s3_key" {
  description = "Key of the package in that bucket. A new package needs a new key."
  type        = string
  validation {
    condition     = length(var.s3_key) >= 1
    error_message = "s3_key must have at least 1 characters."
  }
}

variable "s3_object_version" {
  description = "Version of that object; empty for the latest."
  type        = string
  default     = ""
}

variable "sns_topic" {
  description = "ARN of an SNS topic that receives the notifications. Not used with a bus."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+)?$", var.sns_topic))
    error_message = "sns_topic must match ^(arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+)?$."
  }
}

variable "schedule" {
  description = "Schedule of the scan of all users, in UTC."
  type        = string
  default     = "cron(0 12 * * ? *)"
}

variable "secret_key_arn" {
  description = "ARN of the customer managed key that encrypts the secrets; empty for an AWS managed key."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:kms:.+)?$", var.secret_key_arn))
    error_message = "secret_key_arn must match ^(arn:[a-z-]+:kms:.+)?$."
  }
}

variable "security_hub" {
  description = "Whether to import findings into Security Hub of this account."
  type        = string
  default     = "false"
  validation {
    condition     = contains(["true", "false"], var.security_hub)
    error_message = "security_hub must be one of true false."
  }
}

variable "settings_hash" {
  description = "SHA-256 of Mode, ConfigHash and WhitelistTag, computed by deploy apply. With other values the function only reports; empty for no check."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([0-9a-f]{64})?$", var.settings_hash))
    error_message = "settings_hash must match ^([0-9a-f]{64})?$."
  }
}

variable "sign_in_forwarding" {
  description = "Whether the forwarder template sends sign-ins from other Regions."
  type        = string
  default     = "false"
  validation {
    condition     = contains(["true", "false"], var.sign_in_forwarding)
    error_message = "sign_in_forwarding must be one of true false."
  }
}

variable "slack_channel_name" {
  description = "Name of the Slack channel where you want alerts; needed with a token. Not used with a bus."
  type        = string
  default     = ""
}

variable "slack_token_secret" {
  description = "ARN of the secret or parameter with a Slack token, instead of a webhook. Not used with a bus."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:(secretsmanager|ssm):.+)?$", var.slack_token_secret))
    error_message = "slack_token_secret must match ^(arn:[a-z-]+:(secretsmanager|ssm):.+)?$."
  }
}

variable "slack_webhook_parameter" {
  description = "ARN of the secret or parameter with the URL of the Slack webhook. Not used with a bus."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:(secretsmanager|ssm):.+)?$", var.slack_webhook_parameter))
    error_message = "slack_webhook_parameter must match ^(arn:[a-z-]+:(secretsmanager|ssm):.+)?$."
  }
}

variable "teams_webhook_secret" {
  description = "ARN of the secret or parameter with the URL of the Teams workflow. Not used with a bus."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:(secretsmanager|ssm):.+)?$", var.teams_webhook_secret))
    error_message = "teams_webhook_secret must match ^(arn:[a-z-]+:(secretsmanager|ssm):.+)?$."
  }
}

variable "webhook_secret" {
  description = "ARN of the secret or parameter with the key for the signature. Not used with a bus."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:[a-z-]+:(secretsmanager|ssm):.+)?$", var.webhook_secret))
    error_message = "webhook_secret must match ^(arn:[a-z-]+:(secretsmanager|ssm):.+)?$."
  }
}

variable "webhook_url" {
  description = "URL that receives the notifications as signed JSON. Not used with a bus."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(https://.+)?$", var.webhook_url))
    error_message = "webhook_url must match ^(https://.+)?$."
  }
}

variable "whitelist_tag" {
  description = "Tags that exempt a user, as key:value,key:value, in addition to the exemptions in forcemfa.yaml."
  type        = string
  default     = "userType:Service"
}

locals {
  home_region = {
    aws = {
      Region = "us-east-1"
    }
    "aws-cn" = {
      Region = "cn-north-1"
    }
    "aws-eusc" = {
      Region = "eusc-de-east-1"
    }
    "aws-iso" = {
      Region = "us-iso-east-1"
    }
    "aws-iso-b" = {
      Region = "us-isob-east-1"
    }
    "aws-iso-e" = {
      Region = "eu-isoe-west-1"
    }
    "aws-iso-f" = {
      Region = "us-isof-south-1"
    }
    "aws-us-gov" = {
      Region = "us-gov-west-1"
    }
  }
  alone                       = var.bus_arn == ""
  at_home                     = data.aws_region.current.name == local.home_region[data.aws_partition.current.partition]["Region"]
  creates                     = var.policy_and_group == "create"
  decrypts                    = local.reads_secret && !(var.secret_key_arn == "")
  forwards                    = var.sign_in_forwarding == "true"
  has_alarm_topic             = !(var.alarm_topic == "")
  has_bus                     = !(var.bus_arn == "")
  has_journal                 = !(var.journal_bucket == "")
  has_mail_from               = !(local.has_bus) && !(var.mail_from == "")
  has_mail_identity           = !(local.has_bus) && !(var.mail_identity == "")
  has_mail_to                 = !(local.has_bus) && !(var.mail_to == "")
  has_reservation             = !(var.reserved_concurrency == 0)
  has_sns_topic               = !(local.has_bus) && !(var.sns_topic == "")
  has_security_hub            = var.security_hub == "true"
  has_slack_channel_name      = !(local.has_bus) && !(var.slack_channel_name == "")
  has_slack_token_secret      = !(local.has_bus) && !(var.slack_token_secret == "")
  has_slack_webhook_parameter = !(local.has_bus) && !(var.slack_webhook_parameter == "")
  has_teams_webhook_secret    = !(local.has_bus) && !(var.teams_webhook_secret == "")
  has_version                 = !(var.s3_object_version == "")
  has_webhook_secret          = !(local.has_bus) && !(var.webhook_secret == "")
  has_webhook_url             = !(local.has_bus) && !(var.webhook_url == "")
  reads_secret                = local.has_slack_webhook_parameter || local.has_slack_token_secret || local.has_teams_webhook_secret || local.has_webhook_secret
}

resource "aws_cloudwatch_metric_alarm" "config_alarm" {
  alarm_name          = "forcemfa-config"
  alarm_description   = "forcemfa only reports because its config differs from the deployed one. See its log in ${aws_cloudwatch_log_group.log_group.name}, then deploy again."
  namespace           = "forcemfa"
  metric_name         = "ConfigProblem"
  statistic           = "Maximum"
  period              = 86400
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_cloudwatch_metric_alarm" "error_alarm" {
  alarm_name          = "forcemfa-errors"
  alarm_description   = "The forcemfa function failed. See its log in ${aws_cloudwatch_log_group.log_group.name}."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic] : null
  dimensions = {
    FunctionName = aws_lambda_function.function.function_name
  }
}

resource "aws_cloudwatch_event_rule" "event_rule" {
  count       = local.at_home ? 1 : 0
  name        = "forcemfa-events"
  description = "Changes of users, devices, keys and policies, and sign-ins without MFA. Requires a trail that logs management events."
  event_pattern = jsonencode({
    detail = {
      errorCode = [{
        exists = false
      }]
      eventName = ["CreateUser", "UpdateUser", "CreateLoginProfile", "UpdateLoginProfile", "CreateAccessKey", "UpdateAccessKey", "CreateServiceSpecificCredential", "UploadSSHPublicKey", "UploadSigningCertificate", "ConsoleLogin", "GetFederationToken", "AddUserToGroup", "RemoveUserFromGroup", "TagUser", "UntagUser", "EnableMFADevice", "DeactivateMFADevice", "AttachUserPolicy", "DetachUserPolicy", "PutUserPolicy", "DeleteUserPolicy", "PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary", "AttachGroupPolicy", "DetachGroupPolicy", "PutGroupPolicy", "DeleteGroupPolicy", "UpdateGroup", "DeleteGroup", "CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion", "DeletePolicy", "CreateRole", "UpdateAssumeRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "DeleteRole", "PutRolePermissionsBoundary", "DisableRule", "DeleteRule", "PutRule", "RemoveTargets", "DeleteFunction20150331", "UpdateFunctionCode20150331v2", "UpdateFunctionConfiguration20150331v2", "PutFunctionConcurrency20171031", "RemovePermission20150331v2", "StopLogging", "DeleteTrail", "PutEventSelectors", "DeleteStack", "DetachPolicy", "UpdatePolicy", "DisablePolicyType", "LeaveOrganization", "RemoveAccountFromOrganization", "AccountDepartedOrganization", "CreateSAMLProvider", "UpdateSAMLProvider", "CreateOpenIDConnectProvider"]
    }
    "detail-type" = ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "AWS Console Signin via CloudTrail", "AWS Console Sign In via CloudTrail"]
    source        = ["aws.iam", "aws.sts", "aws.signin", "aws.organizations", "aws.events", "aws.lambda", "aws.cloudtrail", "aws.cloudformation"]
  })
  state = "ENABLED"
}

resource "aws_cloudwatch_event_target" "event_rule" {
  count     = local.at_home ? 1 : 0
  rule      = aws_cloudwatch_event_rule.event_rule[0].name
  target_id = "function"
  arn       = aws_lambda_function.function.arn
  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }
}

resource "aws_lambda_permission" "events_may_invoke" {
  count         = local.at_home ? 1 : 0
  function_name = aws_lambda_function.function.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = one(aws_cloudwatch_event_rule.event_rule[*].arn)
}

resource "aws_sqs_queue" "failed" {
  name_prefix               = "forcemfa-failed-"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_cloudwatch_metric_alarm" "failed_alarm" {
  alarm_name          = "forcemfa-failed"
  alarm_description   = "An event could not be processed and is in the queue ${aws_sqs_queue.failed.name}."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic] : null
  dimensions = {
    QueueName = aws_sqs_queue.failed.name
  }
}

resource "aws_sqs_queue_policy" "failed_policy" {
  queue_url = aws_sqs_queue.failed.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "KeepUndelivered"
      Effect = "Allow"
      Principal = {
        Service = "events.amazonaws.com"
      }
      Action   = "sqs:SendMessage"
      Resource = aws_sqs_queue.failed.arn
      Condition = {
        ArnLike = {
          "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:rule/forcemfa-*"
        }
      }
      }, {
      Sid       = "TLSOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = aws_sqs_queue.failed.arn
      Condition = {
        Bool = {
          "aws:SecureTransport" = "false"
        }
      }
    }]
  })
}

resource "aws_iam_role" "forwarder_role" {
  count       = local.forwards ? 1 : 0
  name        = "ForceMFAForwarder"
  path        = "/forcemfa/"
  description = "Sends sign-ins from other Regions to the home Region of IAM."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Principal = {
        Service = "events.amazonaws.com"
      }
      Action = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = data.aws_caller_identity.current.account_id
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "forwarder_role_0" {
  count = local.forwards ? 1 : 0
  name  = "ForceMFAForwarder"
  role  = aws_iam_role.forwarder_role[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "events:PutEvents"
      Resource = "arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:event-bus/default"
    }]
  })
}

resource "aws_lambda_function" "function" {
  function_name                  = "forcemfa"
  description                    = "Keeps every IAM user of this account behind MFA."
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  memory_size                    = 256
  timeout                        = 900
  role                           = aws_iam_role.role.arn
  reserved_concurrent_executions = local.has_reservation ? var.reserved_concurrency : null
  s3_bucket                      = var.s3_bucket
  s3_key                         = var.s3_key
  s3_object_version              = local.has_version ? var.s3_object_version : null
  dead_letter_config {
    target_arn = aws_sqs_queue.failed.arn
  }
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.log_group.name
  }
  environment {
    variables = {
      FORCEMFA_BUS                  = var.bus_arn
      FORCEMFA_CONFIG_HASH          = var.config_hash
      FORCEMFA_FUNCTION             = "reconcile"
      FORCEMFA_JOURNAL              = local.has_journal ? "s3://${var.journal_bucket}/journal/${data.aws_caller_identity.current.account_id}" : ""
      FORCEMFA_MAIL_FROM            = local.has_mail_from ? var.mail_from : ""
      FORCEMFA_MAIL_IDENTITY        = local.has_mail_identity ? var.mail_identity : ""
      FORCEMFA_MAIL_TO              = local.has_mail_to ? var.mail_to : ""
      FORCEMFA_MODE                 = var.mode
      FORCEMFA_QUEUE                = local.has_bus ? "" : one(aws_sqs_queue.unsent[*].url)
      FORCEMFA_SECURITY_HUB         = var.security_hub
      FORCEMFA_SETTINGS_HASH        = var.settings_hash
      FORCEMFA_SLACK_CHANNEL        = local.has_slack_channel_name ? var.slack_channel_name : ""
      FORCEMFA_SLACK_TOKEN_SECRET   = local.has_slack_token_secret ? var.slack_token_secret : ""
      FORCEMFA_SLACK_WEBHOOK_SECRET = local.has_slack_webhook_parameter ? var.slack_webhook_parameter : ""
      FORCEMFA_SNS_TOPIC            = local.has_sns_topic ? var.sns_topic : ""
      FORCEMFA_TEAMS_WEBHOOK_SECRET = local.has_teams_webhook_secret ? var.teams_webhook_secret : ""
      FORCEMFA_WEBHOOK_SECRET       = local.has_webhook_secret ? var.webhook_secret : ""
      FORCEMFA_WEBHOOK_URL          = local.has_webhook_url ? var.webhook_url : ""
      WHITELIST_TAG                 = var.whitelist_tag
    }
  }
  tags = {
    "forcemfa-config" = var.config_hash
  }
}

resource "aws_iam_group" "group" {
  count = local.creates ? 1 : 0
  name  = "ForceMFA"
  path  = "/forcemfa/"
}

resource "aws_iam_group_policy_attachment" "group_0" {
  count      = local.creates ? 1 : 0
  group      = aws_iam_group.group[0].name
  policy_arn = one(aws_iam_policy.policy[*].arn)
}

resource "aws_cloudwatch_log_group" "log_group" {
  name_prefix       = "/aws/lambda/forcemfa-"
  retention_in_days = var.log_retention_days
  skip_destroy      = true
}

resource "aws_iam_policy" "policy" {
  count       = local.creates ? 1 : 0
  name        = "ForceMFA"
  path        = "/forcemfa/"
  description = "Denies everything without MFA except enrolling an MFA device. Managed by forcemfa."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AllowListing"
      Effect   = "Allow"
      Action   = ["iam:GetAccountPasswordPolicy", "iam:ListVirtualMFADevices"]
      Resource = "*"
      }, {
      Sid      = "AllowCreateOwnVirtualMFA"
      Effect   = "Allow"
      Action   = "iam:CreateVirtualMFADevice"
      Resource = "arn:aws:iam::*:mfa/*"
      }, {
      Sid      = "AllowManageOwnMFA"
      Effect   = "Allow"
      Action   = ["iam:ChangePassword", "iam:DeactivateMFADevice", "iam:EnableMFADevice", "iam:GetMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ResyncMFADevice"]
      Resource = ["arn:aws:iam::*:user/$${aws:username}", "arn:aws:iam::*:user/*/$${aws:username}"]
      }, {
      Sid       = "DenyAllExceptEnrollmentWithoutMFA"
      Effect    = "Deny"
      NotAction = ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ListVirtualMFADevices", "iam:ResyncMFADevice", "sts:GetSessionToken"]
      Resource  = "*"
      Condition = {
        BoolIfExists = {
          "aws:MultiFactorAuthPresent" = "false"
          "aws:ViaAWSService"          = "false"
        }
      }
      }, {
      Sid         = "DenyOthersMFAWithoutMFA"
      Effect      = "Deny"
      Action      = ["iam:EnableMFADevice", "iam:ResyncMFADevice"]
      NotResource = ["arn:aws:iam::*:user/$${aws:username}", "arn:aws:iam::*:user/*/$${aws:username}"]
      Condition = {
        BoolIfExists = {
          "aws:MultiFactorAuthPresent" = "false"
        }
      }
      }, {
      Sid      = "DenyEnrollmentByAccessKey"
      Effect   = "Deny"
      Action   = ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"]
      Resource = "*"
      Condition = {
        Null = {
          "aws:PrincipalTag/forcemfa-enrollment" = "true"
          "aws:TokenIssueTime"                   = "true"
        }
      }
    }]
  })
}

resource "aws_lambda_function_event_invoke_config" "retries" {
  function_name                = aws_lambda_function.function.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_iam_role" "role" {
  name        = "ForceMFAFunction"
  path        = "/forcemfa/"
  description = "Permissions of the forcemfa function. It cannot write policy documents."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Principal = {
        Service = "lambda.amazonaws.com"
      }
      Action = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "role_0" {
  name = "ForceMFAFunction"
  role = aws_iam_role.role.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "ReadAccount"
        Effect   = "Allow"
        Action   = ["iam:GenerateCredentialReport", "iam:GetAccountAuthorizationDetails", "iam:GetAccountPasswordPolicy", "iam:GetAccountSummary", "iam:GetCredentialReport", "iam:ListAccountAliases", "iam:ListVirtualMFADevices", "organizations:DescribeOrganization"]
        Resource = "*"
        }, {
        Sid      = "ReadUsers"
        Effect   = "Allow"
        Action   = ["iam:GetLoginProfile", "iam:GetUser", "iam:GetUserPolicy", "iam:ListAccessKeys", "iam:ListAttachedUserPolicies", "iam:ListGroupsForUser", "iam:ListMFADevices", "iam:ListServiceSpecificCredentials", "iam:ListSSHPublicKeys", "iam:ListUserPolicies", "iam:ListUserTags"]
        Resource = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:user/*"
        }, {
        Sid      = "ReadPolicies"
        Effect   = "Allow"
        Action   = ["iam:GetPolicy", "iam:GetPolicyVersion"]
        Resource = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:policy/*", "arn:${data.aws_partition.current.partition}:iam::aws:policy/*"]
        }, {
        Sid      = "ReadGroups"
        Effect   = "Allow"
        Action   = "iam:ListAttachedGroupPolicies"
        Resource = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:group/*"
        }, {
        Sid      = "Join"
        Effect   = "Allow"
        Action   = "iam:AddUserToGroup"
        Resource = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:group/forcemfa/ForceMFA"
        }, {
        Sid      = "Attach"
        Effect   = "Allow"
        Action   = ["iam:AttachGroupPolicy", "iam:AttachUserPolicy"]
        Resource = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:group/*", "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:user/*"]
        Condition = {
          ArnEquals = {
            "iam:PolicyARN" = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:policy/forcemfa/ForceMFA"
          }
        }
        }, {
        Sid      = "Window"
        Effect   = "Allow"
        Action   = ["iam:TagUser", "iam:UntagUser"]
        Resource = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:user/*"
        Condition = {
          "ForAllValues:StringEqualsIgnoreCase" = {
            "aws:TagKeys" = "forcemfa-enrollment"
          }
          Null = {
            "aws:TagKeys" = "false"
          }
        }
        }, {
        Sid      = "Mark"
        Effect   = "Allow"
        Action   = "iam:TagUser"
        Resource = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:user/*"
        Condition = {
          "ForAllValues:StringEqualsIgnoreCase" = {
            "aws:TagKeys" = "forcemfa-device-by-key"
          }
          Null = {
            "aws:TagKeys" = "false"
          }
        }
        }, {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = aws_cloudwatch_log_group.log_group.arn
        }, {
        Sid      = "KeepFailed"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.failed.arn
      }],
      !local.has_bus ? [{
        Sid      = "KeepUnsent"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
        Resource = one(aws_sqs_queue.unsent[*].arn)
      }] : [],
      local.has_journal ? [{
        Sid      = "Journal"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "arn:${data.aws_partition.current.partition}:s3:::${var.journal_bucket}/journal/${data.aws_caller_identity.current.account_id}/*"
        Condition = {
          Null = {
            "s3:if-none-match" = "false"
          }
        }
      }] : [],
      local.has_bus ? [{
        Sid      = "Notify"
        Effect   = "Allow"
        Action   = "events:PutEvents"
        Resource = var.bus_arn
      }] : [],
      local.reads_secret ? [{
        Sid    = "ReadSecrets"
        Effect = "Allow"
        Action = ["secretsmanager:GetSecretValue", "ssm:GetParameter"]
        Resource = concat(
          local.has_slack_webhook_parameter ? [var.slack_webhook_parameter] : [],
          local.has_slack_token_secret ? [var.slack_token_secret] : [],
          local.has_teams_webhook_secret ? [var.teams_webhook_secret] : [],
          local.has_webhook_secret ? [var.webhook_secret] : [],
        )
      }] : [],
      local.decrypts ? [{
        Sid      = "DecryptSecrets"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.secret_key_arn
      }] : [],
      local.has_sns_topic ? [{
        Sid      = "UseSNSTopic"
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = var.sns_topic
      }] : [],
      local.has_mail_identity ? [{
        Sid      = "UseMailIdentity"
        Effect   = "Allow"
        Action   = "ses:SendEmail"
        Resource = var.mail_identity
      }] : [],
      local.has_security_hub ? [{
        Sid      = "ImportFindings"
        Effect   = "Allow"
        Action   = "securityhub:BatchImportFindings"
        Resource = "arn:${data.aws_partition.current.partition}:securityhub:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:product/${data.aws_caller_identity.current.account_id}/default"
      }] : [],
    )
  })
}

resource "aws_lambda_permission" "schedule_may_invoke" {
  function_name = aws_lambda_function.function.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule_rule.arn
}

resource "aws_cloudwatch_event_rule" "schedule_rule" {
  name                = "forcemfa-schedule"
  description         = "Scans every user on a schedule."
  schedule_expression = var.schedule
  state               = "ENABLED"
}

resource "aws_cloudwatch_event_target" "schedule_rule" {
  rule      = aws_cloudwatch_event_rule.schedule_rule.name
  target_id = "function"
  arn       = aws_lambda_function.function.arn
  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }
}

resource "aws_cloudwatch_metric_alarm" "silence_alarm" {
  alarm_name          = "forcemfa-silence"
  alarm_description   = "forcemfa has scanned no user for a day. Check that its rules are enabled, and see its log in ${aws_cloudwatch_log_group.log_group.name}."
  namespace           = "forcemfa"
  metric_name         = "LastSuccessAge"
  statistic           = "Minimum"
  period              = 86400
  evaluation_periods  = 1
  threshold           = 86400
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = local.has_alarm_topic ? [var.alarm_topic] : null
}

resource "aws_sqs_queue" "unsent" {
  count                      = local.alone ? 1 : 0
  name_prefix                = "forcemfa-unsent-"
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 900
  sqs_managed_sse_enabled    = true
}

resource "aws_sqs_queue_policy" "unsent_policy" {
  count     = local.alone ? 1 : 0
  queue_url = one(aws_sqs_queue.unsent[*].url)
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TLSOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = one(aws_sqs_queue.unsent[*].arn)
      Condition = {
        Bool = {
          "aws:SecureTransport" = "false"
        }
      }
    }]
  })
}

output "events" {
  description = "Whether changes are detected at once or only by the scheduled scan."
  value       = local.at_home ? "at once" : "by the schedule alone"
}

output "function_arn" {
  value = aws_lambda_function.function.arn
}

output "role_arn" {
  value = aws_iam_role.role.arn
}
