package platform

import (
	"fmt"
	"strings"
	"time"
)

// The buyer of every order.
const (
	BuyerEmail = "ana@example.com"
	BuyerName  = "Ana Souza"
	BuyerTaxID = "12345678909"
)

// Order is the body of a POST for a Pix that is valid for an hour.
func Order(centavos int64, reference string) string {
	return OrderWithin(centavos, reference, time.Hour, "keep")
}

// OrderWithin is the same, valid for that time, and with what shall become of money that comes afterwards: keep or refund.
func OrderWithin(centavos int64, reference string, within time.Duration, late string) string {
	return fmt.Sprintf(`{"amount": %d, "currency": "BRL", "description": "Order %s", "reference": %q, "late_payment": %q,
 "method": {"type": "pix", "expires_in": %d},
 "payer": {"email": %q, "name": %q, "tax_id": %q}, "metadata": {"cart": "c-7"}}`,
		centavos, reference, reference, late, int(within.Seconds()), BuyerEmail, BuyerName, BuyerTaxID)
}

// CardOrder is the body of a POST for a payment by card.
func CardOrder(centavos int64, reference, token string, installments int) string {
	return fmt.Sprintf(`{"amount": %d, "currency": "BRL", "description": "Order %s", "reference": %q,
 "method": {"type": "card", "token": %q, "payment_method_id": "master", "installments": %d, "statement_descriptor": "ONLYWAVE", "device_id": "armor.1"},
 "payer": {"email": %q, "name": %q, "tax_id": %q}, "metadata": {"cart": "c-7"}}`,
		centavos, reference, reference, token, installments, BuyerEmail, BuyerName, BuyerTaxID)
}

// EnteredCardOrder is the body of a POST for a payment by a card that its buyer enters on the pay page.
func EnteredCardOrder(centavos int64, reference string) string {
	return fmt.Sprintf(`{"amount": %d, "currency": "BRL", "description": "Order %s", "reference": %q,
 "method": {"type": "card", "installments": 12, "statement_descriptor": "ONLYWAVE"}, "payer": {"email": %q, "name": %q}}`,
		centavos, reference, reference, BuyerEmail, BuyerName)
}

// BoletoOrder is the body of a POST for a boleto that is due ten days after a time, and costs less for five days when there is a discount.
func BoletoOrder(centavos, discount int64, reference, late string, now time.Time) string {
	less := ""
	if discount > 0 {
		less = fmt.Sprintf(`, "discount": {"amount": %d, "until": %q}`, discount, now.AddDate(0, 0, 5).Format(time.DateOnly))
	}
	return fmt.Sprintf(`{"amount": %d, "currency": "BRL", "description": "Order %s", "reference": %q, "late_payment": %q,
 "method": {"type": "boleto", "due_date": %q%s},
 "payer": {"email": %q, "name": %q, "tax_id": %q, "address": {"zip_code": "01310-100", "street": "Avenida Paulista", "number": "1000",
  "neighborhood": "Bela Vista", "city": "São Paulo", "state": "SP"}}, "metadata": {"cart": "c-7"}}`,
		centavos, reference, reference, late, now.AddDate(0, 0, 10).Format(time.DateOnly), less, BuyerEmail, BuyerName, BuyerTaxID)
}

// Reserving is the order of a card whose money is only reserved.
func Reserving(order string) string {
	return strings.Replace(order, `"type": "card"`, `"type": "card", "capture": false`, 1)
}

// BySaved is the order of a card that a customer has saved.
func BySaved(order, customerID string) string {
	return strings.Replace(order, `"type": "card"`, fmt.Sprintf(`"type": "card", "customer_id": %q`, customerID), 1)
}

// CheckoutOrder is the body of a checkout. A second payment of it goes back.
func CheckoutOrder(centavos int64, reference string) string {
	return fmt.Sprintf(`{"amount": %d, "currency": "BRL", "description": "Order %[2]s", "reference": %[2]q, "refund_duplicates": true}`, centavos, reference)
}

// KeepingDuplicates is the order of a checkout whose second payment stays.
func KeepingDuplicates(order string) string {
	return strings.Replace(order, `"refund_duplicates": true`, `"refund_duplicates": false`, 1)
}
