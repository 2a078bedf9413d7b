package arn

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryPartitionHasAHomeRegionAndHosts(t *testing.T) {
	want := []string{"aws", "aws-cn", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-us-gov"}
	if got := PartitionIDs(); !slices.Equal(got, want) {
		t.Errorf("partitions %v, want %v", got, want)
	}
	for _, id := range PartitionIDs() {
		p, known := LookupPartition(id)
		if !known || p.ID != id {
			t.Errorf("%s: %+v, known %v", id, p, known)
		}
		for field, value := range map[string]string{"HomeRegion": p.HomeRegion, "DNSSuffix": p.DNSSuffix, "SignInHost": p.SignInHost} {
			if value == "" || strings.ContainsAny(value, " /:") {
				t.Errorf("%s: %s is %q", id, field, value)
			}
		}
		if HomeRegion(id) != p.HomeRegion {
			t.Errorf("%s: HomeRegion is %s, want %s", id, HomeRegion(id), p.HomeRegion)
		}
	}
}

func TestUnknownPartitionHasNoHosts(t *testing.T) {
	p, known := LookupPartition("aws-moon")
	if known || p != (Partition{}) || p.SignInPage("111122223333") != "" {
		t.Errorf("%+v, known %v, sign-in page %q", p, known, p.SignInPage("111122223333"))
	}
	if got := HomeRegion("aws-moon"); got != "us-east-1" {
		t.Errorf("home Region %s", got)
	}
}

func TestSignInPageOfAnAccount(t *testing.T) {
	for id, want := range map[string]string{
		"aws":        "https://111122223333.signin.aws.amazon.com/console",
		"aws-cn":     "https://111122223333.signin.amazonaws.cn/console",
		"aws-us-gov": "https://111122223333.signin.amazonaws-us-gov.com/console",
		"aws-eusc":   "https://console.amazonaws-eusc.eu",
		"aws-iso":    "",
		"aws-iso-f":  "",
	} {
		p, _ := LookupPartition(id)
		if got := p.SignInPage("111122223333"); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

func TestIsRegion(t *testing.T) {
	for _, id := range PartitionIDs() {
		if region := HomeRegion(id); !IsRegion(region) {
			t.Errorf("%s is not taken for a Region", region)
		}
	}
	for name, want := range map[string]bool{
		"eu-central-1": true, "ap-southeast-7": true, "us-gov-west-1": true, "cn-northwest-1": true, "us-isob-east-1": true, "eusc-de-east-1": true,
		"us-esat-1": false, "eu-central": false, "us-east-1a": false, "useast1": false, "": false, "xx-east-1": false, "us-east-0": false, "us-east-1-x": false,
	} {
		if got := IsRegion(name); got != want {
			t.Errorf("IsRegion(%q) = %v", name, got)
		}
	}
}

func TestTheNameOfARegionSaysItsPartition(t *testing.T) {
	for _, id := range PartitionIDs() {
		p, _ := LookupPartition(id)
		if got := PartitionOf(p.HomeRegion); got.ID != id {
			t.Errorf("%s is in %s, want %s", p.HomeRegion, got.ID, id)
		}
	}
	for region, want := range map[string]string{
		"us-gov-east-1": "aws-us-gov", "cn-northwest-1": "aws-cn", "us-iso-west-1": "aws-iso", "eu-central-1": "aws", "us-west-2": "aws", "": "aws", "cn": "aws",
	} {
		if got := PartitionOf(region); got.ID != want {
			t.Errorf("%q is in %s, want %s", region, got.ID, want)
		}
	}
}
