package main

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/rogpeppe/go-internal/testscript"
)

// emulateFlags is the variable with flags that each emulate of a script gets.
const emulateFlags = "EMULATE_FLAGS"

// A served is the JSON object that emulate prints.
type served struct {
	Endpoint   string
	Region     string
	Principals []principal
}

type principal struct {
	Name, Account   string
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	MFA             []struct {
		Serial string
		Seed   string `json:"seed_base32"`
	}
}

func emulate(ts *testscript.TestScript, neg bool, args []string) {
	out, err := os.Create(ts.MkAbs("world.json"))
	ts.Check(err)
	program, err := lookIn(ts.Getenv("PATH"), "forcemfa")
	ts.Check(err)
	cmd := exec.Command(program, slices.Concat([]string{"emulate", "-o", "json"}, strings.Fields(ts.Getenv(emulateFlags)), args)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), out, os.Stderr
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = out.Close()
	})
	var w served
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if w, err = readWorld(ts); err == nil {
			break
		}
		if time.Now().After(deadline) {
			ts.Fatalf("emulate did not get ready: %v", err)
		}
	}
	ts.Setenv("AWS_ENDPOINT_URL", w.Endpoint)
	ts.Setenv("AWS_REGION", w.Region)
	ts.Setenv("AWS_DEFAULT_REGION", w.Region)
	ts.Setenv("FORCEMFA_RATE", "0")
	ts.Setenv("ADMIN_KEY", w.Principals[0].AccessKeyID)
	ts.Setenv("ADMIN_SECRET", w.Principals[0].SecretAccessKey)
	signAs(ts, w.Principals[0])
}

// lookIn finds a program in a PATH that is not this process's own.
func lookIn(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", name, path)
}

func readWorld(ts *testscript.TestScript) (w served, err error) {
	text, err := os.ReadFile(ts.MkAbs("world.json"))
	if err == nil {
		err = json.Unmarshal(text, &w)
	}
	return w, err
}

func signAs(ts *testscript.TestScript, p principal) {
	ts.Setenv("AWS_ACCESS_KEY_ID", p.AccessKeyID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", p.SecretAccessKey)
	ts.Setenv("AWS_SESSION_TOKEN", "")
	ts.Setenv("USER_PRINCIPAL", p.Account+"/"+p.Name)
	ts.Setenv("SERIAL", "")
	if len(p.MFA) > 0 {
		ts.Setenv("SERIAL", p.MFA[0].Serial)
	}
}

func find(ts *testscript.TestScript, name string) principal {
	w, err := readWorld(ts)
	ts.Check(err)
	for _, p := range w.Principals {
		if p.Account+"/"+p.Name == name {
			return p
		}
	}
	ts.Fatalf("%s has no access key in this world", name)
	return principal{}
}

func as(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: as ACCOUNT/USER")
	}
	signAs(ts, find(ts, args[0]))
}

// totpCode waits for the next step when this one is nearly over, so that a slow
// client does not send a code of the step before last.
func totpCode(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: totp VAR STEP [SEED]")
	}
	step, err := strconv.Atoi(args[1])
	ts.Check(err)
	var seed string
	if len(args) == 3 {
		seed = strings.TrimSpace(ts.ReadFile(args[2]))
	} else {
		p := find(ts, ts.Getenv("USER_PRINCIPAL"))
		if len(p.MFA) == 0 {
			ts.Fatalf("%s has no device that gives codes", p.Name)
		}
		seed = p.MFA[0].Seed
	}
	if _, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(seed, "=")); err != nil {
		ts.Fatalf("seed of %s: %v", args[len(args)-1], err)
	}
	const period, spare = 30 * time.Second, 15 * time.Second
	if left := period - time.Duration(time.Now().UnixNano())%period; left < spare {
		time.Sleep(left)
	}
	c, err := totp.GenerateCode(seed, time.Now().Add(time.Duration(step)*30*time.Second))
	ts.Check(err)
	ts.Setenv(args[0], c)
}
