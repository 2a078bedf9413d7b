package policy

import "strings"

// A Credential is the way in which a request is made. It decides the MFA keys.
type Credential uint8

// The kinds of credentials, in the order of the table behind [Credential.MFA].
const (
	LongTermKey      Credential = iota + 1 // access key of an IAM user, and its derivatives: SMTP, Git, presigned URLs
	SessionToken                           // GetSessionToken without a code
	SessionTokenMFA                        // GetSessionToken with SerialNumber and TokenCode
	ConsolePassword                        // console sign-in with only a password
	ConsoleMFA                             // console sign-in with MFA
	CodeInCall                             // the sts:AssumeRole call itself, long-term key with SerialNumber and TokenCode
	RoleFromCode                           // role session from such a call
	RoleFromMFA                            // role session assumed from a session with MFA
	RoleFromKey                            // role session assumed without MFA
	ChainedRole                            // role session assumed from a role session
	FederatedRole                          // SAML, OIDC, Identity Center
	FederationToken                        // GetFederationToken
	ServiceRole                            // instance profile, Lambda, service-linked role
	ForwardedFromKey                       // a service reuses the request of a long-term key (aws:ViaAWSService)
	RootKey                                // root user's access key
	RootSession                            // root user in the console
	NoCredential                           // AWS service principal, anonymous
)

// Presence says whether a key is in the context, and with which value.
type Presence uint8

// The possible states of aws:MultiFactorAuthPresent.
const (
	Absent Presence = 1 << iota
	False
	True
)

// MFAKeys holds the possible states of the three keys that depend on the
// credential; a union of bits where AWS's documentation and observations differ.
type MFAKeys struct {
	Present   Presence // aws:MultiFactorAuthPresent
	Age       bool     // aws:MultiFactorAuthAge is present whenever Present is True
	IssueTime bool     // aws:TokenIssueTime is present
}

// A limit says what a credential cannot call, whatever the policies say.
type limit uint8

const (
	noIAM       limit = 1 << iota // nothing in IAM
	narrowSTS                     // in STS only AssumeRole and GetCallerIdentity
	identitySTS                   // in STS only GetCallerIdentity
	noTokens                      // no GetSessionToken and GetFederationToken
	noRoles                       // no AssumeRole
)

// credentials is the only table of the properties of credentials.
// Sources: IAM User Guide, "AWS global condition context keys"
// (MultiFactorAuthPresent, MultiFactorAuthAge, TokenIssueTime), "Compare AWS STS
// credentials", "Secure API access with MFA"; STS API Reference, GetSessionToken
// and GetFederationToken. Rows with two values of Present are those where
// observations differ from the documentation, or where nothing is documented.
var credentials = [...]struct {
	name   string
	keys   MFAKeys
	limits limit
}{
	0:                {"unknown credential", MFAKeys{Absent | False | True, true, true}, 0},
	LongTermKey:      {"long-term access key", MFAKeys{Absent, false, false}, 0},
	SessionToken:     {"session token without MFA", MFAKeys{False, false, true}, noIAM | narrowSTS},
	SessionTokenMFA:  {"session token with MFA", MFAKeys{True, true, true}, narrowSTS},
	ConsolePassword:  {"console session without MFA", MFAKeys{False, false, true}, noTokens},
	ConsoleMFA:       {"console session with MFA", MFAKeys{True, true, true}, noTokens},
	CodeInCall:       {"long-term access key with a code in the call", MFAKeys{True, true, false}, 0},
	RoleFromCode:     {"role session from a call with a code", MFAKeys{False, false, true}, noTokens},
	RoleFromMFA:      {"role session from a session with MFA", MFAKeys{False | True, true, true}, noTokens},
	RoleFromKey:      {"role session without MFA", MFAKeys{False, false, true}, noTokens},
	ChainedRole:      {"chained role session", MFAKeys{False | True, true, true}, noTokens},
	FederatedRole:    {"federated role session", MFAKeys{False, false, true}, noTokens},
	FederationToken:  {"federation token", MFAKeys{False, false, true}, noIAM | identitySTS},
	ServiceRole:      {"service role session", MFAKeys{False, false, true}, noTokens},
	ForwardedFromKey: {"call forwarded by a service for a long-term access key", MFAKeys{False, false, true}, noTokens},
	RootKey:          {"root access key", MFAKeys{Absent, false, false}, noRoles},
	RootSession:      {"root session", MFAKeys{Absent | False | True, true, true}, noRoles},
	NoCredential:     {"no credential", MFAKeys{Absent, false, false}, 0},
}

func (c Credential) valid() Credential {
	if int(c) >= len(credentials) {
		return 0
	}
	return c
}

func (c Credential) String() string { return credentials[c.valid()].name }

// MFA returns the MFA keys of a request with this credential. For an unknown
// credential every state is possible.
func (c Credential) MFA() MFAKeys { return credentials[c.valid()].keys }

// Limit reports whether AWS refuses an action for this kind of credential before
// it evaluates policies, and why. [Set.Decide] does not include these limits.
// Source: IAM User Guide, "Compare AWS STS credentials" and "IAM users:
// temporary credentials".
func (c Credential) Limit(action string) (reason string, limited bool) {
	limits := credentials[c.valid()].limits
	if limits == 0 {
		return "", false
	}
	service, name, _ := strings.Cut(strings.ToLower(action), ":")
	switch {
	case service == "iam" && limits&noIAM != 0:
		return "a " + c.String() + " cannot call IAM", true
	case service != "sts" || name == "getcalleridentity" || roleCompanions[name]:
		return "", false
	case limits&identitySTS != 0:
		return "a " + c.String() + " can call only GetCallerIdentity in STS", true
	case limits&narrowSTS != 0 && name != "assumerole":
		return "a " + c.String() + " can call only AssumeRole and GetCallerIdentity in STS", true
	case limits&noTokens != 0 && (name == "getsessiontoken" || name == "getfederationtoken"):
		return "GetSessionToken and GetFederationToken need a long-term access key", true
	case limits&noRoles != 0 && name == "assumerole":
		return "the root user cannot assume roles", true
	}
	return "", false
}

// roleCompanions lists permissions that AssumeRole requires in addition to its
// own; they are not calls.
var roleCompanions = map[string]bool{"tagsession": true, "setsourceidentity": true, "setcontext": true}

// Unconditional reports whether an action works whatever any policy says.
// Source: IAM User Guide, "Permissions for GetSessionToken"; STS API Reference,
// GetCallerIdentity.
func Unconditional(action string) bool {
	return strings.EqualFold(action, "sts:GetSessionToken") || strings.EqualFold(action, "sts:GetCallerIdentity")
}
