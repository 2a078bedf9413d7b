package catalog

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"
)

func TestCatalogueKnowsTheActionsThatDecideMFA(t *testing.T) {
	for _, row := range []struct {
		action    string
		access    Access
		resources []string // name, with ! where required
		key       string   // one that it has; empty: none at all
	}{
		{"iam:EnableMFADevice", Write, []string{"user!"}, "iam:RegisterSecurityKey"},
		{"IAM:createvirtualmfadevice", Write, []string{"mfa!"}, "aws:TagKeys"},
		{"iam:AttachUserPolicy", PermissionsManagement | Write, []string{"user!"}, "iam:PolicyARN"},
		{"iam:AddUserToGroup", Write, []string{"group!"}, ""},
		{"iam:ListVirtualMFADevices", List, nil, ""},
		{"sts:GetSessionToken", Read, nil, ""},
		{"s3:ListAllMyBuckets", List, nil, "s3:authType"},
	} {
		a, ok := Load().Action(row.action)
		if !ok {
			t.Errorf("%s is not there", row.action)
			continue
		}
		if a.Access != row.access {
			t.Errorf("%s: access %b, want %b", a, a.Access, row.access)
		}
		var resources []string
		for _, r := range a.Resources {
			name := r.Type.Name
			if r.Required {
				name += "!"
			}
			resources = append(resources, name)
		}
		if !slices.Equal(resources, row.resources) {
			t.Errorf("%s: resources %v, want %v", a, resources, row.resources)
		}
		has := slices.ContainsFunc(a.Keys, func(k *Key) bool { return k.Name == row.key })
		if (row.key == "" && len(a.Keys) > 0) || (row.key != "" && !has) {
			t.Errorf("%s: keys do not hold %q", a, row.key)
		}
	}
}

func TestCatalogueIsWhole(t *testing.T) {
	c := Load()
	actions, resources := 0, 0
	for _, s := range c.Services {
		actions += len(s.Actions)
		resources += len(s.Resources)
		for _, r := range s.Resources {
			if !strings.HasPrefix(r.ARN, "arn:") {
				t.Errorf("%s: resource type %s has the template %q", s.Prefix, r.Name, r.ARN)
			}
		}
	}
	if len(c.Services) < 450 || actions < 22000 || resources < 2000 {
		t.Errorf("%d services, %d actions, %d resource types", len(c.Services), actions, resources)
	}
	if s3, ok := c.Service("s3"); !ok || !s3.RCP {
		t.Error("resource control policies apply to S3")
	}
	if iam, ok := c.Service("iam"); !ok || iam.RCP {
		t.Error("resource control policies do not apply to IAM")
	}
}

func TestUnknownActionIsNotFound(t *testing.T) {
	for _, name := range []string{"", "s3", "s3:", "s3:NoSuchAction", "nosuch:GetObject", ":"} {
		if a, ok := Load().Action(name); ok {
			t.Errorf("%q is %s", name, a)
		}
	}
}

func TestBrokenDataIsAnError(t *testing.T) {
	for _, text := range []string{
		"s\tiam\n",
		"catalog\t2\tx\n",
		"catalog\t1\tx\na\tGet\tR\t\t\n",
		"catalog\t1\tx\ns\ts3\na\tGet\tX\t\t\n",
		"catalog\t1\tx\ns\ts3\na\tGet\tR\t0\t\n",
		"catalog\t1\tx\ns\ts3\na\tGet\tR\t\t7\n",
		"catalog\t1\tx\ns\ts3\nq\n",
		"catalog\t1\tx\ns\ts3\nr\tx\n",
	} {
		var data bytes.Buffer
		z := gzip.NewWriter(&data)
		if _, err := z.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := unpack(data.Bytes()); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportMetric(float64(len(packed)), "packed-bytes")
	for b.Loop() {
		if _, err := unpack(packed); err != nil {
			b.Fatal(err)
		}
	}
}
