package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/onlywave/onlywave/test/simulator"
)

// Flood is webhooks in addition to those that the simulator sends by itself, spread over the run.
type Flood struct {
	Duplicates int // notifications that the simulator sends again, each with a new signature
	Forged     int // unsigned, with a random signature, or with another payment's
	Replayed   int // signed ones, sent again unchanged
}

// WebhookKind is a kind of the flood's webhooks.
type WebhookKind string

// The kinds.
const (
	Duplicate WebhookKind = "duplicate"
	Forged    WebhookKind = "forged"
	Replayed  WebhookKind = "replayed"
)

// Webhook is one of the flood, or Count duplicates ordered at once.
type Webhook struct {
	Kind              WebhookKind `json:"kind"`
	At                time.Time   `json:"at"`
	PaymentID         string      `json:"payment_id"`
	ProviderPaymentID string      `json:"provider_payment_id"`
	RequestID         string      `json:"request_id,omitempty"`
	Count             int         `json:"count"`
	Code              int         `json:"code"` // of the response; 0: none. The simulator's log has more about duplicates.
	Error             string      `json:"error,omitempty"`
}

// LetIn says whether the platform accepted it as genuine.
func (w Webhook) LetIn() bool { return w.Kind != Duplicate && w.Code == http.StatusOK }

const (
	duplicatesAtOnce = 10
	floodInFlight    = 16
)

// flood sends all of them, each kind spread over the run.
func (g *generator) flood(ctx context.Context) {
	ctx, cancel := context.WithDeadline(ctx, g.log.Began.Add(g.Length+g.RetryFor))
	defer cancel()
	t := &thief{generator: g, heard: map[string]simulator.WebhookAttempt{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		orders := (g.Flood.Duplicates + duplicatesAtOnce - 1) / duplicatesAtOnce
		g.pace(ctx, 1, orders, func(i int, victim Intent, _ *rand.Rand) Webhook {
			return g.redeliver(ctx, victim, min(duplicatesAtOnce, g.Flood.Duplicates-i*duplicatesAtOnce))
		})
	})
	wg.Go(func() { g.pace(ctx, 2, g.Flood.Forged, t.forge(ctx)) })
	wg.Go(func() { g.pace(ctx, 3, g.Flood.Replayed, t.replay(ctx)) })
	wg.Wait()
	g.log.left(g.Flood)
}

// pace sends count webhooks about random pending payments.
func (g *generator) pace(ctx context.Context, stream uint64, count int, send func(i int, victim Intent, random *rand.Rand) Webhook) {
	random := rand.New(rand.NewPCG(g.Seed, 1<<32+stream))
	slots := make(chan struct{}, floodInFlight)
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range count {
		if !sleepUntil(ctx, g.log.Began.Add(g.Length*time.Duration(i)/time.Duration(count))) {
			return
		}
		victim, ok := g.victim(ctx, random)
		if !ok {
			return
		}
		own := rand.New(rand.NewPCG(random.Uint64(), stream))
		slots <- struct{}{}
		wg.Go(func() {
			g.log.sent(send(i, victim, own))
			<-slots
		})
	}
}

// victim waits until there is a pending payment.
func (g *generator) victim(ctx context.Context, random *rand.Rand) (Intent, bool) {
	for {
		if i, ok := g.log.drawKnown(random); ok {
			return i, true
		}
		if !sleep(ctx, readMin) {
			return Intent{}, false
		}
	}
}

func (g *generator) redeliver(ctx context.Context, victim Intent, count int) Webhook {
	w := Webhook{Kind: Duplicate, At: time.Now(), PaymentID: victim.PaymentID, ProviderPaymentID: victim.ProviderPaymentID, Count: count}
	if err := g.Provider.Redeliver(ctx, victim.ProviderPaymentID, count); err != nil {
		w.Error = err.Error()
		return w
	}
	w.Code = http.StatusOK
	return w
}

// thief reads signed webhooks between the simulator and the platform.
type thief struct {
	*generator
	mu    sync.Mutex
	heard map[string]simulator.WebhookAttempt // by provider's payment
}

// overheard is a signed notification of the payment that was delivered before.
func (t *thief) overheard(ctx context.Context, victim Intent) (simulator.WebhookAttempt, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if heard, ok := t.heard[victim.ProviderPaymentID]; ok {
		return heard, nil
	}
	attempts, err := t.Provider.Webhooks(ctx, victim.ProviderPaymentID)
	if err != nil {
		return simulator.WebhookAttempt{}, err
	}
	for _, a := range attempts {
		if a.Signature != "" && a.Delivered {
			t.heard[victim.ProviderPaymentID] = a
			return a, nil
		}
	}
	return simulator.WebhookAttempt{}, fmt.Errorf("no notification of %s was delivered yet", victim.ProviderPaymentID)
}

// forge makes webhooks that must be refused: without a signature, with one of random digits, or about one payment
// under the signature of another's.
func (t *thief) forge(ctx context.Context) func(int, Intent, *rand.Rand) Webhook {
	return func(i int, victim Intent, random *rand.Rand) Webhook {
		requestID := uuid.NewString()
		signature := fmt.Sprintf("ts=%d,v1=%016x%016x%016x%016x", time.Now().Unix(), random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64())
		switch i % 3 {
		case 1:
			signature = ""
		case 2:
			if other, ok := t.log.drawKnown(random); ok && other.ProviderPaymentID != victim.ProviderPaymentID {
				if heard, err := t.overheard(ctx, other); err == nil {
					requestID, signature = heard.RequestID, heard.Signature
				}
			}
		}
		return t.send(ctx, i, Forged, victim, requestID, signature)
	}
}

func (t *thief) replay(ctx context.Context) func(int, Intent, *rand.Rand) Webhook {
	return func(i int, victim Intent, _ *rand.Rand) Webhook {
		heard, err := t.overheard(ctx, victim)
		for err != nil && sleep(ctx, readMin) {
			heard, err = t.overheard(ctx, victim)
		}
		if err != nil {
			return Webhook{Kind: Replayed, At: time.Now(), PaymentID: victim.PaymentID, ProviderPaymentID: victim.ProviderPaymentID, Count: 1, Error: err.Error()}
		}
		return t.send(ctx, i, Replayed, victim, heard.RequestID, heard.Signature)
	}
}

func (t *thief) send(ctx context.Context, i int, kind WebhookKind, victim Intent, requestID, signature string) Webhook {
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	w := Webhook{
		Kind: kind, At: time.Now(), PaymentID: victim.PaymentID, ProviderPaymentID: victim.ProviderPaymentID, RequestID: requestID, Count: 1,
	}
	query := url.Values{"payment_id": {victim.PaymentID}, "data.id": {victim.ProviderPaymentID}, "type": {"payment"}}
	body := fmt.Sprintf(`{"action":"payment.updated","type":"payment","data":{"id":%q}}`, victim.ProviderPaymentID)
	header := []string{"Content-Type", "application/json", "X-Request-Id", requestID}
	if signature != "" {
		header = append(header, "X-Signature", signature)
	}
	answer, err := t.Shops[i%len(t.Shops)].Webhook(ctx, query.Encode(), body, header...)
	if err != nil {
		w.Error = err.Error()
		return w
	}
	w.Code = answer.Status
	return w
}

// know notes a payment that the flood may use.
func (l *Log) know(i *Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = append(l.known, *i)
}

func (l *Log) drawKnown(random *rand.Rand) (Intent, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.known) == 0 {
		return Intent{}, false
	}
	return l.known[random.IntN(len(l.known))], true
}

// left counts the webhooks that were not sent, for lack of time or payments.
func (l *Log) left(asked Flood) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.Counts
	c.WebhooksShed = asked.Duplicates - c.Duplicates + asked.Forged - c.Forged + asked.Replayed - c.Replayed
}

// sent counts and keeps one webhook of the flood.
func (l *Log) sent(w Webhook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Webhooks = append(l.Webhooks, w)
	c := &l.Counts
	switch w.Kind {
	case Duplicate:
		c.Duplicates += w.Count
	case Forged:
		c.Forged++
	case Replayed:
		c.Replayed++
	}
	switch {
	case w.Code == 0:
		c.WebhooksUnanswered++
	case w.LetIn() && w.Kind == Forged:
		c.ForgedLetIn++
	case w.LetIn():
		c.ReplayedLetIn++
	}
	l.write(line{Event: "webhook", Webhook: &w})
}
