package cfnsvc

import "fmt"

// awsMessage is an error whose text is that of AWS: a sentence that begins with a
// capital letter, as clients show it.
type awsMessage string

func (m awsMessage) Error() string { return string(m) }

// awsError returns an error with a text of AWS.
func awsError(format string, args ...any) error {
	return awsMessage(fmt.Sprintf(format, args...))
}
