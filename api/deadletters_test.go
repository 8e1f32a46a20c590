package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

// post sends a JSON body, with an idempotency key unless it is empty.
func (f *fixture) post(t testing.TB, path, key, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	headers = append([]string{"Content-Type", "application/json", "Idempotency-Key", key}, headers...)
	return f.do(t, http.MethodPost, path, strings.NewReader(body), headers...)
}

func TestADeadLetterIsShownWithoutItsBody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.deadLetters.add("m", nil)
	f.deadLetters.done[id] = []deadletter.Redrive{{RedriveID: deadletter.NewRedriveID("shop", "1"), DeadLetterID: id, Actor: "shop", Reason: "mended", At: born, Outcome: deadletter.RedriveSent}}
	w := f.get(t, "/v1/dead-letters/"+id)
	require.Equal(t, http.StatusOK, w.Code)
	golden(t, "dead_letter", w)
	require.NotContains(t, w.Body.String(), "ana@")
	require.Contains(t, f.logs.String(), `"payment_id":"`+payment.NewID("shop", "order-1042"))

	list := f.get(t, "/v1/dead-letters")
	golden(t, "dead_letter_list", list)
	for _, path := range []string{"/v1/dead-letters/x", "/v1/dead-letters/" + deadletter.NewID("x", "")} {
		require.Equal(t, http.StatusNotFound, f.get(t, path).Code)
	}
}

// A dead letter with a cause that only a newer release knows can be read.
func TestAnUnknownCauseIsShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.deadLetters.add("m", func(l *deadletter.Message) { l.Cause = "tomorrow"; l.PaymentID = "" })
	require.Equal(t, "tomorrow", decode[DeadLetter](t, f.get(t, "/v1/dead-letters/"+id)).Cause)
}

func TestDeadLettersAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var want []string
	for i := range 5 {
		want = append(want, f.deadLetters.add(fmt.Sprint(i), nil))
	}
	slices.Reverse(want)
	f.deadLetters.add("closed", func(l *deadletter.Message) { l.State = deadletter.Redriven })
	var got []string
	for path := "/v1/dead-letters?limit=2"; path != ""; {
		page := decode[DeadLetterList](t, f.get(t, path))
		for _, l := range page.Data {
			got = append(got, l.ID)
		}
		path = ""
		if page.NextCursor != "" {
			path = "/v1/dead-letters?limit=2&cursor=" + page.NextCursor
		}
	}
	require.Equal(t, want, got)
	require.Len(t, decode[DeadLetterList](t, f.get(t, "/v1/dead-letters?state=any")).Data, 6)

	p := payment.NewID("shop", "x")
	f.get(t, "/v1/dead-letters?state=resolved&source=workflow&cause=unknown-outcome&fingerprint=0f7c1f4e4d1c4f0a&payment_id="+p+
		"&died_from=2026-11-01T00:00:00Z&died_to=2026-11-02T00:00:00Z")
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, deadletter.Filter{State: deadletter.Resolved, Source: deadletter.FromWorkflow, Cause: deadletter.CauseUnknownOutcome,
		Fingerprint: "0f7c1f4e4d1c4f0a", PaymentID: p, DiedFrom: day, DiedTo: day.AddDate(0, 0, 1), Limit: limitDefault + 1}, f.deadLetters.asked)

	cursor := decode[DeadLetterList](t, f.get(t, "/v1/dead-letters?limit=2")).NextCursor
	for query, field := range map[string]string{
		"state=closed": "state", "source=queue": "source", "cause=bad": "cause", "fingerprint=x": "fingerprint", "payment_id=7": "payment_id",
		"died_from=today": "died_from", "died_from=2026-11-02T00:00:00Z&died_to=2026-11-01T00:00:00Z": "died_to", "limit=0": "limit",
		"who=me": "who",
	} {
		w := f.get(t, "/v1/dead-letters?"+query)
		require.Equal(t, http.StatusBadRequest, w.Code, query)
		require.Equal(t, "#query/"+field, decode[Problem](t, w).Errors[0].Pointer)
	}
	w := f.get(t, "/v1/dead-letters?limit=2&state=any&cursor="+cursor)
	require.Equal(t, "invalid_cursor", decode[Problem](t, w).Code)
}

func TestDeadLettersAreForOperators(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.deadLetters.add("m", nil)
	client := "Bearer " + f.addKey("shop", access.ClientScopes()...)
	reader := "Bearer " + f.addKey("ana", access.ScopeOperationsRead)
	for _, path := range []string{"/v1/dead-letters", "/v1/dead-letters/" + id, "/v1/redrives/" + id} {
		require.Equal(t, http.StatusForbidden, f.get(t, path, "Authorization", client).Code, path)
	}
	for _, path := range []string{"/v1/dead-letters/redrive", "/v1/dead-letters/" + id + "/redrive", "/v1/dead-letters/" + id + "/discard"} {
		require.Equal(t, http.StatusForbidden, f.post(t, path, "k", `{}`, "Authorization", reader).Code, path)
	}
	require.Empty(t, f.deadLetters.started)
}

func TestDiscardingNeedsAReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.deadLetters.add("m", nil)
	path := "/v1/dead-letters/" + id + "/discard"
	for body, pointer := range map[string]string{
		`{}`: "/reason", `{"reason": ""}`: "/reason", `{"reason": "  "}`: "/reason", `{"reason": 1}`: "/reason",
		`{"reason": "` + strings.Repeat("x", 501) + `"}`: "/reason", `{"reason": "card 4235 6477 2802 5682"}`: "/reason",
		`{"reason": "a", "actor": "me"}`: "/actor",
	} {
		w := f.post(t, path, "", body)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, body)
		require.Equal(t, pointer, decode[Problem](t, w).Errors[0].Pointer, body)
	}
	for range 2 {
		w := f.post(t, path, "", `{"reason": "a test"}`)
		require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
		l := decode[DeadLetter](t, w)
		require.Equal(t, []string{"discarded", "shop", "a test"}, []string{string(l.State), l.ClosedBy, l.Reason})
	}
	require.Equal(t, http.StatusConflict, f.post(t, path, "", `{"reason": "another"}`).Code)
	require.Equal(t, http.StatusNotFound, f.post(t, "/v1/dead-letters/x/discard", "", `{"reason": "a"}`).Code)
}

func TestOneDeadLetterIsRedrivenOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.deadLetters.add("m", nil)
	path := "/v1/dead-letters/" + id + "/redrive"
	require.Equal(t, http.StatusBadRequest, f.post(t, path, "", "").Code, "without a key")
	first := f.post(t, path, "k", "")
	require.Equal(t, http.StatusAccepted, first.Code, "%s", first.Body)
	redrive := deadletter.NewRedriveID("shop", "k")
	require.Equal(t, host+"/v1/redrives/"+redrive, first.Header().Get("Location"))
	require.Equal(t, deadletter.Order{ID: redrive, Actor: "shop", Plan: deadletter.Plan{Filter: deadletter.Filter{IDs: []string{id}}}}, f.deadLetters.started[redrive])

	f.deadLetters.all[0].State = deadletter.Redriven
	again := f.post(t, path, "k", "")
	require.Equal(t, http.StatusAccepted, again.Code, "a repeated request gets the same response")
	require.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	require.Equal(t, first.Body.String(), again.Body.String())
	other := f.post(t, path, "k2", "")
	require.Equal(t, http.StatusConflict, other.Code)
	require.Equal(t, "the dead letter is already redriven", decode[Problem](t, other).Detail)
	require.Len(t, f.deadLetters.started, 1)
	require.Equal(t, http.StatusNotFound, f.post(t, "/v1/dead-letters/"+redrive+"/redrive", "k3", "").Code)
}

const careful = `{"filter": {"cause": "invalid", "died_to": "2026-11-24T00:00:00-03:00"}, "reason": "mended",
	"canary": 5, "rate": 50, "stop_after_errors": 10}`

func TestARedriveIsStartedWithItsPlan(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.post(t, "/v1/dead-letters/redrive", "k", careful)
	require.Equal(t, http.StatusAccepted, w.Code, "%s", w.Body)
	id := deadletter.NewRedriveID("shop", "k")
	require.Equal(t, deadletter.Order{ID: id, Actor: "shop", Plan: deadletter.Plan{
		Reason: "mended", Canary: 5, CanaryWait: time.Minute, Rate: 50, StopAfter: 10,
		Filter: deadletter.Filter{Cause: deadletter.CauseInvalid, DiedTo: time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)},
	}}, f.deadLetters.started[id])
	require.Equal(t, "true", f.post(t, "/v1/dead-letters/redrive", "k", careful).Header().Get("Idempotency-Replayed"))
	reused := f.post(t, "/v1/dead-letters/redrive", "k", strings.Replace(careful, "invalid", "unreadable", 1))
	require.Equal(t, "idempotency_key_reused", decode[Problem](t, reused).Code)

	golden(t, "redrive", f.get(t, "/v1/redrives/"+id))
	for _, path := range []string{"/v1/redrives/x", "/v1/redrives/" + deadletter.NewRedriveID("shop", "none")} {
		require.Equal(t, http.StatusNotFound, f.get(t, path).Code)
	}
}

func TestAWrongRedriveNamesTheField(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for change, pointer := range map[[2]string]string{
		{`"cause": "invalid", `, ``}:                                  "/filter",
		{`"cause": "invalid"`, `"cause": "bad"`}:                      "/filter/cause",
		{`"cause": "invalid"`, `"ids": ["x"]`}:                        "/filter/ids/0",
		{`"cause": "invalid"`, `"fingerprint": "x"`}:                  "/filter/fingerprint",
		{`"cause": "invalid"`, `"cause": "invalid", "state": "open"`}: "/filter/state",
		{`"reason": "mended",`, ``}:                                   "/reason",
		{`"reason": "mended"`, `"reason": " "`}:                       "/reason",
		{`"canary": 5`, `"canary": 101`}:                              "/canary",
		{`"canary": 5`, `"canary": 5, "canary_wait": 86401`}:          "/canary_wait",
		{`"rate": 50`, `"rate": -1`}:                                  "/rate",
		{`"stop_after_errors": 10`, `"stop_after_errors": -1`}:        "/stop_after_errors",
		{`"rate": 50`, `"rate": "fast"`}:                              "/rate",
		{`"rate": 50`, `"dry_run": 1`}:                                "/dry_run",
	} {
		w := f.post(t, "/v1/dead-letters/redrive", "k", strings.Replace(careful, change[0], change[1], 1))
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, change)
		require.Equal(t, pointer, decode[Problem](t, w).Errors[0].Pointer, change)
	}
	require.Empty(t, f.deadLetters.started)
}
