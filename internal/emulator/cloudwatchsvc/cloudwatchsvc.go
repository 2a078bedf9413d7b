// Package cloudwatchsvc implements CloudWatch of the embedded AWS: metrics with their
// datapoints, and alarms on one metric that change their state.
package cloudwatchsvc

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// An Alarm watches one metric.
type Alarm struct {
	ARN, AlarmName, AlarmDescription, Namespace, MetricName string
	Dimensions                                              map[string]string
	Statistic, ComparisonOperator, TreatMissingData         string
	Period, EvaluationPeriods                               int
	Threshold                                               float64
	Actions                                                 []string // ARNs
	State, Reason                                           string
	Changed                                                 time.Time
}

// The states of an alarm.
const (
	OK           = "OK"
	InAlarm      = "ALARM"
	Insufficient = "INSUFFICIENT_DATA"
)

// CloneItem implements [world.Item].
func (a *Alarm) CloneItem() world.Item {
	c := *a
	c.Dimensions, c.Actions = maps.Clone(a.Dimensions), slices.Clone(a.Actions)
	return &c
}

// A Metric holds the datapoints of one metric, oldest first.
type Metric struct {
	Key    string // see [MetricKey]
	Points []Point
}

// A Point is one value.
type Point struct {
	At    time.Time
	Value float64
}

// CloneItem implements [world.Item].
func (m *Metric) CloneItem() world.Item {
	c := *m
	c.Points = slices.Clone(m.Points)
	return &c
}

// MetricKey identifies a metric in an account and Region.
func MetricKey(region, namespace, name string, dimensions map[string]string) string {
	key := "metric:" + region + ":" + namespace + ":" + name
	for _, d := range slices.Sorted(maps.Keys(dimensions)) {
		key += ":" + d + "=" + dimensions[d]
	}
	return key
}

// kept is how long datapoints are kept: longer than the longest period of an alarm.
const kept = 8 * 24 * time.Hour

// Record adds a datapoint.
func Record(w *world.World, account, key string, at time.Time, value float64) {
	m, ok := world.Change[*Metric](w, account, key)
	if !ok {
		m = &Metric{Key: key}
		w.Put(account, key, m)
	}
	for len(m.Points) > 0 && at.Sub(m.Points[0].At) > kept {
		m.Points = m.Points[1:]
	}
	m.Points = append(m.Points, Point{at, value})
}

// Evaluate returns the state that an alarm has at a time, from the last full periods.
// Source: CloudWatch User Guide, "Using Amazon CloudWatch alarms", evaluation and missing
// data.
func (a *Alarm) Evaluate(points []Point, now time.Time) (state, reason string) {
	period := time.Duration(a.Period) * time.Second
	breaching, missing := 0, 0
	for n := range a.EvaluationPeriods {
		end := now.Add(-time.Duration(n) * period)
		value, there := a.value(points, end.Add(-period), end)
		switch {
		case there && a.breaches(value), !there && a.TreatMissingData == "breaching":
			breaching++
		case !there && a.TreatMissingData != "notBreaching":
			missing++
		}
	}
	switch {
	case breaching == a.EvaluationPeriods:
		return InAlarm, "Threshold Crossed: " + strconv.Itoa(breaching) + " of the last " + strconv.Itoa(a.EvaluationPeriods) + " periods"
	case missing == a.EvaluationPeriods && a.TreatMissingData == "ignore":
		return a.State, a.Reason
	case missing == a.EvaluationPeriods:
		return Insufficient, "Insufficient Data"
	}
	return OK, "Threshold not crossed"
}

func (a *Alarm) value(points []Point, from, to time.Time) (value float64, there bool) {
	n := 0.0
	for _, p := range points {
		if !p.At.After(from) || p.At.After(to) {
			continue
		}
		switch {
		case !there:
			value = p.Value
		case a.Statistic == "Maximum":
			value = max(value, p.Value)
		case a.Statistic == "Minimum":
			value = min(value, p.Value)
		default:
			value += p.Value
		}
		there = true
		n++
	}
	switch a.Statistic {
	case "Average":
		value /= max(n, 1)
	case "SampleCount":
		value = n
	}
	return value, there
}

func (a *Alarm) breaches(value float64) bool {
	switch a.ComparisonOperator {
	case "GreaterThanOrEqualToThreshold":
		return value >= a.Threshold
	case "GreaterThanThreshold":
		return value > a.Threshold
	case "LessThanThreshold":
		return value < a.Threshold
	}
	return value <= a.Threshold
}

// Inputs and outputs contain the members of the API that are used here.
type (
	// PutMetricAlarmInput creates or replaces an alarm.
	PutMetricAlarmInput struct{ Alarm Alarm }
	// DeleteAlarmsInput names alarms.
	DeleteAlarmsInput struct{ AlarmNames []string }
	// DescribeAlarmsInput selects alarms.
	DescribeAlarmsInput struct {
		AlarmNames []string
		StateValue *string
	}
	// DescribeAlarmsOutput lists alarms.
	DescribeAlarmsOutput struct{ MetricAlarms []MetricAlarm }
	// MetricAlarm is an alarm in a list.
	MetricAlarm struct {
		AlarmArn, AlarmName, StateValue, StateReason, Namespace, MetricName *string
		StateUpdatedTimestamp                                               *time.Time
	}
	// Output is empty.
	Output struct{}
)

// Operations returns the operations of CloudWatch.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Write("PutMetricAlarm", func(c *operation.Call, in *PutMetricAlarmInput) ([]operation.Ask, error) {
			return []operation.Ask{{Action: "cloudwatch:PutMetricAlarm", Resource: c.ARN("cloudwatch", "alarm:"+in.Alarm.AlarmName)}}, nil
		}, putAlarm),
		operation.Write("DeleteAlarms", func(c *operation.Call, in *DeleteAlarmsInput) ([]operation.Ask, error) {
			var asks []operation.Ask
			for _, name := range in.AlarmNames {
				asks = append(asks, operation.Ask{Action: "cloudwatch:DeleteAlarms", Resource: c.ARN("cloudwatch", "alarm:"+name)})
			}
			return asks, nil
		}, deleteAlarms),
		operation.Read("DescribeAlarms", func(c *operation.Call, _ *DescribeAlarmsInput) ([]operation.Ask, error) {
			return []operation.Ask{{Action: "cloudwatch:DescribeAlarms", Resource: c.ARN("cloudwatch", "alarm:*")}}, nil
		}, describeAlarms),
	}, operation.Own)
}

func putAlarm(c *operation.Call, in *PutMetricAlarmInput) (*Output, error) {
	a := in.Alarm
	if a.EvaluationPeriods < 1 || a.Period < 10 || a.EvaluationPeriods*a.Period > 7*86400 {
		return nil, operation.Fault("ValidationError", "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800).")
	}
	a.ARN = c.ARN("cloudwatch", "alarm:"+a.AlarmName)
	a.State, a.Reason, a.Changed = Insufficient, "Unchecked: Initial alarm creation", c.Now
	if old, ok := world.Find[*Alarm](c.World.Account(c.Caller.Account), a.ARN); ok {
		a.State, a.Reason, a.Changed = old.State, old.Reason, old.Changed
	}
	c.World.Put(c.Caller.Account, a.ARN, &a)
	return &Output{}, nil
}

func deleteAlarms(c *operation.Call, in *DeleteAlarmsInput) (*Output, error) {
	for _, name := range in.AlarmNames {
		c.World.Drop(c.Caller.Account, c.ARN("cloudwatch", "alarm:"+name))
	}
	return &Output{}, nil
}

func describeAlarms(c *operation.Call, in *DescribeAlarmsInput) (*DescribeAlarmsOutput, error) {
	out := &DescribeAlarmsOutput{}
	for _, a := range world.List[*Alarm](c.World.Account(c.Caller.Account)) {
		named := len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, a.AlarmName)
		if named && c.InRegion(a.ARN) && (in.StateValue == nil || *in.StateValue == a.State) {
			out.MetricAlarms = append(out.MetricAlarms, MetricAlarm{
				AlarmArn: &a.ARN, AlarmName: &a.AlarmName, StateValue: &a.State, StateReason: &a.Reason, Namespace: &a.Namespace, MetricName: &a.MetricName, StateUpdatedTimestamp: &a.Changed,
			})
		}
	}
	return out, nil
}
