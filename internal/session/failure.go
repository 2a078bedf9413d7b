package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"forcemfa/internal/netfault"
)

// What AWS says when it refuses a code. It has no code of its own for these:
// all of them are AccessDenied, so the text must tell.
// Source: aws/aws-cli#2279, aws/aws-cli#6325.
const (
	wrongCodeText   = "invalid MFA one time pass code"
	wrongDeviceText = "unable to validate MFA code"
	explicitDeny    = "explicit deny"
)

func apiError(err error) (code, message string, ok bool) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return "", "", false
	}
	return api.ErrorCode(), api.ErrorMessage(), true
}

func isWrongCode(err error) bool {
	_, message, _ := apiError(err)
	return strings.Contains(message, wrongCodeText)
}

func isWrongDevice(err error) bool {
	_, message, _ := apiError(err)
	return strings.Contains(message, wrongDeviceText)
}

// explain turns an error of STS into a sentence and a next step. i is the role
// of the route that was asked for, -1 for the MFA session.
func (m *Manager) explain(err error, r *Route, i int) error {
	if problem := m.common(err, r.Profile); problem != nil {
		return problem
	}
	code, message, ok := apiError(err)
	if !ok {
		return err
	}
	p := &Problem{Err: err}
	switch {
	case strings.Contains(message, wrongCodeText):
		p.Sentence = fmt.Sprintf("AWS rejected the code for %s: it was mistyped, already used, or comes from another device", r.Serial)
		p.Next = "wait for the next code and enter it; if AWS rejects it too, check the clocks of this machine and of the device"
		p.Err = errors.Join(err, errNeedsPerson)
	case strings.Contains(message, wrongDeviceText):
		p.Sentence = fmt.Sprintf("%s is not an MFA device of the user of profile %s", r.Serial, or(r.Base, r.Profile))
		p.Next = m.deviceRemedy(r)
	case code == "ValidationError" && strings.Contains(message, "DurationSeconds"):
		p.Sentence, p.Next = durationProblem(r, i)
	case code == "AccessDenied" && i >= 0:
		p.Sentence = fmt.Sprintf("not allowed to assume %s: %s", r.Roles[i].ARN, roleReason(message))
		p.Next = roleRemedy(r.Roles[i], message)
	case code == "RegionDisabledException":
		p.Sentence = fmt.Sprintf("STS is not enabled in region %s for this account", r.stsRegion)
		p.Next = "set region in the profile, or --region, to a Region where it is"
	default:
		p.Sentence = fmt.Sprintf("AWS refused profile %s: %s: %s", r.Profile, code, message)
		p.Next = "run " + command("doctor", r.Profile) + " to check the setup"
	}
	return p
}

func (m *Manager) deviceRemedy(r *Route) string {
	if r.configured {
		return "correct mfa_serial (or --serial, AWS_MFA_SERIAL), or remove it: forcemfa finds the device itself"
	}
	return "the device was removed from the cache: run it again"
}

func durationProblem(r *Route, i int) (sentence, next string) {
	if i < 0 {
		return fmt.Sprintf("AWS does not grant an MFA session of %s", r.duration), "give a --duration from 15m to 36h"
	}
	role := r.Roles[i]
	return fmt.Sprintf("role %s does not grant sessions of %s, which %s requests: the role's MaxSessionDuration is lower", role.ARN, role.Duration, role.source()),
		"lower duration_seconds or --duration, or have the role's MaxSessionDuration raised"
}

func roleReason(message string) string {
	if strings.Contains(message, explicitDeny) {
		return "a policy denies it"
	}
	return "your policies do not allow it, the trust policy of the role does not, or the role does not exist"
}

func roleRemedy(role Role, message string) string {
	if strings.Contains(message, explicitDeny) {
		return "ask an administrator which policy denies it"
	}
	if role.ExternalID == "" {
		return "check role_arn, and ask the role's owner whether its trust policy names you and requires an external_id"
	}
	return "check role_arn and external_id, and ask the role's owner whether its trust policy names you"
}

// explainListing is for ListMFADevices, asked by the bare key.
func (m *Manager) explainListing(err error, r *Route) error {
	if problem := m.common(err, r.Profile); problem != nil {
		return problem
	}
	if code, _, _ := apiError(err); code == "AccessDenied" {
		return &Problem{
			Sentence: fmt.Sprintf("the key of profile %s is not allowed to list the MFA devices of its user", or(r.Base, r.Profile)),
			Next:     "name the device: --serial, AWS_MFA_SERIAL or mfa_serial in the profile; the console shows it under Security credentials", Err: err,
		}
	}
	return err
}

// Explain turns an error of a call that a session of a profile made into a
// sentence and a next step.
func (m *Manager) Explain(err error, profile string) error {
	if err == nil {
		return nil
	}
	if problem := m.common(err, profile); problem != nil {
		return problem
	}
	message, refused := denied(err)
	switch {
	case !refused:
		return err
	case strings.Contains(message, explicitDeny):
		return &Problem{
			Sentence: "a policy denies this: " + message,
			Next:     "if the call was made without MFA, run " + command("login", profile) + "; otherwise ask an administrator", Err: err,
		}
	}
	return &Problem{Sentence: "no policy allows this: " + message, Next: "use a profile with this permission, or ask an administrator", Err: err}
}

// common are the errors that every call can get.
func (m *Manager) common(err error, profile string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var problem *Problem
	if errors.As(err, &problem) {
		return problem
	}
	code, message, ok := apiError(err)
	login := "run " + command("login --force", profile)
	switch {
	case !ok:
		if what := netfault.Sentence(err); what != "" {
			return &Problem{Sentence: what, Next: netfault.Next(err), Err: err}
		}
		var network net.Error
		if errors.As(err, &network) {
			return &Problem{Sentence: "cannot reach AWS: " + network.Error(), Next: "check the network, AWS_ENDPOINT_URL and proxies", Err: err}
		}
	case isSkew(code, message):
		return &Problem{Sentence: "this machine's clock is wrong" + m.skew(err), Next: "set the clock, then run it again", Err: err}
	case code == "ExpiredToken" || code == "ExpiredTokenException":
		return &Problem{Sentence: fmt.Sprintf("the session of profile %s has expired", profile), Next: login, Err: err}
	case code == "InvalidClientTokenId":
		return &Problem{
			Sentence: fmt.Sprintf("AWS does not recognize the credentials of profile %s: the key is wrong, inactive or deleted, or a session without MFA called IAM", profile),
			Next:     login + "; if that fails, check the key in the console", Err: err,
		}
	case code == "SignatureDoesNotMatch":
		return &Problem{Sentence: fmt.Sprintf("the secret access key of profile %s does not belong to its access key ID", profile), Next: "run " + command("import", profile) + " with the right pair", Err: err}
	}
	return nil
}

func isSkew(code, message string) bool {
	switch code {
	case "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture":
		return true
	case "SignatureDoesNotMatch", "InvalidSignatureException":
		return strings.Contains(message, "Signature expired") || strings.Contains(message, "Signature not yet current") ||
			strings.Contains(message, "difference between the request time")
	}
	return false
}

// skew says by how much, from the Date of AWS's answer.
func (m *Manager) skew(err error) string {
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil {
		return ""
	}
	theirs, wrong := http.ParseTime(answer.Response.Header.Get("Date"))
	if wrong != nil {
		return ""
	}
	off := m.Now().Sub(theirs).Round(time.Second)
	switch {
	case off > time.Minute:
		return fmt.Sprintf(": it is %s ahead of AWS's", off)
	case off < -time.Minute:
		return fmt.Sprintf(": it is %s behind AWS's", -off)
	}
	return ""
}
