package simulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// cardMethod is a payment by a card's token, whose holder's name decides what becomes of it. Its fee is 4.98 %.
var cardMethod = method{feeRate: 498, read: readCard, charge: (*Simulator).chargeCard, show: (*Simulator).showCard}

// cardBrands are the payment_method_id of cards, and their types.
var cardBrands = map[string]string{
	"visa": "credit_card", "master": "credit_card", "elo": "credit_card", "amex": "credit_card", "hipercard": "credit_card", "diners": "credit_card",
	"cabal": "credit_card", "debvisa": "debit_card", "debmaster": "debit_card", "debelo": "debit_card", "debcabal": "debit_card",
}

// holders are the names of test cards' holders and what becomes of their payments: names by Mercado Pago's page "test cards", details by
// its list of rejections.
var holders = map[string]struct{ status, detail string }{
	"APRO": {"approved", "accredited"},
	"CONT": {"in_process", "pending_contingency"},
	"OTHE": {"rejected", "cc_rejected_other_reason"},
	"CALL": {"rejected", "cc_rejected_call_for_authorize"},
	"FUND": {"rejected", "cc_rejected_insufficient_amount"},
	"SECU": {"rejected", "cc_rejected_bad_filled_security_code"},
	"EXPI": {"rejected", "cc_rejected_bad_filled_date"},
	"FORM": {"rejected", "cc_rejected_bad_filled_other"},
	"CARD": {"rejected", "cc_rejected_bad_filled_card_number"},
	"INST": {"rejected", "cc_rejected_invalid_installments"},
	"DUPL": {"rejected", "cc_rejected_duplicated_payment"},
	"LOCK": {"rejected", "cc_rejected_card_disabled"},
	"CTNA": {"rejected", "cc_rejected_card_type_not_allowed"},
	"ATTE": {"rejected", "cc_rejected_max_attempts"},
	"BLAC": {"rejected", "cc_rejected_blacklist"},
}

// usedCard is the card of a payment.
type usedCard struct {
	Token        string `json:"token"`
	Installments int    `json:"installments"`
	IssuerID     string `json:"issuer_id,omitempty"`
	DeviceID     string `json:"device_id,omitempty"` // of the header X-Meli-Session-Id
	Reserve      bool   `json:"reserve,omitempty"`   // the money is captured later
	ThreeDS      bool   `json:"three_ds,omitempty"`  // the bank may ask for a challenge
}

// A token says itself which card it is of, so that it outlives the simulator's process: the holder's four letters, the card's last four
// digits, and something unique, in hexadecimal; then a check, so that no other text is a token.
func makeToken(holder, lastFour string) string {
	unique := strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
	body := hex.EncodeToString([]byte(holder)) + lastFour + unique
	return body + tokenCheck(body)
}

func tokenCheck(body string) string {
	sum := sha256.Sum256([]byte("onlywave's simulator " + body))
	return hex.EncodeToString(sum[:4])
}

// readToken is the holder and the last four digits of a token's card.
func readToken(token string) (holder, lastFour string, ok bool) {
	if len(token) != 32 || tokenCheck(token[:24]) != token[24:] {
		return "", "", false
	}
	name, err := hex.DecodeString(token[:8])
	return string(name), token[8:12], err == nil
}

// createCardToken makes a token of a card, as the buyer's browser asks for it.
func (s *Simulator) createCardToken(c *call) answer {
	s.hold(c)
	var in struct {
		CardNumber      string          `json:"card_number"`
		ExpirationMonth int             `json:"expiration_month"`
		ExpirationYear  int             `json:"expiration_year"`
		Cardholder      json.RawMessage `json:"cardholder"`
		CardID          string          `json:"card_id"`
		SecurityCode    string          `json:"security_code"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return c.refuse(http.StatusBadRequest, causeParams)
	}
	if in.CardID != "" {
		return s.tokenOfSaved(c, in.CardID, in.SecurityCode)
	}
	var owner struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(in.Cardholder, &owner) // none: the name is empty
	number := strings.ReplaceAll(in.CardNumber, " ", "")
	holder, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(owner.Name)), " ")
	if _, known := holders[holder]; !known {
		holder = "APRO"
	}
	if len(number) < 14 || len(number) > 19 || strings.Trim(number, "0123456789") != "" {
		return c.refuse(http.StatusBadRequest, causeCardNumber)
	}
	of := tokenOf{plainCard: plainCard{
		holder: holder, number: digitsOf(number), month: cmp.Or(in.ExpirationMonth, 11), year: cmp.Or(in.ExpirationYear, 2030), owner: in.Cardholder,
	}}
	token := makeToken(holder, number[len(number)-4:])
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	s.book.tokensMade[token] = of
	return jsonAnswer(http.StatusCreated, s.showToken(token, of, "active"))
}

func readCard(in createRequest, p *payment, _ time.Time) (causes []cause) {
	if in.Token == "" {
		causes = append(causes, causeNoCardToken)
	}
	if in.Installments < 1 {
		causes = append(causes, causeNoInstallments)
	}
	p.card = &usedCard{Token: in.Token, Installments: in.Installments, IssuerID: in.IssuerID, Reserve: in.Capture != nil && !*in.Capture, ThreeDS: in.ThreeDSecureMode == "optional"}
	return causes
}

// chargeCard uses up the token, and decides by the holder's name.
func (s *Simulator) chargeCard(c *call, p *payment) []cause {
	p.card.DeviceID = c.request.Header.Get("X-Meli-Session-Id")
	_, lastFour, ok := readToken(p.card.Token)
	switch {
	case !ok:
		return []cause{causeTokenUnknown}
	case s.book.tokenUsed(p.card.Token):
		return []cause{causeTokenUsed}
	}
	if causes := s.checkCustomer(p); len(causes) > 0 {
		return causes
	}
	if p.card.ThreeDS && lastFour == ChallengeCard[len(ChallengeCard)-4:] {
		p.status, p.detail = "pending", "pending_challenge"
		return nil
	}
	p.decideCard(p.created)
	return nil
}

// decideCard is what the card's bank decides.
func (p *payment) decideCard(now time.Time) {
	holder, _, _ := readToken(p.card.Token)
	p.status, p.detail = holders[holder].status, holders[holder].detail
	switch {
	case p.status != "approved":
	case p.card.Reserve:
		p.status, p.detail, p.expires = "authorized", "pending_capture", p.created.Add(reservedFor)
	default:
		p.approved = now
	}
}

// reservedFor is how long a reserved sum may be captured.
const reservedFor = 5 * 24 * time.Hour

// capture takes a reserved sum, or a part of it; an amount of 0 is all.
func (b *book) capture(id string, amount int64, now time.Time) (payment, error) {
	return b.move(id, now, func(p *payment) error {
		if p.status != "authorized" {
			return errState{p.status, p.detail}
		}
		if amount > p.amount {
			return errCaptureAmount
		}
		p.amount = cmp.Or(amount, p.amount)
		p.status, p.detail, p.approved = "approved", "accredited", now
		return nil
	})
}

var errCaptureAmount = errors.New("more than was reserved")

// tokenUsed says whether a payment was made with the token, or a card was saved.
func (b *book) tokenUsed(token string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.tokens[token] || b.tokensMade[token].used
}

// decide ends the review of a payment, or the buyer's authentication.
func (b *book) decide(id, status, detail string, now time.Time) (payment, error) {
	return b.move(id, now, func(p *payment) error {
		if p.status != "in_process" {
			return errState{p.status, p.detail}
		}
		p.status, p.detail = status, detail
		if status == "approved" {
			p.approved = now
		}
		return nil
	})
}

// Approve ends the review of a card payment well, Reject badly. They fail when the payment is not in review.
func (s *Simulator) Approve(paymentID string) error {
	return s.decide(paymentID, "approved", "accredited")
}

// Reject is the other end, see Approve.
func (s *Simulator) Reject(paymentID string) error {
	return s.decide(paymentID, "rejected", "cc_rejected_high_risk")
}

func (s *Simulator) decide(paymentID, status, detail string) error {
	p, err := s.book.decide(paymentID, status, detail, time.Now())
	if err != nil {
		return fmt.Errorf("end the review of %s: %w", paymentID, err)
	}
	s.notifyUpdated(p)
	return nil
}

// showCard adds what only a card has. Its expiry is masked, as it is since 2026.
func (s *Simulator) showCard(c *call, p payment, a *paymentAnswer) {
	holder, lastFour, _ := readToken(p.card.Token)
	a.IssuerID, a.PaymentTypeID, a.Installments = p.card.IssuerID, cardBrands[p.method], p.card.Installments
	a.PaymentMethod = methodAnswer{p.method, a.PaymentTypeID, p.card.IssuerID}
	a.PointOfInteraction = pointOfInteraction{Type: "CHECKOUT", BusinessInfo: businessInfo, Location: location, ApplicationData: application}
	a.Captured, a.DateOfExpiration = !p.approved.IsZero(), date{}
	s.showChallenge(c, p, a)
	a.Card = map[string]any{
		"id": nil, "first_six_digits": "503143", "last_four_digits": lastFour, "expiration_month": "***", "expiration_year": "***",
		"date_created": date(p.created.In(manaus)), "date_last_updated": date(p.created.In(manaus)),
		"cardholder": map[string]any{"name": holder, "identification": p.payer.Identification},
	}
}

// Holders lists the names of test cards' holders.
func Holders() []string {
	var names []string
	for name := range holders {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// NumberOf is the number of a test card like a token's: of the one whose bank asks for a challenge, or of another one.
func NumberOf(token string) string {
	if _, lastFour, _ := readToken(token); lastFour == ChallengeCard[len(ChallengeCard)-4:] {
		return ChallengeCard
	}
	return "5031433215406351"
}

// HolderOf is the name of a token's holder; "" for a text that is no token.
func HolderOf(token string) string {
	holder, _, _ := readToken(token)
	return holder
}
