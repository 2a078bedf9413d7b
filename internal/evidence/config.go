package evidence

import (
	"encoding/json"
	"io"

	"forcemfa/internal/baseline"
)

// A config is config.json: the config with the defaults and the environment variables in
// force. Where notifications go is left out.
type config struct {
	Hash     string             `json:"hash"`
	Notes    []string           `json:"notes,omitempty"`
	Baseline *baseline.Baseline `json:"config"`
}

func (c config) write(w io.Writer) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
