package command

import (
	"bytes"
	"fmt"
	"os"

	"forcemfa/internal/baseline"
	"forcemfa/internal/plan"
)

// ReadPlan reads a plan that a verb saved. The file is untrusted: it is only compared
// with a new plan.
func ReadPlan(name, verb string) (*plan.Plan, error) {
	remedy := fmt.Sprintf("make it again with \"forcemfa %s --out FILE\"", verb)
	file, err := os.Open(name)
	if err != nil {
		return nil, WithHint(FileError("read plan", err), remedy)
	}
	defer file.Close()
	p, err := plan.Read(name, file)
	if err != nil {
		return nil, WithHint(err, remedy)
	}
	return p, nil
}

// SavePlan writes the whole file or nothing, readable only by its owner: a plan holds no
// secret, but it names the users without MFA.
func SavePlan(name string, p *plan.Plan) error {
	var text bytes.Buffer
	if err := plan.Write(&text, p); err != nil {
		return err
	}
	return WriteFile(name, text.Bytes(), 0o600)
}

// Acknowledgements are the values of --ack.
func Acknowledgements(words []string) ([]baseline.Acknowledgement, error) {
	var acks []baseline.Acknowledgement
	for _, word := range words {
		a, err := baseline.ParseAcknowledgement(word)
		if err != nil {
			return nil, WithHint(err, "--ack takes lockout:bob or lockout:111122223333/bob")
		}
		acks = append(acks, a)
	}
	return acks, nil
}
