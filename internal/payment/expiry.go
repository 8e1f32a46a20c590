package payment

import (
	"slices"
	"time"
)

// End is when a payment that was asked for at a time can no longer be paid, as its client app sees it. Zero: its method has no such end.
func (m Method) End(askedAt time.Time) time.Time {
	if r, _ := m.Type.rules(); r.end != nil {
		return r.end(m, askedAt)
	}
	return time.Time{}
}

// KeptEnds lists the methods whose end is ours to keep.
func KeptEnds() []MethodType {
	return slices.DeleteFunc(MethodTypes(), func(t MethodType) bool {
		r, _ := t.rules()
		return r.end == nil
	})
}

// KeepsEnd says whether we keep the payment's end ourselves, by closing it at the provider, whose own end is later. A payment from
// before has the provider's end as its own.
func (p Payment) KeepsEnd() bool {
	end := p.Method.End(p.CreatedAt)
	return !end.IsZero() && p.Instructions.ExpiresAt.Equal(end)
}

// Ended says whether the payment's own end has come, so that nothing is to be charged any more.
func (p Payment) Ended(now time.Time) bool {
	return p.KeepsEnd() && !now.Before(p.Instructions.ExpiresAt)
}

// Understood is the provider's answer as this payment stores it. A payment that the seller has cancelled at its own end or later has
// expired, because we close it at the provider to keep its end.
func (p Payment) Understood(s ProviderState) ProviderState {
	if s.Status == Cancelled && s.BySeller && !p.Instructions.ExpiresAt.IsZero() && !s.UpdatedAt.Before(p.Instructions.ExpiresAt) {
		s.Status = Expired
	}
	return s
}
