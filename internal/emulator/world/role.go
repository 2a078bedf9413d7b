package world

import (
	"slices"
	"strconv"
	"strings"
)

// ServiceLinked tells whether the role belongs to an AWS service, which alone
// may change it.
func (r *Role) ServiceLinked() bool { return strings.HasPrefix(r.Path, "/aws-service-role/") }

// Reserved tells whether AWS alone may change the role: service-linked roles
// and those that IAM Identity Center makes.
func (r *Role) Reserved() bool {
	return r.ServiceLinked() || strings.HasPrefix(r.Path, "/aws-reserved/")
}

// RootUser stands for the root user where a device says whose it is.
const RootUser = "<root>"

// DevicesOf are the devices of a user (by name in any case, or [RootUser]),
// read-only, the first enabled first.
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

// IsAPIKey tells whether the credentials of a service are one string instead
// of a user name and a password. Source: IAM User Guide, "API keys for AWS
// services".
func IsAPIKey(service string) bool {
	return service == "bedrock.amazonaws.com" || service == "logs.amazonaws.com"
}

// Name gives the credential the user name or alias that AWS makes for it; n is
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
