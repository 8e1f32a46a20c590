package resets

import (
	"context"
	"fmt"
	"time"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/simulator"
)

// refunds are what a recorded run has asked for, and what came of it.
type refunds struct {
	requests []payment.RefundRequest
	asked    []activities.RefundAsked
	answers  map[string]string // the provider's refund that was the answer, by ours
	refused  map[string]bool
}

// ordered notes the refund that an order may have asked for.
func (r *refunds) ordered(o command.Order) {
	switch {
	case o.Refund != nil:
		r.requests = append(r.requests, *o.Refund)
	case o.OnPaid == command.RefundIt:
		r.requests = append(r.requests, payment.RefundRequest{All: true, Reason: o.Reason, IdempotencyKey: "cancel/" + o.ID})
	}
}

// answered notes which of the provider's refunds is the answer to which of ours.
func (r *refunds) answered(shown []payment.ProviderRefund) {
	for _, s := range shown {
		if s.AnswerTo != "" {
			r.answers[s.AnswerTo] = s.ID
		}
	}
}

// request is the request of a refund of the recorded payment.
func (r *refunds) request(paymentID, id string) payment.RefundRequest {
	for _, request := range r.requests {
		if payment.RefundID(paymentID, request.IdempotencyKey) == id {
			return request
		}
	}
	return payment.RefundRequest{}
}

// giveBack makes the recorded refunds at the simulator, ours under the keys that the new payment's refunds have, and returns the old texts and
// the new.
func (p *player) giveBack(ctx context.Context, old story, id, reference, providerID string) (texts []string, err error) {
	keys := map[string]string{} // ours, by the provider's
	for _, asked := range old.refunds.asked {
		key := payment.RefundID(id, old.refunds.request(old.input.PaymentID, asked.ID).IdempotencyKey)
		texts = append(texts, asked.ID, key)
		answer := old.refunds.answers[asked.ID]
		for _, r := range old.provider.Refunds { // an answer that was lost
			if answer == "" && keys[r.ID] == "" && r.Amount == asked.Amount && !old.refunds.refused[asked.ID] {
				answer = r.ID
			}
		}
		keys[answer] = key
	}
	paid := payment.Payment{ID: id, Request: payment.Request{Amount: old.provider.Money}, Provider: payment.Provider{Name: payment.MercadoPago, PaymentID: providerID}}
	for _, r := range old.provider.Refunds {
		if key := keys[r.ID]; key != "" {
			made, err := p.provider.Refund(ctx, paid, r.Amount, key)
			if err != nil {
				return nil, err
			}
			texts = append(texts, r.ID, made.ID)
			continue
		}
		if !old.dispute.gaveBack() {
			if err := p.Provider.Refund(ctx, providerID, r.Amount); err != nil {
				return nil, err
			}
		}
		ledger, err := p.Provider.Ledger(ctx, reference)
		if err != nil {
			return nil, err
		}
		texts = append(texts, r.ID, ledger[len(ledger)-1].Refund.ID)
	}
	return texts, nil
}

// writeRefunds stores the refunds as the recorded run had asked for them.
func writeRefunds(ctx context.Context, database *postgres.Store, s story, id string, at time.Time) error {
	if len(s.refunds.asked) == 0 {
		return nil
	}
	paid := *s.provider
	paid.Status, paid.RawStatus, paid.StatusDetail, paid.Refunded, paid.Refunds = payment.Approved, "approved", "accredited", 0, nil
	paid.UpdatedAt = paid.UpdatedAt.Add(-time.Second)
	if _, err := database.Apply(ctx, id, paid, at); err != nil {
		return err
	}
	for _, asked := range s.refunds.asked {
		request := s.refunds.request(id, asked.ID)
		entry := audit.Entry{Actor: audit.Actor{Name: clientApp, Channel: audit.REST}, Action: audit.PaymentRefund, Object: "payment/" + id}
		if _, _, err := database.AskRefund(ctx, id, request, false, entry, at); err != nil {
			return err
		}
		if _, err := database.SendOperation(ctx, asked.ID, at); err != nil {
			return err
		}
		if s.refunds.refused[asked.ID] {
			if _, _, err := database.EndRefund(ctx, id, asked.ID, failure.CodeRefundBalance, "refused", at); err != nil {
				return err
			}
		}
	}
	return nil
}

// wrongRefunds is what is wrong with the refunds: the provider makes no more of them than were asked for, each under a key of its own, and
// the database has each of them once.
func (c *paymentCase) wrongRefunds(ctx context.Context, p payment.Payment, found bool, ledger []simulator.Entry) (wrong []string, err error) {
	made, sum := map[string]simulator.Refunded{}, int64(0)
	for _, e := range ledger {
		if e.Refund != nil {
			made[e.Refund.ID], sum = *e.Refund, e.Refunded
		}
	}
	panel := 0
	for _, r := range made {
		if r.IdempotencyKey == "" {
			panel++
		}
	}
	if most := len(c.story.refunds.asked); len(made)-panel > most {
		wrong = append(wrong, fmt.Sprintf("%d refunds were asked for, %d are made", most, len(made)-panel))
	}
	if !found || p.Status == payment.Processing || p.Status == payment.Unknown {
		return wrong, nil
	}
	rows, err := c.database.Refunds(ctx, c.id)
	if err != nil {
		return wrong, err
	}
	for _, r := range rows {
		if !r.Outcome.Ended() {
			wrong = append(wrong, "refund "+r.ProviderKey+" has not ended")
		}
		if r.Outcome == payment.OutcomeDone {
			delete(made, r.ProviderID)
			sum -= r.Amount
		}
	}
	if len(made) > 0 || sum != 0 {
		wrong = append(wrong, fmt.Sprintf("the database lacks the provider's refunds %v, %d centavos", made, sum))
	}
	return wrong, nil
}
