package deploy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"forcemfa/internal/baseline"
	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/testclients"
)

func TestMain(m *testing.M) { os.Exit(testclients.Run(m)) }

// motoConfig returns the administrator's config for a fresh moto.
func motoConfig(t *testing.T) aws.Config {
	t.Helper()
	endpoint := testclients.Moto(t)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), HTTPClient: targeted{http.DefaultTransport, &remembered{sets: map[string]string{}, values: map[string]url.Values{}}},
		Credentials: credentials.NewStaticCredentialsProvider("testing", "testing", ""),
	}
}

// targeted corrects four differences of moto from AWS: it deletes stacks only by
// Accounts, where AWS accepts DeploymentTargets, it forgets automatic deployment and
// the units of a stack set, a stack with an override has none of the set's other
// parameters, and filters of accounts do nothing.
type targeted struct {
	inner http.RoundTripper
	known *remembered
}

type remembered struct {
	mu      sync.Mutex
	members []string // of the organization
	empty   string   // a unit without accounts
	sets    map[string]string
	values  map[string]url.Values // the parameters of each stack set
}

func (m targeted) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return m.inner.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	m.known.see(form)
	body = []byte(form.Encode())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer, err := m.inner.RoundTrip(r)
	if err != nil || form.Get("Action") != "DescribeStackSet" {
		return answer, err
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	whole := strings.Replace(string(text), "</StackSet>", m.known.of(form.Get("StackSetName"))+"</StackSet>", 1)
	answer.Body, answer.ContentLength = io.NopCloser(strings.NewReader(whole)), int64(len(whole))
	return answer, err
}

// see records data that moto forgets, and translates requests that it does not
// understand.
func (k *remembered) see(form url.Values) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name, unit := form.Get("StackSetName"), form.Get("DeploymentTargets.OrganizationalUnitIds.member.1")
	switch form.Get("Action") {
	case "CreateStackSet":
		k.sets[name] = "<AutoDeployment><Enabled>" + form.Get("AutoDeployment.Enabled") + "</Enabled><RetainStacksOnAccountRemoval>" +
			form.Get("AutoDeployment.RetainStacksOnAccountRemoval") + "</RetainStacksOnAccountRemoval></AutoDeployment>"
		k.values[name] = form
	case "CreateStackInstances":
		k.complete(form)
		k.filter(form)
		k.sets[name] += "<OrganizationalUnitIds><member>" + unit + "</member></OrganizationalUnitIds>"
	case "DeleteStackInstances":
		for i, id := range k.members {
			if unit != "" {
				form.Set(fmt.Sprintf("Accounts.member.%d", i+1), id)
			}
		}
	}
}

// filter replaces the unit of new stacks by the accounts that the filter selects in it.
func (k *remembered) filter(form url.Values) {
	const targets = "DeploymentTargets.Accounts.member."
	kind := form.Get("DeploymentTargets.AccountFilterType")
	if kind == "" {
		return
	}
	named := map[string]bool{}
	for i := 1; form.Has(targets + strconv.Itoa(i)); i++ {
		named[form.Get(targets+strconv.Itoa(i))] = true
	}
	form.Set("DeploymentTargets.OrganizationalUnitIds.member.1", k.empty)
	n := 0
	for _, id := range k.members {
		if named[id] == (kind == "INTERSECTION") {
			n++
			form.Set("Accounts.member."+strconv.Itoa(n), id)
		}
	}
}

// complete adds the parameters of the set to the overrides of its stacks, if there are any.
func (k *remembered) complete(form url.Values) {
	const override, parameter = "ParameterOverrides.member.", "Parameters.member."
	given := map[string]bool{}
	for form.Has(fmt.Sprintf("%s%d.ParameterKey", override, len(given)+1)) {
		given[form.Get(fmt.Sprintf("%s%d.ParameterKey", override, len(given)+1))] = true
	}
	if len(given) == 0 {
		return
	}
	set := k.values[form.Get("StackSetName")]
	for i := 1; set.Has(fmt.Sprintf("%s%d.ParameterKey", parameter, i)); i++ {
		if key := set.Get(fmt.Sprintf("%s%d.ParameterKey", parameter, i)); !given[key] {
			given[key] = true
			form.Set(fmt.Sprintf("%s%d.ParameterKey", override, len(given)), key)
			form.Set(fmt.Sprintf("%s%d.ParameterValue", override, len(given)), set.Get(fmt.Sprintf("%s%d.ParameterValue", parameter, i)))
		}
	}
}

func (k *remembered) of(set string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sets[set]
}

func testPackage(t *testing.T, config string) *Package {
	t.Helper()
	p, err := Pack(testProgram(), []byte(config), ARM64)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// testProgram is a minimal program for Linux on ARM64: an ELF header.
func testProgram() []byte {
	header := make([]byte, 64)
	copy(header, "\x7fELF\x02\x01\x01")
	header[16], header[18], header[20] = 2, 183, 1 // an executable for AArch64, version 1
	header[52], header[54], header[58] = 64, 56, 64
	return header
}

func parsed(t *testing.T, config string) *baseline.Baseline {
	t.Helper()
	b, err := baseline.Parse("forcemfa.yaml", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func quickly(context.Context, time.Duration) error { return nil }

// lint runs cfn-lint on templates and returns its output; empty: no findings.
func lint(t *testing.T, templates map[string]string, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-f", "parseable"}
	for name, text := range templates {
		file := dir + "/" + name
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-t", file)
	}
	out, err := testclients.Command(t, "cfn-lint", append(args, more...)...).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatalf("run cfn-lint: %v", err)
	} else if ok && len(out) == 0 {
		t.Fatalf("cfn-lint: %v", exit)
	}
	return strings.ReplaceAll(string(out), dir+"/", "")
}
