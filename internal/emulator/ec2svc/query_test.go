package ec2svc

import (
	"errors"
	"net/url"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

func TestQueriesAreRead(t *testing.T) {
	for _, row := range []struct {
		query string
		want  any
		code  string
	}{
		{query: "Action=DescribeInstances", want: &DescribeInstancesInput{Filters: map[string][]string{}}},
		{
			query: "Action=DescribeInstances&InstanceId.2=i-b&InstanceId.1=i-a&MaxResults=5&NextToken=t&DryRun=true",
			want:  &DescribeInstancesInput{InstanceIDs: []string{"i-a", "i-b"}, Filters: map[string][]string{}, MaxResults: 5, NextToken: "t", DryRun: true},
		},
		{
			query: "Action=DescribeInstances&Filter.1.Name=instance-state-name&Filter.1.Value.1=running",
			want:  &DescribeInstancesInput{Filters: map[string][]string{"instance-state-name": {"running"}}},
		},
		{query: "Action=TerminateInstances&InstanceId.1=i-a", want: &TerminateInstancesInput{InstanceIDs: []string{"i-a"}}},
		{query: "Action=DescribeVpcs&Anything=1"},
		{query: "Action=DescribeInstances&Colour=red", code: "UnknownParameter"},
		{query: "Action=DescribeInstances&MaxResults=4", code: "InvalidParameterValue"},
		{query: "Action=DescribeInstances&Filter.1.Name=vpc-id&Filter.1.Value.1=x", code: "InvalidParameterValue"},
	} {
		form, err := url.ParseQuery(row.query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(form.Get("Action"), form)
		var api smithy.APIError
		if row.code != "" {
			if !errors.As(err, &api) || api.ErrorCode() != row.code {
				t.Errorf("%s: error %v, want %s", row.query, err, row.code)
			}
			continue
		}
		if diff := cmp.Diff(row.want, got); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", row.query, err, diff)
		}
	}
}

// Any request gives an input or an AWS error.
func FuzzRead(f *testing.F) {
	f.Add("Action=DescribeInstances&InstanceId.1=i-a&Filter.1.Name=instance-id&Filter.1.Value.1=x")
	f.Add("Action=TerminateInstances&InstanceId.999999999999=i-a")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		_, err = Read(form.Get("Action"), form)
		var api smithy.APIError
		if err != nil && !errors.As(err, &api) {
			t.Error(err)
		}
	})
}
