package mfapreset

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const serial = "arn:aws:iam::111122223333:mfa/phones/bob"

func TestThePresetsRunTheirPrograms(t *testing.T) {
	for command, want := range map[string]string{
		"preset:ykman":             "ykman oath accounts code --single bob@111122223333",
		"preset:ykman:AWS prod":    "ykman oath accounts code --single AWS prod",
		"preset:op":                "op item get bob@111122223333 --otp",
		"preset:op:a:b":            "op item get a:b --otp",
		"preset:pass-otp:aws/bob":  "pass otp aws/bob",
		"preset:gopass:aws/bob":    "gopass otp --password aws/bob",
		"preset:bw:$(touch x); `y": "bw --nointeraction get totp $(touch x); `y",
		"preset:zenity":            "zenity --entry --title=AWS MFA --text=Enter the MFA code for " + serial,
		"preset:kdialog":           "kdialog --title AWS MFA --inputbox Enter the MFA code for " + serial,
	} {
		argv, err := Command(command, serial)
		if err != nil {
			t.Errorf("%s: %v", command, err)
		} else if diff := cmp.Diff(want, strings.Join(argv, " ")); diff != "" {
			t.Errorf("%s: %s", command, diff)
		}
	}
	argv, err := Command("preset:osascript", serial)
	if last := argv[len(argv)-1]; err != nil || last != "Enter the MFA code for "+serial {
		t.Errorf("the question of osascript is no argument of its own: %q, %v", argv, err)
	}
	if argv, err := Command("preset:ykman", "GAHT12345678"); err != nil || !slices.Contains(argv, "GAHT12345678") {
		t.Errorf("a hardware token: %q, %v", argv, err)
	}
}

func TestNamesThatAreNoPreset(t *testing.T) {
	for command, want := range map[string]string{
		"preset:":              "the presets are ykman, op, pass-otp, gopass, bw, zenity, kdialog, osascript",
		"preset:yubikey":       `there is no preset "yubikey"`,
		"preset:ykman:":        "write preset:ykman or preset:ykman:NAME",
		"preset:zenity:x":      "write preset:zenity",
		"preset:op:--otp":      "cannot begin with a dash",
		"preset:bw:-h":         "cannot begin with a dash",
		"pass otp aws/bob":     "",
		"ykman preset:nothing": "",
	} {
		err := Check(command)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", command, err, want)
		}
	}
	if _, err := Command("preset:op", ""); err == nil {
		t.Error("an entry without a name")
	}
}
