package policy

// A Proof is a proof certificate: the reason why no request of a user without
// MFA passes. For every way of making requests it lists cells of similar
// requests, each with a representative request and the Denies that refuse it.
// Package prove creates proofs; package prove/certificate checks them
// independently.
type Proof struct {
	// Strict means that the cells cover every action that AWS could ever have,
	// not only those of a list.
	Strict bool        `json:"strict"`
	Cases  []ProofCase `json:"cases"`
	// Observed are the observed answers that the proof relies on, in addition to
	// AWS's documentation.
	Observed Observed `json:"observed,omitzero"`
}

// A ProofCase is one way of making requests without MFA.
type ProofCase struct {
	Credential Credential  `json:"credential"`
	Present    Presence    `json:"present"` // Absent or False
	Cells      []ProofCell `json:"cells"`
}

// A ProofCell is a set of requests, named by one of them.
type ProofCell struct {
	Action   string      `json:"action"`
	Resource string      `json:"resource,omitempty"` // empty: whatever the resource and the condition keys
	By       []ProofDeny `json:"by"`                 // several when condition keys decide which one applies
}

// A ProofDeny names a Deny statement of a [Set].
type ProofDeny struct {
	Source    int `json:"source"` // position among all sources: Identity, Boundary, Session, SCPs by level, RCPs by level
	Statement int `json:"statement"`
}

// Sources returns all sources of the set, in the order that [ProofDeny] counts.
func (s *Set) Sources() []*Source {
	var out []*Source
	list := func(sources []Source) {
		for i := range sources {
			out = append(out, &sources[i])
		}
	}
	list(s.Identity)
	if s.Boundary != nil {
		out = append(out, s.Boundary)
	}
	list(s.Session)
	for _, level := range s.SCPs {
		list(level)
	}
	for _, level := range s.RCPs {
		list(level)
	}
	return out
}

// Layer returns the kind of policy of the source at a position of Sources.
func (s *Set) Layer(position int) Kind {
	sizes := []struct {
		kind Kind
		n    int
	}{{Identity, len(s.Identity)}, {Boundary, 0}, {Session, len(s.Session)}, {SCP, 0}, {RCP, 0}}
	if s.Boundary != nil {
		sizes[1].n = 1
	}
	for _, level := range s.SCPs {
		sizes[3].n += len(level)
	}
	for _, level := range s.RCPs {
		sizes[4].n += len(level)
	}
	for _, size := range sizes {
		if position < size.n {
			return size.kind
		}
		position -= size.n
	}
	return 0
}
