package emulator

import (
	"crypto/subtle"
	"time"

	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

const (
	invalidToken = "The security token included in the request is invalid."
	expiredToken = "The security token included in the request is expired"
)

// Caller returns the owner of an access key of the cloud, as if a signature had
// just been verified.
func (c *Cloud) Caller(accessKeyID string) (world.Caller, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	caller, why := c.caller(accessKeyID)
	if why != nil {
		return world.Caller{}, why.in(services()["sts"])
	}
	return caller, nil
}

// secret returns the secret of an access key. For a session it compares the
// token.
func (c *Cloud) secret(key, token string) (string, *refusal) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if s := c.world.Session(key); s != nil {
		if subtle.ConstantTimeCompare([]byte(s.Token), []byte(token)) != 1 {
			return "", refuse(wrongToken, invalidToken)
		}
		return s.Secret, nil
	}
	l := c.cell(c.accountOfKey(key))
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, k := c.key(key)
	if k == nil {
		return "", refuse(unknownKey, invalidToken)
	}
	if token != "" {
		return "", refuse(wrongToken, invalidToken)
	}
	return k.Secret, nil
}

// key returns a long-term key and its owner; nil when one of them does not
// exist.
func (c *Cloud) key(id string) (world.KeyOwner, *world.Key) {
	owner, ok := c.world.FindKey(id)
	if !ok {
		return owner, nil
	}
	a := c.world.Account(owner.Account)
	if a == nil || a.Users[owner.User] == nil {
		return owner, nil
	}
	for _, k := range a.Users[owner.User].Keys {
		if k.ID == id {
			return owner, k
		}
	}
	return owner, nil
}

// sender returns the caller of a request. An unsigned one has no principal.
func (c *Cloud) sender(s *signature) (world.Caller, *refusal) {
	if s.key == "" {
		return world.Caller{Principal: policy.Principal{Kind: policy.Anonymous}, Credential: policy.NoCredential}, nil
	}
	return c.caller(s.key)
}

// homeRegion is the Region of unsigned requests, which do not name one.
func (c *Cloud) homeRegion() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return arn.HomeRegion(c.world.Partition)
}

// caller returns the current owner of an access key: none when the key is
// inactive, the session has expired, the user or role is deleted, or the account
// is suspended.
func (c *Cloud) caller(key string) (world.Caller, *refusal) {
	caller, why := c.principal(key)
	if why == nil && c.world.Account(caller.Account).State != "ACTIVE" {
		return world.Caller{}, refuse(unknownKey, invalidToken)
	}
	return caller, why
}

func (c *Cloud) principal(key string) (world.Caller, *refusal) {
	if s := c.world.Session(key); s != nil {
		return c.sessionCaller(s)
	}
	owner, k := c.key(key)
	if k == nil || !k.Active {
		return world.Caller{}, refuse(unknownKey, invalidToken)
	}
	u := c.world.Account(owner.Account).Users[owner.User]
	return world.Caller{
		Principal:   c.userPrincipal(owner.Account, u),
		Account:     owner.Account,
		User:        u,
		Credential:  policy.LongTermKey,
		AccessKeyID: key,
	}, nil
}

func (c *Cloud) userPrincipal(account string, u *world.User) policy.Principal {
	return policy.Principal{Kind: policy.IAMUser, Account: account, ARN: c.world.UserARN(account, u)}
}

func (c *Cloud) sessionCaller(s *world.Session) (world.Caller, *refusal) {
	if !c.Now().Before(s.Expires) {
		return world.Caller{}, refuse(expiredSession, expiredToken)
	}
	caller := world.Caller{Account: s.Account, Session: s, Credential: s.Credential, AccessKeyID: s.AccessKeyID}
	a := c.world.Account(s.Account)
	switch {
	case a == nil:
		return world.Caller{}, refuse(unknownKey, invalidToken)
	case s.Role != "":
		return c.roleCaller(caller, a.Roles[s.Role])
	case s.User != "":
		return c.userCaller(caller, userOf(a, s))
	}
	caller.Principal = policy.Principal{Kind: policy.RootUser, Account: s.Account, ARN: c.world.RootARN(s.Account)}
	return caller, nil
}

func (c *Cloud) roleCaller(caller world.Caller, r *world.Role) (world.Caller, *refusal) {
	s := caller.Session
	if r == nil || r.ID != s.OwnerID || madeAfter(r.Created, s) {
		return world.Caller{}, refuse(unknownKey, invalidToken)
	}
	caller.Role = r
	caller.Principal = policy.Principal{
		Kind:          policy.RoleSession,
		Account:       s.Account,
		ARN:           "arn:" + c.world.Partition + ":sts::" + s.Account + ":assumed-role/" + r.Name + "/" + s.Name,
		Issuer:        c.world.RoleARN(s.Account, r),
		ServiceLinked: r.ServiceLinked(),
	}
	return caller, nil
}

// userOf returns the user of a session, who may have another name now; nil: the user is
// deleted.
func userOf(a *world.Account, s *world.Session) *world.User {
	if u := a.Users[s.User]; u != nil && u.ID == s.OwnerID {
		return u
	}
	for _, u := range a.Users {
		if u.ID == s.OwnerID && u.ID != "" {
			return u
		}
	}
	return nil
}

func (c *Cloud) userCaller(caller world.Caller, u *world.User) (world.Caller, *refusal) {
	s := caller.Session
	if u == nil || madeAfter(u.Created, s) {
		return world.Caller{}, refuse(unknownKey, invalidToken)
	}
	caller.User = u
	caller.Principal = c.userPrincipal(s.Account, u)
	if s.Credential == policy.FederationToken {
		caller.Principal = policy.Principal{
			Kind:    policy.FederatedUser,
			Account: s.Account,
			ARN:     "arn:" + c.world.Partition + ":sts::" + s.Account + ":federated-user/" + s.Name,
			Issuer:  caller.Principal.ARN,
		}
	}
	return caller, nil
}

// madeAfter reports whether a user or role is a different one with the same name
// as when the session was created. Creation times have whole seconds.
func madeAfter(created time.Time, s *world.Session) bool {
	return created.Truncate(time.Second).After(s.Issued)
}
