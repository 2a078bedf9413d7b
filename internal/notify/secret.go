package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"forcemfa/policy/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// A secret is read from its store at the first use and then kept. It is safe for
// concurrent use.
type secret struct {
	what  string // for errors
	fetch func(context.Context) (string, error)

	mu    sync.Mutex
	value string
}

// newSecret makes no request. Errors do not contain the reference, which may be
// the secret itself.
func newSecret(cfg aws.Config, what, reference string, referencesOnly bool) (*secret, error) {
	s := &secret{what: what}
	name, isName := strings.CutPrefix(reference, "ssm:")
	a, err := arn.Parse(reference)
	switch {
	case isName:
		s.fetch = func(ctx context.Context) (string, error) { return fromParameter(ctx, cfg, name) }
	case err == nil && a.Service == "secretsmanager":
		s.fetch = func(ctx context.Context) (string, error) {
			return fromSecretsManager(ctx, regional(cfg, reference), reference)
		}
	case err == nil && a.Service == "ssm" && strings.HasPrefix(a.Resource, "parameter/"):
		s.fetch = func(ctx context.Context) (string, error) {
			return fromParameter(ctx, regional(cfg, reference), reference)
		}
	case strings.HasPrefix(reference, "arn:"):
		return nil, fmt.Errorf("%s: want the ARN of a Secrets Manager secret or of an SSM parameter", what)
	case referencesOnly:
		return nil, fmt.Errorf("%s: the secret itself must not be here; give its location: the ARN of a Secrets Manager secret or of an SSM parameter, or ssm:/NAME", what)
	default:
		s.value = strings.TrimSpace(reference)
	}
	return s, nil
}

// read returns the secret.
func (s *secret) read(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value != "" {
		return s.value, nil
	}
	if s.fetch == nil {
		return "", fmt.Errorf("%s is empty", s.what)
	}
	value, err := s.fetch(ctx)
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", s.what, err)
	}
	if s.value = strings.TrimSpace(value); s.value == "" {
		return "", fmt.Errorf("read the %s: the secret is empty", s.what)
	}
	return s.value, nil
}

// forget makes the next read fetch the secret again: it was refused and may have
// been replaced.
func (s *secret) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fetch != nil {
		s.value = ""
	}
}

func fromSecretsManager(ctx context.Context, cfg aws.Config, id string) (string, error) {
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return "", fmt.Errorf("get secret %s: %w", id, err)
	}
	if out.SecretString == nil {
		return "", fmt.Errorf("get secret %s: the secret is binary; want text", id)
	}
	value, err := plain(*out.SecretString)
	if err != nil {
		return "", fmt.Errorf("get secret %s: %w", id, err)
	}
	return value, nil
}

// plain returns the text of a secret. The Secrets Manager console creates JSON
// objects, so an object with one key is accepted too.
func plain(text string) (string, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return text, nil
	}
	var pairs map[string]string
	if err := json.Unmarshal([]byte(text), &pairs); err != nil || len(pairs) != 1 {
		return "", errors.New("want plain text, or one key with its value")
	}
	for _, value := range pairs {
		return value, nil
	}
	return "", nil
}

// fromParameter rejects a parameter that is not encrypted: anyone with
// ssm:GetParameter can read it.
func fromParameter(ctx context.Context, cfg aws.Config, name string) (string, error) {
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if err != nil {
		return "", fmt.Errorf("get parameter %s: %w", name, err)
	}
	if out.Parameter == nil || out.Parameter.Value == nil {
		return "", fmt.Errorf("get parameter %s: the response has no value", name)
	}
	if out.Parameter.Type != types.ParameterTypeSecureString {
		return "", fmt.Errorf("get parameter %s: its type is %s; make it a SecureString", name, out.Parameter.Type)
	}
	return *out.Parameter.Value, nil
}
