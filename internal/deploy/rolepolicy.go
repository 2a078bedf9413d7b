package deploy

import (
	"encoding/json"
	"fmt"
	"slices"

	"forcemfa/internal/baseline"
)

// RolePolicy is the policy of the role that a template makes: of [Member] and
// [Notifier] the one that their function runs as, of [AuditRole] and [ApplyRole]
// the one that people enter an account by. S3Bucket and S3Key need no value.
func RolePolicy(name string, b *baseline.Baseline, place Place, values map[string]string) (string, error) {
	template, err := Render(name, b, place.Partition)
	if err != nil {
		return "", err
	}
	all := map[string]string{"S3Bucket": "bucket", "S3Key": "key"}
	if name != Member && name != Notifier {
		all = map[string]string{}
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
