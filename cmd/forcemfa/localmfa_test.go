//go:build unix

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"forcemfa/internal/testclients"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// The commands of docs/local-mfa.md run in one shell, as a reader would type them: the
// second is refused, the third succeeds.
func TestTheThreeCommandsForTheEmbeddedAWSWork(t *testing.T) {
	testclients.Need(t, "aws")
	t.Parallel()
	page, err := os.ReadFile("../../docs/local-mfa.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlock.FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 3 {
		t.Fatalf("the page has %d commands, want 3", len(blocks))
	}
	script := blocks[0][1] + "server=$!\n" + strings.TrimSpace(blocks[1][1]) + " && echo passed without a code\n" + blocks[2][1] + "status=$?\nkill $server\nexit $status\n"
	shell := testclients.Command(t, "sh", "-c", script)
	shell.Dir = t.TempDir()
	shell.Env = append(testclients.Environment(), "HOME="+shell.Dir, "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_OUTPUT=json", "AWS_PAGER=")
	out, err := shell.CombinedOutput()
	text := string(out)
	if err != nil || !strings.Contains(text, "AccessDenied") || strings.Contains(text, "passed without a code") || !strings.Contains(text, "SessionToken") {
		t.Errorf("%v\n%s", err, text)
	}
}
