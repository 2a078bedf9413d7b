package trailbucket

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

// mostSamples is how many folders are listed for an estimate.
const mostSamples = 200

// An Estimate is the size of log files, in bytes as they are stored.
type Estimate struct {
	Bytes   float64
	Error   float64 // half of the 95 % confidence interval, in bytes; 0: every folder was listed
	Folders int     // of an account, Region and day
	Sampled int
}

// EstimateSize estimates the size of the log files of accounts and Regions from a sample
// of their days. Options.Prefix is the folder above the accounts.
func EstimateSize(ctx context.Context, client *s3.Client, o Options, regions []string, seed uint64) (Estimate, error) {
	days := int(o.Until.Sub(o.Since)/(24*time.Hour)) + 1
	if days < 1 || len(regions) == 0 || len(o.Accounts) == 0 {
		return Estimate{}, nil
	}
	e := Estimate{Folders: len(o.Accounts) * len(regions) * days}
	e.Sampled = min(mostSamples, e.Folders)
	sizes := make([]float64, e.Sampled)
	running, ctx := errgroup.WithContext(ctx)
	running.SetLimit(listings)
	for i, n := range sample(e.Folders, e.Sampled, seed) {
		account, rest := o.Accounts[n/(len(regions)*days)], n%(len(regions)*days)
		folder := o.start() + account + "/CloudTrail/" + regions[rest/days] + "/" + o.Since.AddDate(0, 0, rest%days).Format("2006/01/02") + "/"
		running.Go(func() (err error) {
			sizes[i], err = folderSize(ctx, client, o.Bucket, folder)
			return err
		})
	}
	if err := running.Wait(); err != nil {
		return Estimate{}, err
	}
	e.of(sizes)
	return e, nil
}

// of extends a sample without repetition to all folders.
func (e *Estimate) of(sizes []float64) {
	n, total, squares := float64(len(sizes)), 0.0, 0.0
	for _, s := range sizes {
		total += s
	}
	mean := total / n
	for _, s := range sizes {
		squares += (s - mean) * (s - mean)
	}
	e.Bytes = mean * float64(e.Folders)
	if e.Sampled < e.Folders {
		deviation := math.Sqrt(squares / max(n-1, 1))
		e.Error = 1.96 * float64(e.Folders) * deviation / math.Sqrt(n) * math.Sqrt(1-n/float64(e.Folders))
	}
}

// sample returns n different numbers below total.
func sample(total, n int, seed uint64) []int {
	if n == total {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	}
	r, seen, out := rand.New(rand.NewPCG(seed, uint64(total))), map[int]bool{}, []int(nil)
	for len(out) < n {
		if k := r.IntN(total); !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

func folderSize(ctx context.Context, client *s3.Client, bucket, folder string) (size float64, err error) {
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &folder})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("list s3://%s/%s: %w", bucket, folder, err)
		}
		for _, object := range page.Contents {
			size += float64(aws.ToInt64(object.Size))
		}
	}
	return size, nil
}
