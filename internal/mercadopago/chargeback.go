package mercadopago

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// chargebackBody is what matters of a chargeback, in Mercado Pago's words (API reference, chargebacks). The SDK has another object, which
// no answer fits.
type chargebackBody struct {
	ID                    text    `json:"id"`
	Payments              ids     `json:"payments"`
	Amount                amount  `json:"amount"`
	CoverageApplied       boolean `json:"coverage_applied"` // true: decided for the seller; null: not decided
	DocumentationRequired boolean `json:"documentation_required"`
	DocumentationStatus   text    `json:"documentation_status"`
	Deadline              date    `json:"date_documentation_deadline"`
	DateCreated           date    `json:"date_created"`
	DateLastUpdated       date    `json:"date_last_updated"`

	// The reference spells it in one way, the guides in the other.
	Elegible boolean `json:"coverage_elegible"`
	Eligible boolean `json:"coverage_eligible"`
}

// Chargeback reads a chargeback by Mercado Pago's id of it, a number of 18 digits.
func (c *Client) Chargeback(ctx context.Context, id string) (payment.ProviderDispute, error) {
	var found payment.ProviderDispute
	if !decimal(id) {
		return found, &failure.Error{Kind: failure.Invalid, Message: "Mercado Pago's chargeback IDs are decimal numbers"}
	}
	err := c.ask(ctx, opChargeback, id, "", c.get("/v1/chargebacks/"+id, nil), func(body []byte) error {
		var b chargebackBody
		if err := json.Unmarshal(body, &b); err != nil {
			return unreadable(err)
		}
		var err error
		if found, err = b.dispute(); err == nil && found.ID != id {
			err = unreadable(fmt.Errorf("the answer is about chargeback %s", found.ID))
		}
		return err
	})
	if err != nil {
		return payment.ProviderDispute{}, fmt.Errorf("read chargeback %s: %w", id, err)
	}
	c.reader().countDispute(found)
	return found, nil
}

// Chargebacks lists the chargebacks of a payment, by Mercado Pago's id of it. One that was just opened may be missing: nothing promises that
// the search has it.
func (c *Client) Chargebacks(ctx context.Context, providerPaymentID string) ([]payment.ProviderDispute, error) {
	if !decimal(providerPaymentID) {
		return nil, &failure.Error{Kind: failure.Invalid, Message: "Mercado Pago's payment IDs are decimal numbers"}
	}
	call := c.get("/v1/chargebacks/search", url.Values{"payment_id": {providerPaymentID}})
	found, err := searchDisputes[chargebackBody](ctx, c, opChargebacks, providerPaymentID, call)
	if err != nil {
		return nil, fmt.Errorf("search the chargebacks of payment %s: %w", providerPaymentID, err)
	}
	return found, nil
}

// get is a call that reads.
func (c *Client) get(path string, query url.Values) func(context.Context) error {
	return func(ctx context.Context) error { return c.raw(ctx, http.MethodGet, path, query, nil) }
}

// searchDisputes reads the disputes of a payment from a search's answer. The filter is Mercado Pago's, the promise is ours.
func searchDisputes[B interface {
	dispute() (payment.ProviderDispute, error)
}](ctx context.Context, c *Client, op operation, providerPaymentID string, call func(context.Context) error) ([]payment.ProviderDispute, error) {
	var found []payment.ProviderDispute
	err := c.ask(ctx, op, providerPaymentID, "", call, func(body []byte) error {
		results, _, err := searchResults[B](body)
		if err != nil {
			return err
		}
		for _, b := range results {
			d, err := b.dispute()
			if err != nil {
				return err
			}
			if slices.Contains(d.Payments, providerPaymentID) {
				c.reader().countDispute(d)
				found = append(found, d)
			}
		}
		return nil
	})
	return found, err
}

// searchResults are those of a search's answer, and how many there are on all its pages.
func searchResults[B any](body []byte) (results []B, total int, err error) {
	var page struct {
		Paging struct {
			Total text `json:"total"`
		} `json:"paging"`
		Results *[]B `json:"results"`
		Data    *[]B `json:"data"` // as the reference of claims has it
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, 0, unreadable(err)
	}
	found := cmp.Or(page.Results, page.Data)
	if found == nil {
		return nil, 0, unreadable(errors.New("a search without results")) // must not pass for "none"
	}
	total, _ = strconv.Atoi(string(page.Paging.Total))
	return *found, total, nil
}

func (b chargebackBody) dispute() (payment.ProviderDispute, error) {
	switch {
	case !decimal(string(b.ID)):
		return payment.ProviderDispute{}, unreadable(errors.New("no chargeback id"))
	case len(b.Payments) == 0:
		return payment.ProviderDispute{}, unreadable(fmt.Errorf("chargeback %s without a payment", b.ID))
	}
	status, known := b.status()
	d := payment.ProviderDispute{
		ID: string(b.ID), Kind: payment.Chargeback, Payments: b.Payments, Amount: b.Amount.centavos, Status: status,
		OpenedAt: b.DateCreated.Time, UpdatedAt: cmp.Or(b.DateLastUpdated, b.DateCreated).Time,
		Documented: slices.Contains([]text{"review_pending", "valid", "invalid"}, b.DocumentationStatus),
	}
	if status == payment.DisputeEvidenceWanted {
		d.Deadline = b.Deadline.Time
	}
	if !known {
		d.Unknown = identifier(string(b.DocumentationStatus))
	}
	return d, nil
}

// status translates how a chargeback stands. Coverage decides it; before that, the documents say how far it is. While documents are awaited
// or looked at, a coverage of false is no decision yet.
func (b chargebackBody) status() (s payment.DisputeStatus, known bool) {
	if b.CoverageApplied.on {
		return payment.DisputeWon, true
	}
	refused := b.CoverageApplied.known
	switch b.DocumentationStatus {
	case "pending":
		if b.DocumentationRequired.on && b.covers() {
			return payment.DisputeEvidenceWanted, true
		}
		return payment.DisputeOpen, true
	case "review_pending":
		return payment.DisputeInReview, true
	case "valid", "invalid", "not_supplied", "not_applicable", "":
		if refused {
			return payment.DisputeLost, true
		}
		return payment.DisputeOpen, true
	}
	return payment.DisputeOpen, false
}

// covers says whether Mercado Pago may decide for the seller; yes, unless it says no.
func (b chargebackBody) covers() bool {
	for _, said := range []boolean{b.Elegible, b.Eligible} {
		if said.known && !said.on {
			return false
		}
	}
	return true
}

// ids are the ids in an array of numbers, texts or objects with an id.
type ids []string

func (s *ids) UnmarshalJSON(b []byte) error {
	*s = nil
	parts := []json.RawMessage{b}
	if b[0] == '[' {
		if err := json.Unmarshal(b, &parts); err != nil {
			return err
		}
	}
	for _, part := range parts {
		var id text
		if part[0] == '{' {
			var object struct {
				ID text `json:"id"`
			}
			if err := json.Unmarshal(part, &object); err != nil {
				return err
			}
			id = object.ID
		} else if err := json.Unmarshal(part, &id); err != nil {
			return err
		}
		if decimal(string(id)) {
			*s = append(*s, string(id))
		}
	}
	return nil
}
