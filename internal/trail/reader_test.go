package trail

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// aRecord is a record as CloudTrail writes it.
func aRecord(id int) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDA1","arn":"arn:aws:iam::111122223333:user/bob","accountId":"111122223333",
"accessKeyId":"ASIA1","userName":"bob","sessionContext":{"attributes":{"creationDate":"2026-11-01T08:00:00Z","mfaAuthenticated":"false"}},"invokedBy":"cloudformation.amazonaws.com"},
"eventTime":"2026-11-01T09:10:11Z","eventSource":"iam.amazonaws.com","eventName":"EnableMFADevice","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1",
"userAgent":"say \"hi\" A\\","errorCode":"AccessDenied","requestParameters":{"userName":"bob","serialNumber":"arn:aws:iam::111122223333:mfa/bob"},"responseElements":null,
"requestID":"r","eventID":"e-%d","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management",
"vpcEndpointId":"vpce-1","tlsDetails":{"tlsVersion":"TLSv1.3"}}`, id)
}

var wantCall = Call{
	Time: 1793524211, EventType: "AwsApiCall", Category: "Management", Source: "iam.amazonaws.com", Name: "EnableMFADevice", Region: "us-east-1",
	Address: "192.0.2.1", Agent: `say "hi" A\`, ErrorCode: "AccessDenied", Account: "111122223333", VPCE: "vpce-1", TLS: true,
	Caller: Caller{
		Type: "IAMUser", ARN: "arn:aws:iam::111122223333:user/bob", Account: "111122223333", Key: "ASIA1", User: "bob",
		InvokedBy: "cloudformation.amazonaws.com", Session: true, MFA: "false", Created: 1793520000,
	},
	Parameters: CallParameters{User: "bob", Serial: "arn:aws:iam::111122223333:mfa/bob"},
}

func callsOf(text string) (calls []Call, err error) {
	err = NewReader(strings.NewReader(text)).Calls(func(c *Call) error {
		calls = append(calls, *c)
		return nil
	})
	return calls, err
}

func TestEveryFormOfALogIsRead(t *testing.T) {
	one, two := aRecord(1), aRecord(2)
	for name, text := range map[string]string{
		"envelope":                   `{"Records":[` + one + `,` + two + `]}`,
		"envelope with more members": `{"a":{"b":[1,"]"]}, "Records" : [ ` + one + "\n,\n" + two + ` ] , "c":null}`,
		"array":                      `[` + one + `,` + two + `]`,
		"lines":                      strings.ReplaceAll(one, "\n", " ") + "\n" + strings.ReplaceAll(two, "\n", " ") + "\n",
		"lines of envelopes":         `{"Records":[` + one + `]}` + "\n" + `{"Records":[` + two + `]}`,
		"byte order mark":            "\xef\xbb\xbf[" + one + "," + two + "]",
	} {
		calls, err := callsOf(text)
		if err != nil || len(calls) != 2 {
			t.Errorf("%s: %d calls, %v", name, len(calls), err)
			continue
		}
		if calls[0].ID == 0 || calls[0].ID == calls[1].ID {
			t.Errorf("%s: the IDs are %d and %d", name, calls[0].ID, calls[1].ID)
		}
		for _, c := range calls {
			c.ID = 0
			if diff := cmp.Diff(wantCall, c); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}

func TestSessionsThatSTSReturnsAreFollowed(t *testing.T) {
	text := `[{"eventTime":"2026-11-01T09:10:11.123Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AssumedRole","sessionContext":
{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::1:role/r"},"attributes":{}}},"requestParameters":{"roleArn":"arn:aws:iam::1:role/next"},
"responseElements":{"x":1,"credentials":{"accessKeyId":"ASIA2","sessionToken":"t"}}}]`
	calls, err := callsOf(text)
	if err != nil || len(calls) != 1 {
		t.Fatalf("%v, %v", calls, err)
	}
	c := calls[0]
	if c.SessionKey != "ASIA2" || c.Parameters.Role != "arn:aws:iam::1:role/next" || c.Caller.IssuerARN != "arn:aws:iam::1:role/r" || c.Time != 1793524211 {
		t.Errorf("%+v", c)
	}
}

func TestBrokenLogsAreErrorsThatNameThePlace(t *testing.T) {
	one := aRecord(1)
	for _, row := range []struct {
		name, text string
		read       int
		want       string
	}{
		{"cut within a record", `{"Records":[` + one + `,` + one[:200], 1, "after 1 records, at byte"},
		{"cut after a record", `{"Records":[` + one, 1, "ends within a record"},
		{"cut after the records", `{"Records":[` + one + `]`, 1, "ends within a record"},
		{"second list", `{"Records":[` + one + `],"x":1,"Records":[` + one + `]}`, 1, "a second list of records"},
		{"no comma", `[` + one + ` ` + one + `]`, 1, `unexpected '{' after a record`},
		{"no JSON", `hello`, 0, `unexpected 'h'`},
		{"digest", `{"awsAccountId":"111122223333","digestS3Bucket":"b"}`, 0, "holds no CloudTrail records"},
		{"record that is a number", `[1]`, 0, "holds no CloudTrail records"},
		{"large record", `[{"x":"` + strings.Repeat("x", 2*maxText) + `"}]`, 0, "a record has more than"},
	} {
		calls, err := callsOf(row.text)
		if len(calls) != row.read || err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %d calls, error %v; want %d and %q", row.name, len(calls), err, row.read, row.want)
		}
	}
}

func TestOddRecordsAreSkippedAndOthersRead(t *testing.T) {
	deep := strings.Repeat(`{"a":[`, 100000) + strings.Repeat(`]}`, 100000)
	text := `[{"eventTime":5,"userIdentity":"x"},` + strings.Replace(aRecord(1), `"responseElements":null`, `"responseElements":`+deep, 1) + `,{}]`
	r := NewReader(strings.NewReader(text))
	if err := r.Calls(func(*Call) error { return nil }); err != nil || r.Read != 1 || r.Skipped.Invalid != 2 {
		t.Errorf("read %d, skipped %+v, %v", r.Read, r.Skipped, err)
	}
}

// A record that cannot be used is skipped and counted, and those after it are read.
func TestRecordsThatCannotBeUsedAreCounted(t *testing.T) {
	with := func(old, replaced string) string {
		text := strings.Replace(aRecord(1), old, replaced, 1)
		if text == aRecord(1) {
			t.Fatalf("a record has no %s", old)
		}
		return text
	}
	large := with(`"responseElements":null`, `"responseElements":"`+strings.Repeat("x", 10<<20)+`"`)
	future := with(`"eventTime":"20`, `"eventTime":"21`)
	for name, text := range map[string]string{"envelope": `{"Records":[%s,%s,%s,{},%s]}`, "lines": "%s\n%s\n%s\n{}\n%s\n"} {
		r := NewReader(strings.NewReader(fmt.Sprintf(text, large, future, with(`"eventVersion":"1.`, `"eventVersion":"2.`), aRecord(2))))
		r.Latest = time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		if err := r.Calls(func(*Call) error { return nil }); err != nil || r.Read != 1 || r.Skipped != (Skipped{1, 1, 1, 1}) {
			t.Errorf("%s: read %d, skipped %+v, %v", name, r.Read, r.Skipped, err)
		}
		const want = "4 of 5 records were skipped: 1 with no time, source or name, 1 with an unknown eventVersion, 1 with more than 4 MB, 1 with a time in the future"
		if err := r.Skipped.Err(r.Read); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func tarball(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, text)
	}
	_ = w.Close()
	return zipped(b.String())
}

func readLog(t *testing.T, places ...Place) (names []string, s Summary) {
	t.Helper()
	l := Log{Places: places, Workers: 1}
	s, err := l.Read(context.Background(), func() func(*Call) {
		return func(c *Call) { names = append(names, c.Name) }
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, s
}

func TestAFolderIsReadInCloudTrailsLayout(t *testing.T) {
	day := "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/01/"
	files := fstest.MapFS{
		day + "a.json.gz": {Data: []byte(zipped("[" + aRecord(1) + "," + aRecord(2) + "]"))},
		day + "b.json.gz": {Data: []byte(zipped("[" + aRecord(2) + "," + aRecord(3) + "]"))},
		"AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/01/d.json.gz": {Data: []byte(zipped("{}"))},
		day + "readme.txt":     {Data: []byte("no log")},
		day + "broken.json.gz": {Data: []byte(zipped("[" + aRecord(4) + "]")[:300])},
		day + "other.json":     {Data: []byte(`{"version":0,"account":"111122223333","interface":"eni-1"}`)},
	}
	names, s := readLog(t, Place{files, ".", "logs"})
	if len(names) != 3 || s.Records != 3 || s.Duplicates != 1 || s.Unordered || s.Files != 4 {
		t.Errorf("%d records: %+v", len(names), s)
	}
	if len(s.Problems) != 2 || s.Problems[0].File != "logs/"+day+"broken.json.gz" || !strings.Contains(s.Problems[0].Why, "unexpected EOF") ||
		!strings.Contains(s.Problems[1].Why, "no CloudTrail records") {
		t.Errorf("problems: %+v", s.Problems)
	}
}

func TestArchivesAreRead(t *testing.T) {
	dir := t.TempDir()
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	f, err := w.Create("x/a.json")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(f, "["+aRecord(1)+"]")
	_ = w.Close()
	files := map[string]string{
		"logs.zip":    z.String(),
		"logs.tar.gz": tarball(t, map[string]string{"../../escape.json": "[" + aRecord(2) + "]", "in/b.json.gz": zipped("[" + aRecord(3) + "]"), "in/x.txt": "no log"}),
		"bad.zip":     "PK nothing",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names, s := readLog(t, Place{os.DirFS(dir), ".", dir})
	if len(names) != 2 || len(s.Problems) != 2 || !s.Unordered {
		t.Fatalf("%d records: %+v", len(names), s)
	}
	for i, want := range []string{"read the archive", "a name with .. in an archive"} {
		if !strings.Contains(s.Problems[i].Why, want) {
			t.Errorf("problem %d: %+v, want %q", i, s.Problems[i], want)
		}
	}
}

// Where an archive lies says nothing about the names in it.
func TestAnArchiveInAnotherFolderIsRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "logs.tgz"), []byte(tarball(t, map[string]string{"a..b.json": "[" + aRecord(1) + "]"})), 0o600); err != nil {
		t.Fatal(err)
	}
	if names, s := readLog(t, Place{os.DirFS(dir), "logs.tgz", "../" + filepath.Base(dir)}); len(names) != 1 || len(s.Problems) != 0 {
		t.Errorf("%d records: %+v", len(names), s)
	}
}

func TestDuplicatesOutsideTheLayoutAreFoundAmongRecentRecords(t *testing.T) {
	files := fstest.MapFS{"a.json": {Data: []byte("[" + aRecord(1) + "]")}, "b.json": {Data: []byte("[" + aRecord(1) + "," + aRecord(2) + "]")}}
	if names, s := readLog(t, Place{files, ".", ""}); len(names) != 2 || s.Duplicates != 1 || !s.Unordered {
		t.Errorf("%d records: %+v", len(names), s)
	}
}

// The public records of data/cloudtrail are next to the project where they are.
func TestPublicRecordsAreRead(t *testing.T) {
	const public = "../../../shared/data/cloudtrail"
	if _, err := os.Stat(public); err != nil {
		t.Skip("skipped: no public records in " + public)
	}
	names, s := readLog(t, Place{os.DirFS(public), ".", public})
	if len(names) != 492 || len(s.Problems) != 0 {
		t.Errorf("%d records: %+v", len(names), s)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(`{"Records":[` + aRecord(1) + `]}`))
	f.Add([]byte(aRecord(1) + "\n" + aRecord(2)))
	f.Add([]byte(zipped("[" + aRecord(1) + "]")))
	f.Add([]byte(`[{"a":"\\"},{}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		n := 0
		r := newFileReader(func(Problem) {})
		count := func(*Call) error { n++; return nil }
		if err := r.stream("a.json", bufio.NewReader(bytes.NewReader(text)), count); n != r.records.Read {
			t.Errorf("%d records of %d: %v", n, r.records.Read, err)
		}
		if n = 0; r.stream("b.json", bufio.NewReader(strings.NewReader(aRecord(1))), count) != nil || n != 1 {
			t.Error("the next file is not read")
		}
	})
}

func BenchmarkLog(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"Records":[`)
	const records = 20000
	for i := range records {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(aRecord(i))
	}
	text.WriteString(`]}`)
	files := fstest.MapFS{"AWSLogs/1/CloudTrail/us-east-1/2026/11/01/a.json.gz": {Data: []byte(zipped(text.String()))}}
	for b.Loop() {
		l := Log{Places: []Place{{files, ".", ""}}, Workers: 1}
		if s, err := l.Read(context.Background(), func() func(*Call) { return func(*Call) {} }); err != nil || s.Records != records {
			b.Fatalf("%+v, %v", s, err)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
