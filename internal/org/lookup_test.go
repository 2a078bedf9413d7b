package org

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLookUpsFindWhatIsThereAndNothingElse(t *testing.T) {
	_, a := acme()
	if u := a.User("bob"); u != &a.Users[1] {
		t.Errorf("%v", u)
	}
	if a.User("bobby") != nil || a.User("") != nil || a.Group("devs") != nil || a.Role("x") != nil {
		t.Error("found what is not there")
	}
	if p := a.Policy(adminARN); p != &a.Policies[1] {
		t.Errorf("%v", p)
	}
}

func TestSortBringsEverythingIntoOrder(t *testing.T) {
	_, want := acme()
	want.Sort()
	_, got := acme()
	got.Users[0], got.Users[1] = got.Users[1], got.Users[0]
	got.Policies[0], got.Policies[1] = got.Policies[1], got.Policies[0]
	got.Sort()
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if err := got.check(); err != nil {
		t.Error(err)
	}
}

func TestTheSerialNumberTellsTheKindOfDevice(t *testing.T) {
	for serial, want := range map[string]DeviceKind{
		"arn:aws:iam::111111111111:mfa/bob":                        VirtualMFA,
		"arn:aws-cn:iam::111111111111:mfa/team/bob":                VirtualMFA,
		"arn:aws:iam::111111111111:mfa/root-account-mfa-device":    VirtualMFA,
		"arn:aws:iam::111111111111:u2f/user/bob/key-ABCDEFGHIJKLM": FIDO,
		"arn:aws:iam::111111111111:sms-mfa/bob":                    SMS,
		"GAHT12345678":                                             HardwareMFA,
		"arn:aws:iam::111111111111:retina/bob":                     "",
	} {
		if got := DeviceKindOf(serial); got != want {
			t.Errorf("%s: %q, want %q", serial, got, want)
		}
	}
}

func TestTagKeysCompareWithoutCase(t *testing.T) {
	u := User{Tags: []Tag{{"userType", "Service"}}}
	if v, ok := u.Tag("USERTYPE"); v != "Service" || !ok {
		t.Error(v, ok)
	}
	if _, ok := u.Tag("user"); ok {
		t.Error("found what is not there")
	}
}
