package worker

import (
	"context"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// order has the payments of a merchant order looked at, as their own notifications do, which may be lost.
func (w *Worker) order(ctx context.Context, d rabbitmq.Delivery, n mercadopago.Notification) error {
	if w.Provider.OfAnother(n) {
		w.notOurs(ctx, d, n)
		return nil
	}
	if !w.mayIdentify() {
		return errEnoughWait
	}
	defer w.identifying.Add(-1)
	o, err := w.Provider.MerchantOrder(mercadopago.WithPriority(ctx, payment.ForNews, ""), n.ResourceID)
	switch {
	case failure.KindOf(err) == failure.NotFound:
		return w.unknown(ctx, d, n, err)
	case err != nil:
		return unidentified(n, err)
	case !payment.OurID(o.Reference):
		w.notOurs(ctx, d, n)
		return nil
	}
	c, err := w.Database.Checkout(ctx, o.Reference)
	switch {
	case failure.KindOf(err) == failure.NotFound:
		return w.unknown(ctx, d, n, err) // it may be lost, and be written anew
	case err != nil:
		return decision(err)
	}
	for _, p := range o.Payments {
		if err := w.orderPayment(ctx, c, p); err != nil {
			return decision(err)
		}
	}
	w.Metrics.signalled(n.ReceivedAt)
	w.Log.InfoContext(ctx, "webhook of an order", "checkout_id", c.ID, "payments", len(o.Payments), "topic", n.Topic, "action", n.Action, "message_id", d.ID)
	return nil
}

// orderPayment attaches a payment of the order to its checkout, or has it look again if the order says something else of it than is known.
func (w *Worker) orderPayment(ctx context.Context, c payment.Checkout, of mercadopago.OrderPayment) error {
	p, err := w.Database.PaymentByProvider(ctx, payment.MercadoPago, of.ID)
	switch {
	case failure.KindOf(err) == failure.NotFound:
		return w.Workflows.Attach(ctx, c, of.ID)
	case err != nil:
		return err
	case p.Provider.Status == of.Status && p.Refunded == of.Refunded:
		return nil
	}
	return w.signal(ctx, p.ID)
}
