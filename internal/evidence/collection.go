package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/policy"
)

// A collection numbers the policies, sets and proofs of users in the order in which they
// are found.
type collection struct {
	policies []Policy
	sets     []Set
	proofs   []*policy.Proof

	hashes     map[*policy.Document]string
	policyByID map[string]bool
	setByKey   map[string]int
	proofByID  map[*policy.Proof]int
	proofByKey map[string]int
}

func newCollection() *collection {
	return &collection{
		hashes: map[*policy.Document]string{}, policyByID: map[string]bool{}, setByKey: map[string]int{},
		proofByID: map[*policy.Proof]int{}, proofByKey: map[string]int{},
	}
}

// user is the line of users.jsonl for a case.
func (c *collection) user(of *audit.Case) (User, error) {
	u := User{
		ARN: of.User.ARN, Account: of.User.Account, State: of.User.State, Why: of.User.Why, Exemption: of.User.Exemption,
		Set: c.set(of.Claim.Set), HasDevice: of.Claim.HasDevice, EnrollmentByKey: of.Claim.EnrollmentByKey, Context: of.Claim.Context,
	}
	if of.User.Example != nil {
		u.Example = of.User.Example.String()
	}
	if of.Proof != nil {
		n, err := c.proof(of.Proof)
		if err != nil {
			return u, err
		}
		u.Proof = &n
	}
	return u, nil
}

// set is the number of a set.
func (c *collection) set(s *policy.Set) int {
	described := Set{Identity: c.sources(s.Identity)}
	if s.Boundary != nil {
		boundary := c.source(s.Boundary)
		described.Boundary = &boundary
	}
	for _, level := range s.SCPs {
		described.SCPs = append(described.SCPs, c.sources(level))
	}
	for _, level := range s.RCPs {
		described.RCPs = append(described.RCPs, c.sources(level))
	}
	key := described.key()
	n, known := c.setByKey[key]
	if !known {
		n = len(c.sets)
		c.setByKey[key] = n
		c.sets = append(c.sets, described)
	}
	return n
}

// sources is never nil: a level without SCPs allows nothing.
func (c *collection) sources(list []policy.Source) []Source {
	out := make([]Source, 0, len(list))
	for i := range list {
		out = append(out, c.source(&list[i]))
	}
	return out
}

func (c *collection) source(s *policy.Source) Source {
	if s.Document == nil {
		return Source{Unread: reason(s.Err)}
	}
	hash, known := c.hashes[s.Document]
	if !known {
		text := s.Document.String()
		hash = hashOf([]byte(text))
		if len(c.hashes) >= remembered {
			clear(c.hashes)
		}
		c.hashes[s.Document] = hash
		if !c.policyByID[hash] {
			c.policyByID[hash] = true
			c.policies = append(c.policies, Policy{SHA256: hash, Name: s.Name, Document: text})
		}
	}
	return Source{Policy: hash}
}

// remembered bounds what is known by pointer.
const remembered = 1 << 14

func reason(err error) string {
	if err == nil {
		return "was not read"
	}
	return err.Error()
}

// proof is the number of a proof.
func (c *collection) proof(p *policy.Proof) (int, error) {
	if n, known := c.proofByID[p]; known {
		return n, nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		return 0, err
	}
	n, known := c.proofByKey[string(text)]
	if !known {
		n = len(c.proofs)
		c.proofByKey[string(text)] = n
		c.proofs = append(c.proofs, p)
	}
	if len(c.proofByID) >= remembered {
		clear(c.proofByID)
	}
	c.proofByID[p] = n
	return n, nil
}

// key is the same for sets that decide alike: why a document could not be read makes no
// difference.
func (s *Set) key() string {
	var out strings.Builder
	list := func(mark string, sources []Source) {
		out.WriteString(mark)
		for _, x := range sources {
			out.WriteString(" " + x.Policy) // empty: unread
		}
	}
	list("identity", s.Identity)
	if s.Boundary != nil {
		list(",boundary", []Source{*s.Boundary})
	}
	if s.SCPs != nil {
		out.WriteString(",scps")
	}
	for _, level := range s.SCPs {
		list(",level", level)
	}
	for _, level := range s.RCPs {
		list(",rcps", level)
	}
	return out.String()
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
