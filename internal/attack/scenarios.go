package attack

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// The stolen credential that an attack starts from. The user is not exempt.
var (
	key          = and(enforceable, (*Subject).hasKey)
	keyNoDevice  = and(key, not((*Subject).hasDevice))
	keyAndDevice = and(key, (*Subject).hasDevice)
	// keyMayNotEnroll leaves out users that the configuration lets enroll by key now.
	keyMayNotEnroll = and(keyNoDevice, not(mayEnrollByKey))
	keyAndCode      = and(key, showsCodes)
	// insiderWithMFA is a malicious user whom a guard SCP restricts.
	insiderWithMFA = and(keyAndCode, func(s *Subject) bool { return s.Enforcement.Guarded })
	// password leaves out users with a device: AWS requires it at sign-in.
	password          = and(enforceable, (*Subject).hasConsole, not((*Subject).hasDevice), not(mustResetPassword))
	passwordAndDevice = and(enforceable, (*Subject).hasConsole, (*Subject).hasDevice)
)

func mayEnrollByKey(s *Subject) bool { return s.EnrollsByKey || !s.WindowEnd.IsZero() }

// Attacks must be refused for every user that is not exempt.
//
// Two attacks are missing because no policy of the user prevents them: using a role
// session that was started before MFA was enforced (it lasts up to 12 hours), and
// enrolling a first device with the console password of a user without a device.
var Attacks = []Scenario{
	// Data, with the long-term access key.
	{Name: "key/s3-read", Title: "read an S3 object with the access key", targets: on(key, objects), try: byKey(readObject),
		Why: "a leaked key reads the data"},
	{Name: "key/s3-write", Title: "overwrite an S3 object with the access key", targets: on(key, objects), try: byKey(writeObject),
		Why: "a leaked key changes the data"},
	{Name: "key/s3-list", Title: "list the buckets with the access key", targets: once(key), try: byKey(listBuckets),
		Why: "a leaked key finds the data"},
	{Name: "key/ec2-describe", Title: "describe the instances with the access key", targets: once(key), try: byKey(describeInstances),
		Why: "a leaked key lists the machines"},
	{Name: "key/ec2-terminate", Title: "terminate an instance with the access key", targets: on(key, instances), try: byKey(terminateInstance),
		Why: "a leaked key destroys machines"},
	{Name: "key/dynamodb-list", Title: "list the tables with the access key", targets: once(key), try: byKey(listTables),
		Why: "a leaked key finds the data"},
	{Name: "key/dynamodb-delete", Title: "delete a table with the access key", targets: on(key, tables), try: byKey(deleteTable),
		Why: "a leaked key destroys data"},
	{Name: "key/list-users", Title: "list the users with the access key", targets: once(key), try: byKey(listUsers),
		Why: "a leaked key finds the next victim"},
	{Name: "key/read-account", Title: "read all users, roles and policies with the access key", targets: once(key), try: byKey(readAccount),
		Why: "a leaked key finds a path to more privileges"},

	// Credentials, with the access key.
	{Name: "key/create-user", Title: "create a user with the access key", targets: once(key), try: byKey(createUser),
		Why: "the attacker keeps access after the key is deleted"},
	{Name: "key/create-own-key", Title: "create a second access key with the first", targets: once(key), try: byKey(createOwnKey),
		Why: "the attacker keeps access after the key is rotated"},
	{Name: "key/create-key-of-other", Title: "create an access key for another user", targets: on(key, other), try: byKey(createKeyOf),
		Why: "the attacker acts as another user"},
	{Name: "key/create-own-password", Title: "create a console password with the access key", targets: once(and(key, not((*Subject).hasConsole))), try: byKey(createOwnPassword),
		Why: "the attacker signs in to the console and enrolls a device there"},
	{Name: "key/create-password-of-other", Title: "create a console password for another user", targets: on(key, otherNoPassword), try: byKey(createPasswordOf),
		Why: "the attacker signs in as another user and enrolls a device there"},
	{Name: "key/reset-own-password", Title: "reset the console password with the access key", targets: once(and(key, (*Subject).hasConsole)), try: byKey(resetOwnPassword),
		Why: "the attacker signs in to the console and locks the owner out"},
	{Name: "key/reset-password-of-other", Title: "reset the console password of another user", targets: on(key, otherPassword), try: byKey(resetPasswordOf),
		Why: "the attacker signs in as another user"},
	{Name: "key/change-password", Title: "change the user's password, knowing the old one", targets: once(and(key, (*Subject).hasConsole)), try: byKey(changePassword),
		Why: "the attacker locks the owner out"},

	// MFA devices, with the access key.
	{Name: "key/first-device", Title: "enroll a first device with the access key", targets: once(keyMayNotEnroll), try: byKey(enroll),
		Why: "the attacker's phone becomes the user's MFA device"},
	{Name: "key/first-device-planted", Title: "enable a first device that an accomplice created, with the access key", targets: once(keyMayNotEnroll), try: byKey(enablePlantedOnSelf),
		Why: "the attacker's phone becomes the user's MFA device"},
	{Name: "key/second-device", Title: "enroll a second device with the access key", targets: once(keyAndDevice), try: byKey(enroll),
		Why: "the attacker's phone works like the owner's"},
	{Name: "key/second-device-planted", Title: "enable a second device that an accomplice created, with the access key", targets: once(keyAndDevice), try: byKey(enablePlantedOnSelf),
		Why: "the attacker's phone works like the owner's"},
	{Name: "key/deactivate-device", Title: "deactivate the user's device with the access key", targets: on(key, ownDevice), try: byKey(deactivateOwn),
		Why: "the user has no device, and the attacker can enroll the next one"},
	{Name: "key/delete-device", Title: "delete the user's virtual device with the access key", targets: on(key, ownVirtual), try: byKey(deleteOwn),
		Why: "the user has no device, and the attacker can enroll the next one"},
	{Name: "key/enable-on-other", Title: "enable a device for another user with the access key", targets: on(key, otherNoDevice), try: byKey(enablePlantedOnOther),
		Why: "the attacker's phone becomes another user's MFA device"},
	{Name: "key/resync-other", Title: "resynchronize another user's device", targets: on(key, otherWithDevice), try: byKey(resyncOther),
		Why: "another user's device stops working"},
	{Name: "key/deactivate-device-of-other", Title: "deactivate another user's device", targets: on(key, otherWithDevice), try: byKey(deactivateOther),
		Why: "another user has no device"},

	// Enforcement, with the access key.
	{Name: "key/detach-policy", Title: "detach the policy from the user", targets: once(key), try: byKey(detachPolicy),
		Why: "MFA is no longer enforced for this user"},
	{Name: "key/detach-from-group", Title: "detach the policy from the group", targets: once(key), try: byKey(detachFromGroup),
		Why: "MFA is no longer enforced for the members of the group"},
	{Name: "key/leave-group", Title: "leave the group", targets: once(key), try: byKey(leaveGroup),
		Why: "MFA is no longer enforced for this user"},
	{Name: "key/replace-policy", Title: "make a new policy version that allows everything the default", targets: once(key), try: byKey(replacePolicy),
		Why: "MFA is no longer enforced for any user, and everything is allowed"},
	{Name: "key/revert-policy", Title: "make an older version of the policy the default", targets: once(key), try: byKey(revertPolicy),
		Why: "the policy is as weak as its oldest version"},
	{Name: "key/delete-policy", Title: "delete the policy", targets: once(key), try: byKey(deletePolicy),
		Why: "MFA is no longer enforced for any user"},
	{Name: "key/delete-inline-policy", Title: "delete the inline policy", targets: once(key), try: byKey(deleteInline),
		Why: "MFA is no longer enforced for this user"},
	{Name: "key/delete-boundary", Title: "delete the permissions boundary", targets: once(key), try: byKey(deleteBoundary),
		Why: "the user has more permissions than intended"},
	{Name: "key/tag-exempt", Title: "set a tag that exempts the user", targets: once(key), try: byKey(tagExempt),
		Why: "the next run stops enforcing MFA for this user"},
	{Name: "key/tag-exempt-other-case", Title: "set a tag that exempts the user, in different case", targets: once(key), try: byKey(tagExemptOtherCase),
		Why: "the next run stops enforcing MFA for this user"},
	{Name: "key/open-window", Title: "open the user's enrollment window", targets: once(key), try: byKey(openWindow),
		Why: "the attacker may enroll a device with the access key"},

	{Name: "key/confirm-device", Title: "confirm a device that was enrolled with the access key", targets: once(key), try: byKey(confirmDevice),
		Why: "nobody asks whose device it is"},
	{Name: "key/move-exempt", Title: "move the user to a path or name that is exempt", targets: once(key), try: byKey(moveExempt),
		Why: "the next run stops enforcing MFA for this user"},
	{Name: "key/create-exempt", Title: "create a user that is exempt by path, name or tag", targets: once(key), try: byKey(createExempt),
		Why: "the attacker has a user without MFA"},
	{Name: "key/create-guarded-role", Title: "create a role with the name of a role that may change the enforcement", targets: on(key, guardedRoles), try: byKey(createRole),
		Why: "the role may exempt users and remove the policy"},

	// Identity providers, credentials without MFA, and the organization, with the access key.
	{Name: "key/create-oidc-provider", Title: "create an OIDC provider", targets: once(key), try: byKey(createOIDCProvider),
		Why: "tokens of the attacker assume roles that trust the provider"},
	{Name: "key/change-oidc-provider", Title: "add an audience to an OIDC provider", targets: once(key), try: byKey(changeOIDCProvider),
		Why: "tokens for the attacker's application assume roles that trust the provider"},
	{Name: "key/create-saml-provider", Title: "create a SAML provider", targets: once(key), try: byKey(createSAMLProvider),
		Why: "assertions of the attacker assume roles that trust the provider"},
	{Name: "key/change-saml-provider", Title: "replace the metadata of a SAML provider", targets: once(key), try: byKey(changeSAMLProvider),
		Why: "assertions that the attacker signs assume the roles of the company"},
	{Name: "key/create-instance-profile", Title: "create an instance profile", targets: once(key), try: byKey(createInstanceProfile),
		Why: "an instance of the attacker gets the permissions of a role"},
	{Name: "key/create-service-linked-role", Title: "create a service-linked role", targets: once(key), try: byKey(createServiceLinkedRole),
		Why: "an AWS service acts in the account"},
	{Name: "key/create-api-key", Title: "create an API key for Amazon Bedrock", targets: once(key), try: byKey(createAPIKey),
		Why: "a bearer token works without a signature and without MFA"},
	{Name: "key/enable-identity-tokens", Title: "turn identity tokens for services outside AWS on", targets: once(key), try: byKey(enableIdentityTokens),
		Why: "the attacker is the user in every service that trusts the account"},
	{Name: "key/enable-root-sessions", Title: "turn root sessions for member accounts on", targets: once(key), try: byKey(enableRootSessions),
		Why: "the management account acts as the root user of every member account"},
	{Name: "key/leave-organization", Title: "let the account leave the organization", targets: once(key), try: byKey(leaveOrganization),
		Why: "service control policies no longer apply to the account and its users"},
	{Name: "password/create-oidc-provider", Title: "create an OIDC provider with the console password only", targets: once(password), try: byPassword(createOIDCProvider),
		Why: "tokens of the attacker assume roles that trust the provider"},
	{Name: "password/create-saml-provider", Title: "create a SAML provider with the console password only", targets: once(password), try: byPassword(createSAMLProvider),
		Why: "assertions of the attacker assume roles that trust the provider"},
	{Name: "password/create-api-key", Title: "create an API key for Amazon Bedrock with the console password only", targets: once(password), try: byPassword(createAPIKey),
		Why: "a bearer token works without a signature and without MFA"},
	{Name: "password/web-identity-token", Title: "get an identity token for services outside AWS with the console password only", targets: once(password), try: byPassword(webIdentity),
		Why: "the attacker is the user in every service that trusts the account"},
	{Name: "password/leave-organization", Title: "let the account leave the organization with the console password only", targets: once(password), try: byPassword(leaveOrganization),
		Why: "service control policies no longer apply to the account and its users"},

	// Enforcement, by a malicious user with MFA, where a guard SCP is in force.
	insider("create-guarded-role", "create a role with the name of a role that may change the enforcement", guardedRoles, createRole),
	insider("trust-self", "change the trust policy of a role that may change the enforcement", guardedRolesThatExist, trustSelf),
	insider("move-exempt", "move the user to a path or name that is exempt", exemptByName, moveExempt),
	insider("create-exempt", "create a user that is exempt by path, name or tag", nothing, createExempt),
	insider("tag-exempt", "set a tag that exempts the user", nothing, tagExempt),
	insider("tag-exempt-other-case", "set a tag that exempts the user, in different case", nothing, tagExemptOtherCase),
	insider("open-window", "open the user's enrollment window", nothing, openWindow),
	insider("confirm-device", "confirm a device that was enrolled with an access key", nothing, confirmDevice),
	insider("leave-group", "leave the group", nothing, leaveGroup),
	insider("detach-policy", "detach the policy from the user", nothing, detachPolicy),
	insider("detach-from-group", "detach the policy from the group", nothing, detachFromGroup),
	insider("replace-policy", "make a new policy version that allows everything the default", nothing, replacePolicy),
	insider("delete-policy", "delete the policy", nothing, deletePolicy),
	insider("replace-inline-policy", "replace the inline policy", nothing, replaceInline),
	insider("delete-inline-policy", "delete the inline policy", nothing, deleteInline),
	insider("delete-boundary", "delete the permissions boundary", nothing, deleteBoundary),
	insider("leave-organization", "let the account leave the organization", nothing, leaveOrganization),
	insider("join-organization", "move the account to another organization", nothing, joinOrganization),

	// Permissions, with the access key.
	{Name: "key/inline-allow", Title: "put an inline policy that allows everything on the user", targets: once(key), try: byKey(allowInline),
		Why: "the attacker has all permissions"},
	{Name: "key/attach-admin", Title: "attach AdministratorAccess to the user", targets: once(key), try: byKey(attachAdmin),
		Why: "the attacker has all permissions"},
	{Name: "key/join-admins", Title: "join a group of administrators", targets: on(key, adminGroup), try: byKey(joinAdmins),
		Why: "the attacker has all permissions"},
	{Name: "key/relax-trust", Title: "remove the MFA condition from a role's trust policy", targets: on(key, editableRole), try: byKey(relaxTrust),
		Why: "every access key of the account can assume the role"},

	// Other credentials that the access key can request.
	{Name: "key/federation-token", Title: "get a federation token", targets: once(key), try: byKey(federate),
		Why: "a session of up to 36 hours without MFA"},
	{Name: "key/web-identity-token", Title: "get an identity token for services outside AWS", targets: once(key), try: byKey(webIdentity),
		Why: "the attacker is the user in every service that trusts the account"},
	{Name: "session/web-identity-token", Title: "get an identity token for services outside AWS with a session without MFA", targets: once(key), try: bySession(webIdentity),
		Why: "the attacker is the user in every service that trusts the account"},
	{Name: "key/delegated-token", Title: "get the access token of a delegation request", targets: once(key), try: byKey(delegatedToken),
		Why: "the attacker gets the permissions that somebody delegated"},
	{Name: "key/root-session", Title: "start a session of the root user of a member account", targets: on(key, memberAccounts), try: byKey(rootSession),
		Why: "the attacker acts as the root user of another account"},
	{Name: "federation/s3-read", Title: "read an S3 object with a federation token", targets: on(key, objects), try: byFederation(readObject),
		Why: "a session of up to 36 hours without MFA reads the data"},
	{Name: "session/s3-read", Title: "read an S3 object with a session without MFA", targets: on(key, objects), try: bySession(readObject),
		Why: "a session reads the data, for example because the policy tests MFA with a Null condition"},
	{Name: "session/s3-list", Title: "list the buckets with a session without MFA", targets: once(key), try: bySession(listBuckets),
		Why: "a session finds the data"},
	{Name: "session/list-users", Title: "list the users with a session without MFA", targets: once(key), try: bySession(listUsers),
		Why: "AWS itself denies IAM to these sessions"},
	{Name: "earlier-session/s3-read", Title: "read an S3 object with a session from before enforcement", targets: on(key, objects), try: byEarlierSession(readObject),
		Why: "a session outlives the change"},
	{Name: "earlier-session/ec2-terminate", Title: "terminate an instance with a session from before enforcement", targets: on(key, instances), try: byEarlierSession(terminateInstance),
		Why: "a session outlives the change"},
	{Name: "key/wrong-code", Title: "get an MFA session with a wrong code", targets: once(keyAndCode), try: byKey(wrongCode),
		Why: "MFA codes are not checked"},
	{Name: "key/reused-code", Title: "get an MFA session with a used code", targets: once(keyAndCode), try: byKey(reusedCode),
		Why: "an observed code is enough"},
	{Name: "key/foreign-device", Title: "get an MFA session with the code of another device", targets: once(key), try: byKey(foreignDevice),
		Why: "any device is enough"},

	// Roles.
	{Name: "key/role", Title: "assume a role whose trust policy does not require MFA", targets: on(key, rolesHere(noMFA)), try: byKey(assume),
		Why: "the key has the permissions of the role"},
	{Name: "key/role-weak", Title: "assume a role whose trust policy appears to require MFA", targets: on(key, rolesHere(weakMFA)), try: byKey(assume),
		Why: "the key has the permissions of the role"},
	{Name: "key/role-mfa", Title: "assume a role that requires MFA without a code", targets: on(key, rolesRequiringMFA), try: byKey(assume),
		Why: "the key has the permissions of the role"},
	{Name: "key/role-elsewhere", Title: "assume a role in another account whose trust policy does not require MFA", targets: on(key, rolesElsewhere(noMFA, weakMFA)), try: byKey(assume),
		Why: "the key has permissions in another account"},
	{Name: "session/role", Title: "assume a role with a session without MFA", targets: on(key, rolesWithoutMFA), try: bySession(assume),
		Why: "the key has the permissions of the role"},
	{Name: "earlier-session/role", Title: "assume a role with a session from before enforcement", targets: on(key, rolesWithoutMFA), try: byEarlierSession(assume),
		Why: "a session outlives the change"},

	// The console password.
	{Name: "password/sign-in", Title: "sign in to the console without the device", targets: once(passwordAndDevice), try: byPassword(callerIdentity),
		Why: "the device is not required"},
	{Name: "password/s3-read", Title: "read an S3 object with the console password only", targets: on(password, objects), try: byPassword(readObject),
		Why: "a guessed password reads the data"},
	{Name: "password/s3-list", Title: "list the buckets with the console password only", targets: once(password), try: byPassword(listBuckets),
		Why: "a guessed password finds the data"},
	{Name: "password/list-users", Title: "list the users with the console password only", targets: once(password), try: byPassword(listUsers),
		Why: "a guessed password finds the next victim"},
	{Name: "password/ec2-terminate", Title: "terminate an instance with the console password only", targets: on(password, instances), try: byPassword(terminateInstance),
		Why: "a guessed password destroys machines"},
	{Name: "password/dynamodb-delete", Title: "delete a table with the console password only", targets: on(password, tables), try: byPassword(deleteTable),
		Why: "a guessed password destroys data"},
	{Name: "password/create-own-key", Title: "create an access key with the console password only", targets: once(password), try: byPassword(createOwnKey),
		Why: "a guessed password becomes a long-term key"},
	{Name: "password/create-key-of-other", Title: "create an access key for another user with the console password only", targets: on(password, other), try: byPassword(createKeyOf),
		Why: "the attacker acts as another user"},
	{Name: "password/create-password-of-other", Title: "create a console password for another user with the console password only", targets: on(password, otherNoPassword), try: byPassword(createPasswordOf),
		Why: "the attacker acts as another user"},
	{Name: "password/enable-on-other", Title: "enable a device for another user with the console password only", targets: on(password, otherNoDevice), try: byPassword(enablePlantedOnOther),
		Why: "the attacker's phone becomes another user's MFA device"},
	{Name: "password/resync-other", Title: "resynchronize another user's device with the console password only", targets: on(password, otherWithDevice), try: byPassword(resyncOther),
		Why: "another user's device stops working"},
	{Name: "password/deactivate-device-of-other", Title: "deactivate another user's device with the console password only", targets: on(password, otherWithDevice), try: byPassword(deactivateOther),
		Why: "another user has no device"},
	{Name: "password/tag-exempt", Title: "set a tag that exempts the user with the console password only", targets: once(password), try: byPassword(tagExempt),
		Why: "the next run stops enforcing MFA for this user"},
	{Name: "password/leave-group", Title: "leave the group with the console password only", targets: once(password), try: byPassword(leaveGroup),
		Why: "MFA is no longer enforced for this user"},
	{Name: "password/attach-admin", Title: "attach AdministratorAccess to the user with the console password only", targets: once(password), try: byPassword(attachAdmin),
		Why: "the attacker has all permissions"},
	{Name: "password/role", Title: "assume a role with the console password only", targets: on(password, rolesWithoutMFA), try: byPassword(assume),
		Why: "the password has the permissions of the role"},
}

// insider is an attack with an MFA session of the user, which only a guard SCP prevents.
func insider(name, title string, targets func(*Subject) []string, do request) Scenario {
	return Scenario{Name: "insider/" + name, Title: title + " with an MFA session", targets: on(insiderWithMFA, targets), try: byCode(do),
		Why: "a malicious user ends MFA for itself or for others"}
}

func exemptByName(s *Subject) []string {
	if !s.Enforcement.ExemptByName {
		return nil
	}
	return []string{""}
}

func nothing(*Subject) []string { return []string{""} }

func wrongCode(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	code, err := a.Device.Code()
	if err != nil {
		return err
	}
	return a.sessionByCode(ctx, with, a.Device.Serial, wrong(code))
}

func reusedCode(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	code, err := a.Device.Code()
	if err != nil {
		return err
	}
	if err := a.sessionByCode(ctx, with, a.Device.Serial, code); err != nil {
		return &setUpError{"use a code for the first time", err}
	}
	return a.sessionByCode(ctx, with, a.Device.Serial, code)
}

func foreignDevice(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	d, err := a.Plant(ctx)
	if err != nil {
		return &setUpError{"plant a device", err}
	}
	code, err := d.Code()
	if err != nil {
		return err
	}
	return a.sessionByCode(ctx, with, d.Serial, code)
}

func (a *attempt) sessionByCode(ctx context.Context, with aws.CredentialsProvider, serial, code string) error {
	_, err := a.sessionWith(ctx, with, &sts.GetSessionTokenInput{SerialNumber: &serial, TokenCode: &code})
	return err
}
