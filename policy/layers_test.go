package policy_test

import (
	"errors"
	"strings"
	"testing"

	. "forcemfa/policy"
)

const (
	sourceLogic   = "IAM User Guide, reference_policies_evaluation-logic"
	sourceCross   = "IAM User Guide, reference_policies_evaluation-logic-cross-account"
	sourceBound   = "IAM User Guide, access_policies_boundaries"
	sourceElement = "IAM User Guide, reference_policies_elements_principal"
	sourceSCP     = "Organizations User Guide, orgs_manage_policies_scps"
	sourceRCP     = "Organizations User Guide, orgs_manage_policies_rcps"

	sessionARN = "arn:aws:sts::123456789012:assumed-role/deploy/alice"
	roleARN    = "arn:aws:iam::123456789012:role/team/deploy"
	fedARN     = "arn:aws:sts::123456789012:federated-user/kim"

	allowAll = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	denyAll  = `{"Effect":"Deny","Action":"*","Resource":"*"}`
	allowS3  = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
	allowEC2 = `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`
	onlyMFA  = `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`
)

var (
	session   = Principal{Kind: RoleSession, Account: account, ARN: sessionARN, Issuer: roleARN}
	federated = Principal{Kind: FederatedUser, Account: account, ARN: fedARN, Issuer: bobARN}
	root      = Principal{Kind: RootUser, Account: account, ARN: "arn:aws:iam::123456789012:root"}
	service   = Principal{Kind: AWSService, ARN: "cloudtrail.amazonaws.com"}
	anybody   = Principal{Kind: Anonymous}
	linked    = Principal{Kind: RoleSession, Account: account, ServiceLinked: true,
		ARN:    "arn:aws:sts::123456789012:assumed-role/AWSServiceRoleForSupport/x",
		Issuer: "arn:aws:iam::123456789012:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport"}
)

// unreadableText stands for a document that could not be read.
const unreadableText = "?"

func source(t testing.TB, kind Kind, text string) Source {
	t.Helper()
	if text == unreadableText {
		return Source{Name: "lost", Err: errors.New("AccessDenied")}
	}
	return parse(t, kind, doc(text))
}

// A layered row is one decision. An empty text is a layer that is not there.
type layered struct {
	name     string
	who      Principal
	identity string
	boundary string
	session  string
	scps     [][]string // by level
	rcps     [][]string
	resource string // a resource policy; for sts a trust policy
	action   string // default s3:GetObject on the bucket
	on       string
	owner    string // ResourceAccount
	mfa      string
	want     string // verdict, and for a denial the layer
	from     string // source
}

func (row layered) decide(t testing.TB) (Decision, *Set, *Request) {
	t.Helper()
	set, r := &Set{}, &Request{Principal: row.who, Action: "s3:GetObject", Resource: bucket + "/q3.csv", ResourceAccount: row.owner, Context: &Context{}}
	kind := Resource
	if row.action != "" {
		r.Action, r.Resource = row.action, row.on
	}
	if strings.HasPrefix(row.action, "sts:") {
		kind = Trust
	}
	if row.mfa != "" {
		r.Context = withMFA(row.mfa)
	}
	if row.identity != "" {
		set.Identity = []Source{source(t, Identity, row.identity)}
	}
	if row.boundary != "" {
		s := source(t, Boundary, row.boundary)
		set.Boundary = &s
	}
	if row.session != "" {
		set.Session = []Source{source(t, Session, row.session)}
	}
	set.SCPs, set.RCPs = levels(t, SCP, row.scps), levels(t, RCP, row.rcps)
	if row.resource != "" {
		r.Policies = []Source{source(t, kind, row.resource)}
	}
	return set.Decide(r), set, r
}

func levels(t testing.TB, kind Kind, texts [][]string) (out [][]Source) {
	t.Helper()
	for _, level := range texts {
		sources := []Source{}
		for _, text := range level {
			if kind == RCP && text != unreadableText {
				text = strings.ReplaceAll(text, `"Action"`, `"Principal":"*","Action"`)
			}
			sources = append(sources, source(t, kind, text))
		}
		out = append(out, sources)
	}
	return out
}

// outcome prints the verdict, and what did not allow or denied.
func outcome(d Decision) string {
	switch d.Verdict {
	case Allowed:
		return "allowed by " + d.Layer.String()
	case Unknown:
		return "unknown"
	case ImplicitDenied:
		return "not allowed by " + d.Layer.String()
	}
	return "denied by " + d.Layer.String()
}

func runLayers(t *testing.T, rows []layered) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			d, _, _ := row.decide(t)
			if got := outcome(d); got != row.want {
				t.Errorf("got %q, want %q (%s)", got, row.want, row.from)
			}
			if (d.Why != "") != (d.Verdict == Unknown) {
				t.Errorf("%v, why %q", d.Verdict, d.Why)
			}
		})
	}
}

// grant is a resource policy that allows everything to a principal.
func grant(principal string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"*","Resource":"*"}`
}

// trust is a trust policy that lets a principal assume the role.
func trust(principal string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}`
}

const (
	toBob     = `{"AWS":"` + bobARN + `"}`
	toRole    = `{"AWS":"` + roleARN + `"}`
	toSession = `{"AWS":"` + sessionARN + `"}`
	toFed     = `{"AWS":"` + fedARN + `"}`
	toAccount = `{"AWS":"123456789012"}`
	toRoot    = `{"AWS":"arn:aws:iam::123456789012:root"}`
)

func TestIdentityBoundaryAndSessionPolicies(t *testing.T) {
	runLayers(t, []layered{
		{name: "nothing allows", who: bob, want: "not allowed by identity policy", from: sourceLogic},
		{name: "identity allows", who: bob, identity: allowS3, want: "allowed by identity policy", from: sourceLogic},
		{name: "identity allows something else", who: bob, identity: allowEC2, want: "not allowed by identity policy", from: sourceLogic},
		{name: "a Deny beats the Allow beside it", who: bob, identity: allowAll + "," + denyAll, want: "denied by identity policy", from: sourceLogic},
		{name: "boundary allows too", who: bob, identity: allowAll, boundary: allowS3, want: "allowed by identity policy", from: sourceBound},
		{name: "boundary does not allow", who: bob, identity: allowAll, boundary: allowEC2, want: "not allowed by permissions boundary", from: sourceBound},
		{name: "boundary denies", who: bob, identity: allowAll, boundary: allowAll + "," + denyAll, want: "denied by permissions boundary", from: sourceBound},
		{name: "boundary grants nothing", who: bob, boundary: allowAll, want: "not allowed by identity policy", from: sourceBound},
		{name: "session policy allows too", who: session, identity: allowAll, session: allowS3, want: "allowed by identity policy", from: sourceLogic},
		{name: "session policy does not allow", who: session, identity: allowAll, session: allowEC2, want: "not allowed by session policy", from: sourceLogic},
		{name: "session policy denies", who: session, identity: allowAll, session: denyAll, want: "denied by session policy", from: sourceLogic},
		{name: "session policy grants nothing", who: session, session: allowAll, want: "not allowed by identity policy", from: sourceLogic},
		{name: "all three allow", who: session, identity: allowAll, boundary: allowS3, session: allowS3, want: "allowed by identity policy", from: sourceLogic},
		{name: "no session policy", who: session, identity: allowAll, want: "allowed by identity policy", from: sourceLogic},
	})
}

// Every principal form of a resource policy's Allow, against an identity side
// that does not allow, a boundary that does not and a session policy that does
// not.
func TestAllowOfAResourcePolicyWithinTheAccount(t *testing.T) {
	const r = "allowed by resource policy"
	const i, b, s = "not allowed by identity policy", "not allowed by permissions boundary", "not allowed by session policy"
	matrix := []struct {
		name      string
		who       Principal
		principal string
		want      [3]string // identity, boundary, session does not allow
		from      string
	}{
		{"user ARN", bob, toBob, [3]string{r, r, ""}, sourceBound},
		{"session ARN", session, toSession, [3]string{r, r, r}, sourceBound},
		{"federated user ARN", federated, toFed, [3]string{r, r, r}, sourceBound},
		{"role ARN", session, toRole, [3]string{r, b, s}, sourceBound},
		{"user ARN, its federated session asks", federated, toBob, [3]string{r, b, s}, sourceBound},
		{"everyone, a user asks", bob, `"*"`, [3]string{r, r, ""}, sourceElement},
		{"everyone, a session asks", session, `{"AWS":"*"}`, [3]string{r, r, r}, sourceElement},
		{"everyone, a federated user asks", federated, `"*"`, [3]string{r, r, r}, sourceElement},
		{"account, a user asks", bob, toAccount, [3]string{i, b, ""}, sourceElement},
		{"account root, a user asks", bob, toRoot, [3]string{i, b, ""}, sourceElement},
		{"account, a session asks", session, toAccount, [3]string{i, b, s}, sourceElement},
		{"account root, a federated user asks", federated, toRoot, [3]string{i, b, s}, sourceElement},
		{"another user", bob, `{"AWS":"arn:aws:iam::123456789012:user/eve"}`, [3]string{i, b, ""}, sourceElement},
		{"the user name in other case", bob, `{"AWS":"arn:aws:iam::123456789012:user/BOB"}`, [3]string{i, b, ""}, sourceElement},
		{"part of a name", bob, `{"AWS":"arn:aws:iam::123456789012:user/*"}`, [3]string{i, b, ""}, sourceElement},
		{"a deleted user's ID", bob, `{"AWS":"AIDAIOSFODNN7EXAMPLE"}`, [3]string{i, b, ""}, sourceElement},
		{"another session of the role", session, `{"AWS":"arn:aws:sts::123456789012:assumed-role/deploy/eve"}`, [3]string{i, b, s}, sourceElement},
		{"the role with another path", session, `{"AWS":"arn:aws:iam::123456789012:role/deploy"}`, [3]string{i, b, s}, sourceElement},
		{"a service", bob, `{"Service":"cloudtrail.amazonaws.com"}`, [3]string{i, b, ""}, sourceElement},
	}
	for _, m := range matrix {
		for k, limits := range []layered{
			{boundary: allowAll, session: allowAll},
			{identity: allowAll, boundary: allowEC2, session: allowAll},
			{identity: allowAll, boundary: allowAll, session: allowEC2},
		} {
			row := limits
			row.name, row.who, row.resource, row.want, row.from = m.name, m.who, grant(m.principal), m.want[k], m.from
			if row.want == "" {
				continue // no session policies for users
			}
			row.name += []string{": identity", ": boundary", ": session"}[k] + " does not allow"
			if m.who.Kind == IAMUser {
				row.session = ""
			}
			runLayers(t, []layered{row})
		}
	}
}

func TestResourcePoliciesWithinTheAccount(t *testing.T) {
	runLayers(t, []layered{
		{name: "Deny beats identity", who: bob, identity: allowAll, resource: `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`, want: "denied by resource policy", from: sourceLogic},
		{name: "Deny to the account reaches the user", who: bob, identity: allowAll, resource: `{"Effect":"Deny","Principal":` + toRoot + `,"Action":"*","Resource":"*"}`, want: "denied by resource policy", from: sourceElement},
		{name: "Deny to somebody else", who: bob, identity: allowAll, resource: `{"Effect":"Deny","Principal":` + toRole + `,"Action":"*","Resource":"*"}`, want: "allowed by identity policy", from: sourceLogic},
		{name: "identity Deny beats the resource's Allow", who: bob, identity: denyAll, resource: grant(toBob), want: "denied by identity policy", from: sourceLogic},
		{name: "SCP limits the resource's Allow", who: bob, scps: [][]string{{allowEC2}}, resource: grant(toBob), want: "not allowed by service control policy", from: sourceLogic},
		{name: "RCP limits the resource's Allow", who: bob, rcps: [][]string{{allowAll, denyAll}}, resource: grant(toBob), want: "denied by resource control policy", from: sourceRCP},
		{name: "statement without principal names nobody", who: bob, resource: `{"Effect":"Allow","Action":"*","Resource":"*"}`, want: "not allowed by identity policy", from: "IAM User Guide, grammar"},
		{name: "condition counts", who: bob, mfa: "false", resource: `{"Effect":"Allow","Principal":` + toBob + `,"Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, want: "not allowed by identity policy", from: sourceLogic},
		{name: "a role in other case", who: session, resource: grant(`{"AWS":"arn:aws:iam::123456789012:role/team/DEPLOY"}`), want: "unknown", from: "not documented"},
		{name: "a canonical user within the account decides nothing", who: bob, resource: grant(`{"CanonicalUser":"79a5"}`), want: "not allowed by identity policy", from: sourceElement},
		{name: "a canonical user may be the other account", who: bob, owner: elsewhere, identity: allowAll, resource: grant(`{"CanonicalUser":"79a5"}`), want: "unknown", from: sourceElement},
	})
}

func TestASessionIsOfItsRoleWithoutIssuerToo(t *testing.T) {
	known := session
	known.Issuer = ""
	nameless := known
	nameless.ARN = "arn:aws:sts::123456789012:assumed-role"
	unnamed := known
	unnamed.ARN = "arn:aws:sts::123456789012:assumed-role/deploy"
	runLayers(t, []layered{
		{name: "no role name", who: nameless, resource: grant(toRole), want: "not allowed by identity policy", from: sourceElement},
		{name: "no session name", who: unnamed, resource: grant(toRole), want: "not allowed by identity policy", from: sourceElement},
		{name: "name matches", who: known, resource: grant(toRole), want: "allowed by resource policy", from: sourceElement},
		{name: "another role", who: known, resource: grant(`{"AWS":"arn:aws:iam::123456789012:role/build"}`), want: "not allowed by identity policy", from: sourceElement},
		{name: "another account", who: known, resource: grant(`{"AWS":"arn:aws:iam::210987654321:role/deploy"}`), want: "not allowed by identity policy", from: sourceElement},
	})
}

func TestTrustPoliciesAndKeyPoliciesMustAllow(t *testing.T) {
	const role, key = "arn:aws:iam::123456789012:role/admin", "arn:aws:kms:us-east-1:123456789012:key/1234"
	const sts, kms = "sts:AssumeRole", "kms:Decrypt"
	const from = "IAM User Guide, reference_policies_evaluation-logic; KMS Developer Guide, key-policies"
	runLayers(t, []layered{
		{name: "trust names the user", who: bob, action: sts, on: role, resource: trust(toBob), want: "allowed by trust policy", from: from},
		{name: "trust names the role", who: session, action: sts, on: role, resource: trust(toRole), want: "allowed by trust policy", from: from},
		{name: "trust names the session", who: session, action: sts, on: role, resource: trust(toSession), want: "allowed by trust policy", from: from},
		{name: "trust names everyone", who: bob, action: sts, on: role, resource: trust(`"*"`), want: "allowed by trust policy", from: sourceElement},
		{name: "trust names the account, identity allows", who: bob, identity: allowAll, action: sts, on: role, resource: trust(toRoot), want: "allowed by trust policy", from: from},
		{name: "trust names the account, identity does not", who: bob, identity: allowS3, action: sts, on: role, resource: trust(toRoot), want: "not allowed by identity policy", from: from},
		{name: "trust names the account, boundary does not", who: bob, identity: allowAll, boundary: allowS3, action: sts, on: role, resource: trust(toRoot), want: "not allowed by permissions boundary", from: from},
		{name: "trust names somebody else", who: bob, identity: allowAll, action: sts, on: role, resource: trust(toRole), want: "not allowed by trust policy", from: from},
		{name: "trust wants MFA and has it", who: bob, identity: allowAll, mfa: "true", action: sts, on: role, resource: `{"Effect":"Allow","Principal":` + toRoot + `,"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, want: "allowed by trust policy", from: "IAM User Guide, id_credentials_mfa_configure-api-require"},
		{name: "trust wants MFA and lacks it", who: bob, identity: allowAll, mfa: "absent", action: sts, on: role, resource: `{"Effect":"Allow","Principal":` + toRoot + `,"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, want: "not allowed by trust policy", from: "IAM User Guide, id_credentials_mfa_configure-api-require"},
		{name: "identity denies what trust allows", who: bob, identity: denyAll, action: sts, on: role, resource: trust(toBob), want: "denied by identity policy", from: sourceLogic},
		{name: "trust was not given", who: bob, identity: allowAll, action: sts, on: role, want: "unknown", from: "every role has a trust policy"},
		{name: "trust was not given, and it may name the caller", who: bob, identity: allowS3, action: sts, on: role, want: "unknown", from: "every role has a trust policy"},
		{name: "trust was not given, identity denies", who: bob, identity: denyAll, action: sts, on: role, want: "denied by identity policy", from: sourceLogic},
		{name: "trust could not be read", who: bob, identity: allowAll, action: sts, on: role, resource: unreadableText, want: "unknown", from: "unreadable is unknown"},
		{name: "STS without a role", who: bob, identity: allowAll, action: "sts:GetFederationToken", on: "arn:aws:sts::123456789012:federated-user/kim", want: "allowed by identity policy", from: from},
		{name: "tags of the session", who: bob, identity: allowAll, action: "sts:TagSession", on: role, resource: trust(toBob), want: "not allowed by trust policy", from: "IAM User Guide, id_session-tags"},
		{name: "a service assumes", who: Principal{Kind: AWSService, ARN: "ec2.amazonaws.com"}, action: sts, on: role, owner: account, resource: trust(`{"Service":"ec2.amazonaws.com"}`), want: "allowed by trust policy", from: sourceElement},
		{name: "another service assumes", who: service, action: sts, on: role, owner: account, resource: trust(`{"Service":"ec2.amazonaws.com"}`), want: "not allowed by trust policy", from: sourceElement},
		{name: "a SAML provider", who: Principal{Kind: Federated, Account: account, ARN: "arn:aws:iam::123456789012:saml-provider/corp"}, action: "sts:AssumeRoleWithSAML", on: role,
			resource: `{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:saml-provider/corp"},"Action":"sts:AssumeRoleWithSAML"}`, want: "allowed by trust policy", from: sourceElement},
		{name: "another SAML provider", who: Principal{Kind: Federated, Account: account, ARN: "arn:aws:iam::123456789012:saml-provider/other"}, action: "sts:AssumeRoleWithSAML", on: role,
			resource: `{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:saml-provider/corp"},"Action":"sts:AssumeRoleWithSAML"}`, want: "not allowed by trust policy", from: sourceElement},
		{name: "the account does not stand for its provider", who: Principal{Kind: Federated, Account: account, ARN: "arn:aws:iam::123456789012:saml-provider/corp"}, action: "sts:AssumeRoleWithSAML", on: role,
			resource: `{"Effect":"Allow","Principal":` + toRoot + `,"Action":"sts:AssumeRoleWithSAML"}`, want: "not allowed by trust policy", from: sourceElement},
		{name: "any service", who: service, action: sts, on: role, owner: account, resource: trust(`{"Service":"*"}`), want: "unknown", from: "not documented"},

		{name: "key policy names the user", who: bob, action: kms, on: key, resource: grant(toBob), want: "allowed by resource policy", from: from},
		{name: "key policy enables IAM policies", who: bob, identity: allowAll, action: kms, on: key, resource: grant(toRoot), want: "allowed by resource policy", from: from},
		{name: "key policy enables IAM policies, none allows", who: bob, identity: allowS3, action: kms, on: key, resource: grant(toRoot), want: "not allowed by identity policy", from: from},
		{name: "key policy does not enable IAM policies", who: bob, identity: allowAll, action: kms, on: key, resource: grant(toRole), want: "not allowed by resource policy", from: from},
		{name: "not even for root", who: root, action: kms, on: key, resource: grant(toRole), want: "not allowed by resource policy", from: from},
		{name: "key policy was not given", who: bob, identity: allowAll, action: kms, on: key, want: "unknown", from: "every key has a key policy"},
		{name: "KMS without a key", who: bob, identity: allowAll, action: "kms:ListKeys", on: "*", want: "allowed by identity policy", from: from},
		{name: "KMS on an alias", who: bob, identity: allowAll, action: "kms:CreateAlias", on: "arn:aws:kms:us-east-1:123456789012:alias/a", want: "allowed by identity policy", from: from},
	})
}

func TestAcrossAccountsBothSidesMustAllow(t *testing.T) {
	const role = "arn:aws:iam::210987654321:role/admin"
	runLayers(t, []layered{
		{name: "both: user ARN", who: bob, owner: elsewhere, identity: allowAll, resource: grant(toBob), want: "allowed by identity policy", from: sourceCross},
		{name: "both: account", who: bob, owner: elsewhere, identity: allowAll, resource: grant(toAccount), want: "allowed by identity policy", from: sourceCross},
		{name: "both: everyone", who: bob, owner: elsewhere, identity: allowAll, resource: grant(`"*"`), want: "allowed by identity policy", from: sourceCross},
		{name: "both: role", who: session, owner: elsewhere, identity: allowAll, resource: grant(toRole), want: "allowed by identity policy", from: sourceCross},
		{name: "identity only", who: bob, owner: elsewhere, identity: allowAll, want: "not allowed by resource policy", from: sourceCross},
		{name: "resource only: user ARN", who: bob, owner: elsewhere, resource: grant(toBob), want: "not allowed by identity policy", from: sourceCross},
		{name: "resource only: everyone", who: bob, owner: elsewhere, resource: grant(`"*"`), want: "not allowed by identity policy", from: sourceCross},
		{name: "boundary limits", who: bob, owner: elsewhere, identity: allowAll, boundary: allowEC2, resource: grant(toBob), want: "not allowed by permissions boundary", from: sourceCross},
		{name: "session policy limits", who: session, owner: elsewhere, identity: allowAll, session: allowEC2, resource: grant(toSession), want: "not allowed by session policy", from: sourceCross},
		{name: "the resource denies", who: bob, owner: elsewhere, identity: allowAll, resource: `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`, want: "denied by resource policy", from: sourceCross},
		{name: "SCP of the caller", who: bob, owner: elsewhere, identity: allowAll, scps: [][]string{{allowEC2}}, resource: grant(toBob), want: "not allowed by service control policy", from: sourceCross},
		{name: "trust and identity", who: bob, owner: elsewhere, identity: allowAll, action: "sts:AssumeRole", on: role, resource: trust(toAccount), want: "allowed by identity policy", from: sourceCross},
		{name: "trust only", who: bob, owner: elsewhere, action: "sts:AssumeRole", on: role, resource: trust(toBob), want: "not allowed by identity policy", from: sourceCross},
		{name: "trust to the other account's own root", who: bob, owner: elsewhere, identity: allowAll, action: "sts:AssumeRole", on: role, resource: trust(`{"AWS":"` + elsewhere + `"}`), want: "not allowed by trust policy", from: sourceCross},
		{name: "root of the other account", who: root, owner: elsewhere, resource: grant(toRoot), want: "allowed by identity policy", from: sourceCross},
		{name: "the owner counts, not the ARN", who: bob, owner: account, resource: grant(toBob), want: "allowed by resource policy", from: sourceCross},
	})
}

func TestFederatedUsersNeedASessionPolicy(t *testing.T) {
	const from = "IAM User Guide, id_credentials_temp_control-access_getfederationtoken"
	runLayers(t, []layered{
		{name: "without one", who: federated, identity: allowAll, want: "not allowed by session policy", from: from},
		{name: "without one, with a boundary", who: federated, identity: allowAll, boundary: allowAll, want: "not allowed by session policy", from: from},
		{name: "with one", who: federated, identity: allowAll, session: allowS3, want: "allowed by identity policy", from: from},
		{name: "with one that does not allow", who: federated, identity: allowAll, session: allowEC2, want: "not allowed by session policy", from: from},
		{name: "with one that the user does not allow", who: federated, identity: allowEC2, session: allowS3, want: "not allowed by identity policy", from: from},
		{name: "the resource names the federated user", who: federated, resource: grant(toFed), want: "allowed by resource policy", from: from},
		{name: "the resource names the user behind", who: federated, identity: allowAll, resource: grant(toBob), want: "not allowed by session policy", from: from},
		{name: "the user's Deny reaches it", who: federated, identity: denyAll, session: allowAll, resource: grant(toFed), want: "denied by identity policy", from: from},
	})
}

func TestTheRootUserIsBoundOnlyFromOutside(t *testing.T) {
	runLayers(t, []layered{
		{name: "may do everything", who: root, want: "allowed by identity policy", from: sourceLogic},
		{name: "whatever identity policies say", who: root, identity: denyAll, boundary: denyAll, want: "allowed by identity policy", from: sourceLogic},
		{name: "SCP denies", who: root, scps: [][]string{{allowAll, denyAll}}, want: "denied by service control policy", from: sourceSCP},
		{name: "SCP does not allow", who: root, scps: [][]string{{allowEC2}}, want: "not allowed by service control policy", from: sourceSCP},
		{name: "the resource denies", who: root, resource: `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`, want: "denied by resource policy", from: sourceLogic},
	})
}

func TestServicesAndAnonymousCallersHaveOnlyTheResourcePolicy(t *testing.T) {
	runLayers(t, []layered{
		{name: "service named", who: service, owner: account, resource: grant(`{"Service":"cloudtrail.amazonaws.com"}`), want: "allowed by resource policy", from: sourceElement},
		{name: "service not named", who: service, owner: account, resource: grant(`{"Service":"config.amazonaws.com"}`), want: "not allowed by resource policy", from: sourceElement},
		{name: "service, identity of nobody", who: service, owner: account, identity: allowAll, want: "not allowed by resource policy", from: sourceElement},
		{name: "service, SCP does not apply", who: service, owner: account, scps: [][]string{{denyAll}}, resource: grant(`{"Service":"cloudtrail.amazonaws.com"}`), want: "allowed by resource policy", from: sourceSCP},
		{name: "service, RCP applies", who: service, owner: account, rcps: [][]string{{allowAll, denyAll}}, resource: grant(`{"Service":"cloudtrail.amazonaws.com"}`), want: "denied by resource control policy", from: sourceRCP},
		{name: "anybody, everyone named", who: anybody, owner: account, resource: grant(`"*"`), want: "allowed by resource policy", from: sourceElement},
		{name: "anybody, account named", who: anybody, owner: account, resource: grant(toAccount), want: "not allowed by resource policy", from: sourceElement},
		{name: "anybody, SCP does not apply", who: anybody, owner: account, scps: [][]string{{denyAll}}, resource: grant(`"*"`), want: "allowed by resource policy", from: sourceSCP},
		{name: "anybody, RCP applies", who: anybody, owner: account, rcps: [][]string{{allowAll, denyAll}}, resource: grant(`"*"`), want: "denied by resource control policy", from: sourceRCP},
	})
}

func TestServiceControlPolicies(t *testing.T) {
	const everywhere = allowAll
	const from = "Organizations User Guide, orgs_manage_policies_scps_evaluation"
	runLayers(t, []layered{
		{name: "none applies", who: bob, identity: allowAll, want: "allowed by identity policy", from: from},
		{name: "every level allows", who: bob, identity: allowAll, scps: [][]string{{everywhere}, {allowEC2, allowS3}, {everywhere}}, want: "allowed by identity policy", from: from},
		{name: "one level does not allow", who: bob, identity: allowAll, scps: [][]string{{everywhere}, {allowEC2}, {everywhere}}, want: "not allowed by service control policy", from: from},
		{name: "a level that may allow", who: bob, identity: allowAll, scps: [][]string{{everywhere}, {`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3*"}`}}, want: "unknown", from: "a resource of fewer than six parts is not documented"},
		{name: "a level without policies", who: bob, identity: allowAll, scps: [][]string{{everywhere}, {}}, want: "not allowed by service control policy", from: from},
		{name: "a Deny at the root", who: bob, identity: allowAll, scps: [][]string{{everywhere, denyAll}, {everywhere}}, want: "denied by service control policy", from: from},
		{name: "it grants nothing", who: bob, scps: [][]string{{everywhere}}, want: "not allowed by identity policy", from: from},
		{name: "it does not bind service-linked roles", who: linked, identity: allowAll, scps: [][]string{{denyAll}}, want: "allowed by identity policy", from: sourceSCP},
		{name: "an Allow with a condition is a gate: closed", who: bob, identity: allowAll, mfa: "absent", scps: [][]string{{onlyMFA}}, want: "not allowed by service control policy", from: "AWS Security Blog, SCPs support the full IAM language, September 2025"},
		{name: "an Allow with a condition is a gate: open", who: bob, identity: allowAll, mfa: "true", scps: [][]string{{onlyMFA}}, want: "allowed by identity policy", from: "AWS Security Blog, SCPs support the full IAM language, September 2025"},
		{name: "an Allow with NotAction", who: bob, identity: allowAll, scps: [][]string{{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`}}, want: "allowed by identity policy", from: "AWS Security Blog, SCPs support the full IAM language, September 2025"},
		{name: "an Allow with an ARN", who: bob, identity: allowAll, scps: [][]string{{`{"Effect":"Allow","Action":"s3:*ject","Resource":"arn:aws:s3:::other/*"}`}}, want: "not allowed by service control policy", from: "AWS Security Blog, SCPs support the full IAM language, September 2025"},
		{name: "a Deny with NotResource", who: bob, identity: allowAll, scps: [][]string{{everywhere, `{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::other/*"}`}}, want: "denied by service control policy", from: "AWS Security Blog, SCPs support the full IAM language, September 2025"},
	})
}

func TestResourceControlPolicies(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/admin"
	const mfaDeny = `{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
	runLayers(t, []layered{
		{name: "the full-access one", who: bob, identity: allowAll, rcps: [][]string{{allowAll}, {allowAll}}, want: "allowed by identity policy", from: sourceRCP},
		{name: "a Deny at any level", who: bob, identity: allowAll, rcps: [][]string{{allowAll}, {allowAll, denyAll}}, want: "denied by resource control policy", from: sourceRCP},
		{name: "callers from outside", who: bob, owner: elsewhere, identity: allowAll, resource: grant(toBob), rcps: [][]string{{allowAll, denyAll}}, want: "denied by resource control policy", from: sourceRCP},
		{name: "service in any case", who: bob, identity: allowAll, action: "S3:GetObject", on: bucket, rcps: [][]string{{denyAll}}, want: "denied by resource control policy", from: sourceRCP},
		{name: "a service without RCPs", who: bob, identity: allowAll, action: "ec2:StopInstances", on: "*", rcps: [][]string{{denyAll}}, want: "allowed by identity policy", from: sourceRCP},
		{name: "kms:RetireGrant has none", who: bob, identity: allowAll, action: "kms:retiregrant", on: "*", rcps: [][]string{{denyAll}}, want: "allowed by identity policy", from: sourceRCP},
		{name: "IAM has none", who: bob, identity: allowAll, action: "iam:CreateUser", on: "*", rcps: [][]string{{denyAll}}, want: "allowed by identity policy", from: sourceRCP},
		{name: "not service-linked roles", who: linked, identity: allowAll, rcps: [][]string{{denyAll}}, want: "allowed by identity policy", from: sourceRCP},
		{name: "it grants nothing", who: bob, rcps: [][]string{{allowAll}}, want: "not allowed by identity policy", from: sourceRCP},
		{name: "a level that does not allow", who: bob, identity: allowAll, rcps: [][]string{{allowAll}, {}}, want: "not allowed by resource control policy", from: sourceRCP},
		{name: "MFA for AssumeRole: without", who: bob, mfa: "absent", action: "sts:AssumeRole", on: role, resource: trust(toBob), rcps: [][]string{{allowAll, mfaDeny}}, want: "denied by resource control policy", from: sourceRCP},
		{name: "MFA for AssumeRole: with", who: bob, mfa: "true", action: "sts:AssumeRole", on: role, resource: trust(toBob), rcps: [][]string{{allowAll, mfaDeny}}, want: "allowed by trust policy", from: sourceRCP},
	})
}

func TestNotPrincipal(t *testing.T) {
	const from = "IAM User Guide, reference_policies_elements_notprincipal"
	deny := func(list string) string {
		return `{"Effect":"Deny","NotPrincipal":{"AWS":` + list + `},"Action":"*","Resource":"*"}`
	}
	const bobAndAccount = `["` + bobARN + `","123456789012"]`
	const whole = `["` + sessionARN + `","` + roleARN + `","arn:aws:iam::123456789012:root"]`
	runLayers(t, []layered{
		{name: "not listed", who: bob, identity: allowAll, resource: deny(`"arn:aws:iam::123456789012:user/eve"`), want: "denied by resource policy", from: from},
		{name: "user and account listed", who: bob, identity: allowAll, resource: deny(bobAndAccount), want: "allowed by identity policy", from: from},
		{name: "user listed alone", who: bob, identity: allowAll, resource: deny(`"` + bobARN + `"`), want: "unknown", from: "the account might be denied"},
		{name: "account listed alone", who: bob, identity: allowAll, resource: deny(`"123456789012"`), want: "unknown", from: "the user might be denied"},
		{name: "session, role and account listed", who: session, identity: allowAll, resource: deny(whole), want: "allowed by identity policy", from: from},
		{name: "role and account listed", who: session, identity: allowAll, resource: deny(`["` + roleARN + `","123456789012"]`), want: "unknown", from: from},
		{name: "everyone listed", who: bob, identity: allowAll, resource: `{"Effect":"Deny","NotPrincipal":"*","Action":"*","Resource":"*"}`, want: "allowed by identity policy", from: from},
		{name: "a boundary on the caller", who: bob, identity: allowAll, boundary: allowAll, resource: deny(bobAndAccount), want: "denied by resource policy", from: sourceBound},
		{name: "a listed service", who: service, owner: account, resource: grant(`"*"`) + `,{"Effect":"Deny","NotPrincipal":{"Service":"cloudtrail.amazonaws.com"},"Action":"*","Resource":"*"}`, want: "allowed by resource policy", from: from},
		{name: "an unlisted service", who: service, owner: account, resource: grant(`"*"`) + `,{"Effect":"Deny","NotPrincipal":{"Service":"config.amazonaws.com"},"Action":"*","Resource":"*"}`, want: "denied by resource policy", from: from},
		{name: "Allow to all others", who: anybody, owner: account, resource: `{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"*","Resource":"*"}`, want: "allowed by resource policy", from: from},
		{name: "Allow to all but root", who: root, owner: account, resource: `{"Effect":"Deny","NotPrincipal":{"AWS":"123456789012"},"Action":"*","Resource":"*"}`, want: "allowed by identity policy", from: from},
	})
}

func TestWhatCannotBeReadIsUnknownUnlessItDoesNotMatter(t *testing.T) {
	const from = "unreadable is unknown, never ok"
	runLayers(t, []layered{
		{name: "identity", who: bob, identity: unreadableText, want: "unknown", from: from},
		{name: "boundary", who: bob, identity: allowAll, boundary: unreadableText, want: "unknown", from: from},
		{name: "boundary, but nothing grants", who: bob, boundary: unreadableText, want: "not allowed by identity policy", from: from},
		{name: "session policy", who: session, identity: allowAll, session: unreadableText, want: "unknown", from: from},
		{name: "SCP", who: bob, identity: allowAll, scps: [][]string{{allowAll}, {allowAll, unreadableText}}, want: "unknown", from: from},
		{name: "SCP, but another level does not allow", who: bob, identity: allowAll, scps: [][]string{{unreadableText}, {allowEC2}}, want: "not allowed by service control policy", from: from},
		{name: "SCP, but a Deny is readable", who: bob, identity: denyAll, scps: [][]string{{unreadableText}}, want: "denied by identity policy", from: from},
		{name: "SCP of a service-linked role", who: linked, identity: allowAll, scps: [][]string{{unreadableText}}, want: "allowed by identity policy", from: from},
		{name: "RCP", who: bob, identity: allowAll, rcps: [][]string{{unreadableText}}, want: "unknown", from: from},
		{name: "RCP of a service without RCPs", who: bob, identity: allowAll, action: "ec2:StopInstances", on: "*", rcps: [][]string{{unreadableText}}, want: "allowed by identity policy", from: from},
		{name: "resource policy", who: bob, identity: allowAll, resource: unreadableText, want: "unknown", from: from},
		{name: "resource policy of a bucket in the account, nothing grants", who: bob, resource: unreadableText, want: "unknown", from: from},
		{name: "both readings deny", who: bob, identity: `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NumericNotEquals":{"aws:MultiFactorAuthAge":"x"}}}`, mfa: "true", want: "not allowed by identity policy", from: from},
		{name: "readings differ", who: bob, identity: allowAll + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NumericNotEquals":{"aws:MultiFactorAuthAge":"x"}}}`, mfa: "true", want: "unknown", from: from},
		{name: "a certain Deny beside a doubtful one", who: bob, identity: allowAll + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NumericNotEquals":{"aws:MultiFactorAuthAge":"x"}}},` + denyAll, mfa: "true", want: "denied by identity policy", from: from},
		{name: "a certain Allow beside a doubtful one", who: bob, identity: `{"Effect":"Allow","Action":"s?:*","Resource":"*"},` + allowAll, want: "allowed by identity policy", from: from},
	})
}

func TestTheReasonOfAnUnknownNamesDocumentAndStatement(t *testing.T) {
	set := &Set{Identity: []Source{parse(t, Identity, doc(allowAll+`,{"Sid":"Odd","Effect":"Deny","Action":"s?:*","Resource":"*"}`))}}
	d := set.Decide(&Request{Principal: bob, Action: "s3:GetObject", Resource: "*"})
	if want := "identity policy: statement 2 (Odd): AWS does not document a wildcard in the service prefix of an action"; d.Why != want {
		t.Errorf("%q, want %q", d.Why, want)
	}
	set.Identity = append(set.Identity, ParseSource("policy x", Identity, "{"))
	d = set.Decide(&Request{Principal: bob, Action: "ec2:RunInstances", Resource: "*"})
	if want := "policy x: could not be read: line 1, column 2: want a quoted name, found the end of the text"; d.Why != want {
		t.Errorf("%q, want %q", d.Why, want)
	}
}

func TestTheDecisionNamesTheStatement(t *testing.T) {
	set := &Set{Identity: []Source{
		parse(t, Identity, doc(allowEC2)),
		parse(t, Identity, doc(allowEC2+","+allowS3)),
		parse(t, Identity, doc(`{"Effect":"Allow","Action":"iam:*","Resource":"*"},{"Effect":"Deny","Action":"iam:Create*","Resource":"*"}`)),
	}}
	for action, want := range map[string]struct {
		source, statement int
		verdict           Verdict
	}{
		"s3:GetObject":   {1, 1, Allowed},
		"iam:CreateUser": {2, 1, ExplicitDenied},
	} {
		d := set.Decide(&Request{Principal: bob, Action: action, Resource: "*"})
		if d.Verdict != want.verdict || d.Source != &set.Identity[want.source] || d.Statement != want.statement {
			t.Errorf("%s: %+v", action, d)
		}
	}
}

func TestRefusesLooksAtDeniesOnly(t *testing.T) {
	rows := []struct {
		layered
		verdict Verdict
	}{
		{layered{name: "nothing at all", who: bob}, ImplicitDenied},
		{layered{name: "an Allow", who: bob, identity: allowAll}, ImplicitDenied},
		{layered{name: "identity", who: bob, identity: denyAll}, ExplicitDenied},
		{layered{name: "boundary", who: bob, boundary: denyAll}, ExplicitDenied},
		{layered{name: "a boundary that does not allow", who: bob, boundary: allowEC2}, ImplicitDenied},
		{layered{name: "session", who: session, session: denyAll}, ExplicitDenied},
		{layered{name: "SCP", who: bob, scps: [][]string{{allowAll}, {denyAll}}}, ExplicitDenied},
		{layered{name: "an SCP that does not allow", who: bob, scps: [][]string{{allowEC2}}}, ImplicitDenied},
		{layered{name: "RCP", who: bob, rcps: [][]string{{allowAll, denyAll}}}, ExplicitDenied},
		{layered{name: "the resource's own policy is not asked", who: bob, resource: `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`}, ImplicitDenied},
		{layered{name: "an unreadable document", who: bob, identity: unreadableText}, Unknown},
		{layered{name: "an unreadable document beside a Deny", who: bob, identity: denyAll, boundary: unreadableText}, ExplicitDenied},
		{layered{name: "a Deny of something else", who: bob, identity: `{"Effect":"Deny","Action":"ec2:*","Resource":"*"}`}, ImplicitDenied},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, set, r := row.decide(t)
			if d := set.Refuses(r); d.Verdict != row.verdict || (d.Why != "") != (d.Verdict == Unknown) {
				t.Errorf("%v %q, want %v", d.Verdict, d.Why, row.verdict)
			}
		})
	}
}

// A proof names a source by its position; its layer is that of the field it comes from.
func TestEachSourceHasItsLayer(t *testing.T) {
	named := func(names ...string) (out []Source) {
		for _, name := range names {
			out = append(out, Source{Name: name})
		}
		return out
	}
	set := &Set{Identity: named("identity", "identity"), Boundary: &Source{Name: "boundary"}, Session: named("session", "session"),
		SCPs: [][]Source{named("SCP"), named("SCP", "SCP")}, RCPs: [][]Source{named("RCP", "RCP"), named("RCP")}}
	want := map[string]Kind{"identity": Identity, "boundary": Boundary, "session": Session, "SCP": SCP, "RCP": RCP}
	for _, s := range []*Set{set, {SCPs: set.SCPs, RCPs: set.RCPs}, {Identity: set.Identity, Session: set.Session}, {Boundary: set.Boundary, RCPs: set.RCPs}, {}} {
		sources := s.Sources()
		for i, source := range sources {
			if got := s.Layer(i); got != want[source.Name] {
				t.Errorf("source %d of %d: %v, want %v", i, len(sources), got, want[source.Name])
			}
		}
		if got := s.Layer(len(sources)); got != 0 {
			t.Errorf("after the last of %d sources: %v", len(sources), got)
		}
	}
}
