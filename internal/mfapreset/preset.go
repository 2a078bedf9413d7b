// Package mfapreset holds the commands by which known programs print an MFA code. A preset is
// named in mfa_process or --mfa-process as preset:PROGRAM or preset:PROGRAM:NAME.
package mfapreset

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/policy/arn"
)

// Prefix begins the name of a preset.
const Prefix = "preset:"

// A preset is a program without a shell in between: nothing in a name is interpreted. No
// secret is among the arguments; the code comes on stdout.
type preset struct {
	name string
	argv []string // %s is the name of the entry, or for a dialog its question
	// dialog: it asks a person, and takes no entry.
	dialog bool
}

// presets are in the order in which errors list them.
//
// Sources: ykman OATH Commands (docs.yubico.com); 1Password CLI reference, item get; man
// pass-otp; gopass otp; Bitwarden CLI help; man zenity; man kdialog; AppleScript Language
// Guide, display dialog.
var presets = []preset{
	{name: "ykman", argv: []string{"ykman", "oath", "accounts", "code", "--single", "%s"}},
	{name: "op", argv: []string{"op", "item", "get", "%s", "--otp"}},
	{name: "pass-otp", argv: []string{"pass", "otp", "%s"}},
	{name: "gopass", argv: []string{"gopass", "otp", "--password", "%s"}},
	{name: "bw", argv: []string{"bw", "--nointeraction", "get", "totp", "%s"}},
	{name: "zenity", argv: []string{"zenity", "--entry", "--title=AWS MFA", "--text=%s"}, dialog: true},
	{name: "kdialog", argv: []string{"kdialog", "--title", "AWS MFA", "--inputbox", "%s"}, dialog: true},
	{name: "osascript", dialog: true, argv: []string{
		"osascript", "-e", "on run arguments",
		"-e", `return text returned of (display dialog (item 1 of arguments) default answer "" with title "AWS MFA")`, "-e", "end run", "%s",
	}},
}

// Names are the names of all presets.
func Names() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// Is reports whether a command is the name of a preset.
func Is(command string) bool { return strings.HasPrefix(command, Prefix) }

// Check returns an error for the name of a preset that does not exist. Other commands are not
// checked.
func Check(command string) error {
	if !Is(command) {
		return nil
	}
	_, _, err := find(command)
	return err
}

// Command returns the program of a preset with its arguments. Without NAME the entry is the
// one that enroll puts on the QR code: the device and its account, such as
// bob@111122223333.
func Command(command, serial string) ([]string, error) {
	p, name, err := find(command)
	switch {
	case err != nil:
		return nil, err
	case p.dialog:
		name = "Enter the MFA code for " + serial
	case name == "" && serial == "":
		return nil, fmt.Errorf("%s: name the entry, as in %s%s:NAME", command, Prefix, p.name)
	case name == "":
		name = label(serial)
	}
	argv := slices.Clone(p.argv)
	for i, word := range argv {
		argv[i] = strings.Replace(word, "%s", name, 1)
	}
	return argv, nil
}

// find splits a name. An entry that begins with a dash would be an option of the program.
func find(command string) (p preset, entry string, err error) {
	name, entry, named := strings.Cut(strings.TrimPrefix(command, Prefix), ":")
	i := slices.IndexFunc(presets, func(p preset) bool { return p.name == name })
	switch {
	case i < 0:
		return preset{}, "", fmt.Errorf("there is no preset %q: the presets are %s", name, strings.Join(Names(), ", "))
	case named && (entry == "" || presets[i].dialog):
		return preset{}, "", fmt.Errorf("%q: write %s", command, usage(presets[i]))
	case strings.HasPrefix(entry, "-"):
		return preset{}, "", fmt.Errorf("%q: the name of an entry cannot begin with a dash", command)
	}
	return presets[i], entry, nil
}

func usage(p preset) string {
	if p.dialog {
		return Prefix + p.name
	}
	return Prefix + p.name + " or " + Prefix + p.name + ":NAME"
}

// label is what authenticator apps show for a virtual device that enroll created.
func label(serial string) string {
	if a, err := arn.Parse(serial); err == nil {
		return a.Name() + "@" + a.Account
	}
	return serial
}
