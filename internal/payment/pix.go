package payment

import (
	"fmt"
	"time"
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
		method: Pix, english: "Pix", portuguese: "Pix",
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
