package command

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
)

// page shows text through the program that PAGER names, else less. Without either it
// prints the text. As git does, it has less quit if the text fits, keep colors, and
// leave the text on the screen.
func page(text []byte) error {
	program := os.Getenv("PAGER")
	if program == "" {
		program = "less"
	}
	words := strings.Fields(program)
	if len(words) == 0 || words[0] == "cat" {
		return write(text)
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return write(text)
	}
	c := exec.Command(path, words[1:]...)
	c.Env = append(os.Environ(), "LESSCHARSET=utf-8")
	if os.Getenv("LESS") == "" {
		c.Env = append(c.Env, "LESS=FRX")
	}
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(text), os.Stdout, os.Stderr
	_ = c.Run() // a pager that is left early has an error, and the reader has seen enough
	return nil
}

func write(text []byte) error {
	_, err := os.Stdout.Write(text)
	return err
}
