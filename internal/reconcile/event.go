package reconcile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// A scope is what a call may affect, and therefore what is read after it.
type scope uint8

const (
	noScope         scope = iota
	userScope             // one user
	allUsersScope         // the policy or group of forcemfa, and so every user under it
	roleScope             // the trust policy of a role
	deploymentScope       // the monitoring itself: there is nothing to read in IAM
)

// An eventRule says what a call in an event means for enforcement.
type eventRule struct {
	scope scope
	// applies reports whether the call concerns something managed by forcemfa;
	// nil: always.
	applies func(*incident) bool
	// detect returns an alert if the call weakens enforcement; nil: it never does.
	detect func(*incident) *alert
}

// An alert is sent immediately, before the account is read.
type alert struct {
	severity     audit.Severity
	what, remedy string
}

// The remedies that alerts share.
const (
	askActor = "ask who did this; the function restores users to the group, attachments and tags"
	redeploy = "run forcemfa deploy apply to restore the document, and ask who changed it"
	rejoin   = "invite the account into the organization again, and ask who did this: no service control policy affects its users now"
	regroup  = "run forcemfa apply, which creates the group again, and ask who changed it"
	reattach = "run forcemfa apply, which restores the policies of the config, and ask who changed it"
	// CloudFormation compares a template with the previous one, not with the account, so
	// deploy apply alone restores nothing in a stack.
	restore = "delete the stack of this account and run forcemfa deploy apply, which creates it again (docs/deploy.md, Repair); ask who changed it"
)

// eventRules are by the eventName of the CloudTrail record, one for each in [Pattern].
var eventRules = map[string]eventRule{
	"CreateUser":                      {scope: userScope, detect: exempts},
	"UpdateUser":                      {scope: userScope},
	"CreateLoginProfile":              {scope: userScope},
	"UpdateLoginProfile":              {scope: userScope},
	"CreateAccessKey":                 {scope: userScope},
	"UpdateAccessKey":                 {scope: userScope},
	"CreateServiceSpecificCredential": {scope: userScope},
	"UploadSSHPublicKey":              {scope: userScope},
	"UploadSigningCertificate":        {scope: userScope},
	"ConsoleLogin":                    {scope: userScope, applies: withoutMFA},
	"GetFederationToken":              {scope: userScope},
	"AddUserToGroup":                  {scope: userScope},
	"RemoveUserFromGroup":             {scope: userScope, detect: leavesGroup},
	"TagUser":                         {scope: userScope, detect: exempts},
	"UntagUser":                       {scope: userScope},
	"EnableMFADevice":                 {scope: userScope, detect: enrollsByKey},
	"DeactivateMFADevice":             {scope: userScope, detect: userAlert("the MFA device %s of %s was deactivated", "serialNumber", "ask whether the device was lost, and have the user enroll another")},
	"AttachUserPolicy":                {scope: userScope},
	"DetachUserPolicy":                {scope: userScope, detect: detachesPolicy},
	"PutUserPolicy":                   {scope: userScope, detect: writesInlinePolicy},
	"DeleteUserPolicy":                {scope: userScope, detect: deletesInlinePolicy},
	"PutUserPermissionsBoundary":      {scope: userScope, detect: userAlert("the permissions boundary %s was set on %s", "permissionsBoundary", askActor)},
	"DeleteUserPermissionsBoundary":   {scope: userScope, detect: userAlert("the permissions boundary%s of %s was removed", "", "ask who did this, and set the boundary again if it is needed")},

	"AttachGroupPolicy": {scope: allUsersScope, applies: isGroup, detect: addsPolicyToGroup},
	"DetachGroupPolicy": {scope: allUsersScope, applies: isGroupOrPolicy, detect: detachesPolicy},
	"PutGroupPolicy":    {scope: allUsersScope, applies: isGroup, detect: groupAlert("an inline policy was put on the group "+baseline.GroupName, "delete it: it grants permissions to every member of the group")},
	"DeleteGroupPolicy": {scope: allUsersScope, applies: isGroup},
	"UpdateGroup":       {scope: allUsersScope, applies: isGroup, detect: groupAlert("the group "+baseline.GroupName+" was renamed or moved", regroup)},
	"DeleteGroup":       {scope: allUsersScope, applies: isGroup, detect: groupAlert("the group "+baseline.GroupName+" was deleted", regroup)},

	"CreatePolicyVersion":     {scope: allUsersScope, applies: isPolicy, detect: policyAlert("has a new version", redeploy)},
	"SetDefaultPolicyVersion": {scope: allUsersScope, applies: isPolicy, detect: policyAlert("has a different default version", redeploy)},
	"DeletePolicyVersion":     {scope: allUsersScope, applies: isPolicy, detect: policyAlert("lost a version", redeploy)},
	"DeletePolicy":            {scope: allUsersScope, applies: isPolicy, detect: policyAlert("was deleted", "run forcemfa apply, which creates the policy again, and ask who deleted it")},

	"CreateRole":                 {scope: roleScope},
	"UpdateAssumeRolePolicy":     {scope: roleScope, detect: changesTrust},
	"AttachRolePolicy":           {scope: deploymentScope, applies: isFunctionRole, detect: roleAlert("a policy was attached to the function's role %s")},
	"DetachRolePolicy":           {scope: deploymentScope, applies: isFunctionRole, detect: roleAlert("a policy was detached from the function's role %s")},
	"PutRolePolicy":              {scope: deploymentScope, applies: isFunctionRole, detect: roleAlert("an inline policy was put on the function's role %s")},
	"DeleteRolePolicy":           {scope: deploymentScope, applies: isFunctionRole, detect: roleAlert("an inline policy was deleted from the function's role %s")},
	"DeleteRole":                 {scope: deploymentScope, applies: isFunctionRole, detect: roleAlert("the function's role %s was deleted")},
	"PutRolePermissionsBoundary": {scope: deploymentScope, applies: isFunctionRole, detect: roleAlert("a permissions boundary was set on the function's role %s")},

	"DisableRule":                           {scope: deploymentScope, applies: isManaged("name"), detect: alertOn("name", "the rule %s was disabled", "enable it with aws events enable-rule, and ask who disabled it")},
	"DeleteRule":                            {scope: deploymentScope, applies: isManaged("name"), detect: alertOn("name", "the rule %s was deleted", restore)},
	"PutRule":                               {scope: deploymentScope, applies: isManaged("name"), detect: alertOn("name", "the rule %s was changed", restore)},
	"RemoveTargets":                         {scope: deploymentScope, applies: isManaged("rule"), detect: alertOn("rule", "the rule %s lost a target", restore)},
	"DeleteFunction20150331":                {scope: deploymentScope, applies: isManaged("functionName"), detect: alertOn("functionName", "the function %s was deleted", restore)},
	"UpdateFunctionCode20150331v2":          {scope: deploymentScope, applies: isManaged("functionName"), detect: alertOn("functionName", "the code of the function %s was changed", restore)},
	"UpdateFunctionConfiguration20150331v2": {scope: deploymentScope, applies: isManaged("functionName"), detect: alertOn("functionName", "the configuration of the function %s was changed", restore)},
	"PutFunctionConcurrency20171031":        {scope: deploymentScope, applies: isManaged("functionName"), detect: alertOn("functionName", "the concurrency of the function %s was changed", "remove the limit with aws lambda delete-function-concurrency, unless you set it with the parameter ReservedConcurrency, and ask who changed it")},
	"RemovePermission20150331v2":            {scope: deploymentScope, applies: isManaged("functionName"), detect: alertOn("functionName", "a permission to invoke the function %s was removed", restore)},
	"DeleteStack":                           {scope: deploymentScope, applies: isManaged("stackName"), detect: alertOn("stackName", "the stack %s was deleted", restore)},
	"StopLogging":                           {scope: deploymentScope, detect: alertOn("name", "the trail %s stopped logging: no events arrive from it", "start it again with aws cloudtrail start-logging, and ask who stopped it")},
	"DeleteTrail":                           {scope: deploymentScope, detect: alertOn("name", "the trail %s was deleted: no events arrive from it", "create a trail that logs write management events, and ask who deleted it")},
	"PutEventSelectors":                     {scope: deploymentScope, detect: alertOn("trailName", "the event selectors of the trail %s were changed: events may not arrive", "let the trail log write management events, and ask who changed it")},

	"LeaveOrganization": {scope: deploymentScope, detect: func(i *incident) *alert {
		return high(rejoin, "the account %s left the organization", i.event.Account)
	}},
	"RemoveAccountFromOrganization": {scope: deploymentScope, detect: func(i *incident) *alert {
		return high(rejoin, "the account %s was removed from the organization", i.text("accountId"))
	}},
	"AccountDepartedOrganization": {scope: deploymentScope, applies: leftByItself, detect: func(i *incident) *alert {
		account, _ := i.departure()
		return high(rejoin, "the account %s left the organization", account)
	}},
	"CreateSAMLProvider":          {scope: deploymentScope, detect: providerAlert("the SAML provider %s was created", "name")},
	"UpdateSAMLProvider":          {scope: deploymentScope, detect: providerAlert("the SAML provider %s was changed", "sAMLProviderArn")},
	"CreateOpenIDConnectProvider": {scope: deploymentScope, detect: providerAlert("the OpenID Connect provider %s was created", "url")},

	"DetachPolicy":      {scope: deploymentScope, applies: usesSCPs, detect: alertOn("policyId", "the policy %s of the organization was detached", reattach)},
	"UpdatePolicy":      {scope: deploymentScope, applies: usesSCPs, detect: alertOn("policyId", "the policy %s of the organization was changed", reattach)},
	"DisablePolicyType": {scope: deploymentScope, applies: usesSCPs, detect: alertOn("policyType", "policies of type %s were disabled in the organization", "enable them with aws organizations enable-policy-type, run forcemfa apply, and ask who disabled them")},
}

// An incident is a call in an event that concerns something managed by forcemfa.
type incident struct {
	event *trail.Event
	*eventRule
	policies []string // the ARNs that the policy of forcemfa can have in the account of the event
	role     string   // name of the function's role
	function string   // name of the function
	baseline *baseline.Baseline
	now      time.Time
}

func (i *incident) record() *trail.Record        { return &i.event.Detail }
func (i *incident) text(parameter string) string { return i.record().Parameters.Text(parameter) }

// user is the name of the user after the call; empty if the call is not about one.
func (i *incident) user() string {
	if i.scope != userScope {
		return ""
	}
	if renamed := i.text("newUserName"); renamed != "" && i.record().EventName == "UpdateUser" {
		return renamed
	}
	return i.record().Subject()
}

// byCloudFormation reports whether CloudFormation made the call. AWS writes both
// members; a caller cannot.
// Source: CloudTrail User Guide, "CloudTrail record contents", sourceIPAddress,
// and "CloudTrail userIdentity element", invokedBy.
func (i *incident) byCloudFormation() bool {
	const service = "cloudformation.amazonaws.com"
	return i.record().SourceIP == service || i.record().UserIdentity.InvokedBy == service
}

// subject is what the call is about, as named in findings.
func (i *incident) subject() string {
	switch p := i.record().Parameters; {
	case i.scope == userScope:
		return "user/" + i.user()
	case i.scope == roleScope || isFunctionRole(i):
		return "role/" + p.Text("roleName")
	case isPolicy(i) && p.Text("groupName") == "":
		return "policy/" + baseline.PolicyName
	case i.scope == allUsersScope:
		return "group/" + p.Text("groupName")
	}
	for _, name := range []string{"functionName", "name", "rule", "stackName", "trailName", "policyId", "policyType"} {
		if text := i.text(name); text != "" {
			return name + "/" + text
		}
	}
	return "account"
}

func isGroup(i *incident) bool  { return strings.EqualFold(i.text("groupName"), baseline.GroupName) }
func isPolicy(i *incident) bool { return slices.Contains(i.policies, i.text("policyArn")) }

func isGroupOrPolicy(i *incident) bool { return isGroup(i) || isPolicy(i) }

func isFunctionRole(i *incident) bool {
	return i.role != "" && strings.EqualFold(i.text("roleName"), i.role)
}

// isManaged reports whether a parameter names a part of the stack: the function, or
// anything with forcemfa in its name.
func isManaged(parameter string) func(*incident) bool {
	return func(i *incident) bool {
		name := strings.ToLower(i.text(parameter))
		return strings.Contains(name, "forcemfa") || i.function != "" && strings.Contains(name, strings.ToLower(i.function))
	}
}

func usesSCPs(i *incident) bool {
	return i.baseline.Attach == baseline.AttachSCP || len(i.baseline.Guard.Targets) > 0
}

// withoutMFA reports whether a user signed in to the console with the password only.
// Source: CloudTrail User Guide, "AWS Management Console sign-in events".
func withoutMFA(i *incident) bool {
	var answer struct{ ConsoleLogin string }
	_ = json.Unmarshal(i.record().ResponseElements, &answer) // none: not a success
	return answer.ConsoleLogin == "Success" && i.record().AdditionalData.Text("MFAUsed") != "Yes"
}

// departure returns the account that an event of Organizations is about, and how it left.
// AWS documents that the event says both, and not the names of its members: departedMethod
// and departureMethod are in different versions of the API Reference. So every member is
// read, and the account is the one whose log does not hold the event.
// Source: Organizations API Reference, LeaveOrganization.
func (i *incident) departure() (account, how string) {
	account = "of the event " + i.event.ID
	var read func(name string, value any)
	read = func(name string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for _, inner := range slices.Sorted(maps.Keys(value)) {
				read(inner, value[inner])
			}
		case string:
			switch {
			case arn.IsAccountID(value) && value != i.event.Account:
				account = value
			case strings.HasSuffix(strings.ToLower(name), "method"):
				how = value
			}
		}
	}
	r := i.record()
	var details any
	_ = json.Unmarshal(r.ServiceDetails, &details) // none
	read("", details)
	for name := range r.Parameters {
		read(name, r.Parameters.Text(name))
	}
	return account, how
}

// leftByItself reports whether an account left the organization by its own decision.
// Another method is a call of the management account, which has its own alert, or the end
// of an account that was closed.
func leftByItself(i *incident) bool {
	_, how := i.departure()
	return !strings.EqualFold(how, "Removed") && !strings.EqualFold(how, "Cleaned")
}

func high(remedy, format string, args ...any) *alert {
	return &alert{audit.High, fmt.Sprintf(format, args...), remedy}
}

// userAlert is an alert for every such call, with one of its parameters and the user's
// name.
func userAlert(format, parameter, remedy string) func(*incident) *alert {
	return func(i *incident) *alert { return high(remedy, format, i.text(parameter), i.user()) }
}

func leavesGroup(i *incident) *alert {
	if !isGroup(i) {
		return nil
	}
	return high(askActor, "%s was removed from the group %s", i.user(), baseline.GroupName)
}

func detachesPolicy(i *incident) *alert {
	if !isPolicy(i) {
		return nil
	}
	from := "the group " + i.text("groupName")
	if i.scope == userScope {
		from = i.user()
	}
	return high(askActor, "the policy %s was detached from %s", baseline.PolicyName, from)
}

func writesInlinePolicy(i *incident) *alert {
	if i.text("policyName") != baseline.InlinePolicyName {
		return nil
	}
	return high("run forcemfa apply, which checks the document", "the inline policy %s of %s was written", baseline.InlinePolicyName, i.user())
}

func deletesInlinePolicy(i *incident) *alert {
	if i.text("policyName") != baseline.InlinePolicyName {
		return nil
	}
	return high("run forcemfa apply if the quotas for groups and attached policies of the user are full",
		"the inline policy %s of %s was deleted", baseline.InlinePolicyName, i.user())
}

// exempts detects a tag that exempts the user or opens its enrollment window.
func exempts(i *incident) *alert {
	var tags []org.Tag
	_ = json.Unmarshal(i.record().Parameters["tags"], &tags) // none
	for _, e := range i.baseline.Exemptions {
		if e.Match.Tag != "" && !e.Expired(i.now) && e.Match.MatchesTag(tags) {
			return high("ask who set it, and remove it if the exemption is not intended", "the tag %s was set on %s, which exempts the user from MFA", e.Match.Tag, i.user())
		}
	}
	if window, open := i.baseline.Window.Of(tags); open {
		return &alert{audit.Medium, fmt.Sprintf("the enrollment window of %s was opened (tag %s)", i.user(), window.Tag),
			"ask who opened it; it closes on its date, or when the user has a device"}
	}
	return nil
}

func enrollsByKey(i *incident) *alert {
	if !i.record().LongLived() {
		return nil
	}
	return high("ask the user whether the device is theirs; if not, delete the key and deactivate the device",
		"a long-lived access key enrolled the MFA device %s for %s", i.text("serialNumber"), i.user())
}

func addsPolicyToGroup(i *incident) *alert {
	if isPolicy(i) {
		return nil
	}
	return high("detach it: it grants permissions to every member of the group", "%s was attached to the group %s", i.text("policyArn"), baseline.GroupName)
}

func groupAlert(what, remedy string) func(*incident) *alert {
	return func(*incident) *alert { return high(remedy, "%s", what) }
}

func policyAlert(what, remedy string) func(*incident) *alert {
	return func(*incident) *alert { return high(remedy, "the policy %s %s", baseline.PolicyName, what) }
}

func roleAlert(format string) func(*incident) *alert {
	return func(i *incident) *alert { return high(restore, format, i.role) }
}

// alertOn is an alert for every such call, with one of its parameters.
func alertOn(parameter, format, remedy string) func(*incident) *alert {
	return func(i *incident) *alert { return high(remedy, format, i.text(parameter)) }
}

// providerAlert is an alert about an identity provider: roles that trust it are assumed
// without MFA of AWS.
func providerAlert(format, parameter string) func(*incident) *alert {
	return func(i *incident) *alert {
		return high("ask who did this; the provider must require MFA, and only intended roles may trust it", format, i.text(parameter))
	}
}

// changesTrust is an alert for any role; whether the new document requires MFA is
// known when the account is read.
func changesTrust(i *incident) *alert {
	if isFunctionRole(i) {
		return roleAlert("the trust policy of the function's role %s was changed")(i)
	}
	return high("require MFA in the trust policy for account and user principals", "the trust policy of the role %s was changed", i.text("roleName"))
}

// incident is the incident in an event, or why the event is ignored.
func (f *Function) incident(e *trail.Event) (i *incident, why string) {
	r := &e.Detail
	rule, ok := eventRules[r.EventName]
	switch {
	case !ok:
		return nil, "the call does not affect enforcement"
	case e.Account != f.account:
		return nil, "from another account: " + e.Account
	case r.Failed():
		return nil, "the call failed: " + r.ErrorCode
	case f.own(r):
		return nil, "made by this function"
	}
	i = &incident{
		event: e, eventRule: &rule, role: f.role, function: f.options.Name, baseline: f.options.Settings.Baseline, now: f.now(),
		policies: f.options.Settings.Baseline.PolicyARNs(partitionOf(r), e.Account),
	}
	switch {
	case rule.applies != nil && !rule.applies(i):
		return nil, "not about anything managed by forcemfa"
	case rule.scope == userScope && i.user() == "":
		return nil, "not about a user"
	case rule.scope == deploymentScope && i.byCloudFormation():
		return nil, "made by CloudFormation"
	}
	return i, ""
}

// own reports whether the function's role made the call. The user agent is no proof:
// anybody can send any.
func (f *Function) own(r *trail.Record) bool {
	if f.role == "" {
		return false
	}
	a, err := arn.Parse(r.Actor())
	return err == nil && a.Account == f.account && a.Kind() == "role" && strings.EqualFold(a.Name(), f.role)
}

// partitionOf is the partition in the caller's ARN, which AWS writes.
func partitionOf(r *trail.Record) string {
	if a, err := arn.Parse(r.UserIdentity.ARN); err == nil && a.Partition != "" {
		return a.Partition
	}
	return "aws"
}
