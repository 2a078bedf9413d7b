package session

import "forcemfa/internal/session/cache"

// Settings that forcemfa writes into profiles or reads from them. The AWS SDKs
// ignore settings they do not know.
const (
	// StoreSetting names the backend of the secret store that holds the
	// long-lived key of the profile: keyring, file or pass.
	StoreSetting = "forcemfa_store"
	// SessionsSetting names the backend of the secret store that keeps the
	// sessions of the profile. Without it, or with "files", the cache keeps them.
	SessionsSetting = "forcemfa_sessions"
	// ExecSetting says what exec and use give to AWS tools: "profile" is the name of
	// the profile, so that tools renew the session, and "static" or nothing the session.
	ExecSetting = "forcemfa_exec"
	ExecProfile = cache.ExecProfile
	ExecStatic  = "static"
	// SourceSetting names the profile whose session "export --write-profile"
	// wrote.
	SourceSetting = "forcemfa_source"
	// ManagerSetting names the program that owns a profile of temporary
	// credentials; forcemfa writes ManagerName.
	ManagerSetting = "manager"
	ManagerName    = "forcemfa"
)
