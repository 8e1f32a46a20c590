package simulator

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultLimit  = 30
	maxLimit      = 50
	maxOffset     = 10_000
	longestWindow = 365 * 24 * time.Hour
	sortAtOnce    = 1000
)

type searchAnswer struct {
	Paging  paging          `json:"paging"`
	Results []paymentAnswer `json:"results"`
}

type paging struct {
	Total  int `json:"total"`
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

// query is a search request.
type query struct {
	reference  string
	status     string
	method     string
	field      func(*payment) time.Time // the date that range names
	begin, end time.Time                // both included
	order      func(a, b *payment) int
	limit      int
	offset     int
	unseen     func(payment) bool // payments that a lagging index does not have yet
}

func (s *Simulator) searchPayments(c *call) answer {
	s.hold(c)
	q, wrong := parseQuery(c.request.URL.Query(), time.Now())
	if wrong != nil {
		return c.refuse(http.StatusBadRequest, *wrong)
	}
	if c.fault.Kind == KindSearchLag {
		q.unseen = c.fault.hides
	}
	found, total := s.book.search(q)
	results := make([]paymentAnswer, len(found))
	for i, p := range found {
		results[i] = s.answerFor(c, p)
	}
	return jsonAnswer(http.StatusOK, searchAnswer{paging{total, q.limit, q.offset}, results})
}

var dateFields = map[string]func(*payment) time.Time{
	"":                   func(p *payment) time.Time { return p.created },
	"date_created":       func(p *payment) time.Time { return p.created },
	"date_last_updated":  func(p *payment) time.Time { return p.updated },
	"date_approved":      func(p *payment) time.Time { return p.approved },
	"money_release_date": func(p *payment) time.Time { return p.approved }, // a Pix is released at once
}

// parseQuery reads a search. By default the window is the last three months of date_created.
func parseQuery(in url.Values, now time.Time) (query, *cause) {
	q := query{
		reference: in.Get("external_reference"), status: in.Get("status"), method: in.Get("payment_method_id"),
		field: dateFields[in.Get("range")],
	}
	var errs [4]error
	q.begin, errs[0] = searchDate(cmp.Or(in.Get("begin_date"), "NOW-3MONTHS"), now)
	// date_last_updated may be some milliseconds ahead of the clock, and the window's end must not exclude it.
	q.end, errs[1] = searchDate(cmp.Or(in.Get("end_date"), "NOW"), now.Add(time.Second))
	q.limit, errs[2] = strconv.Atoi(cmp.Or(in.Get("limit"), strconv.Itoa(defaultLimit)))
	q.offset, errs[3] = strconv.Atoi(cmp.Or(in.Get("offset"), "0"))
	for _, err := range errs {
		if err != nil {
			return q, &causeParams
		}
	}
	order, ok := searchOrder(in.Get("sort"), in.Get("criteria"))
	q.order = order
	switch {
	case q.field == nil || !ok || q.limit < 0 || q.limit > maxLimit || q.offset < 0:
		return q, &causeParams
	case q.offset > maxOffset:
		return q, &causeTooManyRows
	case q.end.Sub(q.begin) >= longestWindow:
		return q, &causeInterval
	}
	return q, nil
}

// searchOrder is by default newest first by date_created. Equal dates are ordered by id.
func searchOrder(sort, criteria string) (func(a, b *payment) int, bool) {
	field, ok := dateFields[sort]
	if sort == "id" {
		field, ok = func(*payment) time.Time { return time.Time{} }, true
	}
	sign := -1
	if criteria == "asc" {
		sign = 1
	}
	return func(a, b *payment) int {
		return sign * cmp.Or(field(a).Compare(field(b)), strings.Compare(a.id, b.id))
	}, ok && (criteria == "" || criteria == "asc" || criteria == "desc")
}

var nowText = regexp.MustCompile(`^NOW(?:([+-])(\d{1,6})(SECOND|MINUTE|HOUR|DAY|MONTH|YEAR)S?)?$`)

// searchDate reads an ISO 8601 date, or one such as NOW-5MINUTES.
func searchDate(text string, now time.Time) (time.Time, error) {
	parts := nowText.FindStringSubmatch(text)
	if parts == nil {
		return time.Parse(time.RFC3339Nano, text)
	}
	n, _ := strconv.Atoi(parts[1] + parts[2]) // digits by the pattern, or empty for a plain NOW
	switch parts[3] {
	case "SECOND":
		return now.Add(time.Duration(n) * time.Second), nil
	case "MINUTE":
		return now.Add(time.Duration(n) * time.Minute), nil
	case "HOUR":
		return now.Add(time.Duration(n) * time.Hour), nil
	case "DAY":
		return now.AddDate(0, 0, n), nil
	case "MONTH":
		return now.AddDate(0, n, 0), nil
	default:
		return now.AddDate(n, 0, 0), nil
	}
}

// search returns one page of matches and their total. It sorts only those that may be on the page, because a sweep over a long load run
// reads thousands of pages.
func (b *book) search(q query) (page []payment, total int) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	candidates := b.byAge
	if q.reference != "" {
		candidates = b.byReference[q.reference]
	}
	keep := q.offset + q.limit + 1
	var found []*payment // the first keep of them in order once there were more
	sorted := false
	for _, p := range candidates {
		if !q.matches(p) {
			continue
		}
		total++
		if sorted && q.order(p, found[keep-1]) > 0 {
			continue
		}
		if found = append(found, p); len(found) >= keep+sortAtOnce {
			slices.SortFunc(found, q.order)
			found, sorted = found[:keep], true
		}
	}
	slices.SortFunc(found, q.order)
	start := min(q.offset, len(found))
	for _, p := range found[start:min(start+q.limit, len(found))] {
		page = append(page, *p)
	}
	return page, total
}

func (q query) matches(p *payment) bool {
	date := q.field(p)
	switch {
	case q.status != "" && q.status != p.status, q.method != "" && q.method != p.method:
		return false
	case date.IsZero() || date.Before(q.begin) || date.After(q.end):
		return false
	default:
		return q.unseen == nil || !q.unseen(*p)
	}
}
