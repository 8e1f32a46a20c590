package simulator

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// maxAnnounced is the most copies of one announcement.
const maxAnnounced = 50_000

// Announcement asks for a signed notification about any resource, even one that this account does not have: another account's payment,
// or the id 123456 of the panel's test button.
type Announcement struct {
	PaymentID string `json:"payment_id"` // data.id
	URL       string `json:"url"`        // of the receiver; empty: the URL of the panel's setting
	Type      string `json:"type"`       // the topic; empty: payment
	Action    string `json:"action"`     // empty: payment.updated
	Count     int    `json:"count"`      // copies, each with a new signature; 0: one
}

// Announce sends a notification that need not be about a payment of this account.
func (s *Simulator) Announce(a Announcement) error {
	url := cmp.Or(a.URL, s.config.DefaultNotificationURL)
	switch {
	case a.PaymentID == "":
		return errors.New("payment_id is missing")
	case url == "":
		return errors.New("url is missing, and the panel has none")
	case a.Count < 0 || a.Count > maxAnnounced:
		return errors.New("count must be between 0 and 50000")
	}
	for range max(1, a.Count) {
		s.sender.queue(&notification{
			id: nextNotification(), topic: cmp.Or(a.Type, topicPayment), action: cmp.Or(a.Action, actionUpdated),
			paymentID: a.PaymentID, url: url, created: time.Now(),
		}, time.Now())
	}
	return nil
}

func (s *Simulator) adminAnnounce(w http.ResponseWriter, r *http.Request) {
	var a Announcement
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&a)
	if err == nil {
		err = s.Announce(a)
	}
	if err != nil {
		adminError(w, http.StatusBadRequest, err)
		return
	}
	adminAnswer(w, map[string]int{"sending": max(1, a.Count)})
}
