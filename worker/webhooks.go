package worker

import (
	"cmp"
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// webhooksInHand is how many notifications one worker handles at a time.
const webhooksInHand = 32

const actionCreated = "payment.created"

func (w *Worker) runWebhooks(ctx context.Context) error {
	consumer := w.consumer(rabbitmq.QueueProcess, webhooksInHand)
	consumer.RetryDelay = w.RetryDelay
	return consumer.Run(ctx, w.Metrics.one(rabbitmq.QueueProcess, traced(w.webhook)))
}

// traced goes on in the trace of the notification's arrival.
func traced(handle func(context.Context, rabbitmq.Delivery) error) func(context.Context, rabbitmq.Delivery) error {
	return func(ctx context.Context, d rabbitmq.Delivery) error {
		ctx, s := rabbitmq.Traced(ctx, rabbitmq.QueueProcess, d)
		failure := string(failure.Internal) // a panic passes through here
		defer func() { s.End(failure) }()
		err := handle(ctx, d)
		if failure = ""; err != nil {
			failure = rabbitmq.Outcome(err)
		}
		return err
	}
}

// webhook has the payment that a notification is about look again. Many about one payment are answered by one look: while one
// is handled the next waits, and all others are done, for the one that waits begins after they came.
func (w *Worker) webhook(ctx context.Context, d rabbitmq.Delivery) error {
	n, err := mercadopago.DecodeNotification(d.Body)
	if err != nil {
		return fault(deadletter.CauseUnreadable, err)
	}
	if n.IsTest() {
		w.Log.InfoContext(ctx, "webhook of the provider's test button", "message_id", d.ID)
		return nil
	}
	if name, is := n.Unserved(); is {
		w.Metrics.unserved(name)
		w.Log.InfoContext(ctx, "webhook about nothing that OnlyWave has", "topic", n.Topic, "action", n.Action, "resource_id", n.ResourceID, "message_id", d.ID)
		return nil
	}
	joined, err := w.coalescer.one(ctx, subject(n), func() error { return w.handle(ctx, d, n) })
	if joined {
		w.Metrics.joined()
		w.Log.InfoContext(ctx, "webhook", "payment_id", n.PaymentID, "topic", n.Topic, "action", n.Action, "message_id", d.ID, "joined", true)
	}
	return err
}

// subject is what a notification is about. That a payment was created is not always news, so these notifications have a subject of
// their own.
func subject(n mercadopago.Notification) string {
	if n.About() != mercadopago.AboutPayment {
		return n.Topic + " " + n.ResourceID + " " + cmp.Or(n.PaymentID, n.ProviderPaymentID())
	}
	if n.PaymentID != "" {
		return n.PaymentID + " " + createdOnly(n.Action)
	}
	return "provider's " + n.ResourceID + " " + createdOnly(n.Action)
}

func createdOnly(action string) string {
	if action == actionCreated {
		return action
	}
	return ""
}

func (w *Worker) handle(ctx context.Context, d rabbitmq.Delivery, n mercadopago.Notification) error {
	if n.About() == mercadopago.AboutOrder && n.PaymentID == "" {
		return w.order(ctx, d, n)
	}
	id, err := w.paymentOf(ctx, d, n)
	if err != nil || id == "" {
		return err
	}
	news, err := w.isNews(ctx, id, n)
	if err != nil || !news {
		return decision(err)
	}
	if err := w.tell(ctx, id, n); err != nil {
		if failure.KindOf(err) == failure.NotFound {
			return w.unknown(ctx, d, n, err)
		}
		return decision(err)
	}
	w.Metrics.signalled(n.ReceivedAt)
	w.Log.InfoContext(ctx, "webhook", "payment_id", id, "topic", n.Topic, "action", n.Action, "message_id", d.ID)
	return nil
}

// tell has a payment look again, and at the dispute that the notification is about.
func (w *Worker) tell(ctx context.Context, id string, n mercadopago.Notification) error {
	ref, is := disputeOf(n)
	if !is {
		return w.signal(ctx, id)
	}
	if _, err := w.Database.Payment(ctx, id); err != nil {
		return err
	}
	return w.Workflows.Dispute(ctx, id, ref)
}

// disputeOf is the dispute that a notification is about.
func disputeOf(n mercadopago.Notification) (ref payment.DisputeRef, is bool) {
	switch n.About() {
	case mercadopago.AboutChargeback:
		return payment.DisputeRef{Kind: payment.Chargeback, ID: n.ResourceID}, true
	case mercadopago.AboutClaim:
		return payment.DisputeRef{Kind: payment.Claim, ID: n.ResourceID}, true
	case mercadopago.AboutFraud:
		return payment.DisputeRef{Kind: payment.FraudAlert}, true
	}
	return ref, false
}

// signal has a payment look again. One that has no run and is not in the database is not signalled: its run would find nothing, and
// there may be thousands of notifications about it. The retries outwait a database that is behind.
func (w *Worker) signal(ctx context.Context, id string) error {
	running, err := w.Workflows.SignalRunning(ctx, id)
	if err != nil || running {
		return err
	}
	if _, err := w.Database.Payment(ctx, id); err != nil {
		return err
	}
	return w.Workflows.Signal(ctx, id)
}

// unknown is the decision about a webhook of an unknown payment. The payment may be too new to be known, which the retries outwait.
// Then the webhook is counted and left: the archive has it, and there is nothing that an operator could do about it.
func (w *Worker) unknown(ctx context.Context, d rabbitmq.Delivery, n mercadopago.Notification, err error) error {
	if !d.LastTry() {
		return fault(deadletter.CauseInvalid, err)
	}
	w.Metrics.unknown()
	w.Log.WarnContext(ctx, "webhook of an unknown payment", "payment_id", n.PaymentID, "provider_payment_id", n.ResourceID,
		"topic", n.Topic, "message_id", d.ID, "error", err)
	return nil
}

func fault(cause deadletter.Cause, err error) error { return rabbitmq.Fault(string(cause), err) }

// decision says whose fault a failure is. What is invalid stays so, and a bug of ours meets the same
// message each time, until a deployment mends it; meanwhile they would hold up what comes behind them.
// All else is a dependency's fault, and passes.
func decision(err error) error {
	if err == nil {
		return nil
	}
	switch failure.KindOf(err) {
	case failure.Invalid, failure.NotFound, failure.Conflict:
		return fault(deadletter.CauseInvalid, err)
	case failure.Internal:
		return fault(deadletter.CauseInternal, err)
	case failure.Unavailable, failure.Limited, failure.Unauthorized, failure.Forbidden:
	}
	return err
}

// createdLag is how long after a payment was written the notification of its creation may come that says nothing new.
const createdLag = 5 * time.Second

// isNews says whether a notification can bring anything new. That the provider created the payment is
// none: the charge's own answer says so, and while that is outstanding the charge is being repeated.
// Only a payment that has given up waiting for the answer, or is not known, learns from it. But the action is not signed,
// and one that comes late may be of something else that has happened since.
func (w *Worker) isNews(ctx context.Context, id string, n mercadopago.Notification) (bool, error) {
	if n.Action != actionCreated {
		return true, nil
	}
	p, err := w.created(ctx, id)
	if err != nil {
		return failure.KindOf(err) == failure.NotFound, ignoreNotFound(err)
	}
	late := n.ReceivedAt.Sub(p.CreatedAt) > createdLag
	return late || p.Status == payment.Unknown || p.Status == payment.Failed, nil
}

// created is a payment that the provider has just created. A young copy is enough if the provider has answered for the payment: from then
// on it becomes neither unknown nor failed.
func (w *Worker) created(ctx context.Context, id string) (payment.Payment, error) {
	if p, ok := w.Cache.Since(ctx, id, time.Now().Add(-createdLag)); ok && p.Provider.PaymentID != "" {
		return p, nil
	}
	return w.Database.Payment(ctx, id)
}

func ignoreNotFound(err error) error {
	if failure.KindOf(err) == failure.NotFound {
		return nil
	}
	return err
}
