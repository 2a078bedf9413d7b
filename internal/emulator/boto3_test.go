package emulator

import (
	"encoding/json"
	"strings"
	"testing"

	"forcemfa/internal/testclients"
)

// boto3's paginators of IAM and Organizations return the same with pages of one, its waiters
// end and give up, and errors have the classes of its exceptions.
func TestPaginatorsWaitersAndExceptionsOfBoto3Work(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "boto3")
	p := clientAs(t, listen(t, New(callsWorld(), Options{Stopped: true})), keyOf("root-admin"), "secret of root-admin", "")
	stdout, stderr := p.run("python3", "testdata/client.py")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	var tried struct{ Paginators, Waiters, Exceptions, Longest int }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &tried); err != nil || len(lines) > 1 {
		t.Fatalf("%v\n%s\n%s", err, stdout, stderr)
	}
	if tried.Paginators < 45 || tried.Waiters < 4 || tried.Exceptions < 18 || tried.Longest < 3 {
		t.Errorf("only %+v", tried)
	}
}
