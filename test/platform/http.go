package platform

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/onlywave/onlywave/test/simulator"
)

// Shop is a client app's view of one API process.
type Shop struct {
	URL  string
	Key  string
	HTTP *http.Client // nil: a shared one
}

// Payment is what a client app reads of a payment.
type Payment struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Amount int64  `json:"amount"`
	Method struct {
		QRCode    string    `json:"qr_code"`
		TicketURL string    `json:"ticket_url"`
		ExpiresAt time.Time `json:"expires_at"`

		EndToEndID string `json:"end_to_end_id"` // of a paid Pix
	} `json:"method"`
	Provider struct {
		PaymentID string `json:"payment_id"`
	} `json:"provider"`
	Version int `json:"version"`
}

// Event is one entry of a payment's history as a client app reads it.
type Event struct {
	Seq    int    `json:"seq"`
	Type   string `json:"type"`
	Status string `json:"status"`
}

// Answer is an HTTP answer, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// The buyer of every order.
const (
	BuyerEmail = "ana@example.com"
	BuyerName  = "Ana Souza"
	BuyerTaxID = "12345678909"
)

// Order is the body of a POST for a Pix that is valid for an hour.
func Order(centavos int64, reference string) string {
	return OrderWithin(centavos, reference, time.Hour, "keep")
}

// OrderWithin is the same, valid for that time, and with what shall become of money that comes afterwards: keep or refund.
func OrderWithin(centavos int64, reference string, within time.Duration, late string) string {
	return fmt.Sprintf(`{"amount": %d, "currency": "BRL", "description": "Order %s", "reference": %q, "late_payment": %q,
 "method": {"type": "pix", "expires_in": %d},
 "payer": {"email": %q, "name": %q, "tax_id": %q}, "metadata": {"cart": "c-7"}}`,
		centavos, reference, reference, late, int(within.Seconds()), BuyerEmail, BuyerName, BuyerTaxID)
}

// CardOrder is the body of a POST for a payment by card.
func CardOrder(centavos int64, reference, token string, installments int) string {
	return fmt.Sprintf(`{"amount": %d, "currency": "BRL", "description": "Order %s", "reference": %q,
 "method": {"type": "card", "token": %q, "payment_method_id": "master", "installments": %d, "statement_descriptor": "ONLYWAVE", "device_id": "armor.1"},
 "payer": {"email": %q, "name": %q, "tax_id": %q}, "metadata": {"cart": "c-7"}}`,
		centavos, reference, reference, token, installments, BuyerEmail, BuyerName, BuyerTaxID)
}

// EnteredCardOrder is the body of a POST for a payment by a card that its buyer enters on the pay page.
func EnteredCardOrder(centavos int64, reference string) string {
	return fmt.Sprintf(`{"amount": %d, "currency": "BRL", "description": "Order %s", "reference": %q,
 "method": {"type": "card", "installments": 12, "statement_descriptor": "ONLYWAVE"}, "payer": {"email": %q, "name": %q}}`,
		centavos, reference, reference, BuyerEmail, BuyerName)
}

// BoletoOrder is the body of a POST for a boleto that is due ten days after a time, and costs less for five days when there is a discount.
func BoletoOrder(centavos, discount int64, reference, late string, now time.Time) string {
	less := ""
	if discount > 0 {
		less = fmt.Sprintf(`, "discount": {"amount": %d, "until": %q}`, discount, now.AddDate(0, 0, 5).Format(time.DateOnly))
	}
	return fmt.Sprintf(`{"amount": %d, "currency": "BRL", "description": "Order %s", "reference": %q, "late_payment": %q,
 "method": {"type": "boleto", "due_date": %q%s},
 "payer": {"email": %q, "name": %q, "tax_id": %q, "address": {"zip_code": "01310-100", "street": "Avenida Paulista", "number": "1000",
  "neighborhood": "Bela Vista", "city": "São Paulo", "state": "SP"}}, "metadata": {"cart": "c-7"}}`,
		centavos, reference, reference, late, now.AddDate(0, 0, 10).Format(time.DateOnly), less, BuyerEmail, BuyerName, BuyerTaxID)
}

// Reserving is the order of a card whose money is only reserved.
func Reserving(order string) string {
	return strings.Replace(order, `"type": "card"`, `"type": "card", "capture": false`, 1)
}

// Post sends a body under an idempotency key, as it is. It waits for the provider as long as the API allows, unless a header says
// otherwise, so that a busy machine does not turn an outcome into a 202.
func (s *Shop) Post(ctx context.Context, key, body string, header ...string) (Answer, error) {
	headers := append([]string{"Authorization", "Bearer " + s.Key, "Idempotency-Key", key, "Content-Type", "application/json", "Prefer", "wait=30"}, header...)
	return Send(ctx, s.HTTP, http.MethodPost, s.URL+"/v1/payments", body, headers...)
}

// PostCheckout asks for a checkout on Mercado Pago's page, with a body as it is.
func (s *Shop) PostCheckout(ctx context.Context, key, body string) (Answer, error) {
	return Send(ctx, s.HTTP, http.MethodPost, s.URL+"/v1/checkouts", body,
		"Authorization", "Bearer "+s.Key, "Idempotency-Key", key, "Content-Type", "application/json", "Prefer", "wait=30")
}

// Checkout is what a client app reads of one.
type Checkout struct {
	ID           string `json:"id"`
	Status       string `json:"status"`
	PaidBy       string `json:"paid_by"`
	PreferenceID string `json:"preference_id"`
	Links        struct {
		Pay string `json:"pay"`
	} `json:"links"`
}

// CheckoutOrder is the body of a checkout. A second payment of it goes back.
func CheckoutOrder(centavos int64, reference string) string {
	return fmt.Sprintf(`{"amount": %d, "currency": "BRL", "description": "Order %[2]s", "reference": %[2]q, "refund_duplicates": true}`, centavos, reference)
}

// Refund asks for a refund of a payment, with a body as it is.
func (s *Shop) Refund(ctx context.Context, id, key, body string) (Answer, error) {
	return Send(ctx, s.HTTP, http.MethodPost, s.URL+"/v1/payments/"+id+"/refunds", body,
		"Authorization", "Bearer "+s.Key, "Idempotency-Key", key, "Content-Type", "application/json")
}

// Cancel cancels a payment, with a body as it is.
func (s *Shop) Cancel(ctx context.Context, id, body string) (Answer, error) {
	return s.Order(ctx, id, "cancel", body)
}

// Order orders a command on a payment, such as capture, with a body as it is.
func (s *Shop) Order(ctx context.Context, id, command, body string) (Answer, error) {
	return Send(ctx, s.HTTP, http.MethodPost, s.URL+"/v1/payments/"+id+"/"+command, body,
		"Authorization", "Bearer "+s.Key, "Content-Type", "application/json")
}

// Create posts a Pix order and reads the payment; any status of 2xx is fine.
func (s *Shop) Create(ctx context.Context, key string, centavos int64) (Payment, error) {
	answer, err := s.Post(ctx, key, Order(centavos, key))
	if err != nil {
		return Payment{}, err
	}
	var p Payment
	err = answer.Decode(&p)
	return p, err
}

// Payment reads a payment.
func (s *Shop) Payment(ctx context.Context, id string) (Payment, error) {
	var p Payment
	err := s.Read(ctx, "/v1/payments/"+id, &p)
	return p, err
}

// Events reads a payment's history.
func (s *Shop) Events(ctx context.Context, id string) ([]Event, error) {
	var page struct {
		Data []Event `json:"data"`
	}
	err := s.Read(ctx, "/v1/payments/"+id+"/events", &page)
	return page.Data, err
}

// Page is a part of a list.
type Page struct {
	Data       []Payment `json:"data"`
	NextCursor string    `json:"next_cursor"`
}

// List reads one page; query is as in the address, such as "status=pending&limit=2".
func (s *Shop) List(ctx context.Context, query string) (Page, error) {
	var page Page
	err := s.Read(ctx, "/v1/payments?"+query, &page)
	return page, err
}

// Await reads a payment until it has the status, or ctx ends.
func (s *Shop) Await(ctx context.Context, id, status string) (Payment, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		p, err := s.Payment(ctx, id)
		if err == nil && p.Status == status {
			return p, nil
		}
		select {
		case <-ctx.Done():
			return p, fmt.Errorf("payment %s is %q and not %s: %w", id, p.Status, status, ctx.Err())
		case <-tick.C:
		}
	}
}

// Get sends a GET; any status is fine.
func (s *Shop) Get(ctx context.Context, path string) (Answer, error) {
	return Send(ctx, s.HTTP, http.MethodGet, s.URL+path, "", "Authorization", "Bearer "+s.Key)
}

// Read reads a JSON response into a value; a status other than 2xx is an error.
func (s *Shop) Read(ctx context.Context, path string, into any) error {
	answer, err := s.Get(ctx, path)
	if err != nil {
		return err
	}
	return answer.Decode(into)
}

// Webhook sends a notification with any query and headers, without signing it.
func (s *Shop) Webhook(ctx context.Context, query, body string, header ...string) (Answer, error) {
	return Send(ctx, s.HTTP, http.MethodPost, s.URL+"/webhooks/mercadopago?"+query, body, header...)
}

// SignedWebhook sends a notification of an update of the provider's payment, signed with this platform's secret as Mercado Pago signs.
// Query is the beginning of the URL's query, such as "payment_id=…&", or empty.
func (s *Shop) SignedWebhook(ctx context.Context, query, providerPaymentID string) (Answer, error) {
	requestID, ts := uuid.NewString(), strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	fmt.Fprintf(mac, "id:%s;request-id:%s;ts:%s;", providerPaymentID, requestID, ts)
	body := fmt.Sprintf(`{"action":"payment.updated","type":"payment","data":{"id":%q}}`, providerPaymentID)
	return s.Webhook(ctx, query+"data.id="+providerPaymentID+"&type=payment", body, "Content-Type", "application/json",
		"X-Request-Id", requestID, "X-Signature", "ts="+ts+",v1="+hex.EncodeToString(mac.Sum(nil)))
}

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
	var made struct {
		ID string `json:"id"`
	}
	body := fmt.Sprintf(`{"card_number": %q, "cardholder": {"name": %q}, "security_code": "123", "expiration_month": 11, "expiration_year": 2030}`, number, holder)
	answer, err := Send(ctx, p.HTTP, http.MethodPost, p.URL+"/v1/card_tokens", body, "Content-Type", "application/json")
	if err != nil {
		return "", err
	}
	err = answer.Decode(&made)
	return made.ID, err
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

func (p *Provider) call(ctx context.Context, method, path, body string, into any) error {
	answer, err := Send(ctx, p.HTTP, method, p.URL+path, body, "Content-Type", "application/json")
	if err != nil {
		return err
	}
	return answer.Decode(into)
}

// connections is shared by all calls from here; the default transport keeps only two to a host.
var connections = &http.Client{Transport: &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512}}

// Send asks an address, over the connections that all calls from here share unless there are others. The headers are names and values in turns.
func Send(ctx context.Context, over *http.Client, method, url, body string, header ...string) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return Answer{}, err
	}
	request.GetBody = nil // or the transport would silently repeat a request that has an Idempotency-Key
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := cmp.Or(over, connections).Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return Answer{Status: response.StatusCode, Header: response.Header, Body: content}, err
}

// Decode reads a good answer into a value, and makes an error of any other.
func (a Answer) Decode(into any) error {
	if a.Status < 200 || a.Status > 299 {
		return fmt.Errorf("answer %d: %s", a.Status, bytes.TrimSpace(a.Body))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(a.Body, into)
}
