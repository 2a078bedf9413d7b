package keys

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/prove"
)

// A Harm ranks what a key can do without MFA, the worst first.
type Harm int

// The harms.
const (
	Administers Harm = iota // changes who may do what
	Undecided               // could not be decided
	AllData                 // reads or writes the data of every resource of a service
	RunsCode                // starts programs that have roles
	SomeData                // reads or writes named resources
	Calls                   // makes other calls
	Nothing                 // makes no call that anything allows
)

// A Worst is the worst that a credential can do without MFA.
type Worst struct {
	Harm    Harm
	Words   string
	Example string // action and resource
}

// byKey are the credentials that are judged: a thief of a key has the key alone.
var byKey = []policy.Credential{policy.LongTermKey}

// worstOf is the worst that an access key of a subject can do without MFA.
func worstOf(p *prove.Prover, s prove.Subject) Worst {
	answer := p.User(s)
	switch {
	case s.Set == nil:
		return Worst{Undecided, "unknown: the policies were not read", ""}
	case answer.Outcome == prove.Enforced:
		return Worst{Nothing, "nothing without MFA", ""}
	}
	if action, resource := p.Administers(s, byKey...); action != "" {
		return Worst{Administers, "administer the account", action + " on " + resource}
	}
	if w, found := asRole(p, s); found {
		return w
	}
	reach := reachOf(p, s)
	if len(reach.all) > 0 {
		return reach.worst(AllData)
	}
	if action := firstOf(p, s, codeActions); action != "" {
		return Worst{RunsCode, "run code in the account (" + action + ")", action}
	}
	if len(reach.named) > 0 {
		return reach.worst(SomeData)
	}
	return remainder(p, s, answer)
}

// remainder is the worst of a key that neither administers, nor runs code, nor reaches
// data of the table.
func remainder(p *prove.Prover, s prove.Subject, answer prove.Answer) Worst {
	switch c := answer.Counterexample; {
	case answer.Outcome == prove.Unknown:
		return Worst{Undecided, "unknown: " + answer.Why, ""}
	case c != nil && !answer.Latent && open(p, s, c.Action, c.Resource):
		return Worst{Calls, "call " + c.Action, c.Action + " on " + c.Resource}
	}
	return Worst{Nothing, "nothing that is allowed today", ""}
}

// asRole is the worst by way of a role that the key can assume without MFA.
func asRole(p *prove.Prover, s prove.Subject) (Worst, bool) {
	s.Credentials = byKey
	reached, _ := p.Reach(s)
	for _, r := range reached {
		if r.Counterexample.Credential == policy.ConsolePassword {
			continue
		}
		if p.RoleAdministers(s, r.Role) {
			name := r.Role.ARN
			if a, err := arn.Parse(name); err == nil {
				name = a.Name()
			}
			return Worst{Administers, "administer the account as role " + name, "sts:AssumeRole on " + r.Role.ARN}, true
		}
	}
	return Worst{}, false
}

func open(p *prove.Prover, s prove.Subject, action, resource string) bool {
	o, _, _ := p.Possible(s, byKey, action, resource)
	return o == prove.Open
}

// codeActions start programs that have the permissions of a role.
var codeActions = []string{
	"ec2:RunInstances", "lambda:UpdateFunctionCode", "lambda:CreateFunction", "ssm:SendCommand", "ssm:StartSession", "cloudformation:CreateStack",
	"ecs:RunTask", "ecs:ExecuteCommand", "codebuild:StartBuild", "glue:StartJobRun", "sagemaker:CreateProcessingJob", "states:StartExecution", "batch:SubmitJob",
}

// firstOf is the first of some actions that the key can call on any resource.
func firstOf(p *prove.Prover, s prove.Subject, actions []string) string {
	for _, action := range actions {
		service, _, _ := strings.Cut(action, ":")
		for _, resource := range append(namedIn(s.Set, service), "*") {
			if open(p, s, action, resource) {
				return action
			}
		}
	}
	return ""
}

// A store is a service that holds data.
type store struct {
	service, noun string
	anything      string // a resource that no policy names; PARTITION, REGION and ACCOUNT are filled in
	read, write   []string
}

// stores are the services whose data is told apart in the words of a Worst.
// Source: Service Authorization Reference, access levels "Read" and "Write".
var stores = []store{
	{"s3", "bucket", "arn:PARTITION:s3:::forcemfa-unnamed/forcemfa-unnamed", []string{"s3:GetObject"}, []string{"s3:PutObject", "s3:DeleteObject"}},
	{"dynamodb", "table", "arn:PARTITION:dynamodb:REGION:ACCOUNT:table/forcemfa-unnamed", []string{"dynamodb:GetItem", "dynamodb:Scan"}, []string{"dynamodb:PutItem", "dynamodb:DeleteTable"}},
	{"secretsmanager", "secret", "arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:forcemfa-unnamed", []string{"secretsmanager:GetSecretValue"}, []string{"secretsmanager:PutSecretValue"}},
	{"ssm", "parameter", "arn:PARTITION:ssm:REGION:ACCOUNT:parameter/forcemfa-unnamed", []string{"ssm:GetParameter", "ssm:GetParameters"}, []string{"ssm:PutParameter"}},
	{"sqs", "queue", "arn:PARTITION:sqs:REGION:ACCOUNT:forcemfa-unnamed", []string{"sqs:ReceiveMessage"}, []string{"sqs:SendMessage", "sqs:PurgeQueue"}},
	{"kinesis", "stream", "arn:PARTITION:kinesis:REGION:ACCOUNT:stream/forcemfa-unnamed", []string{"kinesis:GetRecords"}, []string{"kinesis:PutRecord"}},
	{"ecr", "image repository", "arn:PARTITION:ecr:REGION:ACCOUNT:repository/forcemfa-unnamed", []string{"ecr:BatchGetImage"}, []string{"ecr:PutImage"}},
	{"codecommit", "Git repository", "arn:PARTITION:codecommit:REGION:ACCOUNT:forcemfa-unnamed", []string{"codecommit:GitPull"}, []string{"codecommit:GitPush"}},
	{"rds", "database", "arn:PARTITION:rds:REGION:ACCOUNT:db:forcemfa-unnamed", nil, []string{"rds:DeleteDBInstance"}},
	{"bedrock", "model", "arn:PARTITION:bedrock:REGION::foundation-model/forcemfa-unnamed", nil, []string{"bedrock:InvokeModel"}},
}

// A grip is how a key reaches the data of one store.
type grip struct {
	store       store
	read, write bool
	names       []string // of resources; empty: all
}

func (g *grip) String() string {
	verb := "read"
	switch {
	case g.store.service == "bedrock":
		verb = "invoke"
	case g.read && g.write:
		verb = "read and write"
	case g.write && g.store.service == "rds":
		verb = "delete"
	case g.write:
		verb = "write"
	}
	const few = 2
	switch n := len(g.names); {
	case n == 0 && g.store.service == "s3":
		return verb + " every S3 bucket"
	case n == 0:
		return verb + " every " + g.store.noun
	case n <= few:
		return verb + " " + g.store.noun + " " + strings.Join(g.names, ", ")
	default:
		return fmt.Sprintf("%s %d %s", verb, n, plural(g.store.noun))
	}
}

func plural(noun string) string {
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return stem + "ies"
	}
	return noun + "s"
}

// A dataReach is the data that a key reaches.
type dataReach struct{ all, named []grip }

// worst puts the grips into words.
func (r dataReach) worst(h Harm) Worst {
	grips := r.named
	if h == AllData {
		grips = r.all
	}
	const many = 4
	reads := len(slices.DeleteFunc(slices.Clone(grips), func(g grip) bool { return !g.read }))
	writes := len(slices.DeleteFunc(slices.Clone(grips), func(g grip) bool { return !g.write }))
	if h == AllData && max(reads, writes) > many {
		switch {
		case reads > many && writes > many:
			return Worst{h, "read and write all data", exampleOf(grips)}
		case reads > many:
			return Worst{h, "read all data", exampleOf(grips)}
		}
		return Worst{h, "write all data", exampleOf(grips)}
	}
	words := make([]string, len(grips))
	for i := range grips {
		words[i] = grips[i].String()
	}
	if more := len(words) - 2; more > 0 {
		words = append(words[:2], fmt.Sprintf("%d more", more))
	}
	return Worst{h, strings.Join(words, ", "), exampleOf(grips)}
}

func exampleOf(grips []grip) string {
	g := grips[0]
	return cmp.Or(strings.Join(slices.Concat(g.store.read[:min(1, len(g.store.read))], g.store.write[:min(1, len(g.store.write))]), ", "), g.store.service)
}

// reachOf tries the actions of every store on a resource that no policy names, and on
// those that the policies name.
func reachOf(p *prove.Prover, s prove.Subject) (out dataReach) {
	for _, st := range stores {
		any := strings.NewReplacer("PARTITION", partitionOf(s), "REGION", "us-east-1", "ACCOUNT", s.Principal.Account).Replace(st.anything)
		can := func(actions []string, resource string) bool {
			return slices.ContainsFunc(actions, func(a string) bool { return open(p, s, a, resource) })
		}
		if g := (grip{store: st, read: can(st.read, any), write: can(st.write, any)}); g.read || g.write {
			out.all = append(out.all, g)
			continue
		}
		g := grip{store: st}
		for _, resource := range namedIn(s.Set, st.service) {
			read, write := can(st.read, resource), can(st.write, resource)
			if name := resourceName(resource); (read || write) && !slices.Contains(g.names, name) {
				g.names = append(g.names, name)
			}
			g.read, g.write = g.read || read, g.write || write
		}
		if len(g.names) > 0 {
			out.named = append(out.named, g)
		}
	}
	return out
}

func partitionOf(s prove.Subject) string {
	a, _ := arn.Parse(s.Principal.ARN)
	return cmp.Or(a.Partition, "aws")
}

// mostNamed bounds the resources of a service that are tried.
const mostNamed = 32

// namedIn are resources of a service that the Allows of a set name, with what a wildcard
// stands for made up.
func namedIn(set *policy.Set, service string) (out []string) {
	for _, source := range set.Sources() {
		if source.Document == nil {
			continue
		}
		for i := range source.Document.Statements {
			st := &source.Document.Statements[i]
			for _, pattern := range st.Resources {
				if a, ok := arn.Split(pattern); ok && st.Effect == policy.Allow && a.Service == service && len(out) < mostNamed {
					out = append(out, exampleResource(a))
				}
			}
		}
	}
	return out
}

// exampleResource is a resource that a pattern matches.
func exampleResource(a arn.ARN) string {
	for part, text := range map[*string]string{&a.Partition: "aws", &a.Region: "us-east-1", &a.Account: "000000000000"} {
		if strings.ContainsAny(*part, "*?") {
			*part = text
		}
	}
	if bucket, key, _ := strings.Cut(a.Resource, "/"); a.Service == "s3" && key == "" {
		a.Resource = bucket + "/forcemfa-unnamed"
	}
	a.Resource = strings.NewReplacer("*", "forcemfa-unnamed", "?", "x").Replace(a.Resource)
	return a.String()
}

// resourceName is the name by which people know a resource: a bucket, a table.
func resourceName(resource string) string {
	a, _ := arn.Split(resource)
	if a.Service == "s3" {
		bucket, _, _ := strings.Cut(a.Resource, "/")
		return bucket
	}
	name := a.Resource
	if i := strings.IndexAny(name, "/:"); i >= 0 {
		name = name[i+1:]
	}
	return name
}
