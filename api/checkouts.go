package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// createCheckout creates the checkout that belongs to the key, or joins it, as createPayment does.
func (s *Server) createCheckout(c *gin.Context) error {
	ctx := c.Request.Context()
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return err
	}
	request, err := s.readCheckout(c)
	if err != nil {
		return err
	}
	in := workflows.CreateCheckoutInput{
		CheckoutCreation: payment.CheckoutCreation{ClientID: event(c).clientID, IdempotencyKey: key, Request: request},
	}
	in.CheckoutID = payment.NewCheckoutID(in.ClientID, key)
	found, readErr := s.storedCheckout(ctx, in.CheckoutID)
	existed := readErr == nil
	if existed && found.Fingerprint != request.Fingerprint() {
		return errCheckoutKeyReused
	}
	if existed && found.Status.Answered() {
		s.answerCheckout(c, found, existed, "")
		return nil
	}
	// The checkout is new, or not answered for yet, or the database is unavailable: the workflow decides.
	prefer := readPreference(c.Request.Header)
	in.Wait = prefer.wait
	found, unread, err := s.beginCheckout(ctx, in)
	if failure.KindOf(err) == failure.Conflict {
		return errCheckoutKeyReused
	}
	if err != nil {
		return createError(err)
	}
	if unread != nil { // it exists for certain, and may not be written yet
		s.config.Log.WarnContext(ctx, "created checkout not read", "checkout_id", in.CheckoutID, "error", unread)
		now := time.Now().UTC().Truncate(time.Microsecond)
		found = payment.Checkout{
			ID: in.CheckoutID, ClientID: in.ClientID, CheckoutRequest: request, Status: payment.CheckoutProcessing, CreatedAt: now, UpdatedAt: now,
		}
	}
	s.answerCheckout(c, found, existed, prefer.applied)
	return nil
}

// beginCheckout has the checkout made, and reads it. A run that has ended goes on answering: where its checkout is not to be found, a restore
// has lost the row, and it is written anew.
func (s *Server) beginCheckout(ctx context.Context, in workflows.CreateCheckoutInput) (found payment.Checkout, unread, err error) {
	for {
		answered, err := s.config.Workflows.CreateCheckout(ctx, in)
		if err != nil {
			return found, nil, err
		}
		found, unread = s.storedCheckout(ctx, in.CheckoutID)
		if in.Lost || !answered || failure.KindOf(unread) != failure.NotFound {
			return found, unread, nil
		}
		in.Lost = true
	}
}

var errCheckoutKeyReused = refuse(keyReused, "this Idempotency-Key was used for a checkout with another body; send that body again, or use a new key for a new checkout")

func (s *Server) storedCheckout(ctx context.Context, id string) (payment.Checkout, error) {
	ctx, cancel := context.WithTimeout(ctx, lookup.Timeout)
	defer cancel()
	return s.config.Database.Checkout(ctx, id)
}

// readCheckout reports everything that is wrong with the body at once, as readCreation does.
func (s *Server) readCheckout(c *gin.Context) (payment.CheckoutRequest, error) {
	var body CheckoutRequest
	wrong, err := s.readJSON(c, "CheckoutRequest", &body)
	if err != nil {
		return payment.CheckoutRequest{}, err
	}
	request := body.request().Normalized()
	if e, ok := errors.AsType[*failure.Error](request.Validate()); ok {
		wrong = addFields(wrong, e.Fields)
	}
	if len(wrong) > 0 {
		return payment.CheckoutRequest{}, invalid(wrong)
	}
	return request, nil
}

func (b CheckoutRequest) request() payment.CheckoutRequest {
	r := payment.CheckoutRequest{
		Amount:      payment.Money{Centavos: b.Amount, Currency: string(b.Currency)},
		Description: b.Description, Reference: b.Reference, Email: b.Payer.Email, Metadata: b.Metadata,
		ExpiresIn: b.ExpiresIn, Installments: b.Installments, BackURLs: payment.BackURLs(b.BackUrls), RefundDuplicates: b.RefundDuplicates,
	}
	for _, item := range b.Items {
		r.Items = append(r.Items, payment.CheckoutItem{Title: item.Title, Quantity: item.Quantity, UnitPrice: item.UnitPrice})
	}
	for _, t := range b.Exclude {
		r.Exclude = append(r.Exclude, payment.OfferType(t))
	}
	return r
}

func (s *Server) answerCheckout(c *gin.Context, found payment.Checkout, existed bool, applied string) {
	view := s.checkoutView(found)
	c.Header("Location", view.Links.Self)
	if existed {
		c.Header("Idempotency-Replayed", "true")
	}
	if applied != "" {
		c.Header("Preference-Applied", applied)
	}
	status := http.StatusCreated
	if !found.Status.Answered() {
		status = http.StatusAccepted
	}
	c.PureJSON(status, view)
}

// getCheckout shows one checkout.
func (s *Server) getCheckout(c *gin.Context) error {
	found, err := s.ownCheckout(c)
	if err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, s.checkoutView(found))
	return nil
}

var errNoCheckout = &failure.Error{Kind: failure.NotFound, Message: "there is no checkout with this id"}

// ownCheckout is the checkout in the path, if it belongs to the client app. One that was accepted while the database was unavailable is not
// "not found": a client app that reads that would sell again.
func (s *Server) ownCheckout(c *gin.Context) (payment.Checkout, error) {
	ctx, id := c.Request.Context(), c.Param("id")
	if !payment.ValidID(id) {
		return payment.Checkout{}, errNoCheckout
	}
	found, err := s.storedCheckout(ctx, id)
	switch {
	case failure.KindOf(err) == failure.NotFound:
		begun, err := s.config.Workflows.CheckoutBegun(ctx, id)
		if err == nil && !begun {
			return found, errNoCheckout
		}
		return found, &failure.Error{
			Kind: failure.Unavailable, RetryAfter: time.Second, Err: err,
			Message: "the checkout may be accepted and not stored yet; retry this request, or repeat its POST with the same Idempotency-Key",
		}
	case err == nil && found.ClientID != event(c).clientID:
		return payment.Checkout{}, errNoCheckout
	}
	return found, err
}

// cancelCheckout closes a checkout's page.
func (s *Server) cancelCheckout(c *gin.Context) error {
	found, err := s.ownCheckout(c)
	if err != nil {
		return err
	}
	if !found.Status.Waits() && found.Status != payment.CheckoutCancelled {
		return &failure.Error{Kind: failure.Conflict, Message: "the checkout is " + string(found.Status) + "; only one that waits for its buyer can be cancelled"}
	}
	ctx := c.Request.Context()
	if _, err := s.config.Workflows.CancelCheckout(ctx, found.ClientID, found.ID); err != nil {
		return err
	}
	if found, err = s.storedCheckout(ctx, found.ID); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, s.checkoutView(found))
	return nil
}

// listCheckouts shows one page of the checkouts of the client app, newest first.
func (s *Server) listCheckouts(c *gin.Context) error {
	q := query{values: c.Request.URL.Query()}
	filter := payment.CheckoutFilter{ClientID: event(c).clientID, Status: q.checkoutStatus(), Reference: q.reference(), Limit: q.limit()}
	if len(q.wrong) > 0 {
		return refuse(queryInvalid, "", q.wrong...)
	}
	list := q.name("checkouts", filter.ClientID, "status", "reference")
	if err := s.cursors.resume(list, q.values.Get("cursor"), after(&filter.After)); err != nil {
		return err
	}
	limit := filter.Limit
	filter.Limit++ // one more shows whether there is a next page
	found, err := s.config.Database.Checkouts(c.Request.Context(), filter)
	if err != nil {
		return err
	}
	shown, next := page(s.cursors, list, found, limit, func(c payment.Checkout) string {
		return formatPosition(payment.Position{CreatedAt: c.CreatedAt, ID: c.ID})
	})
	view := CheckoutList{Data: make([]Checkout, 0, len(shown)), NextCursor: next}
	for _, c := range shown {
		view.Data = append(view.Data, s.checkoutView(c))
	}
	c.PureJSON(http.StatusOK, view)
	return nil
}

func (q *query) checkoutStatus() payment.CheckoutStatus {
	s := payment.CheckoutStatus(q.values.Get("status"))
	if q.values.Has("status") && !s.Known() {
		q.refuse("status", "must be one of the statuses of a checkout, such as open")
	}
	return s
}

func (s *Server) checkoutView(c payment.Checkout) Checkout {
	self := s.config.PublicURL + "/v1/checkouts/" + c.ID
	v := Checkout{
		ID: c.ID, Status: CheckoutStatus(c.Status), Amount: c.Amount.Centavos, Currency: Currency(c.Amount.Currency),
		Description: c.Description, Reference: c.Reference, Payer: CheckoutPayer{Email: c.Email}, Metadata: c.Metadata,
		Installments: c.Installments, BackUrls: BackURLs(c.BackURLs), RefundDuplicates: c.RefundDuplicates,
		PaidBy: c.PaidBy, PreferenceID: c.PreferenceID, ExpiresAt: c.End(), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
		Links: CheckoutLinks{
			Self: self, Attempts: s.config.PublicURL + "/v1/payments?checkout=" + c.ID, Temporal: s.temporalLink(workflows.CheckoutWorkflowID(c.ID)),
		},
	}
	for _, item := range c.Items {
		v.Items = append(v.Items, CheckoutItem{Title: item.Title, Quantity: item.Quantity, UnitPrice: item.UnitPrice})
	}
	for _, t := range c.Exclude {
		v.Exclude = append(v.Exclude, CheckoutExclude(t))
	}
	if c.Status == payment.CheckoutOpen {
		v.Links.Pay = c.PayURL
	}
	if c.Status == payment.CheckoutFailed {
		v.Failure = Failure{Code: string(c.FailureCode), Message: c.Failure}
	}
	return v
}

// showCheckoutPro shows what the buyer has chosen on the page of a checkout.
func showCheckoutPro(p payment.Payment, v *Method) {
	v.PaymentMethodID, v.LastFour, v.EndToEndID = p.Instructions.Chosen, p.Instructions.LastFour, p.Instructions.EndToEndID
}

func eventCheckout(e *payment.EventCheckout) EventCheckout {
	if e == nil {
		return EventCheckout{}
	}
	return EventCheckout{ID: e.ID, PaidBy: e.PaidBy, Refunded: e.Refunded}
}
