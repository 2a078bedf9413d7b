package main

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/testclients"
	"forcemfa/internal/testdepth"
)

// identify asks boto3 who it is; a refusal's code is printed.
const identify = `
import boto3
from botocore.exceptions import ClientError
try:
    print(boto3.client("sts").get_caller_identity()["Arn"])
except ClientError as e:
    print(e.response["Error"]["Code"], e)
`

func TestRealClientsReportAnExpiredSession(t *testing.T) {
	t.Parallel()
	testdepth.Need(t)
	testclients.Need(t, "aws", "boto3")
	cloud := sampleCloud(t)
	creds, err := cloud.AssumeAs(sample.Legacy, "ForceMFAAdministrator", "morning")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	defer server.Close()
	env := clientEnv(server.URL, creds)

	for _, client := range [][]string{{"aws", "sts", "get-caller-identity"}, {"python3", "-c", identify}} {
		if out := output(t, client, env); !strings.Contains(out, "assumed-role/ForceMFAAdministrator/morning") {
			t.Errorf("%s before: %s", client[0], out)
		}
	}
	cloud.Update(func(w *world.World) {
		s := *w.Session(creds.AccessKeyID)
		s.Expires = time.Now().Add(-time.Second)
		w.AddSession(&s)
	})
	for _, client := range [][]string{{"aws", "sts", "get-caller-identity"}, {"python3", "-c", identify}} {
		if out := output(t, client, env); !strings.Contains(out, "ExpiredToken") || !strings.Contains(out, "security token included in the request is expired") {
			t.Errorf("%s after: %s", client[0], out)
		}
	}
}

// sampleCloud is the sample organization at the time of the wall clock.
func sampleCloud(t *testing.T) *emulator.Cloud {
	t.Helper()
	header, accounts := sample.Organization()
	w, err := world.Load(header, func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return emulator.New(w, emulator.Options{Clock: time.Now})
}

// clientEnv is the environment of an AWS client that knows nothing but this.
func clientEnv(endpoint string, creds aws.Credentials) []string {
	return append(testclients.Environment(),
		"HOME="+os.TempDir(),
		"AWS_ENDPOINT_URL="+endpoint, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID="+creds.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+creds.SecretAccessKey, "AWS_SESSION_TOKEN="+creds.SessionToken,
	)
}

// output is what a client prints, whatever its exit status.
func output(t *testing.T, args, env []string) string {
	t.Helper()
	cmd := testclients.Command(t, args[0], args[1:]...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out) + err.Error()
	}
	return string(out)
}
