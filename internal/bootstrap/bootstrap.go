// Package bootstrap assembles the handlers of forcemfa's Lambda functions from their
// environment: reconcile, which keeps one account enforced, central, which keeps the
// accounts of an organization enforced, and notifier, which sends notifications.
//
// The program forcemfa-lambda runs them in Lambda; rehearse runs them in its own process.
package bootstrap

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// An Environment is what a function finds when it starts.
type Environment struct {
	Getenv func(string) string
	Out    io.Writer // takes the log, which contains the metrics

	// The zero values of the following fields are those of Lambda.
	Root     fs.FS          // files in the package; nil: at LAMBDA_TASK_ROOT
	HTTP     aws.HTTPClient // for AWS; nil: over the network
	Loopback bool           // notifications may go to this machine, over http
	Rate     float64        // requests a second, as in fleet.Options
	Now      func() time.Time
	Sleep    func(context.Context, time.Duration) error
}

// A Lambda handles the events of one instance of a function, one after the other. It is a
// lambda.Handler of aws-lambda-go.
type Lambda interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Handler returns the function that FORCEMFA_FUNCTION names. The error names a variable
// that is wrong.
func Handler(ctx context.Context, e *Environment) (Lambda, error) {
	log := slog.New(slog.NewJSONHandler(e.Out, &slog.HandlerOptions{Level: level(e.Getenv("FORCEMFA_LOG_LEVEL"))}))
	switch name := e.Getenv("FORCEMFA_FUNCTION"); name {
	case "", "reconcile":
		return newReconciler(e, log)
	case "central":
		return newCentral(e, log)
	case "notifier":
		return newNotifier(ctx, e, log)
	default:
		return nil, fmt.Errorf("FORCEMFA_FUNCTION is %q: want reconcile, central or notifier", name)
	}
}

// level is how much is logged: info, unless the environment says debug or warn.
func level(text string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(text)); err != nil {
		return slog.LevelInfo
	}
	return l
}
