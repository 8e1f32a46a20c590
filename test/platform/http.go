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
	"strconv"
	"time"

	"github.com/google/uuid"
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
	Links struct {
		Pay string `json:"pay"`
	} `json:"links"`
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

// CancelCheckout closes the page of a checkout.
func (s *Shop) CancelCheckout(ctx context.Context, id string) (Answer, error) {
	return s.send(ctx, "/v1/checkouts/"+id+"/cancel", "")
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
