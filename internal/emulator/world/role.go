package world

import (
	"slices"
	"strconv"
	"strings"
)

// ServiceLinked reports whether the role belongs to an AWS service, which alone
// may change it.
func (r *Role) ServiceLinked() bool { return strings.HasPrefix(r.Path, "/aws-service-role/") }

// Reserved reports whether only AWS may change the role: service-linked roles
// and those of IAM Identity Center.
func (r *Role) Reserved() bool {
	return r.ServiceLinked() || strings.HasPrefix(r.Path, "/aws-reserved/")
}

// RootUser represents the root user as the owner of a device.
const RootUser = "<root>"

// DevicesOf returns the devices of a user (by name in any case, or [RootUser]),
// read-only, in the order in which they were enabled.
func (a *Account) DevicesOf(user string) []*Device {
	user = Fold(user)
	var devices []*Device
	for _, d := range a.Devices {
		if d.User != "" && d.User == user {
			devices = append(devices, d)
		}
	}
	slices.SortFunc(devices, func(x, y *Device) int {
		if c := x.Enabled.Compare(y.Enabled); c != 0 {
			return c
		}
		return strings.Compare(x.Serial, y.Serial)
	})
	return devices
}

// IsAPIKey reports whether the credentials of a service are one string instead
// of a user name and a password.
// Source: IAM User Guide, "API keys for AWS services".
func IsAPIKey(service string) bool {
	return service == "bedrock.amazonaws.com" || service == "logs.amazonaws.com"
}

// Name sets the user name or alias that AWS generates for the credential; n is
// how many the user has.
func (c *ServiceCredential) Name(user, account string, n int) {
	if n > 0 {
		user += "+" + strconv.Itoa(n)
	}
	if IsAPIKey(c.Service) {
		c.Alias = user + "-at-" + account
	} else {
		c.UserName = user + "-at-" + account
	}
}
