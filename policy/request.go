package policy

// A PrincipalKind is who makes a request.
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

// A Principal makes a request.
type Principal struct {
	Kind    PrincipalKind
	Account string // 12 digits; empty for AWSService and Anonymous
	// ARN is the user's, the session's (arn:…:sts::…:assumed-role/Role/name),
	// the federated user's (arn:…:sts::…:federated-user/name) or root's ARN;
	// for AWSService and Federated the name in the policy's Principal element.
	ARN string
	// Issuer is the ARN of the role behind a RoleSession, path included, or of
	// the user behind a FederatedUser.
	Issuer string
	// ServiceLinked marks a session of a service-linked role, which SCPs and
	// RCPs do not touch.
	ServiceLinked bool
}

// A Request is one API call as the evaluation sees it.
type Request struct {
	Principal Principal
	Action    string // service:Name, any case
	Resource  string // an ARN, or * for an action that has no resource
	// ResourceAccount owns the resource; empty: the principal's own account.
	ResourceAccount string
	// Policies are the resource's own policies: none, one, or (never today) more.
	// For sts:AssumeRole it is the role's trust policy.
	Policies []Source
	Context  *Context // condition keys; nil: none is present
}
