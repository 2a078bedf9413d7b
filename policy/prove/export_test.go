package prove

// Forget drops the verdicts, not the documents taken apart.
func (p *Prover) Forget() { p.verdicts = nil }

// ForgetDocuments drops the documents taken apart, not the verdicts.
func (p *Prover) ForgetDocuments() { p.taken = nil }
