package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/notices"
	"forcemfa/internal/notify"
)

// Messages that SES accepted are recorded one by one; a refused one is reported, and not
// recorded.
func TestSentNoticesAreRecorded(t *testing.T) {
	var bodies []string
	ses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "refused@example.com") {
			http.Error(w, `{"message":"Address blacklisted"}`, http.StatusBadRequest)
			return
		}
		bodies = append(bodies, string(body))
	}))
	defer ses.Close()
	mailer, err := notify.OpenMailer(aws.Config{Region: "eu-west-1", BaseEndpoint: &ses.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")},
		notify.Options{MailIdentity: "arn:aws:ses:eu-west-1:111111111111:identity/example.com", MailFrom: "forcemfa@example.com", MailTo: "secops@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	due := []letter{
		{&notices.Notice{File: "people/ada", Subject: "MFA", To: notices.Recipient{Address: "ada@example.com"}}, "text"},
		{&notices.Notice{File: "people/bob", Subject: "MFA", To: notices.Recipient{Address: "refused@example.com"}}, "text"},
	}
	o := &noticesOptions{Flags: organization.Flags{Output: command.Output{Env: &command.Env{Stderr: io.Discard, Stdout: io.Discard}, Quiet: true}}, out: t.TempDir()}
	o.Env.Now = time.Now
	w := &written{options: o}
	status, err := w.deliver(t.Context(), mailer, due)
	if err != nil || status != command.StatusIncomplete || w.sent != 1 || len(w.failed) != 1 || !strings.Contains(w.failed[0], "people/bob: refused by SES") {
		t.Errorf("status %d, error %v, %d sent, failed %q", status, err, w.sent, w.failed)
	}
	if len(bodies) != 1 || !strings.Contains(bodies[0], `"ToAddresses":["ada@example.com"]`) || strings.Contains(bodies[0], "secops@") {
		t.Errorf("sent %q", bodies)
	}
	sent, err := readSent(filepath.Join(o.out, sentName))
	if err != nil || len(sent) != 1 || !sent[due[0].hash()] {
		t.Errorf("recorded %v, error %v", sent, err)
	}
	record, err := os.OpenFile(filepath.Join(o.out, sentName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := record.WriteString(`{"at":"2027`); err != nil { // a run that was killed
		t.Fatal(err)
	}
	_ = record.Close()
	eve := letter{&notices.Notice{File: "people/eve", Subject: "MFA", To: notices.Recipient{Address: "eve@example.com"}}, "text"}
	if _, err := w.deliver(t.Context(), mailer, []letter{eve}); err != nil {
		t.Fatal(err)
	}
	if sent, err = readSent(filepath.Join(o.out, sentName)); err != nil || len(sent) != 2 || !sent[eve.hash()] {
		t.Errorf("after a damaged line: recorded %v, error %v", sent, err)
	}
	changed := letter{due[0].Notice, "another text"}
	if sent[changed.hash()] {
		t.Error("a changed message counts as sent")
	}
}
