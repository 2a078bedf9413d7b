package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"forcemfa/policy/arn"
)

// mail sends summaries as e-mail through Amazon SES. It signs the one request that it
// needs itself: the client of SES would initialize in every start of the program.
// Source: Amazon SES API v2 Reference, SendEmail.
type mail struct {
	*retrier
	credentials aws.CredentialsProvider
	options     *Options
	region      string
	endpoint    string
}

func newMail(cfg aws.Config, o *Options, c *retrier) *mail {
	cfg = regional(cfg, o.MailIdentity)
	m := &mail{retrier: c, credentials: cfg.Credentials, options: o, region: cfg.Region}
	a, _ := arn.Parse(o.MailIdentity) // checked
	partition, _ := arn.LookupPartition(a.Partition)
	m.endpoint = "https://email." + cfg.Region + "." + partition.DNSSuffix
	if cfg.BaseEndpoint != nil {
		m.endpoint = strings.TrimSuffix(*cfg.BaseEndpoint, "/")
	}
	return m
}

func (m *mail) Name() string { return "mail" }

// mostSubjectOfMail keeps a subject on one line of a list.
const mostSubjectOfMail = 150

type (
	mailContent struct {
		Data    string
		Charset string
	}
	mailRequest struct {
		FromEmailAddress string
		Destination      struct{ ToAddresses []string }
		Content          struct {
			Simple struct {
				Subject mailContent
				Body    struct{ Text mailContent }
			}
		}
	}
)

// Send sends the summary as one message in plain text.
func (m *mail) Send(ctx context.Context, d *Summary) error {
	var to []string
	for _, address := range strings.Split(m.options.MailTo, ",") {
		to = append(to, strings.TrimSpace(address))
	}
	return m.send(ctx, to, clip(d.headline(), mostSubjectOfMail, "…"), snsText(d))
}

func (m *mail) send(ctx context.Context, to []string, subject, text string) error {
	var r mailRequest
	r.FromEmailAddress, r.Destination.ToAddresses = m.options.MailFrom, to
	r.Content.Simple.Subject = mailContent{subject, "UTF-8"}
	r.Content.Simple.Body.Text = mailContent{text, "UTF-8"}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	return m.deliver(ctx, func(ctx context.Context) (*http.Request, error) { return m.signed(ctx, body) }, func(a *response) result {
		if v, done := m.commonStatus("SES", a); done {
			return v
		}
		if a.status == http.StatusOK {
			return result{}
		}
		return result{err: fmt.Errorf("refused by SES: %s (HTTP %d); not retried", quote(a.body), a.status)}
	})
}

// A Mailer sends single messages through the mail channel of the options, to people
// instead of to its recipients.
type Mailer struct{ mail *mail }

// OpenMailer opens the mail channel. It makes no request.
func OpenMailer(cfg aws.Config, o Options) (*Mailer, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	if o.MailIdentity == "" {
		return nil, errors.New("notify: mail: no identity is configured")
	}
	return &Mailer{newMail(cfg, &o, o.newRetrier())}, nil
}

// Send sends one message in plain text to one address.
func (m *Mailer) Send(ctx context.Context, to, subject, text string) error {
	return m.mail.send(ctx, []string{to}, clip(subject, mostSubjectOfMail, "…"), text)
}

func (m *mail) signed(ctx context.Context, body []byte) (*http.Request, error) {
	if m.credentials == nil {
		return nil, errors.New("no AWS credentials")
	}
	keys, err := m.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the AWS credentials: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.endpoint+"/v2/email/outbound-emails", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, request, hex.EncodeToString(sum[:]), "ses", m.region, m.now()); err != nil {
		return nil, fmt.Errorf("sign the request: %w", err)
	}
	return request, nil
}
