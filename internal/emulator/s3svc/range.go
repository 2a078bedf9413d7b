package s3svc

import (
	"fmt"
	"strconv"
	"strings"
)

// cut returns the part of an object that a Range asks for, and the Content-Range of the
// answer; empty: the whole object, because no range, several or none that is valid was
// asked for.
// Source: RFC 9110, "Range"; Amazon S3 API Reference, GetObject: one range in a request.
func cut(body []byte, text string) (part []byte, where string, err error) {
	first, last, ok := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	if !ok || !strings.HasPrefix(text, "bytes=") || strings.Contains(text, ",") {
		return body, "", nil
	}
	from, noFirst := strconv.ParseUint(first, 10, 62)
	to, noLast := strconv.ParseUint(last, 10, 62)
	size := uint64(len(body))
	switch {
	case first == "" && noLast == nil: // the last bytes
		from, to = size-min(to, size), size-1
		if last == "0" {
			from = size
		}
	case noFirst != nil || last != "" && (noLast != nil || to < from):
		return body, "", nil
	case last == "" || to >= size:
		to = size - 1
	}
	if from >= size {
		return nil, "", refuse("InvalidRange", "The requested range is not satisfiable")
	}
	return body[from : to+1], fmt.Sprintf("bytes %d-%d/%d", from, to, size), nil
}
