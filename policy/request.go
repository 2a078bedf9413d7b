package policy

// A PrincipalKind is the kind of principal that makes a request.
type PrincipalKind uint8

// The kinds of principals.
const (
	IAMUser       PrincipalKind = iota + 1 // with any of its credentials, GetSessionToken sessions included
	RoleSession                            // AssumeRole and its siblings, instance profiles, service roles
	FederatedUser                          // GetFederationToken
	RootUser                               // the root user of an account
	AWSService                             // a service principal such as lambda.amazonaws.com
	Federated                              // a SAML or OIDC principal, only in AssumeRoleWith…
	Anonymous
)

// A Principal is the sender of a request.
type Principal struct {
	Kind    PrincipalKind
	Account string // 12 digits; empty for AWSService and Anonymous
	// ARN is the ARN of the user, of the session
	// (arn:…:sts::…:assumed-role/Role/name), of the federated user
	// (arn:…:sts::…:federated-user/name) or of root; for AWSService and
	// Federated it is the name in the policy's Principal element.
	ARN string
	// Issuer is the ARN of the role behind a RoleSession, path included, or of
	// the user behind a FederatedUser.
	Issuer string
	// ServiceLinked marks a session of a service-linked role, which SCPs and
	// RCPs do not apply to.
	ServiceLinked bool
}

// A Request is one API call to decide.
type Request struct {
	Principal Principal
	Action    string // service:Name, any case
	Resource  string // an ARN, or * for an action that has no resource
	// ResourceAccount is the owner of the resource; empty: the principal's own
	// account.
	ResourceAccount string
	// Policies holds the resource's own policies: none or one. For
	// sts:AssumeRole it is the role's trust policy.
	Policies []Source
	Context  *Context // condition keys; nil: none
}
