package iamsvc

import (
	"net/url"

	"rsc.io/qr"
)

const qrScale = 4 // pixels of a module

// qrCode draws what an authenticator app scans.
// Source: IAM API Reference, VirtualMFADevice, QRCodePNG:
// otpauth://totp/$virtualMFADeviceName@$AccountName?secret=$Base32String.
//
// The lowest error correction: the code is for a screen, and a rehearsal makes
// hundreds of them.
func qrCode(device, account, secret string) ([]byte, error) {
	code, err := qr.Encode("otpauth://totp/"+url.PathEscape(device+"@"+account)+"?secret="+secret, qr.L)
	if err != nil {
		return nil, err
	}
	code.Scale = qrScale
	return code.PNG(), nil
}
