package api

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

const (
	limitDefault = 20
	limitMax     = 100
)

// listPayments shows one page of the payments of the client app, newest first.
func (s *Server) listPayments(c *gin.Context) error {
	q := query{values: c.Request.URL.Query()}
	filter := q.filter(event(c).clientID)
	if len(q.wrong) > 0 {
		return refuse(queryInvalid, "", q.wrong...)
	}
	list := q.name("payments", filter.ClientID, "status", "method", "reference", "checkout", "created_from", "created_to")
	if err := s.cursors.resume(list, q.values.Get("cursor"), after(&filter.After)); err != nil {
		return err
	}
	limit := filter.Limit
	filter.Limit++ // one more shows whether there is a next page
	found, age, err := s.config.Database.Payments(c.Request.Context(), filter)
	if err != nil {
		return err
	}
	shown, next := page(s.cursors, list, found, limit, func(p payment.Payment) string {
		return formatPosition(payment.Position{CreatedAt: p.CreatedAt, ID: p.ID})
	})
	view := PaymentList{Data: make([]Payment, 0, len(shown)), NextCursor: next}
	for _, p := range shown {
		view.Data = append(view.Data, s.view(p))
	}
	c.Header("Data-Age", dataAge(age))
	c.PureJSON(http.StatusOK, view)
	return nil
}

// dataAge is in seconds, rounded up: nothing in the response is older.
func dataAge(age time.Duration) string {
	return strconv.FormatFloat(math.Ceil(age.Seconds()*10)/10, 'f', 1, 64)
}

// listEvents shows one page of a payment's events, oldest first.
func (s *Server) listEvents(c *gin.Context) error {
	q := query{values: c.Request.URL.Query()}
	limit := q.limit()
	if len(q.wrong) > 0 {
		return refuse(queryInvalid, "", q.wrong...)
	}
	p, _, err := s.ownPayment(c)
	if err != nil {
		return err
	}
	list, after := q.name("events", p.ID), 0
	err = s.cursors.resume(list, q.values.Get("cursor"), func(position string) (err error) {
		after, err = strconv.Atoi(position)
		return err
	})
	if err != nil {
		return err
	}
	found, err := s.config.Database.Events(c.Request.Context(), p.ID, after, limit+1)
	if err != nil {
		return err
	}
	shown, next := page(s.cursors, list, found, limit, func(e payment.Event) string { return strconv.Itoa(e.Seq) })
	view := EventList{Data: make([]Event, 0, len(shown)), NextCursor: next}
	for _, e := range shown {
		view.Data = append(view.Data, eventView(e))
	}
	c.PureJSON(http.StatusOK, view)
	return nil
}

// query reads the parameters of a list, and gathers what is wrong with them.
type query struct {
	values url.Values
	wrong  failure.Fields
}

func (q *query) filter(clientID string) payment.Filter {
	return payment.Filter{
		ClientID:    clientID,
		Status:      q.status(),
		Method:      q.method(),
		Reference:   q.reference(),
		CheckoutID:  q.checkout(),
		CreatedFrom: q.time("created_from"),
		CreatedTo:   q.time("created_to"),
		Limit:       q.limit(),
	}
}

// name identifies a list by its owner and filters, for its cursors.
func (q *query) name(what, owner string, parameters ...string) string {
	parts := []string{what, owner}
	for _, p := range parameters {
		parts = append(parts, p+"="+url.QueryEscape(q.values.Get(p)))
	}
	return strings.Join(parts, "&")
}

func (q *query) refuse(name, detail string) {
	q.wrong.Add("#query/"+name, detail)
}

func (q *query) limit() int {
	if !q.values.Has("limit") {
		return limitDefault
	}
	n, err := strconv.Atoi(q.values.Get("limit"))
	if err != nil || n < 1 || n > limitMax {
		q.refuse("limit", fmt.Sprintf("must be a whole number from 1 to %d", limitMax))
	}
	return n
}

func (q *query) status() payment.Status {
	s := payment.Status(q.values.Get("status"))
	if q.values.Has("status") && !s.Known() {
		q.refuse("status", "must be one of the statuses of a payment, such as pending")
	}
	return s
}

func (q *query) method() payment.MethodType {
	m := payment.MethodType(q.values.Get("method"))
	if q.values.Has("method") && !m.Known() {
		q.refuse("method", "must be "+failure.OneOf(payment.MethodTypes()))
	}
	return m
}

func (q *query) checkout() string {
	id := q.values.Get("checkout")
	if q.values.Has("checkout") && !payment.ValidID(id) {
		q.refuse("checkout", "must be the id of a checkout")
	}
	return id
}

func (q *query) reference() string {
	r := q.values.Get("reference")
	if utf8.RuneCountInString(r) > 64 || payment.Illegible(r, payment.OneLine) != "" {
		q.refuse("reference", "must have 1 to 64 readable characters")
	}
	return r
}

func (q *query) time(name string) time.Time {
	if !q.values.Has(name) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, q.values.Get(name))
	if err != nil || t.Year() < 1 || t.IsZero() {
		q.refuse(name, "must be a time such as 2026-11-01T00:00:00Z or 2026-11-01T00:00:00-03:00, with + written as %2B")
	}
	return t
}

// formatPosition writes a position in a list: the time at which the payment was created or the dead letter died, in microseconds
// as in Postgres, and the id.
func formatPosition(p payment.Position) string {
	return strconv.FormatInt(p.CreatedAt.UnixMicro(), 10) + " " + p.ID
}

// after reads such a position into a filter.
func after(into *payment.Position) func(position string) error {
	return func(position string) error {
		micros, id, _ := strings.Cut(position, " ")
		n, err := strconv.ParseInt(micros, 10, 64)
		*into = payment.Position{CreatedAt: time.UnixMicro(n).UTC(), ID: id}
		return err
	}
}
