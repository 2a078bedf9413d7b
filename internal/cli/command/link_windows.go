package command

// checkLinks refuses nothing on Windows, where making a link needs a privilege.
func checkLinks(string) error { return nil }
