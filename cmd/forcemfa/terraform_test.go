package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// pluginsVariable names the folder from which terraform takes its providers:
// the one that holds registry.terraform.io.
const pluginsVariable = "FORCEMFA_TERRAFORM_PLUGINS"

// awsProvider is where that folder has the provider for AWS.
var awsProvider = filepath.Join("registry.terraform.io", "hashicorp", "aws")

// terraformPlugins is the folder that the environment names, else the first of
// those where an installation puts providers; empty: there is none.
func terraformPlugins() string {
	places := []string{os.Getenv(pluginsVariable)}
	if places[0] == "" {
		places, _ = filepath.Glob("/opt/*")
		places = append(places, "/usr/share/terraform/plugins", "/usr/share/terraform",
			"/usr/local/share/terraform/plugins", "/usr/local/share/terraform")
		if home, err := os.UserHomeDir(); err == nil {
			places = append(places, filepath.Join(home, ".terraform.d", "plugins"), filepath.Join(home, ".terraform.d"))
		}
	}
	for _, dir := range places {
		if info, err := os.Stat(filepath.Join(dir, awsProvider)); dir != "" && err == nil && info.IsDir() {
			return dir
		}
	}
	return ""
}

// installed answers the conditions of the scripts that testscript does not know.
func installed(condition string) (bool, error) {
	if condition != "terraform" {
		return false, fmt.Errorf("no such condition: %s", condition)
	}
	_, err := exec.LookPath("terraform")
	return err == nil && terraformPlugins() != "", nil
}
