package attack

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestEndpointFollowsThePartition(t *testing.T) {
	for _, row := range []struct{ partition, region, want string }{
		{"aws", "eu-west-1", "https://s3.eu-west-1.amazonaws.com"},
		{"aws-cn", "cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn"},
		{"aws-eusc", "eusc-de-east-1", "https://s3.eusc-de-east-1.amazonaws.eu"},
		{"aws-iso-b", "us-isob-east-1", "https://s3.us-isob-east-1.sc2s.sgov.gov"},
		{"aws-moon", "moon-1", ""},
	} {
		a := attempt{Subject: &Subject{Partition: row.partition}, Scene: &Scene{Config: aws.Config{Region: row.region}}}
		got, err := a.endpoint("s3")
		if got != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%s: %q, %v; want %q", row.partition, got, err, row.want)
		}
	}
}
