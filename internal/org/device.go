package org

import (
	"strings"

	"forcemfa/policy/arn"
)

// DeviceKindOf tells from a serial number what an MFA device is; it is empty
// for an ARN of a kind that AWS does not document. The ARN of a passkey says
// u2f whatever protocol it speaks, and only hardware tokens have a serial
// number that is not an ARN.
// Source: IAM User Guide, "IAM identifiers"; STS API, AssumeRole SerialNumber.
func DeviceKindOf(serial string) DeviceKind {
	a, err := arn.Parse(serial)
	if err != nil {
		return HardwareMFA
	}
	switch kind, _, _ := strings.Cut(a.Resource, "/"); kind {
	case "mfa":
		return VirtualMFA
	case "u2f":
		return FIDO
	case "sms-mfa":
		return SMS
	}
	return ""
}
