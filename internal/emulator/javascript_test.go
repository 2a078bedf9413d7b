package emulator

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/testclients"
)

// The SDK for JavaScript: exceptions by class, paginators, waiters, devices, sessions with
// a code, keys with unusual characters, streams, presigned URLs, and calls at the same time.
func TestSDKForJavaScriptWorks(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "node", "@aws-sdk/client-iam", "@aws-sdk/client-organizations", "@aws-sdk/client-s3", "@aws-sdk/client-sts", "@aws-sdk/credential-providers", "@aws-sdk/s3-request-presigner")
	p := clientAs(t, listen(t, newCloud(t, Options{})), keyOf("alice"), "secret of alice", "")
	p.env = append(p.env, "NODE_PATH="+testclients.NodeModules())
	stdout, stderr := p.run("node", "testdata/client.cjs", world.BucketName(member))
	want := []string{
		`caller "arn:aws:iam::222222222222:user/alice"`,
		`users ["alice","bob","fay"]`,
		`details 3`,
		`nobody [true,"The user with name nobody cannot be found.",404,true]`,
		`create [{"Key":"team","Value":"ü + b"}]`,
		`again true`,
		`wait "SUCCESS"`,
		`created true`,
		`png "PNG"`,
		`enable 200`,
		`wrong code ["STSServiceException","AccessDenied",403]`,
		`session ["arn:aws:iam::222222222222:user/js/eve",true]`,
		`wrong secret ["STSServiceException","SignatureDoesNotMatch",403]`,
		`accounts ["AccessDeniedException","AccessDeniedException",400]`,
		`account [false,"AccessDeniedException"]`,
		`put "\"30f3c93e46436deb58ba70816a8ec124\""`,
		`stream "\"e2fc714c4727ee9395f324cd2e7f331f\""`,
		`get "the quick brown fox"`,
		`head 19`,
		`none true`,
		`no bucket [true,"NoSuchBucket"]`,
		`list ["a dir/ü+x&<.txt","orders.csv","s"]`,
		`url "the quick brown fox"`,
		`delete 204`,
		`many 1`,
		`gone ["DeleteConflictException","DeleteConflictException",409]`,
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(stdout), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, stderr)
	}
}
