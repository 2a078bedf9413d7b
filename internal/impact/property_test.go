package impact_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
	"forcemfa/policy"
)

// A random month: its calls, and how many of them the rolled-out policies refuse.
type randomMonth struct {
	r        *rand.Rand
	accounts []*org.Account
	baseline *baseline.Baseline
	after    map[string]*policy.Set // of each user, when the plan was applied
	calls    []trail.Call
	refused  map[string]int // by user
}

var randomActions = []string{
	"ec2:DescribeInstances", "ec2:RunInstances", "s3:ListBuckets", "iam:ListMFADevices", "iam:ListUsers", "iam:CreateAccessKey", "sts:GetCallerIdentity",
	"sts:GetSessionToken", "lambda:ListFunctions20150331", "monitoring:PutMetricData", "sqs:SendMessage", "kms:Decrypt", "newthing:DoIt",
}

// In 200 random organizations and months the forecast is what the policies of the
// rolled-out plan then refuse: the counts of every user, and by --check the outcome when
// the same month is sent again.
func TestTheForecastIsTheOutcomeOfRandomMonths(t *testing.T) {
	for seed := range uint64(200) {
		m := newRandomMonth(t, seed)
		judge := m.judge(t)
		tally := judge.NewTally()
		for i := range m.calls {
			tally.Add(&m.calls[i])
		}
		report, err := judge.Report(tally, trail.Summary{})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range report.Users {
			if u.Denied != m.refused[u.ARN] {
				t.Errorf("seed %d: %s: %d calls forecast, %d refused", seed, u.ARN, u.Denied, m.refused[u.ARN])
			}
		}
		again := judge.NewTally()
		for i := range m.calls {
			c := m.calls[i]
			if m.refuses(&c) {
				c.ErrorCode = "AccessDenied"
			}
			again.Add(&c)
		}
		if o, err := judge.Check(report, again); err != nil || o.Score.Misses+o.Score.Alarms+o.Score.Silent > 0 {
			t.Errorf("seed %d: %+v, %v", seed, o.Score, err)
		}
	}
}

func newRandomMonth(t *testing.T, seed uint64) *randomMonth {
	t.Helper()
	m := &randomMonth{r: rand.New(rand.NewPCG(seed, 7)), after: map[string]*policy.Set{}, refused: map[string]int{}}
	b, err := baseline.Parse("forcemfa.yaml", []byte("version: 1\nexemptions:\n  - match: {tag: \"exempt=yes\"}\n    owner: ops@example.com\n    reason: a program\n    expires: 2027-06-01\n"))
	if err != nil {
		t.Fatal(err)
	}
	m.baseline = b
	for n := range 1 + m.r.IntN(3) {
		m.account(fmt.Sprintf("%012d", 111122220000+n))
	}
	for range 20 + m.r.IntN(80) {
		m.call()
	}
	return m
}

// account adds an account with users; some are exempt.
func (m *randomMonth) account(id string) {
	a := &org.Account{ID: id, Partition: "aws", State: "ACTIVE", Read: true}
	for n := range 1 + m.r.IntN(5) {
		u := org.User{Name: fmt.Sprintf("user%d", n), Path: "/", ID: fmt.Sprintf("AIDA%s%d", id, n), Password: org.No, MFA: org.TriOf(m.r.IntN(2) == 0)}
		u.ARN = "arn:aws:iam::" + id + ":user/" + u.Name
		if m.r.IntN(4) == 0 {
			u.Tags = []org.Tag{{Key: "exempt", Value: "yes"}}
		}
		a.Users = append(a.Users, u)
		set := &policy.Set{Identity: []policy.Source{policy.ParseSource("own", policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}}
		if len(u.Tags) == 0 {
			set.Identity = append(set.Identity, policy.ParseSource("ForceMFA", policy.Identity, m.baseline.DenyDocument("aws")))
		}
		m.after[u.ARN] = set
	}
	m.accounts = append(m.accounts, a)
}

// call adds a random call of a random user.
func (m *randomMonth) call() {
	a := m.accounts[m.r.IntN(len(m.accounts))]
	u := &a.Users[m.r.IntN(len(a.Users))]
	c := call(randomActions[m.r.IntN(len(randomActions))], at(now.Add(-time.Duration(m.r.IntN(30*24*3600))*time.Second)))
	c.Account, c.Caller = a.ID, trail.Caller{Type: "IAMUser", ARN: u.ARN, Account: a.ID, Key: "AKIA" + u.Name, User: u.Name}
	switch m.r.IntN(6) {
	case 0:
		session("true")(&c)
	case 1:
		session("false")(&c)
	case 2:
		forwarded(&c)
	}
	switch m.r.IntN(6) {
	case 0:
		c.ErrorCode = "AccessDenied"
	case 1:
		c.ErrorCode = "ThrottlingException"
	}
	m.calls = append(m.calls, c)
	if c.Caller.InvokedBy == "" && c.ErrorCode != "AccessDenied" && m.refuses(&c) {
		m.refused[u.ARN]++
	}
}

// refuses decides a call by all policies of the user after the roll-out.
func (m *randomMonth) refuses(c *trail.Call) bool {
	action := map[string]string{"s3:ListBuckets": "s3:ListAllMyBuckets", "lambda:ListFunctions20150331": "lambda:ListFunctions", "monitoring:PutMetricData": "cloudwatch:PutMetricData"}
	name := c.Source[:len(c.Source)-len(".amazonaws.com")] + ":" + c.Name
	if iam := action[name]; iam != "" {
		name = iam
	}
	if name == "sts:GetCallerIdentity" || name == "sts:GetSessionToken" || c.Caller.InvokedBy != "" {
		return false // no policy can deny these; forwarded calls pass by default
	}
	x, when := new(policy.Context), time.Unix(c.Time, 0)
	x.Set("aws:username", c.Caller.User)
	x.Set("aws:PrincipalArn", c.Caller.ARN)
	x.Set("aws:ViaAWSService", "false")
	switch {
	case !c.Caller.Session:
		x.SetMFA(policy.LongTermKey, policy.Absent, when, when)
	case c.Caller.MFA == "true":
		x.SetMFA(policy.SessionTokenMFA, policy.True, when.Add(-time.Minute), when)
	default:
		x.SetMFA(policy.SessionToken, policy.False, when, when)
	}
	r := &policy.Request{Principal: policy.Principal{Kind: policy.IAMUser, Account: c.Caller.Account, ARN: c.Caller.ARN}, Action: name, Resource: c.Caller.ARN, Context: x}
	return m.after[c.Caller.ARN].Decide(r).Verdict == policy.ExplicitDenied
}

func (m *randomMonth) judge(t *testing.T) *impact.Judge {
	t.Helper()
	j := judgeOf(t, &org.Header{Partition: "aws"}, m.baseline)
	for _, a := range m.accounts {
		if err := j.Add(a); err != nil {
			t.Fatal(err)
		}
	}
	return j
}
