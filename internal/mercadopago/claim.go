package mercadopago

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// claimBody is what matters of a claim, in Mercado Pago's words (API reference, claims).
type claimBody struct {
	ID          text               `json:"id"`
	Resource    text               `json:"resource"` // payment, or something that OnlyWave does not have
	ResourceID  text               `json:"resource_id"`
	Stage       text               `json:"stage"`
	Status      text               `json:"status"`
	Players     many[claimPlayer]  `json:"players"`
	Resolution  many[claimOutcome] `json:"resolution"`
	DateCreated date               `json:"date_created"`
	LastUpdated date               `json:"last_updated"`
}

// claimPlayer is a party of a claim: the buyer complains, the seller responds.
type claimPlayer struct {
	Role             text              `json:"role"`
	AvailableActions many[claimAction] `json:"available_actions"` // of an action that is a text alone nothing is known
}

type claimAction struct {
	Mandatory boolean `json:"mandatory"`
	DueDate   date    `json:"due_date"`
}

type claimOutcome struct {
	Benefited words `json:"benefited"`
}

const (
	buyer  = "complainant"
	seller = "respondent"
)

// Claim reads a claim by Mercado Pago's id of it. One that is about something else than a payment has no payments.
func (c *Client) Claim(ctx context.Context, id string) (payment.ProviderDispute, error) {
	var found payment.ProviderDispute
	if !decimal(id) {
		return found, &failure.Error{Kind: failure.Invalid, Message: "Mercado Pago's claim IDs are decimal numbers"}
	}
	err := c.ask(ctx, opClaim, id, "", c.get("/post-purchase/v1/claims/"+id, nil), func(body []byte) error {
		var b claimBody
		if err := json.Unmarshal(body, &b); err != nil {
			return unreadable(err)
		}
		var err error
		if found, err = b.dispute(); err == nil && found.ID != id {
			err = unreadable(fmt.Errorf("the answer is about claim %s", found.ID))
		}
		return err
	})
	if err != nil {
		return payment.ProviderDispute{}, fmt.Errorf("read claim %s: %w", id, err)
	}
	c.reader().countDispute(found)
	return found, nil
}

// Claims lists the claims about a payment, by Mercado Pago's id of it.
func (c *Client) Claims(ctx context.Context, providerPaymentID string) ([]payment.ProviderDispute, error) {
	if !decimal(providerPaymentID) {
		return nil, &failure.Error{Kind: failure.Invalid, Message: "Mercado Pago's payment IDs are decimal numbers"}
	}
	call := c.get("/post-purchase/v1/claims/search", url.Values{"resource": {"payment"}, "resource_id": {providerPaymentID}})
	found, err := searchDisputes[claimBody](ctx, c, opClaims, providerPaymentID, call)
	if err != nil {
		return nil, fmt.Errorf("search the claims about payment %s: %w", providerPaymentID, err)
	}
	return found, nil
}

// ClaimStatus is a filter of the search of claims, in Mercado Pago's words.
type ClaimStatus string

// The filters. What Mercado Pago's guides call cancelled is read by its id only.
const (
	OpenClaims   ClaimStatus = "opened"
	ClosedClaims ClaimStatus = "closed"
)

// ClaimsPage is a page of the account's claims. Those that are about no payment, or cannot be read, have no place in it.
type ClaimsPage struct {
	Claims []payment.ProviderDispute
	Pages  int // how many there are
}

// The search of claims has no promised order, and takes no offset of 10,000 or more.
const (
	claimsLimit = 50
	mostClaims  = 10_000
)

// AccountClaims reads a page, the first is 0, of all claims about sales of the account. They have no order.
func (c *Client) AccountClaims(ctx context.Context, which ClaimStatus, page int) (found ClaimsPage, err error) {
	query := url.Values{"status": {string(which)}, "limit": {strconv.Itoa(claimsLimit)}, "offset": {strconv.Itoa(page * claimsLimit)}}
	err = c.ask(ctx, opClaims, string(which), "", c.get("/post-purchase/v1/claims/search", query), func(body []byte) error {
		results, total, err := searchResults[json.RawMessage](body)
		for _, result := range results {
			var b claimBody
			if json.Unmarshal(result, &b) != nil {
				continue
			}
			if d, err := b.dispute(); err == nil && len(d.Payments) > 0 {
				found.Claims = append(found.Claims, d)
			}
		}
		found.Pages = (min(total, mostClaims) + claimsLimit - 1) / claimsLimit
		if total == 0 && len(results) == claimsLimit { // it does not say how many there are
			found.Pages = page + 2
		}
		return err
	})
	if err != nil {
		return ClaimsPage{}, fmt.Errorf("search the account's claims that are %s: %w", which, err)
	}
	return found, nil
}

func (b claimBody) dispute() (payment.ProviderDispute, error) {
	d := payment.ProviderDispute{
		ID: string(b.ID), Kind: payment.Claim, OpenedAt: b.DateCreated.Time, UpdatedAt: cmp.Or(b.LastUpdated, b.DateCreated).Time,
	}
	switch {
	case !decimal(d.ID):
		return payment.ProviderDispute{}, unreadable(errors.New("no claim id"))
	case b.Status == "":
		return payment.ProviderDispute{}, unreadable(fmt.Errorf("claim %s without a status", b.ID))
	}
	if (b.Resource == "payment" || b.Resource == "") && decimal(string(b.ResourceID)) {
		d.Payments = []string{string(b.ResourceID)}
	}
	switch b.Stage {
	case "dispute", "resolution":
		d.Kind = payment.Mediation
	case "claim", "recontact", "none", "":
	default:
		d.Unknown = identifier(string(b.Stage))
	}
	switch b.Status {
	case "opened":
		if d.Status, d.Deadline = payment.DisputeOpen, b.dueDate(); !d.Deadline.IsZero() {
			d.Status = payment.DisputeEvidenceWanted
		}
	case "closed":
		d.Status = b.outcome()
	case "cancelled", "canceled":
		d.Status = payment.DisputeClosed
	default:
		d.Status, d.Unknown = payment.DisputeOpen, identifier(string(b.Status))
	}
	return d, nil
}

// dueDate is until when the seller must do something; zero: there is nothing, or no date.
func (b claimBody) dueDate() (due time.Time) {
	for _, p := range b.Players {
		if p.Role != seller {
			continue
		}
		for _, a := range p.AvailableActions {
			if at := a.DueDate.Time; a.Mandatory.on && !at.IsZero() && (due.IsZero() || at.Before(due)) {
				due = at
			}
		}
	}
	return due
}

// outcome is whom a closed claim was decided for. One that both or neither have won is closed.
func (b claimBody) outcome() payment.DisputeStatus {
	benefited := b.Resolution.first().Benefited
	forBuyer, forSeller := slices.Contains(benefited, buyer), slices.Contains(benefited, seller)
	switch {
	case forSeller && !forBuyer:
		return payment.DisputeWon
	case forBuyer && !forSeller:
		return payment.DisputeLost
	}
	return payment.DisputeClosed
}

// words are the texts of an array, or a text alone.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	*w = nil
	parts := []json.RawMessage{b}
	if b[0] == '[' {
		if err := json.Unmarshal(b, &parts); err != nil {
			return err
		}
	}
	for _, part := range parts {
		var word text
		if err := json.Unmarshal(part, &word); err != nil {
			return err
		}
		if word != "" {
			*w = append(*w, string(word))
		}
	}
	return nil
}
