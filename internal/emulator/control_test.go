package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
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
	control, err := c.Control("127.0.0.1:0")
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
	if _, err := c.Control("0.0.0.0:0"); err == nil {
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
