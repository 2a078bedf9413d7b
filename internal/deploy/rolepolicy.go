package deploy

import (
	"encoding/json"
	"fmt"
	"slices"

	"forcemfa/internal/baseline"
)

// RolePolicy is the policy of the role that a template makes: of [Member], [Notifier],
// [Central] and [CentralMap] the one that their function runs as, of [CentralMember] the one that the
// central function enters an account by, of [AuditRole] and [ApplyRole] the one that
// people enter an account by. S3Bucket, S3Key and ResultBucket need no value.
func RolePolicy(name string, b *baseline.Baseline, place Place, values map[string]string) (string, error) {
	template, err := Render(name, b, place.Partition)
	if err != nil {
		return "", err
	}
	all := map[string]string{}
	switch name {
	case Member, Notifier:
		all["S3Bucket"], all["S3Key"] = "bucket", "key"
	case Central, CentralMap:
		all["S3Bucket"], all["S3Key"], all["ResultBucket"] = "bucket", "key", "bucket"
	}
	for key, value := range values {
		all[key] = value
	}
	resources, err := Resolve(template, place, all)
	if err != nil {
		return "", fmt.Errorf("template %s: %w", name, err)
	}
	i := slices.IndexFunc(resources, func(r Resource) bool { return r.ID == "Role" })
	policies, _ := resources[i].Properties["Policies"].([]any)
	text, err := json.Marshal(object(policies[0])["PolicyDocument"])
	if err != nil {
		return "", fmt.Errorf("template %s: print the policy of its role: %w", name, err)
	}
	return string(text), nil
}
