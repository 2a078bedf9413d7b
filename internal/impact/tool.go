package impact

import (
	"net/netip"
	"strings"
)

// A tool is a program that calls AWS, as its user agent names it.
type tool struct {
	in        []string // parts of the user agent, in lower case
	name      string
	unattends bool // it usually runs without a person
	attends   bool // a person usually sits in front of it
}

// tools are in the order in which they are looked for: a program names the SDK that
// it uses, so programs come before SDKs.
var tools = []tool{
	{in: []string{"github-actions", "githubactions", "configure-aws-credentials"}, name: "GitHub Actions", unattends: true},
	{in: []string{"gitlab"}, name: "GitLab CI", unattends: true},
	{in: []string{"jenkins"}, name: "Jenkins", unattends: true},
	{in: []string{"circleci"}, name: "CircleCI", unattends: true},
	{in: []string{"codebuild"}, name: "CodeBuild", unattends: true},
	{in: []string{"terraform", "hashicorp"}, name: "Terraform"},
	{in: []string{"pulumi"}, name: "Pulumi"},
	{in: []string{"ansible"}, name: "Ansible"},
	{in: []string{"aws-cdk", "cdk/"}, name: "AWS CDK"},
	{in: []string{"serverless"}, name: "Serverless Framework"},
	{in: []string{"packer"}, name: "Packer"},
	{in: []string{"rclone"}, name: "rclone", unattends: true},
	{in: []string{"s3fs", "restic", "velero", "duplicity", "hadoop"}, name: "backup or file system client", unattends: true},
	{in: []string{"prometheus", "grafana", "datadog", "telegraf", "zabbix"}, name: "monitoring", unattends: true},
	{in: []string{"ses-smtp", "email-smtp"}, name: "SMTP", unattends: true},
	{in: []string{"git/"}, name: "Git"},
	{in: []string{"aws-cli/"}, name: "AWS CLI", attends: true},
	{in: []string{"console.amazonaws.com", "signin.amazonaws.com", "aws-internal/3", "coral/netty", "s3console", "awsconsole", "elasticbeanstalk console", "mozilla/"}, name: "console", attends: true},
	{in: []string{"powershell"}, name: "AWS Tools for PowerShell", attends: true},
	{in: []string{"boto3/"}, name: "boto3", unattends: true},
	{in: []string{"botocore/"}, name: "botocore", unattends: true},
	{in: []string{"aws-sdk-go"}, name: "SDK for Go", unattends: true},
	{in: []string{"aws-sdk-java"}, name: "SDK for Java", unattends: true},
	{in: []string{"aws-sdk-nodejs", "aws-sdk-js"}, name: "SDK for JavaScript", unattends: true},
	{in: []string{"aws-sdk-php"}, name: "SDK for PHP", unattends: true},
	{in: []string{"aws-sdk-ruby"}, name: "SDK for Ruby", unattends: true},
	{in: []string{"aws-sdk-dotnet"}, name: "SDK for .NET", unattends: true},
	{in: []string{"aws-sdk-rust"}, name: "SDK for Rust", unattends: true},
	{in: []string{"aws-sdk-cpp"}, name: "SDK for C++", unattends: true},
}

// toolOf names the program behind a user agent; another program is "other".
func toolOf(agent string) *tool {
	lower := strings.ToLower(agent)
	for i := range tools {
		for _, part := range tools[i].in {
			if strings.Contains(lower, part) {
				return &tools[i]
			}
		}
	}
	return &otherTool
}

var otherTool = tool{name: "other"}

// networkOf is the network of an address: /24 of IPv4, /48 of IPv6; the text itself
// for the name of a service.
func networkOf(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return address
	}
	return p.String()
}
