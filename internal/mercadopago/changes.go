package mercadopago

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	sdk "github.com/mercadopago/sdk-go/pkg/payment"

	"github.com/onlywave/onlywave/internal/payment"
)

// searchDate is how the search takes a moment: whole milliseconds, as its own dates have.
const searchDate = "2006-01-02T15:04:05.000Z07:00"

// Window is what is left to read of the payments that changed between two moments, both included. The
// offset is 0 unless more payments changed in one moment than a page holds.
type Window struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Offset int       `json:"offset,omitempty"`
}

// Change is a payment as its last change left it.
type Change struct {
	payment.ProviderState
	Creation bool // nothing that matters has happened since it was created
	Ours     bool // it carries a mark of ours, so that we or a program like us must have made it
}

// Unreadable is a payment that the search found and that cannot be translated.
type Unreadable struct {
	PaymentID string    // empty when not even that can be read
	UpdatedAt time.Time // zero likewise
	Ours      bool      // as a Change's; true when it is not known
	Err       error
}

// Changes is one page of what changed, the oldest change first.
type Changes struct {
	Changes    []Change
	Unreadable []Unreadable
	Rest       *Window // nil: this was all
}

// ChangesIn reads the next page of the payments whose last change lies in the window. What Mercado Pago
// changes meanwhile moves behind the window's end. The next page begins at the moment of this one's last
// change instead of at an offset, so that a payment that moves cannot push another payment past the reader; the
// payments of that moment are left to it. One payment that cannot be read does not hide the others.
func (c *Client) ChangesIn(ctx context.Context, w Window) (Changes, error) {
	request := sdk.SearchRequest{Limit: searchLimit, Offset: w.Offset, Filters: map[string]string{
		"range": "date_last_updated", "sort": "date_last_updated", "criteria": "asc",
		"begin_date": w.From.UTC().Format(searchDate), "end_date": ceil(w.To).Format(searchDate),
	}}
	var page Changes
	err := c.ask(ctx, opChanges, "changes", "", func(ctx context.Context) error {
		_, err := c.payments.Search(ctx, request)
		return err
	}, func(body []byte) (err error) {
		page, err = c.reader().changes(body, w)
		return err
	})
	if err != nil {
		return Changes{}, fmt.Errorf("search changes from %s: %w", w.From.UTC().Format(time.RFC3339), err)
	}
	return page, nil
}

// ceil is the first whole millisecond that is not before t, in UTC.
func ceil(t time.Time) time.Time { return t.UTC().Add(time.Millisecond - 1).Truncate(time.Millisecond) }

// changes reads one page of a search for what changed in the window.
func (r reader) changes(body []byte, w Window) (Changes, error) {
	var found struct {
		Paging struct {
			Total text `json:"total"`
		} `json:"paging"`
		Results *[]json.RawMessage `json:"results"`
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return Changes{}, unreadable(err)
	}
	if found.Results == nil {
		return Changes{}, unreadable(errors.New("a search without results")) // must not pass for "none"
	}
	var page Changes
	for _, result := range *found.Results {
		page.add(r, result)
	}
	count := len(*found.Results)
	total, _ := strconv.Atoi(string(found.Paging.Total)) // without one a full page says that there is more
	if count > 0 && (count >= searchLimit || w.Offset+count < total) {
		page.leave(w, count)
	}
	return page, nil
}

func (c *Changes) add(r reader, result json.RawMessage) {
	var p paymentBody
	err := json.Unmarshal(result, &p)
	if err != nil {
		p = identity(result)
		err = unreadable(err)
	} else {
		var state payment.ProviderState
		if state, err = r.state(p); err == nil {
			creation := state.Status == payment.Pending || !state.UpdatedAt.After(p.DateCreated.Time)
			c.Changes = append(c.Changes, Change{state, creation, r.ours(p)})
			return
		}
	}
	broken := Unreadable{UpdatedAt: p.DateLastUpdated.Time, Ours: true, Err: err}
	if decimal(string(p.ID)) {
		broken.PaymentID, broken.Ours = string(p.ID), r.ours(p)
	}
	c.Unreadable = append(c.Unreadable, broken)
}

// identity is what names a payment that cannot be read as a whole.
func identity(result json.RawMessage) paymentBody {
	var named struct {
		ID              text `json:"id"`
		DateLastUpdated date `json:"date_last_updated"`
		marks
	}
	_ = json.Unmarshal(result, &named) // what is not there stays empty
	return paymentBody{ID: named.ID, DateLastUpdated: named.DateLastUpdated, marks: named.marks}
}

// leave sets where the next page begins, and leaves to it what changed in that moment.
func (c *Changes) leave(w Window, count int) {
	last := w.From
	for _, change := range c.Changes {
		last = later(last, change.UpdatedAt)
	}
	for _, broken := range c.Unreadable {
		last = later(last, broken.UpdatedAt)
	}
	if !last.After(w.From) {
		// All of one moment, which only an offset can get past.
		c.Rest = &Window{From: w.From, To: w.To, Offset: w.Offset + count}
		return
	}
	c.Changes = slices.DeleteFunc(c.Changes, func(change Change) bool { return change.UpdatedAt.Equal(last) })
	c.Unreadable = slices.DeleteFunc(c.Unreadable, func(broken Unreadable) bool { return broken.UpdatedAt.Equal(last) })
	c.Rest = &Window{From: last, To: w.To}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
