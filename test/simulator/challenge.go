package simulator

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"time"
)

// ChallengeCard is Mercado Pago's test card whose bank asks for a challenge, when the payment allows it (guide "how to integrate 3DS").
const ChallengeCard = "5483928164574623"

// challengeRequest is the text that the buyer's browser posts to the bank's page: the two ids of the standard (EMV 3DS 2), in base64.
func challengeRequest(p payment) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"threeDSServerTransID":"%s-s","acsTransID":"%s-a","messageType":"CReq"}`, p.id, p.id))
}

// showChallenge adds the page, in the spelling of Mercado Pago's guide.
func (s *Simulator) showChallenge(c *call, p payment, a *paymentAnswer) {
	if p.detail == "pending_challenge" {
		a.ThreeDSInfo = map[string]string{"external_resource_url": s.publicURL(c.request) + "/3ds/" + p.id, "creq": challengeRequest(p)}
	}
}

// endChallenge ends the challenge of a payment. Passed, the bank decides as about every card; failed, it rejects.
func (b *book) endChallenge(id string, passed bool, now time.Time) (payment, error) {
	return b.move(id, now, func(p *payment) error {
		if p.detail != "pending_challenge" {
			return errState{p.status, p.detail}
		}
		if passed {
			p.decideCard(now)
		} else {
			p.status, p.detail = "rejected", "cc_rejected_3ds_challenge"
		}
		return nil
	})
}

// PassChallenge lets the buyer pass the challenge of a card, FailChallenge lets the buyer fail it. They fail when the payment waits for none.
func (s *Simulator) PassChallenge(paymentID string) error { return s.endChallenge(paymentID, true) }

// FailChallenge is the other end, see PassChallenge.
func (s *Simulator) FailChallenge(paymentID string) error { return s.endChallenge(paymentID, false) }

func (s *Simulator) endChallenge(paymentID string, passed bool) error {
	p, err := s.book.endChallenge(paymentID, passed, time.Now())
	if err != nil {
		return fmt.Errorf("end the challenge of %s: %w", paymentID, err)
	}
	s.notifyUpdated(p)
	return nil
}

// Age makes a payment look older, for what happens later in its life. It was changed now.
func (s *Simulator) Age(paymentID string, by time.Duration) error {
	_, err := s.book.move(paymentID, time.Now(), func(p *payment) error {
		p.created = p.created.Add(-by)
		return nil
	})
	return err
}

// challengePage is the bank's page in a frame of the shop's. It is shown only to a browser that posts the text of the payment.
func (s *Simulator) challengePage(w http.ResponseWriter, r *http.Request) {
	p, ok := s.book.get(r.PathValue("id"))
	switch {
	case !ok || p.card == nil:
		showPage(w, http.StatusNotFound, "missing.html", r.PathValue("id"))
	case r.PostFormValue("creq") != challengeRequest(p):
		http.Error(w, "creq is not that of this payment", http.StatusBadRequest)
	default:
		s.showChallengePage(w, p)
	}
}

// challengeForm handles a button of the page, which then tells the shop's page that it has ended, and not how.
func (s *Simulator) challengeForm(end func(string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = end(r.PathValue("id")) // one that has ended is shown as it is
		if p, ok := s.book.get(r.PathValue("id")); ok {
			s.showChallengePage(w, p)
			return
		}
		showPage(w, http.StatusNotFound, "missing.html", r.PathValue("id"))
	}
}

func (s *Simulator) showChallengePage(w http.ResponseWriter, p payment) {
	view := viewOf(p)
	if p.detail != "pending_challenge" {
		view.State = "over"
	}
	showPage(w, http.StatusOK, "challenge.html", view)
}
