package command

// The exit statuses. When several hold, the order is failed, guarded, found,
// incomplete, changes: that users are not enforced is not hidden by an account that was
// not read.
const (
	StatusOK         = 0
	StatusFailed     = 1 // an error stopped the verb
	StatusChanges    = 2 // the plan has changes, asked for with --detailed-exitcode
	StatusFound      = 3 // findings at or above --fail-on
	StatusIncomplete = 4 // something was unread, blocked, stale or partly applied
	StatusGuarded    = 5 // a guard stopped everything
)

// StatusHelp is the section of a verb's help that lists the exit statuses.
const StatusHelp = `
EXIT STATUS
  0  nothing to report
  1  an error stopped the command
  2  the plan has changes (only with --detailed-exitcode)
  3  findings at or above --fail-on
  4  incomplete: something was unread, blocked, stale or partly applied
  5  a guard stopped everything
When several apply, the order is 1, 5, 3, 4, 2.`

// Worst returns the status that wins when several hold.
func Worst(statuses ...int) int {
	for _, s := range []int{StatusFailed, StatusGuarded, StatusFound, StatusIncomplete, StatusChanges} {
		for _, have := range statuses {
			if have == s {
				return s
			}
		}
	}
	return StatusOK
}

// If returns the status if it holds, else StatusOK.
func If(holds bool, status int) int {
	if holds {
		return status
	}
	return StatusOK
}
