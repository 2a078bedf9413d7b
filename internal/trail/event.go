// Package trail is the CloudTrail record of a call and the EventBridge event
// that carries it: parse, print, and the patterns that choose events.
package trail

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The detail types of events with a CloudTrail record. AWS's guides and the
// rules that are in use disagree on how a sign-in is spelled, so both are known.
const (
	APICall         = "AWS API Call via CloudTrail"
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

// A Record is CloudTrail's account of one call. What is not here is left out
// when an event is read.
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
	RequestID          string          `json:"requestID,omitempty"`
	EventID            string          `json:"eventID,omitempty"`
	ReadOnly           bool            `json:"readOnly"`
	EventType          string          `json:"eventType,omitempty"` // AwsApiCall, AwsConsoleSignIn
	ManagementEvent    bool            `json:"managementEvent"`
	RecipientAccountID string          `json:"recipientAccountId,omitempty"`
	EventCategory      string          `json:"eventCategory,omitempty"`
}

// An Identity is who made a call.
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

// A SessionContext is there for temporary credentials.
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

// Parameters are the parameters of a call, by the names of its API with a lower
// first letter. CloudTrail writes null for none.
type Parameters map[string]json.RawMessage

// Text is a parameter that is a string; empty when it is not there or none.
func (p Parameters) Text(name string) string {
	var text string
	if err := json.Unmarshal(p[name], &text); err != nil {
		return ""
	}
	return text
}

// Parse reads an event. What is no event of EventBridge is an error.
func Parse(text []byte) (*Event, error) {
	var e Event
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("parse event: %w", err)
	}
	if e.DetailType == "" || e.Source == "" {
		return nil, errors.New("parse event: no detail-type or source: not an event of EventBridge")
	}
	return &e, nil
}

// JSON prints an event as EventBridge delivers it.
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

// IsSignIn tells whether the event is a sign-in to the console, in either
// spelling.
func (e *Event) IsSignIn() bool {
	return e.DetailType == ConsoleSignIn || e.DetailType == ConsoleSignInV1
}

// Failed tells whether the call was refused or failed: it changed nothing.
func (r *Record) Failed() bool { return r.ErrorCode != "" }

// Subject is the name of the user that the call is about: the one it names or,
// where it names none, the user who calls, as the APIs with an optional UserName
// do. It is empty when the call is about no user.
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

// implicit are the calls that are about their caller when they name no user.
// CreateVirtualMFADevice has no UserName at all.
var implicit = map[string]bool{
	"ChangePassword": true, "CreateAccessKey": true, "CreateVirtualMFADevice": true, "DeactivateMFADevice": true, "DeleteAccessKey": true,
	"DeleteSigningCertificate": true, "UpdateAccessKey": true, "UploadSigningCertificate": true, "CreateLoginProfile": true,
	"DeleteLoginProfile": true, "ResetServiceSpecificCredential": true, "UpdateServiceSpecificCredential": true, "DeleteServiceSpecificCredential": true,
}

// Actor is the ARN of who called: of a role session the role's, so that the
// same people are one actor.
func (r *Record) Actor() string {
	if s := r.UserIdentity.SessionContext; s != nil && s.SessionIssuer != nil && s.SessionIssuer.Type == "Role" {
		return s.SessionIssuer.ARN
	}
	return r.UserIdentity.ARN
}

// LongLived tells whether the call was signed with a long-lived access key.
// Source: IAM User Guide, "IAM identifiers": AKIA.
func (r *Record) LongLived() bool { return strings.HasPrefix(r.UserIdentity.AccessKeyID, "AKIA") }
