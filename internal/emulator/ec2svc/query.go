package ec2svc

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/emulator/world"
)

// Version is the version of the API.
const Version = "2016-11-15"

const namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"

// Read reads the parameters of an operation in EC2's query protocol. For an
// unknown operation the input is nil.
func Read(operation string, form url.Values) (any, error) {
	q := &query{form: form, seen: map[string]bool{"Action": true, "Version": true}}
	var in any
	switch operation {
	case "DescribeInstances":
		in = &DescribeInstancesInput{
			InstanceIDs: q.list("InstanceId"), Filters: q.filters(), MaxResults: q.number("MaxResults"),
			NextToken: form.Get("NextToken"), DryRun: q.flag("DryRun"),
		}
		q.seen["NextToken"] = true
	case "TerminateInstances":
		in = &TerminateInstancesInput{InstanceIDs: q.list("InstanceId"), DryRun: q.flag("DryRun")}
		q.flag("SkipOsShutdown")
		q.flag("Force")
	default:
		return nil, nil
	}
	return in, cmp.Or(q.err, q.unknown())
}

// A query reads parameters and records which it has read.
type query struct {
	form url.Values
	seen map[string]bool
	err  error
}

// list reads name.1, name.2…
func (q *query) list(name string) []string {
	var numbers []int
	for key := range q.form {
		text, ok := strings.CutPrefix(key, name+".")
		if n, err := strconv.Atoi(text); ok && err == nil && n > 0 {
			numbers = append(numbers, n)
			q.seen[key] = true
		}
	}
	slices.Sort(numbers)
	var out []string
	for _, n := range numbers {
		out = append(out, q.form.Get(name+"."+strconv.Itoa(n)))
	}
	return out
}

// filters reads Filter.1.Name, Filter.1.Value.1…
func (q *query) filters() map[string][]string {
	out := map[string][]string{}
	for n := 1; q.form.Has(fmt.Sprintf("Filter.%d.Name", n)); n++ {
		prefix := fmt.Sprintf("Filter.%d.", n)
		q.seen[prefix+"Name"] = true
		name := q.form.Get(prefix + "Name")
		if name != "instance-id" && name != "instance-state-name" {
			q.err = refuse("InvalidParameterValue", "The filter '"+name+"' is invalid")
		}
		out[name] = q.list(prefix + "Value")
	}
	return out
}

func (q *query) number(name string) int {
	q.seen[name] = true
	text := q.form.Get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 5 || n > 1000 {
		q.err = refuse("InvalidParameterValue", "Value ( "+text+" ) for parameter "+name+" is invalid. Expecting a value from 5 to 1000.")
	}
	return n
}

func (q *query) flag(name string) bool {
	q.seen[name] = true
	return q.form.Get(name) == "true"
}

func (q *query) unknown() error {
	for key := range q.form {
		if !q.seen[key] && !strings.HasPrefix(key, "X-Amz-") {
			return refuse("UnknownParameter", "The parameter "+key+" is not recognized")
		}
	}
	return nil
}

type state struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

// stateCodes maps states to their numbers.
// Source: EC2 API Reference, InstanceState.
var stateCodes = map[string]int{
	"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80,
}

func stateOf(name string) state { return state{stateCodes[name], name} }

type instanceItem struct {
	ID       string `xml:"instanceId"`
	State    state  `xml:"instanceState"`
	Launched string `xml:"launchTime"`
}

type reservationItem struct {
	ID        string         `xml:"reservationId"`
	Owner     string         `xml:"ownerId"`
	Groups    struct{}       `xml:"groupSet"`
	Instances []instanceItem `xml:"instancesSet>item"`
}

type describeAnswer struct {
	XMLName      xml.Name
	Namespace    string            `xml:"xmlns,attr"`
	RequestID    string            `xml:"requestId"`
	Reservations []reservationItem `xml:"reservationSet>item"`
	NextToken    string            `xml:"nextToken,omitempty"`
}

type changeItem struct {
	ID     string `xml:"instanceId"`
	After  state  `xml:"currentState"`
	Before state  `xml:"previousState"`
}

type terminateAnswer struct {
	XMLName   xml.Name
	Namespace string       `xml:"xmlns,attr"`
	RequestID string       `xml:"requestId"`
	Changes   []changeItem `xml:"instancesSet>item"`
}

// Write writes the output of an operation as the response.
func Write(w http.ResponseWriter, operation, requestID string, out any) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.Header().Set("X-Amzn-Requestid", requestID)
	_, _ = w.Write([]byte(xml.Header)) // the client may have gone
	_ = xml.NewEncoder(w).Encode(answer(operation, requestID, out))
}

func answer(operation, requestID string, out any) any {
	name := xml.Name{Local: operation + "Response"}
	switch out := out.(type) {
	case *DescribeInstancesOutput:
		a := describeAnswer{XMLName: name, Namespace: namespace, RequestID: requestID, NextToken: out.NextToken}
		for _, i := range out.Instances {
			a.Reservations = append(a.Reservations, reservationItem{
				ID: "r-" + strings.TrimPrefix(i.ID, "i-"), Owner: out.Account, Instances: []instanceItem{itemOf(i)},
			})
		}
		return a
	case *TerminateInstancesOutput:
		a := terminateAnswer{XMLName: name, Namespace: namespace, RequestID: requestID}
		for _, c := range out.Changes {
			a.Changes = append(a.Changes, changeItem{c.ID, stateOf(c.After), stateOf(c.Before)})
		}
		return a
	}
	panic(fmt.Sprintf("ec2svc: no answer for %T", out))
}

func itemOf(i world.Instance) instanceItem {
	return instanceItem{i.ID, stateOf(i.State), i.Launched.UTC().Format(time.RFC3339)}
}
