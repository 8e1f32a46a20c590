package simulator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Trigger is one kind of webhook that is sent when somebody asks for it.
type Trigger struct {
	Name string
	Does string // what happens, in a few words

	from []string                       // statuses of the payment that is taken when none is named
	move func(*Simulator, string) error // changes the payment, which sends the webhook itself; nil: only the webhook is sent

	topic, action string // "": those of a payment that has changed
	resource      string // data.id when none is named; "": it is a payment's
	order         bool   // data.id is the newest merchant order's, if there is one
	data          func(of payment, id string) any
	extra         map[string]any
	fault         Kind
}

var anyStatus = []string{""}

// Triggers lists them: what happens to payments first, then topics about other things, then what is wrong with a webhook.
func Triggers() []Trigger {
	all := []Trigger{
		{Name: "payment.created", Does: "says again that a payment was created", from: anyStatus, action: actionCreated},
		{Name: "payment.updated", Does: "says that a payment has changed, though it has not", from: anyStatus},
		{Name: "payment.approved", Does: "the buyer pays, or the review of a card ends well", from: []string{"pending", "in_process"}, move: (*Simulator).approve},
		{Name: "payment.rejected", Does: "the review of a card ends badly", from: []string{"in_process"}, move: (*Simulator).Reject},
		{Name: "payment.expired", Does: "a Pix or a boleto expires", from: []string{"pending"}, move: (*Simulator).Expire},
		{Name: "payment.paid_late", Does: "a Pix is paid after it has ended", from: []string{"cancelled"}, move: (*Simulator).PayLate},
	}
	for _, action := range []string{"created", "updated", "processed", "action_required", "canceled", "failed", "expired", "refunded"} {
		all = append(all, Trigger{
			Name: "order." + action, Does: "an order of the Orders API, " + strings.ReplaceAll(action, "_", " "), topic: "order", action: "order." + action,
			resource: "ORDTST01JQ4S4KY8HWQ6NA5PXB65B3D3", data: orderData(action),
		})
	}
	for _, status := range []string{"opened", "closed", "expired"} {
		all = append(all, Trigger{
			Name: "merchant_order." + status, Does: "an order of Checkout Pro is " + status, topic: "topic_merchant_order_wh", action: "update", resource: "31994264291", order: true,
			data: func(payment, string) any {
				return map[string]any{"currency_id": "BRL", "marketplace": "NONE", "status": status}
			},
			extra: map[string]any{"status": status, "version": 1},
		})
	}
	for _, happened := range []string{"created", "updated"} {
		all = append(all, Trigger{
			Name: "chargeback." + happened, Does: "a chargeback of a payment is " + happened, from: anyStatus, topic: "topic_chargebacks_wh",
			resource: "217000061680860000", data: chargebackData, extra: map[string]any{"actions": []string{"changed_case_status"}},
		})
	}
	all = append(all,
		Trigger{
			Name: "claim.created", Does: "a buyer opens a claim", from: anyStatus, topic: "topic_claims_integration_wh", action: "created", resource: "5044722410",
			data: func(_ payment, id string) any {
				return map[string]any{"id": id, "resource": "/post-purchase/v1/claims/" + id}
			},
		},
		Trigger{
			Name: "fraud_alert.created", Does: "a paid payment looks like fraud: stop the delivery", from: anyStatus, topic: "stop_delivery_op_wh", action: "created",
			data: func(of payment, _ string) any {
				return map[string]any{"description": "stop_delivery_op", "payment_id": json.Number(cmp.Or(of.id, "0")), "merchant_order": 31994264291, "site_id": "MLB"}
			},
		},
	)
	for _, row := range [][3]string{
		{"subscription.updated", "subscription_preapproval", "a subscription has changed"},
		{"subscription_plan.updated", "subscription_preapproval_plan", "a plan of subscriptions has changed"},
		{"subscription_payment.created", "subscription_authorized_payment", "an invoice of a subscription is made"},
	} {
		name, topic := row[0], row[1]
		_, action, _ := strings.Cut(name, ".")
		all = append(all, Trigger{
			Name: name, Does: row[2], topic: topic, action: action, resource: "2c938084726fca480172750000000000",
			data: onlyID, extra: map[string]any{"entity": strings.TrimPrefix(topic, "subscription_")},
		})
	}
	return append(all,
		Trigger{Name: "panel.test", Does: "the test button of Mercado Pago's panel", resource: "123456", data: onlyID},
		Trigger{Name: "signature.wrong", Does: "as payment.updated, signed with another secret", from: anyStatus, fault: KindBadSignature},
		Trigger{Name: "signature.missing", Does: "as payment.updated, without a signature", from: anyStatus, fault: KindUnsigned},
	)
}

func onlyID(_ payment, id string) any { return webhookData{id} }

// orderData is a snapshot of the order, as it stands in the body of such a webhook.
func orderData(action string) func(payment, string) any {
	status, detail := action, action
	switch action {
	case "processed":
		detail = "accredited"
	case "action_required":
		detail = "waiting_transfer"
	case "updated":
		status, detail = "processing", "in_process"
	}
	return func(_ payment, id string) any {
		return map[string]any{
			"id": id, "external_reference": "order-1042", "status": status, "status_detail": detail, "total_amount": "10.50", "version": 2,
			"transactions": map[string]any{"payments": []map[string]any{{
				"id": "PAY01JQ4S4KY8HWQ6NA5PXB65B3D3", "amount": "10.50", "status": status, "status_detail": detail,
				"payment_method": map[string]any{"id": "pix", "type": "bank_transfer"},
			}}},
		}
	}
}

func chargebackData(of payment, id string) any {
	return map[string]any{"checkout": "PRO", "date_updated": "0001-01-01T00:00:00Z", "id": json.Number(id), "payment_id": json.Number(cmp.Or(of.id, "0")), "site_id": "MLB"}
}

// foreignBody is the body of a webhook that is not about a payment of this account.
func (n *notification) foreignBody(collector int64, live bool) []byte {
	body := map[string]any{
		"api_version": "v1", "application_id": "4222763492741", "data": n.data, "date_created": n.created.UTC().Format(time.RFC3339), "id": n.id, "live_mode": live,
		"type": n.topic, "user_id": collector,
	}
	if n.action != "" {
		body["action"] = n.action
	}
	for name, value := range n.extra {
		body[name] = value
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own tables: cannot fail
	}
	return encoded
}

// signedID is the data.id as it is signed. That of an order is signed in lower case, though it is sent in upper case.
func (n *notification) signedID() string {
	if n.topic == "order" {
		return strings.ToLower(n.paymentID)
	}
	return n.paymentID
}

// ErrUnknownTrigger says that there is no trigger of a name.
var ErrUnknownTrigger = errors.New("no such webhook")

// Trigger sends the webhook of a trigger, and says how it was answered. The id is Mercado Pago's or, of a payment, its external reference;
// empty: the newest payment that fits, or a made-up resource. The url is the receiver's; empty: the payment's notification_url, or else the
// panel's.
func (s *Simulator) Trigger(ctx context.Context, name, id, receiver string) (WebhookAttempt, error) {
	all := Triggers()
	at := slices.IndexFunc(all, func(t Trigger) bool { return t.Name == name })
	if at < 0 {
		return WebhookAttempt{}, fmt.Errorf("%w: %q", ErrUnknownTrigger, name)
	}
	t := all[at]
	of, err := s.paymentFor(t, id)
	if err != nil {
		return WebhookAttempt{}, err
	}
	if t.move != nil {
		before := s.lastAttempt()
		if err := t.move(s, of.id); err != nil {
			return WebhookAttempt{}, err
		}
		return s.attempted(ctx, func(a WebhookAttempt) bool {
			return a.Number > before && a.PaymentID == of.id && a.Action == actionUpdated
		})
	}
	n := &notification{
		id: nextNotification(), topic: cmp.Or(t.topic, topicPayment), action: t.action, paymentID: of.id, created: time.Now(), fault: Fault{Kind: t.fault},
		url: cmp.Or(receiver, of.notifyURL, s.config.DefaultNotificationURL),
	}
	if t.topic == "" {
		n.action = cmp.Or(t.action, actionUpdated)
	}
	if t.data != nil {
		n.paymentID = t.resource
		if made := s.book.newestOrder(); t.order && made != "" {
			n.paymentID = made
		}
		if id != "" && t.resource != "" {
			n.paymentID = id
		}
		n.data, n.extra = t.data(of, n.paymentID), t.extra
		n.url = cmp.Or(receiver, s.panelURL(of))
	}
	if n.url == "" {
		return WebhookAttempt{}, errors.New("nobody said where to: the simulator has no payment with a notification_url yet; name the receiver")
	}
	s.sender.deliver(n)
	return s.attempted(ctx, func(a WebhookAttempt) bool { return a.NotificationID == n.id })
}

// paymentFor is the payment that a trigger is about: the one that is named, or the newest that fits.
func (s *Simulator) paymentFor(t Trigger, id string) (payment, error) {
	if id != "" && (t.resource == "" || t.data == nil) {
		if p, known := s.book.get(id); known {
			return p, nil
		}
		if found := s.book.latest(id, "", 1); len(found) > 0 {
			return found[0], nil
		}
		return payment{}, fmt.Errorf("%w: %s", errUnknownPayment, id)
	}
	var newest payment
	for _, status := range t.from {
		if found := s.book.latest("", status, 1); len(found) > 0 && found[0].created.After(newest.created) {
			newest = found[0]
		}
	}
	if newest.id == "" && len(t.from) > 0 && t.data == nil {
		return payment{}, fmt.Errorf("there is no payment that fits (%s); create one, or name one", cmp.Or(strings.Join(t.from, ", "), "any status"))
	}
	return newest, nil
}

// panelURL is where webhooks go that are about no payment of ours: to the panel's URL, or else where those of a payment go, without that
// payment's id.
func (s *Simulator) panelURL(of payment) string {
	if s.config.DefaultNotificationURL != "" {
		return s.config.DefaultNotificationURL
	}
	if of.id == "" {
		if found := s.book.latest("", "", 1); len(found) > 0 {
			of = found[0]
		}
	}
	u, err := url.Parse(of.notifyURL)
	if err != nil || of.notifyURL == "" {
		return ""
	}
	q := u.Query()
	q.Del("payment_id")
	u.RawQuery = q.Encode()
	return u.String()
}

// approve lets the buyer pay, or ends the review well.
func (s *Simulator) approve(id string) error {
	if p, _ := s.book.get(id); p.status == "in_process" {
		return s.Approve(id)
	}
	return s.Pay(id)
}

func (s *Simulator) lastAttempt() int {
	all := s.Webhooks()
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].Number
}

// attempted waits for the first attempt that is the one.
func (s *Simulator) attempted(ctx context.Context, is func(WebhookAttempt) bool) (WebhookAttempt, error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		all := s.Webhooks()
		if at := slices.IndexFunc(all, is); at >= 0 {
			return all[at], nil
		}
		select {
		case <-tick.C:
		case <-s.done:
			return WebhookAttempt{}, errors.New("the simulator stops")
		case <-ctx.Done():
			return WebhookAttempt{}, ctx.Err()
		}
	}
}

func (s *Simulator) adminTrigger(w http.ResponseWriter, r *http.Request) {
	attempt, err := s.Trigger(r.Context(), r.PathValue("name"), r.FormValue("id"), r.FormValue("url"))
	switch {
	case errors.Is(err, ErrUnknownTrigger), errors.Is(err, errUnknownPayment):
		adminError(w, http.StatusNotFound, err)
	case err != nil:
		adminError(w, http.StatusConflict, err)
	default:
		adminAnswer(w, attempt)
	}
}

// String is the attempt in one line.
func (a WebhookAttempt) String() string {
	outcome := "HTTP " + strconv.Itoa(a.Status)
	if a.Status == 0 {
		outcome = "no answer: " + a.Error
	}
	return fmt.Sprintf("%s about %s to %s: %s in %s", cmp.Or(a.Action, "webhook"), cmp.Or(a.PaymentID, "no id"), a.URL, outcome, a.Duration.Round(time.Millisecond))
}
