package database

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
)

// question is one kind of request of clients or operators.
type question struct {
	name   string
	limit  time.Duration // of its 99th percentile
	weight int           // share of all requests
	paths  []path        // used in turn
}

// path is an address and the client whose key is used.
type path struct {
	address string
	client  string
}

const (
	byID  = 5 * time.Millisecond
	lists = 50 * time.Millisecond

	// machineItself is a request without a query. Its latency is that of the machine and of HTTP.
	machineItself = "nothing (`GET /livez`)"

	manyPaths = 400 // of each kind of question
)

// clients are one with very many payments, one with some and one with few.
var clients = []string{"client-1", "client-20", "client-40"}

// drawnCauses are the causes of the dead letters in rest.sql.
var drawnCauses = []string{"invalid", "invalid", "invalid", "unreadable", "handler-panic", "delivery-limit", "contradiction", "dependency-unavailable"}

// known are the payments to read, drawn at random for each client.
type known struct {
	until  time.Time
	random *rand.Rand
	ids    map[string][]string
	named  map[string][]string // references
}

// learn draws payments without reading them, so that they are not in any cache.
func learn(ctx context.Context, conn *pgx.Conn, payments int, until time.Time, seed uint64) (*known, error) {
	k := &known{until: until, random: rand.New(rand.NewPCG(seed, 1)), ids: map[string][]string{}, named: map[string][]string{}}
	numbers := make([]int64, 0, 60*manyPaths)
	for range cap(numbers) {
		numbers = append(numbers, 1+k.random.Int64N(int64(payments)))
	}
	rows, _ := conn.Query(ctx, `select 'client-' || 1 + floor(40 * power((hashint8extended(i, 1) & 1073741823)::float8 / 1073741824, 3))::int,
		md5('payment ' || i)::uuid::text, i % 20000 from unnest($1::bigint[]) i`, numbers)
	var client, id string
	var customer int
	_, err := pgx.ForEachRow(rows, []any{&client, &id, &customer}, func() error {
		k.ids[client] = append(k.ids[client], id)
		k.named[client] = append(k.named[client], fmt.Sprint("customer-", customer))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("draw payments: %w", err)
	}
	return k, nil
}

// list is a list of payments with a fixed filter, read by each client.
func (k *known) list(name string, weight int, query string) question {
	return k.varying(name, weight, func(string) string { return query })
}

// varying is a list of payments whose filter varies.
func (k *known) varying(name string, weight int, query func(client string) string) question {
	q := question{name: name, limit: lists, weight: weight}
	for i := range manyPaths {
		client := clients[i%len(clients)]
		q.paths = append(q.paths, path{"/v1/payments?" + query(client), client})
	}
	return q
}

// operators is a list that operators read.
func (k *known) operators(name string, weight int, address func() string) question {
	q := question{name: name, limit: lists, weight: weight}
	for range manyPaths {
		q.paths = append(q.paths, path{address(), clients[0]})
	}
	return q
}

// day is a filter for one day of the two years.
func (k *known) day() string {
	from := k.until.Add(-time.Duration(1+k.random.IntN(700)) * 24 * time.Hour)
	return url.Values{"created_from": {from.Format(time.RFC3339)}, "created_to": {from.Add(24 * time.Hour).Format(time.RFC3339)}}.Encode()
}

func (k *known) one(of []string) string { return of[k.random.IntN(len(of))] }

// questions are all but the deep pages, whose cursors come from the API.
func (k *known) questions() []question {
	get := question{name: "a payment by id", limit: byID, weight: 40}
	for _, id := range k.ids[clients[0]] {
		get.paths = append(get.paths, path{"/v1/payments/" + id, clients[0]})
	}
	events := question{name: "the events of a payment", limit: lists, weight: 5}
	for range manyPaths {
		events.paths = append(events.paths, path{"/v1/payments/" + k.one(k.ids[clients[0]]) + "/events", clients[0]})
	}
	fixed := func(address string) func() string { return func() string { return address } }
	return []question{
		{name: machineItself, limit: byID, weight: 4, paths: []path{{"/livez", clients[0]}}},
		get, events,
		k.list("payments", 3, ""),
		k.list("payments, 100 at a time", 2, "limit=100"),
		k.list("status=approved", 2, "status=approved"),
		k.list("status=pending", 2, "status=pending"),
		k.list("status=charged_back", 2, "status=charged_back"),
		k.list("status=unknown (almost none)", 2, "status=unknown"),
		k.list("status=authorized (none)", 2, "status=authorized"),
		k.list("method=pix", 2, "method=pix"),
		k.list("status=refunded, method=pix", 2, "status=refunded&method=pix"),
		k.varying("reference of one or few", 2, func(c string) string { return "reference=" + k.one(k.named[c]) }),
		k.list("reference of very many", 2, "reference=daily-pass"),
		k.list("reference of very many, status=charged_back", 2, "reference=daily-pass&status=charged_back"),
		k.varying("a day", 2, func(string) string { return k.day() }),
		k.varying("a day, status=expired", 2, func(string) string { return "status=expired&" + k.day() }),
		k.varying("a day, reference of very many", 2, func(string) string { return "reference=daily-pass&" + k.day() }),
		k.varying("a day, status=in_dispute, method=pix", 2, func(string) string { return "status=in_dispute&method=pix&" + k.day() }),
		k.operators("dead letters that are open", 2, fixed("/v1/dead-letters")),
		k.operators("dead letters, any", 1, fixed("/v1/dead-letters?state=any")),
		k.operators("dead letters, any, of a source", 1, fixed("/v1/dead-letters?state=any&source=workflow")),
		k.operators("dead letters, open, of a cause", 1, func() string { return "/v1/dead-letters?cause=" + k.one(drawnCauses) }),
		k.operators("dead letters, any, of a cause", 1, func() string { return "/v1/dead-letters?state=any&cause=" + k.one(drawnCauses) }),
		k.operators("dead letters, discarded, of a cause and source", 1, func() string {
			return "/v1/dead-letters?state=discarded&source=workflow&cause=" + k.one(drawnCauses)
		}),
		k.operators("dead letters, any, of a fingerprint", 1, func() string {
			n := k.random.IntN(40)
			sum := md5.Sum(fmt.Append(nil, drawnCauses[n%len(drawnCauses)], n))
			return "/v1/dead-letters?state=any&fingerprint=" + hex.EncodeToString(sum[:8])
		}),
		k.operators("dead letters, any, of a payment", 1, func() string {
			return "/v1/dead-letters?state=any&payment_id=" + k.one(k.ids[clients[0]])
		}),
		k.operators("reconciliation: runs, totals, findings", 1, fixed("/v1/reconciliation")),
		k.operators("reconciliation, one kind", 1, fixed("/v1/reconciliation?kind=missed_webhook")),
	}
}

// deepPages reads a list page by page, at most deep pages, and returns a question for the pages of the second half.
func (b *bench) deepPages(ctx context.Context, name, address string, weight int) (question, error) {
	at := path{address, clients[0]}
	var walked []path
	for range deep {
		body, err := b.get(ctx, b.url, at)
		if err != nil {
			return question{}, err
		}
		var answer struct {
			NextCursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return question{}, fmt.Errorf("read a page: %w", err)
		}
		if answer.NextCursor == "" {
			break
		}
		at.address = address + "&cursor=" + url.QueryEscape(answer.NextCursor)
		walked = append(walked, at)
	}
	half := len(walked) / 2
	if half == 0 {
		return question{}, fmt.Errorf("%s has no second page", address)
	}
	return question{name: fmt.Sprintf("%s, beyond page %d of 100", name, half), limit: lists, weight: weight, paths: walked[half:]}, nil
}
