package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/testclients"
	"forcemfa/internal/testdepth"
)

func TestMain(m *testing.M) {
	testscript.Main(testRun{m}, map[string]func(){"forcemfa": mainWithOffset})
}

// offsetVariable says how far ahead of the machine's clock the program under test
// is, as a Go duration. Only tests read it.
const offsetVariable = "FORCEMFATEST_CLOCK_OFFSET"

// mainWithOffset is the program with the time of the emulator that it talks to.
func mainWithOffset() {
	e := command.ProcessEnv()
	if text := os.Getenv(offsetVariable); text != "" {
		offset, err := time.ParseDuration(text)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		now := e.Now
		e.Now = func() time.Time { return now().Add(offset) }
	}
	status := run(e)
	letTerminalBeRead()
	os.Exit(status)
}

// letTerminalBeRead waits a moment at the end of a program with a terminal: testscript
// closes the terminal when the program ends, and lines that were not read by then are lost.
func letTerminalBeRead() {
	if tty, err := os.Open("/dev/tty"); err == nil {
		time.Sleep(100 * time.Millisecond)
		_ = tty.Close()
	}
}

// A testRun runs the tests and removes what they built.
type testRun struct{ *testing.M }

func (m testRun) Run() int {
	// Most of a scenario is waiting for servers, terminals and disks. -parallel, which is
	// read later, still counts.
	_ = flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0)))
	status := testclients.Run(m.M)
	if builtHelper != "" {
		_ = os.RemoveAll(builtHelper)
	}
	return status
}

// TestScenarios runs the scripts in testdata with the real binary. They have these
// commands in addition to those of testscript:
//
//	needs CLIENT…              skip the script unless these clients are installed (see package testclients); AWSCLI2 is the file of awscli2
//	emulate [FLAG…]            serve the sample organization (or --org FILE), whose clock stands still, and sign as its administrator
//	moto                       serve moto_server, another AWS in memory, and sign as its administrator
//	terraformprovider          serve Terraform's provider for AWS, with the present variables, to the Terraform commands of the script, which may have one configuration of it, with no alias
//	as ACCOUNT/USER            sign as this user, with the access key
//	usesession                 sign with the credentials in the JSON of the last stdout
//	advance DURATION           move the clock of emulate and of forcemfa forward
//	totp VAR STEP [SEED]       set VAR to the code of the current user's device, or of the seed in file SEED, STEP steps of 30 s from now
//	awsconfigure PROFILE       move the current user's key from the environment to ~/.aws/credentials
//	webhook VAR FILE ANSWER    serve a webhook that answers ok, or STATUS:BODY; VAR is its URL, FILE what it received
//	recipe SECTION N FILE      write the Nth block of a section of docs/recipes.md into a file
//	status N COMMAND…          run a command that must end with this exit status
//	capture VAR                set VAR to the last stdout
//	keypair CERT KEY           write a certificate that signs itself, and its private key
//	expand FILE…               replace the $VARIABLES in files by their values
//	mode MODE FILE…            these files have this mode, in octal
//	secret VAR…                declare the present values of these variables secret
//	noleak N VERB…             as status N forcemfa VERB…, and no secret is on stdout or stderr, in an argument, or in the environment of a child
//	onlyin VAR FILE…           no other file below the work directory holds the value of VAR
//
// and the conditions [client:NAME], for lines that need a client when the rest of
// the script does not, and [long], which FORCEMFATEST_LONG=1 makes true.
func TestScenarios(t *testing.T) {
	t.Parallel()
	scripts := scenarios(setup)
	scripts.Dir = "testdata"
	testscript.Run(t, scripts)
}

// AWS does not document whether a code sent with AssumeRole satisfies a Deny in
// the caller's own policies. The walk-throughs of the seeds work either way.
func TestSeedsWorkWhenACodeInAssumeRoleIsNotMFA(t *testing.T) {
	t.Parallel()
	scripts := scenarios(func(e *testscript.Env) error {
		e.Setenv(emulateFlags, "--code-in-call-is-not-mfa")
		return setup(e)
	})
	for i, name := range []string{"access", "awscli", "migrate"} {
		if i%testdepth.Each(3) != 0 {
			continue
		}
		scripts.Files = append(scripts.Files, filepath.Join("testdata", name+".txtar"))
	}
	testscript.Run(t, scripts)
}

func scenarios(setup func(*testscript.Env) error) testscript.Params {
	return testscript.Params{
		Setup:     setup,
		Condition: holds,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"advance": advance, "as": as, "awsconfigure": awsConfigure, "calls": calls, "capture": capture, "emulate": emulate, "expand": expand, "keypair": keyPair,
			"mode": mode, "moto": moto, "needs": needs, "noleak": noLeak, "onlyin": onlyIn, "secret": secret,
			"recipe": recipe, "status": status, "terraformprovider": terraformProvider, "totp": totpCode, "usesession": useSession, "webhook": webhook,
		},
	}
}

// setup keeps the scripts away from the AWS configuration of whoever runs them.
func setup(e *testscript.Env) error {
	home := filepath.Join(e.WorkDir, "home")
	e.Values[secretsKey{}] = secrets{}
	e.Values[testKey{}] = e.T()
	for _, setting := range testclients.Environment() {
		if name, value, _ := strings.Cut(setting, "="); name != "PATH" { // testscript adds the program to its own
			e.Setenv(name, value)
		}
	}
	e.Setenv("HOME", home)
	e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
	e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	e.Setenv("AWS_DEFAULT_OUTPUT", "json")
	e.Setenv("AWS_PAGER", "")
	dir, err := credentialProcessDir()
	if err != nil {
		return err
	}
	e.Setenv("PATH", dir+string(os.PathListSeparator)+e.Getenv("PATH"))
	e.Setenv("HELPER", filepath.Join(dir, credentialProcess))
	e.Setenv("TERRAFORM_PLUGINS", testclients.TerraformPlugins())
	e.Setenv("CHECKPOINT_DISABLE", "1") // Terraform looks for a new version otherwise
	return os.MkdirAll(home, 0o700)
}
