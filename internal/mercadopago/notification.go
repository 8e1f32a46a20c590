package mercadopago

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Notification is one message of Mercado Pago's, as received. It says that something changed, never what:
// the signature covers data.id, x-request-id and the time only, so neither the body nor PaymentID proves
// anything. As JSON it is the message in the broker.
type Notification struct {
	ID         string            `json:"id"`    // ours, new for each request received
	Topic      string            `json:"topic"` // this and the two below: at most maxName bytes
	Action     string            `json:"action,omitempty"`
	ResourceID string            `json:"resource_id,omitempty"` // the data.id that was signed
	PaymentID  string            `json:"payment_id,omitempty"`  // our own, from the notification URL; empty or valid
	RequestID  string            `json:"request_id,omitempty"`  // x-request-id; whether a retry repeats it is not documented
	Suspicious bool              `json:"suspicious,omitempty"`  // the body speaks of another resource than the query
	ReceivedAt time.Time         `json:"received_at"`           // UTC, whole microseconds
	Query      string            `json:"query"`
	Headers    map[string]string `json:"headers"` // names in lower case; keptHeaders only
	Body       []byte            `json:"body"`
}

// maxName is more than any name of the provider's has. What is looked for must be short: the topic and the action are not
// signed, and an index refuses what is long. The whole stays in the query or the body.
const maxName = 255

// keptHeaders help to understand a notification later. All others are of the journey, or secrets of
// whoever forged it. Looking up the canonical name costs no allocation.
var keptHeaders = map[string]string{
	"X-Request-Id": "x-request-id", "X-Retry": "x-retry", "User-Agent": "user-agent", "Content-Type": "content-type",
}

// ParseNotification reads a notification whose signature was verified. q is the raw query, parsed. The topic is the query's type,
// else its topic (old IPN, whose resource is the query's id), else the body's type. The merchant's own address may have a type or
// a topic, too, so that of several the first one that Mercado Pago is known to send wins; else it may be any word.
// A body that is not JSON, or nested deeper than any of the provider's, is kept and otherwise ignored. The error is of kind Invalid:
// the request names neither a topic nor a resource. The body is not copied. What the signature is, is not kept: with it a copy could
// be sent.
//
// A chargeback has actions instead of an action, and an old IPN has its topic under another name (guide "webhooks"). The body is
// not decoded, only looked into: this is on the way of every notification, and encoding/json took a seventh of it.
func ParseNotification(signed Signed, q url.Values, rawQuery string, h http.Header, body []byte, now time.Time) (Notification, error) {
	b := lookInto(body)
	n := Notification{
		Topic:      name(topic(q, b)),
		Action:     name(cmp.Or(word(b, "action"), word(b, "actions.0"))),
		ResourceID: name(signed.ResourceID),
		RequestID:  payment.Clean(h.Get("X-Request-Id")),
		ReceivedAt: now.UTC().Truncate(time.Microsecond),
		Query:      payment.Clean(rawQuery),
		Headers:    make(map[string]string, len(keptHeaders)),
		Body:       body,
	}
	if id := q.Get("payment_id"); payment.ValidID(id) {
		n.PaymentID = id
	}
	if inBody := word(b, "data.id"); inBody != "" && !strings.EqualFold(name(inBody), n.ResourceID) {
		n.Suspicious = true
	}
	if n.ResourceID == "" && q.Has("topic") {
		n.ResourceID = name(q.Get("id"))
	}
	if n.Topic == "" && n.ResourceID == "" {
		return Notification{}, &failure.Error{Kind: failure.Invalid, Message: "the notification names neither a topic nor a resource"}
	}
	for canonical, name := range keptHeaders {
		if value := h.Get(canonical); value != "" {
			n.Headers[name] = payment.Clean(value)
		}
	}
	if signed.TS != "" {
		n.Headers["x-signature"] = "ts=" + signed.TS
	}
	id, err := uuid.NewV7() // sorts by time, which the archive's index likes
	if err != nil {
		return Notification{}, fmt.Errorf("make a notification id: %w", err)
	}
	n.ID = id.String()
	return n, nil
}

// lookInto a body: the zero value, which has nothing in it, when it is not JSON or nested too deeply.
func lookInto(body []byte) gjson.Result {
	if deeplyNested(body) || !gjson.ValidBytes(body) {
		return gjson.Result{}
	}
	return gjson.ParseBytes(body)
}

// maxNesting is far more than any notification needs.
const maxNesting = 100

// deeplyNested keeps gjson, which calls itself for each level, from a body that is made of levels: 64 KiB of them would take 4 MiB of
// stack. Brackets in texts count as well, of which there are few.
func deeplyNested(body []byte) bool {
	level := 0
	for _, c := range body {
		switch c {
		case '{', '[':
			if level++; level > maxNesting {
				return true
			}
		case '}', ']':
			level--
		}
	}
	return false
}

// testResource is the made-up payment that the panel's test button notifies of, with live_mode false (guide "webhooks", section on
// simulating a notification). A real payment's ID has more digits.
const testResource = "123456"

// IsTest says whether the panel's test button was pressed: there is nothing to look at.
func (n Notification) IsTest() bool {
	return n.ResourceID == testResource && lookInto(n.Body).Get("live_mode").Type == gjson.False
}

// ordersID is an id of the Orders API: of an order, or of a payment in one. A Verifier may have seen it in lower case.
var ordersID = regexp.MustCompile(`(?i)^(ORD|PAY)[0-9A-Z]{10,}$`)

// unserved are the topics that nothing here answers to: the Orders API's, see docs/decisions/payments-api.md, subscriptions, and what a
// shop without saved cards, linked accounts or terminals has no use for.
var unserved = []string{
	"order", "subscription_preapproval", "subscription_preapproval_plan", "subscription_authorized_payment", "topic_card_id_wh",
	"automatic-payments", "mp-connect", "wallet_connect", "point_integration_wh",
}

// Unserved says that the notification is about nothing that OnlyWave has, whatever its address says: the archive keeps it, and no
// payment changes with it. name is its topic, "other" for one that Mercado Pago is not known to send. A word that is not known may be
// the merchant's own and the notification about a payment all the same, unless its id is none of a payment's.
func (n Notification) Unserved() (name string, is bool) {
	if !slices.Contains(topics, n.Topic) {
		return "other", ordersID.MatchString(n.ResourceID) || n.PaymentID == "" && n.ResourceID != "" && !decimal(n.ResourceID)
	}
	return n.Topic, slices.Contains(unserved, n.Topic) || ordersID.MatchString(n.ResourceID)
}

// About is what a notification is about, by its topic.
type About int

// What notifications are about. A topic that is not known may be the merchant's own, and the notification about a payment.
const (
	AboutPayment About = iota
	AboutChargeback
	AboutClaim
	AboutFraud
	AboutOrder // of Checkout Pro, which has payments
)

// About says what the resource of the notification is. A fraud alert has none.
func (n Notification) About() About {
	switch n.Topic {
	case "topic_chargebacks_wh", "chargebacks":
		return AboutChargeback
	case "topic_claims_integration_wh", "claim":
		return AboutClaim
	case "stop_delivery_op_wh":
		return AboutFraud
	case "topic_merchant_order_wh", "merchant_order":
		return AboutOrder
	}
	return AboutPayment
}

// ProviderPaymentID is Mercado Pago's id of the payment that the notification names, "" when it names none. Only that of a notification
// about a payment is signed: in others it is in the body, as a number.
func (n Notification) ProviderPaymentID() string {
	if n.About() == AboutPayment {
		return n.ResourceID
	}
	if id := word(lookInto(n.Body), "data.payment_id"); decimal(id) {
		return id
	}
	return ""
}

// topics are those that Mercado Pago is known to send (guides "webhooks" and "ipn").
var topics = []string{
	"payment", "order", "topic_merchant_order_wh", "merchant_order", "topic_chargebacks_wh", "chargebacks", "topic_claims_integration_wh",
	"claim", "stop_delivery_op_wh", "subscription_preapproval", "subscription_preapproval_plan", "subscription_authorized_payment",
	"topic_card_id_wh", "automatic-payments", "mp-connect", "wallet_connect", "point_integration_wh",
}

// topic is the first known one that the query or the body names, else the first that they name.
func topic(q url.Values, b gjson.Result) string {
	for _, named := range [][]string{q["type"], q["topic"], {word(b, "type")}, {word(b, "topic")}} {
		for _, word := range named {
			if slices.Contains(topics, word) {
				return word
			}
		}
	}
	return cmp.Or(q.Get("type"), q.Get("topic"), word(b, "type"), word(b, "topic"))
}

// word is a string, or a number as it is written; "" when there is neither.
func word(b gjson.Result, path string) string {
	switch r := b.Get(path); r.Type {
	case gjson.String:
		return r.Str
	case gjson.Number:
		return r.Raw
	default:
		return ""
	}
}

// DecodeNotification reads a Notification back from its JSON. The error is of kind Invalid.
func DecodeNotification(b []byte) (Notification, error) {
	var n Notification
	err := json.Unmarshal(b, &n)
	if err == nil {
		err = uuid.Validate(n.ID)
	}
	if err == nil && n.PaymentID != "" && !payment.ValidID(n.PaymentID) {
		err = fmt.Errorf("payment id %.40q", n.PaymentID)
	}
	if err != nil {
		return Notification{}, &failure.Error{
			Kind: failure.Invalid, Message: "not a notification as we write them",
			Err: fmt.Errorf("decode notification: %w", err),
		}
	}
	return n, nil
}

// name is a text that something may be found by.
func name(s string) string {
	s = payment.Clean(s)
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "")
	}
	return s
}
