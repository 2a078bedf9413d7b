package offline

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/fault"
	"forcemfa/internal/filefault"
)

// weather is the flags of faults.
type weather struct {
	chaos   uint64
	rules   []string
	file    string
	flagSet *pflag.FlagSet
}

func (o *weather) flags(f *pflag.FlagSet) {
	f.Uint64Var(&o.chaos, "chaos", 0, "throttle, fail, delay and lag as AWS does on a bad day; the same `seed` gives the same faults")
	f.StringArrayVar(&o.rules, "fault", nil, "add a `fault`, such as down,service=sts or throttle,service=iam,rate=0.2; can be repeated")
	f.StringVar(&o.file, "faults", "", "JSON `file` with a seed and a list of faults")
	o.flagSet = f
}

// set gives the cloud the faults of the flags: those of --fault first, then those of the
// file, then those of --chaos. The first that hits a request decides.
func (o *weather) set(cloud *emulator.Cloud) error {
	plan, err := o.plan()
	if err != nil {
		return err
	}
	if err := cloud.SetFaults(plan); err != nil {
		return command.WithHint(fmt.Errorf("faults: %w", err), "name an account of the organization that is served")
	}
	return nil
}

// mostFaults is more than a file of faults holds.
const mostFaults = 16 << 20

func (o *weather) plan() (plan fault.Plan, err error) {
	for _, text := range o.rules {
		rule, err := fault.ParseRule(text)
		if err != nil {
			return plan, command.WithHint(fmt.Errorf("--fault %w", err), "see docs/emulator.md for the kinds of faults and what each needs")
		}
		plan.Faults = append(plan.Faults, rule)
	}
	if o.file != "" {
		text, err := filefault.Read(o.file, mostFaults)
		if err != nil {
			return plan, fmt.Errorf("--faults %s: %w", o.file, command.FileReason(err))
		}
		read, err := fault.Parse(text)
		if err != nil {
			return plan, command.WithHint(fmt.Errorf("--faults %s: %w", o.file, err), "see docs/emulator.md for the form of the file")
		}
		if plan.Seed = read.Seed; o.chaotic() && read.Seed != 0 {
			return plan, errors.New("--chaos SEED and the seed of --faults exclude each other")
		}
		plan.Faults = append(plan.Faults, read.Faults...)
	}
	if o.chaotic() {
		storm := fault.Chaos(o.chaos)
		plan.Seed, plan.Faults = storm.Seed, append(plan.Faults, storm.Faults...)
	}
	return plan, nil
}

// chaotic reports whether --chaos was given: every number is a seed, 0 too.
func (o *weather) chaotic() bool { return o.flagSet.Changed("chaos") }
