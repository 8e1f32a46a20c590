package simulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// payment is one payment in the book. Its response is made from it each time, so that a long load run stores no bodies.
type payment struct {
	id         string
	key        string // X-Idempotency-Key it was created under
	method     string // payment_method_id
	reference  string // external_reference
	amount     int64  // centavos
	status     string
	detail     string
	created    time.Time
	updated    time.Time // in milliseconds, grows with each move
	approved   time.Time // zero until then
	expires    time.Time
	notifyURL  string
	descriptor string // statement_descriptor
	text       string // description
	payer      payer
	metadata   json.RawMessage
	refunds    []refund
	card       *usedCard // nil: the payment is not by card
	rules      boletoRules
	paid       int64 // centavos that the buyer has paid; 0: the amount
	overpaid   int64 // centavos that came beyond that

	preference, order string // of a payment on the page of a preference
}

type payer struct {
	Type           string         `json:"type,omitempty"` // customer: ID is that of one in the vault
	ID             string         `json:"id,omitempty"`
	Email          string         `json:"email"`
	FirstName      string         `json:"first_name"`
	LastName       string         `json:"last_name"`
	Identification identification `json:"identification"`
	Address        address        `json:"address"`
}

type address struct {
	ZipCode      string `json:"zip_code"`
	StreetName   string `json:"street_name"`
	StreetNumber string `json:"street_number"`
	Neighborhood string `json:"neighborhood"`
	City         string `json:"city"`
	FederalUnit  string `json:"federal_unit"`
}

type identification struct {
	Type   string `json:"type"`
	Number string `json:"number"`
}

func (s *Simulator) getPayment(c *call) answer {
	s.hold(c)
	p, ok := s.book.get(c.request.PathValue("id"))
	if !ok || c.fault.Kind == KindNotFound && c.fault.hides(p) {
		return c.refuse(http.StatusNotFound, causeNotFound)
	}
	return jsonAnswer(http.StatusOK, s.answerFor(c, p))
}

// hides says whether a lagging read does not see this payment yet.
func (f Fault) hides(p payment) bool { return f.Delay == 0 || time.Since(p.created) < f.Delay }

func (s *Simulator) updatePayment(c *call) answer {
	s.hold(c)
	var in struct {
		Status  string          `json:"status"`
		Capture *bool           `json:"capture"`
		Amount  json.RawMessage `json:"transaction_amount"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return c.refuse(http.StatusBadRequest, causeParams)
	}
	id := c.request.PathValue("id")
	if _, ok := s.book.get(id); !ok {
		return c.refuse(http.StatusNotFound, causeNotFound)
	}
	if in.Capture != nil {
		return s.capturePayment(c, id, in.Amount)
	}
	if in.Status != "cancelled" {
		return c.refuse(http.StatusBadRequest, causeParams)
	}
	if c.fault.Kind == KindPaidMeanwhile {
		_ = s.Pay(id) // if it cannot be paid any more, the cancellation is handled as usual
	}
	p, err := s.book.cancel(id, "by_collector", time.Now())
	if err != nil {
		return c.refuse(http.StatusBadRequest, causeState)
	}
	s.notifyUpdated(p)
	return jsonAnswer(http.StatusOK, s.answerFor(c, p))
}

// capturePayment ignores its key, as a cancellation does: a second one gets the error that the state forbids it.
func (s *Simulator) capturePayment(c *call, id string, sum json.RawMessage) answer {
	var amount int64
	if len(sum) > 0 {
		var wrong []cause
		if amount, wrong = centavos(sum); wrong != nil {
			return c.refuse(http.StatusBadRequest, wrong...)
		}
	}
	p, err := s.book.capture(id, amount, time.Now())
	switch {
	case errors.Is(err, errCaptureAmount):
		return c.refuse(http.StatusBadRequest, causeAmount)
	case err != nil:
		return c.refuse(http.StatusBadRequest, causeState)
	}
	s.notifyUpdated(p)
	return jsonAnswer(http.StatusOK, s.answerFor(c, p))
}
