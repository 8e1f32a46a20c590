package simulator

import "time"

// method is what is different from one payment method to another.
type method struct {
	feeRate int64 // Mercado Pago's fee, in hundredths of a percent
	// read reads what the method needs of a create request, and sets the payment's first status.
	read func(in createRequest, p *payment, now time.Time) []cause
	// charge decides what becomes of a new payment, or refuses it; nil: it stays as it was read.
	charge func(s *Simulator, c *call, p *payment) []cause
	// show adds to an answer what only payments of the method have.
	show func(s *Simulator, c *call, p payment, a *paymentAnswer)
}

// methods is the table of payment methods, by payment_method_id. A new one is a line here, and a file.
var methods = func() map[string]method {
	all := map[string]method{"pix": pixMethod}
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
func (p payment) fee() int64 { return (p.amount*methods[p.method].feeRate + 5000) / 10000 }
