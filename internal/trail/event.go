// Package trail handles CloudTrail records and the EventBridge events that carry
// them: parse, print, and match event patterns.
package trail

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The detail types of events with a CloudTrail record. AWS's guides and existing
// rules disagree on the spelling for a sign-in, so both are accepted.
const (
	APICall         = "AWS API Call via CloudTrail"
	ServiceEvent    = "AWS Service Event via CloudTrail" // something that a service did, without a call
	ConsoleSignIn   = "AWS Console Signin via CloudTrail"
	ConsoleSignInV1 = "AWS Console Sign In via CloudTrail"
	Scheduled       = "Scheduled Event"
)

// An Event is what EventBridge delivers.
// Source: EventBridge User Guide, "Event structure reference".
type Event struct {
	Version    string    `json:"version"`
	ID         string    `json:"id"`
	DetailType string    `json:"detail-type"`
	Source     string    `json:"source"` // aws.iam, aws.signin, aws.events…
	Account    string    `json:"account"`
	Time       time.Time `json:"time"`
	Region     string    `json:"region"`
	Resources  []string  `json:"resources"`
	Detail     Record    `json:"detail"`
}

// A Record is CloudTrail's record of one call, reduced to the fields that are
// used here.
// Source: CloudTrail User Guide, "CloudTrail record contents".
type Record struct {
	EventVersion       string          `json:"eventVersion,omitempty"`
	UserIdentity       Identity        `json:"userIdentity"`
	EventTime          time.Time       `json:"eventTime,omitzero"`
	EventSource        string          `json:"eventSource,omitempty"` // iam.amazonaws.com
	EventName          string          `json:"eventName,omitempty"`
	Region             string          `json:"awsRegion,omitempty"`
	SourceIP           string          `json:"sourceIPAddress,omitempty"`
	UserAgent          string          `json:"userAgent,omitempty"`
	ErrorCode          string          `json:"errorCode,omitempty"` // set when the call failed
	ErrorMessage       string          `json:"errorMessage,omitempty"`
	Parameters         Parameters      `json:"requestParameters"`
	ResponseElements   json.RawMessage `json:"responseElements,omitempty"`
	AdditionalData     Parameters      `json:"additionalEventData,omitempty"`
	ServiceDetails     json.RawMessage `json:"serviceEventDetails,omitempty"` // of an event without a call
	RequestID          string          `json:"requestID,omitempty"`
	EventID            string          `json:"eventID,omitempty"`
	ReadOnly           bool            `json:"readOnly"`
	EventType          string          `json:"eventType,omitempty"` // AwsApiCall, AwsConsoleSignIn, AwsServiceEvent
	ManagementEvent    bool            `json:"managementEvent"`
	RecipientAccountID string          `json:"recipientAccountId,omitempty"`
	SharedEventID      string          `json:"sharedEventID,omitempty"` // the same in the records of two accounts about one call
	EventCategory      string          `json:"eventCategory,omitempty"`
}

// An Identity is the caller.
// Source: CloudTrail User Guide, "CloudTrail userIdentity element".
type Identity struct {
	Type           string          `json:"type,omitempty"` // IAMUser, AssumedRole, Root, AWSService…
	PrincipalID    string          `json:"principalId,omitempty"`
	ARN            string          `json:"arn,omitempty"`
	AccountID      string          `json:"accountId,omitempty"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	InvokedBy      string          `json:"invokedBy,omitempty"`
	SessionContext *SessionContext `json:"sessionContext,omitempty"`
}

// A SessionContext exists for temporary credentials.
type SessionContext struct {
	SessionIssuer *Issuer `json:"sessionIssuer,omitempty"`
	Attributes    struct {
		CreationDate     time.Time `json:"creationDate,omitzero"`
		MFAAuthenticated string    `json:"mfaAuthenticated,omitempty"` // "true" or "false"
	} `json:"attributes"`
}

// An Issuer is the role or user behind a session.
type Issuer struct {
	Type        string `json:"type,omitempty"`
	PrincipalID string `json:"principalId,omitempty"`
	ARN         string `json:"arn,omitempty"`
	AccountID   string `json:"accountId,omitempty"`
	UserName    string `json:"userName,omitempty"`
}

// Parameters holds the parameters of a call, by their API names with a
// lower-case first letter. CloudTrail writes null for none.
type Parameters map[string]json.RawMessage

// Text returns a string parameter; empty when it is missing or not a string.
func (p Parameters) Text(name string) string {
	var text string
	if err := json.Unmarshal(p[name], &text); err != nil {
		return ""
	}
	return text
}

// Parse parses an event of EventBridge.
func Parse(text []byte) (*Event, error) {
	var e Event
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("parse event: %w", err)
	}
	if e.DetailType == "" || e.Source == "" {
		return nil, errors.New("parse event: no detail-type or source: not an EventBridge event")
	}
	return &e, nil
}

// JSON returns an event as EventBridge delivers it.
func (e *Event) JSON() ([]byte, error) {
	if e.Resources == nil {
		e.Resources = []string{}
	}
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("print event %s: %w", e.ID, err)
	}
	return text, nil
}

// IsSignIn reports whether the event is a console sign-in, in either spelling.
func (e *Event) IsSignIn() bool {
	return e.DetailType == ConsoleSignIn || e.DetailType == ConsoleSignInV1
}

// Failed reports whether the call was refused or failed, so that it changed
// nothing.
func (r *Record) Failed() bool { return r.ErrorCode != "" }

// Subject returns the name of the user that the call is about: the user it names
// or, without one, the caller, as in APIs with an optional UserName. It is empty
// when the call is not about a user.
// Source: IAM API Reference, "UserName" of ChangePassword, EnableMFADevice and
// others: "defaults to the user making the request".
func (r *Record) Subject() string {
	if name := r.Parameters.Text("userName"); name != "" {
		return name
	}
	if r.EventSource == "signin.amazonaws.com" || r.EventSource == "iam.amazonaws.com" && implicit[r.EventName] {
		if r.UserIdentity.Type == "IAMUser" {
			return r.UserIdentity.UserName
		}
	}
	return ""
}

// implicit lists the calls that are about their caller when they name no user.
// CreateVirtualMFADevice has no UserName.
var implicit = map[string]bool{
	"ChangePassword": true, "CreateAccessKey": true, "CreateVirtualMFADevice": true, "DeactivateMFADevice": true, "DeleteAccessKey": true,
	"DeleteSigningCertificate": true, "UpdateAccessKey": true, "UploadSigningCertificate": true, "CreateLoginProfile": true,
	"DeleteLoginProfile": true, "ResetServiceSpecificCredential": true, "UpdateServiceSpecificCredential": true, "DeleteServiceSpecificCredential": true,
}

// Actor returns the ARN of the caller: for a role session the ARN of the role,
// so that all its sessions are one actor.
func (r *Record) Actor() string {
	if s := r.UserIdentity.SessionContext; s != nil && s.SessionIssuer != nil && s.SessionIssuer.Type == "Role" {
		return s.SessionIssuer.ARN
	}
	return r.UserIdentity.ARN
}

// LongLived reports whether the call was signed with a long-lived access key.
// Source: IAM User Guide, "IAM identifiers": AKIA.
func (r *Record) LongLived() bool { return strings.HasPrefix(r.UserIdentity.AccessKeyID, "AKIA") }
