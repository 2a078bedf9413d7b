package doors

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Who an attack starts from: what was stolen from a user who is not exempt.
var (
	key          = and(target, (*Subject).hasKey)
	keyNoDevice  = and(key, not((*Subject).hasDevice))
	keyAndDevice = and(key, (*Subject).hasDevice)
	// keyToEnrol leaves out those whom the configuration lets enrol by key now.
	keyToEnrol = and(keyNoDevice, not(mayEnrolByKey))
	keyAndCode = and(key, givesCodes)
	// password leaves out users with a device: AWS asks them for it.
	password          = and(target, (*Subject).hasConsole, not((*Subject).hasDevice), not(resets))
	passwordAndDevice = and(target, (*Subject).hasConsole, (*Subject).hasDevice)
)

func mayEnrolByKey(s *Subject) bool { return s.EnrolsByKey || !s.Window.IsZero() }

// Attacks are the doors that must be closed for every user who is not exempt.
//
// Two ways in are not here because no policy of the user closes them: a role
// session that was assumed before the enforcement (it lives on for up to 12
// hours), and the enrolment of a first device by a thief who has the console
// password of a user without one.
var Attacks = []Door{
	// The long-term access key on data.
	{Name: "key/s3-read", Title: "read an S3 object with the access key", Aims: on(key, objects), Try: byKey(readObject),
		Why: "a leaked key reads the data"},
	{Name: "key/s3-write", Title: "overwrite an S3 object with the access key", Aims: on(key, objects), Try: byKey(writeObject),
		Why: "a leaked key changes the data"},
	{Name: "key/s3-list", Title: "list the buckets with the access key", Aims: once(key), Try: byKey(listBuckets),
		Why: "a leaked key finds the data"},
	{Name: "key/ec2-describe", Title: "describe the instances with the access key", Aims: once(key), Try: byKey(describeInstances),
		Why: "a leaked key maps the machines"},
	{Name: "key/ec2-terminate", Title: "terminate an instance with the access key", Aims: on(key, instances), Try: byKey(terminateInstance),
		Why: "a leaked key destroys machines"},
	{Name: "key/dynamodb-list", Title: "list the tables with the access key", Aims: once(key), Try: byKey(listTables),
		Why: "a leaked key finds the data"},
	{Name: "key/dynamodb-delete", Title: "delete a table with the access key", Aims: on(key, tables), Try: byKey(deleteTable),
		Why: "a leaked key destroys data"},
	{Name: "key/list-users", Title: "list the users with the access key", Aims: once(key), Try: byKey(listUsers),
		Why: "a leaked key finds the next victim"},
	{Name: "key/read-account", Title: "read all users, roles and policies with the access key", Aims: once(key), Try: byKey(readAccount),
		Why: "a leaked key finds the way up"},

	// The access key on credentials.
	{Name: "key/create-user", Title: "create a user with the access key", Aims: once(key), Try: byKey(createUser),
		Why: "the thief stays when the key is gone"},
	{Name: "key/create-own-key", Title: "create a second access key with the first", Aims: once(key), Try: byKey(createOwnKey),
		Why: "the thief stays when the key is rotated"},
	{Name: "key/create-key-of-other", Title: "create an access key of another user", Aims: on(key, peer), Try: byKey(createKeyOf),
		Why: "the thief becomes somebody else"},
	{Name: "key/create-own-password", Title: "create a console password with the access key", Aims: once(and(key, not((*Subject).hasConsole))), Try: byKey(createOwnPassword),
		Why: "the thief signs in to the console and enrols a device there"},
	{Name: "key/create-password-of-other", Title: "create a console password of another user", Aims: on(key, newcomer), Try: byKey(createPasswordOf),
		Why: "the thief signs in as somebody else and enrols a device there"},
	{Name: "key/reset-own-password", Title: "reset the console password with the access key", Aims: once(and(key, (*Subject).hasConsole)), Try: byKey(resetOwnPassword),
		Why: "the thief signs in to the console and locks the owner out"},
	{Name: "key/reset-password-of-other", Title: "reset the console password of another user", Aims: on(key, colleague), Try: byKey(resetPasswordOf),
		Why: "the thief signs in as somebody else"},
	{Name: "key/change-password", Title: "change the own password, the old one being known", Aims: once(and(key, (*Subject).hasConsole)), Try: byKey(changePassword),
		Why: "the thief locks the owner out"},

	// The access key on MFA devices.
	{Name: "key/first-device", Title: "enrol a first device by access key", Aims: once(keyToEnrol), Try: byKey(enrol),
		Why: "the thief's phone becomes the user's MFA, and everything opens"},
	{Name: "key/first-device-planted", Title: "enable a device that an accomplice made, by access key", Aims: once(keyToEnrol), Try: byKey(adoptPlanted),
		Why: "the thief's phone becomes the user's MFA, and everything opens"},
	{Name: "key/second-device", Title: "enrol a second device by access key", Aims: once(keyAndDevice), Try: byKey(enrol),
		Why: "the thief's phone is as good as the owner's"},
	{Name: "key/second-device-planted", Title: "enable a second device that an accomplice made", Aims: once(keyAndDevice), Try: byKey(adoptPlanted),
		Why: "the thief's phone is as good as the owner's"},
	{Name: "key/deactivate-device", Title: "deactivate the own device by access key", Aims: on(key, ownDevice), Try: byKey(deactivateOwn),
		Why: "the user is without a device, and the next one may be the thief's"},
	{Name: "key/delete-device", Title: "delete the own virtual device by access key", Aims: on(key, ownVirtual), Try: byKey(deleteOwn),
		Why: "the user is without a device, and the next one may be the thief's"},
	{Name: "key/enable-on-other", Title: "enable a device on another user by access key", Aims: on(key, unprotected), Try: byKey(enableOn),
		Why: "the thief's phone becomes another user's MFA"},
	{Name: "key/resync-other", Title: "resynchronize another user's device", Aims: on(key, protected), Try: byKey(resyncProtected),
		Why: "another user's device can be put out of step"},
	{Name: "key/deactivate-device-of-other", Title: "deactivate another user's device", Aims: on(key, protected), Try: byKey(deactivateProtected),
		Why: "another user is without a device"},

	// The access key on the enforcement.
	{Name: "key/detach-policy", Title: "detach the policy from oneself", Aims: once(key), Try: byKey(detachPolicy),
		Why: "the enforcement is gone for this user"},
	{Name: "key/detach-from-group", Title: "detach the policy from the group", Aims: once(key), Try: byKey(detachFromGroup),
		Why: "the enforcement is gone for everybody"},
	{Name: "key/leave-group", Title: "leave the group", Aims: once(key), Try: byKey(leaveGroup),
		Why: "the enforcement is gone for this user"},
	{Name: "key/shadow-policy", Title: "put a version that allows everything before the policy's own", Aims: once(key), Try: byKey(shadowPolicy),
		Why: "the enforcement is gone for everybody, and everything is allowed"},
	{Name: "key/revert-policy", Title: "put an older version of the policy in force", Aims: once(key), Try: byKey(revertPolicy),
		Why: "the enforcement is as weak as it ever was"},
	{Name: "key/delete-policy", Title: "delete the policy", Aims: once(key), Try: byKey(deletePolicy),
		Why: "the enforcement is gone for everybody"},
	{Name: "key/delete-inline-policy", Title: "delete the inline policy", Aims: once(key), Try: byKey(deleteInline),
		Why: "the enforcement is gone for this user"},
	{Name: "key/delete-boundary", Title: "delete the permissions boundary", Aims: once(key), Try: byKey(deleteBoundary),
		Why: "the user may do more than was meant"},
	{Name: "key/tag-exempt", Title: "tag oneself exempt", Aims: once(key), Try: byKey(tagExempt),
		Why: "the next run takes the enforcement away"},
	{Name: "key/tag-exempt-other-case", Title: "tag oneself exempt, in another case", Aims: once(key), Try: byKey(tagExemptOtherCase),
		Why: "the next run takes the enforcement away"},
	{Name: "key/open-window", Title: "open the own enrolment window", Aims: once(key), Try: byKey(openWindow),
		Why: "the thief may enrol a device by access key"},

	// The access key on rights.
	{Name: "key/inline-allow", Title: "give oneself an inline policy that allows everything", Aims: once(key), Try: byKey(allowInline),
		Why: "the thief has every right"},
	{Name: "key/attach-admin", Title: "attach AdministratorAccess to oneself", Aims: once(key), Try: byKey(attachAdmin),
		Why: "the thief has every right"},
	{Name: "key/join-admins", Title: "join a group of administrators", Aims: on(key, adminGroup), Try: byKey(joinAdmins),
		Why: "the thief has every right"},
	{Name: "key/open-trust", Title: "take the MFA condition out of a role's trust policy", Aims: on(key, roleOwned), Try: byKey(openTrust),
		Why: "the role opens to every key of the account"},

	// Other credentials that the access key can get.
	{Name: "key/federation-token", Title: "get a federation token", Aims: once(key), Try: byKey(federate),
		Why: "a session of up to 36 hours that never had MFA"},
	{Name: "federation/s3-read", Title: "read an S3 object with a federation token", Aims: on(key, objects), Try: byFederation(readObject),
		Why: "a session of up to 36 hours that never had MFA reads the data"},
	{Name: "session/s3-read", Title: "read an S3 object with a session without MFA", Aims: on(key, objects), Try: byPlainSession(readObject),
		Why: "the key's session reads the data: a Null condition would let it"},
	{Name: "session/s3-list", Title: "list the buckets with a session without MFA", Aims: once(key), Try: byPlainSession(listBuckets),
		Why: "the key's session finds the data"},
	{Name: "session/list-users", Title: "list the users with a session without MFA", Aims: once(key), Try: byPlainSession(listUsers),
		Why: "AWS itself bars these sessions from IAM"},
	{Name: "former/s3-read", Title: "read an S3 object with the session from before", Aims: on(key, objects), Try: byFormerSession(readObject),
		Why: "a session outlives the enforcement"},
	{Name: "former/ec2-terminate", Title: "terminate an instance with the session from before", Aims: on(key, instances), Try: byFormerSession(terminateInstance),
		Why: "a session outlives the enforcement"},
	{Name: "key/wrong-code", Title: "get an MFA session with a wrong code", Aims: once(keyAndCode), Try: byKey(wrongCode),
		Why: "codes mean nothing"},
	{Name: "key/reused-code", Title: "get an MFA session with a code that was used", Aims: once(keyAndCode), Try: byKey(reusedCode),
		Why: "a code seen over the shoulder is enough"},
	{Name: "key/strange-device", Title: "get an MFA session with the code of a device that is not the user's", Aims: once(key), Try: byKey(strangeDevice),
		Why: "any phone will do"},

	// Roles.
	{Name: "key/role", Title: "assume a role without MFA in its trust policy", Aims: on(key, rolesHere(Unguarded)), Try: byKey(assume),
		Why: "the role's rights are the key's"},
	{Name: "key/role-weak", Title: "assume a role whose trust policy only looks like MFA", Aims: on(key, rolesHere(Weak)), Try: byKey(assume),
		Why: "the role's rights are the key's"},
	{Name: "key/role-mfa", Title: "assume a role with MFA without a code", Aims: on(key, rolesBehindMFA), Try: byKey(assume),
		Why: "the role's rights are the key's"},
	{Name: "key/role-elsewhere", Title: "assume a role of another account without MFA in its trust policy", Aims: on(key, rolesElsewhere(Unguarded, Weak)), Try: byKey(assume),
		Why: "the key opens another account"},
	{Name: "session/role", Title: "assume a role with a session without MFA", Aims: on(key, rolesOpen), Try: byPlainSession(assume),
		Why: "the role's rights are the key's"},
	{Name: "former/role", Title: "assume a role with the session from before", Aims: on(key, rolesOpen), Try: byFormerSession(assume),
		Why: "a session outlives the enforcement"},

	// The console password.
	{Name: "password/sign-in", Title: "sign in to the console without the device", Aims: once(passwordAndDevice), Try: byPassword(whoAmI),
		Why: "the device means nothing"},
	{Name: "password/s3-read", Title: "read an S3 object with the console password alone", Aims: on(password, objects), Try: byPassword(readObject),
		Why: "a guessed password reads the data"},
	{Name: "password/s3-list", Title: "list the buckets with the console password alone", Aims: once(password), Try: byPassword(listBuckets),
		Why: "a guessed password finds the data"},
	{Name: "password/list-users", Title: "list the users with the console password alone", Aims: once(password), Try: byPassword(listUsers),
		Why: "a guessed password finds the next victim"},
	{Name: "password/ec2-terminate", Title: "terminate an instance with the console password alone", Aims: on(password, instances), Try: byPassword(terminateInstance),
		Why: "a guessed password destroys machines"},
	{Name: "password/dynamodb-delete", Title: "delete a table with the console password alone", Aims: on(password, tables), Try: byPassword(deleteTable),
		Why: "a guessed password destroys data"},
	{Name: "password/create-own-key", Title: "create an access key with the console password alone", Aims: once(password), Try: byPassword(createOwnKey),
		Why: "a guessed password becomes a key that lasts"},
	{Name: "password/create-key-of-other", Title: "create an access key of another user with the console password alone", Aims: on(password, peer), Try: byPassword(createKeyOf),
		Why: "the thief becomes somebody else"},
	{Name: "password/create-password-of-other", Title: "create a console password of another user with the own alone", Aims: on(password, newcomer), Try: byPassword(createPasswordOf),
		Why: "the thief becomes somebody else"},
	{Name: "password/enable-on-other", Title: "enable a device on another user with the console password alone", Aims: on(password, unprotected), Try: byPassword(enableOn),
		Why: "the thief's phone becomes another user's MFA"},
	{Name: "password/resync-other", Title: "resynchronize another user's device with the console password alone", Aims: on(password, protected), Try: byPassword(resyncProtected),
		Why: "another user's device can be put out of step"},
	{Name: "password/deactivate-device-of-other", Title: "deactivate another user's device with the console password alone", Aims: on(password, protected), Try: byPassword(deactivateProtected),
		Why: "another user is without a device"},
	{Name: "password/tag-exempt", Title: "tag oneself exempt with the console password alone", Aims: once(password), Try: byPassword(tagExempt),
		Why: "the next run takes the enforcement away"},
	{Name: "password/leave-group", Title: "leave the group with the console password alone", Aims: once(password), Try: byPassword(leaveGroup),
		Why: "the enforcement is gone for this user"},
	{Name: "password/attach-admin", Title: "attach AdministratorAccess to oneself with the console password alone", Aims: once(password), Try: byPassword(attachAdmin),
		Why: "the thief has every right"},
	{Name: "password/role", Title: "assume a role with the console password alone", Aims: on(password, rolesOpen), Try: byPassword(assume),
		Why: "the role's rights are the password's"},
}

func wrongCode(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	code, err := a.Device.Code()
	if err != nil {
		return err
	}
	return a.sessionByCode(ctx, with, a.Device.Serial, wrong(code))
}

func reusedCode(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	code, err := a.Device.Code()
	if err != nil {
		return err
	}
	if err := a.sessionByCode(ctx, with, a.Device.Serial, code); err != nil {
		return &setUpError{"use a code for the first time", err}
	}
	return a.sessionByCode(ctx, with, a.Device.Serial, code)
}

func strangeDevice(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
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

func (a *Attempt) sessionByCode(ctx context.Context, with aws.CredentialsProvider, serial, code string) error {
	_, err := a.sessionWith(ctx, with, &sts.GetSessionTokenInput{SerialNumber: &serial, TokenCode: &code})
	return err
}
