package deploy

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

func basicSelector(management bool, kind types.ReadWriteType, without ...string) types.EventSelector {
	return types.EventSelector{IncludeManagementEvents: aws.Bool(management), ReadWriteType: kind, ExcludeManagementEventSources: without}
}

func advancedSelector(fields ...types.AdvancedFieldSelector) types.AdvancedEventSelector {
	return types.AdvancedEventSelector{FieldSelectors: fields}
}

func equals(field string, values ...string) types.AdvancedFieldSelector {
	return types.AdvancedFieldSelector{Field: &field, Equals: values}
}

func notEquals(field string, values ...string) types.AdvancedFieldSelector {
	return types.AdvancedFieldSelector{Field: &field, NotEquals: values}
}

func TestSelectorsThatLogTheWritesOfIAM(t *testing.T) {
	management := equals("eventCategory", "Management")
	for _, row := range []struct {
		name     string
		basic    []types.EventSelector
		advanced []types.AdvancedEventSelector
		want     bool
	}{
		{"nothing", nil, nil, false},
		{"all management events", []types.EventSelector{basicSelector(true, types.ReadWriteTypeAll)}, nil, true},
		{"writes", []types.EventSelector{basicSelector(true, types.ReadWriteTypeWriteOnly)}, nil, true},
		{"reads", []types.EventSelector{basicSelector(true, types.ReadWriteTypeReadOnly)}, nil, false},
		{"data events", []types.EventSelector{basicSelector(false, types.ReadWriteTypeAll)}, nil, false},
		{"all but KMS", []types.EventSelector{basicSelector(true, types.ReadWriteTypeAll, "kms.amazonaws.com")}, nil, true},
		{"all but IAM", []types.EventSelector{basicSelector(true, types.ReadWriteTypeAll, "iam.amazonaws.com")}, nil, false},
		{"one of two", []types.EventSelector{basicSelector(true, types.ReadWriteTypeReadOnly), basicSelector(true, types.ReadWriteTypeWriteOnly)}, nil, true},
		{"advanced, all", nil, []types.AdvancedEventSelector{advancedSelector(management)}, true},
		{"advanced, writes", nil, []types.AdvancedEventSelector{advancedSelector(management, equals("readOnly", "false"))}, true},
		{"advanced, reads", nil, []types.AdvancedEventSelector{advancedSelector(management, equals("readOnly", "true"))}, false},
		{"advanced, data", nil, []types.AdvancedEventSelector{advancedSelector(equals("eventCategory", "Data"))}, false},
		{"advanced, without KMS", nil, []types.AdvancedEventSelector{advancedSelector(management, notEquals("eventSource", "kms.amazonaws.com", "rdsdata.amazonaws.com"))}, true},
		{"advanced, without IAM", nil, []types.AdvancedEventSelector{advancedSelector(management, notEquals("eventSource", "iam.amazonaws.com"))}, false},
		{"advanced, EC2 alone", nil, []types.AdvancedEventSelector{advancedSelector(management, equals("eventSource", "ec2.amazonaws.com"))}, false},
		{"advanced, from iam", nil, []types.AdvancedEventSelector{advancedSelector(management, types.AdvancedFieldSelector{Field: aws.String("eventSource"), StartsWith: []string{"iam."}})}, true},
		{"advanced, not from iam", nil, []types.AdvancedEventSelector{advancedSelector(management, types.AdvancedFieldSelector{Field: aws.String("eventSource"), NotStartsWith: []string{"iam."}})}, false},
		{"advanced, some callers", nil, []types.AdvancedEventSelector{advancedSelector(management, notEquals("userIdentity.arn", "arn:aws:iam::111111111111:role/x"))}, false},
		{"advanced, data and management", nil, []types.AdvancedEventSelector{advancedSelector(equals("eventCategory", "Data")), advancedSelector(management)}, true},
	} {
		if got := selectsWrites(row.basic, row.advanced); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}
