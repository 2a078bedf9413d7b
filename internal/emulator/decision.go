package emulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// Decisions about a request. The first three are the names of AWS's policy simulator.
const (
	Allowed         = "allowed"
	ExplicitDeny    = "explicitDeny"
	ImplicitDeny    = "implicitDeny"
	Undecided       = "undecided"       // the policy evaluator cannot decide: refused
	Limited         = "credentialLimit" // AWS refuses the action to this kind of credential
	Unauthenticated = "unauthenticated" // no valid credential
	NotEvaluated    = "notEvaluated"    // refused before the policies: malformed input, wrong MFA code, throttling
)

// A Decision describes how a request was decided. It contains no secrets: neither
// parameters nor messages of the operation.
type Decision struct {
	Time        time.Time `json:"time"`
	RequestID   string    `json:"request_id"`
	Service     string    `json:"service"`
	Operation   string    `json:"operation"`
	Region      string    `json:"region,omitempty"`
	SourceIP    string    `json:"source_ip,omitempty"`
	Account     string    `json:"account,omitempty"`
	Principal   string    `json:"principal,omitempty"` // ARN
	AccessKeyID string    `json:"access_key_id,omitempty"`
	Credential  string    `json:"credential,omitempty"` // kind: long-term access key, session token with MFA…
	Via         string    `json:"via,omitempty"`        // service that made the request
	// Passed is set when the request was performed although the decision refuses
	// it: see [Options.LogOnly].
	Passed bool   `json:"passed,omitempty"`
	Error  string `json:"error,omitempty"` // code of the answer; empty: success
	// Permission is the one that decided: the first that was refused, or the first.
	Permission
	// Permissions are all that were evaluated, when the request needs several.
	Permissions []Permission `json:"permissions,omitempty"`
}

// Refused reports whether the request was refused by its credential or by policies.
func (d *Decision) Refused() bool {
	switch d.Decision {
	case ExplicitDeny, ImplicitDeny, Undecided, Limited, Unauthenticated:
		return !d.Passed
	}
	return false
}

// A Permission is one action on one resource that a request needs.
type Permission struct {
	Decision string `json:"decision"`
	Action   string `json:"action,omitempty"`
	Resource string `json:"resource,omitempty"`
	// Layer is the kind of policy that allowed, denied, or did not allow.
	Layer string `json:"layer,omitempty"`
	// Document and Statement name the statement that decided; a statement without
	// Sid by its number, from 1. Both are empty for an implicit deny.
	Document  string          `json:"document,omitempty"`
	Statement string          `json:"statement,omitempty"`
	Why       string          `json:"why,omitempty"`
	Context   *policy.Context `json:"context,omitempty"` // condition keys of the request

	decided *policy.Statement
}

// StatementJSON returns the statement that decided as indented JSON; empty for an
// implicit deny.
func (p *Permission) StatementJSON() string {
	if p.decided == nil {
		return ""
	}
	var document struct{ Statement []json.RawMessage }
	var out bytes.Buffer
	err := json.Unmarshal([]byte((&policy.Document{Statements: []policy.Statement{*p.decided}}).String()), &document)
	if err == nil {
		err = json.Indent(&out, document.Statement[0], "", "  ")
	}
	if err != nil {
		panic(err) // a document prints as JSON
	}
	return out.String()
}

// OnDecision calls f at the end of every future request, on the goroutine of the
// request, so possibly concurrently; nil removes f.
func (c *Cloud) OnDecision(f func(Decision)) {
	if f == nil {
		c.decided.Store(nil)
		return
	}
	c.decided.Store(&f)
}

// A trace collects the permissions that were evaluated for a request.
type trace struct{ permissions []Permission }

// newTrace returns nil when nobody asks for decisions.
func (c *Cloud) newTrace(j *job) *trace {
	if c.decided.Load() == nil && !j.explain {
		return nil
	}
	return &trace{}
}

// add adds a permission. A nil trace ignores it.
func (t *trace) add(ask *operation.Ask, d policy.Decision, x *policy.Context) {
	if t == nil {
		return
	}
	p := Permission{Decision: verdict(d.Verdict), Action: ask.Action, Resource: ask.Resource, Layer: d.Layer.String(), Why: d.Why, Context: x}
	if d.Source != nil {
		p.Document, p.Statement = d.Source.Name, strconv.Itoa(d.Statement+1)
		if doc := d.Source.Document; doc != nil && d.Statement < len(doc.Statements) {
			p.decided = &doc.Statements[d.Statement]
			p.Statement = cmp.Or(p.decided.SID, p.Statement)
		}
	}
	t.permissions = append(t.permissions, p)
}

// plain adds a permission that no policy decided.
func (t *trace) plain(decision string, ask operation.Ask, why string, x *policy.Context) {
	if t != nil {
		t.permissions = append(t.permissions, Permission{Decision: decision, Action: ask.Action, Resource: ask.Resource, Why: why, Context: x})
	}
}

func verdict(v policy.Verdict) string {
	switch v {
	case policy.Allowed:
		return Allowed
	case policy.ExplicitDenied:
		return ExplicitDeny
	case policy.ImplicitDenied:
		return ImplicitDeny
	}
	return Undecided
}

// decision returns the decision about the request of a record; nil without a trace.
func (t *trace) decision(r *Record, code string) *Decision {
	if t == nil {
		return nil
	}
	d := &Decision{
		Time: r.Time, RequestID: r.RequestID, Service: r.Service, Operation: r.Operation, Region: r.Region, SourceIP: r.SourceIP,
		Account: r.Caller.Account, Principal: r.Caller.Principal.ARN, AccessKeyID: r.Caller.AccessKeyID, Via: r.via, Error: code,
	}
	switch {
	case len(t.permissions) > 0:
		d.Permission = t.permissions[0]
		for _, p := range t.permissions {
			if p.Decision != Allowed {
				d.Permission = p
				break
			}
		}
	case r.Caller.Principal == (policy.Principal{}):
		d.Decision = Unauthenticated
	default:
		d.Decision = NotEvaluated
	}
	if len(t.permissions) > 1 {
		d.Permissions = t.permissions
	}
	if d.Decision != Unauthenticated {
		d.Credential = r.Caller.Credential.String()
	}
	return d
}

// decision returns the decision about a job that has ended; nil when nobody asks.
func (c *Cloud) decision(j *job, r *Record) *Decision {
	d := j.trace.decision(r, codeOf(r.Err))
	if d != nil {
		d.Passed = c.logOnly && d.Action != "" && d.Decision != Allowed
	}
	return d
}

// codeOf returns the code of an answer; empty for a success.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// rejected delivers the decision about a request without a valid signature.
func (c *Cloud) rejected(v *incoming, err error) {
	f := c.decided.Load()
	if f == nil {
		return
	}
	r := Record{Time: c.Now(), Service: v.service.name, Operation: v.named(), SourceIP: v.address(), RequestID: v.id, Caller: world.Caller{}}
	if v.sign != nil {
		r.Region, r.Caller.AccessKeyID = v.sign.region, v.sign.key
	}
	(*f)(*(&trace{}).decision(&r, codeOf(err)))
}
