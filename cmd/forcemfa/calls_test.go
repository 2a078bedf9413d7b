package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/rogpeppe/go-internal/testscript"

	"forcemfa/internal/trail"
)

// calls sends the calls of a file, each signed with the access key of its user and without
// MFA, and prints the answers. A line is ACCOUNT/USER SERVICE:OPERATION. It returns when
// the records of all calls are in the folder of "emulate --trail".
func calls(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: calls FILE TRAIL")
	}
	agent, sent := fmt.Sprintf("aws-cli/2.0 calls-%d", time.Now().UnixNano()), 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		user, call, _ := strings.Cut(strings.TrimSpace(line), " ")
		fmt.Fprintln(ts.Stdout(), user, call, answerTo(ts, find(ts, user), call, agent))
		sent++
	}
	for end := time.Now().Add(time.Minute); recordsOf(ts, args[1], agent) < sent; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("%s has %d records of %d calls", args[1], recordsOf(ts, args[1], agent), sent)
		}
	}
}

// apiVersions are the API versions of services in the query protocol.
var apiVersions = map[string]string{"iam": "2010-05-08", "sts": "2011-06-15", "ec2": "2016-11-15", "cloudformation": "2010-05-15"}

var errorCode = regexp.MustCompile(`<Code>([^<]*)</Code>`)

// answerTo is "success", "authorized" for an operation that the embedded AWS does not
// implement, or the code of the error.
func answerTo(ts *testscript.TestScript, p principal, call, agent string) string {
	service, operation, _ := strings.Cut(call, ":")
	body := []byte(url.Values{"Action": {operation}, "Version": {apiVersions[service]}}.Encode())
	r, err := http.NewRequest(http.MethodPost, ts.Getenv("AWS_ENDPOINT_URL"), bytes.NewReader(body))
	ts.Check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", agent)
	sum := sha256.Sum256(body)
	key := aws.Credentials{AccessKeyID: p.AccessKeyID, SecretAccessKey: p.SecretAccessKey}
	ts.Check(v4.NewSigner().SignHTTP(context.Background(), key, r, hex.EncodeToString(sum[:]), service, ts.Getenv("AWS_REGION"), time.Now())) // signatures are compared with the clock of the machine
	out, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	ts.Check(err)
	code := errorCode.FindSubmatch(text)
	switch {
	case out.StatusCode < 300:
		return "success"
	case code != nil && string(code[1]) == "NotImplemented":
		return "authorized"
	case code != nil:
		return string(code[1])
	}
	return out.Status
}

// recordsOf counts the records with a user agent in a folder.
func recordsOf(ts *testscript.TestScript, dir, agent string) (n int) {
	log := trail.Log{Places: []trail.Place{{FS: os.DirFS(ts.MkAbs(dir)), Root: ".", Name: dir}}, Workers: 1}
	_, err := log.Read(context.Background(), func() func(*trail.Call) {
		return func(c *trail.Call) {
			if c.Agent == agent {
				n++
			}
		}
	})
	ts.Check(err)
	return n
}
