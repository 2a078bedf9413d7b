package attack

import (
	"context"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func readObject(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.send(ctx, with, s3(http.MethodGet, "/"+a.target, ""))
}

func writeObject(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.send(ctx, with, s3(http.MethodPut, "/"+a.target, "ransom note"))
}

func listBuckets(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.send(ctx, with, s3(http.MethodGet, "/", ""))
}

func describeInstances(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.send(ctx, with, ec2("DescribeInstances", nil))
}

func terminateInstance(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.send(ctx, with, ec2("TerminateInstances", url.Values{"InstanceId.1": {a.target}}))
}

func listTables(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.table(ctx, with, "ListTables", map[string]string{})
}

func deleteTable(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.table(ctx, with, "DeleteTable", map[string]string{"TableName": a.target})
}

func (a *attempt) table(ctx context.Context, with aws.CredentialsProvider, operation string, input map[string]string) error {
	c, err := dynamoDB(operation, input)
	if err != nil {
		return &setUpError{"make a request to DynamoDB", err}
	}
	return a.send(ctx, with, c)
}
