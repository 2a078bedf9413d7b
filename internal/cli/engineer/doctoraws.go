package engineer

import (
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

	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
)

const (
	// endpointWait is how long the endpoint may take to answer.
	endpointWait = 15 * time.Second
	// maxSkew is how wrong a clock may be: one step of a TOTP code. Signatures
	// would stand five minutes.
	maxSkew = 30 * time.Second
)

// checkAWS asks AWS, with the key, what only AWS knows.
func (d *doctor) checkAWS(ctx context.Context) {
	cfg, err := session.KeySettings{Files: d.files, Getenv: d.env.Getenv, Profile: d.profile, Region: d.region}.Config(ctx, d.keys)
	if err != nil {
		d.add("settings", levelBroken, d.profile, err.Error(), command.HintFor(err))
		return
	}
	cfg.RetryMaxAttempts = 2
	if !d.checkEndpoint(ctx, cfg) {
		return
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		d.refusedKey(err)
		return
	}
	if strings.HasSuffix(aws.ToString(out.Arn), ":root") {
		d.add("key", levelRisk, d.profile, "a key of the root user, which no policy can hold back", "delete it in the console and use one of an IAM user")
		return
	}
	d.checkDevices(ctx, cfg)
}

// checkEndpoint sends one request without a signature: any answer has a Date.
func (d *doctor) checkEndpoint(ctx context.Context, cfg aws.Config) bool {
	url, err := stsURL(ctx, cfg)
	if err != nil {
		d.add("endpoint", levelBroken, cfg.Region, "no endpoint for STS: "+err.Error(), "give --region, or correct region in "+d.files.Config.Path)
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, endpointWait)
	defer cancel()
	const next = "check the network, proxies, AWS_ENDPOINT_URL and the region"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		d.add("endpoint", levelBroken, url, "no usable URL", next)
		return false
	}
	answer, err := cfg.HTTPClient.Do(request)
	if err != nil {
		d.add("endpoint", levelBroken, url, "does not answer: "+err.Error(), next)
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16))
	_ = answer.Body.Close()
	d.checkClock(url, answer.Header.Get("Date"))
	return true
}

// stsURL is where the SDK would send a request.
func stsURL(ctx context.Context, cfg aws.Config) (string, error) {
	if o := sts.NewFromConfig(cfg).Options(); o.BaseEndpoint != nil {
		return *o.BaseEndpoint, nil
	}
	at, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{Region: &cfg.Region}.WithDefaults())
	if err != nil {
		return "", err
	}
	return at.URI.String(), nil
}

func (d *doctor) checkClock(url, date string) {
	theirs, err := http.ParseTime(date)
	if err != nil {
		d.add("clock", levelUnknown, url, "the answer has no date to compare the clock with", "check the clock by hand")
		return
	}
	if skew := d.env.Now().Sub(theirs).Round(time.Second); skew.Abs() > maxSkew {
		side := "ahead"
		if skew < 0 {
			side = "behind"
		}
		d.add("clock", levelBroken, url, fmt.Sprintf("this machine's clock is %s %s", skew.Abs(), side), "set the clock, best by NTP")
	}
}

func (d *doctor) refusedKey(err error) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		d.add("key", levelUnknown, d.profile, err.Error(), "check the network and run it again")
		return
	}
	next := command.HintFor(session.ExplainKey(err))
	if next == "" {
		next = "make a new access key in the console and import it"
	}
	d.add("key", levelBroken, d.profile, fmt.Sprintf("AWS does not take access key %s: %s: %s", d.keys.AccessKeyID, api.ErrorCode(), api.ErrorMessage()), next)
}

// checkDevices wants a device that gives codes, and that settings name no other.
func (d *doctor) checkDevices(ctx context.Context, cfg aws.Config) {
	var have []string
	pages := iam.NewListMFADevicesPaginator(iam.NewFromConfig(cfg), &iam.ListMFADevicesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			d.unlisted(err)
			return
		}
		for _, m := range page.MFADevices {
			have = append(have, aws.ToString(m.SerialNumber))
		}
	}
	codes := slices.DeleteFunc(slices.Clone(have), func(s string) bool { return strings.Contains(s, ":u2f/") })
	switch {
	case len(have) == 0:
		d.add("device", levelBroken, d.profile, "the user has no MFA device", "run \"forcemfa enroll\"")
		return
	case len(codes) == 0:
		d.add("device", levelBroken, d.profile, "the user has security keys only, which give no codes, and STS takes nothing else", "add a virtual device: forcemfa enroll")
		return
	}
	if p, err := d.files.Profile(d.profile); err == nil {
		if s, ok := p.Setting("mfa_serial"); ok && !slices.Contains(have, s.Value) {
			d.add("device", levelBroken, s.Origin.String(), "mfa_serial "+s.Value+" is no device of the user", "write "+strings.Join(codes, " or ")+", or take the line out: it is found")
		}
	}
}

func (d *doctor) unlisted(err error) {
	var api smithy.APIError
	if errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied") {
		if p, err := d.files.Profile(d.profile); err == nil && p.Get("mfa_serial") != "" {
			return // nobody needs the list
		}
		d.add("device", levelUnknown, d.profile, "the user may not list the own MFA devices", "set mfa_serial of the profile, or have iam:ListMFADevices allowed on the own user")
		return
	}
	d.add("device", levelUnknown, d.profile, "the MFA devices could not be listed: "+err.Error(), "run it again")
}
