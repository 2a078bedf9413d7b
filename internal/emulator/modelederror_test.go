package emulator

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/emulator/fault"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/testdepth"
	"forcemfa/policy"
)

// A spoiler makes a call fail: it changes a copy of the cloud before the call, its caller,
// or its input. It returns the inputs to send, one after the other.
type spoiler func(c *Cloud, creds *aws.Credentials, input map[string]any) []map[string]any

// leaves returns copies of an input in which one text or number is replaced.
func leaves(input map[string]any, replace func(name string, value any) []any) []map[string]any {
	var out []map[string]any
	var walk func(v any, name string, set func(any) map[string]any)
	walk = func(v any, name string, set func(any) map[string]any) {
		for _, other := range replace(name, v) {
			out = append(out, set(other))
		}
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				walk(v[key], key, func(x any) map[string]any {
					c := maps.Clone(v)
					c[key] = x
					return set(c)
				})
			}
		case []any:
			for i := range v {
				walk(v[i], name, func(x any) map[string]any {
					c := slices.Clone(v)
					c[i] = x
					return set(c)
				})
			}
		}
	}
	walk(input, "", func(x any) map[string]any { m, _ := x.(map[string]any); return m })
	return slices.DeleteFunc(out, func(m map[string]any) bool { return m == nil })
}

// texts is leaves for texts.
func texts(replace func(name, text string) []any) spoiler {
	return func(_ *Cloud, _ *aws.Credentials, input map[string]any) []map[string]any {
		return leaves(input, func(name string, v any) []any {
			if text, ok := v.(string); ok {
				return replace(name, text)
			}
			return nil
		})
	}
}

func inFault(rule fault.Rule) spoiler {
	return func(c *Cloud, _ *aws.Credentials, input map[string]any) []map[string]any {
		if err := c.SetFaults(fault.Plan{Faults: []fault.Rule{rule}}); err != nil {
			panic(err)
		}
		return []map[string]any{input}
	}
}

func inWorld(change func(w *world.World)) spoiler {
	return func(c *Cloud, _ *aws.Credentials, input map[string]any) []map[string]any {
		c.Update(change)
		return []map[string]any{input}
	}
}

// inOrganization changes the organization, if there is one.
func inOrganization(change func(w *world.World, o *world.Organization)) spoiler {
	return inWorld(func(w *world.World) {
		if o := w.EditOrganization(); o != nil {
			change(w, o)
		}
	})
}

func by(name string) spoiler {
	return func(_ *Cloud, creds *aws.Credentials, input map[string]any) []map[string]any {
		*creds = aws.Credentials{AccessKeyID: keyOf(name), SecretAccessKey: "secret of " + name}
		return []map[string]any{input}
	}
}

// bySession has a call signed by a session that lasts a minute.
func bySession(s world.Session) spoiler {
	return func(c *Cloud, creds *aws.Credentials, input map[string]any) []map[string]any {
		s.Issued, s.Expires = c.Now(), c.Now().Add(time.Minute)
		c.Update(func(*world.World) {
			*creds = c.mint(&s)
		})
		return []map[string]any{input}
	}
}

var organizationID = regexp.MustCompile(`^(r|ou|p|car)-|^\d{12}$`)

const linkedRole = "AWSServiceRoleForSupport"

// spoilers make calls fail in the ways in which AWS's models say that they can.
var spoilers = map[string]spoiler{
	"twice": func(_ *Cloud, _ *aws.Credentials, in map[string]any) []map[string]any {
		return []map[string]any{in, in}
	},
	"another name": texts(func(_, text string) []any {
		if len(text) < 2 || len(text) > 200 {
			return nil
		}
		last := "0"
		if strings.HasSuffix(text, last) {
			last = "1"
		}
		return []any{text[:len(text)-1] + last, text + "x"}
	}),
	"broken document": texts(func(_, text string) []any {
		switch {
		case strings.HasPrefix(text, "{"):
			return []any{"{", "{}", strings.Replace(text, `"2012-10-17"`, `"2012-10-18"`, 1)}
		case strings.HasPrefix(text, "<"), strings.HasPrefix(text, "-----"):
			return []any{strings.Repeat("x", len(text)), "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n", keyMaterial()["CERT"], keyMaterial()["SSH"]}
		}
		return nil
	}),
	"large document": texts(func(_, text string) []any {
		if !strings.HasPrefix(text, "{") {
			return nil
		}
		return []any{strings.Replace(text, `"Effect"`, `"Sid":"`+strings.Repeat("a", 1900)+`","Effect"`, 1), strings.Replace(text, `"Effect"`, `"Sid":"`+strings.Repeat("a", 11000)+`","Effect"`, 1)}
	}),
	"reserved": texts(func(name, text string) []any {
		switch {
		case name == "RoleName":
			return []any{linkedRole}
		case name == "Key" || name == "TagKeys":
			return []any{"aws:reserved"}
		case strings.Contains(name, "Password"):
			return []any{"short"}
		case strings.Contains(name, "Service"):
			return []any{"nothing.amazonaws.com"}
		case strings.HasPrefix(text, "arn:"):
			return []any{"arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/aws-service-role/AWSSupportServiceRolePolicy", "arn:aws:iam::111111111111:role/aws-service-role/support.amazonaws.com/" + linkedRole}
		}
		return nil
	}),
	"another value": texts(func(_, text string) []any {
		switch {
		case organizationID.MatchString(text):
			return []any{"r-exam", "ou-exam-11111111", "ou-exam-99999999", "r-none", "p-FullAWSAccess", "111111111111", "222222222222", "333333333333", "car-0123456789abcdef0123456789abcdef"}
		case len(text) < 100:
			return []any{"SERVICE_CONTROL_POLICY", "TAG_POLICY", "AISERVICES_OPT_OUT_POLICY", "FullAWSAccess", "Work", "PEM", "SSH", "v1", "bob", "root-admin", "one", "*", "/"}
		}
		return nil
	}),
	"numbers": func(_ *Cloud, _ *aws.Credentials, in map[string]any) []map[string]any {
		return leaves(in, func(_ string, v any) []any {
			if _, ok := v.(int64); ok {
				return []any{int64(-1), int64(1), int64(1 << 30)}
			}
			return nil
		})
	},
	"many tags": func(_ *Cloud, _ *aws.Credentials, in map[string]any) []map[string]any {
		in = maps.Clone(in)
		var tags []any
		for i := range 51 {
			tags = append(tags, map[string]any{"Key": fmt.Sprint("k", i), "Value": strings.Repeat("v", 200)})
		}
		in["Tags"] = tags
		return []map[string]any{in}
	},
	"large session": func(_ *Cloud, _ *aws.Credentials, in map[string]any) []map[string]any {
		in = maps.Clone(in)
		var tags []any
		for i := range 50 {
			tags = append(tags, map[string]any{"Key": fmt.Sprint("k", i), "Value": strings.Repeat(hashOf(fmt.Sprint(i)), 4)})
		}
		in["Tags"] = tags
		documented := maps.Clone(in)
		documented["Policy"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + strings.Repeat(hashOf("a"), 28) + `"}]}`
		return []map[string]any{in, documented}
	},
	"bad marker": func(_ *Cloud, _ *aws.Credentials, in map[string]any) []map[string]any {
		marked, next := maps.Clone(in), maps.Clone(in)
		marked["Marker"], next["NextToken"] = "nothing", "nothing"
		return []map[string]any{marked, next}
	},
	"no input":     func(_ *Cloud, _ *aws.Credentials, _ map[string]any) []map[string]any { return []map[string]any{{}} },
	"failure":      inFault(fault.Rule{Kind: fault.Error, Status: 500}),
	"throttled":    inFault(fault.Rule{Kind: fault.Throttle}),
	"report stuck": inFault(fault.Rule{Kind: fault.ReportStuck}),
	"no quota": inWorld(func(w *world.World) {
		for _, id := range w.Accounts() {
			a := w.Edit(id)
			a.Quotas = map[string]int32{}
			for _, name := range append(world.QuotaNames(), world.QuotaOIDCProviders, world.QuotaSAMLProviders, world.QuotaClientIDs, world.QuotaThumbprints, world.QuotaMFADevicesPerUser,
				world.QuotaSSHKeysPerUser, world.QuotaServiceCredentials, world.QuotaTags) {
				a.Quotas[name] = 0
			}
		}
	}),
	"no organization":         inWorld(func(w *world.World) { w.Organization = nil }),
	"consolidated billing":    inOrganization(func(_ *world.World, o *world.Organization) { o.FeatureSet = "CONSOLIDATED_BILLING" }),
	"no trusted access":       inOrganization(func(_ *world.World, o *world.Organization) { o.Access = nil }),
	"policies disabled":       inOrganization(func(_ *world.World, o *world.Organization) { o.SCPsEnabled = false }),
	"outbound federation off": inWorld(func(w *world.World) { w.Edit(management).TokenIssuer = nil }),
	"crowded": inOrganization(func(_ *world.World, o *world.Organization) {
		var ids []string
		for i := range 9 {
			id := fmt.Sprintf("p-crowd%03d", i)
			o.SCPs[id] = org.SCP{ID: id, Name: id, Document: administrator}
			ids = append(ids, id)
		}
		for i := range o.Units {
			o.Units[i].SCPs = append([]string{"p-FullAWSAccess"}, ids...)
		}
		o.MostAccounts = 1
		for i := range 2001 {
			o.Units = append(o.Units, org.Unit{ID: fmt.Sprintf("ou-exam-crowd%05d", i), Name: fmt.Sprint("crowd", i), Parent: "ou-exam-11111111"})
		}
	}),
	"one policy each": inOrganization(func(_ *world.World, o *world.Organization) {
		for i := range o.Units {
			if n := len(o.Units[i].SCPs); n > 1 {
				o.Units[i].SCPs = o.Units[i].SCPs[n-1:]
			}
		}
	}),
	"delegated to every account": inOrganization(func(w *world.World, o *world.Organization) {
		for _, id := range w.Accounts() {
			o.DelegatedAdmins = append(o.DelegatedAdmins, world.DelegatedAdmin{Account: id, Service: "access-analyzer.amazonaws.com", Since: made})
		}
	}),
	"consolidated billing with invited accounts": inOrganization(func(w *world.World, o *world.Organization) {
		o.FeatureSet = "CONSOLIDATED_BILLING"
		w.Edit(member).Invited = true
	}),
	"every account is a member": inOrganization(func(w *world.World, _ *world.Organization) {
		for _, id := range w.Accounts() {
			w.Edit(id).Unit = "r-exam"
		}
	}),
	"handshakes are answered": inOrganization(func(_ *world.World, o *world.Organization) {
		for i := range o.Handshakes {
			o.Handshakes[i].State = "ACCEPTED"
		}
	}),
	"no resource policy": inOrganization(func(_ *world.World, o *world.Organization) { o.ResourcePolicy = nil }),
	"bills of another organization": inOrganization(func(_ *world.World, o *world.Organization) {
		o.Handshakes = append(o.Handshakes, world.Handshake{ID: "h-bills", Action: "TRANSFER_RESPONSIBILITY", State: "ACCEPTED", Transfer: "rt-bills"})
		o.Transfers = append(o.Transfers, world.Transfer{ID: "rt-bills", Handshake: "h-bills"})
	}),
	"organization of another account": inWorld(func(w *world.World) {
		if w.Organization == nil {
			w.SetOrganization(&world.Organization{ID: "o-anotherone", ManagementAccount: member})
		}
	}),
	"by a short session": bySession(world.Session{Account: management, User: "root-admin", Credential: policy.FederatedRole, Present: policy.False}),
	"by the root user of a member that is delegated": func(c *Cloud, creds *aws.Credentials, in map[string]any) []map[string]any {
		c.Update(func(w *world.World) {
			if o := w.EditOrganization(); o != nil {
				o.DelegatedAdmins = append(o.DelegatedAdmins, world.DelegatedAdmin{Account: member, Service: "iam.amazonaws.com"})
			}
		})
		return bySession(world.Session{Account: member, Credential: policy.RootSession, Present: policy.False})(c, creds, in)
	},
	"large texts": func(_ *Cloud, _ *aws.Credentials, in map[string]any) []map[string]any {
		if _, ok := in["Policy"]; !ok {
			return nil
		}
		in = maps.Clone(in)
		var wide strings.Builder
		for i := range 1930 {
			wide.WriteRune(rune(0xa1 + int(mix(1, uint64(i))%0x5f)))
		}
		in["Policy"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + wide.String() + `"}]}`
		return []map[string]any{in}
	},
	"much later": func(c *Cloud, _ *aws.Credentials, in map[string]any) []map[string]any {
		c.Advance(25 * 365 * 24 * time.Hour)
		return []map[string]any{in}
	},
	"by a member":         by("alice"),
	"without permissions": by("bob"),
	"later": func(c *Cloud, _ *aws.Credentials, in map[string]any) []map[string]any {
		c.Advance(5 * time.Hour)
		return []map[string]any{in}
	},
}

// An unreachable error is one that operations cannot have here, with the reason.
type unreachable struct{ code, operations, why string }

const oneAfterAnother = "calls are performed one after another"

var unreachables = []unreachable{
	{"ConcurrentModification", "*", oneAfterAnother},
	{"ConcurrentModificationException", "*", oneAfterAnother},
	{"ConflictException", "*", oneAfterAnother},
	{"UnsupportedAPIEndpointException", "*", "there is one endpoint, which supports every operation"},
	{"RegionDisabledException", "*", "every Region is enabled"},
	{"PolicyChangesInProgressException", "*", "changes are immediate"},
	{"EntityTemporarilyUnmodifiable", "*", "changes are immediate"},
	{"FinalizingOrganizationException", "*", "the organization is complete"},
	{"OpenIdIdpCommunicationError", "*", "no identity provider is called"},
	{"IDPCommunicationError", "*", "no identity provider is called"},
	{"PolicyEvaluation", "*", "the simulator decides everything, or says that it cannot"},
	{"AccountOwnerNotVerifiedException", "*", "the owner of an account is always verified"},
	{"ExpiredTokenException", "AssumeRo[lo][et]", "an expired session is refused before, with `ExpiredToken`"},
	{"IDPRejectedClaim", "*", "no identity provider is called"},
	{"ReportGenerationLimitExceeded", "GenerateOrganizationsAccessReport", "a report is complete at once"},
	{"ConstraintViolationException", "UntagResource", "there are no tag policies"},
	{"ConstraintViolationException", "*ResponsibilityTransfer*", noTransferQuota},
	{"ConstraintViolationException", "InviteOrganizationToTransferResponsibility", noTransferQuota},
	{"MasterCannotLeaveOrganizationException", "AcceptHandshake", "a world has one organization, so no invited account manages another one"},
	{"LimitExceeded", "CreateDelegationRequest", "AWS publishes no quota of delegation requests"},
	{"AccessDeniedForDependencyException", "*", "a service-linked role needs no permission of the caller"},
	{"LimitExceeded", "De*", reachesNone},
	{"LimitExceeded", "Remove*", reachesNone},
	{"LimitExceeded", "Update[ALSUG]*", reachesNone},
	{"LimitExceeded", "ChangePassword", reachesNone},
	{"LimitExceeded", "CreateLoginProfile", "a user has one password, so a second is `EntityAlreadyExists`"},
	{"LimitExceeded", "CreateAccountAlias", "an account has one alias, and a new one replaces it"},
	{"LimitExceeded", "ResyncMFADevice", reachesNone},
	{"LimitExceeded", "SetDefaultPolicyVersion", reachesNone},
	{"LimitExceeded", "GenerateCredentialReport", reachesNone},
	{"InvalidInput", "Detach*", malformedValue},
	{"InvalidInput", "[GL][ei][ts]*", malformedValue},
	{"InvalidInput", "Update*", malformedValue},
	{"InvalidInput", "Untag*", malformedValue},
	{"InvalidInputException", "LeaveOrganization", noInput},
	{"InvalidInputException", "DeleteOrganization", noInput},
	{"InvalidInputException", "EnableAllFeatures", noInput},
	{"AWSOrganizationsNotInUseException", "AcceptHandshake", "an account in no organization may accept an invitation"},
	{"ConstraintViolationException", "DisablePolicyType", "no service depends on service control policies"},
	{"ConstraintViolationException", "EnablePolicyType", "an organization without all features is `PolicyTypeNotAvailableForOrganizationException`"},
	{"ConstraintViolationException", "EnableAllFeatures", "no organization is too large for it"},
	{"AccountNotFoundException", "LeaveOrganization", "the account of the caller exists"},
	{"NoSuchEntity", "DeleteOpenIDConnectProvider", "AWS documents that a provider may be deleted twice"},
	{"UnmodifiableEntity", "UpdateRoleDescription", "the description of a service-linked role may be changed"},
	{"UnrecognizedPublicKeyEncoding", "GetSSHPublicKey", malformedValue},
	{"EntityAlreadyExists", "AddRoleToInstanceProfile", "a profile with a role is `LimitExceeded`"},
	{"EntityAlreadyExists", "UploadSigningCertificate", "a certificate that is there is `DuplicateCertificate`"},
	{"DeleteConflict", "DeleteServerCertificate", "no load balancer uses a certificate"},
	{"NoSuchEntity", "CreateGroup", "it needs nothing that must exist"},
	{"NoSuchEntity", "UpdateAccountPasswordPolicy", "it needs nothing that must exist"},
	{"NoSuchEntity", "CreateServiceLinkedRole", "it needs nothing that must exist"},
	{"MalformedPolicyDocument", "UpdateAccountPasswordPolicy", "it has no document"},
	{"*", "AssumeRoleWithSAML", "every assertion is refused before"},
	{"PackedPolicyTooLarge", "GetDelegatedAccessToken", "it has no policy"},
}

const (
	noInput         = "it has no input"
	noTransferQuota = "AWS publishes no quota of billing transfers"
	reachesNone     = "the operation adds nothing that has a quota"
	malformedValue  = "malformed values are `ValidationError`"
)

// cannot returns why an operation cannot have an error; empty: it can.
func cannot(operation, code string) string {
	for _, u := range unreachables {
		inOperation, err := path.Match(u.operations, operation)
		ofCode, err2 := path.Match(u.code, code)
		if err != nil || err2 != nil {
			panic(u)
		}
		if inOperation && ofCode {
			return u.why
		}
	}
	return ""
}

// fails sends the spoiled inputs and returns the codes of the answers.
func fails(t *testing.T, s *script, service, operation string, input map[string]any, spoil spoiler) []string {
	t.Helper()
	c := s.cloud.Fork()
	creds := s.creds
	var codes []string
	for _, in := range spoil(c, &creds, input) {
		r := request(service, operation, in)
		r.creds = creds
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r.sign(t))
		got := replyOf(services()[service], operation, w)
		if got.problem != "" {
			t.Errorf("%s %v: %s", operation, in, got.problem)
		}
		codes = append(codes, got.code)
	}
	return codes
}

// Every error that the models list for an operation is produced by the emulator, except
// those that cannot happen.
// No other error is produced, except the common ones.
func TestEveryModeledErrorIsProduced(t *testing.T) {
	testdepth.Need(t)
	t.Parallel()
	produced := map[string]bool{}
	s := newScript(t, New(callsWorld(), Options{Clock: func() time.Time { return noon }}))
	s.cloud.Update(func(w *world.World) {
		w.Edit(management).Roles[world.Fold(linkedRole)] = &world.Role{Name: linkedRole, Path: "/aws-service-role/support.amazonaws.com/", ID: "AROASUPPORT0000000000", Created: made, Trust: trustMember, MaxSession: time.Hour}
	})
	s.call = func(s *script, service, operation string, input map[string]any) (map[string]any, string) {
		for _, spoil := range spoilers {
			for _, code := range fails(t, s, service, operation, input, spoil) {
				produced[service+":"+operation+" "+code] = true
			}
		}
		out, code := s.overHTTP(service, operation, input)
		produced[service+":"+operation+" "+code] = true
		return out, code
	}
	s.run(func(service string) bool { return modeled[service] != nil })
	total, impossible := 0, 0
	for service, m := range modeled {
		for operation := range services()[service].byName {
			for _, code := range m().Errors[operation] {
				id := service + ":" + operation + " " + code
				total++
				switch {
				case produced[id]:
				case cannot(operation, code) != "":
					impossible++
				default:
					t.Errorf("%s is not produced", id)
				}
			}
		}
	}
	checkPage(t, "ModeledError", "errors", errorTable(total, impossible))
}

func errorTable(total, impossible int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe models list %d errors for these operations. A test produces %d of them. The other %d cannot happen:\n\n", total, total-impossible, impossible)
	b.WriteString("| error | operations | reason |\n|---|---|---|\n")
	for _, u := range unreachables {
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", strings.ReplaceAll(u.code, "*", "all others"), u.operations, u.why)
	}
	b.WriteString("\n")
	return b.String()
}
