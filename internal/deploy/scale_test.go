package deploy_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"golang.org/x/time/rate"

	"forcemfa/internal/collect"
	"forcemfa/internal/fleet"
)

var (
	scaleAccounts = flag.Int("scale.accounts", 120, "accounts of the simulated organization")
	scaleUsers    = flag.Int("scale.users", 100, "users of each of them")
	scaleAtOnce   = flag.Int("scale.concurrency", 50, "accounts that are read at once")
)

// The request rates of the simulated AWS: those of Organizations and STS as they
// are documented, and one for IAM, whose own AWS does not publish.
// Source: AWS Organizations User Guide, "Quotas"; IAM User Guide, "IAM and STS
// quotas".
var rates = map[string]struct {
	perSecond rate.Limit
	burst     int
}{
	"ListAccounts": {8, 12}, "ListOrganizationalUnitsForParent": {5, 8}, "ListRoots": {1, 2}, "DescribeOrganization": {1, 2},
	"ListDelegatedAdministrators": {5, 8}, "ListPolicies": {5, 8}, "ListTargetsForPolicy": {5, 8}, "DescribePolicy": {2, 2}, "sts": {600, 600}, "iam": {20, 100},
}

// latency is how long the simulated AWS takes to answer.
const latency = 60 * time.Millisecond

// A crowd is an organization of equal accounts that responds with AWS's latency
// and throttles like AWS.
type crowd struct {
	accounts int
	body     map[string]string // answer by action
	mu       sync.Mutex
	buckets  map[string]*rate.Limiter
	calls    map[string]int
	refused  int
}

func (c *crowd) Do(r *http.Request) (*http.Response, error) {
	action, form := c.action(r)
	time.Sleep(latency)
	switch allowed := c.allow(action, r); {
	case !allowed && r.Header.Get("X-Amz-Target") != "":
		return reply(r, http.StatusBadRequest, `{"__type":"TooManyRequestsException","Message":"You have exceeded the rate"}`), nil
	case !allowed:
		return reply(r, http.StatusBadRequest, `<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`), nil
	}
	switch action {
	case "ListAccounts":
		return reply(r, http.StatusOK, c.page(form.Get("NextToken"), "Accounts", func(id string) any {
			return map[string]any{"Id": id, "Name": "account " + id, "State": "ACTIVE", "Paths": []string{"o-scale00000/r-scal/" + id + "/"}}
		})), nil
	case "ListTargetsForPolicy": // FullAWSAccess is attached to every account
		return reply(r, http.StatusOK, c.page(form.Get("NextToken"), "Targets", func(id string) any {
			return map[string]any{"TargetId": id, "Type": "ACCOUNT"}
		})), nil
	case "AssumeRole":
		id := strings.Split(form.Get("RoleArn"), ":")[4]
		return reply(r, http.StatusOK, strings.ReplaceAll(c.body[action], "ACCOUNT", id)), nil
	}
	text, ok := c.body[action]
	if !ok {
		return nil, fmt.Errorf("nobody expected %s", action)
	}
	return reply(r, http.StatusOK, text), nil
}

func reply(r *http.Request, status int, text string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}
}

// action is the operation that a request is for, in either protocol, with its
// parameters.
func (c *crowd) action(r *http.Request) (string, url.Values) {
	body, _ := io.ReadAll(r.Body)
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		var in struct{ NextToken string }
		_ = json.Unmarshal(body, &in)
		return target[strings.LastIndex(target, ".")+1:], url.Values{"NextToken": {in.NextToken}}
	}
	form, _ := url.ParseQuery(string(body))
	return form.Get("Action"), form
}

// allow takes a token from the bucket of the request: of an operation of
// Organizations, of STS, or of IAM in one account.
func (c *crowd) allow(action string, r *http.Request) bool {
	credential := r.Header.Get("Authorization")
	_, credential, _ = strings.Cut(credential, "Credential=")
	scope := strings.Split(credential, "/") // key/date/region/service/…
	kind, bucket := action, action
	if len(scope) > 3 && scope[3] != "organizations" {
		kind, bucket = scope[3], scope[3]+scope[0]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[action]++
	b := c.buckets[bucket]
	if b == nil {
		limit, ok := rates[kind]
		if !ok {
			return true
		}
		b = rate.NewLimiter(limit.perSecond, limit.burst)
		c.buckets[bucket] = b
	}
	if !b.Allow() {
		c.refused++
		return false
	}
	return true
}

// page is what of says of twenty accounts, as many as Organizations gives at most.
func (c *crowd) page(token, list string, of func(id string) any) string {
	from := 0
	_, _ = fmt.Sscan(token, &from)
	var members []any
	for i := from; i < min(from+20, c.accounts); i++ {
		members = append(members, of(fmt.Sprintf("%012d", 100000000000+i)))
	}
	out := map[string]any{list: members}
	if from+20 < c.accounts {
		out["NextToken"] = fmt.Sprint(from + 20)
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return string(text)
}

const scaleHome = "100000000000"

func newCrowd(accounts, users int) *crowd {
	c := &crowd{accounts: accounts, buckets: map[string]*rate.Limiter{}, calls: map[string]int{}}
	wrap := func(action, text string) string {
		return "<" + action + "Response><" + action + "Result>" + text + "</" + action + "Result></" + action + "Response>"
	}
	c.body = map[string]string{
		"DescribeOrganization":             `{"Organization":{"Id":"o-scale00000","MasterAccountId":"` + scaleHome + `","FeatureSet":"ALL"}}`,
		"ListDelegatedAdministrators":      `{"DelegatedAdministrators":[]}`,
		"ListRoots":                        `{"Roots":[{"Id":"r-scal","Name":"Root","PolicyTypes":[{"Type":"SERVICE_CONTROL_POLICY","Status":"ENABLED"}]}]}`,
		"ListPolicies":                     `{"Policies":[{"Id":"p-FullAWSAccess","Name":"FullAWSAccess","AwsManaged":true}]}`,
		"DescribePolicy":                   `{"Policy":{"Content":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}}`,
		"ListOrganizationalUnitsForParent": `{"OrganizationalUnits":[]}`,
		"GetCallerIdentity":                wrap("GetCallerIdentity", "<Account>"+scaleHome+"</Account><Arn>arn:aws:sts::"+scaleHome+":assumed-role/Admin/s</Arn>"),
		"AssumeRole": wrap("AssumeRole", "<Credentials><AccessKeyId>ASIAACCOUNT</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken><Expiration>2000-01-01T01:00:00Z</Expiration></Credentials>"+
			"<AssumedRoleUser><Arn>arn:aws:sts::ACCOUNT:assumed-role/R/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser>"),
		"GetAccountSummary":        wrap("GetAccountSummary", "<SummaryMap><entry><key>Users</key><value>"+fmt.Sprint(users)+"</value></entry></SummaryMap>"),
		"ListAccountAliases":       wrap("ListAccountAliases", "<IsTruncated>false</IsTruncated><AccountAliases/>"),
		"ListVirtualMFADevices":    wrap("ListVirtualMFADevices", "<IsTruncated>false</IsTruncated><VirtualMFADevices/>"),
		"GenerateCredentialReport": wrap("GenerateCredentialReport", "<State>COMPLETE</State>"),
	}
	var people, report strings.Builder
	report.WriteString("user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n")
	for i := range users {
		arn := fmt.Sprintf("arn:aws:iam::%s:user/person%d", scaleHome, i)
		fmt.Fprintf(&people, "<member><Path>/</Path><UserName>person%d</UserName><UserId>AIDA%d</UserId><Arn>%s</Arn><CreateDate>1999-01-01T00:00:00Z</CreateDate>"+
			"<GroupList><member>Engineers</member></GroupList><AttachedManagedPolicies/><Tags/></member>", i, i, arn)
		fmt.Fprintf(&report, "person%d,%s,1999-01-01T00:00:00+00:00,true,N/A,1999-01-01T00:00:00+00:00,N/A,false,true,1999-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n", i, arn)
	}
	c.body["GetAccountAuthorizationDetails"] = wrap("GetAccountAuthorizationDetails", "<IsTruncated>false</IsTruncated><UserDetailList>"+people.String()+"</UserDetailList>"+
		"<GroupDetailList><member><Path>/</Path><GroupName>Engineers</GroupName><GroupId>AGPA1</GroupId><Arn>arn:aws:iam::"+scaleHome+":group/Engineers</Arn></member></GroupDetailList><RoleDetailList/><Policies/>")
	c.body["GetCredentialReport"] = wrap("GetCredentialReport", "<Content>"+base64.StdEncoding.EncodeToString([]byte(report.String()))+"</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>2000-01-01T00:00:00Z</GeneratedTime>")
	return c
}

// TestAnOrganizationIsReadAsFastAsTheRatesAllow reads a whole organization
// through the real SDK, fleet and collector on a clock of its own. By default it
// is a small one; docs/scale.md has the figures of -scale.accounts 10000.
func TestAnOrganizationIsReadAsFastAsTheRatesAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(*scaleAccounts, *scaleUsers)
		f, err := fleet.New(aws.Config{Region: "us-east-1", HTTPClient: c, Credentials: credentials.NewStaticCredentialsProvider("AKIA"+scaleHome, "x", "")},
			fleet.Options{Concurrency: *scaleAtOnce})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, stream, err := collect.Run(t.Context(), f, collect.Options{})
		if err != nil {
			t.Fatal(err)
		}
		discovered := time.Since(began)
		people, peak := 0, uint64(0)
		for a, err := range stream {
			if err != nil || !a.Read || len(a.Gaps) > 0 {
				t.Fatalf("account %s: %v %v", a.ID, err, a.Gaps)
			}
			if people += len(a.Users); people%(100**scaleUsers) == 0 {
				peak = max(peak, live())
			}
		}
		wall := time.Since(began)
		if people != *scaleAccounts**scaleUsers {
			t.Errorf("%d users were read, want %d", people, *scaleAccounts**scaleUsers)
		}
		least := c.least()
		t.Logf("%d accounts, %d users: %v (%v to list them), the rates allow %v; %d calls, %d throttled; %d MB live", *scaleAccounts, people, wall.Round(time.Second), discovered.Round(time.Second), least.Round(time.Second), f.Calls(), c.refused, peak>>20)
		for action, n := range c.calls {
			t.Logf("%8d %s", n, action)
		}
		if wall > least*12/10 || wall < least*8/10 {
			t.Errorf("it took %v, where the rates allow %v", wall, least)
		}
		if c.refused > 0 {
			t.Errorf("%d of %d calls were throttled: the fleet goes faster than AWS takes", c.refused, f.Calls())
		}
	})
}

// live returns the memory in use after a garbage collection.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// least is what the rates and the latency allow: the list of the accounts, eight
// pages a second after a burst of twelve, and beside it that of the policy's
// targets, five after eight; then a session an account at the fleet's pace of STS,
// a hundred a second after five hundred, or, where that is slower, so many accounts
// at once with their calls one after the other.
func (c *crowd) least() time.Duration {
	seconds := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	before, between, each := 0, 0, 0
	for action, n := range c.calls {
		switch action {
		case "ListAccounts", "ListTargetsForPolicy":
		case "GetCallerIdentity", "DescribeOrganization":
			before += n
		case "ListDelegatedAdministrators", "ListRoots", "ListOrganizationalUnitsForParent", "ListPolicies", "DescribePolicy":
			between += n
		default:
			each += n
		}
	}
	pages := func(action string, perSecond, burst float64) time.Duration {
		n := c.calls[action]
		return max(seconds((float64(n)-burst)/perSecond), time.Duration(n)*latency)
	}
	list := time.Duration(before)*latency + max(pages("ListAccounts", 8, 12), latency+time.Duration(between)*latency+pages("ListTargetsForPolicy", 5, 8))
	sessions := seconds(float64(c.accounts-500) / 100)
	reading := time.Duration(each) * latency / time.Duration(min(*scaleAtOnce, c.accounts))
	return list + max(sessions, reading)
}
