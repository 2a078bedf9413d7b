package attack

import (
	"context"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/org"
)

// The users with expected access, and their credential.
var (
	keyWithCode  = and(key, showsCodes)
	hardwareCode = and(key, func(s *Subject) bool { return s.device(org.HardwareMFA) != "" })
	// signsIn is for users with the console and a device to sign in with.
	signsIn       = and(enforceable, (*Subject).hasConsole, (*Subject).hasDevice, not(mustResetPassword))
	signsInByFIDO = and(signsIn, func(s *Subject) bool { return s.device(org.FIDO) != "" && !showsCodes(s) })
	// enrollsInConsole is for users with the console and no device yet.
	enrollsInConsole = and(enforceable, (*Subject).hasConsole, not((*Subject).hasDevice), not(mustResetPassword), selfService)
	enrollsInWindow  = and(key, not((*Subject).hasDevice), mayEnrollByKey, selfService)
	exemptKey        = and((*Subject).Exempt, (*Subject).hasKey)
	exemptConsole    = and((*Subject).Exempt, (*Subject).hasConsole, not(mustResetPassword))
	breakGlass       = and(exemptConsole, func(s *Subject) bool { return s.BreakGlass })
)

func mustResetPassword(s *Subject) bool { return s.MustResetPassword }
func selfService(s *Subject) bool       { return s.SelfService }

// noBoundary leaves out users whose permissions boundary may remove what the
// enforced policy grants. A guard of the plan checks that they can enroll a first
// device.
func noBoundary(s *Subject) bool { return s.User.Read == nil || s.User.Read.Boundary == "" }

// ExpectedAccess must work while MFA is enforced. Scenarios with Preserve must work
// where they worked before.
var ExpectedAccess = slices.Concat([]Scenario{
	{Name: "key/caller-identity", Title: "get the caller identity with the access key", targets: once(key), try: byKey(callerIdentity),
		Why: "AWS always answers this request"},
	{Name: "enroll/console", Title: "enroll a first device in the console, and use it", targets: once(enrollsInConsole), try: enrollInConsole,
		Why: "the user would be locked out"},
	{Name: "enroll/window", Title: "enroll a first device with the access key in the enrollment window, and use it", targets: once(enrollsInWindow), try: byKey(enrollByKey),
		Why: "the user would be locked out"},
	{Name: "code/own-devices", Title: "list the user's devices with an MFA session", targets: once(and(keyWithCode, selfService)), try: byCode(listOwnDevices),
		Why: "the user would be locked out"},
	{Name: "code/hardware", Title: "get an MFA session with a hardware token", targets: once(hardwareCode), try: byCode(callerIdentity),
		Why: "the token would be useless"},
	{Name: "code/second-device", Title: "enroll a second device with an MFA session", targets: once(and(keyWithCode, selfService, noBoundary)), try: byCode(enroll),
		Why: "users could not replace their phone"},
	{Name: "sign-in/own-devices", Title: "list the user's devices after signing in with MFA", targets: once(and(signsIn, selfService)), try: bySignIn(listOwnDevices),
		Why: "the user would be locked out"},
	{Name: "sign-in/fido", Title: "sign in with a security key", targets: once(signsInByFIDO), try: bySignIn(callerIdentity),
		Why: "the security key would be useless"},
	{Name: "break-glass/sign-in", Title: "sign in as a break-glass user", targets: once(breakGlass), try: bySignIn(callerIdentity),
		Why: "nobody could sign in during an emergency"},
	{Name: "code/role", Title: "assume a role with an MFA session", targets: on(keyWithCode, rolesRequiringMFA), try: byCode(assume), Preserve: true,
		Why: "the user could not work"},
	{Name: "code/role-without-mfa", Title: "assume a role whose trust policy does not require MFA, with an MFA session", targets: on(keyWithCode, rolesWithoutMFA), try: byCode(assume), Preserve: true,
		Why: "the user could not work"},
	{Name: "code/role-in-call", Title: "assume a role with the code in the call", targets: on(keyWithCode, rolesRequiringMFA), try: byKey(assumeByCode), Preserve: true,
		Why: "tools that send the code with AssumeRole would break"},
	{Name: "code/role-destroys", Title: "assume a role with a code, terminate an instance and delete a table", targets: on(keyWithCode, rolesWithResources), try: byKey(destroyByCode), Preserve: true,
		Why: "the user could not use the role"},
},
	everyday("code", "with an MFA session", keyWithCode, byCode),
	everyday("sign-in", "after signing in with MFA", signsIn, bySignIn),
	everyday("exempt-key", "with the access key of an exempt user", exemptKey, byKey),
	everyday("exempt-sign-in", "after signing in as an exempt user", exemptConsole, bySignIn),
)

// everyday is common requests with one kind of credential, to be preserved.
func everyday(credential, how string, has condition, by func(request) tryFunc) []Scenario {
	scenario := func(name, title string, targets func(*Subject) []string, do request) Scenario {
		return Scenario{Name: credential + "/" + name, Title: title + " " + how, targets: targets, try: by(do), Preserve: true,
			Why: "a request that worked would fail"}
	}
	return []Scenario{
		scenario("s3-read", "read an S3 object", on(has, objects), readObject),
		scenario("s3-write", "write an S3 object", on(has, objects), writeObject),
		scenario("s3-list", "list the buckets", once(has), listBuckets),
		scenario("ec2-describe", "describe the instances", once(has), describeInstances),
		scenario("dynamodb-list", "list the tables", once(has), listTables),
		scenario("list-users", "list the users", once(has), listUsers),
	}
}

// enrollInConsole does what a user does: read the own user and devices, create and
// enable a device, sign out, sign in with it.
func enrollInConsole(ctx context.Context, a *attempt) error {
	with, err := a.SignIn(ctx, "")
	if err != nil {
		return err
	}
	for _, do := range []request{getSelf, listOwnDevices} {
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

// enrollByKey creates and enables a device, and starts a session with its code.
func enrollByKey(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
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

func assumeByCode(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.assumed(ctx, with, a.Device)
	return err
}

// destroyByCode follows AWS's example of cross-account access with MFA: assume a role
// with a code, then do what only the role may do.
// Source: AWS Security Blog, "How do I protect cross-account access using MFA?".
func destroyByCode(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	session, err := a.assumed(ctx, with, a.Device)
	if err != nil {
		return err
	}
	role := a.targets.role(a.target)
	if err := a.send(ctx, session, ec2("TerminateInstances", url.Values{"InstanceId.1": {role.instance}})); err != nil {
		return err
	}
	return a.table(ctx, session, "DeleteTable", map[string]string{"TableName": role.table})
}
