// Package webhook delivers messages to the sites that want to hear, as Standard
// Webhooks says (https://www.standardwebhooks.com, version 1.0.0).
//
// Messages wait in a [Queue] that survives everything. A [Sender] posts those that
// are due, a few at a time, and takes out what was answered with a status of 2xx.
// What was not is posted again, later each time, under the same webhook-id: a site
// gets each message at least once, in no certain order, and forgets those whose id
// it has seen.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Message is one message that is due.
type Message struct {
	ID      int64  // in the queue
	Key     string // webhook-id: the same at each attempt
	Body    []byte // JSON
	Tries   int    // attempts that failed
	Created time.Time
}

// Queue keeps the messages of every webhook, and forgets none but by Delivered. It is
// safe for concurrent use.
type Queue interface {
	// Due returns up to limit messages that are due, and when the next one is; zero:
	// none is known.
	Due(ctx context.Context, webhook string, limit int) (ms []Message, next time.Time, err error)
	// Delivered takes a message out.
	Delivered(ctx context.Context, id int64) error
	// Failed makes it due again after wait; text says in plain words why.
	Failed(ctx context.Context, id int64, wait time.Duration, text string) error
	// GivenUp makes it due no more.
	GivenUp(ctx context.Context, id int64, text string) error
	// Wakes returns a channel that gets a value after messages came, and a function
	// that ends it.
	Wakes() (wake <-chan struct{}, end func())
}

// Config is one webhook.
type Config struct {
	Name   string // of the configuration, and in the queue
	URL    string // http or https
	Secret Secret
	GiveUp time.Duration // how old a message becomes
}

// Secret signs. It prints as ***.
type Secret struct{ key []byte }

// secretPrefix is what a secret begins with as people see it.
const secretPrefix = "whsec_"

// errSecret says what a secret looks like.
var errSecret = errors.New(`it is to be "whsec_" and 24 to 64 random bytes in base64; make one with: echo "whsec_$(openssl rand -base64 32)"`)

// ParseSecret reads a secret as Standard Webhooks writes it: "whsec_" and 24 to 64
// bytes in base64.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return Secret{}, errSecret
	}
	return Secret{key}, nil
}

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret.
func (Secret) GoString() string { return "***" }

// Sign returns the value of webhook-signature for a message sent at a time.
func (s Secret) Sign(key string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(key + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Sender delivers the messages of some webhooks.
type Sender struct {
	Webhooks []Config
	Queue    Queue
	Version  string // of the gateway, for User-Agent
	// Rand returns a number in [0, 1), for the time until the next attempt.
	Rand func() float64
	// Heard is told of each attempt: "delivered", "again" or "given-up". nil: nobody is.
	Heard func(webhook, result string)
	Log   *slog.Logger

	post func(ctx context.Context, c Config, m Message) answer // nil: by HTTP
}

// How attempts end, as Heard is told.
const (
	delivered = "delivered"
	again     = "again"
	givenUp   = "given-up"
)

// Run delivers until ctx ends. What is under way then is broken off, and sent again
// by the next Sender. It is called once.
func (s *Sender) Run(ctx context.Context) error {
	if s.post == nil {
		client := newClient(s.Version)
		defer client.CloseIdleConnections()
		s.post = client.post
	}
	var all sync.WaitGroup
	for _, c := range s.Webhooks {
		all.Go(func() { (&loop{Sender: s, Config: c}).run(ctx) })
	}
	all.Wait()
	return nil
}
