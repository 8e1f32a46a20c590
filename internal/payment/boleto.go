package payment

import (
	"fmt"
	"strings"
	"time"
)

// BoletoMethod is what is special about a boleto.
type BoletoMethod struct {
	DueDate  string   `json:"due_date,omitempty"` // a day in Brazil; "": three bank days after its creation
	Fine     int      `json:"fine,omitempty"`     // basis points of the amount, once, when it is paid after the due date
	Interest int      `json:"interest,omitempty"` // basis points of the amount for a month after it
	Discount Discount `json:"discount,omitzero"`
}

// Discount is for a buyer who pays early.
type Discount struct {
	Amount int64  `json:"amount"` // centavos
	Until  string `json:"until"`  // the last day, before the due date
}

// Mercado Pago lets a boleto be due 1 to 30 days after its creation, and bounds what it costs to be late as the law does (its guide
// "boleto bancário").
const (
	boletoDaysDefault = 3 // bank days
	boletoDaysMax     = 30
	fineMax           = 200
	interestMax       = 100

	// crediting is how many bank days after a payment the bank tells of it at the latest: its guide speaks of 48 business hours, and what is
	// paid in the evening counts from the next day on.
	crediting = 3
	// boletoLate is how many days after its due date a boleto with a fine or interest may be paid.
	boletoLate = 30
)

func boleto() rules {
	return rules{
		method: Boleto, english: "boleto", portuguese: "Boleto", code: true,
		normalized: func(m Method) Method {
			if m.Boleto == nil {
				m.Boleto = &BoletoMethod{}
			}
			return m
		},
		validate: validateBoleto,
		timely:   boletoInTime,
		end: func(m Method, askedAt time.Time) time.Time {
			due := m.dueDay(askedAt)
			if m.Boleto != nil && (m.Boleto.Fine > 0 || m.Boleto.Interest > 0) {
				return endOf(due.AddDate(0, 0, boletoLate))
			}
			return endOf(addBankDays(due, crediting))
		},
	}
}

func validateBoleto(r Request, wrong func(pointer, detail string)) {
	b := r.Method.Boleto
	if b == nil {
		b = &BoletoMethod{}
	}
	due, dueIsRight := parseDay(b.DueDate)
	if b.DueDate != "" && !dueIsRight {
		wrong("/method/due_date", aDay)
	}
	if b.Fine < 0 || b.Fine > fineMax {
		wrong("/method/fine/basis_points", fmt.Sprintf("must be at most %d, which are %d %%", fineMax, fineMax/100))
	}
	if b.Interest < 0 || b.Interest > interestMax {
		wrong("/method/interest/basis_points", fmt.Sprintf("must be at most %d, which are %d %% a month", interestMax, interestMax/100))
	}
	if d := b.Discount; d != (Discount{}) {
		until, untilIsRight := parseDay(d.Until)
		switch {
		case !untilIsRight:
			wrong("/method/discount/until", aDay)
		case dueIsRight && !until.Before(due):
			wrong("/method/discount/until", "must be before the due date")
		}
		if d.Amount <= 0 || d.Amount >= r.Amount.Centavos {
			wrong("/method/discount/amount", "must be at least 1 centavo and less than the payment's amount")
		}
	}
	if !strings.Contains(r.Payer.Name, " ") {
		wrong("/payer/name", "must be a first and a last name, or a company's full name: a boleto needs it")
	}
	if r.Payer.TaxID == "" {
		wrong("/payer/tax_id", "is missing: a boleto needs the payer's CPF or CNPJ")
	}
	if r.Payer.Address == (Address{}) {
		wrong("/payer/address", "is missing: a boleto needs the payer's full address")
	}
}

// boletoInTime finds what is wrong with the days of a boleto that is asked for at a time.
func boletoInTime(m Method, at time.Time, wrong func(pointer, detail string)) {
	today, due := dayOf(at), m.dueDay(at)
	asked, given := parseDay(m.Boleto.DueDate)
	switch latest := today.AddDate(0, 0, boletoDaysMax); {
	case given && !asked.After(today):
		wrong("/method/due_date", "must be tomorrow or later")
	case given && asked.After(latest):
		wrong("/method/due_date", fmt.Sprintf("must be at most %d days from now", boletoDaysMax))
	case due.After(latest):
		wrong("/method/due_date", fmt.Sprintf("is not a bank day, and the next one is more than %d days from now", boletoDaysMax))
	}
	if until, isDay := parseDay(m.Boleto.Discount.Until); isDay && (until.Before(today) || !until.Before(due)) {
		wrong("/method/discount/until", "must be today or later, and before the due date")
	}
}

// dueDay is the day until which a boleto is to be paid. One that is asked for on a day without banks is due on the next bank day.
func (m Method) dueDay(askedAt time.Time) time.Time {
	if m.Boleto != nil {
		if day, given := parseDay(m.Boleto.DueDate); given {
			return bankDay(day)
		}
	}
	return addBankDays(dayOf(askedAt), boletoDaysDefault)
}

// DueDate is the day until which a boleto is to be paid.
func (p Payment) DueDate() string { return p.Method.dueDay(p.CreatedAt).Format(time.DateOnly) }

// BoletoEnd is the end that the provider is asked for: that of the due date, within the days that it allows from the arrival of the
// request. It depends only on the request, so that a repeated request is the same.
func (p Payment) BoletoEnd() time.Time {
	end, latest := endOf(p.Method.dueDay(p.CreatedAt)), p.CreatedAt.AddDate(0, 0, boletoDaysMax).Add(-clockRoom)
	if end.After(latest) {
		return latest
	}
	return end
}

const aDay = "must be a day such as 2026-12-23"

func parseDay(text string) (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, text)
	return day, err == nil
}
