package arn

import (
	"slices"
	"strings"
)

// A Partition is one of the separate groups of AWS Regions. An account, its
// ARNs, its credentials and its hosts belong to one partition.
type Partition struct {
	ID string // as in an ARN
	// HomeRegion is the Region of IAM: requests to IAM are signed for it, and
	// CloudTrail records IAM's events there.
	HomeRegion string
	DNSSuffix  string // of the hosts of services
	// SignInHost serves the federation endpoint and links that switch roles.
	SignInHost string
	// ConsoleHost is empty for the partitions whose console AWS does not
	// document publicly.
	ConsoleHost string
}

// partitions are sorted by ID.
// Sources: HomeRegion from the endpoint rules of IAM in the AWS SDKs and from
// the CloudTrail User Guide, "Global service events"; DNSSuffix from
// partitions.json of the AWS SDKs; SignInHost from the IAM User Guide, "Enable
// custom identity broker access to the AWS console", for aws, aws-cn and
// aws-us-gov, and from the endpoint rules of AWS Sign-In in the AWS SDKs for the
// others, which have Regional hosts only; ConsoleHost from the guides of the
// AWS China Regions, AWS GovCloud (US) and the AWS European Sovereign Cloud.
var partitions = []Partition{
	{"aws", "us-east-1", "amazonaws.com", "signin.aws.amazon.com", "console.aws.amazon.com"},
	{"aws-cn", "cn-north-1", "amazonaws.com.cn", "signin.amazonaws.cn", "console.amazonaws.cn"},
	{"aws-eusc", "eusc-de-east-1", "amazonaws.eu", "eusc-de-east-1.signin.amazonaws-eusc.eu", "console.amazonaws-eusc.eu"},
	{"aws-iso", "us-iso-east-1", "c2s.ic.gov", "us-iso-east-1.signin.c2shome.ic.gov", ""},
	{"aws-iso-b", "us-isob-east-1", "sc2s.sgov.gov", "us-isob-east-1.signin.sc2shome.sgov.gov", ""},
	{"aws-iso-e", "eu-isoe-west-1", "cloud.adc-e.uk", "eu-isoe-west-1.signin.csphome.adc-e.uk", ""},
	{"aws-iso-f", "us-isof-south-1", "csp.hci.ic.gov", "us-isof-south-1.signin.csphome.hci.ic.gov", ""},
	{"aws-us-gov", "us-gov-west-1", "amazonaws.com", "signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com"},
}

// LookupPartition returns the partition with an ID. Its zero value, for an
// unknown ID, has no Regions and no hosts.
func LookupPartition(id string) (p Partition, known bool) {
	for _, p := range partitions {
		if p.ID == id {
			return p, true
		}
	}
	return Partition{}, false
}

// PartitionIDs returns the IDs of the known partitions in order.
func PartitionIDs() []string {
	ids := make([]string, len(partitions))
	for i, p := range partitions {
		ids[i] = p.ID
	}
	return ids
}

// HomeRegion returns the home Region of a partition, and that of aws for an
// unknown one. It is for a request context and for defaults; code that deploys
// something calls [LookupPartition] and reports an unknown partition.
func HomeRegion(id string) string {
	if p, known := LookupPartition(id); known {
		return p.HomeRegion
	}
	return partitions[0].HomeRegion
}

// PartitionOf returns the partition of a Region, by the area in its name; that of aws for
// an area of no other partition.
func PartitionOf(region string) Partition {
	for _, p := range partitions[1:] {
		if area(region) == area(p.HomeRegion) {
			return p
		}
	}
	return partitions[0]
}

// area is the name of a Region without its direction and number.
func area(region string) string {
	parts := strings.Split(region, "-")
	return strings.Join(parts[:max(0, len(parts)-2)], "-")
}

// SignInPage returns the page where the IAM users of an account sign in with
// their password: the account's own page, or the console where account pages
// are not documented. It is empty where neither is documented.
// Source: IAM User Guide, "How IAM users sign in to AWS".
func (p Partition) SignInPage(account string) string {
	switch {
	case p.SignInHost != "" && !strings.HasPrefix(p.SignInHost, p.HomeRegion):
		return "https://" + account + "." + p.SignInHost + "/console"
	case p.ConsoleHost != "":
		return "https://" + p.ConsoleHost
	}
	return ""
}

// IsRegion reports whether a name has the form of an AWS Region: an area, a direction and
// a number. AWS adds Regions, so there is no list of them.
// Source: AWS General Reference, "Regions and Endpoints".
func IsRegion(name string) bool {
	parts := strings.Split(name, "-")
	if len(parts) < 3 || len(parts) > 4 || !slices.Contains(areas, area(name)) {
		return false
	}
	number := parts[len(parts)-1]
	return slices.Contains(directions, parts[len(parts)-2]) && len(number) == 1 && number[0] >= '1' && number[0] <= '9'
}

var (
	areas = []string{
		"af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us", "cn", "us-gov", "us-iso", "us-isob", "us-isof", "eu-isoe", "eusc-de",
	}
	directions = []string{"north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"}
)
