package console

import (
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/world"
)

// A device is a virtual MFA device that was created and not enabled. It contains its
// secret, which AWS shows only once.
type device struct {
	Serial, Secret string
	QR             template.URL
}

// enroll creates a virtual MFA device with the name of the user, or that name with a
// number.
func (h *handler) enroll(v *visit, caller world.Caller, _ *http.Request) {
	v.problem = ""
	name := caller.User.Name
	for n := 2; ; n++ {
		out, tried := perform(h.cloud, caller, "Create a virtual MFA device", "iam", "CreateVirtualMFADevice",
			&iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String(name)})
		if tried.Error == "EntityAlreadyExists" && n < 10 {
			name = caller.User.Name + "-" + strconv.Itoa(n)
			continue
		}
		v.add(tried)
		if made, ok := out.(*iam.CreateVirtualMFADeviceOutput); ok && tried.Succeeded() {
			d := made.VirtualMFADevice
			v.pending = &device{*d.SerialNumber, string(d.Base32StringSeed), template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(d.QRCodePNG))}
		}
		return
	}
}

// enable enables the device with two consecutive codes.
func (h *handler) enable(v *visit, caller world.Caller, r *http.Request) {
	if v.pending == nil {
		return
	}
	code := func(field string) *string {
		return aws.String(strings.Join(strings.Fields(r.PostFormValue(field)), ""))
	}
	_, tried := perform(h.cloud, caller, "Enable the MFA device", "iam", "EnableMFADevice", &iam.EnableMFADeviceInput{
		UserName: aws.String(caller.User.Name), SerialNumber: aws.String(v.pending.Serial), AuthenticationCode1: code("code1"), AuthenticationCode2: code("code2"),
	})
	v.add(tried)
	v.problem = tried.Message
	if tried.Succeeded() {
		v.pending, v.enabled = nil, true
	}
}

// messageOf returns the message of an error of AWS.
func messageOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}
