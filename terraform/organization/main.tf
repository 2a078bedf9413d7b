# forcemfa in every account of an organization except the management account: a stack set
# of the member template, which also deploys to accounts that join later. Accounts that
# leave keep their stack, so their users stay enforced.
#
# Apply it in the management account or a delegated administrator of StackSets, in the home
# Region of IAM, after `aws cloudformation activate-organizations-access`.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.62"
    }
  }
}

variable "template" {
  description = "The text of the template: file() of the output of `forcemfa deploy template member`."
  type        = string
}

variable "units" {
  description = "IDs of the root or of the organizational units below which accounts get a stack."
  type        = list(string)
  validation {
    condition     = length(var.units) > 0 && alltrue([for u in var.units : can(regex("^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$", u))])
    error_message = "units must name a root (r-…) or organizational units (ou-…)."
  }
}

variable "parameters" {
  description = "Parameters of the template, such as S3Bucket, S3Key and Mode."
  type        = map(string)
}

variable "delegated_administrator" {
  description = "Whether the caller is a delegated administrator of StackSets instead of the management account."
  type        = bool
  default     = false
}

locals {
  call_as = var.delegated_administrator ? "DELEGATED_ADMIN" : "SELF"
}

resource "aws_cloudformation_stack_set" "forcemfa" {
  name             = "forcemfa"
  description      = "MFA enforcement by forcemfa"
  permission_model = "SERVICE_MANAGED"
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  template_body    = var.template
  parameters       = var.parameters
  call_as          = local.call_as

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = true
  }

  managed_execution {
    active = true
  }

  operation_preferences {
    region_concurrency_type      = "PARALLEL"
    max_concurrent_percentage    = 25
    failure_tolerance_percentage = 10
  }

  lifecycle {
    ignore_changes = [administration_role_arn]
  }
}

resource "aws_cloudformation_stack_set_instance" "forcemfa" {
  stack_set_name = aws_cloudformation_stack_set.forcemfa.name
  call_as        = local.call_as

  deployment_targets {
    organizational_unit_ids = var.units
  }

  operation_preferences {
    concurrency_mode             = "SOFT_FAILURE_TOLERANCE"
    region_concurrency_type      = "PARALLEL"
    max_concurrent_percentage    = 25
    failure_tolerance_percentage = 10
  }
}

output "stack_set" {
  description = "ID of the stack set."
  value       = aws_cloudformation_stack_set.forcemfa.stack_set_id
}
