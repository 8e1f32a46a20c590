package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

const (
	// identifiedAtOnce is how many webhooks may wait for the provider's word on whose they are. The other places are for those
	// that need nothing of it.
	identifiedAtOnce = webhooksInHand / 2
	// identifyTime is how long a webhook waits for a provider that cannot say whose it is before an operator sees it: as long as a
	// payment keeps trying.
	identifyTime = 24 * time.Hour
)

// paymentOf finds our payment: its ID travels in the address the provider calls, but not when the address came from the
// provider's panel; then the database may know the provider's ID, else the provider knows whose it is. "" says that it is none
// of ours. The error is the consumer's to judge.
func (w *Worker) paymentOf(ctx context.Context, d rabbitmq.Delivery, n mercadopago.Notification) (string, error) {
	if n.PaymentID != "" {
		return n.PaymentID, nil
	}
	named := n.ProviderPaymentID()
	if named == "" {
		return w.paymentOfDispute(ctx, d, n)
	}
	p, err := w.Database.PaymentByProvider(ctx, payment.MercadoPago, named)
	if err == nil || failure.KindOf(err) != failure.NotFound {
		return p.ID, decision(err)
	}
	if w.Provider.OfAnother(n) {
		w.notOurs(ctx, d, n)
		return "", nil
	}
	if !w.mayIdentify() {
		return "", errEnoughWait
	}
	defer w.identifying.Add(-1)
	id, err := w.Provider.Identify(mercadopago.WithPriority(ctx, payment.ForNews, ""), named)
	switch kind := failure.KindOf(err); {
	case err == nil && id != "":
		return w.referred(ctx, d, n, id, named)
	case err == nil, kind == failure.Conflict: // it is another shop's, or another account's
		w.notOurs(ctx, d, n)
		return "", nil
	case kind == failure.NotFound:
		return "", w.unknown(ctx, d, n, err)
	}
	return "", unidentified(n, err)
}

// referred is our payment that a payment of Mercado Pago's refers to. An attempt at a checkout becomes a payment here, and looks by itself, so
// that nothing more is to be done: "". The address that Mercado Pago calls says nothing of a checkout: what the buyer can see is not believed.
func (w *Worker) referred(ctx context.Context, d rabbitmq.Delivery, n mercadopago.Notification, reference, providerPaymentID string) (string, error) {
	c, err := w.Database.Checkout(ctx, reference)
	switch {
	case failure.KindOf(err) == failure.NotFound:
		return reference, nil
	case err == nil:
		err = w.Workflows.Attach(ctx, c, providerPaymentID)
	}
	if err != nil {
		return "", decision(err)
	}
	w.Metrics.signalled(n.ReceivedAt)
	w.Log.InfoContext(ctx, "webhook of an attempt at a checkout", "checkout_id", c.ID, "provider_payment_id", providerPaymentID, "topic", n.Topic, "action", n.Action, "message_id", d.ID)
	return "", nil
}

var errEnoughWait = rabbitmq.Postpone(errors.New("enough webhooks wait for the provider"))

// mayIdentify takes a place among those that the provider is asked about, if there is one.
func (w *Worker) mayIdentify() bool {
	if w.identifying.Add(1) > identifiedAtOnce {
		w.identifying.Add(-1)
		return false
	}
	return true
}

// paymentOfDispute finds our payment for a notification that names no payment, as those of claims do not: the provider's dispute does.
func (w *Worker) paymentOfDispute(ctx context.Context, d rabbitmq.Delivery, n mercadopago.Notification) (string, error) {
	read := w.Provider.Chargeback
	switch about := n.About(); {
	case n.ResourceID == "" || about == mercadopago.AboutPayment || about == mercadopago.AboutFraud:
		return "", fault(deadletter.CauseInvalid, errors.New("the notification names no payment"))
	case about == mercadopago.AboutClaim:
		read = w.Provider.Claim
	}
	if w.Provider.OfAnother(n) {
		w.notOurs(ctx, d, n)
		return "", nil
	}
	if !w.mayIdentify() {
		return "", errEnoughWait
	}
	defer w.identifying.Add(-1)
	dispute, err := read(mercadopago.WithPriority(ctx, payment.ForNews, ""), n.ResourceID)
	switch {
	case failure.KindOf(err) == failure.NotFound:
		return "", w.unknown(ctx, d, n, err)
	case err != nil:
		return "", unidentified(n, err)
	}
	for _, id := range dispute.Payments {
		p, err := w.Database.PaymentByProvider(ctx, payment.MercadoPago, id)
		if err == nil || failure.KindOf(err) != failure.NotFound {
			return p.ID, decision(err)
		}
	}
	w.notOurs(ctx, d, n) // it is about another sale on our account, or about no payment at all
	return "", nil
}

// notOurs tells of a webhook about another shop's sale on our account, or about another account's. The archive has it.
func (w *Worker) notOurs(ctx context.Context, d rabbitmq.Delivery, n mercadopago.Notification) {
	w.Log.WarnContext(ctx, "webhook of a payment that is not ours", "provider_payment_id", n.ResourceID, "topic", n.Topic, "message_id", d.ID)
}

// unidentified is the decision about a failure to identify a payment. A refusal of this one is the message's fault. The payment may
// also have been too new to be found. A provider that answers no call delays none of the messages that do not need it.
func unidentified(n mercadopago.Notification, err error) error {
	kind := failure.KindOf(err)
	err = fmt.Errorf("identify the provider's payment %s: %w", n.ResourceID, err)
	switch kind {
	case failure.Invalid, failure.NotFound, failure.Conflict:
		return fault(deadletter.CauseInvalid, err)
	case failure.Forbidden:
		return fault(deadletter.CauseRefused, err)
	case failure.Internal:
		return fault(deadletter.CauseInternal, err)
	case failure.Unavailable, failure.Limited, failure.Unauthorized:
	}
	if time.Since(n.ReceivedAt) > identifyTime {
		return rabbitmq.DeadLetter(string(deadletter.CauseDependencyUnavailable), err)
	}
	return rabbitmq.Postpone(err)
}
