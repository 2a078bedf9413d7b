package deploy

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/deploy/terraform"
	"forcemfa/internal/testclients"
)

// terraformModule is the published module of one account.
const terraformModule = "../../terraform/account/main.tf"

// The Terraform module has the resources of the template, whatever changes in it.
func TestTheTerraformModuleIsTheTemplate(t *testing.T) {
	template, err := Render(Member, baseline.Default(), "aws")
	if err != nil {
		t.Fatal(err)
	}
	want, err := terraform.Module(template)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("FORCEMFATEST_UPDATE") != "" {
		if err := os.WriteFile(terraformModule, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(terraformModule)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s differs from the template: run FORCEMFATEST_UPDATE=1 go test ./internal/deploy -run Terraform", terraformModule)
	}
	if n := strings.Count(want, "\nresource "); n < 20 {
		t.Errorf("only %d resources", n)
	}
}

var applyModule = flag.Bool("apply-module", false, "apply the Terraform module to moto, which takes a minute")

// The module is applied to moto, needs no second apply, and is destroyed.
func TestTheTerraformModuleIsAppliedAndDestroyed(t *testing.T) {
	if !*applyModule {
		t.Skip("only with -apply-module, as in .ci/run: terraform takes a minute for it")
	}
	testclients.Need(t, "terraform")
	endpoint := testclients.Moto(t)
	dir := t.TempDir()
	module, err := filepath.Abs("../../terraform/account")
	if err != nil {
		t.Fatal(err)
	}
	services := []string{"cloudwatch", "events", "iam", "lambda", "logs", "s3", "sqs", "sts"}
	for i, s := range services {
		services[i] = fmt.Sprintf("    %s = %q\n", s, endpoint)
	}
	main := fmt.Sprintf(`provider "aws" {
  region                      = "us-east-1"
  access_key                  = "AKIAIOSFODNN7EXAMPLE"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  s3_use_path_style           = true
  endpoints {
%s  }
}
resource "aws_s3_bucket" "packages" {
  bucket = "forcemfa-packages-%d"
}
resource "aws_s3_object" "package" {
  bucket = aws_s3_bucket.packages.bucket
  key    = "forcemfa.zip"
  source = "package.zip"
}
module "forcemfa" {
  source         = %q
  s3_bucket      = aws_s3_bucket.packages.bucket
  s3_key         = aws_s3_object.package.key
  mode           = "enforce"
  journal_bucket = aws_s3_bucket.packages.bucket
}
`, strings.Join(services, ""), os.Getpid(), module)
	for name, text := range map[string]string{"main.tf": main, "package.zip": string(testPackage(t, "").Zip)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	terraform := func(want int, args ...string) string {
		t.Helper()
		c := testclients.Command(t, "terraform", args...)
		c.Dir = dir
		c.Env = append(testclients.Environment(), "HOME="+dir)
		out, err := c.CombinedOutput()
		if c.ProcessState == nil || c.ProcessState.ExitCode() != want {
			t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	terraform(0, "init", "-plugin-dir="+testclients.TerraformPlugins(), "-input=false", "-no-color")
	applied := terraform(0, "apply", "-auto-approve", "-input=false", "-no-color")
	if !strings.Contains(applied, "0 changed, 0 destroyed") {
		t.Errorf("apply:\n%s", applied)
	}
	terraform(0, "plan", "-out=again", "-input=false", "-no-color")
	checkUnchanged(t, terraform(0, "show", "-json", "again"))
	if out := terraform(0, "destroy", "-auto-approve", "-input=false", "-no-color"); !strings.Contains(out, "Destroy complete!") {
		t.Errorf("destroy:\n%s", out)
	}
}

// motoForgets are the arguments of the function that moto accepts and does not keep.
var motoForgets = []string{"dead_letter_config", "logging_config"}

// checkUnchanged checks that a plan, as JSON of terraform show, changes nothing
// except what moto forgets.
func checkUnchanged(t *testing.T, plan string) {
	t.Helper()
	var p struct {
		Changes []struct {
			Address string
			Change  struct {
				Actions       []string
				Before, After map[string]any
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(plan), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Changes) < 20 {
		t.Errorf("the plan knows only %d resources", len(p.Changes))
	}
	for _, c := range p.Changes {
		if slices.Equal(c.Change.Actions, []string{"no-op"}) {
			continue
		}
		for _, name := range motoForgets {
			delete(c.Change.Before, name)
			delete(c.Change.After, name)
		}
		if d := cmp.Diff(c.Change.Before, c.Change.After); d != "" || c.Address != "module.forcemfa.aws_lambda_function.function" {
			t.Errorf("a second apply would change %s: %v\n%s", c.Address, c.Change.Actions, d)
		}
	}
}

// The stack set of the Terraform module has the settings of the one that `deploy apply` creates.
func TestTheTerraformModuleOfAnOrganizationIsTheStackSet(t *testing.T) {
	text, err := os.ReadFile("../../terraform/organization/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	have := strings.Join(strings.Fields(string(text)), " ")
	s := &stackSet{}
	automatic, pace := s.automatic(), Pace{}.preferences()
	for _, want := range []string{
		fmt.Sprintf("permission_model = %q", types.PermissionModelsServiceManaged),
		fmt.Sprintf("capabilities = [%q]", types.CapabilityCapabilityNamedIam),
		fmt.Sprintf("auto_deployment { enabled = %v retain_stacks_on_account_removal = %v }", *automatic.Enabled, *automatic.RetainStacksOnAccountRemoval),
		"managed_execution { active = true }",
		fmt.Sprintf("concurrency_mode = %q", pace.ConcurrencyMode),
		fmt.Sprintf("region_concurrency_type = %q", pace.RegionConcurrencyType),
		fmt.Sprintf("max_concurrent_percentage = %d", *pace.MaxConcurrentPercentage),
		fmt.Sprintf("failure_tolerance_percentage = %d", *pace.FailureTolerancePercentage),
	} {
		if !strings.Contains(have, want) {
			t.Errorf("the module lacks %s", want)
		}
	}
}

func TestTheTerraformModuleOfAnOrganizationIsValid(t *testing.T) {
	testclients.Need(t, "terraform")
	module, err := filepath.Abs("../../terraform/organization")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	main := fmt.Sprintf("module \"forcemfa\" {\n  source = %q\n  template = \"\"\n  units = [\"r-abcd\"]\n  parameters = {}\n}\n", module)
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(main), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-plugin-dir=" + testclients.TerraformPlugins(), "-input=false", "-no-color"}, {"validate", "-no-color"}} {
		c := testclients.Command(t, "terraform", args...)
		c.Dir, c.Env = dir, append(testclients.Environment(), "HOME="+dir)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
	}
}
