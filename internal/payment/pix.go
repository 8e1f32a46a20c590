package payment

import (
	"fmt"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// Mercado Pago lets a Pix live from 30 minutes to 30 days and for a day by default
// (its guide "integrate Pix").
const (
	PixExpiryMin     = 30 * time.Minute
	PixExpiryMax     = 30 * 24 * time.Hour
	PixExpiryDefault = 24 * time.Hour
)

func pix() rules {
	return rules{
		method: Pix, english: "Pix", portuguese: "Pix", code: true,
		normalized: func(m Method) Method {
			if m.ExpiresIn == 0 {
				m.ExpiresIn = int(PixExpiryDefault / time.Second)
			}
			return m
		},
		validate: func(r Request, wrong func(pointer, detail string)) {
			low, high := int(PixExpiryMin/time.Second), int(PixExpiryMax/time.Second)
			if r.Method.ExpiresIn < low || r.Method.ExpiresIn > high {
				wrong("/method/expires_in", fmt.Sprintf("must be between %d and %d seconds", low, high))
			}
		},
		end: func(m Method, askedAt time.Time) time.Time {
			return askedAt.Add(time.Duration(m.ExpiresIn) * time.Second)
		},
	}
}

// pixRoom is how much later than a Pix's own end the provider's is: half an hour, which Mercado Pago wants between the arrival of
// a request and the end that it asks for, and a minute more. So a charge may wait for the provider until the Pix's own end.
const pixRoom = PixExpiryMin + time.Minute

// clockRoom is how far our clock may be ahead of the provider's when a Pix is to live for the longest that it allows.
const clockRoom = time.Minute

// PixEnd is the end that the provider is asked for. It depends only on the request, so that a repeated request is the same.
func (p Payment) PixEnd() time.Time {
	if !p.KeepsEnd() {
		return p.CreatedAt.Add(max(time.Duration(p.Method.ExpiresIn)*time.Second, pixRoom))
	}
	end, latest := p.Instructions.ExpiresAt.Add(pixRoom), p.CreatedAt.Add(PixExpiryMax-clockRoom)
	if end.After(latest) {
		return latest
	}
	return end
}

// CodeToPay is the Pix code with which the buyer can pay now. Errors: NotFound for a method that has none; Conflict, with the reason,
// while there is none yet or when it cannot be paid any more.
func (p Payment) CodeToPay(now time.Time) (string, error) {
	end := p.Instructions.ExpiresAt
	switch {
	case p.Method.Type != Pix:
		return "", &failure.Error{Kind: failure.NotFound, Message: "a payment with the method " + string(p.Method.Type) + " has no QR code"}
	case p.Status == Processing:
		return "", noCode("Mercado Pago has not answered yet, so there is no QR code; ask again when the payment is pending")
	case p.Status != Pending:
		return "", noCode("the payment is " + string(p.Status) + ": its QR code cannot be paid")
	case !end.IsZero() && !now.Before(end):
		return "", noCode("the time to pay has ended at " + end.UTC().Format(time.RFC3339) + ": the QR code cannot be paid any more")
	case p.Instructions.QRCode == "":
		return "", noCode("Mercado Pago has given no QR code for this payment")
	}
	return p.Instructions.QRCode, nil
}

func noCode(why string) error { return &failure.Error{Kind: failure.Conflict, Message: why} }
