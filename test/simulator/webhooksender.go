package simulator

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	webhookTimeout = 22 * time.Second // documented: the receiver's time to answer
	senders        = 32
)

// retryWaits are the waits between the attempts of one notification.
var retryWaits = []time.Duration{
	15 * time.Minute, 30 * time.Minute, 6 * time.Hour, 48 * time.Hour, 96 * time.Hour, 96 * time.Hour, 96 * time.Hour,
}

// WebhookAttempt is one webhook sent, or a notification suppressed.
type WebhookAttempt struct {
	Number         int           `json:"number"`
	Time           time.Time     `json:"time"`
	NotificationID int64         `json:"notification_id"`
	Topic          string        `json:"topic"`
	Action         string        `json:"action"`
	PaymentID      string        `json:"payment_id"`
	URL            string        `json:"url"`
	Retry          int           `json:"retry"`           // X-Retry: 0 for the first attempt
	RequestID      string        `json:"request_id"`      // its x-request-id
	Signature      string        `json:"signature"`       // its x-signature, for replays
	Status         int           `json:"status"`          // the receiver's answer, 0 without one
	Error          string        `json:"error,omitempty"` // why there was no answer, or why it was suppressed
	Fault          Kind          `json:"fault,omitempty"` // the fault that applied
	Suppressed     bool          `json:"suppressed"`      // never sent
	Delivered      bool          `json:"delivered"`       // answered 200 or 201 in time
	Duration       time.Duration `json:"duration_ns"`

	sent notification // to send it again
}

// webhookSender delivers notifications: a queue in memory ordered by time, and a fixed number of senders.
type webhookSender struct {
	config   Config
	log      *slog.Logger
	client   *http.Client
	ctx      context.Context
	cancel   context.CancelFunc
	outbox   *schedule
	ready    chan *notification
	senders  sync.WaitGroup
	attempts *ring[WebhookAttempt]

	mu   sync.Mutex
	held map[string]*notification // by payment: reordered ones
}

func newWebhookSender(c Config) *webhookSender {
	ctx, cancel := context.WithCancel(context.Background())
	p := &webhookSender{
		config: c,
		log:    c.Log,
		client: &http.Client{
			Timeout: webhookTimeout,
			// Receivers on this machine are reached without the environment's proxy.
			Transport:     &http.Transport{MaxIdleConnsPerHost: senders, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		ctx:      ctx,
		cancel:   cancel,
		outbox:   newSchedule(),
		ready:    make(chan *notification),
		attempts: newRing[WebhookAttempt](keptInLog),
		held:     make(map[string]*notification),
	}
	for range senders {
		p.senders.Go(p.work)
	}
	return p
}

func (p *webhookSender) close() {
	p.cancel()
	p.outbox.close()
	p.senders.Wait()
	p.client.CloseIdleConnections()
}

func (p *webhookSender) notification(of payment, action, otherwise string) *notification {
	url := of.notifyURL
	if url == "" {
		url = otherwise
	}
	return &notification{id: nextNotification(), topic: topicPayment, action: action, paymentID: of.id, url: url, created: of.updated}
}

// send queues a notification, to be sent after the lead, changed by its fault.
func (p *webhookSender) send(n *notification, lead time.Duration) {
	copies := 1
	switch n.fault.Kind {
	case KindDoubled:
		copies = max(2, n.fault.Count)
	case KindLate:
		lead += n.fault.Delay
	}
	for range copies {
		duplicate := *n
		p.queue(&duplicate, time.Now().Add(lead))
		n.next = nil // only the first copy is followed by the one that was held back
	}
}

func (p *webhookSender) queue(n *notification, due time.Time) {
	p.outbox.at(due, func() {
		select {
		case p.ready <- n:
		case <-p.ctx.Done():
		}
	})
}

func (p *webhookSender) work() {
	for {
		select {
		case n := <-p.ready:
			p.deliver(n)
		case <-p.ctx.Done():
			return
		}
	}
}

// deliver makes one attempt, and queues the next one if it failed.
func (p *webhookSender) deliver(n *notification) {
	started := time.Now()
	p.sign(n)
	status, err := p.post(n)
	delivered := err == nil && (status == http.StatusOK || status == http.StatusCreated)
	p.record(n, WebhookAttempt{
		Time: started.UTC(), RequestID: n.requestID, Signature: n.signature, Status: status, Delivered: delivered, Duration: time.Since(started),
	}, err)
	if next := n.next; next != nil {
		n.next = nil
		p.queue(next, time.Now())
	}
	if delivered || n.once || p.ctx.Err() != nil {
		return
	}
	if n.attempt >= len(retryWaits) {
		p.log.Warn("webhook given up", "payment_id", n.paymentID, "action", n.action, "status", status)
		return
	}
	wait := time.Duration(float64(retryWaits[n.attempt]) / p.config.TimeScale)
	n.attempt++
	p.queue(n, time.Now().Add(wait))
}

// sign gives the attempt its x-request-id and its signature.
func (p *webhookSender) sign(n *notification) {
	if p.config.SignOnce && n.attempt > 0 {
		return
	}
	n.requestID = uuid.NewString()
	if secret := p.secretFor(n); secret != "" {
		n.signature = sign(secret, n.signedID(), n.requestID, p.timestamp())
	}
}

// post makes the request. Header names are as in Mercado Pago's own sample.
func (p *webhookSender) post(n *notification) (int, error) {
	body := n.body(p.config.CollectorID, p.config.LiveMode)
	req, err := http.NewRequestWithContext(p.ctx, http.MethodPost, n.target(), bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("make webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "restclient-node/4.15.3")
	req.Header.Set("X-Request-Id", n.requestID)
	req.Header.Set("X-Retry", strconv.Itoa(n.attempt))
	req.Header.Set("X-Socket-Timeout", strconv.FormatInt(webhookTimeout.Milliseconds(), 10))
	if n.signature != "" {
		req.Header.Set("X-Signature", n.signature)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody)) // so that the connection can be reused
	return res.StatusCode, nil
}

func (p *webhookSender) secretFor(n *notification) string {
	switch n.fault.Kind {
	case KindUnsigned:
		return ""
	case KindBadSignature:
		return p.config.WebhookSecret + "-not"
	default:
		return p.config.WebhookSecret
	}
}

func (p *webhookSender) timestamp() string {
	if p.config.WebhookTSMillis {
		return strconv.FormatInt(time.Now().UnixMilli(), 10)
	}
	return strconv.FormatInt(time.Now().Unix(), 10)
}

// suppress logs a notification that is never sent.
func (p *webhookSender) suppress(n *notification, why string) {
	p.record(n, WebhookAttempt{Time: time.Now().UTC(), Error: why, Suppressed: true}, nil)
}

func (p *webhookSender) record(n *notification, a WebhookAttempt, err error) {
	a.NotificationID, a.Topic, a.Action, a.PaymentID, a.URL = n.id, n.topic, n.action, n.paymentID, n.url
	a.sent = *n
	a.Retry, a.Fault = n.attempt, n.fault.Kind
	if err != nil {
		a.Error = err.Error()
	}
	p.attempts.add(func(number int) WebhookAttempt {
		a.Number = number
		return a
	})
}

// holdBack keeps a notification until the payment's next one was sent; one already held back is replaced.
func (p *webhookSender) holdBack(n *notification) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[n.paymentID] = n
}

func (p *webhookSender) heldBack(paymentID string) *notification {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.held[paymentID]
	delete(p.held, paymentID)
	return n
}

// redeliver sends new copies of a notification that was attempted or suppressed before.
func (p *webhookSender) redeliver(a WebhookAttempt, count int) {
	for range count {
		again := a.sent
		again.fault, again.attempt, again.next, again.created = Fault{}, 0, nil, a.Time
		p.queue(&again, time.Now())
	}
}
