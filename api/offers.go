package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	offers, age, err := cache.Answer(asking(c), s.config.Answers, "installments "+digest(q), func(ctx context.Context) ([]payment.InstallmentOffer, error) {
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
		Text: planText(p, i).In(language.EN), TextPtBr: planText(p, i).In(language.PT),
	}
}

// planText is what a buyer must see before buying on credit: the number and the amount of the installments, the total and the effective
// yearly rate (Código de Defesa do Consumidor, article 52; Decreto 5.903 of 2006, article 3).
func planText(p payment.InstallmentPlan, i payment.Interest) language.Text {
	en := func(centavos int64) string { return language.EN.Amount(centavos, payment.BRL) }
	pt := func(centavos int64) string { return language.PT.Amount(centavos, payment.BRL) }
	text := language.Text{
		EN: fmt.Sprintf("%d × %s, %s in all", p.Count, en(p.Each), en(p.Total)),
		PT: fmt.Sprintf("%dx de %s, total de %s", p.Count, pt(p.Each), pt(p.Total)),
	}
	if i.Centavos == 0 {
		return language.Text{EN: text.EN + ", without interest", PT: text.PT + ", sem juros"}
	}
	percent := func(basisPoints int, point string) string {
		return fmt.Sprintf("%d%s%02d%%", basisPoints/100, point, basisPoints%100)
	}
	return language.Text{
		EN: fmt.Sprintf("%s, with %s of interest: %s a month, CET %s a year", text.EN, en(i.Centavos), percent(i.Monthly, "."), percent(i.Yearly, ".")),
		PT: fmt.Sprintf("%s, com %s de juros: %s ao mês, CET de %s ao ano", text.PT, pt(i.Centavos), percent(i.Monthly, ","), percent(i.Yearly, ",")),
	}
}

// digest names a question where its parts may not be read.
func digest(parts any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:])
}

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
