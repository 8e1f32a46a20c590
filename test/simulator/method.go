package simulator

import (
	"cmp"
	"time"
)

// method is what is different from one payment method to another.
type method struct {
	feeRate int64 // Mercado Pago's fee, in hundredths of a percent
	feeFlat int64 // its fee for each payment, in centavos
	// read reads what the method needs of a create request, and sets the payment's first status.
	read func(in createRequest, p *payment, now time.Time) []cause
	// charge decides what becomes of a new payment, or refuses it; nil: it stays as it was read.
	charge func(s *Simulator, c *call, p *payment) []cause
	// show adds to an answer what only payments of the method have.
	show func(s *Simulator, c *call, p payment, a *paymentAnswer)
	// pays is what the buyer pays at a time; nil: the amount.
	pays func(p payment, now time.Time) int64
}

// methods is the table of payment methods, by payment_method_id. A new one is a line here, and a file.
var methods = func() map[string]method {
	all := map[string]method{"pix": pixMethod, "bolbradesco": boletoMethod, "account_money": accountMoney}
	for brand := range cardBrands {
		all[brand] = cardMethod
	}
	return all
}()

func readMethod(in createRequest, p *payment, now time.Time) []cause {
	if in.PaymentMethodID == "" {
		return []cause{causeNoMethod}
	}
	m, known := methods[in.PaymentMethodID]
	if !known {
		return []cause{causeMethod}
	}
	return m.read(in, p, now)
}

// fee is what Mercado Pago keeps of a payment, rounded to the centavo.
func (p payment) fee() int64 {
	m := methods[p.method]
	return min((p.amount*m.feeRate+5000)/10000+m.feeFlat, p.amount)
}

// received is what the buyer has paid for the payment.
func (p payment) received() int64 { return cmp.Or(p.paid, p.amount) }

// pays is what the buyer pays at a time.
func (p payment) pays(now time.Time) int64 {
	if m := methods[p.method]; m.pays != nil {
		return m.pays(p, now)
	}
	return p.amount
}
