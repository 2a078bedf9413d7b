package world

// Of returns the world as an account sees it: it sees its own MFA devices only, and the
// IDs that it generates depend on nothing but the seed and the earlier ones of the account.
func (w *World) Of(account string) *World { return &World{state: w.state, account: account} }

// Within returns the world for a call that concerns one account: [World.Of], and the call
// may read and change this account, use sessions, keys and codes, and read the
// organization, but nothing else. Whoever holds the lock of the account may use it while
// others use other accounts. It panics where a call reads what it must not, because then
// the call is a mistake in the table of operations.
func (w *World) Within(account string) *World {
	return &World{state: w.state, account: account, alone: true}
}

// mustReach panics where [World.Within] may not read or change an account; empty: all of
// them, or the organization.
func (w *World) mustReach(account string) {
	if w.alone && account != w.account {
		panic("world: a call that concerns " + w.account + " reads or changes something else: " + account)
	}
}
