package central

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"forcemfa/internal/audit"
	"forcemfa/internal/notify"
	"forcemfa/internal/reconcile"
)

// A Summary is the result of a whole run.
type Summary struct {
	Run      string    `json:"run"`
	Ended    time.Time `json:"ended"`
	Accounts int       `json:"accounts"`
	Read     int       `json:"read"`
	Users    int       `json:"users"`
	Enforced int       `json:"enforced"`
	Open     int       `json:"open"`
	Unknown  int       `json:"unknown"`
	Done     int       `json:"done"` // steps
	Left     int       `json:"left"` // steps left for the next run
	Messages int       `json:"messages"`
	Unread   int       `json:"unread"` // accounts
}

// mostBytes is the largest object that is read: the results of a worker's accounts.
const mostBytes = 256 << 20

// merge reads the results of a run, writes its summary and sends the messages. An account
// in the list without a result was not read.
func (r *Run) merge(ctx context.Context, run string) (*Summary, error) {
	var accounts []string
	if err := r.get(ctx, r.key(run, "accounts.json"), &accounts); err != nil {
		return nil, err
	}
	found, err := r.parts(ctx, run)
	if err != nil {
		return nil, err
	}
	s := &Summary{Run: run, Ended: r.now(), Accounts: len(accounts)}
	messages := r.summarize(s, accounts, found)
	s.Messages = len(messages)
	r.metrics(s)
	r.o.Log.Info("summary", "run", run, "accounts", s.Accounts, "read", s.Read, "users", s.Users, "enforced", s.Enforced, "open", s.Open, "unknown", s.Unknown, "done", s.Done, "left", s.Left)
	if err := r.put(ctx, r.key(run, "summary.json"), struct {
		*Summary
		All []notify.Message `json:"all_messages"`
	}{s, messages}); err != nil {
		return nil, err
	}
	return s, r.send(ctx, run, messages)
}

// summarize adds the results of the accounts to a summary, and returns their messages.
func (r *Run) summarize(s *Summary, accounts []string, found map[string]Account) []notify.Message {
	messages, warned := []notify.Message{}, false
	for _, id := range accounts {
		a, ok := found[id]
		if !ok {
			a = Account{ID: id, Why: "no worker has written a result for this account"}
		}
		for i := range a.Messages {
			if m := &a.Messages[i]; m.Rule() != "config" {
				messages = append(messages, *m)
			} else if !warned { // every account has the same config
				messages, warned = append(messages, *m), true
			}
		}
		if a.Result == nil {
			s.Unread++
			messages = append(messages, r.notRead(&a, s.Run))
			continue
		}
		s.add(a.Result)
	}
	return messages
}

func (s *Summary) add(r *reconcile.Result) {
	s.Read++
	s.Users += r.Users
	s.Enforced += r.Enforced
	s.Open += r.Open
	s.Unknown += r.Unknown
	s.Done += r.Done
	s.Left += r.Left
}

// notRead is the message about an account without a result. Its time is that of the run,
// so that a repeated merge sends the same message.
func (r *Run) notRead(a *Account, run string) notify.Message {
	began, _, _ := strings.Cut(run, "-")
	at, _ := time.Parse(runLayout, began)
	return notify.Message{
		ID: "unread/" + a.ID + "/account", Kind: notify.KindUnread, Severity: audit.Medium, Account: a.ID, Subject: "account", At: at,
		What: "the account could not be read: " + a.Why, Remedy: "check that the account has the stack with the role " + r.o.Role + ", and run forcemfa deploy central plan",
	}
}

// send sends the messages of a run, and those of earlier runs that the queue keeps.
func (r *Run) send(ctx context.Context, run string, messages []notify.Message) error {
	if r.o.Sender == nil {
		return nil
	}
	keeper, _ := r.o.Sender.(reconcile.Keeper)
	if len(messages) > 0 {
		err := r.o.Sender.Send(ctx, &notify.Summary{Run: run, ConfigHash: r.o.Settings.Hash, Until: r.now(), Messages: messages})
		if err != nil {
			if keeper != nil {
				if why := keeper.Keep(ctx, messages); why != nil {
					r.o.Log.Error("not kept", "run", run, "messages", len(messages), "error", why.Error())
				}
			}
			return fmt.Errorf("send notifications: %w", err)
		}
	}
	if keeper == nil {
		return nil
	}
	return keeper.Catch(ctx)
}

// parts returns the results of all accounts that workers wrote.
func (r *Run) parts(ctx context.Context, run string) (map[string]Account, error) {
	all := map[string]Account{}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	pages := s3.NewListObjectsV2Paginator(r.s3, &s3.ListObjectsV2Input{Bucket: &r.o.Results.Bucket, Prefix: aws.String(r.key(run, "part") + "/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			_ = group.Wait()
			return nil, fmt.Errorf("list the results of run %s: %w", run, err)
		}
		for _, object := range page.Contents {
			group.Go(func() error {
				var some []Account
				if err := r.get(ctx, aws.ToString(object.Key), &some); err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				for _, a := range some {
					all[a.ID] = a
				}
				return nil
			})
		}
	}
	return all, group.Wait()
}

// key returns the key of an object of a run.
func (r *Run) key(run, name string) string { return path.Join(r.o.Results.Prefix, run, name) }

func (r *Run) put(ctx context.Context, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("print %s: %w", key, err)
	}
	_, err = r.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &r.o.Results.Bucket, Key: &key, Body: bytes.NewReader(text), ContentType: aws.String("application/json")})
	if err != nil {
		return fmt.Errorf("put s3://%s/%s: %w", r.o.Results.Bucket, key, err)
	}
	return nil
}

func (r *Run) get(ctx context.Context, key string, value any) error {
	out, err := r.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.o.Results.Bucket, Key: &key})
	if err != nil {
		return fmt.Errorf("get s3://%s/%s: %w", r.o.Results.Bucket, key, err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, mostBytes+1))
	switch {
	case err != nil:
	case len(text) > mostBytes:
		err = fmt.Errorf("it has more than %d bytes", mostBytes)
	default:
		err = json.Unmarshal(text, value)
	}
	if err != nil {
		return fmt.Errorf("read s3://%s/%s: %w", r.o.Results.Bucket, key, err)
	}
	return nil
}

// metrics writes the counts of a run in CloudWatch's embedded metric format.
// Source: CloudWatch User Guide, "Specification: Embedded metric format".
func (r *Run) metrics(s *Summary) {
	if r.o.Metrics == nil {
		return
	}
	problem := 0
	if r.o.Settings.Problem != "" {
		problem = 1
	}
	values := map[string]any{
		"AccountsRead": s.Read, "AccountsNotRead": s.Unread, "Users": s.Users, "Enforced": s.Enforced, "Open": s.Open, "Unknown": s.Unknown,
		"StepsLeft": s.Left, "ConfigProblem": problem,
	}
	type metric struct{ Name, Unit string }
	var named []metric
	for name := range values {
		named = append(named, metric{name, "Count"})
	}
	slices.SortFunc(named, func(a, b metric) int { return strings.Compare(a.Name, b.Name) })
	values["run"] = s.Run
	values["_aws"] = map[string]any{
		"Timestamp":         r.now().UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{"Namespace": "forcemfa", "Dimensions": [][]string{{}}, "Metrics": named}},
	}
	text, err := json.Marshal(values)
	if err == nil {
		_, err = fmt.Fprintf(r.o.Metrics, "%s\n", text)
	}
	if err != nil {
		r.o.Log.Error("metrics", "error", err.Error())
	}
}
