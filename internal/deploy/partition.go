package deploy

import (
	"maps"
	"slices"
)

// homes is where CloudTrail records the events of IAM, by partition.
// Source: CloudTrail User Guide, "Global service events"; IAM User Guide, "IAM
// endpoints", for partitions other than aws.
var homes = map[string]string{
	"aws":        "us-east-1",
	"aws-cn":     "cn-north-1",
	"aws-us-gov": "us-gov-west-1",
	"aws-iso":    "us-iso-east-1",
	"aws-iso-b":  "us-isob-east-1",
	"aws-iso-e":  "eu-isoe-west-1",
	"aws-iso-f":  "us-isof-south-1",
}

// Home is the Region of a partition in which the events of IAM are heard, and
// the function lives; empty for a partition that is not known.
func Home(partition string) string { return homes[partition] }

// Partitions are those that have a [Home].
func Partitions() []string { return slices.Sorted(maps.Keys(homes)) }
