package world

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The sample data that [World.AddSampleData] puts into every account as a target
// for attacks.
const (
	TableName = "orders"     // of the DynamoDB table
	ObjectKey = "orders.csv" // of the object in the S3 bucket
)

// BucketName returns the name of an account's S3 bucket.
func BucketName(account string) string { return "data-" + account }

// InstanceID returns the ID of an account's EC2 instance: i-0 and 16 hexadecimal
// digits that depend only on the account.
func InstanceID(account string) string {
	sum := (&World{state: new(state)}).hash("instance " + account)
	return fmt.Sprintf("i-0%016x", binary.BigEndian.Uint64(sum))
}

// AddSampleData adds data worth protecting to an account: a running EC2 instance
// ([InstanceID]), a DynamoDB table ([TableName]) and an S3 bucket ([BucketName])
// with one object ([ObjectKey]).
func (w *World) AddSampleData(account string, now time.Time) {
	a := w.Edit(account)
	id := InstanceID(account)
	a.Instances[id] = &Instance{ID: id, State: "running", Launched: now}
	a.Tables[TableName] = true
	bucket := BucketName(account)
	w.AddBucket(account, &Bucket{
		Name: bucket, Created: now,
		Objects: map[string]Object{ObjectKey: {Body: []byte("order,customer,total\n1,example,9.99\n"), Modified: now}},
	})
}
