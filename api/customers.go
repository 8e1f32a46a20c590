package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// createCustomer makes a customer at the provider, or finds it there, and keeps that the client app has it. The e-mail address is the key:
// repeated, the request does the same again. No money moves, so that it needs no workflow.
func (s *Server) createCustomer(c *gin.Context) error {
	var body CustomerRequest
	wrong, err := s.readJSON(c, "CustomerRequest", &body)
	if err != nil {
		return err
	}
	request := payment.CustomerRequest{Email: body.Email, Name: body.Name, TaxID: body.TaxID}.Normalized()
	if wrong = addFields(wrong, request.Fields()); len(wrong) > 0 {
		return invalid(wrong)
	}
	id, err := s.config.Provider.Customer(asking(c), request)
	if failure.KindOf(err) == failure.Invalid {
		return invalid(failure.Fields{{Pointer: "/email", Detail: "the provider does not accept this customer; look at the e-mail address, the name and the tax id"}})
	}
	if err != nil {
		return providerError(err)
	}
	kept, written, err := s.config.Database.KeepCustomer(c.Request.Context(), payment.NewCustomer(event(c).clientID, id, time.Now()))
	if err != nil {
		return err
	}
	c.PureJSON(statusOf(written), customerView(kept))
	return nil
}

// statusOf is the status of an answer about something that was perhaps there before.
func statusOf(written bool) int {
	if written {
		return http.StatusCreated
	}
	return http.StatusOK
}

func (s *Server) getCustomer(c *gin.Context) error {
	customer, err := s.ownCustomer(c)
	if err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, customerView(customer))
	return nil
}

// ownCustomer is the customer in the path, if it is the client app's.
func (s *Server) ownCustomer(c *gin.Context) (payment.Customer, error) {
	if !payment.ValidID(c.Param("id")) {
		return payment.Customer{}, errNoCustomer
	}
	return s.config.Database.Customer(c.Request.Context(), event(c).clientID, c.Param("id"))
}

var (
	errNoCustomer = &failure.Error{Kind: failure.NotFound, Message: "there is no customer with this id"}
	errNoCard     = &failure.Error{Kind: failure.NotFound, Message: "the customer has no card with this id"}
)

// deleteCustomer hides the customer, removes from the vault what nobody else uses, and forgets the customer then: repeated after any failure it
// goes on.
func (s *Server) deleteCustomer(c *gin.Context) error {
	ctx, id := c.Request.Context(), c.Param("id")
	if !payment.ValidID(id) {
		return errNoCustomer
	}
	removal, err := s.config.Database.HideCustomer(ctx, event(c).clientID, id, time.Now())
	if err != nil {
		return err
	}
	if err := s.config.Provider.RemoveFromVault(asking(c), removal); err != nil {
		return providerError(err)
	}
	if err := s.config.Database.ForgetCustomer(ctx, id); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// saveCard saves the card of a token, which is passed on and nowhere kept.
func (s *Server) saveCard(c *gin.Context) error {
	var body SavedCardRequest
	wrong, err := s.readJSON(c, "SavedCardRequest", &body)
	if err != nil {
		return err
	}
	if wrong = addFields(wrong, payment.TokenFields("/token", body.Token)); len(wrong) > 0 {
		return invalid(wrong)
	}
	customer, err := s.ownCustomer(c)
	if err != nil {
		return err
	}
	saved, err := s.config.Provider.SaveCard(asking(c), customer.ProviderID, body.Token)
	switch failure.KindOf(err) {
	case failure.Invalid:
		return invalid(failure.Fields{{Pointer: "/token", Detail: failure.CodeCardToken.Message()}})
	case failure.NotFound:
		return &failure.Error{Kind: failure.NotFound, Message: "the provider does not know the customer any more; create the customer again", Err: err}
	}
	if err != nil {
		return providerError(err)
	}
	kept, written, err := s.config.Database.KeepSavedCard(c.Request.Context(), payment.NewSavedCard(customer.ID, saved, time.Now()))
	if err != nil {
		return err
	}
	c.PureJSON(statusOf(written), savedCardView(kept))
	return nil
}

// listCards shows all cards of a customer. They are few: each was typed by the buyer.
func (s *Server) listCards(c *gin.Context) error {
	customer, err := s.ownCustomer(c)
	if err != nil {
		return err
	}
	cards, err := s.config.Database.SavedCards(c.Request.Context(), customer.ID)
	if err != nil {
		return err
	}
	view := SavedCardList{Data: make([]SavedCard, 0, len(cards))}
	for _, card := range cards {
		view.Data = append(view.Data, savedCardView(card))
	}
	c.PureJSON(http.StatusOK, view)
	return nil
}

func (s *Server) getCard(c *gin.Context) error {
	customer, err := s.ownCustomer(c)
	if err != nil {
		return err
	}
	if !payment.ValidID(c.Param("card_id")) {
		return errNoCard
	}
	card, err := s.config.Database.SavedCard(c.Request.Context(), customer.ID, c.Param("card_id"))
	if err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, savedCardView(card))
	return nil
}

// deleteCard does for a card what deleteCustomer does for a customer.
func (s *Server) deleteCard(c *gin.Context) error {
	customer, err := s.ownCustomer(c)
	if err != nil {
		return err
	}
	ctx, id := c.Request.Context(), c.Param("card_id")
	if !payment.ValidID(id) {
		return errNoCard
	}
	removal, err := s.config.Database.HideSavedCard(ctx, customer, id, time.Now())
	if err != nil {
		return err
	}
	if err := s.config.Provider.RemoveFromVault(asking(c), removal); err != nil {
		return providerError(err)
	}
	if err := s.config.Database.ForgetSavedCard(ctx, id); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// nameCustomer adds to the creation of a payment by a saved card the provider's id of its customer.
func (s *Server) nameCustomer(c *gin.Context, creation *payment.Creation) error {
	card := creation.Request.Method.Card
	if card == nil || card.CustomerID == "" {
		return nil
	}
	customer, err := s.config.Database.Customer(c.Request.Context(), event(c).clientID, card.CustomerID)
	if failure.KindOf(err) == failure.NotFound {
		return invalid(failure.Fields{{Pointer: "/method/customer_id", Detail: "there is no customer with this id"}})
	}
	card.ProviderCustomerID = customer.ProviderID
	return err
}

func customerView(c payment.Customer) Customer {
	return Customer{ID: c.ID, ProviderCustomerID: c.ProviderID, CreatedAt: c.CreatedAt}
}

func savedCardView(c payment.SavedCard) SavedCard {
	return SavedCard{
		ID: c.ID, CustomerID: c.CustomerID, PaymentMethodID: c.Brand, FirstSix: c.FirstSix, LastFour: c.LastFour,
		ExpirationMonth: c.ExpiresMonth, ExpirationYear: c.ExpiresYear, ProviderCardID: c.ProviderCard.ID, CreatedAt: c.CreatedAt,
	}
}
