package deploy

import (
	"fmt"
	"strconv"
	"strings"

	"forcemfa/internal/baseline"
)

// eachChannel is a line for every setting of a channel, with the names of its parameter
// and of its environment variable.
func eachChannel(format string) string {
	var lines []string
	for _, s := range baseline.ChannelSettings() {
		lines = append(lines, strings.NewReplacer("PARAMETER", s.Parameter, "VARIABLE", s.Variable).Replace(format))
	}
	return strings.Join(lines, "\n")
}

// channelParameters declares the parameters of the channels.
func channelParameters(template string) string {
	var b strings.Builder
	for _, s := range baseline.ChannelSettings() {
		fmt.Fprintf(&b, "  %s:\n    Type: String\n    Default: \"\"\n", s.Parameter)
		if s.Pattern != "" {
			fmt.Fprintf(&b, "    AllowedPattern: %s\n", strconv.Quote(s.Pattern))
		}
		about := s.About
		if template == Member {
			about += " Not used with a bus."
		}
		fmt.Fprintf(&b, "    Description: %s\n", about)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// channelConditions are a condition for each parameter, whether it is set, and one
// whether the function reads a secret. In a member with a bus none holds, because only
// the notifier sends.
func channelConditions(template string) string {
	var lines, secrets []string
	for _, s := range baseline.ChannelSettings() {
		set := `{"Fn::Not": [{"Fn::Equals": [{Ref: ` + s.Parameter + `}, ""]}]}`
		if template == Member {
			set = `{"Fn::And": [{"Fn::Not": [{Condition: HasBus}]}, ` + set + `]}`
		}
		lines = append(lines, "  Has"+s.Parameter+": "+set)
		if s.Secret {
			secrets = append(secrets, "{Condition: Has"+s.Parameter+"}")
		}
	}
	return strings.Join(append(lines, `  ReadsSecret: {"Fn::Or": [`+strings.Join(secrets, ", ")+"]}"), "\n")
}

// channelSecrets are the resources of the statement that reads secrets.
func channelSecrets() string {
	var lines []string
	for _, s := range baseline.ChannelSettings() {
		if s.Secret {
			lines = append(lines, fmt.Sprintf(`                      - {"Fn::If": [Has%[1]s, {Ref: %[1]s}, {Ref: "AWS::NoValue"}]}`, s.Parameter))
		}
	}
	return strings.Join(lines, "\n")
}

// channelStatements let the function call the services of the channels.
func channelStatements() string {
	var parts []string
	for _, s := range baseline.ChannelSettings() {
		if s.Action == "" {
			continue
		}
		parts = append(parts, fmt.Sprintf(`              - Fn::If:
                  - Has%[1]s
                  - Sid: Use%[1]s
                    Effect: Allow
                    Action: %[2]s
                    Resource: {Ref: %[1]s}
                  - {Ref: "AWS::NoValue"}`, s.Parameter, s.Action))
	}
	return strings.Join(parts, "\n")
}
