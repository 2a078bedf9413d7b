package s3svc

import (
	"strings"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// BucketInput names a bucket.
type BucketInput struct{ Bucket string }

// PolicyInput is a bucket with a policy.
type PolicyInput struct{ Bucket, Policy string }

// EmptyOutput is the output of operations that return nothing.
type EmptyOutput struct{}

// DeleteObjectInput names an object.
type DeleteObjectInput struct{ Bucket, Key string }

func bucketOperations() []operation.Operation {
	return []operation.Operation{
		operation.Write("CreateBucket", func(c *operation.Call, in *BucketInput) ([]operation.Ask, error) {
			return []operation.Ask{{Action: "s3:CreateBucket", Resource: "arn:" + c.World.Partition + ":s3:::" + in.Bucket}}, nil
		}, createBucket),
		operation.Write("DeleteBucket", func(c *operation.Call, in *BucketInput) ([]operation.Ask, error) {
			return onBucket(c, "s3:DeleteBucket", in.Bucket), nil
		}, deleteBucket),
		operation.Write("PutBucketPolicy", func(c *operation.Call, in *PolicyInput) ([]operation.Ask, error) {
			return onBucket(c, "s3:PutBucketPolicy", in.Bucket), nil
		}, putBucketPolicy),
		operation.Write("DeleteBucketPolicy", func(c *operation.Call, in *BucketInput) ([]operation.Ask, error) {
			return onBucket(c, "s3:DeleteBucketPolicy", in.Bucket), nil
		}, deleteBucketPolicy),
		operation.Write("DeleteObject", func(c *operation.Call, in *DeleteObjectInput) ([]operation.Ask, error) {
			return ask(c, "s3:DeleteObject", in.Bucket, in.Key), nil
		}, deleteObject),
	}
}

func onBucket(c *operation.Call, action, bucket string) []operation.Ask {
	asks := ask(c, action, bucket, "")
	asks[0].Resource = strings.TrimSuffix(asks[0].Resource, "/")
	return asks
}

// Source: S3 User Guide, "General purpose bucket naming rules".
var bucketPattern = operation.NewPattern(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func createBucket(c *operation.Call, in *BucketInput) (*EmptyOutput, error) {
	switch {
	case !bucketPattern.MatchString(in.Bucket):
		return nil, refuse("InvalidBucketName", "The specified bucket is not valid.")
	case c.World.AddBucket(c.Caller.Account, &world.Bucket{Name: in.Bucket, Created: c.Now, Objects: map[string]world.Object{}}):
		return &EmptyOutput{}, nil
	case c.World.BucketOwner(in.Bucket) == c.Caller.Account:
		return nil, refuse("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	}
	return nil, refuse("BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
}

func deleteBucket(c *operation.Call, in *BucketInput) (*EmptyOutput, error) {
	owner, b := find(c.World, in.Bucket)
	switch {
	case b == nil:
		return nil, noSuchBucket()
	case len(b.Objects) > 0:
		return nil, refuse("BucketNotEmpty", "The bucket you tried to delete is not empty")
	}
	c.World.RemoveBucket(owner, in.Bucket)
	return &EmptyOutput{}, nil
}

func putBucketPolicy(c *operation.Call, in *PolicyInput) (*EmptyOutput, error) {
	owner, b := find(c.World, in.Bucket)
	if b == nil {
		return nil, noSuchBucket()
	}
	if _, err := policy.Parse(policy.Resource, in.Policy); err != nil {
		return nil, refuse("MalformedPolicy", err.Error())
	}
	c.World.Edit(owner).Buckets[in.Bucket].Policy = in.Policy
	return &EmptyOutput{}, nil
}

func deleteBucketPolicy(c *operation.Call, in *BucketInput) (*EmptyOutput, error) {
	owner, b := find(c.World, in.Bucket)
	if b == nil {
		return nil, noSuchBucket()
	}
	c.World.Edit(owner).Buckets[in.Bucket].Policy = ""
	return &EmptyOutput{}, nil
}

// deleteObject succeeds for an object that does not exist.
func deleteObject(c *operation.Call, in *DeleteObjectInput) (*EmptyOutput, error) {
	owner, b := find(c.World, in.Bucket)
	if b == nil {
		return nil, noSuchBucket()
	}
	b = c.World.Edit(owner).Buckets[in.Bucket]
	delete(b.Objects, in.Key)
	return &EmptyOutput{}, nil
}
