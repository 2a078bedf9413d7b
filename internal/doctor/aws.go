package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/netfault"
	"forcemfa/internal/session"
)

const (
	// endpointWait is the timeout of the request to the endpoint.
	endpointWait = 15 * time.Second
	// maxSkew is the tolerated difference of clocks: one step of a TOTP code.
	// Signatures would tolerate five minutes.
	maxSkew = 30 * time.Second
)

// checkAWS calls AWS with the key: endpoint, clock, key and MFA devices.
func (e *examination) checkAWS(ctx context.Context) {
	cfg, err := session.KeySettings{Files: e.files, Getenv: e.Getenv, Profile: e.profile, Region: e.options.Region}.Config(ctx, e.keys)
	if err != nil {
		e.add("settings", Broken, e.profile, err.Error(), hint(err))
		return
	}
	cfg.RetryMaxAttempts = 2
	if !e.checkEndpoint(ctx, cfg) {
		return
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		e.refusedKey(err)
		return
	}
	if strings.HasSuffix(aws.ToString(out.Arn), ":root") {
		e.add("key", Risk, e.profile, "this is a key of the root user, which no policy can restrict", "delete it in the console and use the key of an IAM user")
		return
	}
	e.checkDevices(ctx, cfg)
}

// checkEndpoint sends one unsigned request: any response has a Date.
func (e *examination) checkEndpoint(ctx context.Context, cfg aws.Config) bool {
	url, err := stsURL(ctx, cfg)
	if err != nil {
		e.add("endpoint", Broken, cfg.Region, "no endpoint for STS: "+err.Error(), "set --region, or correct region in "+e.files.Config.Path)
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, endpointWait)
	defer cancel()
	const next = "check the network, proxies, AWS_ENDPOINT_URL and the region"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		e.add("endpoint", Broken, url, "is not a valid URL", next)
		return false
	}
	answer, err := cfg.HTTPClient.Do(request)
	if err != nil {
		e.add("endpoint", Broken, url, "does not answer: "+cmp.Or(netfault.Reason(err), err.Error()), cmp.Or(netfault.Next(err), next))
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16))
	_ = answer.Body.Close()
	e.checkClock(url, answer.Header.Get("Date"))
	return true
}

// stsURL is the address to which the SDK would send a request.
func stsURL(ctx context.Context, cfg aws.Config) (string, error) {
	o := sts.NewFromConfig(cfg).Options()
	if o.BaseEndpoint != nil {
		return *o.BaseEndpoint, nil
	}
	at, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{
		Region: &cfg.Region, UseFIPS: aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	}.WithDefaults())
	if err != nil {
		return "", err
	}
	return at.URI.String(), nil
}

func (e *examination) checkClock(url, date string) {
	theirs, err := http.ParseTime(date)
	if err != nil {
		e.add("clock", Unknown, url, "the response has no Date to compare the clock with", "check the clock yourself")
		return
	}
	if skew := e.Now().Sub(theirs).Round(time.Second); skew.Abs() > maxSkew {
		side := "ahead"
		if skew < 0 {
			side = "behind"
		}
		e.add("clock", Broken, url, fmt.Sprintf("this machine's clock is %s %s", skew.Abs(), side), "set the clock, preferably with NTP")
	}
}

func (e *examination) refusedKey(err error) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		e.add("key", Unknown, e.profile, err.Error(), "check the network and run it again")
		return
	}
	next := hint(session.ExplainKey(err))
	if next == "" {
		next = "create a new access key in the console, then " + run("import --prompt", e.profile)
	}
	e.add("key", Broken, e.profile, fmt.Sprintf("AWS does not accept access key %s: %s: %s", e.keys.AccessKeyID, api.ErrorCode(), api.ErrorMessage()), next)
}

// checkDevices checks that the user has a device with codes, and that mfa_serial
// names a device of the user.
func (e *examination) checkDevices(ctx context.Context, cfg aws.Config) {
	var have []string
	pages := iam.NewListMFADevicesPaginator(iam.NewFromConfig(cfg), &iam.ListMFADevicesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			e.unlisted(err)
			return
		}
		for _, m := range page.MFADevices {
			have = append(have, aws.ToString(m.SerialNumber))
		}
	}
	codes := slices.DeleteFunc(slices.Clone(have), func(s string) bool { return strings.Contains(s, ":u2f/") })
	switch {
	case len(have) == 0:
		e.add("device", Broken, e.profile, "the user has no MFA device", run("enroll", e.profile))
		return
	case len(codes) == 0:
		e.add("device", Broken, e.profile, "the user has only security keys, and STS accepts only codes", "add a virtual MFA device: "+run("enroll", e.profile))
		return
	}
	if p, err := e.files.Profile(e.profile); err == nil {
		if s, ok := p.Setting("mfa_serial"); ok && !slices.Contains(have, s.Value) {
			e.add("device", Broken, s.Origin.String(), "mfa_serial "+s.Value+" is not a device of the user", "set it to "+strings.Join(codes, " or ")+", or remove the line: forcemfa finds the device")
		}
	}
}

func (e *examination) unlisted(err error) {
	var api smithy.APIError
	if errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied") {
		if p, err := e.files.Profile(e.profile); err == nil && p.Get("mfa_serial") != "" {
			return // the device is known
		}
		e.add("device", Unknown, e.profile, "the user is not allowed to list their own MFA devices", "set mfa_serial in the profile, or ask an administrator to allow iam:ListMFADevices")
		return
	}
	e.add("device", Unknown, e.profile, "the MFA devices could not be listed: "+err.Error(), "run it again")
}

// run is the hint to run a command of forcemfa with a profile, which is quoted.
func run(verb, profile string) string {
	return `run "forcemfa ` + verb + " " + awsfile.Argument(profile) + `"`
}

// hint is the next step of an error; empty if it has none.
func hint(err error) string {
	var problem *session.Problem
	if errors.As(err, &problem) {
		return problem.Next
	}
	return ""
}
