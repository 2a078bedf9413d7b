package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/emulator/fault"
	"forcemfa/internal/emulator/world"
)

// clockRequest sends a request to a control endpoint and returns its answer.
func clockRequest(t *testing.T, c *Control, method, token, body string) (status int, text string, at ClockState) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.Endpoint+"/clock", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	all, _ := io.ReadAll(answer.Body)
	_ = json.Unmarshal(all, &at) // a refusal is no JSON
	return answer.StatusCode, string(all), at
}

func controlOf(t *testing.T, c *Cloud) *Control {
	t.Helper()
	control, err := c.Control("127.0.0.1:0", c.Move)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = control.Close() })
	return control
}

func TestControlMovesTheClockForward(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	control := controlOf(t, c)
	for _, row := range []struct {
		body string
		want time.Duration
	}{{`{"advance":"30s"}`, 30 * time.Second}, {`{"advance":"13h"}`, 13*time.Hour + 30*time.Second}} {
		status, text, at := clockRequest(t, control, "POST", control.Token, row.body)
		if status != http.StatusOK || at.Advanced != row.want.String() || !at.Now.Equal(noon.Add(row.want)) || !c.Now().Equal(at.Now) {
			t.Errorf("%s: %d %s", row.body, status, text)
		}
	}
	if _, text, at := clockRequest(t, control, "GET", control.Token, ""); !at.Now.Equal(c.Now()) {
		t.Errorf("read: %s", text)
	}
}

func TestControlRefuses(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	control := controlOf(t, c)
	for _, row := range []struct {
		name, method, token, body string
		want                      int
	}{
		{"no token", "POST", "", `{"advance":"30s"}`, http.StatusUnauthorized},
		{"another token", "POST", controlOf(t, c).Token, `{"advance":"30s"}`, http.StatusUnauthorized},
		{"reading without a token", "GET", "", "", http.StatusUnauthorized},
		{"moving back", "POST", control.Token, `{"advance":"-30s"}`, http.StatusBadRequest},
		{"too far", "POST", control.Token, `{"advance":"900000h"}`, http.StatusBadRequest},
		{"no duration", "POST", control.Token, `{"advance":"soon"}`, http.StatusBadRequest},
		{"no JSON", "POST", control.Token, `30s`, http.StatusBadRequest},
		{"another method", "DELETE", control.Token, "", http.StatusMethodNotAllowed},
	} {
		if status, text, _ := clockRequest(t, control, row.method, row.token, row.body); status != row.want {
			t.Errorf("%s: %d %s, want %d", row.name, status, text, row.want)
		}
	}
	if !c.Now().Equal(noon) {
		t.Errorf("the clock moved to %s", c.Now())
	}
	if _, err := c.Control("0.0.0.0:0", c.Move); err == nil {
		t.Error("a control endpoint for other machines was opened")
	}
}

// A client signs with the clock of its machine, whatever the time in the cloud is.
func TestSignaturesDoNotAgeWhenTheClockIsMoved(t *testing.T) {
	c := newCloud(t, Options{})
	client := sts.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(listen(t, c).Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(keyOf("alice"), "secret of alice", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	})
	for range 3 {
		if _, err := client.GetCallerIdentity(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		c.Advance(24 * time.Hour)
	}
}

func TestAStoppedClockOnlyMovesWhenItIsTold(t *testing.T) {
	now := noon
	c := newCloud(t, Options{Clock: func() time.Time { return now }, Stopped: true})
	now = noon.Add(time.Hour)
	c.Advance(time.Second)
	if want := noon.Add(time.Second); !c.Now().Equal(want) || !c.Fork().Now().Equal(want) {
		t.Errorf("%s, and %s in a fork; want %s", c.Now(), c.Fork().Now(), want)
	}
}

// controlled sends a request to a control endpoint and reads its answer into out.
func controlled(t *testing.T, c *Control, method, path, body string, out any) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.Endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil && answer.StatusCode == http.StatusOK {
		if err := json.Unmarshal(all, out); err != nil {
			t.Fatal(err)
		}
	}
	return answer.StatusCode, string(all)
}

func TestControlNamesWhatThereIs(t *testing.T) {
	control := controlOf(t, newCloud(t, Options{}))
	for _, row := range []struct {
		method, path string
		status       int
		text         string
	}{
		{"POST", "/faults", http.StatusMethodNotAllowed, "POST /faults: want one of GET, PUT, DELETE\n"},
		{"GET", "/reset", http.StatusMethodNotAllowed, "GET /reset: want one of POST\n"},
		{"PATCH", "/clock", http.StatusMethodNotAllowed, "PATCH /clock: want one of GET, POST\n"},
		{"GET", "/clocks", http.StatusNotFound, "/clocks: want one of /clock, /faults, /code, /delegation-token, /trail, /reset\n"},
	} {
		if status, text := controlled(t, control, row.method, row.path, "", nil); status != row.status || text != row.text {
			t.Errorf("%s %s: %d %q, want %d %q", row.method, row.path, status, text, row.status, row.text)
		}
	}
}

func TestControlChangesTheFaults(t *testing.T) {
	c := newCloud(t, Options{})
	control := controlOf(t, c)
	var plan fault.Plan
	if status, text := controlled(t, control, "PUT", "/faults", `{"faults":[{"kind":"down","service":"iam"}]}`, &plan); status != http.StatusOK || len(plan.Faults) != 1 {
		t.Fatalf("%d %s", status, text)
	}
	if _, err := once(c, as("alice")).ListUsers(t.Context(), nil); code(t, err) != "ServiceUnavailable" {
		t.Errorf("while IAM is down: %v", err)
	}
	for _, bad := range []string{`{"faults":[{"kind":"storm"}]}`, `{"faults":[{"kind":"account-gone","account":"999999999999"}]}`, `[]`} {
		if status, text := controlled(t, control, "PUT", "/faults", bad, nil); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", bad, status, text)
		}
	}
	if status, text := controlled(t, control, "GET", "/faults", "", &plan); status != http.StatusOK || len(plan.Faults) != 1 {
		t.Errorf("after malformed plans: %d %s", status, text)
	}
	controlled(t, control, "DELETE", "/faults", "", nil)
	if _, err := once(c, as("alice")).ListUsers(t.Context(), nil); err != nil {
		t.Errorf("after the end of the faults: %v", err)
	}
}

func TestControlShowsTheCodeOfADevice(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	control := controlOf(t, c)
	var shown DeviceCode
	if status, text := controlled(t, control, "GET", "/code?serial="+url.QueryEscape(serial), "", &shown); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	if want := (DeviceCode{serial, world.CodeAt(seed, noon), noon.Add(30 * time.Second)}); shown != want {
		t.Errorf("got %v, want %v", shown, want)
	}
	client := sts.NewFromConfig(c.Config(as("bob"), "us-east-1"))
	if _, err := client.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{SerialNumber: &serial, TokenCode: &shown.Code}); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/code", "/code?serial=arn:aws:iam::222222222222:u2f/user/fay/key", "/code?serial=nothing"} {
		if status, text := controlled(t, control, "GET", path, "", nil); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

func TestControlShowsTheTrailAndResets(t *testing.T) {
	c := newCloud(t, Options{})
	control := controlOf(t, c)
	client := iamOf(c, as("alice"))
	create := func() {
		t.Helper()
		if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("eve")}); err != nil {
			t.Fatal(err)
		}
	}
	create()
	_, _ = iamOf(c, as("bob")).DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: aws.String("eve")})
	var log struct {
		Records []struct{ EventName, ErrorCode, EventSource string }
	}
	controlled(t, control, "GET", "/trail", "", &log)
	if len(log.Records) != 2 || log.Records[0].EventName != "CreateUser" || log.Records[1].ErrorCode != "AccessDenied" {
		t.Errorf("the log is %v", log)
	}
	c.Advance(time.Hour)
	if status, text := controlled(t, control, "POST", "/reset", "", nil); status != http.StatusNoContent {
		t.Errorf("reset: %d %s", status, text)
	}
	if controlled(t, control, "GET", "/trail", "", &log); len(log.Records) != 0 || len(c.Counts()) != 0 {
		t.Errorf("after the reset: %v", log)
	}
	if until := time.Until(c.Now()); until < 59*time.Minute {
		t.Errorf("the clock moved back: %s", until)
	}
	create() // the user does not exist any more
	if status, _ := controlled(t, control, "POST", "/reset", "", nil); status != http.StatusNoContent {
		t.Error(status)
	}
	create()
}

func TestControlRefusesEveryPathWithoutTheToken(t *testing.T) {
	control := controlOf(t, newCloud(t, Options{}))
	stranger := &Control{Server: control.Server, Token: "another"}
	for _, call := range []string{"GET /clock", "POST /clock", "GET /faults", "PUT /faults", "DELETE /faults", "GET /code", "GET /trail", "POST /reset", "GET /"} {
		method, path, _ := strings.Cut(call, " ")
		if status, _ := controlled(t, stranger, method, path, "{}", nil); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", call, status)
		}
	}
}
