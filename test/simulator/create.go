package simulator

import (
	"net/http"
	"time"
)

// createPayment charges. The key is claimed before a slow fault is waited out, so a repeat meanwhile is told that the
// first one is still running.
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
	verdict, earlier := s.book.claim(key, c.body)
	switch verdict {
	case keyRunning:
		return c.refuse(http.StatusConflict, causeKeyRunning)
	case keyTaken:
		return c.refuse(http.StatusConflict, causeKeyTaken)
	case keyRepeated:
		return jsonAnswer(http.StatusCreated, s.answerFor(c, earlier))
	}

	s.hold(c)
	p.created = time.Now().Truncate(time.Millisecond)
	p = s.book.create(p)
	id := p.id // the task waits a day: it must not keep the whole payment
	s.expiries.at(p.expires, func() { s.expireDue(id) })
	s.tellCreated(c, p)
	return jsonAnswer(http.StatusCreated, s.answerFor(c, p))
}

// expireDue ends a Pix nobody has paid in time; one that has moved on is left alone.
func (s *Simulator) expireDue(id string) {
	if p, err := s.book.cancel(id, "expired", time.Now()); err == nil {
		s.tell(p)
	}
}
