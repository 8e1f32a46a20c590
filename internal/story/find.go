package story

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
)

// mostNamed is how many payments of one reference are listed.
const mostNamed = 20

// Found is what a text means: one payment's story, or several payments with the same reference, of which one must be chosen.
type Found struct {
	Story   Story
	Several []payment.Payment // newest first; empty: it is one
}

// Find tells the story of the payment with an ID, an ID of the provider, the end-to-end id of a Pix or a reference. Errors: NotFound if there is none; Unavailable
// if the database, which knows the provider's IDs and references, does not answer.
func (t Teller) Find(ctx context.Context, l language.Language, text string) (Found, error) {
	text = strings.TrimSpace(text)
	if payment.ValidID(text) {
		return t.findID(ctx, l, text)
	}
	if text == "" || utf8.RuneCountInString(text) > 64 {
		return Found{}, none("a payment is named by its id, the provider's id or a reference of at most 64 characters")
	}
	if strings.Trim(text, "0123456789") == "" {
		p, err := t.Database.PaymentByProvider(ctx, payment.MercadoPago, text)
		if failure.KindOf(err) != failure.NotFound {
			return t.one(ctx, l, p, err)
		}
	}
	if payment.ValidEndToEndID(text) {
		p, err := t.Database.PaymentByEndToEnd(ctx, text)
		if failure.KindOf(err) != failure.NotFound {
			return t.one(ctx, l, p, err)
		}
	}
	list, err := t.Database.PaymentsOfAll(ctx, payment.Filter{Reference: text, Limit: mostNamed})
	switch {
	case err != nil:
		return Found{}, err
	case len(list) == 0:
		return Found{}, none("no payment has this id, provider id or reference")
	case len(list) > 1:
		return Found{Several: list}, nil
	}
	return t.one(ctx, l, list[0], nil)
}

func (t Teller) one(ctx context.Context, l language.Language, p payment.Payment, err error) (Found, error) {
	if err != nil {
		return Found{}, err
	}
	return Found{Story: t.Tell(ctx, l, p)}, nil
}

// findID also finds a payment that only Temporal knows, or that it knows while the database does not answer.
func (t Teller) findID(ctx context.Context, l language.Language, id string) (Found, error) {
	waiting, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	p, err := t.Database.Payment(waiting, id)
	if err == nil {
		return t.one(ctx, l, p, nil)
	}
	if failure.KindOf(err) == failure.NotFound {
		begun, beginErr := t.Workflows.Begun(ctx, "", id)
		if beginErr != nil {
			return Found{}, beginErr
		}
		if !begun {
			return Found{}, none("there is no payment with this id")
		}
		err = nil
	}
	return Found{Story: t.TellUnread(ctx, l, id, err)}, nil
}

func none(message string) error { return &failure.Error{Kind: failure.NotFound, Message: message} }
