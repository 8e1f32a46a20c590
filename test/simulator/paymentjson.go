package simulator

import (
	"encoding/json"
	"strconv"
	"time"
)

// paymentAnswer is a payment as Mercado Pago returns it, in full: with the nulls, empty objects and undocumented fields that a client must
// accept.
type paymentAnswer struct {
	ID                        json.Number        `json:"id"`
	DateCreated               date               `json:"date_created"`
	DateApproved              date               `json:"date_approved"`
	DateLastUpdated           date               `json:"date_last_updated"`
	DateOfExpiration          date               `json:"date_of_expiration"`
	MoneyReleaseDate          date               `json:"money_release_date"`
	MoneyReleaseStatus        string             `json:"money_release_status"`
	OperationType             string             `json:"operation_type"`
	IssuerID                  string             `json:"issuer_id"`
	PaymentMethodID           string             `json:"payment_method_id"`
	PaymentTypeID             string             `json:"payment_type_id"`
	PaymentMethod             methodAnswer       `json:"payment_method"`
	Status                    string             `json:"status"`
	StatusDetail              string             `json:"status_detail"`
	CurrencyID                string             `json:"currency_id"`
	Description               *string            `json:"description"`
	LiveMode                  bool               `json:"live_mode"`
	TaxesAmount               int                `json:"taxes_amount"`
	ShippingAmount            int                `json:"shipping_amount"`
	BuildVersion              string             `json:"build_version"`
	Payer                     payerAnswer        `json:"payer"`
	CollectorID               int64              `json:"collector_id"`
	Metadata                  json.RawMessage    `json:"metadata"`
	AdditionalInfo            additionalInfo     `json:"additional_info"`
	Order                     struct{}           `json:"order"`
	ExternalReference         *string            `json:"external_reference"`
	TransactionAmount         any                `json:"transaction_amount"`
	TransactionAmountRefunded any                `json:"transaction_amount_refunded"`
	CouponAmount              int                `json:"coupon_amount"`
	Installments              int                `json:"installments"`
	TransactionDetails        transactionDetails `json:"transaction_details"`
	FeeDetails                []feeDetail        `json:"fee_details"`
	ChargesDetails            []chargeDetail     `json:"charges_details"`
	Captured                  bool               `json:"captured"` // true on a pending Pix too: no proof of payment
	BinaryMode                bool               `json:"binary_mode"`
	StatementDescriptor       *string            `json:"statement_descriptor"`
	Card                      any                `json:"card"`
	ThreeDSInfo               any                `json:"three_dsinfo,omitempty"`
	NotificationURL           *string            `json:"notification_url"`
	Refunds                   []refundAnswer     `json:"refunds"`
	ProcessingMode            string             `json:"processing_mode"`
	AcquirerReconciliation    []struct{}         `json:"acquirer_reconciliation"`
	PointOfInteraction        pointOfInteraction `json:"point_of_interaction"`
	alwaysNull
}

// alwaysNull are the fields that are null for a Pix.
type alwaysNull struct {
	SponsorID             *int    `json:"sponsor_id"`
	AuthorizationCode     *string `json:"authorization_code"`
	MoneyReleaseSchema    *string `json:"money_release_schema"`
	CounterCurrency       *string `json:"counter_currency"`
	BrandID               *string `json:"brand_id"`
	PosID                 *string `json:"pos_id"`
	StoreID               *string `json:"store_id"`
	IntegratorID          *string `json:"integrator_id"`
	PlatformID            *string `json:"platform_id"`
	CorporationID         *string `json:"corporation_id"`
	MarketplaceOwner      *string `json:"marketplace_owner"`
	DifferentialPricingID *int    `json:"differential_pricing_id"`
	FinancingGroup        *string `json:"financing_group"`
	DeductionSchema       *string `json:"deduction_schema"`
	CallbackURL           *string `json:"callback_url"`
	CallForAuthorizeID    *string `json:"call_for_authorize_id"`
	MerchantAccountID     *string `json:"merchant_account_id"`
	MerchantNumber        *string `json:"merchant_number"`
	AccountsInfo          *string `json:"accounts_info"`
	ReleaseInfo           *string `json:"release_info"`
	Tags                  *string `json:"tags"`
}

type methodAnswer struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	IssuerID string `json:"issuer_id"`
}

type payerAnswer struct {
	ID             any         `json:"id"`
	Type           *string     `json:"type"`
	EntityType     *string     `json:"entity_type"`
	Email          string      `json:"email"`
	FirstName      *string     `json:"first_name"`
	LastName       *string     `json:"last_name"`
	Identification taxIDAnswer `json:"identification"`
	Phone          struct {
		Number    *string `json:"number"`
		Extension *string `json:"extension"`
		AreaCode  *string `json:"area_code"`
	} `json:"phone"`
}

type taxIDAnswer struct {
	Type   *string `json:"type"`
	Number *string `json:"number"`
}

type additionalInfo struct {
	TrackingID string `json:"tracking_id"`
}

type transactionDetails struct {
	PaymentMethodReferenceID *string `json:"payment_method_reference_id"`
	AcquirerReference        *string `json:"acquirer_reference"`
	NetReceivedAmount        any     `json:"net_received_amount"`
	TotalPaidAmount          any     `json:"total_paid_amount"`
	OverpaidAmount           any     `json:"overpaid_amount"`
	InstallmentAmount        int     `json:"installment_amount"`
	ExternalResourceURL      *string `json:"external_resource_url"`
	FinancialInstitution     *string `json:"financial_institution"`
	PayableDeferralPeriod    *string `json:"payable_deferral_period"`
	BankTransferID           *int    `json:"bank_transfer_id"`
	TransactionID            *string `json:"transaction_id"`
	// Of a boleto only.
	DigitableLine *string        `json:"digitable_line,omitempty"`
	Barcode       *barcodeAnswer `json:"barcode,omitempty"`
}

type barcodeAnswer struct {
	Type    string `json:"type"`
	Content string `json:"content"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
}

type feeDetail struct {
	Type     string `json:"type"`
	FeePayer string `json:"fee_payer"`
	Amount   any    `json:"amount"`
}

type chargeDetail struct {
	ID            string            `json:"id"`
	Name          string            `json:"name"`
	Type          string            `json:"type"`
	Accounts      map[string]string `json:"accounts"`
	ClientID      int               `json:"client_id"`
	DateCreated   date              `json:"date_created"`
	LastUpdated   date              `json:"last_updated"`
	Amounts       map[string]any    `json:"amounts"`
	Metadata      struct{}          `json:"metadata"`
	ReserveID     *string           `json:"reserve_id"`
	RefundCharges []struct{}        `json:"refund_charges"`
}

type pointOfInteraction struct {
	Type            string `json:"type"`
	BusinessInfo    any    `json:"business_info"`
	Location        any    `json:"location"`
	ApplicationData any    `json:"application_data"`
	TransactionData struct {
		QRCode               string  `json:"qr_code"`
		QRCodeBase64         string  `json:"qr_code_base64"`
		TicketURL            string  `json:"ticket_url"`
		TransactionID        *string `json:"transaction_id"`
		BankTransferID       *int    `json:"bank_transfer_id"`
		FinancialInstitution *int    `json:"financial_institution"`
		BankInfo             any     `json:"bank_info"`
		E2EID                *string `json:"e2e_id"`
	} `json:"transaction_data"`
}

// date is written with milliseconds and a numeric offset, null when zero.
type date time.Time

// Mercado Pago mixes two time zones in its responses: payments have -04:00, and expiry -03:00.
var (
	manaus   = time.FixedZone("", -4*60*60)
	brasilia = time.FixedZone("", -3*60*60)
)

func (d date) MarshalJSON() ([]byte, error) {
	if time.Time(d).IsZero() {
		return []byte("null"), nil
	}
	return time.Time(d).AppendFormat(nil, `"2006-01-02T15:04:05.000-07:00"`), nil
}

// amounts writes centavos as reais: JSON numbers, or strings under KindTextAmounts.
type amounts struct{ text bool }

func (a amounts) of(centavos int64) any {
	text := strconv.FormatFloat(float64(centavos)/100, 'f', -1, 64)
	if a.text {
		return text
	}
	return json.Number(text)
}
