package console

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
)

// commandLabels are the buttons of the commands.
var commandLabels = map[command.Name]string{
	command.Look: "Ask Mercado Pago now", command.Retry: "Try again now", command.Hold: "Hold",
	command.Release: "Release", command.GiveUp: "Give up charging", command.Settle: "Settle", command.Capture: "Capture", command.Cancel: "Cancel", command.Refund: "Refund",
}

// irreversible are the commands that cannot be undone. Their form has to be confirmed.
var irreversible = map[command.Name]bool{command.GiveUp: true, command.Settle: true, command.Capture: true, command.Cancel: true, command.Refund: true}

// commandForm is a command on the page of a payment: what it would do now, or from when on it is possible.
type commandForm struct {
	Name        string // in ids and addresses
	Label       string
	Would       string // empty: it is not possible yet
	WhyNot      string
	NeedsReason bool
	Confirm     bool   // it cannot be undone
	Hold        bool   // it has an end
	Settle      bool   // it has an outcome
	Refund      bool   // it has an amount
	Capture     bool   // likewise; without it, all
	Cancel      bool   // the buyer may pay meanwhile
	Key         string // idempotency key: the form that is sent twice makes one refund
}

// commandForms are the commands that are possible now, and those that will be by themselves.
func commandForms(l language.Language, p payment.Payment, h payment.Hold, now time.Time) (forms []commandForm) {
	for _, o := range command.Possible(p, h, now) {
		if !o.Possible && o.After.IsZero() {
			continue
		}
		forms = append(forms, commandForm{
			Name: o.Name.Word(), Label: say(l, commandLabels[o.Name]), Would: capital(o.Would.In(string(l))), WhyNot: capital(o.WhyNot.In(string(l))),
			NeedsReason: o.Reason == command.RequiredReason, Confirm: irreversible[o.Name], Hold: o.Name == command.Hold, Settle: o.Name == command.Settle,
			Refund: o.Name == command.Refund, Capture: o.Name == command.Capture, Cancel: o.Name == command.Cancel, Key: "console-" + uuid.NewString(),
		})
	}
	return forms
}

// refusal is why a command was refused.
type refusal struct {
	Message string
	Fields  []failure.Field
}

// commandTimeout is how long a page waits for a command: giving up may search Mercado Pago for half a minute. The rest of pageTimeout is for
// the response.
const commandTimeout = pageTimeout - 3*time.Second

// orderCommand carries out a command on a payment. A refusal is shown on the payment's page.
func (c *Console) orderCommand(r *request) (response, error) {
	o, err := orderOf(r)
	var p payment.Payment
	if err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), commandTimeout)
		defer cancel()
		p, err = c.commands.Do(ctx, r.actor(), o)
	}
	running := errors.Is(err, command.ErrRunning)
	if running {
		err = nil
	}
	if kind := failure.KindOf(err); err != nil && (kind == failure.Conflict || kind == failure.Invalid) {
		return c.refuseCommand(r, err)
	}
	if err != nil {
		return response{}, err
	}
	c.logAction(r, string(o.Command), "payment", p.ID)
	if running {
		c.setNotice(r, r.say("The command is accepted and still being carried out. Reload the page in a moment."))
	} else {
		c.setNotice(r, commandDone(r, o, p))
	}
	return response{redirect: "/console/payments/" + p.ID}, nil
}

// orderOf reads the form of a command.
func orderOf(r *request) (command.Order, error) {
	name := command.Name(strings.ReplaceAll(r.PathValue("command"), "-", "_"))
	if e, known := command.Find(name); !known || !e.Operator {
		return command.Order{}, &failure.Error{Kind: failure.NotFound, Message: "there is no page at this address"}
	}
	o := command.Order{PaymentID: r.PathValue("id"), Command: name, Reason: r.PostFormValue("reason")}
	switch name {
	case command.Hold:
		if text := r.PostFormValue("hours"); text != "" {
			hours, err := strconv.ParseUint(text, 10, 16)
			if err != nil {
				return o, &failure.Error{Kind: failure.Invalid, Message: "the form is not valid", Fields: []failure.Field{{Pointer: "/hours", Detail: "must be a whole number"}}}
			}
			o.Until = time.Now().Add(time.Duration(hours) * time.Hour)
		}
	case command.Cancel:
		o.OnPaid = command.OnPaid(r.PostFormValue("on_paid"))
	case command.Refund:
		return refundOf(r, o)
	case command.Capture:
		return captureOf(r, o)
	case command.Settle:
		o.ProviderPaymentID = strings.TrimSpace(r.PostFormValue("provider_payment_id"))
		if o.ProviderPaymentID != "" {
			o.Outcome = command.Found
		}
	}
	return o, confirmed(r, name)
}

// confirmed is the error of a form that must be confirmed and is not.
func confirmed(r *request, name command.Name) error {
	if irreversible[name] && r.PostFormValue("confirm") == "" {
		return &failure.Error{Kind: failure.Invalid, Message: "confirm that you have read what the command does; it cannot be undone"}
	}
	return nil
}

// refundOf reads the form of a refund: an amount as people write it, such as 10,50, or all that is left.
func refundOf(r *request, o command.Order) (command.Order, error) {
	o.Refund = &payment.RefundRequest{All: r.PostFormValue("all") != "", IdempotencyKey: r.PostFormValue("key")}
	if !o.Refund.All {
		amount, ok := centavosOf(r.PostFormValue("amount"))
		if !ok {
			return o, wrongAmount()
		}
		o.Refund.Amount = amount
	}
	return o, confirmed(r, o.Command)
}

// captureOf reads the form of a capture: an amount, or nothing for all that is reserved.
func captureOf(r *request, o command.Order) (command.Order, error) {
	if text := r.PostFormValue("amount"); strings.TrimSpace(text) != "" {
		amount, ok := centavosOf(text)
		if !ok || amount == 0 {
			return o, wrongAmount()
		}
		o.Amount = amount
	}
	return o, confirmed(r, o.Command)
}

func wrongAmount() error {
	return &failure.Error{Kind: failure.Invalid, Message: "the form is not valid", Fields: []failure.Field{{Pointer: "/amount", Detail: "must be an amount such as 10,50"}}}
}

// centavosOf reads an amount in reais with at most two decimals, after a comma or a point.
func centavosOf(text string) (int64, bool) {
	whole, fraction, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(text), ",", "."), ".")
	if len(fraction) > 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(whole+(fraction + "00")[:2], 10, 40)
	return int64(n), err == nil && whole != ""
}

// refuseCommand shows the payment's page with the reason of a refusal.
func (c *Console) refuseCommand(r *request, err error) (response, error) {
	refused := refusal{Message: err.Error()}
	if e, ok := errors.AsType[*failure.Error](err); ok {
		refused = refusal{e.Message, e.Fields}
	}
	return c.paymentPage(r, textOf(failure.KindOf(err)).status, &refused)
}

// commandDone is the notice of a command that was carried out.
func commandDone(r *request, o command.Order, p payment.Payment) string {
	status := r.language.Status(p.Status)
	switch o.Command {
	case command.Look:
		return r.say("Mercado Pago was asked. The payment is %s.", status)
	case command.Retry:
		return r.say("The next attempt is due now. The payment is %s.", status)
	case command.Hold:
		return r.say("The payment is held.")
	case command.Release:
		return r.say("The hold has ended. The payment is %s.", status)
	case command.GiveUp:
		return r.say("The attempts to charge have ended. The payment is %s.", status)
	case command.Refund:
		return r.say("The refund is asked for. The payment is %s.", status)
	case command.Capture:
		return r.say("Mercado Pago was asked for the reserved money. The payment is %s.", status)
	case command.Cancel:
		return r.say("Mercado Pago was asked to close the payment. The payment is %s.", status)
	case command.Settle:
		if p.Status == payment.Failed {
			return r.say("The payment is settled as failed.")
		}
	}
	return r.say("Done. The payment is %s.", status)
}
