package command

import (
	"context"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/baseline"
	"forcemfa/internal/filefault"
	"forcemfa/internal/fleet"
	"forcemfa/policy/yaml"
)

// DefaultConfig is the config file that is read without --config.
const DefaultConfig = "forcemfa.yaml"

// ConfigFile is the named config file, else [DefaultConfig] if it exists, else
// empty.
func ConfigFile(name string) string {
	if name != "" {
		return name
	}
	if _, err := os.Stat(DefaultConfig); err != nil {
		return ""
	}
	return DefaultConfig
}

// Baseline reads a config file; without one it takes the stand-in. Environment
// variables override both.
func (e *Env) Baseline(file string, standIn func() (*baseline.Baseline, error)) (*baseline.Baseline, error) {
	if err := e.CheckVariables(); err != nil {
		return nil, err
	}
	b, err := readConfig(file, standIn)
	if err != nil {
		return nil, err
	}
	if err := b.Override(e.Getenv); err != nil {
		return nil, WithHint(err, "unset or correct the variable; docs/config.md lists all variables")
	}
	return b, nil
}

func readConfig(file string, standIn func() (*baseline.Baseline, error)) (*baseline.Baseline, error) {
	if file == "" {
		return standIn()
	}
	text, err := ReadConfig(file)
	if err != nil {
		return nil, WithHint(FileError("read config", err), "name an existing file, or omit --config to use the defaults")
	}
	return baseline.Parse(file, text)
}

// ReadConfig returns the text of a config file, which is never longer than the YAML that
// is read.
func ReadConfig(file string) ([]byte, error) { return filefault.Read(file, yaml.MaxSize) }

// LoadConfig is the SDK's own loader, with one transport for all clients.
func LoadConfig(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	home, _ := os.UserHomeDir()
	var cfg aws.Config
	settings, credentials := awsfile.Paths(os.Getenv, home)
	err := awsfile.Opening(settings, credentials, os.Getenv, func() (err error) {
		cfg, err = config.LoadDefaultConfig(ctx, options...)
		return err
	})
	if err != nil {
		return aws.Config{}, err
	}
	cfg.HTTPClient = fleet.Transport(cfg.HTTPClient)
	return cfg, nil
}

// ProfileHint is the next step after an error of the AWS settings.
func ProfileHint(profile string) string {
	if profile == "" {
		return "check AWS_PROFILE, ~/.aws/config and ~/.aws/credentials"
	}
	return "check the profile " + strings.TrimSpace(profile) + ` with "aws sts get-caller-identity --profile ` + profile + `"`
}
