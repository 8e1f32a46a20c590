package simulator

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A boleto is due three days after its creation by default, and 1 to 30 days after it. The minimum is an hour shorter, because a request takes
// time to arrive.
const (
	defaultDue  = 3 * 24 * time.Hour
	shortestDue = 23 * time.Hour
	longestDue  = 30 * 24 * time.Hour
)

// boletoMethod is a payment that waits for a bank. Its fee is R$ 3.49.
var boletoMethod = method{
	feeFlat: 349,
	read: func(in createRequest, p *payment, now time.Time) (wrong []cause) {
		p.status, p.detail, p.rules = "pending", "pending_waiting_payment", in.PaymentMethod.Data.Rules
		if p.expires, wrong = expiry(in.DateOfExpiration, now, defaultDue, shortestDue, longestDue); len(wrong) > 0 {
			return wrong
		}
		return append(checkBoletoPayer(in.Payer), p.rules.check(p.amount, p.expires)...)
	},
	show: (*Simulator).showBoleto,
	pays: func(p payment, now time.Time) int64 { return p.rules.sum(p.amount, p.expires, now) },
}

// boletoRules are payment_method.data.rules, in the units of the wire.
type boletoRules struct {
	Fine      boletoRate       `json:"fine"`
	Interest  boletoRate       `json:"interest"`
	Discounts []boletoDiscount `json:"discounts"`
}

type boletoRate struct {
	Type  string  `json:"type"`
	Value float64 `json:"value"` // percent
}

type boletoDiscount struct {
	Type      string  `json:"type"`
	Value     float64 `json:"value"` // reais
	LimitDate string  `json:"limit_date"`
}

var (
	causePayerData = cause{Code: 4000, Description: "payer first_name, last_name, identification and full address are required"}
	causeRules     = cause{Code: 4001, Description: "payment_method.data.rules are not valid"}
	zipText        = regexp.MustCompile(`^\d{8}$`)
	unitText       = regexp.MustCompile(`^[A-Z]{2}$`)
	dayText        = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
)

func checkBoletoPayer(p payer) []cause {
	a := p.Address
	for _, text := range []string{p.FirstName, p.LastName, p.Identification.Number, a.StreetName, a.StreetNumber, a.Neighborhood, a.City} {
		if strings.TrimSpace(text) == "" {
			return []cause{causePayerData}
		}
	}
	if !zipText.MatchString(a.ZipCode) || !unitText.MatchString(a.FederalUnit) {
		return []cause{causePayerData}
	}
	return nil
}

// check refuses what Mercado Pago's guide does: a fine of more than 2 %, interest of more than 1 % a month, and a discount that is not a sum up
// to the amount with a last day before the due date.
func (r boletoRules) check(amount int64, due time.Time) []cause {
	bad := r.Fine.Value < 0 || r.Fine.Value > 2 || r.Interest.Value < 0 || r.Interest.Value > 1
	for _, rate := range []boletoRate{r.Fine, r.Interest} {
		bad = bad || rate.Type != "" && rate.Type != "percentage"
	}
	for _, d := range r.Discounts {
		last := due.In(brasilia).Format(time.DateOnly)
		bad = bad || d.Type != "fixed" || d.Value <= 0 || int64(d.Value*100+0.5) > amount || !dayText.MatchString(d.LimitDate) || d.LimitDate >= last
	}
	if bad {
		return []cause{causeRules}
	}
	return nil
}

// sum is what the bank takes at a time: less until the last day of the discount, more after the due date.
func (r boletoRules) sum(amount int64, due, now time.Time) int64 {
	if now.After(due) {
		days := int64(now.Sub(due).Hours()/24) + 1
		return amount + int64(float64(amount)*r.Fine.Value/100+0.5) + int64(float64(amount*days)*r.Interest.Value/3000+0.5)
	}
	if len(r.Discounts) > 0 && now.In(brasilia).Format(time.DateOnly) <= r.Discounts[0].LimitDate {
		return amount - int64(r.Discounts[0].Value*100+0.5)
	}
	return amount
}

const boletoIssuer = "12542"

// showBoleto adds what only a boleto has: its line, its barcode and its page.
func (s *Simulator) showBoleto(c *call, p payment, a *paymentAnswer) {
	a.IssuerID, a.PaymentTypeID = boletoIssuer, "ticket"
	a.PaymentMethod = methodAnswer{p.method, a.PaymentTypeID, boletoIssuer}
	page := s.publicURL(c.request) + "/pay/" + p.id
	code := boletoBarcode(p)
	line := boletoLine(code)
	if c.fault.Kind == KindWrongLine {
		line = line[:len(line)-1] + string('0'+(line[len(line)-1]-'0'+1)%10)
	}
	d := &a.TransactionDetails
	d.ExternalResourceURL, d.PaymentMethodReferenceID, d.DigitableLine = &page, &p.id, &line
	d.Barcode = &barcodeAnswer{Type: "Code128C", Content: code, Width: 1, Height: 30}
}

// boletoEpoch is the day whose factor is 1000, since the factors began anew (Febraban).
var boletoEpoch = time.Date(2025, time.February, 22, 0, 0, 0, 0, time.UTC)

// boletoBarcode is the 44 digits: bank and currency, check digit, factor of the due date, sum, and the bank's own field.
func boletoBarcode(p payment) string {
	year, month, day := p.expires.In(brasilia).Date()
	factor := 1000 + int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Sub(boletoEpoch).Hours()/24)
	rest := fmt.Sprintf("%04d%010d3381%021s", factor, p.amount, p.id)
	sum := 0
	for i, digits := 0, "2379"+rest; i < len(digits); i++ {
		sum += int(digits[len(digits)-1-i]-'0') * (2 + i%8)
	}
	check := 11 - sum%11
	if check > 9 {
		check = 1
	}
	return fmt.Sprintf("2379%d%s", check, rest)
}

// boletoLine is the barcode's digits as people type them: three parts of the bank's own field with a check digit each, and the rest.
func boletoLine(code string) string {
	var line strings.Builder
	for _, part := range []string{code[:4] + code[19:24], code[24:34], code[34:44]} {
		sum := 0
		for i := range len(part) {
			product := int(part[len(part)-1-i]-'0') * (2 - i%2)
			sum += product%10 + product/10
		}
		fmt.Fprintf(&line, "%s%d", part, (10-sum%10)%10)
	}
	return line.String() + code[4:5] + code[5:19]
}
