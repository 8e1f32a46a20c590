package workflows

import (
	"fmt"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

// details is what the Web UI shows of the run now, in sentences. It holds nothing personal: no actor and no reason either.
func (p *mailbox) details() string {
	var sentences []string
	say := func(format string, args ...any) { sentences = append(sentences, fmt.Sprintf(format, args...)) }
	if p.held() {
		say("**Held** by an operator until %s: OnlyWave makes no call to Mercado Pago for it before.", at(p.state.Hold.Until))
	}
	say("%s", p.standing())
	for _, r := range p.state.Refunds {
		say("%s", p.refunding(r))
	}
	switch due := p.due(); {
	case p.held() || !p.state.Status.Open():
	case p.waiting != "":
		say("The activity \"%s\" is tried until Mercado Pago answers.", p.waiting)
	case p.state.Status != payment.Processing && !due.IsZero():
		say("Next look at %s.", at(due))
	}
	if p.refusal == "" {
		return strings.Join(sentences, " ")
	}
	return strings.Join(sentences, " ") + "\n\n" + p.refusal
}

// standing is where the payment stands.
func (p *mailbox) standing() string {
	sum := strings.Replace(p.state.Money.String(), string(payment.BRL)+" ", "R$ ", 1) + " by " + p.state.Method.Name(payment.English)
	switch p.state.Status {
	case "":
		return "There is no payment with this id yet."
	case payment.Processing:
		return fmt.Sprintf("**Being charged**: %s. Mercado Pago has not answered yet.", sum)
	case payment.Pending:
		return fmt.Sprintf("**Waiting for the buyer** to pay %s%s%s.", sum, p.until(), p.atMercadoPago())
	case payment.Unknown:
		return p.unknown(sum)
	}
	return fmt.Sprintf("**%s**: %s%s.", sentenceCase(p.state.Status), sum, p.atMercadoPago())
}

// refunding is how a refund stands that has not ended.
func (p *mailbox) refunding(r payment.PendingRefund) string {
	sum := strings.Replace(p.money(r.Amount), string(payment.BRL)+" ", "R$ ", 1)
	due := p.refunds[r.ID].due
	switch {
	case r.ProviderID != "":
		return fmt.Sprintf("**Refund** of %s: Mercado Pago has it in process.", sum)
	case due.IsZero():
		return fmt.Sprintf("**Refund** of %s: Mercado Pago has not answered yet.", sum)
	}
	return fmt.Sprintf("**Refund** of %s: the next attempt is at %s.", sum, at(due))
}

func (p *mailbox) unknown(sum string) string {
	text := fmt.Sprintf("**Unknown**: the answer to the charge of %s is lost, and Mercado Pago may have charged.", sum)
	if p.searching() {
		return text + fmt.Sprintf(" A refusal came after an attempt whose answer is lost; Mercado Pago is searched until %s before the refusal is believed.",
			at(p.refused.at.Add(believedAfter)))
	}
	return text + " **Dead letter** `" + string(deadletter.CauseUnknownOutcome) + "`: " + deadletter.CauseUnknownOutcome.Advice()
}

func (p *mailbox) until() string {
	if p.state.ExpiresAt.IsZero() {
		return ""
	}
	return " until " + at(p.state.ExpiresAt)
}

func (p *mailbox) atMercadoPago() string {
	if p.state.ProviderPaymentID == "" {
		return ""
	}
	return "; Mercado Pago payment " + p.state.ProviderPaymentID
}

func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// sentenceCase is a status at the beginning of a sentence, such as "Charged back".
func sentenceCase(s payment.Status) string {
	words := strings.ReplaceAll(string(s), "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// View answers the query: what the mailbox knows and waits for.
type View struct {
	Status            payment.Status          `json:"status"`
	Money             payment.Money           `json:"money"`
	ProviderPaymentID string                  `json:"provider_payment_id,omitempty"`
	ExpiresAt         time.Time               `json:"expires_at,omitzero"`
	NextPoll          time.Time               `json:"next_poll,omitzero"`
	Polls             int                     `json:"polls"`
	SignalsWaiting    int                     `json:"signals_waiting"`
	HeldUntil         time.Time               `json:"held_until,omitzero"`
	Refunds           []payment.PendingRefund `json:"refunds,omitempty"`   // that have not ended
	WaitsFor          string                  `json:"waits_for,omitempty"` // the activity that Mercado Pago has not answered yet
	Refused           string                  `json:"refused,omitempty"`   // the latest signal that was refused, and why
}

func (p *mailbox) view() (View, error) {
	return View{
		Status: p.state.Status, Money: p.state.Money, ProviderPaymentID: p.state.ProviderPaymentID,
		ExpiresAt: p.state.ExpiresAt, NextPoll: p.due(), Polls: p.looks,
		SignalsWaiting: p.signals.Len(), HeldUntil: p.state.Hold.Until, Refunds: p.state.Refunds, WaitsFor: p.waiting, Refused: p.refusal,
	}, nil
}
