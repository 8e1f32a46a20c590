package payment

import "time"

// Instructions is what the buyer gets to pay with, and what is known of the transfer afterwards. An answer of the provider changes these,
// and never the Method that the client app has asked for.
type Instructions struct {
	ExpiresAt time.Time `json:"expires_at,omitzero"` // the payment's end, as its client app sees it; see Payment.KeepsEnd
	QRCode    string    `json:"qr_code,omitempty"`
	TicketURL string    `json:"ticket_url,omitempty"`

	Chosen     string `json:"chosen,omitempty"`        // the provider's id of the method that the buyer has chosen for a checkout, such as master
	EndToEndID string `json:"end_to_end_id,omitempty"` // of a paid Pix, see ValidEndToEndID
	LastFour   string `json:"last_four,omitempty"`     // digits of the card

	Challenge *Challenge `json:"challenge,omitempty"` // of a card, while it is pending

	Entered *Entered `json:"entered,omitempty"` // of a card that the buyer enters on the pay page

	DigitableLine string `json:"digitable_line,omitempty"` // of a boleto, see BarcodeOf
	Barcode       string `json:"barcode,omitempty"`
	AmountPaid    int64  `json:"amount_paid,omitempty"` // centavos, of a boleto that was paid with a discount, or late with fine and interest; else 0
	Overpaid      int64  `json:"overpaid,omitempty"`    // centavos that the buyer has paid beyond that, such as by paying twice
}

// MethodRecord is a method with its instructions, as the database and the cache keep both in one JSON object.
type MethodRecord struct {
	Method
	Instructions
}
