package simulator

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// offer is a payment method as GET /v1/payment_methods has it. What a program might trip over is as Mercado Pago sends it: patterns in
// settings, and a method that is deactivated.
type offer struct {
	ID                    string              `json:"id"`
	Name                  string              `json:"name"`
	PaymentTypeID         string              `json:"payment_type_id"`
	Status                string              `json:"status"`
	SecureThumbnail       string              `json:"secure_thumbnail"`
	Thumbnail             string              `json:"thumbnail"`
	DeferredCapture       string              `json:"deferred_capture"`
	Settings              []map[string]any    `json:"settings"`
	AdditionalInfoNeeded  []string            `json:"additional_info_needed"`
	MinAllowedAmount      float64             `json:"min_allowed_amount"`
	MaxAllowedAmount      float64             `json:"max_allowed_amount"`
	AccreditationTime     int                 `json:"accreditation_time"`
	FinancialInstitutions []map[string]string `json:"financial_institutions"`
	ProcessingModes       []string            `json:"processing_modes"`
}

// brand is a card's brand.
type brand struct {
	id, name string
	bins     []string // how its numbers begin
	issuer   int
	bank     string
	pattern  string
	inactive bool
}

// brands are tried in their order: some numbers of one begin as those of another do.
var brands = []brand{
	{id: "debelo", name: "Elo Débito", bins: []string{"506776", "636297"}, issuer: 12491, bank: "Caixa", pattern: "^(506776|636297)"},
	{id: "elo", name: "Elo", bins: []string{"636368", "438935", "504175", "451416", "5067", "4576", "4011"}, issuer: 1013, bank: "Banco do Brasil", pattern: "^(636368|438935|504175|451416|5067|4576|4011)"},
	{id: "hipercard", name: "Hipercard", bins: []string{"606282", "3841"}, issuer: 8, bank: "Itaú", pattern: "^((606282)|(3841))"},
	{id: "amex", name: "American Express", bins: []string{"34", "37"}, issuer: 14, bank: "Bradesco", pattern: "^((34)|(37))"},
	{id: "master", name: "Mastercard", bins: []string{"51", "52", "53", "54", "55", "50", "2"}, issuer: 24, bank: "Mastercard", pattern: "^(5|2)"},
	{id: "visa", name: "Visa", bins: []string{"4"}, issuer: 25, bank: "Visa", pattern: "^(4)"},
	{id: "diners", name: "Diners", bins: []string{"30", "36"}, issuer: 4, bank: "Diners", pattern: "^((30)|(36))", inactive: true},
}

const thumbnails = "https://http2.mlstatic.com/storage/logos-api-admin/"

func plainOffer(id, name, kind string, least, most float64, needed ...string) offer {
	return offer{
		ID: id, Name: name, PaymentTypeID: kind, Status: "active", SecureThumbnail: thumbnails + id + "-m.svg", Thumbnail: thumbnails + id + "-m.svg",
		DeferredCapture: "does_not_apply", Settings: []map[string]any{}, AdditionalInfoNeeded: append([]string{}, needed...),
		MinAllowedAmount: least, MaxAllowedAmount: most, FinancialInstitutions: []map[string]string{}, ProcessingModes: []string{"aggregator"},
	}
}

func (b brand) offer() offer {
	o := plainOffer(b.id, b.name, cardBrands[b.id], 0.5, 60000, "cardholder_name", "cardholder_identification_type", "cardholder_identification_number")
	o.AccreditationTime, o.DeferredCapture = 2880, "supported"
	if o.PaymentTypeID == "debit_card" {
		o.DeferredCapture = "unsupported"
	}
	if b.inactive {
		o.Status = "deactivated"
	}
	o.Settings = []map[string]any{{
		"bin":         map[string]any{"pattern": b.pattern, "installments_pattern": b.pattern, "exclusion_pattern": nil},
		"card_number": map[string]any{"length": 16, "validation": "standard"}, "security_code": map[string]any{"mode": "mandatory", "length": 3, "card_location": "back"},
	}}
	return o
}

// listOffers lists what the account may be paid with, with what OnlyWave has no word for.
func (s *Simulator) listOffers(c *call) answer {
	s.hold(c)
	var all []offer
	for _, b := range brands {
		all = append(all, b.offer())
	}
	return jsonAnswer(http.StatusOK, append(all,
		plainOffer("pix", "PIX", "bank_transfer", 0.01, 120000000, "identification_type", "identification_number", "first_name", "last_name"),
		plainOffer("bolbradesco", "Boleto", "ticket", 4, 100000, "identification_type", "identification_number", "first_name", "last_name"),
		plainOffer("pec", "Pagamento na lotérica sem boleto", "ticket", 4, 2000, "identification_type", "identification_number"),
		plainOffer("account_money", "Dinheiro na minha conta do Mercado Pago", "account_money", 0.01, 999999),
	))
}

// installmentOffer is a part of the answer of GET /v1/payment_methods/installments.
type installmentOffer struct {
	PaymentMethodID   string         `json:"payment_method_id"`
	PaymentTypeID     string         `json:"payment_type_id"`
	Issuer            map[string]any `json:"issuer"`
	ProcessingMode    string         `json:"processing_mode"`
	MerchantAccountID *string        `json:"merchant_account_id"`
	PayerCosts        []payerCost    `json:"payer_costs"`
	Agreements        *string        `json:"agreements"`
}

type payerCost struct {
	Installments             int      `json:"installments"`
	InstallmentRate          float64  `json:"installment_rate"` // percent of the amount
	DiscountRate             float64  `json:"discount_rate"`
	ReimbursementRate        *float64 `json:"reimbursement_rate"`
	Labels                   []string `json:"labels"`
	InstallmentRateCollector []string `json:"installment_rate_collector"`
	MinAllowedAmount         float64  `json:"min_allowed_amount"`
	MaxAllowedAmount         float64  `json:"max_allowed_amount"`
	RecommendedMessage       string   `json:"recommended_message"`
	InstallmentAmount        float64  `json:"installment_amount"`
	TotalAmount              float64  `json:"total_amount"`
	PaymentMethodOptionID    *string  `json:"payment_method_option_id"`
}

const (
	freeInstallments = 3
	mostInstallments = 12
	monthlyRate      = 0.0299
	leastInstallment = 5 // reais
)

func (s *Simulator) listInstallments(c *call) answer {
	s.hold(c)
	query := c.request.URL.Query()
	amount, err := strconv.ParseFloat(query.Get("amount"), 64)
	if err != nil || amount <= 0 || len(query.Get("bin")) < 6 {
		return c.refuse(http.StatusBadRequest, causeParams)
	}
	i := slices.IndexFunc(brands, func(b brand) bool {
		return !b.inactive && slices.ContainsFunc(b.bins, func(bin string) bool { return strings.HasPrefix(query.Get("bin"), bin) })
	})
	if i < 0 || query.Has("payment_method_id") && query.Get("payment_method_id") != brands[i].id {
		return jsonAnswer(http.StatusOK, []installmentOffer{})
	}
	b := brands[i]
	found := installmentOffer{
		PaymentMethodID: b.id, PaymentTypeID: cardBrands[b.id], ProcessingMode: "aggregator",
		Issuer: map[string]any{"id": b.issuer, "name": b.bank, "secure_thumbnail": thumbnails + b.id + "-m.svg", "thumbnail": thumbnails + b.id + "-m.svg"},
	}
	for count := 1; count <= mostInstallments; count++ {
		cost := costOf(amount, count)
		if count > 1 && (cost.InstallmentAmount < leastInstallment || found.PaymentTypeID == "debit_card") {
			break
		}
		found.PayerCosts = append(found.PayerCosts, cost)
	}
	return jsonAnswer(http.StatusOK, []installmentOffer{found})
}

func costOf(amount float64, count int) payerCost {
	cost := payerCost{
		Installments: count, Labels: []string{}, InstallmentRateCollector: []string{"MERCADOPAGO"}, MinAllowedAmount: 0.5, MaxAllowedAmount: 60000,
		InstallmentAmount: round(amount / float64(count)), TotalAmount: amount,
	}
	if count > freeInstallments {
		each := round(amount * monthlyRate / (1 - math.Pow(1+monthlyRate, -float64(count))))
		cost.InstallmentAmount, cost.TotalAmount = each, round(each*float64(count))
		cost.InstallmentRate = round((cost.TotalAmount/amount - 1) * 100)
	} else if count > 1 {
		cost.Labels = []string{"recommended_interest_free"}
	}
	comma := func(reais float64) string {
		return strings.Replace(strconv.FormatFloat(reais, 'f', 2, 64), ".", ",", 1)
	}
	cost.RecommendedMessage = strconv.Itoa(count) + " parcela(s) de R$ " + comma(cost.InstallmentAmount) + " (R$ " + comma(cost.TotalAmount) + ")"
	return cost
}

func round(reais float64) float64 { return math.Round(reais*100) / 100 }
