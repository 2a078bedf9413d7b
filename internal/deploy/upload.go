package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// An upload is the package in its bucket. Its key contains a hash of its
// content, so an existing object is up to date.
type upload struct {
	client *s3.Client
	bucket string
	owner  string // account ID; a bucket of the same name in another account is refused
	region string
	pkg    *Package
}

func (u *upload) String() string { return "s3://" + u.bucket + "/" + u.pkg.Key() }

// there reports whether the object is in the bucket. It is not when the bucket
// does not exist.
func (u *upload) there(ctx context.Context) (bool, error) {
	_, err := u.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &u.bucket, Key: aws.String(u.pkg.Key()), ExpectedBucketOwner: &u.owner})
	var api smithy.APIError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &api) && (api.ErrorCode() == "NotFound" || api.ErrorCode() == "NoSuchBucket"):
		return false, nil
	}
	return false, fmt.Errorf("look for %s: %w", u, err)
}

func (u *upload) plan(ctx context.Context) (Change, error) {
	c := Change{Kind: KindObject, Name: u.String(), Account: u.owner, Region: u.region, Action: None}
	there, err := u.there(ctx)
	if !there {
		c.Action = Create
	}
	return c, err
}

func (u *upload) apply(ctx context.Context, report func(Outcome)) error {
	out := Outcome{Kind: KindObject, Name: u.String(), Account: u.owner, Region: u.region, Status: Already}
	there, err := u.there(ctx)
	if err != nil {
		return err
	}
	if !there {
		if _, err := u.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &u.bucket, Key: aws.String(u.pkg.Key()), Body: bytes.NewReader(u.pkg.Zip), ExpectedBucketOwner: &u.owner,
			ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ContentType: aws.String("application/zip"),
		}); err != nil {
			return fmt.Errorf("upload %s: %w", u, err)
		}
		out.Status = Done
	}
	report(out)
	return nil
}

// remove keeps the object: the bucket stays, with the journals.
func (u *upload) remove(context.Context, func(Outcome)) error { return nil }
