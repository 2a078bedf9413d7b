package command

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/testclients"
)

// askVariable makes the test program prompt, as a program of its own in a terminal.
const askVariable = "FORCEMFATEST_ASK"

func TestMain(m *testing.M) {
	if words := os.Getenv(askVariable); words != "" {
		os.Exit(asking(strings.Fields(words)))
	}
	os.Exit(testclients.Run(m))
}

// asking does what the words say, and prints the answers on stdout.
func asking(words []string) int {
	e := ProcessEnv()
	defer e.ReleaseTerminal()
	ctx, stop := WithSignals(context.Background())
	defer stop()
	for _, word := range words {
		ask := map[string]func(context.Context, string) (string, error){"secret": e.AskSecret, "word": e.Ask}[word]
		if ask == nil { // a key is derived
			fmt.Println("working")
			time.Sleep(300 * time.Millisecond)
			continue
		}
		answer, err := ask(ctx, word+"? ")
		if err != nil {
			fmt.Printf("error: %v\n", err)
			return ending(ctx, err).Status
		}
		fmt.Printf("[%d]\n", len(answer))
	}
	return 0
}

func startAsking(t *testing.T, words string, shell ...string) *testclients.Terminal {
	t.Helper()
	argv := append(shell, os.Args[0])
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), askVariable+"="+words, "PS1=$ ")
	return testclients.InTerminal(t, cmd)
}

func TestNoSecretIsEchoedEvenBetweenTwoPrompts(t *testing.T) {
	term := startAsking(t, "secret work secret word")
	term.Expect("secret? ")
	term.Type("hunter1\r")
	term.Expect("working")
	term.Type("hunter22\r")
	term.Expect("[8]")
	term.Expect("word? ")
	term.Type("visible\r")
	term.Expect("visible")
	term.Expect("[7]")
	if status := term.Wait(); status != 0 || strings.Contains(term.Shown(), "hunter") {
		t.Errorf("status %d:\n%s", status, term.Shown())
	}
	if !term.Echoes() {
		t.Error("the echo is still off")
	}
}

func TestAfterCtrlZTheQuestionIsRepeatedAndTheSecretIsHidden(t *testing.T) {
	cmd := testclients.Command(t, "bash", "--norc", "--noediting", "-i")
	cmd.Env = append(os.Environ(), "PS1=ready> ")
	term := testclients.InTerminal(t, cmd)
	term.Expect("ready> ")
	term.Type(askVariable + "=secret " + os.Args[0] + "\r")
	term.Expect("secret? ")
	term.Type("hun\x1a")
	term.Expect("ready> ")
	if !term.Echoes() {
		t.Error("the shell has a terminal without echo")
	}
	term.Type("fg\r")
	term.Expect("secret? ")
	term.Type("hunter2\r")
	term.Expect("[7]")
	term.Expect("ready> ")
	if strings.Contains(term.Shown(), "hunter2") {
		t.Errorf("the secret is shown:\n%s", term.Shown())
	}
	term.Type("exit\r")
	term.Wait()
}

func TestInTheBackgroundAPromptFailsAtOnce(t *testing.T) {
	cmd := testclients.Command(t, "bash", "--norc", "--noediting", "-i")
	cmd.Env = append(os.Environ(), "PS1=ready> ")
	term := testclients.InTerminal(t, cmd)
	term.Expect("ready> ")
	term.Type(askVariable + "=secret " + os.Args[0] + " &\r")
	term.Expect("error: this process runs in the background")
	term.Type("wait; " + askVariable + "=secret " + os.Args[0] + "\r")
	term.Expect("secret? ")
	term.Type("\x1a")
	term.Expect("ready> ")
	term.Type("bg\r")
	term.Expect("error: this process runs in the background")
	term.Type("exit\r")
	term.Wait()
}

func TestCtrlCAtAPromptGivesTheEchoBack(t *testing.T) {
	term := startAsking(t, "secret")
	term.Expect("secret? ")
	term.Type("\x03")
	if status := term.Wait(); status != 130 {
		t.Errorf("status %d, want 130:\n%s", status, term.Shown())
	}
	if !term.Echoes() {
		t.Error("the echo is still off")
	}
}

func TestQuestionsGoToTheTerminalAndNotToStderr(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), askVariable+"=word secret")
	var captured strings.Builder
	cmd.Stderr = &captured
	term := testclients.InTerminal(t, cmd)
	term.Expect("word? ")
	term.Type("2\r")
	term.Expect("secret? ")
	term.Type("123456\r")
	if status := term.Wait(); status != 0 || captured.String() != "" {
		t.Errorf("status %d, stderr %q", status, captured.String())
	}
}
