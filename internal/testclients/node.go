package testclients

import (
	"os"
	"os/exec"
	"path/filepath"
)

// modulesVariable names the folder of Node's modules.
const modulesVariable = "FORCEMFATEST_NODE_MODULES"

// NodeModules is the folder of Node's modules: the one that the environment names, or
// that of modules that were installed with "npm install -g". Empty: there is none.
func NodeModules() string {
	if dir := os.Getenv(modulesVariable); dir != "" {
		return dir
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(node); err == nil {
		node = real
	}
	return filepath.Join(filepath.Dir(node), "..", "lib", "node_modules")
}

// nodeModule looks for a module of Node.
func nodeModule(name string) func() string {
	return func() string {
		if why := program("node"); why != "" {
			return why + " (needed with its module " + name + ")"
		}
		if _, err := os.Stat(filepath.Join(NodeModules(), filepath.FromSlash(name))); err != nil {
			return "Node's module " + name + " is not installed (npm install -g, or " + modulesVariable + ")"
		}
		return ""
	}
}

// Node prepares a script for Node with its modules; the test must [Need] them.
func Node(t T, args ...string) *exec.Cmd {
	c := Command(t, "node", args...)
	c.Env = append(Environment(), "NODE_PATH="+NodeModules())
	return c
}

// nushellModule is the module of Node that holds Nushell's own program.
const nushellModule = "@nushell/linux-x64"

// Nushell runs a script with Nushell; the test must [Need] it.
func Nushell(t T, script string) *exec.Cmd {
	Need(t, nushellModule)
	return exec.Command(filepath.Join(NodeModules(), filepath.FromSlash(nushellModule), "bin", "nu"), "-n", script)
}
