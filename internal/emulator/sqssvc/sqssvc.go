// Package sqssvc implements SQS of the embedded AWS: standard queues with policy,
// visibility timeout, retention and redrive to a dead-letter queue.
package sqssvc

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// A Queue is a standard queue.
type Queue struct {
	ARN, URL, Name string
	Created        time.Time
	Attributes     map[string]string // as set, in SQS's words
	Messages       []Message
}

// A Message is in a queue until it is deleted, or older than the retention.
type Message struct {
	ID, Body   string
	Attributes map[string]types.MessageAttributeValue
	Sent       time.Time
	Visible    time.Time // hidden from receivers before
	Received   int
	First      time.Time // first reception; zero: none
	Receipt    string    // of the last reception
}

// CloneItem implements [world.Item].
func (q *Queue) CloneItem() world.Item {
	c := *q
	c.Attributes, c.Messages = maps.Clone(q.Attributes), slices.Clone(q.Messages)
	return &c
}

// Policy returns the queue's policy; empty: none.
func (q *Queue) Policy() string { return q.Attributes["Policy"] }

func (q *Queue) seconds(name string, byDefault int) time.Duration {
	n, err := strconv.Atoi(q.Attributes[name])
	if err != nil {
		n = byDefault
	}
	return time.Duration(n) * time.Second
}

// Visible returns how many messages can be received.
func (q *Queue) Visible(now time.Time) (n int) {
	for i := range q.Messages {
		if !q.Messages[i].Visible.After(now) && !q.expired(&q.Messages[i], now) {
			n++
		}
	}
	return n
}

// defaultRetention is four days.
// Source: SQS API Reference, CreateQueue, MessageRetentionPeriod.
const defaultRetention = 345600

func (q *Queue) expired(m *Message, now time.Time) bool {
	return now.Sub(m.Sent) >= q.seconds("MessageRetentionPeriod", defaultRetention)
}

// Operations returns the operations of SQS.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Write("CreateQueue", askCreate, createQueue),
		operation.Write("DeleteQueue", on("DeleteQueue", func(in *sqs.DeleteQueueInput) *string { return in.QueueUrl }), deleteQueue),
		operation.Read("GetQueueUrl", askURL, getURL),
		operation.Read("ListQueues", operation.OnAll[sqs.ListQueuesInput]("sqs:ListQueues"), listQueues),
		operation.Read("GetQueueAttributes", on("GetQueueAttributes", func(in *sqs.GetQueueAttributesInput) *string { return in.QueueUrl }), getAttributes),
		operation.Write("SetQueueAttributes", on("SetQueueAttributes", func(in *sqs.SetQueueAttributesInput) *string { return in.QueueUrl }), setAttributes),
		operation.Write("SendMessage", on("SendMessage", func(in *sqs.SendMessageInput) *string { return in.QueueUrl }), sendMessage),
		operation.Write("ReceiveMessage", on("ReceiveMessage", func(in *sqs.ReceiveMessageInput) *string { return in.QueueUrl }), receive),
		operation.Write("DeleteMessage", on("DeleteMessage", func(in *sqs.DeleteMessageInput) *string { return in.QueueUrl }), deleteMessage),
		operation.Write("DeleteMessageBatch", on("DeleteMessage", func(in *sqs.DeleteMessageBatchInput) *string { return in.QueueUrl }), deleteBatch),
		operation.Write("ChangeMessageVisibility", on("ChangeMessageVisibility", func(in *sqs.ChangeMessageVisibilityInput) *string { return in.QueueUrl }), changeVisibility),
		operation.Write("ChangeMessageVisibilityBatch", on("ChangeMessageVisibility", func(in *sqs.ChangeMessageVisibilityBatchInput) *string { return in.QueueUrl }), changeVisibilityBatch),
	}, reach)
}

// reach returns that of a call for the queue of a URL.
func reach(_ *world.World, account string, in any) operation.Reach {
	url := operation.Member(in, "QueueUrl")
	return operation.ReachOf(ownerOf(url, account) == account)
}

// Source: SQS API Reference, CreateQueue, QueueName.
var queueName = operation.NewPattern(`^[A-Za-z0-9_-]{1,80}$`)

func askCreate(c *operation.Call, in *sqs.CreateQueueInput) ([]operation.Ask, error) {
	if !queueName.MatchString(aws.ToString(in.QueueName)) {
		return nil, operation.Fault("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return []operation.Ask{{Action: "sqs:CreateQueue", Resource: c.ARN("sqs", *in.QueueName)}}, nil
}

func askURL(c *operation.Call, in *sqs.GetQueueUrlInput) ([]operation.Ask, error) {
	arn := c.ARN("sqs", aws.ToString(in.QueueName))
	q, _ := world.Find[*Queue](c.World.Account(c.Caller.Account), arn)
	return operation.On(c.World, "sqs:GetQueueUrl", arn, "", policyOf(q)), nil
}

// on asks for an action on the queue of a URL, with the queue's policy.
// Source: Service Authorization Reference, SQS.
func on[I any](action string, url func(*I) *string) func(*operation.Call, *I) ([]operation.Ask, error) {
	return func(c *operation.Call, in *I) ([]operation.Ask, error) {
		if aws.ToString(url(in)) == "" {
			return nil, operation.Fault("MissingParameter", "The request must contain the parameter QueueUrl.")
		}
		account, arn := named(c, *url(in))
		q, _ := world.Find[*Queue](c.World.Account(account), arn)
		return operation.On(c.World, "sqs:"+action, arn, account, policyOf(q)), nil
	}
}

func policyOf(q *Queue) string {
	if q == nil {
		return ""
	}
	return q.Policy()
}

// named returns the account and the ARN of a queue by its URL, whose last two parts are
// account and name.
func named(c *operation.Call, url string) (account, arn string) {
	account = ownerOf(url, c.Caller.Account)
	return account, "arn:" + c.World.Partition + ":sqs:" + c.Region + ":" + account + ":" + url[strings.LastIndexByte(url, '/')+1:]
}

// ownerOf returns the account in the URL of a queue; a name alone is of the caller's.
func ownerOf(url, caller string) string {
	if parts := strings.Split(url, "/"); len(parts) >= 2 {
		return parts[len(parts)-2]
	}
	return caller
}

func find(c *operation.Call, url *string) (*Queue, error) {
	account, arn := named(c, *url)
	q, ok := world.Find[*Queue](c.World.Account(account), arn)
	if !ok {
		return nil, absent()
	}
	return q, nil
}

func edit(c *operation.Call, url *string) (*Queue, error) {
	account, arn := named(c, *url)
	q, ok := world.Change[*Queue](c.World, account, arn)
	if !ok {
		return nil, absent()
	}
	return q, nil
}

func absent() error {
	return &types.QueueDoesNotExist{Message: aws.String("The specified queue does not exist.")}
}

func createQueue(c *operation.Call, in *sqs.CreateQueueInput) (*sqs.CreateQueueOutput, error) {
	arn := c.ARN("sqs", *in.QueueName)
	if q, ok := world.Find[*Queue](c.World.Account(c.Caller.Account), arn); ok {
		for name, value := range in.Attributes {
			if q.Attributes[name] != value {
				return nil, &types.QueueNameExists{Message: aws.String("A queue already exists with the same name and a different value for attribute " + name)}
			}
		}
		return &sqs.CreateQueueOutput{QueueUrl: aws.String(q.URL)}, nil
	}
	q := &Queue{
		ARN: arn, Name: *in.QueueName, Created: c.Now, Attributes: map[string]string{},
		URL: "https://sqs." + c.Region + ".amazonaws.com/" + c.Caller.Account + "/" + *in.QueueName,
	}
	maps.Copy(q.Attributes, in.Attributes)
	c.World.Put(c.Caller.Account, arn, q)
	return &sqs.CreateQueueOutput{QueueUrl: aws.String(q.URL)}, nil
}

func deleteQueue(c *operation.Call, in *sqs.DeleteQueueInput) (*sqs.DeleteQueueOutput, error) {
	q, err := find(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	account, _ := named(c, *in.QueueUrl)
	c.World.Drop(account, q.ARN)
	return &sqs.DeleteQueueOutput{}, nil
}

func getURL(c *operation.Call, in *sqs.GetQueueUrlInput) (*sqs.GetQueueUrlOutput, error) {
	q, ok := world.Find[*Queue](c.World.Account(c.Caller.Account), c.ARN("sqs", aws.ToString(in.QueueName)))
	if !ok {
		return nil, absent()
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: aws.String(q.URL)}, nil
}

func listQueues(c *operation.Call, in *sqs.ListQueuesInput) (*sqs.ListQueuesOutput, error) {
	out := &sqs.ListQueuesOutput{}
	for _, q := range world.List[*Queue](c.World.Account(c.Caller.Account)) {
		if c.InRegion(q.ARN) && strings.HasPrefix(q.Name, aws.ToString(in.QueueNamePrefix)) {
			out.QueueUrls = append(out.QueueUrls, q.URL)
		}
	}
	return out, nil
}

func getAttributes(c *operation.Call, in *sqs.GetQueueAttributesInput) (*sqs.GetQueueAttributesOutput, error) {
	q, err := find(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"QueueArn": q.ARN, "CreatedTimestamp": strconv.FormatInt(q.Created.Unix(), 10),
		"ApproximateNumberOfMessages":           strconv.Itoa(q.Visible(c.Now)),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(len(q.Messages) - q.Visible(c.Now)),
		"VisibilityTimeout":                     "30", "MessageRetentionPeriod": strconv.Itoa(defaultRetention),
	}
	maps.Copy(all, q.Attributes)
	out := &sqs.GetQueueAttributesOutput{Attributes: map[string]string{}}
	for name, value := range all {
		if slices.Contains(in.AttributeNames, types.QueueAttributeNameAll) || slices.Contains(in.AttributeNames, types.QueueAttributeName(name)) {
			out.Attributes[name] = value
		}
	}
	return out, nil
}

func setAttributes(c *operation.Call, in *sqs.SetQueueAttributesInput) (*sqs.SetQueueAttributesOutput, error) {
	q, err := edit(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	for name, value := range in.Attributes {
		if value == "" {
			delete(q.Attributes, name)
			continue
		}
		q.Attributes[name] = value
	}
	return &sqs.SetQueueAttributesOutput{}, nil
}

func sum(text string) *string {
	hash := md5.Sum([]byte(text))
	return aws.String(hex.EncodeToString(hash[:]))
}
