package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/onlywave/onlywave/test/simulator"
)

// Provider is the simulator's admin API.
type Provider struct {
	URL  string
	HTTP *http.Client // nil: a shared one
}

// Pay makes the buyer pay.
func (p *Provider) Pay(ctx context.Context, providerPaymentID string) error {
	return p.call(ctx, http.MethodPost, "/admin/payments/"+providerPaymentID+"/pay", "", nil)
}

// CardToken makes a token of a test card, whose holder's name says what becomes of a payment with it: APRO, FUND and others.
func (p *Provider) CardToken(ctx context.Context, holder string) (string, error) {
	return p.CardTokenOf(ctx, "5031433215406351", holder)
}

// CardTokenOf makes a token of the card with a number; that of simulator.ChallengeCard has to pass a challenge.
func (p *Provider) CardTokenOf(ctx context.Context, number, holder string) (string, error) {
	return p.token(ctx, fmt.Sprintf(`{"card_number": %q, "cardholder": {"name": %q}, "security_code": "123", "expiration_month": 11, "expiration_year": 2030}`, number, holder))
}

// Approve ends the review of a card payment well.
func (p *Provider) Approve(ctx context.Context, providerPaymentID string) error {
	return p.call(ctx, http.MethodPost, "/admin/payments/"+providerPaymentID+"/approve", "", nil)
}

// Reject ends it badly.
func (p *Provider) Reject(ctx context.Context, providerPaymentID string) error {
	return p.call(ctx, http.MethodPost, "/admin/payments/"+providerPaymentID+"/reject", "", nil)
}

// Try lets a buyer try to pay a preference on the page, and returns the payment that comes of it. The holder is of a card.
func (p *Provider) Try(ctx context.Context, preferenceID, method, holder string) (string, error) {
	var made struct {
		ID string `json:"id"`
	}
	err := p.call(ctx, http.MethodPost, "/admin/preferences/"+url.PathEscape(preferenceID)+"/try?method="+url.QueryEscape(method)+"&holder="+url.QueryEscape(holder), "", &made)
	return made.ID, err
}

// OpenChargeback lets the buyer's bank take the money of a paid payment back. It returns the chargeback's id.
func (p *Provider) OpenChargeback(ctx context.Context, providerPaymentID string) (string, error) {
	return p.openDispute(ctx, providerPaymentID, "chargeback")
}

// EndChargeback decides a chargeback, for the seller or for the buyer.
func (p *Provider) EndChargeback(ctx context.Context, id string, won bool) error {
	return p.endDispute(ctx, "chargebacks/"+id, won)
}

// OpenClaim lets the buyer of a paid payment complain. It returns the claim's id.
func (p *Provider) OpenClaim(ctx context.Context, providerPaymentID string) (string, error) {
	return p.openDispute(ctx, providerPaymentID, "claim")
}

// MediateClaim has the provider decide about a claim: the payment is in mediation.
func (p *Provider) MediateClaim(ctx context.Context, id string) error {
	return p.call(ctx, http.MethodPost, "/admin/claims/"+id+"/mediate", "", nil)
}

// EndClaim closes a claim, for the seller or for the buyer.
func (p *Provider) EndClaim(ctx context.Context, id string, won bool) error {
	return p.endDispute(ctx, "claims/"+id, won)
}

// MoveDeadline sets how long documents about a chargeback may still be sent.
func (p *Provider) MoveDeadline(ctx context.Context, chargeback string, in time.Duration) error {
	return p.call(ctx, http.MethodPost, "/admin/chargebacks/"+chargeback+"/deadline?in="+in.String(), "", nil)
}

func (p *Provider) openDispute(ctx context.Context, providerPaymentID, kind string) (string, error) {
	var opened struct {
		ID string `json:"id"`
	}
	err := p.call(ctx, http.MethodPost, "/admin/payments/"+providerPaymentID+"/"+kind, "", &opened)
	return opened.ID, err
}

func (p *Provider) endDispute(ctx context.Context, dispute string, won bool) error {
	end := "lose"
	if won {
		end = "win"
	}
	return p.call(ctx, http.MethodPost, "/admin/"+dispute+"/"+end, "", nil)
}

// EndChallenge lets the buyer pass the challenge of a card, or fail it.
func (p *Provider) EndChallenge(ctx context.Context, providerPaymentID string, passed bool) error {
	end := "fail"
	if passed {
		end = "pass"
	}
	return p.call(ctx, http.MethodPost, "/admin/payments/"+providerPaymentID+"/"+end+"-challenge", "", nil)
}

// PayLate pays a Pix after it was cancelled or has expired.
func (p Provider) PayLate(ctx context.Context, providerPaymentID string) error {
	return p.call(ctx, http.MethodPost, "/admin/payments/"+providerPaymentID+"/pay-late", "", nil)
}

// Expire makes a Pix expire unpaid.
func (p *Provider) Expire(ctx context.Context, providerPaymentID string) error {
	return p.call(ctx, http.MethodPost, "/admin/payments/"+providerPaymentID+"/expire", "", nil)
}

// Refund gives money back in the provider's panel.
func (p *Provider) Refund(ctx context.Context, providerPaymentID string, centavos int64) error {
	return p.call(ctx, http.MethodPost, fmt.Sprintf("/admin/payments/%s/refund?amount=%d", providerPaymentID, centavos), "", nil)
}

// SettleRefund ends a refund as approved or rejected.
func (p *Provider) SettleRefund(ctx context.Context, providerPaymentID, refundID, status string) error {
	return p.call(ctx, http.MethodPost, "/admin/payments/"+providerPaymentID+"/refunds/"+refundID+"/settle?status="+status, "", nil)
}

// Ledger is the provider's ledger of one payment; "" for all.
func (p *Provider) Ledger(ctx context.Context, paymentID string) ([]simulator.Entry, error) {
	var entries []simulator.Entry
	err := p.call(ctx, http.MethodGet, "/admin/ledger?external_reference="+url.QueryEscape(paymentID), "", &entries)
	return entries, err
}

// Disputes lists the chargebacks and claims of the account.
func (p *Provider) Disputes(ctx context.Context) ([]simulator.Disputed, error) {
	var disputes []simulator.Disputed
	err := p.call(ctx, http.MethodGet, "/admin/disputes", "", &disputes)
	return disputes, err
}

// Books is what the account has earned.
func (p *Provider) Books(ctx context.Context) (simulator.Books, error) {
	var books simulator.Books
	err := p.call(ctx, http.MethodGet, "/admin/books", "", &books)
	return books, err
}

// Requests lists the API requests that the simulator got.
func (p *Provider) Requests(ctx context.Context) ([]simulator.Request, error) {
	var requests []simulator.Request
	err := p.call(ctx, http.MethodGet, "/admin/requests", "", &requests)
	return requests, err
}

// Webhooks lists the notifications sent, or lost, about one of its payments; "" for all.
func (p *Provider) Webhooks(ctx context.Context, providerPaymentID string) ([]simulator.WebhookAttempt, error) {
	var attempts []simulator.WebhookAttempt
	err := p.call(ctx, http.MethodGet, "/admin/webhooks?payment_id="+providerPaymentID, "", &attempts)
	return attempts, err
}

// Redeliver sends the last notification of a payment again, so many times.
func (p *Provider) Redeliver(ctx context.Context, providerPaymentID string, count int) error {
	return p.call(ctx, http.MethodPost, fmt.Sprintf("/admin/webhooks/%s/redeliver?count=%d", providerPaymentID, count), "", nil)
}

// Announce sends signed notifications about a resource that the account need not have.
func (p *Provider) Announce(ctx context.Context, a simulator.Announcement) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return p.call(ctx, http.MethodPost, "/admin/webhooks", string(body), nil)
}

// Arm adds faults.
func (p *Provider) Arm(ctx context.Context, faults ...simulator.Fault) error {
	body, err := json.Marshal(faults)
	if err != nil {
		return err
	}
	return p.call(ctx, http.MethodPost, "/admin/faults", string(body), nil)
}

// Disarm removes all faults.
func (p *Provider) Disarm(ctx context.Context) error {
	return p.call(ctx, http.MethodDelete, "/admin/faults", "", nil)
}

// DisarmFor removes the faults that are only about the payment with a reference.
func (p *Provider) DisarmFor(ctx context.Context, reference string) error {
	return p.call(ctx, http.MethodDelete, "/admin/faults?external_reference="+url.QueryEscape(reference), "", nil)
}

func (p *Provider) call(ctx context.Context, method, path, body string, into any) error {
	answer, err := Send(ctx, p.HTTP, method, p.URL+path, body, "Content-Type", "application/json")
	if err != nil {
		return err
	}
	return answer.Decode(into)
}

// connections is shared by all calls from here; the default transport keeps only two to a host.
var connections = &http.Client{Transport: &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512}}
