package audit

import (
	"cmp"
	"fmt"
	"strings"

	"forcemfa/policy"
)

// A Rank orders users by what their example request can do, the worst first.
type Rank int

// Exploitable reports whether the request of the example succeeds today.
func (r Rank) Exploitable() bool { return r < notExploitable }

// The ranks.
const (
	administersItself Rank = iota
	administersOthers
	assumesRole
	readsData
	callsOther
	notExploitable
	undecided
	excepted
	enforced
)

// effects say what one action does. %s is the last part of the resource's ARN.
// Source: Service Authorization Reference.
var effects = map[string]struct {
	rank Rank
	text string
}{
	"iam:AttachUserPolicy":          {administersOthers, "attach policies to user %s"},
	"iam:PutUserPolicy":             {administersOthers, "write policies of user %s"},
	"iam:AddUserToGroup":            {administersOthers, "add users to group %s"},
	"iam:AttachGroupPolicy":         {administersOthers, "attach policies to group %s"},
	"iam:PutGroupPolicy":            {administersOthers, "write policies of group %s"},
	"iam:CreatePolicyVersion":       {administersOthers, "rewrite policy %s"},
	"iam:SetDefaultPolicyVersion":   {administersOthers, "change the version in force of policy %s"},
	"iam:CreateAccessKey":           {administersOthers, "create access keys of user %s"},
	"iam:CreateLoginProfile":        {administersOthers, "set a console password for user %s"},
	"iam:UpdateLoginProfile":        {administersOthers, "change the console password of user %s"},
	"iam:DeactivateMFADevice":       {administersOthers, "deactivate the MFA device of user %s"},
	"iam:EnableMFADevice":           {administersOthers, "enable an MFA device for user %s"},
	"iam:UpdateAssumeRolePolicy":    {administersOthers, "change who can assume role %s"},
	"iam:AttachRolePolicy":          {administersOthers, "attach policies to role %s"},
	"iam:PutRolePolicy":             {administersOthers, "write policies of role %s"},
	"iam:CreateUser":                {administersOthers, "create users"},
	"iam:CreateRole":                {administersOthers, "create roles"},
	"sts:AssumeRole":                {assumesRole, "assume role %s"},
	"secretsmanager:GetSecretValue": {readsData, "read secret %s"},
	"ssm:GetParameter":              {readsData, "read parameter %s"},
	"dynamodb:GetItem":              {readsData, "read table %s"},
	"dynamodb:Scan":                 {readsData, "read table %s"},
	"kms:Decrypt":                   {readsData, "decrypt data with key %s"},
	"logs:GetLogEvents":             {readsData, "read log events"},
	"sqs:ReceiveMessage":            {readsData, "read messages of queue %s"},
	"kinesis:GetRecords":            {readsData, "read stream %s"},
	"rds-db:connect":                {readsData, "connect to a database"},
	"s3:ListAllMyBuckets":           {readsData, "list all buckets"},
}

// Worst is what an attacker who holds the credential of the example can do, as in
// "administer account prod"; empty without an example.
func (u *User) Worst() string {
	if u.Example == nil {
		return ""
	}
	text, _ := u.effect()
	return text
}

// effect is what the example request does, with its rank.
func (u *User) effect() (string, Rank) {
	e := u.Example
	own := strings.EqualFold(e.Resource, u.ARN)
	d, known := effects[e.Action]
	account := "account " + cmp.Or(u.AccountName, u.Account)
	switch {
	case own && len(e.Keys) == 0 && u.Boundary == "" && (e.Action == "iam:AttachUserPolicy" || e.Action == "iam:PutUserPolicy"):
		return "administer " + account, administersItself
	case own && known && d.rank == administersOthers:
		return fmt.Sprintf(d.text, tail(e.Resource)) + ", its own, in " + account, callsOther - ownRights(e.Action)
	case e.Action == "s3:GetObject" && e.Resource == "*":
		return "read all objects in S3", readsData
	case e.Action == "s3:GetObject" || e.Action == "s3:ListBucket":
		return "read objects of bucket " + bucketOf(e.Resource), readsData
	case known && strings.Contains(d.text, "%s"):
		return fmt.Sprintf(d.text, tail(e.Resource)) + " in account " + accountOf(e.Resource, u), d.rank
	case known:
		return d.text + " in " + account, d.rank
	}
	return "call " + e.Action + " in " + account, callsOther
}

// ownRights is how much worse than another call it is that a user changes its own
// permissions; its own credentials only replace what an attacker already has.
func ownRights(action string) Rank {
	if action == "iam:AttachUserPolicy" || action == "iam:PutUserPolicy" {
		return callsOther - administersOthers
	}
	return 0
}

// Rank is the rank of the user.
func (u *User) Rank() Rank {
	switch {
	case u.State == Enforced:
		return enforced
	case u.State == Exempt:
		return excepted
	case u.State == Unknown || u.Example == nil:
		return undecided
	case u.NotExploitable:
		return notExploitable
	}
	_, r := u.effect()
	return r
}

// user is the open user that the finding is about.
func (f *Finding) user() *User {
	return &User{ARN: f.ARN, Account: f.Account, AccountName: f.AccountName, State: Open, Example: f.Example}
}

// Rank is the rank of the user that the finding is about, by its example.
func (f *Finding) Rank() Rank { return f.user().Rank() }

// NotRead are the policies that forcemfa does not read. They only refuse, so no user is
// enforced because of them, and an example request may be refused by one.
var NotRead = []string{"resource control policies of other accounts", "VPC endpoint policies"}

// AboutNotRead says what NotRead means for the examples of a run, without a full stop.
func AboutNotRead() string {
	return strings.Join(NotRead, " and ") + " were not read; they may refuse an example request"
}

// Words is What, and for a user that can act without MFA what a credential alone can do.
func (f *Finding) Words() string {
	if f.Rule != "user-open" || f.Example == nil || f.Severity == Medium { // medium: nothing allows it today
		return f.What
	}
	u := f.user()
	format := "the %s alone can %s (%s)"
	if f.Severity == High { // the user has no credential
		format = "a new %s alone could %s (%s)"
	}
	return fmt.Sprintf(format, u.With(), u.Worst(), f.Example.Action)
}

// Meaning is what the state of the user means for its credentials, in a few words.
func (u *User) Meaning() string {
	switch {
	case u.State == Enforced:
		return "nothing except enroll a device"
	case u.State == Exempt:
		return u.Exemption
	case u.State == Unknown || u.Example == nil:
		return u.Why
	case u.NotExploitable:
		return "nothing today, because " + u.Hindrance() + "; MFA is not required for " + u.Example.Action
	}
	return u.Worst()
}

// Hindrance is what refuses the example of a user who is not exploitable today. Runs of
// earlier versions do not say it.
func (u *User) Hindrance() string { return cmp.Or(u.Obstacle, "no policy allows it") }

// With is the credential of the example request, as people call it.
func (u *User) With() string {
	if u.Example.Credential == policy.ConsolePassword {
		return "console password"
	}
	return "access key"
}

func bucketOf(arn string) string {
	name, _, _ := strings.Cut(resourceOf(arn), "/")
	return name
}

// resourceOf is the resource part of an ARN.
func resourceOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return parts[len(parts)-1]
}

// tail is the last part of an ARN.
func tail(arn string) string {
	return arn[strings.LastIndexAny(arn, "/:")+1:]
}

// accountOf is the account of a resource: that of the user by its name.
func accountOf(resource string, u *User) string {
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 || parts[4] == "" || parts[4] == u.Account {
		return cmp.Or(u.AccountName, u.Account)
	}
	return parts[4]
}
