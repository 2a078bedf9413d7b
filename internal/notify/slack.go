package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/slack-go/slack"
)

// The hosts of Slack's incoming webhooks; the second one is for GovSlack.
var slackHosts = []string{"hooks.slack.com", "hooks.slack-gov.com"}

const slackAPI = "https://slack.com/api/"

// A slackPayload is the body of both Slack APIs.
type slackPayload struct {
	Channel     string       `json:"channel,omitempty"`
	Text        string       `json:"text"`
	Blocks      slack.Blocks `json:"blocks"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

func slackBody(channel string, d *Summary) ([]byte, error) {
	text, blocks := slackMessage(d)
	body, err := json.Marshal(slackPayload{Channel: channel, Text: text, Blocks: slack.Blocks{BlockSet: blocks}})
	if err != nil {
		return nil, fmt.Errorf("write the message: %w", err)
	}
	return body, nil
}

// A slackWebhook posts to the channel of an incoming webhook.
type slackWebhook struct {
	*retrier
	options *Options
	url     *secret
}

func (s *slackWebhook) Name() string { return "slack" }

// Send posts the summary as one message.
func (s *slackWebhook) Send(ctx context.Context, d *Summary) error {
	text, err := s.url.read(ctx)
	if err != nil {
		return err
	}
	to, err := s.options.address(text, slackHosts...)
	if err != nil {
		return fmt.Errorf("%s: %w", s.url.what, err)
	}
	body, err := slackBody("", d)
	if err != nil {
		return err
	}
	return s.deliver(ctx, func(ctx context.Context) (*http.Request, error) {
		return jsonRequest(ctx, to.String(), body)
	}, func(a *response) result { return s.judge(a, to) })
}

// judge interprets the response of a webhook: 200 and ok, or the code of a
// permanent error.
func (s *slackWebhook) judge(a *response, to *url.URL) result {
	if v, done := s.commonStatus("Slack", a); done {
		return v
	}
	if a.status == http.StatusOK && strings.TrimSpace(a.body) == "ok" {
		return result{}
	}
	if a.status != http.StatusBadRequest {
		s.url.forget() // refused, deleted, or not a webhook: it may have been replaced
	}
	return result{err: fmt.Errorf("refused by Slack: %s (HTTP %d); not retried",
		quote(a.body, to.String(), to.RequestURI(), to.Path), a.status)}
}

// A slackBot posts with chat.postMessage.
type slackBot struct {
	*retrier
	api     string
	channel string
	token   *secret
}

func (s *slackBot) Name() string { return "slack" }

// Send posts the summary as one message.
func (s *slackBot) Send(ctx context.Context, d *Summary) error {
	token, err := s.token.read(ctx)
	if err != nil {
		return err
	}
	body, err := slackBody(s.channel, d)
	if err != nil {
		return err
	}
	return s.deliver(ctx, func(ctx context.Context) (*http.Request, error) {
		request, err := jsonRequest(ctx, s.api+"chat.postMessage", body)
		if err != nil {
			return nil, err
		}
		if strings.ContainsAny(token, "\r\n") {
			return nil, errors.New("the Slack token contains more than one line")
		}
		request.Header.Set("Authorization", "Bearer "+token)
		return request, nil
	}, func(a *response) result { return s.judge(a, token) })
}

// passing lists the temporary errors of chat.postMessage.
// Source: Slack, chat.postMessage, errors.
var passing = map[string]bool{
	"ratelimited": true, "rate_limited": true, "internal_error": true, "fatal_error": true,
	"service_unavailable": true, "request_timeout": true,
}

// remedies lists what to do about permanent errors.
var remedies = map[string]string{
	"not_in_channel":    "invite the bot to the channel",
	"channel_not_found": "name a channel that the bot is a member of",
	"is_archived":       "the channel is archived: name another one",
	"missing_scope":     "give the bot the scope chat:write",
	"invalid_auth":      "replace the token",
	"token_revoked":     "replace the token",
	"account_inactive":  "replace the token",
	"not_authed":        "replace the token",
}

// judge interprets a response of the Web API, which reports errors with HTTP
// 200.
func (s *slackBot) judge(a *response, token string) result {
	if v, done := s.commonStatus("Slack", a); done {
		return v
	}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal([]byte(a.body), &said); err != nil {
		return result{err: fmt.Errorf("the response of Slack is not JSON (HTTP %d): %s", a.status, quote(a.body, token))}
	}
	switch {
	case said.OK:
		return result{}
	case passing[said.Error]:
		return result{fmt.Errorf("temporary error of Slack: %s", quote(said.Error, token)), true, s.retryAfter(a)}
	}
	s.token.forget()
	err := fmt.Errorf("refused by Slack: %s; not retried", quote(said.Error, token))
	if remedy := remedies[said.Error]; remedy != "" {
		err = fmt.Errorf("%w: %s", err, remedy)
	}
	return result{err: err}
}

func jsonRequest(ctx context.Context, to string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "forcemfa")
	return request, nil
}
