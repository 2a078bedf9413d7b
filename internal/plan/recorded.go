package plan

// A Recorded is what CloudTrail said about a user who stops when the plan was made. A run
// that applies the file blocks and lists the same users with the same words.
type Recorded struct {
	User    string `json:"user"` // ARN
	Kind    string `json:"kind"`
	Denied  int    `json:"denied"` // recorded calls that would be denied
	Last    string `json:"last"`   // of them, RFC 3339
	Tool    string `json:"tool,omitempty"`
	Network string `json:"network,omitempty"`
}

func (r *reader) recorded(path string, p *Plan) error {
	var c Recorded
	err := r.object(path, []field{
		{"user", false, r.string(&c.User, maxText)},
		{"kind", false, r.string(&c.Kind, maxText)},
		{"denied", false, r.integer(&c.Denied)},
		{"last", false, r.string(&c.Last, maxText)},
		{"tool", true, r.string(&c.Tool, maxText)},
		{"network", true, r.string(&c.Network, maxText)},
	})
	p.Recorded = append(p.Recorded, c)
	return err
}
