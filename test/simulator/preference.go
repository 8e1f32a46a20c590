package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// preference is a sale that is paid on the simulator's own page (Checkout Pro). Its fields are in the file that a simulator continues from.
type preference struct {
	ID      string            `json:"id"`
	Request preferenceRequest `json:"request"`
	Amount  int64             `json:"amount"` // centavos, of all items
	Created time.Time         `json:"created"`
	Updated time.Time         `json:"updated"`
	Order   string            `json:"order"` // the id of its merchant order
}

// preferenceRequest is the body of POST and PUT, as it is given back in answers.
type preferenceRequest struct {
	Items []preferenceItem `json:"items"`
	Payer struct {
		Email string `json:"email,omitempty"`
	} `json:"payer"`
	BackURLs struct {
		Success string `json:"success"`
		Pending string `json:"pending"`
		Failure string `json:"failure"`
	} `json:"back_urls"`
	AutoReturn        string `json:"auto_return,omitempty"`
	NotificationURL   string `json:"notification_url,omitempty"`
	ExternalReference string `json:"external_reference"`
	PaymentMethods    struct {
		ExcludedTypes []struct {
			ID string `json:"id"`
		} `json:"excluded_payment_types"`
		Installments int `json:"installments,omitempty"`
	} `json:"payment_methods"`
	Expires  bool            `json:"expires"`
	From     string          `json:"expiration_date_from,omitempty"`
	To       string          `json:"expiration_date_to,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

type preferenceItem struct {
	ID         string          `json:"id"`
	Title      string          `json:"title"`
	Quantity   int             `json:"quantity"`
	CurrencyID string          `json:"currency_id"`
	UnitPrice  json.RawMessage `json:"unit_price"`
}

// knownPreferenceFields are the fields that a preference knows.
var knownPreferenceFields = []string{
	"additional_info", "auto_return", "back_urls", "binary_mode", "date_of_expiration", "differential_pricing", "expiration_date_from",
	"expiration_date_to", "expires", "external_reference", "items", "marketplace", "marketplace_fee", "metadata", "notification_url", "payer",
	"payment_methods", "shipments", "statement_descriptor", "tracks",
}

var (
	errUnknownPreference = errors.New("there is no such preference")
	causeNoPreference    = cause{Code: "not_found", Description: "Preference not found"}
	referenceText        = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)
)

// readPreference reads a request, or says what is wrong with it.
func readPreference(body []byte) (in preferenceRequest, amount int64, wrong []cause) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || json.Unmarshal(body, &in) != nil {
		return in, 0, []cause{causeParams}
	}
	invalid := func(what string) {
		wrong = append(wrong, cause{Code: "invalid_" + what, Description: what + " invalid"})
	}
	for name := range fields {
		if !slices.Contains(knownPreferenceFields, name) {
			invalid(name)
		}
	}
	if len(in.Items) == 0 {
		invalid("items")
	}
	for _, item := range in.Items {
		price, causes := centavos(item.UnitPrice)
		if item.Title == "" || item.Quantity < 1 || item.CurrencyID != "BRL" || len(causes) > 0 {
			invalid("items")
		}
		amount += price * int64(item.Quantity)
	}
	if !referenceText.MatchString(in.ExternalReference) {
		invalid("external_reference")
	}
	for _, date := range []string{in.From, in.To} {
		if date != "" && !dateText.MatchString(date) {
			invalid("expiration_date")
		}
	}
	if in.AutoReturn != "" && in.BackURLs.Success == "" {
		invalid("auto_return")
	}
	wrong = append(wrong, checkURL(in.NotificationURL)...)
	// A return address that is not https is left out, without a word.
	for _, back := range []*string{&in.BackURLs.Success, &in.BackURLs.Pending, &in.BackURLs.Failure} {
		if u, err := url.Parse(*back); err != nil || u.Scheme != "https" || u.Hostname() == "localhost" {
			*back = ""
		}
	}
	return in, amount, wrong
}

// createPreference makes a preference, another one for each request: nothing promises that a key is remembered here.
func (s *Simulator) createPreference(c *call) answer {
	s.hold(c)
	in, amount, wrong := readPreference(c.body)
	if len(wrong) > 0 {
		return c.refuse(http.StatusBadRequest, wrong...)
	}
	p := s.newPreference(in, amount)
	s.book.keepPreference(p)
	return jsonAnswer(http.StatusCreated, s.preferenceAnswer(c, p))
}

func (s *Simulator) newPreference(in preferenceRequest, amount int64) preference {
	now := time.Now().Truncate(time.Millisecond)
	return preference{
		ID: strconv.FormatInt(s.config.CollectorID, 10) + "-" + uuid.NewString(), Request: in, Amount: amount, Created: now, Updated: now,
		Order: strconv.FormatInt(30_000_000_000+nextID()%10_000_000_000, 10),
	}
}

func (s *Simulator) getPreference(c *call) answer {
	s.hold(c)
	p, ok := s.book.preference(c.request.PathValue("id"))
	if !ok {
		return c.refuse(http.StatusNotFound, causeNoPreference)
	}
	return jsonAnswer(http.StatusOK, s.preferenceAnswer(c, p))
}

// updatePreference replaces what the preference was made of.
func (s *Simulator) updatePreference(c *call) answer {
	s.hold(c)
	p, ok := s.book.preference(c.request.PathValue("id"))
	if !ok {
		return c.refuse(http.StatusNotFound, causeNoPreference)
	}
	in, amount, wrong := readPreference(c.body)
	if len(wrong) > 0 {
		return c.refuse(http.StatusBadRequest, wrong...)
	}
	p.Request, p.Amount, p.Updated = in, amount, time.Now().Truncate(time.Millisecond)
	s.book.keepPreference(p)
	return jsonAnswer(http.StatusOK, s.preferenceAnswer(c, p))
}

func (s *Simulator) searchPreferences(c *call) answer {
	s.hold(c)
	elements := []map[string]any{}
	if c.fault.Kind != KindSearchLag {
		for _, p := range s.book.preferencesOf(c.request.URL.Query().Get("external_reference")) {
			elements = append(elements, s.preferenceAnswer(c, p))
		}
	}
	return jsonAnswer(http.StatusOK, map[string]any{"elements": elements, "paging": paging{len(elements), maxLimit, 0}})
}

func (s *Simulator) preferenceAnswer(c *call, p preference) map[string]any {
	collector := s.config.CollectorID
	if c.fault.Kind == KindOtherAccount {
		collector++
	}
	page := s.publicURL(c.request) + "/checkout/v1/redirect?pref_id=" + p.ID
	a := map[string]any{
		"id": p.ID, "init_point": page, "sandbox_init_point": strings.Replace(page, "/checkout/", "/sandbox/", 1), "items": p.Request.Items,
		"payer": p.Request.Payer, "payment_methods": p.Request.PaymentMethods, "back_urls": p.Request.BackURLs,
		"external_reference": p.Request.ExternalReference, "date_created": date(p.Created.In(manaus)), "last_updated": date(p.Updated.In(manaus)),
		"total_amount": amounts{}.of(p.Amount), "expires": p.Request.Expires, "collector_id": collector, "client_id": "4222763492741",
		"marketplace": "NONE", "marketplace_fee": 0, "auto_return": p.Request.AutoReturn, "notification_url": p.Request.NotificationURL, "site_id": "MLB",
	}
	if p.Request.From != "" {
		a["expiration_date_from"] = p.Request.From
	}
	if p.Request.To != "" {
		a["expiration_date_to"] = p.Request.To
	}
	if len(p.Request.Metadata) > 0 {
		a["metadata"] = p.Request.Metadata
	}
	return a
}

// over says whether the buyer can no longer begin to pay.
func (p preference) over(now time.Time) bool {
	end, err := time.Parse(time.RFC3339Nano, p.Request.To)
	return p.Request.Expires && err == nil && !now.Before(end)
}

// offers says whether the page offers a way to pay.
func (p preference) offers(method string) bool {
	kind := map[string]string{"pix": "bank_transfer", "bolbradesco": "ticket", "account_money": "account_money"}[method]
	if kind == "" {
		kind = cardBrands[method]
	}
	return kind != "" && !slices.ContainsFunc(p.Request.PaymentMethods.ExcludedTypes, func(t struct {
		ID string `json:"id"`
	}) bool {
		return t.ID == kind
	})
}

// Attempt is how a buyer tries to pay on the page of a preference.
type Attempt struct {
	Method string `json:"method"` // payment_method_id: pix, account_money, or a card's brand
	Holder string `json:"holder"` // of a card: its name decides, see Holders
}

var (
	errClosedPreference = errors.New("the preference can no longer be paid")
	errNotOffered       = errors.New("the preference does not offer this")
)

// Try lets a buyer try to pay a preference, and returns the id of the payment that comes of it: a Pix that waits, or what the card's bank has
// decided. A preference that is paid takes another payment, as from a second window of the buyer's.
func (s *Simulator) Try(preferenceID string, a Attempt) (paymentID string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("try to pay preference %s: %w", preferenceID, err)
		}
	}()
	of, ok := s.book.preference(preferenceID)
	now := time.Now().Truncate(time.Millisecond)
	switch {
	case !ok:
		return "", errUnknownPreference
	case of.over(now):
		return "", errClosedPreference
	case !of.offers(a.Method):
		return "", errNotOffered
	}
	p := payment{
		key: "preference " + of.ID + " " + uuid.NewString(), preference: of.ID, order: of.Order, method: a.Method, reference: of.Request.ExternalReference,
		amount: of.Amount, created: now, notifyURL: of.Request.NotificationURL, text: of.Request.Items[0].Title,
		payer: payer{Email: of.Request.Payer.Email, FirstName: a.Holder}, metadata: of.Request.Metadata,
	}
	switch a.Method {
	case "pix":
		p.status, p.detail, p.expires = "pending", "pending_waiting_transfer", now.Add(defaultExpiry)
	case "account_money":
		p.status, p.detail, p.approved = "approved", "accredited", now
	case "bolbradesco":
		p.status, p.detail, p.expires = "pending", "pending_waiting_payment", now.AddDate(0, 0, 3)
	default:
		if _, known := holders[a.Holder]; !known {
			a.Holder = "APRO"
		}
		p.card = &usedCard{Token: makeToken(a.Holder, "6351"), Installments: 1}
		p.decideCard(now)
	}
	s.book.claim(p.key, nil)
	p = s.book.create(p)
	if id := p.id; !p.expires.IsZero() {
		s.expiries.at(p.expires, func() { s.expireDue(id) })
	}
	if n := s.notification(p, actionCreated); n != nil {
		s.sender.send(n, 0)
	}
	s.notifyOrder(p)
	return p.id, nil
}

// accountMoney is the balance of an account at Mercado Pago, which only its own page takes.
var accountMoney = method{feeRate: 498, read: func(createRequest, *payment, time.Time) []cause { return []cause{causeMethod} }, show: (*Simulator).showAccountMoney}

func (s *Simulator) showAccountMoney(_ *call, p payment, a *paymentAnswer) {
	a.PaymentTypeID = "account_money"
	a.PaymentMethod = methodAnswer{p.method, a.PaymentTypeID, ""}
	a.PointOfInteraction = pointOfInteraction{Type: "CHECKOUT", BusinessInfo: businessInfo, Location: location, ApplicationData: application}
}

// keepPreference stores a new or changed preference.
func (b *book) keepPreference(p preference) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.preferences[p.ID]; !known {
		b.preferencesByReference[p.Request.ExternalReference] = append(b.preferencesByReference[p.Request.ExternalReference], p.ID)
		b.orders[p.Order] = p.ID
	}
	b.preferences[p.ID] = p
	b.journal.writePreference(p)
}

func (b *book) preference(id string) (preference, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	p, ok := b.preferences[id]
	return p, ok
}

// preferencesOf are those with a reference, oldest first.
func (b *book) preferencesOf(reference string) (found []preference) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, id := range b.preferencesByReference[reference] {
		found = append(found, b.preferences[id])
	}
	return found
}

// MakePreference makes a preference of one item without a request, as another shop on the account does.
func (s *Simulator) MakePreference(reference string, amount int64) (id string, err error) {
	body, err := json.Marshal(map[string]any{
		"external_reference": reference,
		"items":              []map[string]any{{"id": "1", "title": "Outra venda", "quantity": 1, "currency_id": "BRL", "unit_price": amounts{}.of(amount)}},
	})
	if err != nil {
		return "", err
	}
	in, sum, wrong := readPreference(body)
	if len(wrong) > 0 {
		return "", errors.New(wrong[0].Description)
	}
	p := s.newPreference(in, sum)
	s.book.keepPreference(p)
	return p.ID, nil
}

// OrderOf is the id of a preference's merchant order.
func (s *Simulator) OrderOf(preferenceID string) (id string, ok bool) {
	p, ok := s.book.preference(preferenceID)
	return p.Order, ok
}

// PreferenceOver says whether a preference can no longer be paid.
func (s *Simulator) PreferenceOver(preferenceID string) bool {
	p, ok := s.book.preference(preferenceID)
	return ok && p.over(time.Now())
}
