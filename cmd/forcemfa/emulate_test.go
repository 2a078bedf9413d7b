package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/rogpeppe/go-internal/testscript"

	"forcemfa/internal/emulator"
)

// emulateFlags is the variable with flags that each emulate of a script gets.
const emulateFlags = "EMULATE_FLAGS"

// A served is the JSON object that emulate prints.
type served struct {
	Endpoint   string
	Region     string
	Principals []principal
	Control    struct{ URL, Token string }
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

// emulate starts the server with a clock that stands still, so that a code stays
// valid however slow the machine is.
func emulate(ts *testscript.TestScript, neg bool, args []string) {
	program, err := lookIn(ts.Getenv("PATH"), "forcemfa")
	ts.Check(err)
	flags := slices.Concat([]string{"emulate", "-o", "json", "--control", "--clock", "manual"}, strings.Fields(ts.Getenv(emulateFlags)), args)
	cmd := exec.Command(program, flags...)
	cmd.Dir, cmd.Stderr = ts.MkAbs("."), os.Stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	var text json.RawMessage
	ts.Check(json.NewDecoder(out).Decode(&text)) // it comes when the server is ready
	ts.Check(os.WriteFile(ts.MkAbs(worldFile), text, 0o600))
	w := readWorld(ts)
	ts.Setenv("AWS_ENDPOINT_URL", w.Endpoint)
	ts.Setenv("AWS_REGION", w.Region)
	ts.Setenv("AWS_DEFAULT_REGION", w.Region)
	ts.Setenv("FORCEMFA_RATE", "0")
	ts.Setenv("ADMIN_KEY", w.Principals[0].AccessKeyID)
	ts.Setenv("ADMIN_SECRET", w.Principals[0].SecretAccessKey)
	signAs(ts, w.Principals[0])
}

// worldFile is where a script has what emulate printed.
const worldFile = "world.json"

// lookIn finds a program in a PATH that is not this process's own.
func lookIn(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", name, path)
}

func readWorld(ts *testscript.TestScript) (w served) {
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(worldFile)), &w))
	return w
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
	for _, p := range readWorld(ts).Principals {
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

// totpCode makes the code by the clock of the emulator, which stands still.
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
	at := control(ts, http.MethodGet, "").Now.Add(time.Duration(step) * 30 * time.Second)
	c, err := totp.GenerateCode(seed, at)
	if err != nil {
		ts.Fatalf("seed of %s: %v", args[len(args)-1], err)
	}
	ts.Setenv(args[0], c)
}

func advance(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: advance DURATION")
	}
	at := control(ts, http.MethodPost, fmt.Sprintf(`{"advance":%q}`, args[0]))
	ts.Setenv(offsetVariable, at.Advanced)
}

// control reads the clock of the emulator, or moves it.
func control(ts *testscript.TestScript, method, body string) (at emulator.ClockState) {
	c := readWorld(ts).Control
	r, err := http.NewRequest(method, c.URL+"/clock", strings.NewReader(body))
	ts.Check(err)
	r.Header.Set("Authorization", "Bearer "+c.Token)
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("the control endpoint answers %s", answer.Status)
	}
	ts.Check(json.NewDecoder(answer.Body).Decode(&at))
	return at
}
