package sqssvc

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy/arn"
)

// largest is the maximum size of a message in bytes.
// Source: SQS Developer Guide, "Amazon SQS message quotas".
const largest = 1 << 20

// Send adds a message to a queue of an account.
func Send(w *world.World, account, queueARN, body string, attributes map[string]types.MessageAttributeValue, now time.Time) (id string, ok bool) {
	q, ok := world.Change[*Queue](w, account, queueARN)
	if !ok {
		return "", false
	}
	m := Message{ID: w.NewUUID(), Body: body, Attributes: attributes, Sent: now, Visible: now.Add(q.seconds("DelaySeconds", 0))}
	q.Messages = append(q.Messages, m)
	return m.ID, true
}

func sendMessage(c *operation.Call, in *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
	body := aws.ToString(in.MessageBody)
	switch {
	case body == "":
		return nil, operation.Fault("MissingParameter", "The request must contain the parameter MessageBody.")
	case len(body) > largest:
		return nil, operation.Fault("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", largest)
	}
	account, queue := named(c, *in.QueueUrl)
	id, ok := Send(c.World, account, queue, body, in.MessageAttributes, c.Now)
	if !ok {
		return nil, absent()
	}
	return &sqs.SendMessageOutput{MessageId: aws.String(id), MD5OfMessageBody: sum(body)}, nil
}

// receive hides the messages that it returns. It does not wait for messages:
// WaitTimeSeconds is accepted.
func receive(c *operation.Call, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	most := cmp.Or(int(in.MaxNumberOfMessages), 1)
	if most < 1 || most > 10 {
		return nil, operation.Fault("InvalidParameterValue", "Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", most)
	}
	q, err := edit(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.Messages = slices.DeleteFunc(q.Messages, func(m Message) bool { return q.expired(&m, c.Now) })
	account, _ := named(c, *in.QueueUrl)
	hidden := q.seconds("VisibilityTimeout", 30)
	if in.VisibilityTimeout != 0 {
		hidden = time.Duration(in.VisibilityTimeout) * time.Second
	}
	out := &sqs.ReceiveMessageOutput{}
	dead := map[string]bool{}
	for i := range q.Messages {
		m := &q.Messages[i]
		if m.Visible.After(c.Now) || len(out.Messages) == most {
			continue
		}
		if target, times := q.redrive(); times > 0 && m.Received >= times && redriven(c, account, target, *m) {
			dead[m.ID] = true
			continue
		}
		m.Received++
		m.Visible, m.Receipt = c.Now.Add(hidden), c.World.NewID("")
		if m.First.IsZero() {
			m.First = c.Now
		}
		out.Messages = append(out.Messages, described(m))
	}
	q.Messages = slices.DeleteFunc(q.Messages, func(m Message) bool { return dead[m.ID] })
	return out, nil
}

func described(m *Message) types.Message {
	return types.Message{
		Body: aws.String(m.Body), MessageId: aws.String(m.ID), MD5OfBody: sum(m.Body), ReceiptHandle: aws.String(m.Receipt), MessageAttributes: m.Attributes,
		Attributes: map[string]string{
			"ApproximateReceiveCount": strconv.Itoa(m.Received), "SentTimestamp": strconv.FormatInt(m.Sent.UnixMilli(), 10),
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.First.UnixMilli(), 10),
		},
	}
}

// redrive returns the dead-letter queue and how often a message is received before it
// moves there; 0: never.
func (q *Queue) redrive() (target string, times int) {
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
		Times  any    `json:"maxReceiveCount"` // a number or a text
	}
	if json.Unmarshal([]byte(q.Attributes["RedrivePolicy"]), &policy) != nil {
		return "", 0
	}
	switch n := policy.Times.(type) {
	case float64:
		times = int(n)
	case string:
		times, _ = strconv.Atoi(n)
	}
	return policy.Target, times
}

// redriven moves a message to a dead-letter queue, which keeps its time.
// Source: SQS Developer Guide, "Using dead-letter queues": both are in the same account.
func redriven(c *operation.Call, account, target string, m Message) bool {
	named, err := arn.Parse(target)
	if err != nil || named.Account != account {
		return false
	}
	q, ok := world.Change[*Queue](c.World, named.Account, target)
	if ok {
		m.Visible, m.Received = c.Now, 0
		q.Messages = append(q.Messages, m)
	}
	return ok
}

// holding returns the index of the message with a receipt handle.
func (q *Queue) holding(receipt *string) (int, error) {
	i := slices.IndexFunc(q.Messages, func(m Message) bool { return m.Receipt == aws.ToString(receipt) })
	if i < 0 || aws.ToString(receipt) == "" {
		return 0, &types.ReceiptHandleIsInvalid{Message: aws.String("The input receipt handle is invalid.")}
	}
	return i, nil
}

// remove deletes a message. One that is gone already is not an error.
func (q *Queue) remove(receipt *string) {
	if i, err := q.holding(receipt); err == nil {
		q.Messages = slices.Delete(q.Messages, i, i+1)
	}
}

func deleteMessage(c *operation.Call, in *sqs.DeleteMessageInput) (*sqs.DeleteMessageOutput, error) {
	q, err := edit(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.remove(in.ReceiptHandle)
	return &sqs.DeleteMessageOutput{}, nil
}

func deleteBatch(c *operation.Call, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
	q, err := edit(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		q.remove(e.ReceiptHandle)
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func (q *Queue) hide(receipt *string, seconds int32, now time.Time) error {
	i, err := q.holding(receipt)
	if err != nil {
		return err
	}
	q.Messages[i].Visible = now.Add(time.Duration(seconds) * time.Second)
	return nil
}

func changeVisibility(c *operation.Call, in *sqs.ChangeMessageVisibilityInput) (*sqs.ChangeMessageVisibilityOutput, error) {
	q, err := edit(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.ChangeMessageVisibilityOutput{}, q.hide(in.ReceiptHandle, in.VisibilityTimeout, c.Now)
}

func changeVisibilityBatch(c *operation.Call, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	q, err := edit(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	for _, e := range in.Entries {
		if err := q.hide(e.ReceiptHandle, e.VisibilityTimeout, c.Now); err != nil {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("ReceiptHandleIsInvalid"), SenderFault: true})
			continue
		}
		out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
	}
	return out, nil
}
