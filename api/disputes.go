package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/payment"
)

// listPaymentDisputes shows all disputes of a payment, oldest first. They are few.
func (s *Server) listPaymentDisputes(c *gin.Context) error {
	p, _, err := s.ownPayment(c)
	if err != nil {
		return err
	}
	disputes, err := s.config.Database.Disputes(c.Request.Context(), p.ID)
	if err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, disputeList(disputes, ""))
	return nil
}

// listDisputes shows one page of the disputes of the client app, newest first.
func (s *Server) listDisputes(c *gin.Context) error {
	q := query{values: c.Request.URL.Query()}
	filter := payment.DisputeFilter{ClientID: event(c).clientID, Status: q.disputeStatus(), Limit: q.limit()}
	if len(q.wrong) > 0 {
		return refuse(queryInvalid, "", q.wrong...)
	}
	list := q.name("disputes", filter.ClientID, "status")
	if err := s.cursors.resume(list, q.values.Get("cursor"), after(&filter.After)); err != nil {
		return err
	}
	limit := filter.Limit
	filter.Limit++ // one more shows whether there is a next page
	found, err := s.config.Database.AllDisputes(c.Request.Context(), filter)
	if err != nil {
		return err
	}
	shown, next := page(s.cursors, list, found, limit, func(d payment.Dispute) string {
		return formatPosition(payment.Position{CreatedAt: d.OpenedAt, ID: d.ID})
	})
	c.PureJSON(http.StatusOK, disputeList(shown, next))
	return nil
}

func (q *query) disputeStatus() payment.DisputeStatus {
	s := payment.DisputeStatus(q.values.Get("status"))
	if q.values.Has("status") && !s.Known() {
		q.refuse("status", "must be one of the statuses of a dispute, such as open")
	}
	return s
}

func disputeList(disputes []payment.Dispute, next string) DisputeList {
	view := DisputeList{Data: make([]Dispute, 0, len(disputes)), NextCursor: next}
	for _, d := range disputes {
		view.Data = append(view.Data, disputeView(d))
	}
	return view
}

func disputeView(d payment.Dispute) Dispute {
	return Dispute{
		ID: d.ID, PaymentID: d.PaymentID, Kind: DisputeKind(d.Kind), Status: DisputeStatus(d.Status), Amount: d.Amount, Currency: Currency(d.Currency),
		Deadline: d.Deadline, ProviderDisputeID: d.ProviderID, OpenedAt: d.OpenedAt, UpdatedAt: d.UpdatedAt,
	}
}

func eventDispute(d *payment.EventDispute) EventDispute {
	if d == nil {
		return EventDispute{}
	}
	return EventDispute{ID: d.ID, Kind: DisputeKind(d.Kind), Status: DisputeStatus(d.Status), Amount: d.Amount, Deadline: d.Deadline}
}
