package payment

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/failure"
)

// Checkout is one sale that the buyer pays on the provider's own page (Checkout Pro). Each attempt to pay it is a payment of its own.
type Checkout struct {
	ID             string // see NewCheckoutID; the provider's reference of every attempt
	ClientID       string
	IdempotencyKey string
	Fingerprint    string // of the request that made it, see CheckoutRequest.Fingerprint
	CheckoutRequest
	Status       CheckoutStatus
	PreferenceID string // the provider's id of it; "" until the provider has answered
	PayURL       string // where the buyer pays
	PaidBy       string // the payment that has paid it; "": none
	Failure      string // why the provider has refused to make it, in words
	FailureCode  failure.Code
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// CheckoutRequest is what a client app asks for.
type CheckoutRequest struct {
	Amount       Money             `json:"amount"`
	Description  string            `json:"description,omitempty"`
	Reference    string            `json:"reference,omitempty"` // the client app's own name for it
	Items        []CheckoutItem    `json:"items,omitempty"`     // none: the description is the one item
	Email        string            `json:"email,omitempty"`     // the buyer's, who may pay with another one
	Metadata     map[string]string `json:"metadata,omitempty"`
	ExpiresIn    int               `json:"expires_in"` // seconds from creation
	Installments int               `json:"installments,omitempty"`
	Exclude      []OfferType       `json:"exclude,omitempty"` // ways to pay that the buyer does not get
	BackURLs     BackURLs          `json:"back_urls,omitzero"`

	// RefundDuplicates gives the money of a second attempt back that was paid after the first.
	RefundDuplicates bool `json:"refund_duplicates,omitempty"`
}

// CheckoutItem is one line of what is sold.
type CheckoutItem struct {
	Title     string `json:"title"`
	Quantity  int    `json:"quantity"`
	UnitPrice int64  `json:"unit_price"` // centavos
}

// BackURLs are where the provider's page sends the buyer in the end. What their query says proves nothing: anybody can write it.
type BackURLs struct {
	Success string `json:"success,omitempty"`
	Pending string `json:"pending,omitempty"`
	Failure string `json:"failure,omitempty"`
}

// CheckoutStatus is where a checkout stands.
type CheckoutStatus string

// The statuses of a checkout. Money that comes late pays one that has expired or was cancelled, too.
const (
	CheckoutProcessing CheckoutStatus = "processing" // the provider has not answered
	CheckoutOpen       CheckoutStatus = "open"       // the buyer can pay
	CheckoutPaid       CheckoutStatus = "paid"       // an attempt was paid
	CheckoutExpired    CheckoutStatus = "expired"    // the buyer cannot pay any more
	CheckoutCancelled  CheckoutStatus = "cancelled"  // the client app has closed it
	CheckoutFailed     CheckoutStatus = "failed"     // the provider has refused to make it
)

// CheckoutStatuses lists every status, in the order of a checkout's life.
func CheckoutStatuses() []CheckoutStatus {
	return []CheckoutStatus{CheckoutProcessing, CheckoutOpen, CheckoutPaid, CheckoutExpired, CheckoutCancelled, CheckoutFailed}
}

// Known says whether s is one of the statuses at all.
func (s CheckoutStatus) Known() bool { return slices.Contains(CheckoutStatuses(), s) }

// Answered says whether the provider has answered.
func (s CheckoutStatus) Answered() bool { return s != CheckoutProcessing }

// Waits says whether something is still expected to happen by itself.
func (s CheckoutStatus) Waits() bool { return s == CheckoutProcessing || s == CheckoutOpen }

// How long a checkout may be paid.
const (
	CheckoutExpiryMin     = 5 * time.Minute
	CheckoutExpiryMax     = 30 * 24 * time.Hour
	CheckoutExpiryDefault = 24 * time.Hour
)

const (
	maxItems        = 50
	maxItemTitle    = 256
	maxItemQuantity = 9_999
	maxInstallments = 36
	maxBackURL      = 500
)

// End is when the buyer can no longer begin to pay.
func (c Checkout) End() time.Time { return c.CreatedAt.Add(time.Duration(c.ExpiresIn) * time.Second) }

// Lines are the items that the provider's page shows: those of the request, or the description as the only one.
func (c Checkout) Lines() []CheckoutItem {
	if len(c.Items) > 0 {
		return c.Items
	}
	title := c.Description
	if title == "" {
		title = "Payment " + c.Reference
	}
	return []CheckoutItem{{Title: strings.TrimSpace(strings.NewReplacer("\r", " ", "\n", " ", "\t", " ").Replace(title)), Quantity: 1, UnitPrice: c.Amount.Centavos}}
}

// Fingerprint says whether two requests ask for the same thing, as Request.Fingerprint does.
func (r CheckoutRequest) Fingerprint() string { return fingerprint(r) }

// Normalized is the request with blanks trimmed and defaults filled in.
func (r CheckoutRequest) Normalized() CheckoutRequest {
	r.Description, r.Email = strings.TrimSpace(r.Description), strings.TrimSpace(r.Email)
	if r.ExpiresIn == 0 {
		r.ExpiresIn = int(CheckoutExpiryDefault / time.Second)
	}
	if len(r.Metadata) == 0 {
		r.Metadata = nil
	}
	if len(r.Items) > maxItems || len(r.Exclude) > len(OfferTypes()) {
		return r // it is refused, and not looked at: how much there is of it is the request's to decide
	}
	r.Items = slices.Clone(r.Items)
	for i := range r.Items {
		r.Items[i].Title = strings.TrimSpace(r.Items[i].Title)
		if r.Items[i].Quantity == 0 {
			r.Items[i].Quantity = 1
		}
	}
	r.Exclude = slices.Compact(slices.Sorted(slices.Values(r.Exclude)))
	return r
}

// Validate finds everything that is wrong with the request at once, as Request.Validate does.
func (r CheckoutRequest) Validate() error {
	var fields failure.Fields
	wrong := fields.Add
	validateSale(r.Amount, r.Description, r.Reference, wrong)
	if r.Email != "" && !validEmail(r.Email) {
		wrong("/payer/email", "must be an e-mail address such as ana@example.com")
	}
	if low, high := int(CheckoutExpiryMin/time.Second), int(CheckoutExpiryMax/time.Second); r.ExpiresIn < low || r.ExpiresIn > high {
		wrong("/expires_in", fmt.Sprintf("must be between %d and %d seconds", low, high))
	}
	if r.Installments < 0 || r.Installments > maxInstallments {
		wrong("/installments", fmt.Sprintf("must be between 1 and %d", maxInstallments))
	}
	for i, t := range r.Exclude[:min(len(r.Exclude), len(OfferTypes()))] {
		if !slices.Contains(OfferTypes(), t) {
			wrong(fmt.Sprintf("/exclude/%d", i), "must be "+failure.OneOf(OfferTypes()))
		}
	}
	if len(r.Exclude) > 0 && len(r.Exclude) >= len(OfferTypes()) {
		wrong("/exclude", "must leave the buyer a way to pay")
	}
	r.validateItems(wrong)
	r.BackURLs.validate(wrong)
	validateMetadata(r.Metadata, wrong)
	refuseText(wrong, "/description", r.Description, Lines)
	refuseText(wrong, "/reference", r.Reference, OneLine)
	refuseText(wrong, "/payer/email", r.Email, OneLine)
	return invalid(fields)
}

func (r CheckoutRequest) validateItems(wrong func(pointer, detail string)) {
	if len(r.Items) > maxItems {
		wrong("/items", fmt.Sprintf("must have at most %d entries", maxItems))
		return
	}
	var sum int64
	summable := true
	for i, item := range r.Items {
		at := fmt.Sprintf("/items/%d", i)
		if n := utf8.RuneCountInString(item.Title); n == 0 || n > maxItemTitle {
			wrong(at+"/title", fmt.Sprintf("must have 1 to %d characters", maxItemTitle))
		}
		refuseText(wrong, at+"/title", item.Title, OneLine)
		if item.Quantity < 1 || item.Quantity > maxItemQuantity {
			wrong(at+"/quantity", fmt.Sprintf("must be between 1 and %d", maxItemQuantity))
			summable = false
		}
		if item.UnitPrice < 1 || item.UnitPrice > maxAmount {
			wrong(at+"/unit_price", fmt.Sprintf("must be between 1 and %d centavos", int64(maxAmount)))
			summable = false
		}
		sum += item.UnitPrice * int64(item.Quantity)
	}
	if len(r.Items) > 0 && summable && sum != r.Amount.Centavos {
		wrong("/items", "must add up to the amount")
	}
}

// validate asks for what the provider's page can send a buyer to: it leaves out an address that is not https, without a word.
func (b BackURLs) validate(wrong func(pointer, detail string)) {
	for _, back := range []struct{ pointer, text string }{
		{"/back_urls/success", b.Success}, {"/back_urls/pending", b.Pending}, {"/back_urls/failure", b.Failure},
	} {
		if back.text == "" {
			continue
		}
		refuseText(wrong, back.pointer, back.text, OneLine)
		u, err := url.Parse(back.text)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Hostname() == "localhost" || u.User != nil || len(back.text) > maxBackURL {
			wrong(back.pointer, fmt.Sprintf("must be an https address of at most %d characters, and not localhost", maxBackURL))
		}
	}
}

// CheckoutCreation is a client app's request for a checkout, and its key.
type CheckoutCreation struct {
	ClientID       string          `json:"client_id"`
	IdempotencyKey string          `json:"idempotency_key"`
	Request        CheckoutRequest `json:"request"` // normalized and valid
	Fingerprint    string          `json:"fingerprint"`
}

// Attempt is one try of a buyer to pay a checkout: it was made on the provider's page, and is a payment of ours from when we know of it.
type Attempt struct {
	CheckoutID        string `json:"checkout_id"`
	ProviderPaymentID string `json:"provider_payment_id"`
}

// ID is the id of the attempt's payment: however often the provider tells of it, it is one.
func (a Attempt) ID() string {
	return NamedID(attemptNamespace, a.CheckoutID+"\x00"+a.ProviderPaymentID)
}

// NewAttempt is what an attempt at a checkout is opened with. Nothing is charged for it: the provider has the buyer's payment already.
func (c Checkout) NewAttempt(providerPaymentID string) (Creation, string) {
	a := Attempt{CheckoutID: c.ID, ProviderPaymentID: providerPaymentID}
	creation := Creation{
		ClientID: c.ClientID, IdempotencyKey: "checkout " + c.ID + " " + providerPaymentID, // no client app's key has a blank
		Request: Request{
			Amount: c.Amount, Description: c.Description, Reference: c.Reference, Method: Method{Type: CheckoutPro},
			Payer: Payer{Email: c.Email}, Metadata: c.Metadata,
		},
		Attempt: &a,
	}
	creation.Fingerprint = creation.Print()
	return creation, a.ID()
}

// valid says whether an attempt can be one at all.
func (a Attempt) valid() bool {
	return OurID(a.CheckoutID) && a.ProviderPaymentID != "" && len(a.ProviderPaymentID) <= 18 && strings.Trim(a.ProviderPaymentID, "0123456789") == ""
}

func checkoutPro() rules {
	return rules{
		method: CheckoutPro, english: "Checkout Pro", portuguese: "Checkout Pro",
		normalized: func(m Method) Method { return m },
		validate: func(_ Request, wrong func(pointer, detail string)) {
			wrong("/method/type", "is made by POST /v1/checkouts: the buyer chooses the method on Mercado Pago's page")
		},
	}
}

// EventCheckout is what an event of the payment that has paid a checkout says about it.
type EventCheckout struct {
	ID       string         `json:"id"`
	Change   CheckoutChange `json:"change"`
	PaidBy   string         `json:"paid_by"`            // the payment that has paid it first
	Refunded bool           `json:"refunded,omitempty"` // the money of this payment, the second one, goes back
}

// Surprising says whether a person has to decide: the checkout was paid twice, and the money of the second payment stays.
func (e *EventCheckout) Surprising() bool {
	return e != nil && e.Change == CheckoutWasPaidTwice && !e.Refunded
}

// CheckoutChange is what has happened to a checkout.
type CheckoutChange string

// What may have happened. It is the second part of the event's name.
const (
	CheckoutWasPaid      CheckoutChange = "paid"
	CheckoutWasPaidTwice CheckoutChange = "paid_twice"
	CheckoutHasExpired   CheckoutChange = "expired" // no payment has paid it, so the event is the checkout's own
)

// CheckoutChanges lists them.
func CheckoutChanges() []CheckoutChange {
	return []CheckoutChange{CheckoutWasPaid, CheckoutWasPaidTwice, CheckoutHasExpired}
}

// DuplicateRefund is the refund of a second payment of one checkout. It is one, however often it is asked for.
func DuplicateRefund() RefundRequest {
	return RefundRequest{IdempotencyKey: "paid-twice", Reason: "the checkout was paid already, by another attempt", Origin: FromClient, All: true}
}

// CheckoutFilter chooses checkouts from a list, newest first. Its zero fields choose all.
type CheckoutFilter struct {
	ClientID  string
	Status    CheckoutStatus
	Reference string
	After     Position
	Limit     int
}
