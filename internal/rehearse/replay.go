package rehearse

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/audit"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/impact"
	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// replay sends the recorded calls to the cloud before and after the plan.
func (r *rehearsal) replay(ctx context.Context, before, after *audited, unchanged *emulator.Cloud) error {
	if len(r.Replay) == 0 {
		return nil
	}
	calls, err := r.recorded(ctx, before)
	if err != nil {
		return err
	}
	r.Log(fmt.Sprintf("replaying %d kinds of recorded calls", len(calls)))
	enforced := map[string]bool{}
	for i := range after.users {
		enforced[after.users[i].ARN] = after.users[i].State == audit.Enforced
	}
	first, second := newReplayer(unchanged.Fork()), newReplayer(r.box.Cloud.Fork())
	out := &impact.Replay{Differences: []impact.ReplayDifference{}}
	for i, c := range sortedCalls(calls) {
		if err := ctx.Err(); err != nil {
			return err
		}
		out.Add(c, calls[c], first.send(ctx, c), second.send(ctx, c), enforced[c.User])
		r.Progress("calls replayed:", i, len(calls))
	}
	out.Sort()
	r.out.Replay = out
	return nil
}

// recorded are the kinds of calls of the log, judged by the plan.
func (r *rehearsal) recorded(ctx context.Context, before *audited) (map[impact.ReplayCall]int, error) {
	judge, err := impact.NewJudge(before.header, r.Baseline, r.Now())
	if err != nil {
		return nil, err
	}
	for _, id := range sortedKeys(before.accounts) {
		if err := judge.Add(before.accounts[id]); err != nil {
			return nil, err
		}
	}
	tally := judge.NewTally()
	log := trail.Log{Places: r.Replay, Workers: 1, Progress: func(done, total int) { r.Progress("log files read:", done, total) }}
	summary, err := log.Read(ctx, func() func(*trail.Call) { return tally.Add })
	if err != nil {
		return nil, err
	}
	for _, p := range summary.Problems {
		r.Log("not read: " + p.File + ": " + p.Why)
	}
	r.out.ReplayUnread = len(summary.Problems)
	return judge.ReplayCalls(tally)
}

func sortedCalls(calls map[impact.ReplayCall]int) []impact.ReplayCall {
	list := make([]impact.ReplayCall, 0, len(calls))
	for c := range calls {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b impact.ReplayCall) int {
		return cmp.Or(strings.Compare(a.User, b.User), strings.Compare(a.Key, b.Key), strings.Compare(a.Action, b.Action), strings.Compare(a.Name, b.Name), strings.Compare(a.Region, b.Region),
			strings.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	return list
}

// A replayer sends recorded calls as the users who made them.
type replayer struct {
	cloud    *emulator.Cloud
	client   *http.Client
	signer   *v4.Signer
	sessions map[string]aws.Credentials // by user, and whether with MFA
}

func newReplayer(cloud *emulator.Cloud) *replayer {
	return &replayer{cloud: cloud, client: &http.Client{Transport: cloud.Transport()}, signer: v4.NewSigner(), sessions: map[string]aws.Credentials{}}
}

// errNotSent says that a call cannot be sent as it was recorded.
var errNotSent = errors.New("not sent")

// send sends a call whose protocol names the operation. An answer before the call was
// authorized, such as a missing parameter, counts as not sent.
func (p *replayer) send(ctx context.Context, c impact.ReplayCall) impact.ReplayAnswer {
	service, _, _ := strings.Cut(c.Source, ".")
	if !namedByProtocol[service] {
		return impact.ReplayAnswer{Text: "the protocol of " + service + " does not name the operation"}
	}
	creds, err := p.credentials(ctx, c)
	if err != nil {
		return impact.ReplayAnswer{Text: err.Error()}
	}
	status, code, err := p.request(ctx, creds, service, c)
	switch {
	case err != nil:
		return impact.ReplayAnswer{Text: err.Error()}
	case status < 300:
		return impact.ReplayAnswer{Sent: true, Text: "success"}
	case (&trail.Call{ErrorCode: code}).Refused():
		return impact.ReplayAnswer{Sent: true, Refused: true, Text: code}
	case code == "NotImplemented": // the embedded AWS authorized it
		return impact.ReplayAnswer{Sent: true, Text: "authorized"}
	}
	return impact.ReplayAnswer{Text: code}
}

// credentials are those that the call was made with: the access key, or a session of it.
func (p *replayer) credentials(ctx context.Context, c impact.ReplayCall) (aws.Credentials, error) {
	key, serial := p.longTerm(c)
	switch {
	case c.Federated || key.AccessKeyID == "":
		return key, errNotSent
	case !c.Session:
		return key, nil
	}
	name := fmt.Sprint(c.User, " ", c.MFA)
	if creds, ok := p.sessions[name]; ok {
		if creds.AccessKeyID == "" {
			return creds, errNotSent
		}
		return creds, nil
	}
	in := &sts.GetSessionTokenInput{}
	if c.MFA {
		code := ""
		p.cloud.View(func(w *world.World) { code, _ = w.Code(serial, p.cloud.Now()) }) // empty without a device
		in.SerialNumber, in.TokenCode = &serial, &code
	}
	p.sessions[name] = aws.Credentials{}
	out, err := sts.NewFromConfig(p.cloud.Config(credentials.StaticCredentialsProvider{Value: key}, "us-east-1")).GetSessionToken(ctx, in)
	if err != nil {
		return aws.Credentials{}, errNotSent
	}
	p.sessions[name] = aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
	return p.sessions[name], nil
}

// longTerm is the recorded access key of a user, or another active one, and the serial
// number of a device that gives codes.
func (p *replayer) longTerm(c impact.ReplayCall) (key aws.Credentials, serial string) {
	user, err := arn.Parse(c.User)
	if err != nil {
		return key, ""
	}
	p.cloud.View(func(w *world.World) {
		a := w.Account(user.Account)
		if a == nil || a.Users[world.Fold(user.Name())] == nil {
			return
		}
		for _, k := range a.Users[world.Fold(user.Name())].Keys {
			if k.Active && (key.AccessKeyID == "" || k.ID == c.Key) {
				key = aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret}
			}
		}
		for _, d := range a.DevicesOf(a.Users[world.Fold(user.Name())].Name) {
			if d.Kind.GivesCodes() && serial == "" {
				serial = d.Serial
			}
		}
	})
	return key, serial
}

// request sends a signed request and returns the status and the error code.
func (p *replayer) request(ctx context.Context, creds aws.Credentials, service string, c impact.ReplayCall) (status int, code string, err error) {
	kind, target, body := bodyOf(service, c)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+service+"."+c.Region+".amazonaws.com/", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", kind)
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	sum := sha256.Sum256(body)
	if err := p.signer.SignHTTP(ctx, creds, r, hex.EncodeToString(sum[:]), service, c.Region, time.Now()); err != nil {
		return 0, "", err
	}
	out, err := p.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, 1<<20))
	if m := errorCode.FindSubmatch(text); m != nil {
		code = string(m[1]) + string(m[2])
	}
	return out.StatusCode, code[strings.LastIndexByte(code, '#')+1:], err
}

// errorCode finds the code of an error in XML or JSON.
var errorCode = regexp.MustCompile(`<Code>([^<]*)</Code>|"__type":\s*"([^"]*)"`)

// bodyOf is a request with the parameters that a record has for it.
func bodyOf(service string, c impact.ReplayCall) (kind, target string, body []byte) {
	if version, ok := queryVersions[service]; ok {
		form := url.Values{"Action": {c.Name}, "Version": {version}}
		if c.Role != "" {
			form.Set("RoleArn", c.Role)
			form.Set("RoleSessionName", "replay")
		}
		return "application/x-www-form-urlencoded; charset=utf-8", "", []byte(form.Encode())
	}
	return "application/x-amz-json-1.1", cmp.Or(targets[service], service) + "." + c.Name, []byte("{}")
}

// queryVersions are the API versions of services that the embedded AWS serves in the query
// protocol, targets the names of those that it serves in JSON. Other services are
// authorized in either protocol.
var (
	queryVersions = map[string]string{
		"iam": "2010-05-08", "sts": "2011-06-15", "ec2": "2016-11-15", "cloudformation": "2010-05-15", "monitoring": "2010-08-01",
	}
	targets = map[string]string{
		"organizations": "AWSOrganizationsV20161128", "dynamodb": "DynamoDB_20120810", "events": "AWSEvents", "sqs": "AmazonSQS", "logs": "Logs_20140328",
		"cloudtrail": "CloudTrail_20131101",
	}
)

// namedByProtocol are the services whose requests name the operation, by the prefix of
// their events: query, EC2 and JSON protocols.
// Source: the API models of the AWS SDKs, "protocol".
var namedByProtocol = func() map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(`acm acm-pca application-autoscaling applicationinsights apprunner appstream athena autoscaling autoscaling-plans b2bi backup-gateway
		bcm-data-exports billing budgets cassandra ce cloud9 cloudcontrolapi cloudformation cloudhsm cloudtrail codebuild codecommit codeconnections codedeploy codepipeline
		codestar-connections cognito-identity cognito-idp comprehend config cost-optimization-hub cur datapipeline datasync dax devicefarm directconnect discovery dms ds
		dynamodb ec2 ec2-instance-connect ecr ecr-public ecs elasticache elasticbeanstalk elasticloadbalancing elasticmapreduce events evs firehose fms forecast frauddetector
		freetier fsx globalaccelerator glue health healthlake iam identitystore importexport inspector invoicing iotfleetwise kendra kinesis kinesisanalytics kms
		license-manager lightsail logs lookoutequipment machinelearning memorydb mgh monitoring network-firewall odb organizations pcs pi pricing proton rds redshift
		redshift-data redshift-serverless rekognition route53domains route53resolver secretsmanager servicediscovery servicequotas shield sns sqs ssm ssm-contacts sso states
		storagegateway sts support swf tagging textract timestream timestream-influxdb transcribe transfer translate verifiedpermissions voiceid waf waf-regional wafv2 workmail
		workspaces`) {
		set[name] = true
	}
	return set
}()
