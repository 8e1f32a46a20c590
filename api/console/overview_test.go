package console

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/workflows"
)

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
	require.Equal(t, http.StatusNotFound, b.post("/console/breakers/transfer", "state", "open", "reason", "r").status)
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
	e.queues = errors.New("RabbitMQ is unavailable")
	p := b.get("/console/")
	require.Equal(t, "1 open dead letters 1 unknown payments 0 findings to check 0 webhooks in the spool", p.says(".numbers"))
	require.Equal(t, "postgres works rabbitmq works redis works temporal unavailable no connection", p.says("#health tbody"))
	require.Equal(t, "The queues cannot be shown: RabbitMQ is unavailable", p.says(".wrong"))
	require.Contains(t, p.says("#causes"), "invalid 1")
	require.Contains(t, p.says("#open"), "unknown 1")
	require.Zero(t, p.Find(".calm, #queues").Length())

	e.queues = nil
	require.Equal(t, "webhooks.process 7 2", b.get("/console/").says("#queues tbody"))

	run, err := e.store.BeginReconciliation(t.Context(), postgres.BeginPlan{ID: "run", Now: born, Deep: time.Hour, DeepEvery: time.Hour, Longest: time.Hour})
	require.NoError(t, err)
	_, err = e.store.FinishReconciliation(t.Context(), run.ID, payment.ReconciliationCounts{}, born)
	require.NoError(t, err)
	require.Regexp(t, `compared up to \d+ days ago`, b.get("/console/").says("#reconciliation"))
}

func TestTheOverviewLinksToTheSavedViews(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.as(e.viewer)
	links := b.get("/console/").Find("#views a")
	require.Equal(t, len(workflows.SavedViews(time.Now())), links.Length())
	require.Equal(t, "Need attention", links.First().Text())
	require.Equal(t, "http://temporal.test/namespaces/default/workflows?query=PaymentNeedsAttention+%3D+true", links.First().AttrOr("href", ""))
	require.Equal(t, "Precisam de atenção", b.post("/console/language", "language", "pt-BR", "to", "/console/").Find("#views a").First().Text())

	e.console.config.TemporalUIURL = ""
	require.Zero(t, b.get("/console/").Find("#views").Length())
}

func TestAnUnknownAddressIsAPage(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.as(e.viewer)
	require.Equal(t, http.StatusNotFound, b.get("/console/nonsense").status)
	require.Equal(t, http.StatusNotFound, b.post("/console/audit").status)
	for _, file := range []string{"style.css", "icon.svg"} {
		require.Equal(t, http.StatusOK, e.browser().get("/console/static/"+file).status)
	}
	require.Equal(t, http.StatusUnprocessableEntity, b.post("/console/redrives", "reason", strings.Repeat("x", maxForm)).status)
	_, err := New(Config{})
	require.ErrorContains(t, err, "required")
}
