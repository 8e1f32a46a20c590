package mercadopago

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Preference is what Checkout Pro calls a sale that is paid on its own page.
type Preference struct {
	ID     string
	PayURL string // init_point; sandbox_init_point is not to be used (guide "checkout pro")
}

// preferenceRequest is a preference as we ask for it (API reference, preferences). The SDK's leaves out what is false or zero.
type preferenceRequest struct {
	Items             []preferenceItem   `json:"items"`
	Payer             *preferencePayer   `json:"payer,omitempty"`
	BackURLs          *payment.BackURLs  `json:"back_urls,omitempty"`
	AutoReturn        string             `json:"auto_return,omitempty"`
	NotificationURL   string             `json:"notification_url,omitempty"`
	ExternalReference string             `json:"external_reference"`
	PaymentMethods    *preferenceMethods `json:"payment_methods,omitempty"`
	Expires           bool               `json:"expires"`
	From              string             `json:"expiration_date_from"`
	To                string             `json:"expiration_date_to"`
	Metadata          map[string]string  `json:"metadata"`
}

type preferenceItem struct {
	ID         string      `json:"id"`
	Title      string      `json:"title"`
	Quantity   int         `json:"quantity"`
	CurrencyID string      `json:"currency_id"`
	UnitPrice  json.Number `json:"unit_price"`
}

type preferencePayer struct {
	Email string `json:"email"`
}

type preferenceMethods struct {
	ExcludedTypes []preferenceType `json:"excluded_payment_types,omitempty"`
	Installments  int              `json:"installments,omitempty"`
}

type preferenceType struct {
	ID string `json:"id"`
}

// preferenceTypes are the payment_type_id of what a checkout may leave out.
var preferenceTypes = map[payment.OfferType]string{
	payment.OfferPix: "bank_transfer", payment.OfferBoleto: "ticket",
	payment.OfferCreditCard: "credit_card", payment.OfferDebitCard: "debit_card", payment.OfferPrepaidCard: "prepaid_card",
}

// preferenceRequest is made of the stored checkout alone, as the requests of charges are. It ends at a given time.
func (c *Client) preferenceRequest(of payment.Checkout, end time.Time) preferenceRequest {
	r := preferenceRequest{
		NotificationURL: c.notify(""), ExternalReference: of.ID,
		Expires: true, From: preferenceDate(of.CreatedAt.Add(-clockRoom)), To: preferenceDate(end), Metadata: map[string]string{"checkout_id": of.ID},
	}
	for i, line := range of.Lines() {
		r.Items = append(r.Items, preferenceItem{
			ID: fmt.Sprint(i + 1), Title: line.Title, Quantity: line.Quantity, CurrencyID: of.Amount.Currency, UnitPrice: json.Number(reais(line.UnitPrice)),
		})
	}
	if of.Email != "" {
		r.Payer = &preferencePayer{Email: of.Email}
	}
	if of.BackURLs != (payment.BackURLs{}) {
		r.BackURLs = &of.BackURLs
	}
	if of.BackURLs.Success != "" {
		r.AutoReturn = "approved"
	}
	if len(of.Exclude) > 0 || of.Installments > 0 {
		r.PaymentMethods = &preferenceMethods{Installments: of.Installments}
		for _, t := range of.Exclude {
			r.PaymentMethods.ExcludedTypes = append(r.PaymentMethods.ExcludedTypes, preferenceType{preferenceTypes[t]})
		}
	}
	return r
}

// clockRoom is how far our clock may be ahead of Mercado Pago's: the buyer shall be able to pay at once.
const clockRoom = 5 * time.Minute

func preferenceDate(t time.Time) string {
	return t.Truncate(time.Second).In(legalTime).Format("2006-01-02T15:04:05.000-07:00")
}

// MakePreference asks for the page on which a checkout is paid. Mercado Pago promises nothing for a second request with the same key, so that
// two preferences may come of it: both have our reference, and whatever is paid on either is found by that.
func (c *Client) MakePreference(ctx context.Context, of payment.Checkout) (Preference, error) {
	var made Preference
	key := payment.NamedCheckoutKey(of.ID, "create")
	err := c.ask(ctx, opMakePreference, of.ID, key, func(ctx context.Context) error {
		return c.raw(ctx, http.MethodPost, "/checkout/preferences", nil, c.preferenceRequest(of, of.End()))
	}, func(body []byte) (err error) {
		made, err = c.readPreference(body, of.ID)
		return err
	})
	if err != nil {
		return Preference{}, fmt.Errorf("make the preference of checkout %s: %w", of.ID, err)
	}
	return made, nil
}

// FindPreference looks for the preference of a checkout, the oldest if there are several. The search may lag, so that false is no proof.
func (c *Client) FindPreference(ctx context.Context, checkoutID string) (Preference, bool, error) {
	doing := "find the preference of checkout " + checkoutID
	var id string
	query := url.Values{"external_reference": {checkoutID}}
	err := c.ask(ctx, opFindPreference, checkoutID, "", c.get("/checkout/preferences/search", query), func(body []byte) (err error) {
		id, err = readPreferences(body, checkoutID)
		return err
	})
	if err != nil || id == "" {
		return Preference{}, false, wrapped(doing, err)
	}
	var found Preference
	err = c.ask(ctx, opGetPreference, checkoutID, "", c.get("/checkout/preferences/"+id, nil), func(body []byte) (err error) {
		found, err = c.readPreference(body, checkoutID)
		return err
	})
	return found, err == nil, wrapped(doing, err)
}

// ClosePreference ends the time in which a checkout's page can be paid: now. Mercado Pago's answer says that the end is stored, and a payment that is
// under way may still come.
func (c *Client) ClosePreference(ctx context.Context, of payment.Checkout, now time.Time) error {
	if !preferenceID(of.PreferenceID) {
		return fmt.Errorf("close the preference of checkout %s: no id", of.ID)
	}
	key := payment.NamedCheckoutKey(of.ID, "close")
	err := c.ask(ctx, opClosePreference, of.ID, key, func(ctx context.Context) error {
		return c.raw(ctx, http.MethodPut, "/checkout/preferences/"+of.PreferenceID, nil, c.preferenceRequest(of, now))
	}, func(body []byte) error {
		_, err := c.readPreference(body, of.ID)
		return err
	})
	return wrapped("close the preference of checkout "+of.ID, err)
}

func wrapped(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// preferenceBody is what matters of a preference, in Mercado Pago's words.
type preferenceBody struct {
	ID                text `json:"id"`
	InitPoint         text `json:"init_point"`
	ExternalReference text `json:"external_reference"`
	CollectorID       text `json:"collector_id"`
	DateCreated       date `json:"date_created"`
}

func (c *Client) readPreference(body []byte, checkoutID string) (Preference, error) {
	var p preferenceBody
	if err := json.Unmarshal(body, &p); err != nil {
		return Preference{}, unreadable(err)
	}
	page, err := url.Parse(string(p.InitPoint))
	ours := c.reader().collector
	switch {
	case !preferenceID(string(p.ID)):
		return Preference{}, unreadable(errors.New("no preference id"))
	case string(p.ExternalReference) != checkoutID:
		return Preference{}, unreadable(fmt.Errorf("preference %s has another reference", p.ID))
	case ours != "" && p.CollectorID != "" && string(p.CollectorID) != ours:
		return Preference{}, &failure.Error{Kind: failure.Conflict, Message: "the preference belongs to another account of Mercado Pago"}
	case err != nil || page.Host == "" || page.Scheme != "https" && page.Scheme != c.requester.base.Scheme:
		return Preference{}, unreadable(fmt.Errorf("preference %s without a page", p.ID))
	}
	return Preference{ID: string(p.ID), PayURL: page.String()}, nil
}

// readPreferences is the id of the oldest preference of a checkout in a search's answer, or "".
func readPreferences(body []byte, checkoutID string) (string, error) {
	var found struct {
		Elements *[]preferenceBody `json:"elements"`
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return "", unreadable(err)
	}
	if found.Elements == nil {
		return "", unreadable(errors.New("a search without elements")) // must not pass for "none"
	}
	all := slices.DeleteFunc(*found.Elements, func(p preferenceBody) bool {
		return string(p.ExternalReference) != checkoutID || !preferenceID(string(p.ID))
	})
	if len(all) == 0 {
		return "", nil
	}
	oldest := slices.MinFunc(all, func(a, b preferenceBody) int { return a.DateCreated.Compare(b.DateCreated.Time) })
	return string(oldest.ID), nil
}

// preferenceID says whether s may be an id of a preference, which stands in an address: the account's number and a UUID.
func preferenceID(s string) bool {
	return s != "" && len(s) <= 100 && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == ""
}
