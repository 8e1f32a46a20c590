// Package mercadopago calls Mercado Pago (Brazil): it creates, reads and closes payments, and it verifies and reads the
// notifications about them. Mercado Pago's words, its decimal amounts and its HTTP statuses end here; what comes out is
// payment.ProviderState and failure.Error.
//
// Its one rule: never guess how a request ended. An answer that is missing, late or not readable is an
// error of kind Unavailable, which means that the request may have worked. Such a request may be repeated
// under the same key, and under no other.
//
// Every call passes the guard, which holds the breakers and the provider rate limit. The official SDK builds the requests; its
// decoding is not used, see requester.
package mercadopago

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mercadopago/sdk-go/pkg/config"
	sdk "github.com/mercadopago/sdk-go/pkg/payment"
	"github.com/mercadopago/sdk-go/pkg/refund"
	"github.com/mercadopago/sdk-go/pkg/user"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/providerlimit"
)

const defaultTimeout = 10 * time.Second

// searchLimit is the page size. It is far above what one reference can gather, and within the 50 that the
// guide "retrieving payments" allows.
const searchLimit = 50

// Config is what a client needs to know.
type Config struct {
	BaseURL         string            // scheme and host; empty: the real one
	AccessToken     string            // of the seller's account
	Timeout         time.Duration     // of one call, answer included; 0: 10 s
	NotificationURL string            // of our webhook endpoint, sent with each payment; empty: the panel's setting holds
	CollectorID     string            // the account that the token must belong to; empty: the one that it belongs to
	Live            bool              // real money: payments and users for tests are refused
	HTTPTransport   http.RoundTripper // nil: one made for many parallel calls to one host

	Breakers *breaker.Fleet       // one for each kind of call; nil: none, and no limit
	Limit    *providerlimit.Limit // of the calls of all workers together; nil: none
}

// Client is one seller's account at Mercado Pago. It is safe for concurrent use and never retries: that is
// the caller's decision. The caller must repeat the same key.
type Client struct {
	calls           *prometheus.HistogramVec
	unknown         *prometheus.CounterVec // words
	guard           *guard
	payments        sdk.Client
	refunds         refund.Client
	users           user.Client
	requester       *requester // for what the SDK does not have
	token           string
	notificationURL *url.URL // nil: none

	collector string // expected by the configuration; "": none
	live      bool
	learned   atomic.Pointer[Account] // the account of the token; nil: not known yet
}

// New checks the configuration and makes a client. It does not connect.
func New(c Config) (*Client, error) {
	if c.AccessToken == "" {
		return nil, errors.New("mercado pago: the access token is empty")
	}
	if strings.ContainsFunc(c.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("mercado pago: the access token contains a blank, a line break or another unprintable character")
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("mercado pago: the timeout is negative: %s", c.Timeout)
	}
	if c.CollectorID != "" && !decimal(c.CollectorID) {
		return nil, fmt.Errorf("mercado pago: the collector's id is not a number: %.40q", c.CollectorID)
	}
	base, err := parseBase(cmp.Or(c.BaseURL, realBase))
	if err != nil {
		return nil, fmt.Errorf("mercado pago: base URL %q: %w", c.BaseURL, err)
	}
	notify, err := parseNotificationURL(c.NotificationURL)
	if err != nil {
		return nil, fmt.Errorf("mercado pago: notification URL %q: %w", c.NotificationURL, err)
	}
	r := &requester{base: base, timeout: cmp.Or(c.Timeout, defaultTimeout), transport: c.HTTPTransport}
	if r.transport == nil {
		r.transport = newTransport()
	}
	settings, err := config.New(c.AccessToken, config.WithHTTPClient(r))
	if err != nil {
		return nil, fmt.Errorf("mercado pago: %w", err)
	}
	client := &Client{
		calls: newCalls(), unknown: newUnknown(), guard: newGuard(c), payments: sdk.NewClient(settings), refunds: refund.NewClient(settings), users: user.NewClient(settings), notificationURL: notify,
		requester: r, token: c.AccessToken, collector: c.CollectorID, live: c.Live,
	}
	client.guard.account.read = client.probeAccount
	return client, nil
}

// Steady says that no trouble is known of the calls that the breaker with this name guards, see breaker.Breaker.
func (c *Client) Steady(name string) bool {
	b := c.guard.breakers[name]
	return b == nil || b.Steady()
}

// Rate is how many calls per second all processes may make together; 0: there is no limit.
func (c *Client) Rate() int {
	if c.guard.limit == nil {
		return 0
	}
	return c.guard.limit.Rate()
}

// ChargeRequest asks for the money of a payment.
type ChargeRequest struct {
	Payment payment.Payment
	Secrets payment.CardSecrets // of a card; the same when it is repeated
	Key     string              // the idempotency key
}

// Charge asks for a payment's money, in the way of its method. Repeated with the same payment and key it sends the same bytes, and Mercado
// Pago answers with the payment it made the first time. A payment that is refused is a state (rejected), not an error.
func (c *Client) Charge(ctx context.Context, r ChargeRequest) (payment.ProviderState, error) {
	id, how := r.Payment.ID, charges[r.Payment.Method.Type]
	switch {
	case r.Key == "":
		return payment.ProviderState{}, fmt.Errorf("charge %s: no idempotency key", id)
	case how.request == nil:
		return payment.ProviderState{}, fmt.Errorf("charge %s: no payment method %.20q", id, r.Payment.Method.Type)
	}
	request := how.request(c, r)
	var state payment.ProviderState
	err := c.ask(withCapture(withHeader(ctx, deviceHeader, r.Secrets.DeviceID), !r.Payment.AuthorizesOnly()), how.call, id, r.Key, func(ctx context.Context) error {
		_, err := c.payments.Create(ctx, request)
		return err
	}, func(body []byte) (err error) {
		state, err = c.reader().payment(body)
		return err
	})
	if err != nil {
		return payment.ProviderState{}, fmt.Errorf("charge %s: %w", id, err)
	}
	return state, nil
}

// Get reads a payment by Mercado Pago's own ID, a decimal number. NotFound may only mean that a payment
// just made is not readable yet.
func (c *Client) Get(ctx context.Context, providerPaymentID string) (payment.ProviderState, error) {
	state, err := c.read(ctx, opGet, providerPaymentID)
	if err != nil {
		return payment.ProviderState{}, fmt.Errorf("read payment %.40q: %w", providerPaymentID, err)
	}
	return state, nil
}

// Identify finds which of our payments one of Mercado Pago's belongs to, by the reference that it holds; "" when it is none of ours.
// The payment may be a foreign one. Errors, besides those of a call that must be made again later:
//
//	NotFound   Mercado Pago does not know the payment, or not yet
//	Forbidden  it does not show this payment to our account, which it does answer
//	Internal   it shows something that cannot be read
func (c *Client) Identify(ctx context.Context, providerPaymentID string) (paymentID string, err error) {
	state, err := c.read(ctx, opIdentify, providerPaymentID)
	if err != nil {
		return "", fmt.Errorf("identify payment %.40q: %w", providerPaymentID, c.guard.refusedAlone(ctx, err))
	}
	if state.Foreign != "" || !payment.ValidID(state.Reference) {
		return "", nil
	}
	return state.Reference, nil
}

// OfAnother says that a notification names the account of another seller as the one that it is about. The signature does not cover
// that, so it counts only for a notification about nothing that is known here; and while our own account is not known, it is false.
func (c *Client) OfAnother(n Notification) bool {
	ours, named := c.reader().collector, word(lookInto(n.Body), "user_id")
	return ours != "" && decimal(named) && named != ours
}

func (c *Client) read(ctx context.Context, op operation, providerPaymentID string) (payment.ProviderState, error) {
	return c.onPayment(ctx, op, "", providerPaymentID, func(ctx context.Context, id int) error {
		_, err := c.payments.Get(ctx, id)
		return err
	})
}

// Cancel closes a payment that is not paid, under the idempotency key. Conflict says that its state forbids that: it is paid, or
// closed already (code 2018), so read it. The buyer may pay until the answer.
func (c *Client) Cancel(ctx context.Context, providerPaymentID, key string) (payment.ProviderState, error) {
	if key == "" {
		return payment.ProviderState{}, fmt.Errorf("cancel payment %.40q: no idempotency key", providerPaymentID)
	}
	state, err := c.onPayment(ctx, opCancel, key, providerPaymentID, func(ctx context.Context, id int) error {
		_, err := c.payments.Cancel(ctx, id)
		return err
	})
	if err != nil {
		return payment.ProviderState{}, fmt.Errorf("cancel payment %.40q: %w", providerPaymentID, err)
	}
	return state, nil
}

// onPayment makes a call about one payment, and reads the answer, which must be about it.
func (c *Client) onPayment(ctx context.Context, op operation, key, providerPaymentID string, send func(context.Context, int) error) (state payment.ProviderState, err error) {
	id, err := strconv.Atoi(providerPaymentID)
	if err != nil || !decimal(providerPaymentID) {
		return payment.ProviderState{}, &failure.Error{Kind: failure.Invalid, Message: "Mercado Pago's payment IDs are decimal numbers"}
	}
	err = c.ask(ctx, op, providerPaymentID, key, func(ctx context.Context) error { return send(ctx, id) }, func(body []byte) (err error) {
		state, err = c.reader().payment(body)
		if err == nil && state.PaymentID != providerPaymentID {
			err = unreadable(fmt.Errorf("the answer is about payment %s", state.PaymentID))
		}
		return err
	})
	return state, err
}

// FindByReference looks for the payment whose external_reference is our payment's ID, among those of the
// last three months (the search's default). Of several, the Foremost counts. The search lags behind what was just created, so that false is no
// proof.
func (c *Client) FindByReference(ctx context.Context, paymentID string) (payment.ProviderState, bool, error) {
	shown, err := c.PaymentsByReference(ctx, paymentID)
	state, found := Foremost(shown)
	return state, found, err
}

// Foremost is, of payments with one reference as PaymentsByReference lists them, one that has taken money, else one that still may, else the newest.
func Foremost(shown []payment.ProviderState) (state payment.ProviderState, found bool) {
	if len(shown) == 0 {
		return payment.ProviderState{}, false
	}
	return slices.MinFunc(shown, func(a, b payment.ProviderState) int {
		return cmp.Compare(relevance(a.Status), relevance(b.Status))
	}), true
}

// PaymentsByReference lists the payments with an external_reference of ours, the newest first: all attempts at a checkout, or all cards that a buyer has
// entered. It looks for them as FindByReference does.
func (c *Client) PaymentsByReference(ctx context.Context, reference string) (found []payment.ProviderState, err error) {
	if !payment.ValidID(reference) {
		return nil, &failure.Error{
			Kind: failure.Invalid, Message: "not a payment ID", Err: fmt.Errorf("find payment %.40q", reference),
		}
	}
	request := sdk.SearchRequest{Limit: searchLimit, Filters: map[string]string{
		"external_reference": reference, "sort": "date_created", "criteria": "desc",
	}}
	err = c.ask(ctx, opSearch, reference, "", func(ctx context.Context) error {
		_, err := c.payments.Search(ctx, request)
		return err
	}, func(body []byte) (err error) {
		found, err = c.reader().search(body, reference)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find payment %s: %w", reference, err)
	}
	return found, nil
}

// relevance ranks the states of payments with one reference, the lowest first.
func relevance(s payment.Status) int {
	switch s {
	case payment.Approved, payment.Authorized, payment.PartiallyRefunded, payment.InDispute, payment.ChargedBack:
		return 0
	case payment.Pending, payment.InReview:
		return 1
	}
	return 2
}
