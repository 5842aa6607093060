package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"slipway/gateway/cli"
	"slipway/gateway/metrics"
	"slipway/gateway/operate"
	"slipway/gateway/webhook"
	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs/sidecar"
)

// notices says what webhooks hear of.
type notices struct {
	*app
	hooks []hook
}

var _ ledger.Notices = notices{}

// noticesOf returns what the webhooks hear of; nil where there are none.
func (a *app) noticesOf(hooks []hook) ledger.Notices {
	if len(hooks) == 0 {
		return nil
	}
	return notices{a, hooks}
}

// Hears reports whether any webhook may want to hear.
func (n notices) Hears(state uploader.State, destination string) bool {
	for _, h := range n.hooks {
		if h.hears(string(state), destination) {
			return true
		}
	}
	return false
}

// Wants returns the webhooks that do.
func (n notices) Wants(u uploader.Upload) (names []string) {
	for _, h := range n.hooks {
		if h.hears(string(u.State), u.Destination) && h.about(u.Path) {
			names = append(names, h.Name)
		}
	}
	return names
}

// webhookBody is what a webhook is told.
type webhookBody struct {
	Type        string          `json:"type"` // "upload.done", …
	Timestamp   time.Time       `json:"timestamp"`
	Upload      int64           `json:"upload"`
	Destination string          `json:"destination"`
	Data        json.RawMessage `json:"data"` // the receipt, as in the .json beside the file
}

// Message returns the body of a message.
func (n notices) Message(about ledger.Notice) []byte {
	u := about.Upload
	body, err := json.Marshal(webhookBody{
		Type: "upload." + string(u.State), Timestamp: about.At.UTC(), Upload: u.ID, Destination: u.Destination,
		Data: sidecar.JSON(u.Path, about.File, receipts{n.app}.receipt(about.Uploads)),
	})
	if err != nil { // not with these types
		n.log.Error("a message to webhooks could not be written", "upload", u.ID, "error", err)
	}
	return body
}

// messages is the ledger's messages as package webhook sees them.
type messages struct{ *ledger.Ledger }

var _ webhook.Queue = messages{}

// Due returns messages that are due.
func (m messages) Due(ctx context.Context, name string, limit int) ([]webhook.Message, time.Time, error) {
	rows, next, err := m.Messages(ctx, name, limit)
	due := make([]webhook.Message, len(rows))
	for i, r := range rows {
		due[i] = webhook.Message{ID: r.ID, Key: r.Key, Body: r.Body, Tries: r.Tries, Created: r.Created}
	}
	return due, next, err
}

// Delivered takes a message out.
func (m messages) Delivered(ctx context.Context, id int64) error { return m.MessageDelivered(ctx, id) }

// Failed makes it due again.
func (m messages) Failed(ctx context.Context, id int64, wait time.Duration, text string) error {
	return m.MessageFailed(ctx, id, wait, text)
}

// GivenUp makes it due no more.
func (m messages) GivenUp(ctx context.Context, id int64, text string) error {
	return m.MessageGivenUp(ctx, id, text)
}

// Wakes returns a channel that tells of new messages.
func (m messages) Wakes() (<-chan struct{}, func()) { return m.NoticeWakes() }

// runWebhooks delivers messages until ctx ends: a reload hands in other webhooks, and
// the delivery of those before ends.
func (a *app) runWebhooks(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	stop := func() {}
	for {
		select {
		case hooks := <-a.hooks:
			stop()
			running.Wait()
			part, cancel := context.WithCancel(ctx)
			stop = cancel
			if len(hooks) > 0 {
				running.Go(func() { a.sendMessages(part, hooks) })
			}
		case <-ctx.Done():
			stop()
			return nil
		}
	}
}

// sendMessages delivers the messages of hooks until ctx ends.
func (a *app) sendMessages(ctx context.Context, hooks []hook) {
	s := webhook.Sender{Queue: messages{a.ledger}, Version: a.version, Rand: rand.Float64, Heard: a.metrics.Delivered, Log: a.log}
	for _, h := range hooks {
		s.Webhooks = append(s.Webhooks, h.Config)
	}
	if err := s.Run(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("webhooks are not told any more; they are after a restart", "error", err)
	}
}

// messagesKept is how long messages that were given up are shown.
const messagesKept = 30 * 24 * time.Hour

// expireMessages gives up messages that are too old, also of webhooks that are no
// longer configured.
func (a *app) expireMessages(ctx context.Context) error {
	oldest := webhookGiveUp
	for _, h := range a.settings.Load().hooks {
		oldest = max(oldest, h.GiveUp)
	}
	now := time.Now()
	n, err := a.ledger.ExpireMessages(ctx, now.Add(-oldest-time.Hour), now.Add(-messagesKept))
	if n > 0 {
		a.log.Error("messages to webhooks were given up; they are too old", "messages", n)
	}
	return err
}

// webhookStatus returns how the webhooks stand that are configured or have messages.
func (a *app) webhookStatus(ctx context.Context) ([]operate.Webhook, error) {
	stats, err := a.ledger.WebhookStats(ctx)
	var all []operate.Webhook
	show := func(name string) {
		s := stats[name]
		all = append(all, operate.Webhook{Name: name, Waiting: s.Waiting, GivenUp: s.GivenUp, Oldest: s.Oldest, Error: s.Error})
		delete(stats, name)
	}
	for _, h := range a.settings.Load().hooks {
		show(h.Name)
	}
	for name := range stats {
		show(name)
	}
	return all, err
}

// webhookStates is webhookStatus for the metrics.
func (a *app) webhookStates(ctx context.Context) (all []metrics.Webhook) {
	status, err := a.webhookStatus(ctx)
	if err != nil {
		a.log.Warn("messages to webhooks could not be counted for the metrics", "error", err)
	}
	for _, w := range status {
		all = append(all, metrics.Webhook{Name: w.Name, Waiting: float64(w.Waiting), GivenUp: float64(w.GivenUp), Oldest: w.Oldest})
	}
	return all
}

// checkWebhook connects to a webhook's site, and tells it nothing.
func checkWebhook(ctx context.Context, h hook) cli.CheckLine {
	line := cli.CheckLine{Subject: "webhook " + h.Name, OK: true, Text: "its site can be reached; nothing was sent there"}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	if err := webhook.Reach(ctx, h.URL); err != nil {
		line.OK, line.Text = false, "its site cannot be reached: "+err.Error()
		line.Remedy = "Look at the address, and whether the site runs. Messages wait meanwhile."
	}
	return line
}
