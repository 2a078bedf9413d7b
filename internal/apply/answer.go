package apply

import (
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"forcemfa/internal/fleet"
)

// iamAnswers and organizationAnswers refuse answers that are not those of the operation,
// and note which changes AWS confirmed.
func iamAnswers(o *iam.Options) {
	o.APIOptions = append(o.APIOptions, traced, fleet.WholeAnswers)
}

func organizationAnswers(o *organizations.Options) {
	o.APIOptions = append(o.APIOptions, traced, fleet.WholeAnswers)
}
