// Package document holds the policy documents that forcemfa wants in AWS: the
// ForceMFA policy, the service control policies and the policies of cross-account
// access. They are made from data, [Options], and know no config file.
//
// The choices of each option are exported, because the config file names them.
package document

import (
	"bytes"
	"embed"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed enroll.json full.json deny.json network.json signin.json age.json guard.json
var files embed.FS

// The statements that options edit.
const (
	denyAll    = "DenyAllExceptEnrollmentWithoutMFA"
	denyOthers = "DenyOthersMFAWithoutMFA"
	denyByKey  = "DenyEnrollmentByAccessKey"
)

// signinActions are what AWS Sign-In asks identity policies for before it
// grants a console session, where console authorization is enabled.
// Source: AWS Sign-In User Guide, "Console access control".
var signinActions = []string{"signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token"}

// SigninActions are the actions that console_authorization leaves open.
func SigninActions() []string { return slices.Clone(signinActions) }

// passwordActions are what a forced password change at the first sign-in
// needs; either alone does not suffice.
// Source: IAM User Guide, "AWS: Allows MFA-authenticated IAM users to manage
// their own credentials on the My security credentials page".
var passwordActions = []string{"iam:ChangePassword", "iam:GetAccountPasswordPolicy"}

// A document is a policy as the embedded files hold it.
type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid         string                     `json:",omitempty"`
	Effect      string                     `json:",omitempty"`
	Action      list                       `json:",omitempty"`
	NotAction   list                       `json:",omitempty"`
	Resource    list                       `json:",omitempty"`
	NotResource list                       `json:",omitempty"`
	Condition   map[string]map[string]list `json:",omitempty"`
}

// A list prints without brackets when it has one member, which is what counts
// against the size quotas.
type list []string

func (l list) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return json.Marshal(l[0])
	}
	return json.Marshal([]string(l))
}

func (l *list) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*l = make(list, 1)
		return json.Unmarshal(text, &(*l)[0])
	}
	return json.Unmarshal(text, (*[]string)(l))
}

// ForceMFA is the ForceMFA policy in a partition, without white space: what
// self_service grants, and the Denies. The same options give the same bytes.
func (o Options) ForceMFA(partition string) string {
	var statements []statement
	switch o.Policy.SelfService {
	case SelfServiceNone:
	case SelfServiceFull:
		statements = append(load("enroll.json"), load("full.json")...)
	default:
		statements = load("enroll.json")
	}
	return render(append(statements, o.denies()...), partition)
}

// Denies is the Denies of [Options.ForceMFA] alone, for a user with no room for
// all of it.
func (o Options) Denies(partition string) string {
	return render(o.denies(), partition)
}

// EnrollmentSet is the actions that the Denies leave open without MFA, sorted.
// Those that act on a user are open for the caller's own user alone.
func (o Options) EnrollmentSet() []string {
	i := slices.IndexFunc(o.denies(), func(s statement) bool { return s.Sid == denyAll })
	return slices.Clone(o.denies()[i].NotAction)
}

// denies are the Deny statements with the options applied.
func (o Options) denies() []statement {
	var out []statement
	for _, s := range load("deny.json") {
		switch s.Sid {
		case denyAll:
			o.widen(&s)
		case denyOthers:
			if o.Policy.PasswordChangeBeforeMFA {
				s.Action = sorted(append(s.Action, "iam:ChangePassword"))
			}
		case denyByKey:
			if o.Policy.Enrollment == EnrollmentAny {
				continue
			}
			s.Condition["Null"]["aws:PrincipalTag/"+o.WindowTag] = list{"true"}
		}
		out = append(out, s)
	}
	if len(o.Networks) > 0 && o.Policy.Enrollment != EnrollmentAny {
		elsewhere := load("network.json")
		put(elsewhere[0].Condition, "NotIpAddress", "aws:SourceIp", o.Networks...)
		out = append(out, elsewhere...)
	}
	if o.Policy.ConsoleAuthorization == ConsoleAuthorizationOn {
		// An access key, which may be stolen, gets no token; a session may.
		// Source: AWS Sign-In User Guide, "OAuth sign-in": CreateOAuth2Token
		// accepts requests that are signed with any credentials.
		out = append(out, load("signin.json")...)
	}
	if o.Policy.MaxSessionAge > 0 {
		out = append(out, o.age(out[0].NotAction)...)
	}
	return out
}

// widen leaves open what the options ask for.
func (o Options) widen(s *statement) {
	if o.Policy.PasswordChangeBeforeMFA {
		s.NotAction = append(s.NotAction, passwordActions...)
	}
	if o.Policy.ConsoleAuthorization == ConsoleAuthorizationOn {
		s.NotAction = append(s.NotAction, signinActions...)
	}
	s.NotAction = sorted(s.NotAction)
	o.exceptForwarded(s)
}

// age is the Deny of sessions whose code was given too long ago. IfExists: a
// request without MFA has no age, and is refused here too.
func (o Options) age(open list) []statement {
	statements := load("age.json")
	for i := range statements {
		s := &statements[i]
		s.NotAction = open
		s.Condition["NumericGreaterThanIfExists"]["aws:MultiFactorAuthAge"] =
			list{strconv.Itoa(int(o.Policy.MaxSessionAge / time.Second))}
		o.exceptForwarded(s)
	}
	return statements
}

// exceptForwarded limits a Deny to direct calls. A call that a service
// forwards may say that MFA was not used when it was; it exists only after a
// direct call of the same credential, which this Deny has seen.
// Source: IAM User Guide, "AWS global condition context keys",
// aws:MultiFactorAuthPresent, and "Forward access sessions".
func (o Options) exceptForwarded(s *statement) {
	if o.Policy.FAS == FASDeny {
		return
	}
	if s.Condition["BoolIfExists"] == nil {
		s.Condition["BoolIfExists"] = map[string]list{}
	}
	s.Condition["BoolIfExists"]["aws:ViaAWSService"] = list{"false"}
}

// load reads the statements of an embedded file, fresh for each caller.
func load(name string) []statement {
	text, err := files.ReadFile(name)
	if err != nil {
		panic("document: " + err.Error())
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var doc document
	if err := d.Decode(&doc); err != nil {
		panic("document: " + name + ": " + err.Error())
	}
	return doc.Statement
}

// render prints statements as a policy of a partition.
func render(statements []statement, partition string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(document{Version: "2012-10-17", Statement: statements}); err != nil {
		panic("document: " + err.Error())
	}
	text := strings.TrimSuffix(out.String(), "\n")
	return strings.ReplaceAll(text, `"arn:aws:`, `"arn:`+partition+`:`)
}

func sorted(l list) list {
	slices.Sort(l)
	return l
}
