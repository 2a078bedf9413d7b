package keys

import (
	"strings"

	"forcemfa/internal/org"
	"forcemfa/policy/prove"
)

// bearer are the actions of services whose credentials carry no MFA, by service: what
// the credential needs to work at all, and what it then does.
// Source: IAM User Guide, "Service-specific credentials for IAM users"; Service
// Authorization Reference, CallWithBearerToken.
var bearer = map[string]struct {
	needs string // empty: nothing
	does  []string
	words string
}{
	"bedrock.amazonaws.com":    {"bedrock:CallWithBearerToken", []string{"bedrock:InvokeModel"}, "invoke Bedrock models"},
	"cloudwatch.amazonaws.com": {"cloudwatch:CallWithBearerToken", []string{"cloudwatch:PutMetricData"}, "write CloudWatch metrics"},
	"logs.amazonaws.com":       {"logs:CallWithBearerToken", []string{"logs:PutLogEvents"}, "write log events"},
	"cassandra.amazonaws.com":  {"", []string{"cassandra:Modify", "cassandra:Select"}, "read and write Keyspaces tables"},
	"codecommit.amazonaws.com": {"", []string{"codecommit:GitPush", "codecommit:GitPull"}, ""},
	org.SSH:                    {"", []string{"codecommit:GitPush", "codecommit:GitPull"}, ""},
}

// worstOfService is the worst of a credential that works for one service.
func worstOfService(p *prove.Prover, s prove.Subject, service string) Worst {
	b, known := bearer[service]
	name, _, _ := strings.Cut(service, ".")
	switch {
	case s.Set == nil:
		return Worst{Undecided, "unknown: the policies were not read", ""}
	case !known:
		return Worst{Undecided, "unknown: what a credential for " + name + " can do", ""}
	case b.needs != "" && firstOf(p, s, []string{b.needs}) == "":
		return Worst{Nothing, "nothing that is allowed today", ""}
	case b.words == "":
		return worstOfGit(p, s)
	}
	if action := firstOf(p, s, b.does); action != "" {
		return Worst{SomeData, b.words, action}
	}
	return Worst{Nothing, "nothing that is allowed today", ""}
}

// worstOfGit is the worst of Git credentials and SSH keys, which only CodeCommit takes.
func worstOfGit(p *prove.Prover, s prove.Subject) Worst {
	reach := reachOf(p, s)
	for _, list := range []struct {
		harm  Harm
		grips []grip
	}{{AllData, reach.all}, {SomeData, reach.named}} {
		for i := range list.grips {
			if g := list.grips[i]; g.store.service == "codecommit" {
				return Worst{list.harm, g.String(), exampleOf([]grip{g})}
			}
		}
	}
	return Worst{Nothing, "nothing that is allowed today", ""}
}
