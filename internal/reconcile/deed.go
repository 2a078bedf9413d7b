package reconcile

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// An aim is what a deed touches, and so what is looked at after it.
type aim uint8

const (
	nothing     aim = iota
	atUser          // one user
	atEverybody     // our policy or group, and so everybody under it
	atRole          // the trust policy of a role
	atWatch         // what keeps watch: there is nothing to look at in IAM
)

// A deed is a call of which events tell.
type deed struct {
	of aim
	// concerns tells whether the call is about what is ours; nil: always.
	concerns func(*incident) bool
	// tampers says what the call did against enforcement; nil: nothing ever.
	tampers func(*incident) *alert
}

// An alert is what people are told of a deed at once.
type alert struct {
	severity     audit.Severity
	what, remedy string
}

// The remedies that alerts share.
const (
	askWho      = "ask who did it; the function puts back what it may"
	redeploy    = "run forcemfa deploy apply, which puts the document back, and ask who changed it"
	restoreRole = "run forcemfa deploy apply, which puts it back, and ask who changed it"
)

// deeds are the calls of [Pattern], by the name in the record.
var deeds = map[string]deed{
	"CreateUser":                      {of: atUser, tampers: exempts},
	"UpdateUser":                      {of: atUser},
	"CreateLoginProfile":              {of: atUser},
	"UpdateLoginProfile":              {of: atUser},
	"CreateAccessKey":                 {of: atUser},
	"UpdateAccessKey":                 {of: atUser},
	"CreateServiceSpecificCredential": {of: atUser},
	"UploadSSHPublicKey":              {of: atUser},
	"UploadSigningCertificate":        {of: atUser},
	"ConsoleLogin":                    {of: atUser, concerns: withoutMFA},
	"GetFederationToken":              {of: atUser},
	"AddUserToGroup":                  {of: atUser},
	"RemoveUserFromGroup":             {of: atUser, tampers: leaves},
	"TagUser":                         {of: atUser, tampers: exempts},
	"UntagUser":                       {of: atUser},
	"EnableMFADevice":                 {of: atUser, tampers: enrollsByKey},
	"DeactivateMFADevice":             {of: atUser, tampers: saying("the MFA device %s of %s was deactivated", "serialNumber", "ask whether the device was lost, and let the user enroll another")},
	"AttachUserPolicy":                {of: atUser},
	"DetachUserPolicy":                {of: atUser, tampers: detaches},
	"PutUserPolicy":                   {of: atUser, tampers: overwritesInline},
	"DeleteUserPolicy":                {of: atUser, tampers: deletesInline},
	"PutUserPermissionsBoundary":      {of: atUser, tampers: saying("the permissions boundary %s was set on %s", "permissionsBoundary", askWho)},
	"DeleteUserPermissionsBoundary":   {of: atUser, tampers: saying("the permissions boundary%s of %s was removed", "", "ask who did it, and set it again where it was meant")},

	"AttachGroupPolicy": {of: atEverybody, concerns: ourGroup, tampers: loads},
	"DetachGroupPolicy": {of: atEverybody, concerns: ourGroupOrPolicy, tampers: detaches},
	"PutGroupPolicy":    {of: atEverybody, concerns: ourGroup, tampers: onGroup("an inline policy was put on our group", "delete it: it gives something to everybody in the group")},
	"DeleteGroupPolicy": {of: atEverybody, concerns: ourGroup},
	"UpdateGroup":       {of: atEverybody, concerns: ourGroup, tampers: onGroup("our group was renamed or moved", restoreRole)},
	"DeleteGroup":       {of: atEverybody, concerns: ourGroup, tampers: onGroup("our group was deleted", restoreRole)},

	"CreatePolicyVersion":     {of: atEverybody, concerns: ourPolicy, tampers: onPolicy("got a new version")},
	"SetDefaultPolicyVersion": {of: atEverybody, concerns: ourPolicy, tampers: onPolicy("got another default version")},
	"DeletePolicyVersion":     {of: atEverybody, concerns: ourPolicy, tampers: onPolicy("lost a version")},
	"DeletePolicy":            {of: atEverybody, concerns: ourPolicy, tampers: onPolicy("was deleted")},

	"CreateRole":                 {of: atRole},
	"UpdateAssumeRolePolicy":     {of: atRole, tampers: changesTrust},
	"AttachRolePolicy":           {of: atWatch, concerns: ourRole, tampers: onRole("a policy was attached to")},
	"DetachRolePolicy":           {of: atWatch, concerns: ourRole, tampers: onRole("a policy was detached from")},
	"PutRolePolicy":              {of: atWatch, concerns: ourRole, tampers: onRole("an inline policy was put on")},
	"DeleteRolePolicy":           {of: atWatch, concerns: ourRole, tampers: onRole("an inline policy was deleted from")},
	"DeleteRole":                 {of: atWatch, concerns: ourRole, tampers: onRole("somebody deleted")},
	"PutRolePermissionsBoundary": {of: atWatch, concerns: ourRole, tampers: onRole("a permissions boundary was set on")},

	"DisableRule":                           {of: atWatch, concerns: ourPart("name"), tampers: onPart("name", "the rule %s was disabled")},
	"DeleteRule":                            {of: atWatch, concerns: ourPart("name"), tampers: onPart("name", "the rule %s was deleted")},
	"PutRule":                               {of: atWatch, concerns: ourPart("name"), tampers: onPart("name", "the rule %s was changed")},
	"RemoveTargets":                         {of: atWatch, concerns: ourPart("rule"), tampers: onPart("rule", "the rule %s lost a target")},
	"DeleteFunction20150331":                {of: atWatch, concerns: ourPart("functionName"), tampers: onPart("functionName", "the function %s was deleted")},
	"UpdateFunctionCode20150331v2":          {of: atWatch, concerns: ourPart("functionName"), tampers: onPart("functionName", "the code of the function %s was changed")},
	"UpdateFunctionConfiguration20150331v2": {of: atWatch, concerns: ourPart("functionName"), tampers: onPart("functionName", "the configuration of the function %s was changed")},
	"PutFunctionConcurrency20171031":        {of: atWatch, concerns: ourPart("functionName"), tampers: onPart("functionName", "the concurrency of the function %s was changed")},
	"RemovePermission20150331v2":            {of: atWatch, concerns: ourPart("functionName"), tampers: onPart("functionName", "a permission to invoke the function %s was removed")},
	"DeleteStack":                           {of: atWatch, concerns: ourPart("stackName"), tampers: onPart("stackName", "the stack %s was deleted")},
	"StopLogging":                           {of: atWatch, tampers: onPart("name", "the trail %s stopped logging: no events arrive from it")},
	"DeleteTrail":                           {of: atWatch, tampers: onPart("name", "the trail %s was deleted: no events arrive from it")},
	"PutEventSelectors":                     {of: atWatch, tampers: onPart("trailName", "what the trail %s logs was changed: events may not arrive")},

	"DetachPolicy":      {of: atWatch, concerns: enforcedBySCP, tampers: onPart("policyId", "the policy %s of the organization was detached")},
	"UpdatePolicy":      {of: atWatch, concerns: enforcedBySCP, tampers: onPart("policyId", "the policy %s of the organization was changed")},
	"DisablePolicyType": {of: atWatch, concerns: enforcedBySCP, tampers: onPart("policyType", "policies of the type %s were switched off for the organization")},
}

// An incident is a deed that happened and concerns us.
type incident struct {
	event *trail.Event
	*deed
	policyARN string // ours, in the account of the event
	role      string // name of the function's role
	function  string // name of the function
	baseline  *baseline.Baseline
	now       time.Time
}

func (i *incident) record() *trail.Record        { return &i.event.Detail }
func (i *incident) text(parameter string) string { return i.record().Parameters.Text(parameter) }

// user is the name of the user as it is after the deed; empty where it was not
// about one.
func (i *incident) user() string {
	if i.of != atUser {
		return ""
	}
	if renamed := i.text("newUserName"); renamed != "" && i.record().EventName == "UpdateUser" {
		return renamed
	}
	return i.record().Subject()
}

// byCloudFormation tells whether a stack did it. AWS writes both members, and no
// caller can.
// Source: CloudTrail User Guide, "CloudTrail record contents", sourceIPAddress,
// and "CloudTrail userIdentity element", invokedBy.
func (i *incident) byCloudFormation() bool {
	const service = "cloudformation.amazonaws.com"
	return i.record().SourceIP == service || i.record().UserIdentity.InvokedBy == service
}

// subject is what the deed is about, as findings name it.
func (i *incident) subject() string {
	switch p := i.record().Parameters; {
	case i.of == atUser:
		return "user/" + i.user()
	case i.of == atRole || ourRole(i):
		return "role/" + p.Text("roleName")
	case p.Text("policyArn") == i.policyARN && p.Text("groupName") == "":
		return "policy/" + baseline.PolicyName
	case i.of == atEverybody:
		return "group/" + p.Text("groupName")
	}
	for _, name := range []string{"functionName", "name", "rule", "stackName", "trailName", "policyId", "policyType"} {
		if text := i.text(name); text != "" {
			return name + "/" + text
		}
	}
	return "account"
}

func ourGroup(i *incident) bool  { return strings.EqualFold(i.text("groupName"), baseline.GroupName) }
func ourPolicy(i *incident) bool { return i.text("policyArn") == i.policyARN }

func ourGroupOrPolicy(i *incident) bool { return ourGroup(i) || ourPolicy(i) }

func ourRole(i *incident) bool { return i.role != "" && strings.EqualFold(i.text("roleName"), i.role) }

// ourPart tells whether a parameter names something of the stack: the function
// itself, or what has our name in its own.
func ourPart(parameter string) func(*incident) bool {
	return func(i *incident) bool {
		name := strings.ToLower(i.text(parameter))
		return strings.Contains(name, "forcemfa") || i.function != "" && strings.Contains(name, strings.ToLower(i.function))
	}
}

func enforcedBySCP(i *incident) bool {
	return i.baseline.Attach == baseline.AttachSCP || len(i.baseline.Guard.Targets) > 0
}

// withoutMFA tells whether a user signed in to the console with the password
// alone.
// Source: CloudTrail User Guide, "AWS Management Console sign-in events".
func withoutMFA(i *incident) bool {
	var answer struct{ ConsoleLogin string }
	_ = json.Unmarshal(i.record().ResponseElements, &answer) // none: not a success
	return answer.ConsoleLogin == "Success" && i.record().AdditionalData.Text("MFAUsed") != "Yes"
}

func high(remedy, format string, args ...any) *alert {
	return &alert{audit.High, fmt.Sprintf(format, args...), remedy}
}

// saying is an alert whatever the call says, with one of its parameters and the
// user's name.
func saying(format, parameter, remedy string) func(*incident) *alert {
	return func(i *incident) *alert { return high(remedy, format, i.text(parameter), i.user()) }
}

func leaves(i *incident) *alert {
	if !ourGroup(i) {
		return nil
	}
	return high(askWho, "%s was taken out of the group %s", i.user(), baseline.GroupName)
}

func detaches(i *incident) *alert {
	if !ourPolicy(i) {
		return nil
	}
	from := "the group " + i.text("groupName")
	if i.of == atUser {
		from = i.user()
	}
	return high(askWho, "the policy %s was detached from %s", baseline.PolicyName, from)
}

func overwritesInline(i *incident) *alert {
	if i.text("policyName") != baseline.InlinePolicyName {
		return nil
	}
	return high("run forcemfa apply, which compares the document", "the inline policy %s of %s was written", baseline.InlinePolicyName, i.user())
}

func deletesInline(i *incident) *alert {
	if i.text("policyName") != baseline.InlinePolicyName {
		return nil
	}
	return high("run forcemfa apply where the function has no room for the user in the group or among its attachments",
		"the inline policy %s of %s was deleted", baseline.InlinePolicyName, i.user())
}

// exempts finds a tag that exempts, or that opens the enrollment window.
func exempts(i *incident) *alert {
	var tags []org.Tag
	_ = json.Unmarshal(i.record().Parameters["tags"], &tags) // none
	for _, e := range i.baseline.Exemptions {
		if e.Match.Tag != "" && !e.Expired(i.now) && e.Match.MatchesTag(tags) {
			return high("ask who set it, and remove it where the exemption is not meant", "the tag %s was set on %s: it exempts from MFA", e.Match.Tag, i.user())
		}
	}
	if window, open := i.baseline.Window.Of(tags); open {
		return &alert{audit.Medium, fmt.Sprintf("the enrollment window of %s was opened (tag %s)", i.user(), window.Tag),
			"ask who opened it; it closes with its date, or once there is a device"}
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

func loads(i *incident) *alert {
	if ourPolicy(i) {
		return nil
	}
	return high("detach it: it gives something to everybody in the group", "%s was attached to our group", i.text("policyArn"))
}

func onGroup(what, remedy string) func(*incident) *alert {
	return func(*incident) *alert { return high(remedy, "%s", what) }
}

func onPolicy(what string) func(*incident) *alert {
	return func(*incident) *alert { return high(redeploy, "the policy %s %s", baseline.PolicyName, what) }
}

func onRole(what string) func(*incident) *alert {
	return func(i *incident) *alert { return high(restoreRole, "%s the function's role %s", what, i.role) }
}

func onPart(parameter, format string) func(*incident) *alert {
	return func(i *incident) *alert { return high(restoreRole, format, i.text(parameter)) }
}

// changesTrust is an alert for any role; whether the new document asks for MFA
// is seen when the account is read.
func changesTrust(i *incident) *alert {
	if ourRole(i) {
		return onRole("somebody changed the trust policy of")(i)
	}
	return high("ask for MFA in the trust policy, for the account and user principals", "the trust policy of the role %s was changed", i.text("roleName"))
}

// incident is what an event tells, or why there is nothing to do about it.
func (f *Function) incident(e *trail.Event) (i *incident, why string) {
	r := &e.Detail
	known, ok := deeds[r.EventName]
	switch {
	case !ok:
		return nil, "not a call that matters here"
	case e.Account != f.account:
		return nil, "of another account: " + e.Account
	case r.Failed():
		return nil, "the call failed: " + r.ErrorCode
	case f.own(r):
		return nil, "done by this function"
	}
	i = &incident{
		event: e, deed: &known, role: f.role, function: f.options.Name, baseline: f.options.Settings.Baseline, now: f.now(),
		policyARN: baseline.PolicyARN(partitionOf(r), e.Account),
	}
	switch {
	case known.concerns != nil && !known.concerns(i):
		return nil, "not about what is ours"
	case known.of == atUser && i.user() == "":
		return nil, "about no user"
	case known.of == atWatch && i.byCloudFormation():
		return nil, "done by a stack"
	}
	return i, ""
}

// own tells whether the function's own role did it. A user agent would tell it
// as well, but anybody can send that.
func (f *Function) own(r *trail.Record) bool {
	if f.role == "" {
		return false
	}
	a, err := arn.Parse(r.Actor())
	return err == nil && a.Account == f.account && a.Kind() == "role" && strings.EqualFold(a.Name(), f.role)
}

// partitionOf is the partition of the ARN of who called, which AWS writes.
func partitionOf(r *trail.Record) string {
	if a, err := arn.Parse(r.UserIdentity.ARN); err == nil && a.Partition != "" {
		return a.Partition
	}
	return "aws"
}
