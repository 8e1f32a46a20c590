package simulator

import (
	"encoding/json"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// customer is a buyer in the vault. A simulator that starts anew has forgotten it.
type customer struct {
	id      string
	fields  customerFields
	created time.Time
	updated time.Time
	cards   []vaultCard
}

type customerFields struct {
	Email          string         `json:"email"`
	FirstName      string         `json:"first_name"`
	LastName       string         `json:"last_name"`
	Identification identification `json:"identification"`
	Description    string         `json:"description"`
}

// vaultCard is a card in the vault.
type vaultCard struct {
	plainCard
	id      string
	created time.Time
}

// plainCard is what a token says of its card.
type plainCard struct {
	holder, number string // the first six and the last four digits of the number
	month, year    int
	owner          json.RawMessage // cardholder
}

// tokenOf is what is known of a token that this process has made.
type tokenOf struct {
	plainCard
	customer, card string // of a saved card
	used           bool   // for saving the card; payments have a list of their own
}

// A customer's id says itself that it is one, as a token does, so that payments of a history that is played again find theirs.
func (s *Simulator) newCustomerID() string {
	body := strconv.FormatInt(s.config.CollectorID, 10) + "-" + strings.ReplaceAll(uuid.NewString(), "-", "")[:8]
	return body + tokenCheck(body)[:6]
}

func isCustomerID(id string) bool {
	return len(id) > 16 && tokenCheck(id[:len(id)-6])[:6] == id[len(id)-6:]
}

func (c *customer) clone() customer {
	copied := *c
	copied.cards = slices.Clone(c.cards)
	return copied
}

// createCustomer adds a customer. There is one for each e-mail address.
func (s *Simulator) createCustomer(c *call) answer {
	s.hold(c)
	var in customerFields
	if json.Unmarshal(c.body, &in) != nil {
		return c.refuse(http.StatusBadRequest, causeParams)
	}
	if address, err := mail.ParseAddress(in.Email); err != nil || address.Address != in.Email {
		return c.refuse(http.StatusBadRequest, causeCustomerEmail)
	}
	now := time.Now().Truncate(time.Millisecond)
	b := s.book
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, other := range b.customers {
		if strings.EqualFold(other.fields.Email, in.Email) {
			return c.refuse(http.StatusBadRequest, causeCustomerExists)
		}
	}
	made := &customer{id: s.newCustomerID(), fields: in, created: now, updated: now}
	b.customers[made.id] = made
	return jsonAnswer(http.StatusCreated, s.showCustomer(made.clone()))
}

func (s *Simulator) searchCustomers(c *call) answer {
	s.hold(c)
	query := c.request.URL.Query()
	found := []map[string]any{}
	s.book.mu.RLock()
	defer s.book.mu.RUnlock()
	for _, one := range s.book.customers {
		hidden := c.fault.Kind == KindSearchLag && (c.fault.Delay == 0 || time.Since(one.created) < c.fault.Delay)
		if !hidden && strings.EqualFold(one.fields.Email, query.Get("email")) {
			found = append(found, s.showCustomer(one.clone()))
		}
	}
	return jsonAnswer(http.StatusOK, map[string]any{"paging": paging{len(found), 10, 0}, "results": found})
}

// withCustomer answers about the customer of the path, with the book locked.
func (s *Simulator) withCustomer(c *call, do func(*customer) answer) answer {
	s.hold(c)
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	found, ok := s.book.customers[c.request.PathValue("customer")]
	if !ok {
		return c.refuse(http.StatusNotFound)
	}
	return do(found)
}

func (s *Simulator) getCustomer(c *call) answer {
	return s.withCustomer(c, func(found *customer) answer { return jsonAnswer(http.StatusOK, s.showCustomer(found.clone())) })
}

// updateCustomer changes the fields that are sent, except the e-mail address.
func (s *Simulator) updateCustomer(c *call) answer {
	return s.withCustomer(c, func(found *customer) answer {
		in := found.fields
		if json.Unmarshal(c.body, &in) != nil {
			return c.refuse(http.StatusBadRequest, causeParams)
		}
		in.Email = found.fields.Email
		found.fields, found.updated = in, time.Now().Truncate(time.Millisecond)
		return jsonAnswer(http.StatusOK, s.showCustomer(found.clone()))
	})
}

func (s *Simulator) deleteCustomer(c *call) answer {
	return s.withCustomer(c, func(found *customer) answer {
		delete(s.book.customers, found.id)
		s.book.customersGone[found.id] = true
		return jsonAnswer(http.StatusOK, s.showCustomer(found.clone()))
	})
}

// saveCard uses up a token, and adds its card, unless the customer has the same one.
func (s *Simulator) saveCard(c *call) answer {
	return s.withCustomer(c, func(found *customer) answer {
		var in struct {
			Token string `json:"token"`
		}
		if json.Unmarshal(c.body, &in) != nil || in.Token == "" {
			return c.refuse(http.StatusBadRequest, causeNoCardToken)
		}
		of, ok := s.book.tokenOf(in.Token)
		switch {
		case !ok:
			return c.refuse(http.StatusBadRequest, causeTokenUnknown)
		case of.used || of.card != "" || s.book.tokens[in.Token]:
			return c.refuse(http.StatusBadRequest, causeTokenUsed)
		}
		of.used = true
		s.book.tokensMade[in.Token] = of
		i := slices.IndexFunc(found.cards, func(card vaultCard) bool {
			return card.number == of.number && card.month == of.month && card.year == of.year
		})
		if i < 0 {
			i = len(found.cards)
			found.cards = append(found.cards, vaultCard{plainCard: of.plainCard, id: strconv.FormatInt(nextID(), 10), created: time.Now().Truncate(time.Millisecond)})
		}
		return jsonAnswer(http.StatusCreated, showVaultCard(found.id, found.cards[i]))
	})
}

func (s *Simulator) listCards(c *call) answer {
	return s.withCustomer(c, func(found *customer) answer {
		shown := []map[string]any{}
		for _, card := range found.cards {
			shown = append(shown, showVaultCard(found.id, card))
		}
		return jsonAnswer(http.StatusOK, shown)
	})
}

func (s *Simulator) getCard(c *call) answer { return s.onCard(c, func(*customer, int) {}) }

func (s *Simulator) deleteCard(c *call) answer {
	return s.onCard(c, func(found *customer, i int) { found.cards = slices.Delete(found.cards, i, i+1) })
}

// onCard answers with a card as it is before do.
func (s *Simulator) onCard(c *call, do func(found *customer, i int)) answer {
	return s.withCustomer(c, func(found *customer) answer {
		i := slices.IndexFunc(found.cards, func(card vaultCard) bool { return card.id == c.request.PathValue("card") })
		if i < 0 {
			return c.refuse(http.StatusNotFound)
		}
		card := found.cards[i]
		do(found, i)
		return jsonAnswer(http.StatusOK, showVaultCard(found.id, card))
	})
}

// tokenOfSaved makes a token of a saved card, as the buyer's browser asks for it with the card's security code.
func (s *Simulator) tokenOfSaved(c *call, cardID, securityCode string) answer {
	b := s.book
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, found := range b.customers {
		for _, card := range found.cards {
			if card.id != cardID {
				continue
			}
			if len(securityCode) < 3 || len(securityCode) > 4 {
				return c.refuse(http.StatusBadRequest, causeSecurityCode)
			}
			of := tokenOf{plainCard: card.plainCard, customer: found.id, card: card.id}
			token := makeToken(of.holder, of.number[len(of.number)-4:])
			b.tokensMade[token] = of
			return jsonAnswer(http.StatusCreated, s.showToken(token, of, "active"))
		}
	}
	return c.refuse(http.StatusBadRequest, causeCardID)
}

// getCardToken shows a token, with what became of it.
func (s *Simulator) getCardToken(c *call) answer {
	s.hold(c)
	token := c.request.PathValue("token")
	s.book.mu.RLock()
	defer s.book.mu.RUnlock()
	of, ok := s.book.tokenOf(token)
	if !ok {
		return c.refuse(http.StatusNotFound, causeTokenUnknown)
	}
	status := "active"
	if of.used || s.book.tokens[token] {
		status = "used"
	}
	return jsonAnswer(http.StatusOK, s.showToken(token, of, status))
}

// tokenOf is what a token is of. The caller has the lock.
func (b *book) tokenOf(token string) (tokenOf, bool) {
	if of, ok := b.tokensMade[token]; ok {
		return of, true
	}
	holder, _, ok := readToken(token)
	return tokenOf{plainCard: plainCard{holder: holder, number: digitsOf(NumberOf(token)), month: 11, year: 2030}}, ok
}

// digitsOf is what may be shown of a card's number.
func digitsOf(number string) string { return number[:6] + number[len(number)-4:] }

// checkCustomer takes from the vault what a payment does not say of its customer. It refuses the payment of a customer that there is not, and a saved card's payment without its customer.
func (s *Simulator) checkCustomer(p *payment) []cause {
	b := s.book
	b.mu.RLock()
	defer b.mu.RUnlock()
	of := b.tokensMade[p.card.Token]
	payer, known := b.customers[p.payer.ID]
	if known && p.payer.Identification == (identification{}) {
		p.payer.Identification = payer.fields.Identification
	}
	switch {
	case p.payer.Type == "customer" && (!known && !isCustomerID(p.payer.ID) || b.customersGone[p.payer.ID]):
		return []cause{causePayerUnknown}
	case of.customer != "" && (p.payer.Type != "customer" || p.payer.ID != of.customer):
		return []cause{causeTokenInvalid}
	}
	return nil
}

func (s *Simulator) showToken(token string, of tokenOf, status string) map[string]any {
	now := time.Now()
	shown := map[string]any{
		"id": token, "status": status, "first_six_digits": of.number[:6], "last_four_digits": of.number[6:],
		"expiration_month": of.month, "expiration_year": of.year, "security_code_length": 3, "card_number_length": 16,
		"date_created": date(now.In(manaus)), "date_last_updated": date(now.In(manaus)), "date_due": date(now.AddDate(0, 0, 7).In(manaus)),
		"luhn_validation": true, "live_mode": s.config.LiveMode, "require_esc": false,
	}
	if len(of.owner) > 0 {
		shown["cardholder"] = of.owner
	}
	if of.card != "" {
		shown["card_id"] = of.card
	}
	return shown
}

func (s *Simulator) showCustomer(c customer) map[string]any {
	cards := []map[string]any{}
	for _, card := range c.cards {
		cards = append(cards, showVaultCard(c.id, card))
	}
	shown := map[string]any{
		"id": c.id, "email": c.fields.Email, "date_created": date(c.created.In(manaus)), "date_last_updated": date(c.updated.In(manaus)),
		"metadata": map[string]any{}, "cards": cards, "addresses": []any{}, "live_mode": s.config.LiveMode,
	}
	for name, text := range map[string]string{"first_name": c.fields.FirstName, "last_name": c.fields.LastName, "description": c.fields.Description} {
		if text != "" {
			shown[name] = text
		}
	}
	if c.fields.Identification != (identification{}) {
		shown["identification"] = c.fields.Identification
	}
	if len(c.cards) > 0 {
		shown["default_card"] = c.cards[0].id
	}
	return shown
}

func showVaultCard(customerID string, c vaultCard) map[string]any {
	shown := map[string]any{
		"id": c.id, "customer_id": customerID, "first_six_digits": c.number[:6], "last_four_digits": c.number[6:],
		"expiration_month": c.month, "expiration_year": c.year, "user_id": "1164726384", "live_mode": false,
		"date_created": date(c.created.In(manaus)), "date_last_updated": date(c.created.In(manaus)),
		"security_code": map[string]any{"length": 3, "card_location": "back"},
	}
	for _, b := range brands {
		if slices.ContainsFunc(b.bins, func(bin string) bool { return strings.HasPrefix(c.number, bin) }) {
			shown["issuer"] = map[string]any{"id": b.issuer, "name": b.bank}
			shown["payment_method"] = map[string]any{
				"id": b.id, "name": b.name, "payment_type_id": cardBrands[b.id], "thumbnail": thumbnails + b.id + "-m.svg", "secure_thumbnail": thumbnails + b.id + "-m.svg",
			}
			break
		}
	}
	if len(c.owner) > 0 {
		shown["cardholder"] = c.owner
	}
	return shown
}
