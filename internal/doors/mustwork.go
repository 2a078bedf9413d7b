package doors

import (
	"context"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/org"
)

// Who something must work for.
var (
	keyOfTarget = key
	codeOfUser  = and(target, (*Subject).hasKey, givesCodes)
	hardware    = and(target, (*Subject).hasKey, func(s *Subject) bool { return s.device(org.HardwareMFA) != "" })
	// signsIn has the console and a device to sign in with.
	signsIn = and(target, (*Subject).hasConsole, (*Subject).hasDevice, not(resets))
	fido    = and(signsIn, func(s *Subject) bool { return s.device(org.FIDO) != "" && !givesCodes(s) })
	// enrolsInConsole has the console and no device yet.
	enrolsInConsole = and(target, (*Subject).hasConsole, not((*Subject).hasDevice), not(resets), enrolsAlone)
	enrolsByWindow  = and(target, (*Subject).hasKey, not((*Subject).hasDevice), mayEnrolByKey, enrolsAlone)
	robot           = and((*Subject).Exempt, (*Subject).hasKey)
	exemptPerson    = and((*Subject).Exempt, (*Subject).hasConsole, not(resets))
	breakGlass      = and(exemptPerson, func(s *Subject) bool { return s.BreakGlass })
)

func resets(s *Subject) bool      { return s.Resets }
func enrolsAlone(s *Subject) bool { return s.EnrolsAlone }

// unbounded leaves out users whose permissions boundary may take away what the
// enforced policy grants. That they can enrol a first device is for the guard
// of the plan to see to.
func unbounded(s *Subject) bool { return s.User.Read == nil || s.User.Read.Boundary == "" }

// MustWork are the things that must work when everything is enforced. Those
// that are Kept must work where they worked before.
var MustWork = slices.Concat([]Door{
	{Name: "key/who-am-i", Title: "ask who one is with the access key", Aims: once(keyOfTarget), Try: byKey(whoAmI),
		Why: "AWS always answers this"},
	{Name: "enrol/console", Title: "enrol a first device in the console, and use it", Aims: once(enrolsInConsole), Try: enrolInConsole,
		Why: "the user would be locked out"},
	{Name: "enrol/window", Title: "enrol a first device by access key while the window is open, and use it", Aims: once(enrolsByWindow), Try: byKey(enrolByKey),
		Why: "the user would be locked out"},
	{Name: "code/own-devices", Title: "list the own devices with an MFA session", Aims: once(and(codeOfUser, enrolsAlone)), Try: byCode(listOwnDevices),
		Why: "the user would be locked out"},
	{Name: "code/hardware", Title: "get an MFA session with a hardware token", Aims: once(hardware), Try: byCode(whoAmI),
		Why: "the token would be useless"},
	{Name: "code/second-device", Title: "enrol a second device with an MFA session", Aims: once(and(codeOfUser, enrolsAlone, unbounded)), Try: byCode(enrol),
		Why: "nobody could change phones"},
	{Name: "sign-in/own-devices", Title: "list the own devices after signing in with MFA", Aims: once(and(signsIn, enrolsAlone)), Try: bySignIn(listOwnDevices),
		Why: "the user would be locked out"},
	{Name: "sign-in/fido", Title: "sign in with a security key", Aims: once(fido), Try: bySignIn(whoAmI),
		Why: "the security key would be useless"},
	{Name: "break-glass/sign-in", Title: "sign in as a break-glass user", Aims: once(breakGlass), Try: bySignIn(whoAmI),
		Why: "nobody could get in when everything else fails"},
	{Name: "code/role", Title: "assume a role with an MFA session", Aims: on(codeOfUser, rolesBehindMFA), Try: byCode(assume), Kept: true,
		Why: "the user could not work"},
	{Name: "code/role-open", Title: "assume a role without MFA in its trust policy, with an MFA session", Aims: on(codeOfUser, rolesOpen), Try: byCode(assume), Kept: true,
		Why: "the user could not work"},
	{Name: "code/role-in-call", Title: "assume a role with a code in the call", Aims: on(codeOfUser, rolesBehindMFA), Try: byKey(assumeByCode), Kept: true,
		Why: "tools that send the code with AssumeRole would break"},
	{Name: "code/role-ruins", Title: "assume a role with a code, terminate an instance and delete a table", Aims: on(codeOfUser, rolesToRuin), Try: byKey(ruinByCode), Kept: true,
		Why: "the user could not do what the role is for"},
},
	kept("code", "with an MFA session", codeOfUser, byCode),
	kept("sign-in", "after signing in with MFA", signsIn, bySignIn),
	kept("exempt-key", "with the access key of an exempt user", robot, byKey),
	kept("exempt-sign-in", "after signing in as an exempt user", exemptPerson, bySignIn),
)

// kept are everyday deeds with a credential, to be kept where they worked.
func kept(credential, how string, has holder, by func(deed) attemptFunc) []Door {
	door := func(name, title string, aims func(*Subject) []string, do deed) Door {
		return Door{Name: credential + "/" + name, Title: title + " " + how, Aims: aims, Try: by(do), Kept: true,
			Why: "something that worked would break"}
	}
	return []Door{
		door("s3-read", "read an S3 object", on(has, objects), readObject),
		door("s3-write", "write an S3 object", on(has, objects), writeObject),
		door("s3-list", "list the buckets", once(has), listBuckets),
		door("ec2-describe", "describe the instances", once(has), describeInstances),
		door("dynamodb-list", "list the tables", once(has), listTables),
		door("list-users", "list the users", once(has), listUsers),
	}
}

// enrolInConsole walks as a user does: look around, create and enable a
// device, sign out, sign in with it.
func enrolInConsole(ctx context.Context, a *Attempt) error {
	with, err := a.SignIn(ctx, "")
	if err != nil {
		return err
	}
	for _, do := range []deed{getSelf, listOwnDevices} {
		if err := do(ctx, a, with); err != nil {
			return err
		}
	}
	if a.Device, err = a.enrolled(ctx, with); err != nil {
		return err
	}
	if with, err = a.signIn(ctx); err != nil {
		return err
	}
	return listOwnDevices(ctx, a, with)
}

// enrolByKey creates and enables a device, and gets a session with its code.
func enrolByKey(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	d, err := a.enrolled(ctx, with)
	if err != nil {
		return err
	}
	session, err := a.session(ctx, with, d)
	if err != nil {
		return err
	}
	return listOwnDevices(ctx, a, session)
}

func assumeByCode(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.assumed(ctx, with, a.Device)
	return err
}

// ruinByCode is the walk through of AWS's post on cross-account access with
// MFA: assume a role with a code, then do what only that role may.
// Source: AWS Security Blog, "How do I protect cross-account access using MFA?".
func ruinByCode(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	session, err := a.assumed(ctx, with, a.Device)
	if err != nil {
		return err
	}
	role := a.Aims.role(a.Aim)
	if err := a.send(ctx, session, ec2("TerminateInstances", url.Values{"InstanceId.1": {role.Instance}})); err != nil {
		return err
	}
	return a.table(ctx, session, "DeleteTable", map[string]string{"TableName": role.Table})
}
