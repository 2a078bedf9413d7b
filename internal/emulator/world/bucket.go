package world

// AddBucket adds a bucket to an account. ok is false when an account has one of that name:
// names are unique among all accounts.
// Source: S3 User Guide, "General purpose bucket naming rules".
func (w *World) AddBucket(account string, b *Bucket) (ok bool) {
	if !w.buckets.claim(b.Name, account) {
		return false
	}
	w.Edit(account).Buckets[b.Name] = b
	return true
}

// RemoveBucket removes a bucket with its objects.
func (w *World) RemoveBucket(account, name string) {
	delete(w.Edit(account).Buckets, name)
	w.buckets.remove(name)
}

// bucketsOf returns the buckets of an account; nil: there is no account.
func (w *World) bucketsOf(id string) map[string]*Bucket {
	if a := w.Account(id); a != nil {
		return a.Buckets
	}
	return nil
}

// BucketOwner returns the account that has a bucket; empty: there is none.
func (w *World) BucketOwner(name string) (account string) {
	account, _ = w.buckets.get(name)
	return account
}

// Bucket returns a bucket and its owner, read-only; nil: there is none, or it is beyond
// what [World.Within] reaches because it was made after the call had begun.
func (w *World) Bucket(name string) (owner string, b *Bucket) {
	owner = w.BucketOwner(name)
	if owner == "" || w.alone && owner != w.account {
		return owner, nil
	}
	return owner, w.Account(owner).Buckets[name]
}
