package simulator

import (
	"encoding/json"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const longestURL = 248

// knownFields are the fields POST /v1/payments knows.
var knownFields = []string{
	"additional_info", "amounts", "application_fee", "back_urls", "binary_mode", "callback_url", "campaign_id", "capture",
	"counter_currency", "coupon_amount", "coupon_code", "currency_id", "date_of_expiration", "description", "device_id",
	"differential_pricing_id", "external_reference", "forward_data", "installments", "issuer_id", "merchant_account_id",
	"merchant_services", "metadata", "net_amount", "notification_url", "order", "payer", "payment_method",
	"payment_method_id", "payment_method_option_id", "point_of_interaction", "processing_mode", "sponsor_id",
	"statement_descriptor", "taxes", "three_d_secure_mode", "token", "transaction_amount", "transaction_details",
}

// createRequest is the body of POST /v1/payments.
type createRequest struct {
	Amount              json.RawMessage `json:"transaction_amount"`
	PaymentMethodID     string          `json:"payment_method_id"`
	Description         string          `json:"description"`
	ExternalReference   string          `json:"external_reference"`
	NotificationURL     string          `json:"notification_url"`
	StatementDescriptor string          `json:"statement_descriptor"`
	DateOfExpiration    string          `json:"date_of_expiration"`
	Metadata            json.RawMessage `json:"metadata"`
	Payer               payer           `json:"payer"`
	Token               string          `json:"token"`
	Installments        int             `json:"installments"`
	IssuerID            string          `json:"issuer_id"`
	PaymentMethod       struct {
		Data struct {
			Rules boletoRules `json:"rules"`
		} `json:"data"`
	} `json:"payment_method"`
	Capture          *bool  `json:"capture"`
	ThreeDSecureMode string `json:"three_d_secure_mode"`
}

// newPayment reads a create request and returns the payment, or all causes for its refusal.
func newPayment(body []byte, now time.Time) (payment, []cause) {
	var fields map[string]json.RawMessage
	var in createRequest
	if json.Unmarshal(body, &fields) != nil || json.Unmarshal(body, &in) != nil {
		return payment{}, []cause{causeParams}
	}

	var causes []cause
	var unknown []string
	for name := range fields {
		if !slices.Contains(knownFields, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		causes = append(causes, cause{Code: 8, Description: "The name of the following parameters is wrong: [" + strings.Join(unknown, ", ") + "]"})
	}
	amount, wrong := centavos(in.Amount)
	causes = append(causes, wrong...)
	p := payment{
		method: in.PaymentMethodID, reference: in.ExternalReference, amount: amount, notifyURL: in.NotificationURL,
		descriptor: in.StatementDescriptor, text: in.Description, payer: in.Payer, metadata: in.Metadata,
	}
	causes = append(causes, readMethod(in, &p, now)...)
	causes = append(causes, checkPayer(in.Payer)...)
	causes = append(causes, checkURL(in.NotificationURL)...)
	return p, causes
}

var amountText = regexp.MustCompile(`^(\d{1,12})(?:\.(\d{1,2}))?$`)

// centavos reads an amount in reais: a JSON number above zero with two decimals at most.
func centavos(number json.RawMessage) (int64, []cause) {
	switch {
	case len(number) == 0 || string(number) == "null":
		return 0, []cause{causeNoAmount}
	case number[0] != '-' && (number[0] < '0' || number[0] > '9'):
		return 0, []cause{causeAmountType}
	}
	parts := amountText.FindSubmatch(number)
	if parts == nil {
		return 0, []cause{causeAmount}
	}
	decimals := (string(parts[2]) + "00")[:2]
	amount, err := strconv.ParseInt(string(parts[1])+decimals, 10, 64)
	if err != nil || amount <= 0 {
		return 0, []cause{causeAmount}
	}
	return amount, nil
}

func checkPayer(p payer) []cause {
	var causes []cause
	address, err := mail.ParseAddress(p.Email)
	if err != nil || address.Address != p.Email || !strings.Contains(p.Email[strings.LastIndex(p.Email, "@"):], ".") {
		causes = append(causes, causeEmail)
	}
	if id := p.Identification; id != (identification{}) && !validTaxID(id) {
		causes = append(causes, causeTaxID)
	}
	return causes
}

// checkURL allows plain http, unlike Mercado Pago, because receivers are on this machine.
func checkURL(text string) []cause {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || len(text) > longestURL || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return []cause{causeURL}
	}
	return nil
}

var (
	cpfText  = regexp.MustCompile(`^\d{11}$`)
	cnpjText = regexp.MustCompile(`^[0-9A-Z]{12}\d\d$`)
)

// validTaxID checks length and check digits of a CPF or a CNPJ, the CNPJ with letters (in use since July 2026) included.
func validTaxID(id identification) bool {
	number := id.Number
	if strings.Count(number, number[:min(1, len(number))]) == len(number) {
		return false // 111.111.111-11 and the like have valid check digits and are never issued
	}
	switch id.Type {
	case "CPF":
		return cpfText.MatchString(number) && checkDigit(number[:9], 10) == number[9] && checkDigit(number[:10], 11) == number[10]
	case "CNPJ":
		return cnpjText.MatchString(number) && checkDigit(number[:12], 9) == number[12] && checkDigit(number[:13], 9) == number[13]
	default:
		return false
	}
}

// checkDigit is the modulo 11 digit of CPF and CNPJ: weights run from 2 at the right up to the highest, then again from
// 2; a letter counts as its ASCII code less 48.
func checkDigit(text string, highest int) byte {
	sum, weight := 0, 2
	for i := len(text) - 1; i >= 0; i-- {
		sum += int(text[i]-'0') * weight
		weight++
		if weight > highest {
			weight = 2
		}
	}
	if rest := sum % 11; rest >= 2 {
		return byte('0' + 11 - rest)
	}
	return '0'
}
