package console

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/workflows"
)

var born = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// open writes a payment of a client app, so many seconds after the beginning.
func (f *fixture) open(client, key string, second int) payment.Payment {
	f.t.Helper()
	_, err := f.record.IssueAPIKey(f.t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: client, Scopes: access.Scopes()}, born)
	require.NoError(f.t, err)
	p, _, err := f.record.OpenPayment(f.t.Context(), payment.Payment{
		ID: payment.NewID(client, key), ClientID: client, IdempotencyKey: key, Fingerprint: "f",
		Request: payment.Request{
			Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Description: "<script>alert(1)</script>", Reference: key,
			Method: payment.Method{Type: payment.Pix}, Payer: payment.Payer{Email: "buyer@example.com", Name: "Buyer", TaxID: "12345678909"},
		},
		Status: payment.Processing, Provider: payment.Provider{Name: payment.MercadoPago}, CreatedAt: born.Add(time.Duration(second) * time.Second),
	})
	require.NoError(f.t, err)
	return p
}

// keepLetter keeps a dead letter.
func (f *fixture) keepLetter(name string, change func(*deadletter.Message)) string {
	f.t.Helper()
	l := deadletter.Message{
		ID: deadletter.NewID(name, "q"), Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid, Fingerprint: "0f7c1f4e4d1c4f0a",
		Error: "the record refused", State: deadletter.Open, Deaths: 1, DiedAt: born,
		Original: deadletter.Original{ID: name, Queue: "q", Exchange: "e", Key: "k", Body: []byte("buyer@example.com"), SentAt: born},
		Trail:    []deadletter.Attempt{{Attempt: 1, At: born, Error: "no"}},
	}
	if change != nil {
		change(&l)
	}
	_, err := f.record.KeepDeadLetters(f.t.Context(), []deadletter.Message{l})
	require.NoError(f.t, err)
	return l.ID
}

// column is a table's column as texts.
func (p page) column(table, label string) []string {
	return p.Find("#" + table + ` tbody td[data-label="` + label + `"]`).Map(func(_ int, cell *goquery.Selection) string {
		return strings.TrimSpace(cell.Text())
	})
}

func TestAPaymentIsFoundByWhatIsKnownOfIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	a, other := f.open("shop", "order-1", 1), f.open("rival", "order-1", 2)
	b := f.open("shop", "order-2", 3)
	_, err := f.record.Apply(t.Context(), a.ID, payment.ProviderState{
		PaymentID: "98765432101", Reference: a.ID, Status: payment.Approved, RawStatus: "approved", StatusDetail: "accredited", Money: a.Amount, UpdatedAt: born,
	}, born)
	require.NoError(t, err)
	v := f.as(f.viewer)
	for _, query := range []string{a.ID, "98765432101"} {
		require.Equal(t, "/console/payments/"+a.ID, v.get("/console/payments?q="+query).path)
	}
	require.Equal(t, []string{b.ID[:8], other.ID[:8], a.ID[:8]}, v.get("/console/payments").column("payments", "Payment"))
	require.Equal(t, []string{"rival", "shop"}, v.get("/console/payments?q=order-1&status=").column("payments", "Client"))
	require.Equal(t, []string{"approved"}, v.get("/console/payments?status=approved").column("payments", "Status"))
	require.Empty(t, v.get("/console/payments?q=order-1&status=refunded").column("payments", "Status"))
	for _, wrong := range []string{"status=nonsense", "after=nonsense", "q=" + strings.Repeat("x", 65)} {
		require.Equal(t, http.StatusUnprocessableEntity, v.get("/console/payments?"+wrong).status)
	}
	require.Equal(t, http.StatusNotFound, v.get("/console/payments/x").status)
	none := payment.NewID("nobody", "x")
	require.Equal(t, http.StatusNotFound, v.get("/console/payments/"+none).status)
	f.door.begun = none
	accepted := v.get("/console/payments/" + none)
	require.Equal(t, http.StatusServiceUnavailable, accepted.status)
	require.Contains(t, accepted.says("main"), "accepted but not stored yet")
}

func TestPaymentsArePaged(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	for i := range pageSize + 3 {
		f.open([]string{"shop", "rival"}[i%2], fmt.Sprint("order-", i), i)
	}
	b := f.as(f.viewer)
	first := b.get("/console/payments?status=processing")
	require.Len(t, first.column("payments", "Payment"), pageSize)
	next, ok := first.Find(".more a").Attr("href")
	require.True(t, ok)
	second := b.get(next)
	require.Equal(t, []string{"order-2", "order-1", "order-0"}, second.column("payments", "Reference"))
	require.Zero(t, second.Find(".more a").Length())
}

func TestAPaymentIsShownWithAllButTheBuyer(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	pay := f.open("shop", "order-1", 1)
	_, err := f.record.Park(t.Context(), pay.ID, "no answer", born)
	require.NoError(t, err)
	f.keepLetter("m", func(l *deadletter.Message) { l.PaymentID = pay.ID; l.Cause = deadletter.CauseUnknownOutcome })
	p := f.as(f.viewer).get("/console/payments/" + pay.ID)
	require.Equal(t, "BRL 10.50 unknown", p.says("h1"))
	require.Equal(t, pay.ID, p.says("#payment-id"))
	require.Equal(t, 2, p.Find("#events li").Length())
	require.Contains(t, p.says("#operations"), "charge 1 BRL 10.50 unknown")
	require.Contains(t, p.says("#operations"), payment.ProviderKey(pay.ID, payment.Charge, 1))
	require.Equal(t, []string{"the record refused"}, p.column("letters", "Error"))
	require.Contains(t, p.says("dl"), "<script>alert(1)</script>", "text stays text")
	link, _ := p.Find(".subject a").Attr("href")
	require.Equal(t, "http://temporal.test/namespaces/default/workflows/payment%2F"+pay.ID, link)
	html, err := p.Html()
	require.NoError(t, err)
	for _, personal := range []string{"buyer@example.com", "12345678909"} {
		require.NotContains(t, html, personal)
	}
}

func TestDeadLettersAreFiltered(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	id := f.keepLetter("a", nil)
	f.keepLetter("b", func(l *deadletter.Message) {
		l.Cause, l.Source, l.Fingerprint, l.DiedAt = deadletter.CauseInternal, deadletter.FromWorkflow, "ffffffffffffffff", born.Add(time.Second)
	})
	_, err := f.record.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ops"}, f.keepLetter("c", nil), "old")
	require.NoError(t, err)
	b := f.as(f.operator)
	require.Equal(t, []string{"internal workflow", "invalid webhook"}, b.get("/console/dead-letters").column("letters", "Cause"))
	require.Len(t, b.get("/console/dead-letters?state=any").column("letters", "Cause"), 3)
	narrow := b.get("/console/dead-letters?fingerprint=0f7c1f4e4d1c4f0a&cause=invalid")
	require.Equal(t, []string{id[:8]}, narrow.column("letters", "Letter"))
	require.Equal(t, deadletter.CauseInvalid.Advice(), narrow.says(".advice"))
	for _, wrong := range []string{"cause=nonsense", "state=nonsense", "fingerprint=zz", "payment_id=x"} {
		p := b.get("/console/dead-letters?" + wrong)
		require.Equal(t, http.StatusUnprocessableEntity, p.status)
		require.Contains(t, p.says(".failure li"), wrong[:strings.Index(wrong, "=")])
	}
	require.Equal(t, http.StatusNotFound, b.get("/console/dead-letters/"+deadletter.NewID("none", "")).status)
}

// A form that is sent twice is one redrive, in the name of who sent it.
func TestALetterIsRedrivenOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	f.door.state = workflows.RedriveRunning
	id := f.keepLetter("m", nil)
	b := f.as(f.operator)
	shown := b.get("/console/dead-letters/" + id)
	for range 2 {
		p := b.press(shown, "redrive", "reason", "mended")
		in := f.door.only(t)
		require.Equal(t, deadletter.Order{ID: in.ID, Actor: f.operator, Plan: deadletter.Plan{Reason: "mended", Filter: deadletter.Filter{IDs: []string{id}}}}, in)
		require.Equal(t, "/console/redrives/"+in.ID, p.path)
		require.Equal(t, "2", p.Find("meta[http-equiv=refresh]").AttrOr("content", ""), "the page looks again by itself")
		require.Equal(t, "2 of 3", p.says("progress"))
	}
	require.Equal(t, 1, strings.Count(f.logs.String(), `"action":"redrive"`))
	require.Equal(t, []string{"redrive/" + f.door.only(t).ID}, b.get("/console/audit?action=redrive.start&actor="+f.operator).column("entries", "To what"))

	f.door.state = workflows.RedriveDone
	require.Zero(t, b.get("/console/redrives/"+f.door.only(t).ID).Find("meta[http-equiv=refresh]").Length())
	require.Equal(t, http.StatusNotFound, b.get("/console/redrives/"+deadletter.NewRedriveID("x", "y")).status)
	require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/dead-letters/"+id+"/redrive").status, "without a key nothing tells twins")

	// What is closed is not redriven, but to repeat what was done is right.
	_, err := f.record.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ops"}, id, "old")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, b.press(shown, "redrive", "reason", "mended").status)
	require.Equal(t, http.StatusConflict, b.post("/console/dead-letters/"+id+"/redrive", "key", "another").status)
	f.door.only(t)
}

func TestALetterIsDiscardedWithAReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	id := f.keepLetter("m", nil)
	b := f.as(f.operator)
	shown := b.get("/console/dead-letters/" + id)
	for _, reason := range []string{"", " ", "4111 1111 1111 1111", strings.Repeat("é", audit.MaxReason+1)} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(shown, "discard", "reason", reason).status)
	}
	for range 2 {
		p := b.press(shown, "discard", "reason", "of no use")
		require.Equal(t, "The dead letter is discarded.", p.says(".notice"))
		require.Contains(t, p.says("dl"), "by "+f.operator+" : of no use")
		require.Zero(t, p.Find("#actions").Length())
	}
	require.Equal(t, http.StatusConflict, b.press(shown, "discard", "reason", "another word").status)
	trail := b.get("/console/audit?object=dead_letter/" + id)
	require.Equal(t, []string{"of no use state: open → discarded"}, trail.column("entries", "Why, and what changed"))
	l, err := f.record.DeadLetter(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{string(deadletter.Discarded), f.operator, "of no use"}, []string{string(l.State), l.ClosedBy, l.Reason})
	require.Empty(t, b.get("/console/dead-letters").says(".notice"), "a notice is shown once")
}

func TestAnUnknownPaymentIsSettledWithAReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	p := f.open("shop", "order-1", 0)
	path := "/console/payments/" + p.ID
	require.Zero(t, f.as(f.operator).get(path).Find("#settle").Length(), "it is not unknown")
	_, err := f.record.Park(t.Context(), p.ID, "silence", born)
	require.NoError(t, err)
	require.Zero(t, f.as(f.viewer).get(path).Find("#settle").Length(), "a viewer decides nothing")
	require.Equal(t, http.StatusForbidden, f.as(f.viewer).post(path+"/settle", "reason", "r").status)

	b := f.as(f.operator)
	shown := b.get(path)
	for _, reason := range []string{"", " ", "4111 1111 1111 1111", strings.Repeat("é", audit.MaxReason+1)} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(shown, "settle", "reason", reason).status)
	}
	for range 2 {
		settled := b.press(shown, "settle", "reason", "the panel has none")
		require.Equal(t, "The payment is settled as failed.", settled.says(".notice"))
		require.Contains(t, settled.says("#events"), "by "+f.operator+" : the panel has none")
		require.Zero(t, settled.Find("#settle").Length())
	}
	require.Equal(t, http.StatusConflict, b.press(shown, "settle", "reason", "another word").status)
	events, err := f.record.Events(t.Context(), p.ID, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 3)
	trail, err := f.record.AuditTrail(t.Context(), audit.Filter{Object: "payment/" + p.ID, Limit: audit.MaxList})
	require.NoError(t, err)
	require.Len(t, trail, 1)
	require.Equal(t, []any{f.operator, audit.Console}, []any{trail[0].Actor.Name, trail[0].Actor.Channel})
	require.NotEmpty(t, trail[0].Actor.From)
}

func TestManyLettersAreCountedBeforeTheyAreRedriven(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	f.door.state = workflows.RedriveDryRun
	f.keepLetter("m", nil)
	b := f.as(f.operator)
	require.Zero(t, b.get("/console/dead-letters").Find("#redrive-many").Length(), "nobody means all of them")
	form := b.get("/console/dead-letters?cause=invalid")
	p := b.press(form, "redrive-all", "reason", "mended")
	in := f.door.only(t)
	require.Equal(t, deadletter.Order{ID: in.ID, Actor: f.operator, Plan: deadletter.Plan{
		Reason: "mended", Filter: deadletter.Filter{Cause: deadletter.CauseInvalid},
		DryRun: true, Canary: 1, CanaryWait: time.Minute, Rate: 10, StopAfter: 5,
	}}, in)
	require.Equal(t, "3 letters would be sent. Nothing was.", p.says(".lead"))
	for _, wrong := range [][]string{
		{"cause", "invalid"}, {"reason", "r"}, {"cause", "nonsense", "reason", "r"}, {"cause", "invalid", "reason", "r", "canary", "101"},
		{"cause", "invalid", "reason", "r", "rate", "-1"}, {"cause", "invalid", "reason", "r", "stop_after_errors", "x"},
	} {
		require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/redrives", append(wrong, "key", "k")...).status, wrong)
	}
	f.door.only(t)

	// The same form, sent in earnest, is another redrive; once more, with other words, it is refused.
	for range 2 {
		require.Equal(t, http.StatusOK, b.press(form, "redrive-all", "reason", "mended", "dry_run", "").status)
		require.Len(t, f.door.started, 2)
	}
	p = b.press(form, "redrive-all", "reason", "another", "dry_run", "")
	require.Equal(t, http.StatusConflict, p.status)
	require.Contains(t, p.says(".lead"), "sent before")
	require.Len(t, f.door.started, 2)
}

func TestABreakerIsHeldAndSetFree(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	b := f.as(f.operator)
	p := b.post("/console/breakers/read", "state", "open", "reason", " maintenance ")
	require.Equal(t, "The breaker read is set to open.", p.says(".notice"))
	require.Contains(t, p.says("#breaker-read"), "open held by "+f.operator+": maintenance")
	require.Zero(t, p.Find(".calm").Length())
	s, err := f.console.config.Breakers.Status(t.Context(), "read")
	require.NoError(t, err)
	require.Equal(t, []string{string(breaker.Open), f.operator, "maintenance"}, []string{string(s.Forced), s.Actor, s.Reason})
	for _, wrong := range [][]string{{"state", "open"}, {"state", "half-open", "reason", "r"}, {"reason", "r"}} {
		require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/breakers/read", wrong...).status)
	}
	require.Equal(t, http.StatusNotFound, b.post("/console/breakers/refund", "state", "open", "reason", "r").status)
	b.post("/console/breakers/read", "state", "automatic", "reason", "done")
	s, err = f.console.config.Breakers.Status(t.Context(), "read")
	require.NoError(t, err)
	require.Empty(t, s.Forced)
}

func TestTheOverviewShowsWhatWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	b := f.as(f.viewer)
	f.keepLetter("m", nil)
	_, err := f.record.Park(t.Context(), f.open("shop", "order-1", 1).ID, "no answer", born)
	require.NoError(t, err)
	f.ready["temporal"] = errors.New("no connection")
	f.queues = errors.New("the broker is away")
	p := b.get("/console/")
	require.Equal(t, "1 open dead letters 1 payments unknown 0 findings to look at 0 webhooks in the spool", p.says(".figures"))
	require.Equal(t, "postgres works rabbitmq works redis works temporal away no connection", p.says("#health tbody"))
	require.Equal(t, "The queues cannot be shown: the broker is away", p.says(".wrong"))
	require.Contains(t, p.says("#causes"), "invalid 1")
	require.Contains(t, p.says("#open"), "unknown 1")
	require.Zero(t, p.Find(".calm, #queues").Length())

	f.queues = nil
	require.Equal(t, "webhooks.process 7 2", b.get("/console/").says("#queues tbody"))
}

func TestFindingsOfReconciliationAreShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	run, err := f.record.BeginReconciliation(t.Context(), postgres.BeginPlan{ID: "run", Now: born, Deep: time.Hour, DeepEvery: time.Hour, Longest: time.Hour})
	require.NoError(t, err)
	var found []payment.Finding
	for i := range pageSize + 1 {
		found = append(found, payment.Finding{Kind: payment.OrphanPayment, ProviderPaymentID: fmt.Sprint(i), ProviderUpdatedAt: born, Detail: "<b>not ours</b>", FoundAt: born})
	}
	found = append(found, payment.Finding{Kind: payment.MissedWebhook, ProviderPaymentID: "m", ProviderUpdatedAt: born, Detail: "updated", FoundAt: born})
	require.NoError(t, f.record.KeepFindings(t.Context(), run.ID, found))
	b := f.as(f.viewer)
	p := b.get("/console/reconciliation")
	require.Contains(t, p.says(".figures"), fmt.Sprintf("%d orphan payment", pageSize+1))
	require.Equal(t, []string{"running"}, p.column("runs", "State"))
	strangers := b.get("/console/reconciliation?kind=orphan_payment")
	require.Len(t, strangers.column("findings", "Kind"), pageSize)
	require.Equal(t, "<b>not ours</b>", strangers.column("findings", "Detail")[0])
	require.Zero(t, strangers.Find("#findings form").Length(), "a viewer changes nothing")
	next, _ := strangers.Find(".more a").Attr("href")
	require.Equal(t, []string{"0"}, b.get(next).column("findings", "Provider's id"))
	require.Equal(t, http.StatusUnprocessableEntity, b.get("/console/reconciliation?kind=nonsense").status)
}

func TestAFindingIsClosedWithAReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	run, err := f.record.BeginReconciliation(t.Context(), postgres.BeginPlan{ID: "run", Now: born, Deep: time.Hour, DeepEvery: time.Hour, Longest: time.Hour})
	require.NoError(t, err)
	require.NoError(t, f.record.KeepFindings(t.Context(), run.ID, []payment.Finding{
		{Kind: payment.OrphanPayment, ProviderPaymentID: "7", ProviderUpdatedAt: born, FoundAt: born},
		{Kind: payment.OrphanPayment, ProviderPaymentID: "8", ProviderUpdatedAt: born, FoundAt: born},
	}))
	found, err := f.record.Findings(t.Context(), payment.FindingFilter{Limit: 10})
	require.NoError(t, err)
	button := fmt.Sprint("close-", found[0].ID)
	b := f.as(f.operator)
	shown := b.get("/console/reconciliation?kind=orphan_payment")
	for _, reason := range []string{"", " ", "4111 1111 1111 1111", strings.Repeat("é", audit.MaxReason+1)} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(shown, button, "reason", reason).status)
	}
	for range 2 {
		p := b.press(shown, button, "reason", "made in the panel")
		require.Equal(t, "The finding is closed.", p.says(".notice"))
		require.Equal(t, []string{"7"}, p.column("findings", "Provider's id"))
		require.Contains(t, p.says("h2"), "Open findings: orphan payment", "it is the page that it was")
	}
	require.Equal(t, http.StatusConflict, b.press(shown, button, "reason", "another word").status)
	require.Equal(t, http.StatusNotFound, b.post("/console/reconciliation/findings/987654/close", "reason", "a").status)
	require.Equal(t, http.StatusNotFound, b.post("/console/reconciliation/findings/x/close", "reason", "a").status)
	require.Contains(t, f.logs.String(), `"action":"close"`)
	require.Equal(t, http.StatusForbidden, f.as(f.viewer).post(fmt.Sprintf("/console/reconciliation/findings/%d/close", found[1].ID), "reason", "a").status)
}

func TestWhatIsNotThereIsAPage(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Options{})
	b := f.as(f.viewer)
	require.Equal(t, http.StatusNotFound, b.get("/console/nonsense").status)
	require.Equal(t, http.StatusNotFound, b.post("/console/payments").status)
	for _, file := range []string{"style.css", "icon.svg"} {
		require.Equal(t, http.StatusOK, f.browser().get("/console/static/"+file).status)
	}
	require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/redrives", "reason", strings.Repeat("x", maxForm)).status)
	_, err := New(Config{})
	require.ErrorContains(t, err, "required")
}
