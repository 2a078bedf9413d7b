package deploy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/google/go-cmp/cmp"
)

// script answers CloudFormation calls in its wire format: a list of responses
// for each action, the last of which repeats.
type script struct {
	answers map[string][]string
	asked   []url.Values
}

func (s *script) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	s.asked = append(s.asked, form)
	action := form.Get("Action")
	list := s.answers[action]
	if len(list) == 0 {
		return nil, fmt.Errorf("nobody expected %s", action)
	}
	if len(list) > 1 {
		s.answers[action] = list[1:]
	}
	status, text := http.StatusOK, "<"+action+"Response><"+action+"Result>"+list[0]+"</"+action+"Result></"+action+"Response>"
	if strings.HasPrefix(list[0], "<Error>") {
		status, text = http.StatusBadRequest, "<ErrorResponse>"+list[0]+"</ErrorResponse>"
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}, nil
}

// asks returns the forms of one action, without the common parameters.
func (s *script) asks(action string) []url.Values {
	var out []url.Values
	for _, form := range s.asked {
		if form.Get("Action") == action {
			out = append(out, form)
		}
	}
	return out
}

func (s *script) client() *cloudformation.Client {
	return cloudformation.NewFromConfig(aws.Config{
		Region: "us-east-1", HTTPClient: s, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	})
}

func scripted(answers map[string][]string) (*stackSet, *script) {
	s := &script{answers: answers}
	return &stackSet{
		client: s.client(), name: "forcemfa", place: here, callAs: types.CallAsDelegatedAdmin, template: []byte("Resources: {}"),
		units: []string{"ou-1"}, regions: []string{"us-east-1"}, clock: clock{time.Now, quickly},
	}, s
}

const noSet = `<Error><Code>StackSetNotFoundException</Code><Message>no</Message></Error>`

func result(account, status, why string) string {
	return "<member><Account>" + account + "</Account><Region>us-east-1</Region><Status>" + status + "</Status><StatusReason>" + why + "</StatusReason></member>"
}

func operation(status string) string {
	return "<StackSetOperation><Status>" + status + "</Status></StackSetOperation>"
}

func TestEachAccountIsReportedOnce(t *testing.T) {
	set, _ := scripted(map[string][]string{
		"DescribeStackSet":          {noSet},
		"CreateStackSet":            {"<StackSetId>x</StackSetId>"},
		"CreateStackInstances":      {"<OperationId>op</OperationId>"},
		"DescribeStackSetOperation": {operation("RUNNING"), operation("RUNNING"), operation("FAILED")},
		"ListStackSetOperationResults": {
			"<Summaries>" + result("222222222222", "RUNNING", "") + "</Summaries>",
			"<Summaries>" + result("222222222222", "SUCCEEDED", "") + result("333333333333", "PENDING", "") + "</Summaries>",
			"<Summaries>" + result("222222222222", "SUCCEEDED", "") + "</Summaries><NextToken>more</NextToken>",
			"<Summaries>" + result("333333333333", "FAILED", "ResourceLogicalId:Policy, AlreadyExists") + result("444444444444", "CANCELLED", "Cancelled since failure tolerance has exceeded") + "</Summaries>",
		},
	})
	want := []string{
		"done 222222222222 ", "failed 333333333333 FAILED: ResourceLogicalId:Policy, AlreadyExists",
		"failed 444444444444 CANCELLED: Cancelled since failure tolerance has exceeded", "done 111111111111 ",
	}
	var got []string
	if err := set.apply(t.Context(), func(o Outcome) { got = append(got, string(o.Status)+" "+o.Account+" "+o.Why) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reported (-want +got):\n%s", diff)
	}
}

func TestStackSetIsServiceManagedAndAutomatic(t *testing.T) {
	set, s := scripted(map[string][]string{
		"DescribeStackSet": {noSet}, "CreateStackSet": {"<StackSetId>x</StackSetId>"}, "CreateStackInstances": {"<OperationId>op</OperationId>"},
		"DescribeStackSetOperation": {operation("SUCCEEDED")}, "ListStackSetOperationResults": {""},
	})
	set.existing, set.filter = []string{"333333333333"}, filter{types.AccountFilterTypeDifference, []string{"555555555555"}}
	if err := set.apply(t.Context(), func(Outcome) {}); err != nil {
		t.Fatal(err)
	}
	created := s.asks("CreateStackSet")[0]
	for name, want := range map[string]string{
		"PermissionModel": "SERVICE_MANAGED", "AutoDeployment.Enabled": "true", "AutoDeployment.RetainStacksOnAccountRemoval": "true",
		"CallAs": "DELEGATED_ADMIN", "Capabilities.member.1": "CAPABILITY_NAMED_IAM", "ManagedExecution.Active": "true",
	} {
		if got := created.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	type made struct{ Unit, Filter, Accounts, Override, Concurrent, Tolerance string }
	var got []made
	for _, form := range s.asks("CreateStackInstances") {
		var accounts []string
		for i := 1; form.Get(fmt.Sprint("DeploymentTargets.Accounts.member.", i)) != ""; i++ {
			accounts = append(accounts, form.Get(fmt.Sprint("DeploymentTargets.Accounts.member.", i)))
		}
		got = append(got, made{
			form.Get("DeploymentTargets.OrganizationalUnitIds.member.1"), form.Get("DeploymentTargets.AccountFilterType"), strings.Join(accounts, " "),
			form.Get("ParameterOverrides.member.1.ParameterValue"), form.Get("OperationPreferences.MaxConcurrentPercentage"), form.Get("OperationPreferences.FailureTolerancePercentage"),
		})
	}
	want := []made{
		{"ou-1", "INTERSECTION", "333333333333", "existing", "25", "10"},
		{"ou-1", "DIFFERENCE", "555555555555 333333333333", "", "25", "10"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stacks (-want +got):\n%s", diff)
	}
}

func TestAnAccountThatWasLeftOutGetsItsStack(t *testing.T) {
	set, s := scripted(map[string][]string{
		"DescribeStackSet": {`<StackSet><PermissionModel>SERVICE_MANAGED</PermissionModel><TemplateBody>Resources: {}</TemplateBody><OrganizationalUnitIds><member>ou-1</member></OrganizationalUnitIds>` +
			`<AutoDeployment><Enabled>true</Enabled><RetainStacksOnAccountRemoval>true</RetainStacksOnAccountRemoval></AutoDeployment></StackSet>`},
		"ListStackInstances":        {`<Summaries><member><Account>222222222222</Account><Region>us-east-1</Region><Status>CURRENT</Status></member></Summaries>`},
		"CreateStackInstances":      {"<OperationId>op</OperationId>"},
		"DescribeStackSetOperation": {operation("SUCCEEDED")}, "ListStackSetOperationResults": {""},
	})
	set.members = []string{"222222222222", "333333333333"}
	c, err := set.plan(t.Context())
	if err != nil || c.Action != Update {
		t.Fatalf("plan: %v %v", c.Action, err)
	}
	if diff := cmp.Diff([]Instance{{Account: "333333333333", Region: "us-east-1", Status: "MISSING"}}, c.Instances); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if err := set.apply(t.Context(), func(Outcome) {}); err != nil {
		t.Fatal(err)
	}
	form := s.asks("CreateStackInstances")[0]
	if form.Get("DeploymentTargets.Accounts.member.1") != "333333333333" || form.Get("DeploymentTargets.AccountFilterType") != "INTERSECTION" {
		t.Errorf("asked for %v", form)
	}
	if len(s.asks("UpdateStackSet")) > 0 {
		t.Error("a set that is as wanted was updated")
	}
}

func TestForeignStackSetIsNotTouched(t *testing.T) {
	set, s := scripted(map[string][]string{"DescribeStackSet": {`<StackSet><PermissionModel>SELF_MANAGED</PermissionModel></StackSet>`}})
	for _, do := range []func() error{
		func() error { _, err := set.plan(t.Context()); return err },
		func() error { return set.apply(t.Context(), func(Outcome) {}) },
		func() error { return set.remove(t.Context(), func(Outcome) {}) },
	} {
		if err := do(); err == nil || !strings.HasPrefix(err.Error(), "stack set forcemfa has self-managed permissions") {
			t.Errorf("error %v", err)
		}
	}
	if len(s.asked) != 3 {
		t.Errorf("%d calls", len(s.asked))
	}
}

func aStack(answers map[string][]string) (*stack, *script) {
	s := &script{answers: answers}
	return &stack{client: s.client(), name: "forcemfa", place: here, template: []byte("Resources: {}"), clock: clock{time.Now, quickly}, adopt: true}, s
}

func described(status, why string) string {
	return "<Stacks><member><StackId>id</StackId><StackName>forcemfa</StackName><StackStatus>" + status + "</StackStatus><StackStatusReason>" + why + "</StackStatusReason></member></Stacks>"
}

const noStack = `<Error><Code>ValidationError</Code><Message>Stack with id forcemfa does not exist</Message></Error>`

func TestAStackThatFailsNamesTheResourceAndWhy(t *testing.T) {
	one, _ := aStack(map[string][]string{
		"DescribeStacks":    {noStack, described("CREATE_IN_PROGRESS", ""), described("ROLLBACK_COMPLETE", "")},
		"CreateChangeSet":   {"<Id>cs</Id>"},
		"DescribeChangeSet": {"<Status>CREATE_PENDING</Status>", "<Status>CREATE_COMPLETE</Status>"},
		"ExecuteChangeSet":  {""},
		"DescribeStackEvents": {`<StackEvents>` +
			`<member><LogicalResourceId>forcemfa</LogicalResourceId><PhysicalResourceId>id</PhysicalResourceId><ResourceStatus>ROLLBACK_IN_PROGRESS</ResourceStatus></member>` +
			`<member><LogicalResourceId>Role</LogicalResourceId><ResourceType>AWS::IAM::Role</ResourceType><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>Resource creation cancelled</ResourceStatusReason></member>` +
			`<member><LogicalResourceId>Policy</LogicalResourceId><ResourceType>AWS::IAM::ManagedPolicy</ResourceType><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>A policy called ForceMFA already exists</ResourceStatusReason></member>` +
			`<member><LogicalResourceId>forcemfa</LogicalResourceId><PhysicalResourceId>id</PhysicalResourceId><ResourceStatus>CREATE_IN_PROGRESS</ResourceStatus><ResourceStatusReason>User Initiated</ResourceStatusReason></member>` +
			`</StackEvents>`},
	})
	err := one.apply(t.Context(), func(o Outcome) { t.Errorf("reported %+v", o) })
	const want = "stack forcemfa in 111111111111 us-east-1 is ROLLBACK_COMPLETE: Policy (AWS::IAM::ManagedPolicy): A policy called ForceMFA already exists"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestStackThatFailedToCreateIsDeletedFirst(t *testing.T) {
	one, s := aStack(map[string][]string{
		"DescribeStacks":    {described("ROLLBACK_COMPLETE", "the role"), described("ROLLBACK_COMPLETE", ""), described("DELETE_COMPLETE", ""), described("CREATE_COMPLETE", "")},
		"GetTemplate":       {"<TemplateBody>Resources: {}</TemplateBody>"},
		"DeleteStack":       {""},
		"CreateChangeSet":   {"<Id>cs</Id>"},
		"DescribeChangeSet": {"<Status>CREATE_COMPLETE</Status>"},
		"ExecuteChangeSet":  {""},
	})
	var got []Status
	if err := one.apply(t.Context(), func(o Outcome) { got = append(got, o.Status) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Status{Removed, Done}, got); diff != "" {
		t.Errorf("reported (-want +got):\n%s", diff)
	}
	if form := s.asks("CreateChangeSet")[0]; form.Get("ChangeSetType") != "CREATE" || form.Get("ImportExistingResources") != "true" {
		t.Errorf("change set %v", form)
	}
}

// The functions of a stack that could not be removed still run.
func TestRemoveStopsAtAPartThatCannotBeRemoved(t *testing.T) {
	notifier, asked := aStack(nil)
	functions, _ := aStack(map[string][]string{
		"DescribeStacks":      {described("CREATE_COMPLETE", ""), described("DELETE_FAILED", "the role is in use")},
		"DeleteStack":         {""},
		"DescribeStackEvents": {"<StackEvents></StackEvents>"},
	})
	forwarding, _ := aStack(map[string][]string{"DescribeStacks": {described("CREATE_COMPLETE", ""), described("DELETE_COMPLETE", "")}, "DeleteStack": {""}})
	d := &Deployment{parts: []part{notifier, functions, forwarding}}
	var got []Status
	if err := d.Remove(t.Context(), func(o Outcome) { got = append(got, o.Status) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Status{Removed, Failed, Skipped}, got); diff != "" {
		t.Errorf("reported (-want +got):\n%s", diff)
	}
	if len(asked.asked) > 0 {
		t.Errorf("the notifier was touched: %v", asked.asked)
	}
}

func TestABusyOrStuckStackIsLeftAlone(t *testing.T) {
	for status, want := range map[string]string{
		"UPDATE_IN_PROGRESS":     "stack forcemfa in 111111111111 us-east-1 is UPDATE_IN_PROGRESS: wait until that is done",
		"UPDATE_ROLLBACK_FAILED": "stack forcemfa in 111111111111 us-east-1 is UPDATE_ROLLBACK_FAILED: the group; correct the cause, then continue the rollback in the console",
	} {
		one, s := aStack(map[string][]string{"DescribeStacks": {described(status, "the group")}, "GetTemplate": {"<TemplateBody>Resources: {}</TemplateBody>"}})
		if _, err := one.plan(t.Context()); err == nil || err.Error() != want {
			t.Errorf("%s: %v", status, err)
		}
		if len(s.asked) != 2 {
			t.Errorf("%s: %d calls", status, len(s.asked))
		}
	}
}

func TestThePlanOfAnUpdateIsAChangeSetThatIsDeletedAgain(t *testing.T) {
	one, s := aStack(map[string][]string{
		"DescribeStacks": {described("UPDATE_COMPLETE", "")}, "GetTemplate": {"<TemplateBody>Resources: {A: {Type: T}}</TemplateBody>"},
		"CreateChangeSet": {"<Id>cs</Id>"}, "DeleteChangeSet": {""},
		"DescribeChangeSet": {`<Status>CREATE_COMPLETE</Status><Changes><member><Type>Resource</Type><ResourceChange><Action>Modify</Action><LogicalResourceId>Role</LogicalResourceId>` +
			`<ResourceType>AWS::IAM::Role</ResourceType><Replacement>True</Replacement><Details><member><Target><Attribute>Properties</Attribute><Name>Path</Name></Target></member></Details></ResourceChange></member></Changes>`},
	})
	c, err := one.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []ResourceChange{{Action: "replace", ID: "Role", Type: "AWS::IAM::Role", What: []string{"Path"}}}
	if diff := cmp.Diff(want, c.Resources); diff != "" || c.Action != Update {
		t.Errorf("%s (-want +got):\n%s", c.Action, diff)
	}
	if len(s.asks("DeleteChangeSet")) != 1 {
		t.Error("the change set is left")
	}
}

// Only CURRENT instances have the deployed template and parameters.
func TestInstancesThatAreNotCurrentAreBehind(t *testing.T) {
	state := &setState{}
	for _, status := range types.StackInstanceStatus("").Values() {
		state.instances = append(state.instances, Instance{Account: "222222222222", Region: "us-east-1", Status: string(status)})
	}
	var behind []string
	for _, i := range state.behind() {
		behind = append(behind, i.Status)
	}
	if slices.Contains(behind, "CURRENT") || !slices.Contains(behind, "OUTDATED") || !slices.Contains(behind, "INOPERABLE") || len(behind) != len(state.instances)-1 {
		t.Errorf("behind: %v of %v", behind, state.instances)
	}
}

// serviceAccess answers ListAWSServiceAccessForOrganization with pages of services.
type serviceAccess [][]string

func (s *serviceAccess) Do(r *http.Request) (*http.Response, error) {
	status, text := http.StatusForbidden, `{"__type":"AccessDeniedException","Message":"no"}`
	if len(*s) > 0 {
		status, text = http.StatusOK, `{"EnabledServicePrincipals":[`
		for i, name := range (*s)[0] {
			if i > 0 {
				text += ","
			}
			text += `{"ServicePrincipal":"` + name + `"}`
		}
		text += "]"
		if *s = (*s)[1:]; len(*s) > 0 {
			text += `,"NextToken":"more"`
		}
		text += "}"
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}, nil
}

func TestStackSetsNeedTrustedAccess(t *testing.T) {
	for _, row := range []struct {
		name        string
		pages       serviceAccess
		missing     bool
		notReadable bool
	}{
		{"other services", serviceAccess{{"sso.amazonaws.com", "config.amazonaws.com"}}, true, false},
		{"no service", serviceAccess{{}}, true, false},
		{"on the second page", serviceAccess{{"sso.amazonaws.com"}, {stackSetsService}}, false, false},
		{"after others", serviceAccess{{"sso.amazonaws.com", stackSetsService}}, false, false},
		{"not allowed to read", nil, false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := &Deployment{}
			err := d.activated(t.Context(), organizations.NewFromConfig(aws.Config{
				Region: "us-east-1", HTTPClient: &row.pages, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", ""),
			}))
			var access *AccessError
			if errors.As(err, &access) != row.missing || err != nil && !row.missing {
				t.Errorf("%v", err)
			}
			if (len(d.notes) > 0) != row.notReadable {
				t.Errorf("notes %v", d.notes)
			}
		})
	}
}

// AWS does not say the units of a stack set whose stacks were created by account, so the
// stacks are deleted in the units of the deployment.
func TestStacksAreDeletedInTheUnitsOfTheDeployment(t *testing.T) {
	for _, row := range []struct{ unit, want string }{{"", "ou-1"}, {"ou-9", "ou-9"}} {
		set, s := scripted(map[string][]string{
			"DeleteStackInstances":         {"<OperationId>op</OperationId>"},
			"DescribeStackSetOperation":    {operation("SUCCEEDED")},
			"ListStackSetOperationResults": {"<Summaries></Summaries>"},
			"ListStackInstances":           {"<Summaries></Summaries>"},
		})
		state := &setState{there: true, instances: []Instance{{Account: "222222222222", Region: "us-east-1"}, {Account: "333333333333", Region: "us-east-1"}}}
		if row.unit != "" {
			state.units = []string{row.unit}
		}
		if err := set.empty(t.Context(), state, func(Outcome) {}); err != nil {
			t.Fatal(err)
		}
		form := s.asks("DeleteStackInstances")[0]
		if got := form.Get("DeploymentTargets.OrganizationalUnitIds.member.1"); got != row.want || form.Get("Regions.member.2") != "" {
			t.Errorf("unit %q, want %q; %v", got, row.want, form)
		}
	}
}

func TestANewStackAddsEveryResource(t *testing.T) {
	got, err := added([]byte("Resources: {A: {Type: T}, B: {Type: U}}"), here, nil)
	if diff := cmp.Diff([]ResourceChange{{Action: "add", ID: "A", Type: "T"}, {Action: "add", ID: "B", Type: "U"}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := added([]byte("Resources: ["), here, nil); err == nil {
		t.Errorf("a template that cannot be parsed adds %v", got)
	}
}
