package payment

import "time"

// pixRoom is how much later than a Pix's own end the provider's is: half an hour, which Mercado Pago wants between the arrival of
// a request and the end that it asks for, and a minute more. So a charge may wait for the provider until the Pix's own end.
const pixRoom = PixExpiryMin + time.Minute

// clockRoom is how far our clock may be ahead of the provider's when a Pix is to live for the longest that it allows.
const clockRoom = time.Minute

// End is when a Pix that was asked for at a time can no longer be paid, as its client app sees it.
func (m Method) End(askedAt time.Time) time.Time {
	return askedAt.Add(time.Duration(m.ExpiresIn) * time.Second)
}

// KeepsEnd says whether we keep the payment's end ourselves, by closing it at the provider, whose own end is later. A payment from
// before has the provider's end as its own.
func (p Payment) KeepsEnd() bool {
	return p.Method.Type == Pix && p.Instructions.ExpiresAt.Equal(p.Method.End(p.CreatedAt))
}

// Ended says whether the payment's own end has come, so that nothing is to be charged any more.
func (p Payment) Ended(now time.Time) bool {
	return p.KeepsEnd() && !now.Before(p.Instructions.ExpiresAt)
}

// ProviderEnd is the end that the provider is asked for. It depends only on the request, so that a repeated request is the
// same.
func (p Payment) ProviderEnd() time.Time {
	if !p.KeepsEnd() {
		return p.CreatedAt.Add(max(time.Duration(p.Method.ExpiresIn)*time.Second, pixRoom))
	}
	end, latest := p.Instructions.ExpiresAt.Add(pixRoom), p.CreatedAt.Add(PixExpiryMax-clockRoom)
	if end.After(latest) {
		return latest
	}
	return end
}

// Understood is the provider's answer as this payment stores it. A payment that the seller has cancelled at its own end or later has
// expired, because we close it at the provider to keep its end.
func (p Payment) Understood(s ProviderState) ProviderState {
	if s.Status == Cancelled && s.BySeller && !p.Instructions.ExpiresAt.IsZero() && !s.UpdatedAt.Before(p.Instructions.ExpiresAt) {
		s.Status = Expired
	}
	return s
}
