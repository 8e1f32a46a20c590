package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// notification is one notification with all its attempts.
type notification struct {
	id        int64 // of the notification; its copies and attempts share it
	topic     string
	action    string
	paymentID string         // data.id: a payment's, unless it is of another topic; "": there is none
	data      any            // what the body has as data; nil: the id alone
	extra     map[string]any // what the body has besides
	url       string
	created   time.Time
	fault     Fault
	requestID string        // of the last attempt, with its signature
	signature string        // "" when it was not signed
	attempt   int           // the X-Retry of the next attempt
	next      *notification // sent after the first attempt of this one
	once      bool          // it is not sent again when it fails
}

const (
	topicPayment  = "payment"
	actionCreated = "payment.created"
	actionUpdated = "payment.updated"
)

var lastNotification atomic.Int64

func nextNotification() int64 { return 120_000_000_000 + lastNotification.Add(1) }

// notifyCreated sends payment.created after the response, or before it with KindEarly.
func (s *Simulator) notifyCreated(c *call, p payment) {
	n := s.notification(p, actionCreated)
	if n == nil {
		return
	}
	if n.fault.Kind == KindEarly {
		s.sender.deliver(n)
		return
	}
	c.then = func() { s.sender.send(n, webhookLead) }
}

// notifyUpdated sends payment.updated.
func (s *Simulator) notifyUpdated(p payment) {
	if n := s.notification(p, actionUpdated); n != nil {
		s.sender.send(n, 0)
	}
	s.notifyOrder(p)
}

// notification makes a notification about a payment and applies its fault. It is nil when there is nothing to send now.
func (s *Simulator) notification(p payment, action string) *notification {
	n := s.sender.notification(p, action, s.config.DefaultNotificationURL)
	n.fault = s.faults.take(Webhook, p.id, func() string { return p.reference })
	switch {
	case n.url == "":
		s.sender.suppress(n, "no notification_url")
		return nil
	case n.fault.Kind == KindLost:
		s.sender.suppress(n, "lost")
		return nil
	case n.fault.Kind == KindReordered:
		s.sender.holdBack(n)
		return nil
	}
	n.next = s.sender.heldBack(p.id)
	return n
}

// webhookBody is the body Mercado Pago posts. It is not signed.
type webhookBody struct {
	Action      string      `json:"action"`
	APIVersion  string      `json:"api_version"`
	Data        webhookData `json:"data"`
	DateCreated string      `json:"date_created"`
	ID          int64       `json:"id"`
	LiveMode    bool        `json:"live_mode"`
	Type        string      `json:"type"`
	UserID      int64       `json:"user_id"`
}

type webhookData struct {
	ID string `json:"id"`
}

func (n *notification) body(collector int64, live bool) []byte {
	if n.data != nil {
		return n.foreignBody(collector, live)
	}
	id := n.paymentID
	if n.fault.Kind == KindWrongID {
		id = "1" + id[1:len(id)-1] + "7" // a plausible id, of another payment or of none
		if id == n.paymentID {
			id = "2" + id[1:]
		}
	}
	body, err := json.Marshal(webhookBody{
		Action: n.action, APIVersion: "v1", Data: webhookData{id}, DateCreated: n.created.UTC().Format(time.RFC3339),
		ID: n.id, LiveMode: live, Type: n.topic, UserID: collector,
	})
	if err != nil {
		panic(err) // texts and numbers: cannot fail
	}
	return body
}

// target is the receiver's URL with data.id and type added to its query.
func (n *notification) target() string {
	query := "type=" + url.QueryEscape(n.topic)
	if n.paymentID != "" {
		query = "data.id=" + url.QueryEscape(n.paymentID) + "&" + query
	}
	target, _, _ := strings.Cut(n.url, "#") // the fragment is for browsers
	switch {
	case !strings.Contains(target, "?"):
		return target + "?" + query
	case strings.HasSuffix(target, "?") || strings.HasSuffix(target, "&"):
		return target + query
	default:
		return target + "&" + query
	}
}

// sign returns the x-signature of a webhook. Like Mercado Pago, it leaves empty parts out of the signed text.
func sign(secret, dataID, requestID, ts string) string {
	var manifest strings.Builder
	for _, part := range [][2]string{{"id", dataID}, {"request-id", requestID}, {"ts", ts}} {
		if part[1] != "" {
			manifest.WriteString(part[0] + ":" + part[1] + ";")
		}
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(manifest.String()))
	return "ts=" + ts + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
