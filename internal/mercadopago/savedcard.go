package mercadopago

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// vaultCardBody is what matters of a saved card, in Mercado Pago's words (API reference, cards). The holder's name is not read.
type vaultCardBody struct {
	ID              text `json:"id"`
	FirstSix        text `json:"first_six_digits"`
	LastFour        text `json:"last_four_digits"`
	ExpirationMonth text `json:"expiration_month"`
	ExpirationYear  text `json:"expiration_year"`
	DateCreated     date `json:"date_created"`
	PaymentMethod   struct {
		ID text `json:"id"`
	} `json:"payment_method"`
}

func (b vaultCardBody) read() (payment.ProviderCard, error) {
	if !vaultID.MatchString(string(b.ID)) {
		return payment.ProviderCard{}, unreadable(errors.New("a saved card without an id"))
	}
	return payment.ProviderCard{
		ID: string(b.ID), Brand: string(b.PaymentMethod.ID), FirstSix: shortDigits(b.FirstSix, 8), LastFour: shortDigits(b.LastFour, 4),
		ExpiresMonth: within(b.ExpirationMonth, 1, 12), ExpiresYear: within(b.ExpirationYear, 2000, 9999), CreatedAt: b.DateCreated.Time,
	}, nil
}

// shortDigits is a text of a few digits; "" for any other, such as a whole card number.
func shortDigits(t text, most int) string {
	if len(t) > most || !decimal(string(t)) {
		return ""
	}
	return string(t)
}

// within is a number within bounds; 0 for anything else, such as a masked one.
func within(t text, least, most int) int {
	n, err := strconv.Atoi(string(t))
	if err != nil || n < least || n > most {
		return 0
	}
	return n
}

// SaveCard saves the card of a single-use token for a customer. An answer that is lost leaves a token that is used up: asked again with the
// same token, it finds the card among the customer's by what Mercado Pago shows of both. Kind Invalid says that the token is used, too old or
// not known, and that its card is not saved; NotFound that the customer is gone.
func (c *Client) SaveCard(ctx context.Context, customerID, token string) (saved payment.ProviderCard, err error) {
	if !vaultID.MatchString(customerID) || !vaultID.MatchString(token) {
		return saved, &failure.Error{Kind: failure.Invalid, Message: "not a customer or a token of Mercado Pago's"}
	}
	err = c.ask(ctx, opSaveCard, customerID, "", func(ctx context.Context) error {
		return c.raw(ctx, http.MethodPost, cardsOf(customerID), nil, map[string]string{"token": token})
	}, func(body []byte) error {
		var b vaultCardBody
		if err := json.Unmarshal(body, &b); err != nil {
			return unreadable(err)
		}
		saved, err = b.read()
		return err
	})
	if failure.KindOf(err) == failure.Invalid {
		found, there, searchErr := c.savedBefore(ctx, customerID, token)
		if there || searchErr != nil {
			saved, err = found, searchErr
		}
	}
	if err != nil {
		return payment.ProviderCard{}, fmt.Errorf("save a card of customer %s: %w", customerID, err)
	}
	return saved, nil
}

// savedBefore looks for the card that an earlier call has saved with a token. Only the card itself is certain: of two that look alike the
// newest is the one.
func (c *Client) savedBefore(ctx context.Context, customerID, token string) (saved payment.ProviderCard, found bool, err error) {
	of, err := c.cardOfToken(ctx, token)
	if failure.KindOf(err) == failure.NotFound || failure.KindOf(err) == failure.Invalid {
		return saved, false, nil
	}
	if err != nil || of.status != "used" || of.LastFour == "" {
		return saved, false, err
	}
	cards, err := c.vaultCards(ctx, customerID)
	if err != nil {
		return saved, false, err
	}
	for _, card := range cards {
		alike := card.FirstSix == of.FirstSix && card.LastFour == of.LastFour &&
			(card.ExpiresYear == of.ExpiresYear && card.ExpiresMonth == of.ExpiresMonth || card.ExpiresYear == 0 || of.ExpiresYear == 0)
		if alike && (!found || card.CreatedAt.After(saved.CreatedAt)) {
			saved, found = card, true
		}
	}
	return saved, found, nil
}

// tokenCard is a card as its token shows it.
type tokenCard struct {
	payment.ProviderCard
	status text
}

func (c *Client) cardOfToken(ctx context.Context, token string) (of tokenCard, err error) {
	err = c.ask(ctx, opToken, "token", "", c.get("/v1/card_tokens/"+token, nil), func(body []byte) error {
		var b struct {
			vaultCardBody
			Status text `json:"status"`
		}
		if err := json.Unmarshal(body, &b); err != nil {
			return unreadable(err)
		}
		card, err := b.read()
		of = tokenCard{card, b.Status}
		return err
	})
	return of, err
}

func (c *Client) vaultCards(ctx context.Context, customerID string) (cards []payment.ProviderCard, err error) {
	err = c.ask(ctx, opCards, customerID, "", c.get(cardsOf(customerID), nil), func(body []byte) error {
		bodies, err := eachOf[vaultCardBody](body)
		if err != nil {
			return err
		}
		for _, b := range bodies {
			if card, err := b.read(); err == nil {
				cards = append(cards, card)
			}
		}
		return nil
	})
	return cards, err
}

func cardsOf(customerID string) string { return "/v1/customers/" + customerID + "/cards" }
