package cli

import (
	"errors"
	"fmt"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/impact"
	"forcemfa/internal/view"
)

func (o *planOptions) checkWaves() error {
	switch {
	case o.waves == 0:
		return nil
	case o.waves < 0 || o.waves > impact.MostWaves:
		return fmt.Errorf("--propose-waves %d: want 1 to %d", o.waves, impact.MostWaves)
	case o.impact == "":
		return command.WithHint(errors.New("--propose-waves needs the recorded calls"), "make a file with forcemfa impact --save impact.json, then add --impact impact.json")
	case o.remove:
		return errors.New("--propose-waves and --remove are different plans: give one of them")
	}
	return nil
}

// sink sends the audit to the run, and to the proposal of waves.
func (o *planOptions) sink(run audit.Sink, recorded *impact.Report) audit.Sink {
	if o.waves == 0 {
		return run
	}
	o.proposal = impact.NewWaves(recorded)
	if run == nil {
		return o.proposal
	}
	return audit.Sinks{run, o.proposal}
}

func (o *planOptions) showWaves() error {
	waves := o.proposal.Propose(o.waves, o.Env.Now())
	if o.JSON() {
		return view.JSON(o.Stdout(), struct {
			Waves []impact.Wave `json:"waves"`
		}{waves})
	}
	if len(waves) == 0 {
		o.Remark("every user is enforced or exempt: there is nothing to spread over waves")
		return nil
	}
	_, err := o.Stdout().Write(impact.WavesConfig(waves))
	return err
}
