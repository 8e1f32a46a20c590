package simulator

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// defaultCollector is the seller's account number when Config names none.
const defaultCollector = 1164726384

// webhookLead is the time from the response to the payment.created webhook, long enough that the client gets the response first.
const webhookLead = 10 * time.Millisecond

// Config configures a simulator. The zero value works.
type Config struct {
	// AccessToken is the bearer token it accepts; empty accepts any.
	AccessToken string
	// WebhookSecret signs the webhooks; empty sends them unsigned.
	WebhookSecret string
	// PublicURL is the base of links such as ticket_url, without a trailing slash; empty: each request's Host.
	PublicURL string
	// DefaultNotificationURL gets the webhooks of payments without a notification_url, like the panel's setting.
	DefaultNotificationURL string
	// TimeScale divides the waits between webhook retries: 60 makes an hour a minute. Zero means 1. Pix expiry and the
	// delays of faults are not scaled.
	TimeScale float64
	// ReleaseAfter is how long after its approval a payment's money is released; zero: at once, as Mercado Pago does for a Pix.
	ReleaseAfter time.Duration
	// SignOnce retries a notification with the x-request-id and the signature of its first attempt. Mercado Pago does not document
	// whether it does so.
	SignOnce bool
	// WebhookTSMillis signs with ts in milliseconds instead of seconds; Mercado Pago does both.
	WebhookTSMillis bool
	// MaskedCard gives every payment a card object with expiry "***", which breaks SDKs that expect a number.
	MaskedCard bool
	// LiveMode is the live_mode of payments and webhooks; without it the account is a test user.
	LiveMode bool
	// CollectorID is the seller's account number; zero takes a fixed one.
	CollectorID int64
	// Log gets the simulator's log; nil: none.
	Log *slog.Logger
}

// Simulator is one fake Mercado Pago account. It is an http.Handler, and safe for concurrent use.
type Simulator struct {
	config   Config
	mux      *http.ServeMux
	book     *book
	faults   *faultQueue
	codes    *pixCodes
	sender   *webhookSender
	expiries *schedule
	requests *ring[Request]
	done     chan struct{}
	close    sync.Once
}

// New returns a running simulator with an empty ledger. Close it when done.
func New(c Config) *Simulator {
	if c.TimeScale <= 0 {
		c.TimeScale = 1
	}
	if c.CollectorID == 0 {
		c.CollectorID = defaultCollector
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Simulator{
		config:   c,
		book:     newBook(),
		faults:   &faultQueue{},
		codes:    newPixCodes(c.CollectorID),
		sender:   newWebhookSender(c),
		expiries: newSchedule(),
		requests: newRing[Request](keptInLog),
		done:     make(chan struct{}),
	}
	s.mux = s.routes()
	return s
}

func (s *Simulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	s.routeAPI(mux)
	s.routePages(mux)
	s.routeAdmin(mux)
	return mux
}

// routeAPI has what Mercado Pago's own API has.
func (s *Simulator) routeAPI(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/payments", s.api(Create, s.createPayment))
	mux.HandleFunc("GET /v1/payments/search", s.api(Search, s.searchPayments))
	mux.HandleFunc("GET /v1/payments/{id}", s.api(Get, s.getPayment))
	mux.HandleFunc("PUT /v1/payments/{id}", s.api(Update, s.updatePayment))
	mux.HandleFunc("POST /v1/payments/{id}/refunds", s.api(CreateRefund, s.createRefund))
	mux.HandleFunc("GET /v1/payments/{id}/refunds", s.api(GetRefunds, s.listRefunds))
	mux.HandleFunc("GET /v1/payments/{id}/refunds/{refund}", s.api(GetRefunds, s.getRefund))
	mux.HandleFunc("GET /v1/chargebacks/search", s.api(Chargebacks, s.searchChargebacks))
	mux.HandleFunc("GET /v1/chargebacks/{id}", s.api(Chargebacks, s.getChargeback))
	mux.HandleFunc("POST /v1/chargebacks/{id}/documentation", s.api(Documents, s.sendDocuments))
	mux.HandleFunc("GET /post-purchase/v1/claims/search", s.api(Claims, s.searchClaims))
	mux.HandleFunc("GET /post-purchase/v1/claims/{id}", s.api(Claims, s.getClaim))
	mux.HandleFunc("POST /v1/card_tokens", fromAnySite(s.api(CardToken, s.createCardToken)))
	mux.HandleFunc("POST /checkout/preferences", s.api(Preferences, s.createPreference))
	mux.HandleFunc("GET /checkout/preferences/search", s.api(Preferences, s.searchPreferences))
	mux.HandleFunc("GET /checkout/preferences/{id}", s.api(Preferences, s.getPreference))
	mux.HandleFunc("PUT /checkout/preferences/{id}", s.api(Preferences, s.updatePreference))
	mux.HandleFunc("GET /merchant_orders/search", s.api(MerchantOrders, s.searchMerchantOrders))
	mux.HandleFunc("GET /merchant_orders/{id}", s.api(MerchantOrders, s.getMerchantOrder))
	mux.HandleFunc("GET /v1/card_tokens/{token}", s.api(GetCardToken, s.getCardToken))
	mux.HandleFunc("POST /v1/customers", s.api(NewCustomer, s.createCustomer))
	mux.HandleFunc("GET /v1/customers/search", s.api(Customers, s.searchCustomers))
	mux.HandleFunc("GET /v1/customers/{customer}", s.api(Customers, s.getCustomer))
	mux.HandleFunc("PUT /v1/customers/{customer}", s.api(Customers, s.updateCustomer))
	mux.HandleFunc("DELETE /v1/customers/{customer}", s.api(Customers, s.deleteCustomer))
	mux.HandleFunc("DELETE /v1/customers/{customer}/delete", s.api(Customers, s.deleteCustomer)) // the published contract's path
	mux.HandleFunc("POST /v1/customers/{customer}/cards", s.api(SaveCard, s.saveCard))
	mux.HandleFunc("GET /v1/customers/{customer}/cards", s.api(SavedCards, s.listCards))
	mux.HandleFunc("GET /v1/customers/{customer}/cards/{card}", s.api(SavedCards, s.getCard))
	mux.HandleFunc("DELETE /v1/customers/{customer}/cards/{card}", s.api(SavedCards, s.deleteCard))
	mux.HandleFunc("GET /users/me", s.api(Account, s.getAccount))
	mux.HandleFunc("GET /v1/payment_methods", s.api(Offers, s.listOffers))
	mux.HandleFunc("GET /v1/payment_methods/installments", s.api(Installments, s.listInstallments))
}

// routePages has what buyers see, and what their browsers ask for.
func (s *Simulator) routePages(mux *http.ServeMux) {
	mux.HandleFunc("GET /js/v2", s.browserScript)
	mux.HandleFunc("GET /secure-fields/{field}", s.secureField)
	mux.HandleFunc("GET /{$}", s.frontPage)
	mux.HandleFunc("GET /pay/{id}", s.payPage)
	mux.HandleFunc("POST /pay/{id}/pay", s.payForm(s.Pay))
	mux.HandleFunc("POST /pay/{id}/expire", s.payForm(s.Expire))
	mux.HandleFunc("GET /checkout/v1/redirect", s.redirectPage)
	mux.HandleFunc("POST /checkout/v1/pay", s.checkoutForm)
	mux.HandleFunc("POST /3ds/{id}", s.challengePage)
	mux.HandleFunc("POST /3ds/{id}/pass", s.challengeForm(s.PassChallenge))
	mux.HandleFunc("POST /3ds/{id}/fail", s.challengeForm(s.FailChallenge))
}

// routeAdmin has what tests and the lab let buyers, banks and Mercado Pago do.
func (s *Simulator) routeAdmin(mux *http.ServeMux) {
	mux.HandleFunc("GET /admin/payments", s.adminPayments)
	mux.HandleFunc("POST /admin/payments/{id}/pay", s.adminMove(s.Pay))
	mux.HandleFunc("POST /admin/payments/{id}/pay-late", s.adminMove(s.PayLate))
	mux.HandleFunc("POST /admin/payments/{id}/pay-again", s.adminMove(s.PayAgain))
	mux.HandleFunc("POST /admin/payments/{id}/expire", s.adminMove(s.Expire))
	mux.HandleFunc("POST /admin/payments/{id}/approve", s.adminMove(s.Approve))
	mux.HandleFunc("POST /admin/payments/{id}/reject", s.adminMove(s.Reject))
	mux.HandleFunc("POST /admin/payments/{id}/pass-challenge", s.adminMove(s.PassChallenge))
	mux.HandleFunc("POST /admin/payments/{id}/fail-challenge", s.adminMove(s.FailChallenge))
	mux.HandleFunc("POST /admin/payments/{id}/refund", s.adminRefund)
	mux.HandleFunc("POST /admin/payments/{id}/refunds/{refund}/settle", s.adminSettleRefund)
	mux.HandleFunc("POST /admin/payments/{id}/chargeback", s.adminDispute(s.OpenChargeback))
	mux.HandleFunc("POST /admin/chargebacks/{id}/win", s.adminDecide(func(id string) error { return s.DecideChargeback(id, true) }))
	mux.HandleFunc("POST /admin/chargebacks/{id}/lose", s.adminDecide(func(id string) error { return s.DecideChargeback(id, false) }))
	mux.HandleFunc("POST /admin/chargebacks/{id}/deadline", s.adminDeadline)
	mux.HandleFunc("POST /admin/payments/{id}/claim", s.adminDispute(s.OpenClaim))
	mux.HandleFunc("POST /admin/claims/{id}/mediate", s.adminDecide(s.MediateClaim))
	mux.HandleFunc("POST /admin/claims/{id}/win", s.adminDecide(func(id string) error { return s.CloseClaim(id, true) }))
	mux.HandleFunc("POST /admin/claims/{id}/lose", s.adminDecide(func(id string) error { return s.CloseClaim(id, false) }))
	mux.HandleFunc("POST /admin/payments/{id}/fraud-alert", s.adminMove(s.AlertFraud))
	mux.HandleFunc("GET /admin/disputes", s.adminDisputes)
	mux.HandleFunc("POST /admin/preferences/{id}/try", s.adminTry)
	mux.HandleFunc("GET /admin/ledger", s.adminLedger)
	mux.HandleFunc("GET /admin/books", s.adminBooks)
	mux.HandleFunc("GET /admin/requests", s.adminRequests)
	mux.HandleFunc("GET /admin/webhooks", s.adminWebhooks)
	mux.HandleFunc("POST /admin/webhooks", s.adminAnnounce)
	mux.HandleFunc("POST /admin/webhooks/{n}/redeliver", s.adminRedeliver)
	mux.HandleFunc("POST /admin/triggers/{name}", s.adminTrigger)
	mux.HandleFunc("GET /admin/faults", s.adminFaults)
	mux.HandleFunc("POST /admin/faults", s.adminAddFaults)
	mux.HandleFunc("DELETE /admin/faults", s.adminClearFaults)
}

// ServeHTTP answers Mercado Pago's API, the pay pages and the admin API.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close stops webhooks and expiries, ends the delays of slow responses, and returns when nothing is running. Close it before its server,
// or the server waits for the slow responses.
func (s *Simulator) Close() {
	s.close.Do(func() {
		close(s.done)
		s.expiries.close()
		s.sender.close()
		s.book.close()
	})
}

// Pay lets the buyer pay the Pix: approved, accredited, with its fee, and a payment.updated webhook. It fails when the
// payment is unknown, not pending or past its expiry.
func (s *Simulator) Pay(paymentID string) error {
	p, err := s.book.pay(paymentID, time.Now())
	if err != nil {
		return fmt.Errorf("pay %s: %w", paymentID, err)
	}
	s.notifyUpdated(p)
	return nil
}

// PayLate lets a Pix that was under way arrive after the payment was cancelled or has expired. It fails when the payment is unknown or has
// not ended unpaid.
func (s *Simulator) PayLate(paymentID string) error {
	p, err := s.book.payLate(paymentID, time.Now())
	if err != nil {
		return fmt.Errorf("pay %s late: %w", paymentID, err)
	}
	s.notifyUpdated(p)
	return nil
}

// PayAgain lets the buyer pay a boleto that is paid. It fails when the payment is unknown, not approved, or a Pix, whose code is good for one
// payment.
func (s *Simulator) PayAgain(paymentID string) error {
	p, err := s.book.payAgain(paymentID, time.Now())
	if err != nil {
		return fmt.Errorf("pay %s again: %w", paymentID, err)
	}
	s.notifyUpdated(p)
	return nil
}

// Expire makes the Pix expire now: cancelled, expired, and a payment.updated webhook. It fails when the payment is
// unknown or not pending.
func (s *Simulator) Expire(paymentID string) error {
	p, err := s.book.cancel(paymentID, "expired", time.Now())
	if err != nil {
		return fmt.Errorf("expire %s: %w", paymentID, err)
	}
	s.notifyUpdated(p)
	return nil
}

// Ledger returns a copy of every entry so far, oldest first.
func (s *Simulator) Ledger() []Entry { return s.book.ledger(0) }

// Requests returns the last 50,000 API requests, oldest first.
func (s *Simulator) Requests() []Request { return s.requests.all() }

// Webhooks returns the last 50,000 webhook attempts and suppressed notifications, oldest first.
func (s *Simulator) Webhooks() []WebhookAttempt { return s.sender.attempts.all() }

// SetFaults replaces all faults. It panics on an invalid fault, which is a mistake in the program.
func (s *Simulator) SetFaults(faults []Fault) {
	mustMakeSense(faults...)
	s.faults.set(faults)
}

// AddFault adds a fault after the existing ones. It panics on an invalid fault.
func (s *Simulator) AddFault(f Fault) {
	mustMakeSense(f)
	s.faults.add(f)
}

// Faults returns the faults armed and used up since they were last set, in order, with their counts.
func (s *Simulator) Faults() []Fault { return s.faults.all() }

func mustMakeSense(faults ...Fault) {
	for _, f := range faults {
		if err := f.check(); err != nil {
			panic(fmt.Sprintf("simulator: %v", err))
		}
	}
}
