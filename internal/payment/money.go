package payment

import "fmt"

// BRL is the Brazilian real.
const BRL = "BRL"

// maxAmount keeps every sum of a payment exact in the provider's float64 and far from int64's end:
// a thousand million reais.
const maxAmount = 100_000_000_000

// Money is an amount in the currency's minor unit (centavos) with its currency.
type Money struct {
	Centavos int64  `json:"centavos"`
	Currency string `json:"currency"`
}

// Validate says what is wrong with an amount to be charged, or "".
func (m Money) Validate() string {
	switch {
	case m.Centavos < 1:
		return "must be at least 1 centavo"
	case m.Centavos > maxAmount:
		return fmt.Sprintf("must be at most %d centavos", int64(maxAmount))
	}
	return ""
}

// String is the amount in logs and tables, such as "BRL 10.50".
func (m Money) String() string {
	sign, c := "", m.Centavos
	if c < 0 {
		sign, c = "-", -c
	}
	return fmt.Sprintf("%s %s%d.%02d", m.Currency, sign, c/100, c%100)
}
