package simulator

import (
	"net/http"
	"time"
)

// createPayment charges. The key is claimed before a slow fault's delay, so a repeated request gets the answer that the first one is
// still running.
func (s *Simulator) createPayment(c *call) answer {
	key := c.request.Header.Get("X-Idempotency-Key")
	if key == "" {
		return c.refuse(http.StatusBadRequest, causeNoKey)
	}
	p, causes := newPayment(c.body, time.Now())
	if len(causes) > 0 {
		return c.refuse(http.StatusBadRequest, causes...)
	}
	p.key = key

	if c.fault.Kind == KindForgottenKey {
		s.book.forget(key, c.fault.Delay)
	}
	state, earlier, _ := s.book.claim(key, c.body)
	switch state {
	case keyRunning:
		return c.refuse(http.StatusConflict, causeKeyRunning)
	case keyTaken:
		return c.refuse(http.StatusConflict, causeKeyTaken)
	case keyRepeated:
		return jsonAnswer(http.StatusCreated, s.answerFor(c, earlier))
	}

	s.hold(c)
	p.created = time.Now().Truncate(time.Millisecond)
	if charge := methods[p.method].charge; charge != nil {
		if causes := charge(s, c, &p); len(causes) > 0 {
			s.book.release(key)
			return c.refuse(http.StatusBadRequest, causes...)
		}
	}
	p = s.book.create(p)
	id := p.id // the task may wait a day and should not keep the payment in memory
	if !p.expires.IsZero() {
		s.expiries.at(p.expires, func() { s.expireDue(id) })
	}
	s.notifyCreated(c, p)
	return jsonAnswer(http.StatusCreated, s.answerFor(c, p))
}

// expireDue expires a Pix that was not paid in time; a payment with another status is not changed.
func (s *Simulator) expireDue(id string) {
	if p, err := s.book.cancel(id, "expired", time.Now()); err == nil {
		s.notifyUpdated(p)
	}
}
