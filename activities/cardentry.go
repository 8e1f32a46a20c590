package activities

import (
	"context"
	"slices"
	"time"

	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// CardInput is a card that a buyer has entered on the pay page, without its token.
type CardInput struct {
	PaymentID string            `json:"payment_id"`
	Entry     payment.CardEntry `json:"entry"`
	Print     string            `json:"print"` // the entry's, see payment.CardEntry
}

// CardTaken is what became of a card entry.
type CardTaken struct {
	Moved
	Attempt int    `json:"attempt,omitempty"` // number of the payment's newest entry
	New     bool   `json:"new,omitempty"`     // this very activity has stored it: nothing was charged under its key
	Current bool   `json:"current,omitempty"` // it is the newest entry
	Why     string `json:"why,omitempty"`     // why it is not charged; "": it is, or was
}

// TakeCard stores that a card is to be charged, if the payment waits for one. The entry's print decides: a second run finds the entry of the
// first.
func (a *Activities) TakeCard(ctx context.Context, in CardInput) (CardTaken, error) {
	asked := time.Now()
	taken, err := a.database.TakeCard(ctx, in.PaymentID, in.Entry, in.Print, a.now())
	moved, err := a.moved(ctx, asked, taken.Move, err)
	return CardTaken{Moved: moved, Attempt: taken.Payment.Attempt(), New: taken.New, Current: taken.Current, Why: taken.Why}, err
}

// RejectCardInput is a card of which the provider has taken no money.
type RejectCardInput struct {
	PaymentID         string `json:"payment_id"`
	Attempt           int    `json:"attempt"`
	ProviderPaymentID string `json:"provider_payment_id,omitempty"` // "": the provider has made none
	Why               string `json:"why"`
}

// RejectCard lets the buyer enter another card. The entry's number decides: a second run finds it rejected.
func (a *Activities) RejectCard(ctx context.Context, in RejectCardInput) (Moved, error) {
	asked := time.Now()
	m, err := a.database.RejectCard(ctx, in.PaymentID, in.Attempt, in.ProviderPaymentID, in.Why, a.now())
	return a.moved(ctx, asked, m, err)
}

// EndEntryInput says how a payment ends whose buyer has entered no card that was taken.
type EndEntryInput struct {
	PaymentID string         `json:"payment_id"`
	Status    payment.Status `json:"status"`
}

// EndEntry ends a payment that waits for a card. A second run finds that it does not wait any more.
func (a *Activities) EndEntry(ctx context.Context, in EndEntryInput) (Moved, error) {
	asked := time.Now()
	m, err := a.database.EndEntry(ctx, in.PaymentID, in.Status, a.now())
	return a.moved(ctx, asked, m, err)
}

// findCard looks for the charge of the card that was entered last: those that are stored as rejected do not count. If the provider shows more
// charges than are stored, their rows were lost, as by a restore of the database, and are stored again.
func (a *Activities) findCard(ctx context.Context, id string) (payment.ProviderState, bool, error) {
	shown, err := a.provider.PaymentsByReference(ctx, id)
	if err != nil {
		return payment.ProviderState{}, false, err
	}
	stored, err := a.database.CardCharges(ctx, id)
	if ours := ofUs(shown); err == nil && len(ours) > payment.MadeCharges(stored) {
		slices.Reverse(ours) // the newest is shown first
		stored, err = a.database.RestoreCardCharges(ctx, id, ours, a.now())
	}
	if err != nil {
		return payment.ProviderState{}, false, err
	}
	state, found := mercadopago.Foremost(slices.DeleteFunc(shown, func(s payment.ProviderState) bool {
		return slices.ContainsFunc(stored, func(o payment.OperationRecord) bool { return o.ProviderID == s.PaymentID })
	}))
	return state, found, nil
}

// ofUs are the states that are about payments of our account.
func ofUs(shown []payment.ProviderState) (ours []payment.ProviderState) {
	for _, s := range shown {
		if s.Foreign == "" {
			ours = append(ours, s)
		}
	}
	return ours
}
