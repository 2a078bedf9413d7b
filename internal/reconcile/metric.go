package reconcile

import (
	"encoding/json"
	"fmt"
)

// namespace is the CloudWatch namespace of the metrics.
const namespace = "forcemfa"

// metrics writes the counts of a scheduled scan in CloudWatch's embedded metric format.
// After a failed scan there is only the age of the last successful one. An instance
// without a successful scan leaves that out, so that an alarm on missing data fires.
// Source: CloudWatch User Guide, "Specification: Embedded metric format".
func (r *run) metrics(failure error) {
	if r.options.Metrics == nil {
		return
	}
	type metric struct{ Name, Unit string }
	values := map[string]float64{"ConfigProblem": 0, "ScanFailed": 0}
	named := []metric{{"ConfigProblem", "Count"}, {"ScanFailed", "Count"}}
	if !r.lastSuccess.IsZero() {
		named = append(named, metric{"LastSuccessAge", "Seconds"})
		values["LastSuccessAge"] = r.now().Sub(r.lastSuccess).Seconds()
	}
	if r.options.Settings.Problem != "" {
		values["ConfigProblem"] = 1
	}
	if failure != nil {
		values["ScanFailed"] = 1
	} else {
		c := r.seen.Audited.Summary.Counts
		for _, count := range []struct {
			name string
			n    int
		}{{"Users", c.Users}, {"Enforced", c.Enforced}, {"Exempt", c.Exempt}, {"Open", c.Open}, {"Unknown", c.Unknown}, {"StepsLeft", r.result.Left}} {
			named = append(named, metric{count.name, "Count"})
			values[count.name] = float64(count.n)
		}
	}
	line := map[string]any{
		"_aws": map[string]any{
			"Timestamp":         r.now().UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{"Namespace": namespace, "Dimensions": [][]string{{}}, "Metrics": named}},
		},
		"account": r.account, "run": r.id, "config": r.options.Settings.Hash,
	}
	for name, value := range values {
		line[name] = value
	}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = fmt.Fprintf(r.options.Metrics, "%s\n", text)
	}
	if err != nil {
		r.log.Error("metrics", "error", err.Error())
	}
}
