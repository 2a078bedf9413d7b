package testclients

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/testdepth"
)

// special are the clients that are more than a program on PATH. A function says
// what is missing; empty: nothing.
var special = map[string]func() string{
	"awscli2":      func() string { return missingUnless(AWSCLI2() != "", "version 2 of the AWS CLI") },
	"boto3":        module("boto3"),
	"botocore":     module("botocore"),
	"chromium":     browser,
	"cryptography": module("cryptography"),
	"terraform":    terraform,

	"@aws-sdk/client-iam":                nodeModule("@aws-sdk/client-iam"),
	"@aws-sdk/client-organizations":      nodeModule("@aws-sdk/client-organizations"),
	"@aws-sdk/client-s3":                 nodeModule("@aws-sdk/client-s3"),
	"@aws-sdk/client-sts":                nodeModule("@aws-sdk/client-sts"),
	"@aws-sdk/credential-provider-login": nodeModule("@aws-sdk/credential-provider-login"),
	"@aws-sdk/credential-providers":      nodeModule("@aws-sdk/credential-providers"),
	"@aws-sdk/s3-request-presigner":      nodeModule("@aws-sdk/s3-request-presigner"),

	"@duckdb/node-api": nodeModule("@duckdb/node-api"),
	"dt-sql-parser":    nodeModule("dt-sql-parser"),
	"esbuild":          nodeModule("esbuild"),
	nushellModule:      nodeModule(nushellModule),
}

// slow are the clients that take seconds of processor time for each use. A plain "go test
// ./..." does not use them, so that it ends in the time that a person waits for it.
var slow = []string{"awscli2", "chromium", "cfn-lint", "moto_server", "terraform", "@duckdb/node-api", "dt-sql-parser", "@aws-sdk/client-iam", "@aws-sdk/credential-provider-login"}

var found sync.Map // client → func() string

// missing says why a client cannot be used; empty: it can. It looks once.
func missing(client string) string {
	if slices.Contains(slow, client) && !testdepth.Long() && os.Getenv(requireVariable) == "" {
		return client + " is slow: FORCEMFATEST_LONG=1 uses it"
	}
	look := special[client]
	if look == nil {
		look = func() string { return program(client) }
	}
	once, _ := found.LoadOrStore(client, sync.OnceValue(look))
	return once.(func() string)()
}

func program(name string) string {
	_, err := exec.LookPath(name)
	return missingUnless(err == nil, name)
}

func missingUnless(found bool, name string) string {
	if found {
		return ""
	}
	return name + " is not installed"
}

// AWSCLI2 is the file of version 2 of the AWS CLI: the first "aws" on PATH that has this
// version. Empty: there is none.
var AWSCLI2 = sync.OnceValue(func() string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		file := filepath.Join(dir, "aws")
		if out, err := exec.Command(file, "--version").Output(); err == nil && strings.HasPrefix(string(out), "aws-cli/2.") {
			return file
		}
	}
	return ""
})

func module(name string) func() string {
	return func() string {
		if why := program("python3"); why != "" {
			return why + " (needed with its module " + name + ")"
		}
		const find = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
		if exec.Command("python3", "-c", find, name).Run() != nil {
			return "python3 has no module " + name
		}
		return ""
	}
}

// Chromium is the name of the browser's program.
func Chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if program(name) == "" {
			return name
		}
	}
	return ""
}

// HasPowerShell reports whether PowerShell is installed. The machines on which a missing
// client is a failure do not have it, so its test asks here.
func HasPowerShell() bool { return program("pwsh") == "" }

func browser() string {
	if Chromium() == "" {
		return "chromium is not installed"
	}
	return ""
}

func terraform() string {
	if why := program("terraform"); why != "" {
		return why
	}
	if TerraformPlugins() == "" {
		return "Terraform's provider hashicorp/aws is not installed (" + pluginsVariable + " names the folder that holds registry.terraform.io)"
	}
	return ""
}

// pluginsVariable names the folder from which Terraform takes its providers.
const pluginsVariable = "FORCEMFATEST_TERRAFORM_PLUGINS"

// TerraformPlugins is the folder that holds registry.terraform.io with the
// provider for AWS: the one that the environment names, or else the first of
// those where an installation puts providers. Empty: there is none.
func TerraformPlugins() string {
	places := []string{os.Getenv(pluginsVariable)}
	if places[0] == "" {
		places, _ = filepath.Glob("/opt/*")
		places = append(places, "/usr/share/terraform/plugins", "/usr/share/terraform",
			"/usr/local/share/terraform/plugins", "/usr/local/share/terraform")
		if home, err := os.UserHomeDir(); err == nil {
			places = append(places, filepath.Join(home, ".terraform.d", "plugins"), filepath.Join(home, ".terraform.d"))
		}
	}
	provider := filepath.Join("registry.terraform.io", "hashicorp", "aws")
	for _, dir := range places {
		if info, err := os.Stat(filepath.Join(dir, provider)); dir != "" && err == nil && info.IsDir() {
			return dir
		}
	}
	return ""
}
