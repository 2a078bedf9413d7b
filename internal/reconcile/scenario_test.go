package reconcile

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// company are the users of each account of the scenario.
func company() []org.User {
	exempt := []org.Tag{{Key: "userType", Value: "Service"}}
	temp, dora, workload := person("temp"), person("dora", baseline.GroupName), person("workload")
	temp.Tags, workload.Tags = exempt, exempt
	workload.Inline = []org.InlinePolicy{{Name: "all", Document: everything}}
	workload.Keys = []org.AccessKey{{Slot: 1, Active: true}}
	guest := person("guest", baseline.GroupName)
	guest.Devices, guest.MFA = nil, org.No
	return []org.User{person("ann", baseline.GroupName), person("bea", baseline.GroupName), person("carl", baseline.GroupName), temp, dora, workload, guest}
}

// An attack is a sequence of mutations in an organization whose events are delivered
// late, twice or not at all.
type attack struct {
	*rig
	random   *rand.Rand
	accounts []string
	pending  []trail.Event
	lose     bool
	drifted  map[string]bool
	created  int

	mutations int
	done      map[string]int  // number of mutations by event name
	alerts    map[string]bool // IDs of events of high severity that were delivered
	lost      map[string]bool // account, or account/user, whose event was lost
}

// begin subscribes to the events that the rules select.
func (a *attack) begin() {
	a.t.Helper()
	cancel, err := a.cloud.Subscribe(Pattern, a.happened)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(cancel)
}

// happened queues an event. It loses one event in ten, and queues one in five twice.
func (a *attack) happened(e trail.Event) {
	if a.lose && a.random.IntN(10) == 0 && !strings.Contains(e.Detail.UserIdentity.ARN, executor) {
		a.lost[e.Account] = a.lost[e.Account] || eventRules[e.Detail.EventName].scope == allUsersScope
		a.lost[e.Account+"/"+e.Detail.Subject()] = true
		return
	}
	if tampersHigh[e.Detail.EventName] {
		a.alerts[e.Detail.EventID] = true
	}
	a.pending = append(a.pending, e)
	if a.random.IntN(5) == 0 {
		a.pending = append(a.pending, e)
	}
}

// tampersHigh are the calls of the scenario with an alert of high severity.
var tampersHigh = map[string]bool{
	"RemoveUserFromGroup": true, "DetachGroupPolicy": true, "DeactivateMFADevice": true, "PutUserPermissionsBoundary": true,
	"TagUser": true, "CreatePolicyVersion": true, "SetDefaultPolicyVersion": true, "DeletePolicyVersion": true,
	"UpdateAssumeRolePolicy": true, "EnableMFADevice": true,
}

// deliverOne delivers a random event to its function.
func (a *attack) deliverOne() {
	i := a.random.IntN(len(a.pending))
	e := a.pending[i]
	a.pending = slices.Delete(a.pending, i, i+1)
	payload, err := e.JSON()
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := a.function(e.Account).Handle(context.Background(), payload); err != nil {
		a.t.Errorf("%s in %s: %v", e.Detail.EventName, e.Account, err)
	}
}

func (a *attack) deliverAll() {
	for len(a.pending) > 0 {
		a.deliverOne()
	}
}

// mutate makes one change of the tampering list. It may fail, because of earlier changes.
func (a *attack) mutate() {
	account := a.accounts[a.random.IntN(len(a.accounts))]
	name := []string{"ann", "bea", "carl"}[a.random.IntN(3)]
	call := a.deedsOfOthers()[a.random.IntN(9)]
	event, err := call(context.Background(), a.as(account), account, name)
	var refused smithy.APIError
	switch {
	case event == "", errors.As(err, &refused):
		return // nothing of it exists any more
	case err != nil:
		a.t.Fatal(err)
	}
	a.mutations++
	a.done[event]++
}

type mutation func(ctx context.Context, c *iam.Client, account, user string) (event string, err error)

const weakTrust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"sts:AssumeRole"}}`

// deedsOfOthers are the changes that others than the function make.
func (a *attack) deedsOfOthers() []mutation {
	return []mutation{
		func(ctx context.Context, c *iam.Client, _, user string) (string, error) {
			_, err := c.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: aws.String(baseline.GroupName), UserName: &user})
			return "RemoveUserFromGroup", err
		},
		func(ctx context.Context, c *iam.Client, account, _ string) (string, error) {
			_, err := c.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: aws.String(baseline.GroupName), PolicyArn: aws.String(baseline.PolicyARN("aws", account))})
			return "DetachGroupPolicy", err
		},
		func(ctx context.Context, c *iam.Client, _, _ string) (string, error) {
			a.created++
			_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(fmt.Sprintf("new-%d", a.created))})
			return "CreateUser", err
		},
		func(ctx context.Context, c *iam.Client, _, _ string) (string, error) {
			_, err := c.UntagUser(ctx, &iam.UntagUserInput{UserName: aws.String("temp"), TagKeys: []string{"userType"}})
			return "UntagUser", err
		},
		func(ctx context.Context, c *iam.Client, account, user string) (string, error) {
			_, err := c.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: &user, SerialNumber: aws.String(arn.IAM("aws", account, "mfa", "/", user))})
			return "DeactivateMFADevice", err
		},
		func(ctx context.Context, c *iam.Client, _, user string) (string, error) {
			_, err := c.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: &user, PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
			return "PutUserPermissionsBoundary", err
		},
		func(ctx context.Context, c *iam.Client, _, _ string) (string, error) {
			_, err := c.TagUser(ctx, &iam.TagUserInput{UserName: aws.String("dora"), Tags: []types.Tag{{Key: aws.String("USERTYPE"), Value: aws.String("service")}}})
			return "TagUser", err
		},
		func(ctx context.Context, c *iam.Client, account, _ string) (string, error) {
			if a.drifted[account] {
				return "", nil
			}
			a.drifted[account] = true
			_, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
				PolicyArn: aws.String(baseline.PolicyARN("aws", account)), PolicyDocument: aws.String(s3All), SetAsDefault: true,
			})
			return "CreatePolicyVersion", err
		},
		func(ctx context.Context, c *iam.Client, account, user string) (string, error) {
			if a.random.IntN(3) == 0 {
				return "EnableMFADevice", a.enrollByKey(ctx, account)
			}
			_, err := c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String(operator), PolicyDocument: aws.String(fmt.Sprintf(weakTrust, account))})
			return "UpdateAssumeRolePolicy", err
		},
	}
}

// enrollByKey enrolls a first device for guest with the workload's access key.
func (a *attack) enrollByKey(ctx context.Context, account string) error {
	var key world.Key
	a.cloud.View(func(w *world.World) { key = *w.Account(account).Users["workload"].Keys[0] })
	c := iam.NewFromConfig(a.cloud.Config(credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""), "us-east-1"))
	a.created++
	device, err := c.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String(fmt.Sprintf("device-%d", a.created))})
	if err != nil {
		return err
	}
	in := &iam.EnableMFADeviceInput{UserName: aws.String("guest"), SerialNumber: device.VirtualMFADevice.SerialNumber}
	a.cloud.View(func(w *world.World) {
		for age, to := range map[time.Duration]**string{30 * time.Second: &in.AuthenticationCode1, 0: &in.AuthenticationCode2} {
			code, err := w.Code(*in.SerialNumber, a.cloud.Now().Add(-age))
			if err != nil {
				a.t.Fatal(err)
			}
			*to = &code
		}
	})
	_, err = c.EnableMFADevice(ctx, in)
	return err
}

// redeploy restores the documents like the stack. None of its events is lost.
func (a *attack) redeploy() {
	a.lose = false
	for _, account := range a.accounts {
		if !a.drifted[account] {
			continue
		}
		if _, err := a.as(account).SetDefaultPolicyVersion(context.Background(), &iam.SetDefaultPolicyVersionInput{
			PolicyArn: aws.String(baseline.PolicyARN("aws", account)), VersionId: aws.String("v1"),
		}); err != nil {
			a.t.Fatal(err)
		}
	}
	a.deliverAll()
}

// unenforced are the selected users who should be enforced and are not.
func (a *attack) unenforced(counts func(account, user string) bool) []string {
	var open []string
	for _, account := range a.accounts {
		for name, state := range a.states(account) {
			exempt := name == "workload" || name == "dora" || name == "temp"
			if state != audit.Enforced && !(exempt && state == audit.Exempt) && counts(account, name) {
				open = append(open, account+"/"+name+" is "+string(state))
			}
		}
	}
	slices.Sort(open)
	return open
}

func TestTamperingIsRepairedAndReportedOnce(t *testing.T) {
	const accounts, mutations = 20, 200
	a := &attack{
		rig: newRig(t, accounts, nil, company()...), random: rand.New(rand.NewPCG(3, 20)), accounts: accountIDs(accounts), lose: true,
		drifted: map[string]bool{}, done: map[string]int{}, alerts: map[string]bool{}, lost: map[string]bool{},
	}
	a.begin()
	for a.mutations < mutations {
		if len(a.pending) > 0 && a.random.IntN(2) == 0 {
			a.deliverOne()
		} else {
			a.mutate()
		}
	}
	a.deliverAll()
	a.redeploy()
	t.Logf("mutations: %v; lost: %d", a.done, len(a.lost))
	if open := a.unenforced(func(account, user string) bool { return !a.lost[account] && !a.lost[account+"/"+user] }); open != nil {
		t.Errorf("after the events, though none of theirs was lost: %v", open)
	}
	a.toldOnce()
	for _, account := range a.accounts {
		if result := a.scan(account); result.Left != 0 || result.Open != 0 || result.Unknown != 0 {
			t.Errorf("scan of %s: %+v; told: %v", account, result, a.blockedIn(account))
		}
	}
	if open := a.unenforced(func(string, string) bool { return true }); open != nil {
		t.Errorf("after the scan: %v", open)
	}
	if strings.Contains(a.log.String(), `"level":"ERROR"`) {
		t.Errorf("the log has errors:\n%s", a.log)
	}
}

// blockedIn are the blocked steps in an account, and why.
func (a *attack) blockedIn(account string) (all []string) {
	for _, m := range a.told.messages {
		if m.Account == account && m.Kind == notify.KindBlocked {
			all = append(all, m.What)
		}
	}
	return all
}

// toldOnce fails unless exactly one alert was sent for each delivered event of high
// severity, and none for any other event.
func (a *attack) toldOnce() {
	a.t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for id := range a.alerts {
		want[id] = 1
	}
	for _, m := range a.told.messages {
		if m.Kind == notify.KindTampering && m.Severity == audit.High {
			got[m.ID[strings.LastIndexByte(m.ID, '/')+1:]]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		a.t.Errorf("alerts by event (-want +got):\n%s", diff)
	}
}
