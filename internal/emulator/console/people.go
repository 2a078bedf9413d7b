package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
)

// mostPeople bounds the users that the page lists.
const mostPeople = 200

// people are the users who can sign in, and those whom the page proposes.
type people struct {
	Proposed []proposal
	All      []person
	More     int // that are not listed
}

// A person is a user with a console password.
type person struct {
	Account, AccountName, Name string
	Devices                    []world.Device
}

// A proposal is a person with what the demonstration shows with them.
type proposal struct {
	person
	Shows string
	score int
}

// people lists the users, and rehearses the demonstration on copies of the cloud to
// propose the users who show most.
func (h *handler) people() people {
	var p people
	h.cloud.View(func(w *world.World) {
		for _, id := range w.Accounts() {
			a := w.Account(id)
			if a.State != "ACTIVE" {
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(a.Users)) {
				u := a.Users[name]
				if u.Login == nil || u.Login.ResetRequired {
					continue
				}
				if len(p.All) == mostPeople {
					p.More++
					continue
				}
				one := person{Account: id, AccountName: a.Name, Name: u.Name}
				for _, d := range a.DevicesOf(u.Name) {
					one.Devices = append(one.Devices, *d)
				}
				p.All = append(p.All, one)
			}
		}
	})
	p.Proposed = propose(h.cloud.Fork(), p.All)
	return p
}

// propose returns at most one person of each kind.
func propose(c *emulator.Cloud, all []person) []proposal {
	kinds := [3][]proposal{}
	for _, one := range all {
		fork := c.Fork()
		password := passwordOf(fork, one.Account, one.Name)
		if len(one.Devices) > 0 {
			if n := len(allowed(fork, one, password, secondFactor(fork, one.Devices))); n > 0 {
				kinds[2] = append(kinds[2], proposal{one, "This user has a device, so the password alone is not enough to sign in here.", n})
			}
			continue
		}
		before := allowed(fork, one, password, "")
		if len(before) > 0 && before[len(before)-1] == changes {
			kinds[0] = append(kinds[0], proposal{one, "MFA is not enforced, and this user has no device. A stolen password is enough, for example to create an access key.", len(before)})
		}
		if n := gained(fork, one, password, before); n > 0 {
			kinds[1] = append(kinds[1], proposal{one, fmt.Sprintf("%d of the %d actions here require MFA. This user has no device yet, and can enroll one.", n, len(actions)), n})
		}
	}
	var out []proposal
	for _, kind := range kinds {
		if len(kind) > 0 {
			out = append(out, slices.MaxFunc(kind, func(a, b proposal) int { return cmp.Compare(a.score, b.score) }))
		}
	}
	return out
}

// passwordOf returns the console password of a user; empty: there is none.
func passwordOf(c *emulator.Cloud, account, user string) (password string) {
	c.View(func(w *world.World) {
		if a := w.Account(account); a != nil {
			if u := a.Users[world.Fold(user)]; u != nil && u.Login != nil {
				password = u.Login.Password
			}
		}
	})
	return password
}

// changes is the name of the action that changes something.
var changes = actions[len(actions)-1].Name

// secondFactor returns what a user of these devices enters.
func secondFactor(c *emulator.Cloud, devices []world.Device) string {
	for _, d := range devices {
		if d.Kind.GivesCodes() {
			return world.CodeAt(d.Seed, c.Now())
		}
	}
	return emulator.SecurityKey
}

// allowed signs in, and returns the actions that succeed.
func allowed(c *emulator.Cloud, one person, password, code string) (names []string) {
	session, err := c.SignIn(one.Account, one.Name, password, code)
	if err != nil {
		return nil
	}
	caller, err := c.Caller(session.AccessKeyID)
	if err != nil {
		return nil
	}
	for _, a := range actions {
		if _, err := c.Do(caller, a.service, a.operation, a.input(one.Name)); err == nil {
			names = append(names, a.Name)
		}
	}
	return names
}

// gained returns how many actions succeed only with a device that the user enrolls
// without one; 0 if the user cannot.
func gained(c *emulator.Cloud, one person, password string, before []string) int {
	session, err := c.SignIn(one.Account, one.Name, password, "")
	if err != nil {
		return 0
	}
	caller, err := c.Caller(session.AccessKeyID)
	if err != nil {
		return 0
	}
	out, err := c.Do(caller, "iam", "CreateVirtualMFADevice", &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String(one.Name)})
	made, ok := out.(*iam.CreateVirtualMFADeviceOutput)
	if err != nil || !ok {
		return 0
	}
	var d world.Device
	c.View(func(w *world.World) {
		_, device := w.Device(*made.VirtualMFADevice.SerialNumber)
		d = *device
	})
	at := func(steps time.Duration) *string {
		return aws.String(world.CodeAt(d.Seed, c.Now().Add(steps*30*time.Second)))
	}
	if _, err := c.Do(caller, "iam", "EnableMFADevice", &iam.EnableMFADeviceInput{
		UserName: aws.String(one.Name), SerialNumber: aws.String(d.Serial), AuthenticationCode1: at(-1), AuthenticationCode2: at(0),
	}); err != nil {
		return 0
	}
	return len(allowed(c, one, password, *at(1))) - len(before)
}
