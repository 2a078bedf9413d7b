package trailquery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"forcemfa/internal/testclients"
	"forcemfa/internal/trailquery"
)

func TestMain(m *testing.M) { os.Exit(testclients.Run(m)) }

// stand is a workgroup of moto with an answer to the next query. moto scans nothing: the
// transport says how much was scanned, and notes the operations.
type stand struct {
	*trailquery.Runner
	scanned int64
	runs    bool   // the query does not end
	pages   int    // of the answer, made by the transport
	hollow  string // the operation whose answers contain nothing
	called  []string
}

func newStand(t *testing.T, cutoff int64, answer ...[]string) *stand {
	t.Helper()
	url := testclients.Moto(t)
	s := &stand{}
	client := athena.New(athena.Options{BaseEndpoint: &url, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""), HTTPClient: &http.Client{Transport: s}})
	group := &types.WorkGroupConfiguration{ResultConfiguration: &types.ResultConfiguration{OutputLocation: aws.String("s3://answers/")}}
	if cutoff > 0 {
		group.BytesScannedCutoffPerQuery = &cutoff
	}
	if _, err := client.CreateWorkGroup(t.Context(), &athena.CreateWorkGroupInput{Name: aws.String("audits"), Configuration: group}); err != nil {
		t.Fatal(err)
	}
	s.called = nil
	var rows []any
	for _, cells := range answer {
		var data []any
		for _, c := range cells {
			data = append(data, map[string]string{"VarCharValue": c})
		}
		rows = append(rows, map[string]any{"Data": data})
	}
	body, _ := json.Marshal(map[string]any{"results": []any{map[string]any{"rows": rows, "column_info": []any{}}}})
	out, err := http.Post(url+"/moto-api/static/athena/query-results", "application/json", bytes.NewReader(body))
	if err != nil || out.StatusCode != http.StatusCreated {
		t.Fatal(out, err)
	}
	_ = out.Body.Close()
	s.Runner = &trailquery.Runner{Client: client, Source: trailquery.Source{WorkGroup: "audits", Database: "default", Table: "cloudtrail"}, Interval: time.Millisecond, Output: "s3://answers/"}
	return s
}

// RoundTrip implements [http.RoundTripper].
func (s *stand) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s.called = append(s.called, operation)
	sent, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(sent))
	out, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, err
	}
	switch operation {
	case s.hollow:
		text = []byte("{}")
	case "GetQueryExecution":
		text = s.scans(text)
	case "GetQueryResults":
		text = s.page(text, sent)
	}
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return out, nil
}

func (s *stand) scans(text []byte) []byte {
	var answer map[string]map[string]any
	if json.Unmarshal(text, &answer) != nil || answer["QueryExecution"] == nil {
		return text
	}
	if s.runs {
		answer["QueryExecution"]["Status"] = map[string]any{"State": "RUNNING"}
	}
	answer["QueryExecution"]["Statistics"] = map[string]any{"DataScannedInBytes": s.scanned}
	text, _ = json.Marshal(answer)
	return text
}

// page gives a third of the rows at a time.
func (s *stand) page(text, sent []byte) []byte {
	var answer struct {
		ResultSet struct{ Rows []any }
		NextToken string `json:",omitempty"`
	}
	var in struct{ NextToken string }
	if json.Unmarshal(text, &answer) != nil || json.Unmarshal(sent, &in) != nil || s.pages == 0 {
		return text
	}
	at, size := 0, (len(answer.ResultSet.Rows)+s.pages-1)/s.pages
	_, _ = fmt.Sscan(in.NextToken, &at)
	end := min(at+size, len(answer.ResultSet.Rows))
	if end < len(answer.ResultSet.Rows) {
		answer.NextToken = fmt.Sprint(end)
	}
	answer.ResultSet.Rows = answer.ResultSet.Rows[at:end]
	text, _ = json.Marshal(answer)
	return text
}

func TestAnAnswerIsReadPageByPageWithoutItsHeader(t *testing.T) {
	s := newStand(t, 0, []string{"name", "n"}, []string{"a", "1"}, []string{"b", "2"}, []string{"c", "3"}, []string{"d", "4"})
	s.pages, s.scanned = 3, 42
	var got []string
	scanned, err := s.Run(t.Context(), "SELECT 1", func(cells []string) error {
		got = append(got, strings.Join(cells, ""))
		return nil
	})
	if err != nil || strings.Join(got, " ") != "a1 b2 c3 d4" || scanned != 42 {
		t.Errorf("%v, %d bytes, %v", got, scanned, err)
	}
	if calls := strings.Join(s.called, " "); strings.Count(calls, "GetQueryResults") != 3 || !strings.HasPrefix(calls, "StartQueryExecution GetQueryExecution") {
		t.Error(calls)
	}
}

func TestAQueryThatScansTooMuchIsStopped(t *testing.T) {
	s := newStand(t, 1000)
	s.MaxScan, s.scanned, s.runs = 1000, 1001, true
	_, err := s.Run(t.Context(), "SELECT 1", func([]string) error { return nil })
	var over *trailquery.ScanError
	if !errors.As(err, &over) || over.Scanned != 1001 || s.called[len(s.called)-1] != "StopQueryExecution" {
		t.Errorf("%v; %v", err, s.called)
	}
}

func TestAQueryWhoseContextEndsIsStopped(t *testing.T) {
	s := newStand(t, 0)
	s.Interval, s.runs = time.Hour, true
	ctx, cancel := context.WithCancel(t.Context())
	s.Progress = func(int64) { cancel() }
	_, err := s.Run(ctx, "SELECT 1", func([]string) error { return nil })
	if err == nil || s.called[len(s.called)-1] != "StopQueryExecution" {
		t.Errorf("%v; %v", err, s.called)
	}
}

func TestAnswersThatContainNothingAreRefused(t *testing.T) {
	for _, operation := range []string{"StartQueryExecution", "GetQueryExecution", "GetQueryResults"} {
		s := newStand(t, 0, []string{"name"}, []string{"a"})
		s.hollow = operation
		if _, err := s.Run(t.Context(), "SELECT 1", func([]string) error { return nil }); err == nil {
			t.Errorf("%s: no error", operation)
		}
	}
}

func TestALimitThatTheWorkgroupDoesNotEnforceIsRefused(t *testing.T) {
	for _, row := range []struct {
		cutoff, limit int64
		want          string
	}{
		{0, 500e9, "has no limit of bytes"}, {600e9, 500e9, "lets a query scan 600 GB, more than --max-scan 500 GB"}, {500e9, 500e9, ""}, {0, 0, ""},
	} {
		s := newStand(t, row.cutoff)
		s.MaxScan = row.limit
		err := s.Check(t.Context())
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("cutoff %d, limit %d: %v, want %q", row.cutoff, row.limit, err, row.want)
		}
	}
}

func TestSourcesAreParsed(t *testing.T) {
	if s, err := trailquery.ParseSource("athena://primary/default.cloudtrail"); err != nil || s != (trailquery.Source{WorkGroup: "primary", Database: "default", Table: "cloudtrail"}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, text := range []string{"athena://", "athena://primary", "athena://primary/default", "athena:///a.b", "athena://p/a.", "athena://p/.b", "athena://p/a.b/c", "s3://a/b", "athena://p/a.b`c"} {
		if s, err := trailquery.ParseSource(text); err == nil {
			t.Errorf("%s is read as %+v", text, s)
		}
	}
}
