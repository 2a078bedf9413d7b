package testclients

import (
	"bufio"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"text/template"
)

// preloaded are the Python programs that tests start often, with the modules that
// cost most of each start. They run in processes forked from one that has
// imported the modules: "aws iam get-user" then needs a fifth of its CPU time.
// Their code is that of the installation; only the start differs.
var preloaded = map[string][]string{
	"aws":      {"awscli.clidriver:create_clidriver", "awscli.customizations.commands"},
	"cfn-lint": {"cfnlint.runner", "cfnlint.api", "cfnlint.template"},
}

var (
	//go:embed preload.py
	serverSource string
	//go:embed preloaded.py
	callerSource string
	caller       = template.Must(template.New("preloaded.py").Parse(callerSource))
)

// preloads is the folder of the programs that stand before the installed ones on
// PATH, and the servers behind them. Without [Run] there is none.
var preloads struct {
	sync.Mutex
	dir     string
	started map[string]bool
	stop    []func()
}

// startPreloads puts an empty folder first on PATH. Servers start when a test
// needs their program.
func startPreloads() {
	dir, err := os.MkdirTemp("", "forcemfa-clients-")
	if err != nil {
		return
	}
	_ = os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	preloads.dir, preloads.started = dir, map[string]bool{}
}

func stopPreloads() {
	preloads.Lock()
	defer preloads.Unlock()
	for _, stop := range preloads.stop {
		stop()
	}
	if preloads.dir != "" {
		_ = os.RemoveAll(preloads.dir)
	}
	preloads.dir, preloads.stop = "", nil
}

// preload serves a client from now on, where it is a Python program that can be
// served. Otherwise tests start it as it is.
func preload(client string) {
	modules := preloaded[client]
	preloads.Lock()
	defer preloads.Unlock()
	if modules == nil || preloads.dir == "" || preloads.started[client] {
		return
	}
	preloads.started[client] = true
	if program, python, err := pythonProgram(client); err == nil {
		_ = serve(client, program, python, modules)
	}
}

func serve(client, program, python string, modules []string) error {
	session, err := sessionID()
	if err != nil {
		return err
	}
	socket := filepath.Join(preloads.dir, client+".socket")
	c := exec.Command(python, append([]string{"-c", serverSource, socket, program}, modules...)...)
	c.Env = append(os.Environ(), "PYTHONUTF8=1", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	endWithParent(c)
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	preloads.stop = append(preloads.stop, func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		return fmt.Errorf("preload %s: %q, %w", client, line, err)
	}
	var text strings.Builder
	if err := caller.Execute(&text, map[string]any{"Python": python, "Program": program, "Session": session, "Socket": socket}); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(preloads.dir, client), []byte(text.String()), 0o700)
}

// pythonProgram finds the file of a Python program and its interpreter, also
// behind the shims of pyenv.
func pythonProgram(client string) (program, python string, err error) {
	if program, err = exec.LookPath(client); err != nil {
		return "", "", err
	}
	if filepath.Base(filepath.Dir(program)) == "shims" {
		out, err := exec.Command("pyenv", "which", client).Output()
		if err != nil {
			return "", "", fmt.Errorf("pyenv which %s: %w", client, err)
		}
		program = strings.TrimSpace(string(out))
	}
	text, err := os.ReadFile(program)
	if err != nil {
		return "", "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	python, ok := strings.CutPrefix(line, "#!")
	if !ok || strings.ContainsAny(python, " \t") || !strings.HasPrefix(filepath.Base(python), "python") {
		return "", "", fmt.Errorf("%s is not a Python program", program)
	}
	return program, python, nil
}
