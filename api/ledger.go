package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/payment"
)

// listLedger shows all ledger entries of a payment, oldest first. They are few: a payment is charged once, and each refund has two.
func (s *Server) listLedger(c *gin.Context) error {
	p, _, err := s.ownPayment(c)
	if err != nil {
		return err
	}
	entries, err := s.config.Database.Ledger(c.Request.Context(), p.ID)
	if err != nil {
		return err
	}
	view := LedgerEntryList{Data: make([]LedgerEntry, 0, len(entries))}
	for _, e := range entries {
		view.Data = append(view.Data, ledgerView(e))
	}
	c.PureJSON(http.StatusOK, view)
	return nil
}

// getBalance shows what the client app has at Mercado Pago.
func (s *Server) getBalance(c *gin.Context) error {
	b, err := s.config.Database.Balance(c.Request.Context(), event(c).clientID)
	if err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, Balance{Pending: b.Pending, Available: b.Available, Currency: Currency(b.Currency)})
	return nil
}

func ledgerView(e payment.LedgerEntry) LedgerEntry {
	return LedgerEntry{
		Posting: e.Posting, Cause: LedgerCause(e.Cause), Account: LedgerAccount(e.Account), Amount: e.Amount, Balance: e.Balance,
		Currency: Currency(e.Currency), RefundID: e.RefundID, At: e.At,
	}
}
