// Package lambdasvc implements Lambda of the embedded AWS: functions from a zip file in
// S3 with role, environment and dead-letter queue, their resource policies, reserved
// concurrency and the settings of asynchronous invocations.
//
// Package engine invokes the functions.
package lambdasvc

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/s3svc"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Function is a Lambda function.
type Function struct {
	ARN, Name string
	Settings
	ID        string            // another one after the function was deleted and created again
	Code      []byte            // zip file
	Revision  int               // increases with every change; an instance serves one revision
	Reserved  int               // concurrency; NoReservation: none
	Statement map[string]string // of the resource policy, by ID
	Retries   int               // of asynchronous invocations
	MaxAge    int               // seconds that an event is retried
}

// NoReservation is the reserved concurrency of a function without one.
const NoReservation = -1

// Settings are what UpdateFunctionConfiguration can change.
type Settings struct {
	Description, Role, Runtime, Handler, Architecture string
	MemorySize, Timeout                               int
	Environment                                       map[string]string
	DeadLetter                                        string // ARN; empty: none
	LogGroup                                          string // empty: /aws/lambda/NAME
}

// CloneItem implements [world.Item].
func (f *Function) CloneItem() world.Item {
	c := *f
	c.Environment, c.Statement = maps.Clone(f.Environment), maps.Clone(f.Statement)
	return &c
}

// Policy returns the resource policy; empty: none.
func (f *Function) Policy() string {
	if len(f.Statement) == 0 {
		return ""
	}
	var all []string
	for _, id := range slices.Sorted(maps.Keys(f.Statement)) {
		all = append(all, f.Statement[id])
	}
	return `{"Version":"2012-10-17","Id":"default","Statement":[` + strings.Join(all, ",") + `]}`
}

// Inputs contain the members of the API that are used here.
type (
	// CreateInput is the input of CreateFunction.
	CreateInput struct {
		FunctionName string
		Settings
		S3Bucket, S3Key, S3ObjectVersion string
		Tags                             map[string]string
	}
	// CodeInput is the input of UpdateFunctionCode.
	CodeInput struct{ FunctionName, S3Bucket, S3Key, S3ObjectVersion string }
	// SettingsInput is the input of UpdateFunctionConfiguration.
	SettingsInput struct {
		FunctionName string
		Settings
	}
	// FunctionInput names a function.
	FunctionInput struct{ FunctionName string }
	// ConcurrencyInput is the input of PutFunctionConcurrency.
	ConcurrencyInput struct {
		FunctionName                 string
		ReservedConcurrentExecutions int
	}
	// PermissionInput is the input of AddPermission.
	PermissionInput struct{ FunctionName, StatementId, Action, Principal, SourceArn, SourceAccount string }
	// RemovalInput is the input of RemovePermission.
	RemovalInput struct{ FunctionName, StatementId string }
	// EventInput is the input of PutFunctionEventInvokeConfig.
	EventInput struct {
		FunctionName                                   string
		MaximumRetryAttempts, MaximumEventAgeInSeconds int
	}
	// ListInput is the input of ListFunctions.
	ListInput struct{}
	// Output is the output of all operations.
	Output struct {
		Function  *Function   `json:"-"`
		Functions []*Function `json:"-"`
	}
)

// Operations returns the operations of Lambda.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Write("CreateFunction", askCreate, create),
		operation.Write("UpdateFunctionCode", askCode, updateCode),
		operation.Write("UpdateFunctionConfiguration", askSettings, updateSettings),
		operation.Write("DeleteFunction", askFunction("DeleteFunction"), remove),
		operation.Read("GetFunction", askFunction("GetFunction"), get),
		operation.Read("ListFunctions", operation.OnAll[ListInput]("lambda:ListFunctions"), list),
		operation.Write("AddPermission", func(c *operation.Call, in *PermissionInput) ([]operation.Ask, error) {
			return on(c, "AddPermission", in.FunctionName), nil
		}, addPermission),
		operation.Write("RemovePermission", func(c *operation.Call, in *RemovalInput) ([]operation.Ask, error) {
			return on(c, "RemovePermission", in.FunctionName), nil
		}, removePermission),
		operation.Write("PutFunctionConcurrency", func(c *operation.Call, in *ConcurrencyInput) ([]operation.Ask, error) {
			return on(c, "PutFunctionConcurrency", in.FunctionName), nil
		}, putConcurrency),
		operation.Write("DeleteFunctionConcurrency", askFunction("DeleteFunctionConcurrency"), deleteConcurrency),
		operation.Write("PutFunctionEventInvokeConfig", func(c *operation.Call, in *EventInput) ([]operation.Ask, error) {
			return on(c, "PutFunctionEventInvokeConfig", in.FunctionName), nil
		}, putEvent),
	}, reach)
}

// reach returns that of a call whose code and role can be those of another account.
func reach(w *world.World, account string, in any) operation.Reach {
	bucket := operation.Member(in, "S3Bucket")
	owner := w.BucketOwner(bucket)
	return operation.ReachOf(operation.IsOwn(account, operation.Member(in, "Role")) && (owner == "" || owner == account))
}

// FunctionARN returns the ARN of a function by its name or ARN.
func FunctionARN(c *operation.Call, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return c.ARN("lambda", "function:"+name)
}

func on(c *operation.Call, action, name string) []operation.Ask {
	return []operation.Ask{{Action: "lambda:" + action, Resource: FunctionARN(c, name)}}
}

func askFunction(action string) func(*operation.Call, *FunctionInput) ([]operation.Ask, error) {
	return func(c *operation.Call, in *FunctionInput) ([]operation.Ask, error) {
		return on(c, action, in.FunctionName), nil
	}
}

// askCreate also asks for the code, which Lambda reads for its caller, and for passing
// the role.
// Source: Lambda Developer Guide, "Identity-based IAM policies for Lambda".
func askCreate(c *operation.Call, in *CreateInput) ([]operation.Ask, error) {
	asks := append(on(c, "CreateFunction", in.FunctionName), passRole(in.Role))
	if len(in.Tags) > 0 {
		asks = append(asks, on(c, "TagResource", in.FunctionName)...)
	}
	return append(asks, s3svc.Ask(c, in.S3Bucket, in.S3Key)...), nil
}

func passRole(role string) operation.Ask {
	return operation.Ask{Action: "iam:PassRole", Resource: role, Context: func(x *policy.Context) { x.Set("iam:PassedToService", service) }}
}

const service = "lambda.amazonaws.com"

func askCode(c *operation.Call, in *CodeInput) ([]operation.Ask, error) {
	return append(on(c, "UpdateFunctionCode", in.FunctionName), s3svc.Ask(c, in.S3Bucket, in.S3Key)...), nil
}

func askSettings(c *operation.Call, in *SettingsInput) ([]operation.Ask, error) {
	return append(on(c, "UpdateFunctionConfiguration", in.FunctionName), passRole(in.Role)), nil
}

func invalid(format string, a ...any) error {
	return operation.Fault("InvalidParameterValueException", format, a...)
}

func absent(c *operation.Call, name string) error {
	return operation.Fault("ResourceNotFoundException", "Function not found: %s", FunctionARN(c, name))
}

func edit(c *operation.Call, name string) (*Function, error) {
	f, ok := world.Change[*Function](c.World, c.Caller.Account, FunctionARN(c, name))
	if !ok {
		return nil, absent(c, name)
	}
	f.Revision++
	return f, nil
}

func create(c *operation.Call, in *CreateInput) (*Output, error) {
	key := FunctionARN(c, in.FunctionName)
	if _, ok := world.Find[*Function](c.World.Account(c.Caller.Account), key); ok {
		return nil, operation.Fault("ResourceConflictException", "Function already exist: %s", in.FunctionName)
	}
	code, err := codeOf(c, in.S3Bucket, in.S3Key)
	if err != nil {
		return nil, err
	}
	if err := in.check(c, key); err != nil {
		return nil, err
	}
	f := &Function{ARN: key, Name: in.FunctionName, ID: c.World.NewID(""), Settings: in.Settings, Code: code, Revision: 1, Reserved: NoReservation, Statement: map[string]string{}, Retries: 2, MaxAge: 21600}
	c.World.Put(c.Caller.Account, key, f)
	return &Output{Function: f}, nil
}

func codeOf(c *operation.Call, bucket, key string) ([]byte, error) {
	code, ok := s3svc.Object(c.World, bucket, key)
	if !ok {
		return nil, invalid("Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
	}
	return code, nil
}

// check refuses a role that Lambda cannot assume, or that cannot write to the dead-letter
// queue.
// Source: Lambda Developer Guide, "Defining Lambda function permissions with an execution
// role"; observed for the dead-letter queue.
func (s *Settings) check(c *operation.Call, function string) error {
	account, r := operation.RoleOf(c.World, s.Role)
	switch {
	case r == nil || account != c.Caller.Account:
		return invalid("The role defined for the function cannot be assumed by Lambda.")
	case s.Timeout < 1 || s.Timeout > 900:
		return operation.Fault("ValidationException", "1 validation error detected: Value '%d' at 'timeout' failed to satisfy constraint: Member must have value between 1 and 900", s.Timeout)
	}
	if err := operation.Assumable(c.World, service, account, r, function); err != nil {
		return invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	if s.DeadLetter == "" {
		return nil
	}
	key := c.Assume(account, r.Name, "lambda")
	if err := c.Allowed(key, DeadLetterAsk(c.World, s.DeadLetter)); err != nil {
		return invalid("The provided execution role does not have permissions to call %s: %v", DeadLetterAsk(c.World, s.DeadLetter).Action, err)
	}
	return nil
}

// DeadLetterAsk returns what a role needs in order to send to a dead-letter queue.
func DeadLetterAsk(w *world.World, target string) operation.Ask {
	ask := operation.Ask{Action: "sqs:SendMessage", Resource: target}
	if named, err := arn.Parse(target); err == nil {
		ask.ResourceAccount = named.Account
		if named.Service == "sns" {
			ask.Action = "sns:Publish"
		}
	}
	return ask
}

func updateCode(c *operation.Call, in *CodeInput) (*Output, error) {
	code, err := codeOf(c, in.S3Bucket, in.S3Key)
	if err != nil {
		return nil, err
	}
	f, err := edit(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f.Code = code
	return &Output{Function: f}, nil
}

func updateSettings(c *operation.Call, in *SettingsInput) (*Output, error) {
	if err := in.check(c, FunctionARN(c, in.FunctionName)); err != nil {
		return nil, err
	}
	f, err := edit(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f.Settings = in.Settings
	return &Output{Function: f}, nil
}

func remove(c *operation.Call, in *FunctionInput) (*Output, error) {
	if _, err := edit(c, in.FunctionName); err != nil {
		return nil, err
	}
	c.World.Drop(c.Caller.Account, FunctionARN(c, in.FunctionName))
	return &Output{}, nil
}

func get(c *operation.Call, in *FunctionInput) (*Output, error) {
	f, ok := world.Find[*Function](c.World.Account(c.Caller.Account), FunctionARN(c, in.FunctionName))
	if !ok {
		return nil, absent(c, in.FunctionName)
	}
	return &Output{Function: f}, nil
}

func list(c *operation.Call, _ *ListInput) (*Output, error) {
	out := &Output{}
	for _, f := range world.List[*Function](c.World.Account(c.Caller.Account)) {
		if c.InRegion(f.ARN) {
			out.Functions = append(out.Functions, f)
		}
	}
	return out, nil
}

// addPermission adds a statement to the resource policy, in the form in which Lambda
// writes it.
// Source: Lambda Developer Guide, "Granting Lambda function access to AWS services".
func addPermission(c *operation.Call, in *PermissionInput) (*Output, error) {
	f, err := edit(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if f.Statement[in.StatementId] != "" {
		return nil, operation.Fault("ResourceConflictException", "The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", in.StatementId)
	}
	who := map[string]string{"AWS": in.Principal}
	if strings.HasSuffix(in.Principal, ".amazonaws.com") {
		who = map[string]string{"Service": in.Principal}
	}
	statement := map[string]any{"Sid": in.StatementId, "Effect": "Allow", "Principal": who, "Action": in.Action, "Resource": f.ARN}
	condition := map[string]any{}
	if in.SourceArn != "" {
		condition["ArnLike"] = map[string]string{"AWS:SourceArn": in.SourceArn}
	}
	if in.SourceAccount != "" {
		condition["StringEquals"] = map[string]string{"AWS:SourceAccount": in.SourceAccount}
	}
	if len(condition) > 0 {
		statement["Condition"] = condition
	}
	text, err := json.Marshal(statement)
	if err != nil {
		return nil, invalid("%v", err)
	}
	f.Statement[in.StatementId] = string(text)
	return &Output{Function: f}, nil
}

func removePermission(c *operation.Call, in *RemovalInput) (*Output, error) {
	f, err := edit(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if f.Statement[in.StatementId] == "" {
		return nil, operation.Fault("ResourceNotFoundException", "Statement %s is not found in resource policy.", in.StatementId)
	}
	delete(f.Statement, in.StatementId)
	return &Output{Function: f}, nil
}

func putConcurrency(c *operation.Call, in *ConcurrencyInput) (*Output, error) {
	f, err := edit(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.ReservedConcurrentExecutions < 0 || in.ReservedConcurrentExecutions > mostReserved {
		return nil, invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	}
	f.Reserved = in.ReservedConcurrentExecutions
	return &Output{Function: f}, nil
}

// mostReserved leaves 100 of the 1,000 concurrent executions of an account.
// Source: Lambda Developer Guide, "Lambda quotas".
const mostReserved = 900

func deleteConcurrency(c *operation.Call, in *FunctionInput) (*Output, error) {
	f, err := edit(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f.Reserved = NoReservation
	return &Output{Function: f}, nil
}

func putEvent(c *operation.Call, in *EventInput) (*Output, error) {
	f, err := edit(c, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f.Retries, f.MaxAge = in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds
	return &Output{Function: f}, nil
}
