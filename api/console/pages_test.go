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

// openPayment writes a payment of a client app, created this many seconds after born.
func (e *env) openPayment(client, key string, second int) payment.Payment {
	e.t.Helper()
	_, err := e.store.IssueAPIKey(e.t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: client, Scopes: access.Scopes()}, born)
	require.NoError(e.t, err)
	p, _, err := e.store.OpenPayment(e.t.Context(), payment.Payment{
		ID: payment.NewID(client, key), ClientID: client, IdempotencyKey: key, Fingerprint: "f",
		Request: payment.Request{
			Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Description: "<script>alert(1)</script>", Reference: key,
			Method: payment.Method{Type: payment.Pix}, Payer: payment.Payer{Email: "buyer@example.com", Name: "Buyer", TaxID: "12345678909"},
		},
		Status: payment.Processing, Provider: payment.Provider{Name: payment.MercadoPago}, CreatedAt: born.Add(time.Duration(second) * time.Second),
	})
	require.NoError(e.t, err)
	return p
}

// keepDeadLetter stores a dead letter and returns its id.
func (e *env) keepDeadLetter(name string, change func(*deadletter.Message)) string {
	e.t.Helper()
	l := deadletter.Message{
		ID: deadletter.NewID(name, "q"), Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid, Fingerprint: "0f7c1f4e4d1c4f0a",
		Error: "the record refused", State: deadletter.Open, Deaths: 1, DiedAt: born,
		Original: deadletter.Original{ID: name, Queue: "q", Exchange: "e", Key: "k", Body: []byte("buyer@example.com"), SentAt: born},
		Trail:    []deadletter.Attempt{{Attempt: 1, At: born, Error: "no"}},
	}
	if change != nil {
		change(&l)
	}
	_, err := e.store.KeepDeadLetters(e.t.Context(), []deadletter.Message{l})
	require.NoError(e.t, err)
	return l.ID
}

// column returns the texts of a table's column.
func (p page) column(table, label string) []string {
	return p.Find("#" + table + ` tbody td[data-label="` + label + `"]`).Map(func(_ int, cell *goquery.Selection) string {
		return strings.TrimSpace(cell.Text())
	})
}

func TestAPaymentIsFoundByIDReferenceAndStatus(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	a, other := e.openPayment("shop", "order-1", 1), e.openPayment("rival", "order-1", 2)
	b := e.openPayment("shop", "order-2", 3)
	_, err := e.store.Apply(t.Context(), a.ID, payment.ProviderState{
		PaymentID: "98765432101", Reference: a.ID, Status: payment.Approved, RawStatus: "approved", StatusDetail: "accredited", Money: a.Amount, UpdatedAt: born,
	}, born)
	require.NoError(t, err)
	v := e.as(e.viewer)
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
	e.redriver.begun = none
	accepted := v.get("/console/payments/" + none)
	require.Equal(t, http.StatusServiceUnavailable, accepted.status)
	require.Contains(t, accepted.says("main"), "accepted but not stored yet")
}

func TestPaymentsArePaged(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	for i := range pageSize + 3 {
		e.openPayment([]string{"shop", "rival"}[i%2], fmt.Sprint("order-", i), i)
	}
	b := e.as(e.viewer)
	first := b.get("/console/payments?status=processing")
	require.Len(t, first.column("payments", "Payment"), pageSize)
	next, ok := first.Find(".more a").Attr("href")
	require.True(t, ok)
	second := b.get(next)
	require.Equal(t, []string{"order-2", "order-1", "order-0"}, second.column("payments", "Reference"))
	require.Zero(t, second.Find(".more a").Length())
}

func TestAPaymentIsShownWithoutItsBuyer(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	pay := e.openPayment("shop", "order-1", 1)
	_, err := e.store.Park(t.Context(), pay.ID, "no answer", born)
	require.NoError(t, err)
	e.keepDeadLetter("m", func(l *deadletter.Message) { l.PaymentID = pay.ID; l.Cause = deadletter.CauseUnknownOutcome })
	p := e.as(e.viewer).get("/console/payments/" + pay.ID)
	require.Equal(t, "BRL 10.50 unknown", p.says("h1"))
	require.Equal(t, pay.ID, p.says("#payment-id"))
	require.Equal(t, 2, p.Find("#events li").Length())
	require.Contains(t, p.says("#operations"), "charge 1 BRL 10.50 unknown")
	require.Contains(t, p.says("#operations"), payment.ProviderKey(pay.ID, payment.Charge, 1))
	require.Equal(t, []string{"the record refused"}, p.column("dead-letters", "Error"))
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
	e := newEnv(t, session.Options{})
	id := e.keepDeadLetter("a", nil)
	e.keepDeadLetter("b", func(l *deadletter.Message) {
		l.Cause, l.Source, l.Fingerprint, l.DiedAt = deadletter.CauseInternal, deadletter.FromWorkflow, "ffffffffffffffff", born.Add(time.Second)
	})
	_, err := e.store.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ops"}, e.keepDeadLetter("c", nil), "old")
	require.NoError(t, err)
	b := e.as(e.operator)
	require.Equal(t, []string{"internal workflow", "invalid webhook"}, b.get("/console/dead-letters").column("dead-letters", "Cause"))
	require.Len(t, b.get("/console/dead-letters?state=any").column("dead-letters", "Cause"), 3)
	narrow := b.get("/console/dead-letters?fingerprint=0f7c1f4e4d1c4f0a&cause=invalid")
	require.Equal(t, []string{id[:8]}, narrow.column("dead-letters", "Dead letter"))
	require.Equal(t, deadletter.CauseInvalid.Advice(), narrow.says(".advice"))
	for _, wrong := range []string{"cause=nonsense", "state=nonsense", "fingerprint=zz", "payment_id=x"} {
		p := b.get("/console/dead-letters?" + wrong)
		require.Equal(t, http.StatusUnprocessableEntity, p.status)
		require.Contains(t, p.says(".failure li"), wrong[:strings.Index(wrong, "=")])
	}
	require.Equal(t, http.StatusNotFound, b.get("/console/dead-letters/"+deadletter.NewID("none", "")).status)
}

// A form that is sent twice starts one redrive, in the name of the user.
func TestADeadLetterIsRedrivenOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	e.redriver.state = workflows.RedriveRunning
	id := e.keepDeadLetter("m", nil)
	b := e.as(e.operator)
	shown := b.get("/console/dead-letters/" + id)
	for range 2 {
		p := b.press(shown, "redrive", "reason", "mended")
		in := e.redriver.only(t)
		require.Equal(t, deadletter.Order{ID: in.ID, Actor: e.operator, Plan: deadletter.Plan{Reason: "mended", Filter: deadletter.Filter{IDs: []string{id}}}}, in)
		require.Equal(t, "/console/redrives/"+in.ID, p.path)
		require.Equal(t, "2", p.Find("meta[http-equiv=refresh]").AttrOr("content", ""), "the page reloads by itself")
		require.Equal(t, "2 of 3", p.says("progress"))
	}
	require.Equal(t, 1, strings.Count(e.logs.String(), `"action":"redrive"`))
	require.Equal(t, []string{"redrive/" + e.redriver.only(t).ID}, b.get("/console/audit?action=redrive.start&actor="+e.operator).column("entries", "Object"))

	e.redriver.state = workflows.RedriveDone
	require.Zero(t, b.get("/console/redrives/"+e.redriver.only(t).ID).Find("meta[http-equiv=refresh]").Length())
	require.Equal(t, http.StatusNotFound, b.get("/console/redrives/"+deadletter.NewRedriveID("x", "y")).status)
	require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/dead-letters/"+id+"/redrive").status, "a form needs its key")

	// A closed dead letter is not redriven, but a request may be repeated.
	_, err := e.store.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ops"}, id, "old")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, b.press(shown, "redrive", "reason", "mended").status)
	require.Equal(t, http.StatusConflict, b.post("/console/dead-letters/"+id+"/redrive", "key", "another").status)
	e.redriver.only(t)
}

func TestADeadLetterIsDiscardedWithAReason(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	id := e.keepDeadLetter("m", nil)
	b := e.as(e.operator)
	shown := b.get("/console/dead-letters/" + id)
	for _, reason := range []string{"", " ", "4111 1111 1111 1111", strings.Repeat("é", audit.MaxReason+1)} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(shown, "discard", "reason", reason).status)
	}
	for range 2 {
		p := b.press(shown, "discard", "reason", "of no use")
		require.Equal(t, "The dead letter is discarded.", p.says(".notice"))
		require.Contains(t, p.says("dl"), "by "+e.operator+" : of no use")
		require.Zero(t, p.Find("#actions").Length())
	}
	require.Equal(t, http.StatusConflict, b.press(shown, "discard", "reason", "another word").status)
	trail := b.get("/console/audit?object=dead_letter/" + id)
	require.Equal(t, []string{"of no use state: open → discarded"}, trail.column("entries", "Reason and changes"))
	l, err := e.store.DeadLetter(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{string(deadletter.Discarded), e.operator, "of no use"}, []string{string(l.State), l.ClosedBy, l.Reason})
	require.Empty(t, b.get("/console/dead-letters").says(".notice"), "a notice is shown once")
}

func TestAnUnknownPaymentIsSettledWithAReason(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	p := e.openPayment("shop", "order-1", 0)
	path := "/console/payments/" + p.ID
	require.Zero(t, e.as(e.operator).get(path).Find("#settle").Length(), "it is not unknown")
	_, err := e.store.Park(t.Context(), p.ID, "silence", born)
	require.NoError(t, err)
	require.Zero(t, e.as(e.viewer).get(path).Find("#settle").Length(), "a viewer sees no button")
	require.Equal(t, http.StatusForbidden, e.as(e.viewer).post(path+"/settle", "reason", "r").status)

	b := e.as(e.operator)
	shown := b.get(path)
	for _, reason := range []string{"", " ", "4111 1111 1111 1111", strings.Repeat("é", audit.MaxReason+1)} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(shown, "settle", "reason", reason).status)
	}
	for range 2 {
		settled := b.press(shown, "settle", "reason", "the panel has none")
		require.Equal(t, "The payment is settled as failed.", settled.says(".notice"))
		require.Contains(t, settled.says("#events"), "by "+e.operator+" : the panel has none")
		require.Zero(t, settled.Find("#settle").Length())
	}
	require.Equal(t, http.StatusConflict, b.press(shown, "settle", "reason", "another word").status)
	events, err := e.store.Events(t.Context(), p.ID, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 3)
	trail, err := e.store.AuditTrail(t.Context(), audit.Filter{Object: "payment/" + p.ID, Limit: audit.MaxList})
	require.NoError(t, err)
	require.Len(t, trail, 1)
	require.Equal(t, []any{e.operator, audit.Console}, []any{trail[0].Actor.Name, trail[0].Actor.Channel})
	require.NotEmpty(t, trail[0].Actor.From)
}

func TestManyDeadLettersAreCountedBeforeTheyAreRedriven(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	e.redriver.state = workflows.RedriveDryRun
	e.keepDeadLetter("m", nil)
	b := e.as(e.operator)
	require.Zero(t, b.get("/console/dead-letters").Find("#redrive-many").Length(), "a filter is required")
	form := b.get("/console/dead-letters?cause=invalid")
	p := b.press(form, "redrive-all", "reason", "mended")
	in := e.redriver.only(t)
	require.Equal(t, deadletter.Order{ID: in.ID, Actor: e.operator, Plan: deadletter.Plan{
		Reason: "mended", Filter: deadletter.Filter{Cause: deadletter.CauseInvalid},
		DryRun: true, Canary: 1, CanaryWait: time.Minute, Rate: 10, StopAfter: 5,
	}}, in)
	require.Equal(t, "3 dead letters would be sent. Nothing was sent.", p.says(".lead"))
	for _, wrong := range [][]string{
		{"cause", "invalid"}, {"reason", "r"}, {"cause", "nonsense", "reason", "r"}, {"cause", "invalid", "reason", "r", "canary", "101"},
		{"cause", "invalid", "reason", "r", "rate", "-1"}, {"cause", "invalid", "reason", "r", "stop_after_errors", "x"},
	} {
		require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/redrives", append(wrong, "key", "k")...).status, wrong)
	}
	e.redriver.only(t)

	// The same form without the dry run starts another redrive; with another reason it is refused.
	for range 2 {
		require.Equal(t, http.StatusOK, b.press(form, "redrive-all", "reason", "mended", "dry_run", "").status)
		require.Len(t, e.redriver.started, 2)
	}
	p = b.press(form, "redrive-all", "reason", "another", "dry_run", "")
	require.Equal(t, http.StatusConflict, p.status)
	require.Contains(t, p.says(".lead"), "already sent")
	require.Len(t, e.redriver.started, 2)
}

func TestABreakerIsHeldAndMadeAutomatic(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.as(e.operator)
	p := b.post("/console/breakers/read", "state", "open", "reason", " maintenance ")
	require.Equal(t, "The breaker read is set to open.", p.says(".notice"))
	require.Contains(t, p.says("#breaker-read"), "open held by "+e.operator+": maintenance")
	require.Zero(t, p.Find(".calm").Length())
	s, err := e.console.config.Breakers.Status(t.Context(), "read")
	require.NoError(t, err)
	require.Equal(t, []string{string(breaker.Open), e.operator, "maintenance"}, []string{string(s.Forced), s.Actor, s.Reason})
	for _, wrong := range [][]string{{"state", "open"}, {"state", "half-open", "reason", "r"}, {"reason", "r"}} {
		require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/breakers/read", wrong...).status)
	}
	require.Equal(t, http.StatusNotFound, b.post("/console/breakers/refund", "state", "open", "reason", "r").status)
	b.post("/console/breakers/read", "state", "automatic", "reason", "done")
	s, err = e.console.config.Breakers.Status(t.Context(), "read")
	require.NoError(t, err)
	require.Empty(t, s.Forced)
}

func TestTheOverviewShowsOpenWork(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.as(e.viewer)
	e.keepDeadLetter("m", nil)
	_, err := e.store.Park(t.Context(), e.openPayment("shop", "order-1", 1).ID, "no answer", born)
	require.NoError(t, err)
	e.ready["temporal"] = errors.New("no connection")
	e.queues = errors.New("the broker is away")
	p := b.get("/console/")
	require.Equal(t, "1 open dead letters 1 unknown payments 0 findings to check 0 webhooks in the spool", p.says(".figures"))
	require.Equal(t, "postgres works rabbitmq works redis works temporal unavailable no connection", p.says("#health tbody"))
	require.Equal(t, "The queues cannot be shown: the broker is away", p.says(".wrong"))
	require.Contains(t, p.says("#causes"), "invalid 1")
	require.Contains(t, p.says("#open"), "unknown 1")
	require.Zero(t, p.Find(".calm, #queues").Length())

	e.queues = nil
	require.Equal(t, "webhooks.process 7 2", b.get("/console/").says("#queues tbody"))
}

func TestFindingsOfReconciliationAreShown(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	run, err := e.store.BeginReconciliation(t.Context(), postgres.BeginPlan{ID: "run", Now: born, Deep: time.Hour, DeepEvery: time.Hour, Longest: time.Hour})
	require.NoError(t, err)
	var found []payment.Finding
	for i := range pageSize + 1 {
		found = append(found, payment.Finding{Kind: payment.OrphanPayment, ProviderPaymentID: fmt.Sprint(i), ProviderUpdatedAt: born, Detail: "<b>not ours</b>", FoundAt: born})
	}
	found = append(found, payment.Finding{Kind: payment.MissedWebhook, ProviderPaymentID: "m", ProviderUpdatedAt: born, Detail: "updated", FoundAt: born})
	require.NoError(t, e.store.KeepFindings(t.Context(), run.ID, found))
	b := e.as(e.viewer)
	p := b.get("/console/reconciliation")
	require.Contains(t, p.says(".figures"), fmt.Sprintf("%d orphan payment", pageSize+1))
	require.Equal(t, []string{"running"}, p.column("runs", "State"))
	strangers := b.get("/console/reconciliation?kind=orphan_payment")
	require.Len(t, strangers.column("findings", "Kind"), pageSize)
	require.Equal(t, "<b>not ours</b>", strangers.column("findings", "Detail")[0])
	require.Zero(t, strangers.Find("#findings form").Length(), "a viewer sees no buttons")
	next, _ := strangers.Find(".more a").Attr("href")
	require.Equal(t, []string{"0"}, b.get(next).column("findings", "Provider's id"))
	require.Equal(t, http.StatusUnprocessableEntity, b.get("/console/reconciliation?kind=nonsense").status)
}

func TestAFindingIsClosedWithAReason(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	run, err := e.store.BeginReconciliation(t.Context(), postgres.BeginPlan{ID: "run", Now: born, Deep: time.Hour, DeepEvery: time.Hour, Longest: time.Hour})
	require.NoError(t, err)
	require.NoError(t, e.store.KeepFindings(t.Context(), run.ID, []payment.Finding{
		{Kind: payment.OrphanPayment, ProviderPaymentID: "7", ProviderUpdatedAt: born, FoundAt: born},
		{Kind: payment.OrphanPayment, ProviderPaymentID: "8", ProviderUpdatedAt: born, FoundAt: born},
	}))
	found, err := e.store.Findings(t.Context(), payment.FindingFilter{Limit: 10})
	require.NoError(t, err)
	button := fmt.Sprint("close-", found[0].ID)
	b := e.as(e.operator)
	shown := b.get("/console/reconciliation?kind=orphan_payment")
	for _, reason := range []string{"", " ", "4111 1111 1111 1111", strings.Repeat("é", audit.MaxReason+1)} {
		require.Equal(t, http.StatusUnprocessableEntity, b.press(shown, button, "reason", reason).status)
	}
	for range 2 {
		p := b.press(shown, button, "reason", "made in the panel")
		require.Equal(t, "The finding is closed.", p.says(".notice"))
		require.Equal(t, []string{"7"}, p.column("findings", "Provider's id"))
		require.Contains(t, p.says("h2"), "Open findings: orphan payment", "the same page is shown again")
	}
	require.Equal(t, http.StatusConflict, b.press(shown, button, "reason", "another word").status)
	require.Equal(t, http.StatusNotFound, b.post("/console/reconciliation/findings/987654/close", "reason", "a").status)
	require.Equal(t, http.StatusNotFound, b.post("/console/reconciliation/findings/x/close", "reason", "a").status)
	require.Contains(t, e.logs.String(), `"action":"close"`)
	require.Equal(t, http.StatusForbidden, e.as(e.viewer).post(fmt.Sprintf("/console/reconciliation/findings/%d/close", found[1].ID), "reason", "a").status)
}

func TestAnUnknownAddressIsAPage(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.as(e.viewer)
	require.Equal(t, http.StatusNotFound, b.get("/console/nonsense").status)
	require.Equal(t, http.StatusNotFound, b.post("/console/payments").status)
	for _, file := range []string{"style.css", "icon.svg"} {
		require.Equal(t, http.StatusOK, e.browser().get("/console/static/"+file).status)
	}
	require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/redrives", "reason", strings.Repeat("x", maxForm)).status)
	_, err := New(Config{})
	require.ErrorContains(t, err, "required")
}
