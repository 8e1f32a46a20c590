package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// listPaymentMethods lists what a payment can be asked for with.
func (s *Server) listPaymentMethods(c *gin.Context) error {
	offers, age, err := cache.Answer(asking(c), s.config.Answers, "payment-methods", s.config.Provider.Offers)
	if err != nil {
		return providerError(err)
	}
	view := PaymentMethodList{Data: make([]PaymentMethod, 0, len(offers))}
	for _, o := range offers {
		view.Data = append(view.Data, PaymentMethod{
			ID: o.ID, Method: MethodType(o.Method), Type: string(o.Type), Name: o.Name, AmountMin: o.AmountMin, AmountMax: o.AmountMax, Capture: o.Capture,
		})
	}
	sayAge(c, age)
	c.PureJSON(http.StatusOK, view)
	return nil
}

// listInstallments shows what an amount costs with a card, in each number of installments.
func (s *Server) listInstallments(c *gin.Context) error {
	values := c.Request.URL.Query()
	q := payment.InstallmentQuestion{BIN: values.Get("bin"), Brand: values.Get("payment_method_id")}
	var wrong failure.Fields
	if amount, err := strconv.ParseInt(values.Get("amount"), 10, 64); err != nil {
		q.Amount = 1 // so that the rest is checked
		wrong.Add("#query/amount", "must be a whole number of centavos, such as 1050")
	} else {
		q.Amount = amount
	}
	if wrong = append(wrong, q.Validate()...); len(wrong) > 0 {
		return refuse(queryInvalid, "", wrong...)
	}
	offers, age, err := cache.Answer(asking(c), s.config.Answers, InstallmentsKey(q), func(ctx context.Context) ([]payment.InstallmentOffer, error) {
		return s.config.Provider.Installments(ctx, q)
	})
	if kind := failure.KindOf(err); err != nil && (kind == failure.Invalid || kind == failure.NotFound) {
		return refuse(queryInvalid, "the provider knows no installments for this card and amount")
	}
	if err != nil {
		return providerError(err)
	}
	view := InstallmentList{Amount: q.Amount, Currency: payment.BRL, Data: make([]InstallmentOffer, 0, len(offers))}
	for _, o := range offers {
		shown := InstallmentOffer{PaymentMethodID: o.Brand, Type: string(o.Type), Issuer: Issuer{ID: o.IssuerID, Name: o.IssuerName}}
		for _, p := range o.Plans {
			shown.Plans = append(shown.Plans, planView(p, q.Amount))
		}
		view.Data = append(view.Data, shown)
	}
	sayAge(c, age)
	c.PureJSON(http.StatusOK, view)
	return nil
}

func planView(p payment.InstallmentPlan, amount int64) InstallmentPlan {
	i := p.InterestOf(amount)
	return InstallmentPlan{
		Installments: p.Count, InstallmentAmount: p.Each, TotalAmount: p.Total, InterestAmount: i.Centavos,
		MonthlyInterest: Rate{BasisPoints: i.Monthly}, YearlyInterest: Rate{BasisPoints: i.Yearly},
		Text: language.PlanText(p, i).In(language.EN), TextPtBr: language.PlanText(p, i).In(language.PT),
	}
}

// InstallmentsKey names the answer to a question where answers are kept.
func InstallmentsKey(q payment.InstallmentQuestion) string { return "installments " + q.Digest() }

// asking is the context of a question that a buyer waits for.
func asking(c *gin.Context) context.Context {
	return mercadopago.WithPriority(c.Request.Context(), payment.ForBuyer, event(c).clientID)
}

// providerError is the error for the client when the provider was asked for nothing but an answer. When it refuses our own account,
// that is our fault.
func providerError(err error) error {
	switch failure.KindOf(err) {
	case failure.Limited, failure.Unavailable:
		return err
	}
	return &failure.Error{Kind: failure.Internal, Err: err}
}

// sayAge says that the answer is an old copy.
func sayAge(c *gin.Context, age time.Duration) {
	if age > 0 {
		c.Header("Data-Age", dataAge(age))
	}
}
