package trail

import "strings"

// A Call is a CloudTrail record, reduced to what decides whether planned policies
// would refuse the call and who made it. Logs hold millions of records, so a Call
// is read by its own scanner, its strings are shared between calls, and a
// [Reader] uses one Call for all records.
type Call struct {
	ID         uint64 // hash of eventID; 0: the record has none
	Time       int64  // seconds since 1970 UTC; 0: unreadable
	EventType  string // AwsApiCall, AwsConsoleSignIn, AwsServiceEvent…
	Category   string // Management, Data, Insight…
	Source     string // iam.amazonaws.com
	Name       string // GetUser
	Region     string
	Address    string // sourceIPAddress: an address or the name of a service
	Agent      string // userAgent
	ErrorCode  string
	Account    string // recipientAccountId
	VPCE       string // vpcEndpointId
	TLS        bool   // the record has TLS details
	Caller     Caller
	Parameters CallParameters // only of calls of IAM and STS
	SessionKey string         // access key ID of the session that an STS call returned
	MFAUsed    string         // additionalEventData.MFAUsed of a sign-in: Yes or No
}

// A Caller is the userIdentity of a call.
// Source: CloudTrail User Guide, "CloudTrail userIdentity element".
type Caller struct {
	Type       string // IAMUser, AssumedRole, FederatedUser, Root, AWSService…
	ARN        string
	Account    string
	Key        string // access key ID
	User       string // userName
	InvokedBy  string // the service that forwarded the call
	Session    bool   // the record has a sessionContext with attributes
	MFA        string // sessionContext.attributes.mfaAuthenticated: "true" or "false"
	Created    int64  // of the session, seconds since 1970 UTC; 0: not in the record
	IssuerType string // Role, IAMUser…
	IssuerARN  string
}

// CallParameters are the request parameters of IAM and STS calls that name what
// the call acts on.
type CallParameters struct {
	User   string // userName
	Serial string // serialNumber
	Device string // virtualMFADeviceName
	Role   string // roleArn
	// External is externalId.
	External string
}

// Refused reports whether AWS refused the call for lack of permission.
// Source: the services' API references, "Common Errors".
func (c *Call) Refused() bool {
	code := c.ErrorCode
	if code == "" {
		return false
	}
	code = strings.TrimPrefix(code, "Client.")
	return strings.HasPrefix(code, "AccessDenied") || strings.HasPrefix(code, "UnauthorizedOperation") ||
		strings.HasPrefix(code, "NotAuthorized") || strings.HasPrefix(code, "AuthorizationError") || code == "UnauthorizedAccess" || code == "Forbidden"
}

// Forwarded reports whether a service made the call for the caller (forward
// access session).
func (c *Call) Forwarded() bool { return c.Caller.InvokedBy != "" }

// SignIn reports whether the record is a sign-in, which is no API call.
func (c *Call) SignIn() bool { return c.EventType == "AwsConsoleSignIn" }
