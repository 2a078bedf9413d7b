package prove

// Forget drops the verdicts, not the documents taken apart.
func (p *Prover) Forget() { p.verdicts = nil }
