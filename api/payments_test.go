package api

import (
	"bytes"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

func TestCreatePaymentAnswersWithThePix(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.create(t, "order-1042", goodBody)

	require.Equal(t, http.StatusCreated, w.Code, "%s", w.Body)
	golden(t, "payment_pending", w)
	created := decode[Payment](t, w)
	require.Equal(t, payment.NewID("shop", "order-1042"), created.ID)
	require.Equal(t, created.Links.Self, w.Header().Get("Location"))
	require.Empty(t, w.Header().Get("Idempotency-Replayed"))
	require.Empty(t, w.Header().Get("Preference-Applied"))
	require.Equal(t, waitDefault, f.engine.asked[0].Wait)
	require.Equal(t, "order-1042", f.engine.asked[0].IdempotencyKey)

	image, err := png.Decode(bytes.NewReader(created.Method.QrCodeBase64))
	require.NoError(t, err)
	require.GreaterOrEqual(t, image.Bounds().Dx(), 100)

	read := f.get(t, "/v1/payments/"+created.ID)
	require.Equal(t, http.StatusOK, read.Code)
	require.JSONEq(t, w.Body.String(), read.Body.String())
}

// A repeated request is answered from the database: it must not start another run of the workflow.
func TestRepeatedCreateStartsNoWorkflow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.create(t, "order-1042", goodBody)
	again := f.create(t, `"order-1042"`, strings.ReplaceAll(goodBody, `"12345678909"`, `"123.456.789-09"`))

	require.Equal(t, http.StatusCreated, again.Code)
	require.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	require.Equal(t, first.Body.String(), again.Body.String())
	require.Len(t, f.engine.asked, 1)
}

func TestRepeatedCreateJoinsAnUnansweredPayment(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.engine.answers = false
	require.Equal(t, http.StatusAccepted, f.create(t, "k", goodBody).Code)
	f.engine.answers = true
	again := f.create(t, "k", goodBody)

	require.Equal(t, http.StatusCreated, again.Code)
	require.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	require.Len(t, f.engine.asked, 2)
}

func TestKeyOfAnotherRequestIsRefused(t *testing.T) {
	t.Parallel()
	other := strings.Replace(goodBody, "1050", "1051", 1)
	for name, prepare := range map[string]func(*fixture){
		"the database has the payment": func(*fixture) {},
		"only the workflow has the payment": func(f *fixture) {
			f.engine.fails = &failure.Error{Kind: failure.Conflict, Message: "x"}
			f.database.payments = nil
		},
		"the database is unavailable": func(f *fixture) {
			f.engine.fails = &failure.Error{Kind: failure.Conflict, Message: "x"}
			f.database.setUnavailable(errUnavailable)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.create(t, "k", goodBody)
			prepare(f)
			w := f.create(t, "k", other)
			require.Equal(t, http.StatusUnprocessableEntity, w.Code, "%s", w.Body)
			require.Equal(t, "idempotency_key_reused", decode[Problem](t, w).Code)
		})
	}
}

// A run that has closed still answers. When the database has lost the payment, or has an older version of it, the workflow is asked
// once more, and the client app gets the payment.
func TestWhatTheDatabaseHasLostIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		lose  func(*memory, string)
		asked int
	}{
		"the row is lost": {func(m *memory, id string) { delete(m.payments, id) }, 3},
		"the row is an older one": {func(m *memory, id string) {
			m.set(id, func(p *payment.Payment) { p.Status, p.Version = payment.Processing, 1 })
		}, 3},
		"the database is unavailable": {func(m *memory, _ string) { m.unavailable = errUnavailable }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			id := decode[Payment](t, f.create(t, "k", goodBody)).ID
			before := f.database.payments[id]
			f.engine.closed = &workflows.Answer{PaymentID: id, Fingerprint: before.Fingerprint, Status: before.Status, Version: before.Version, AskedAt: before.CreatedAt}
			row.lose(f.database, id)
			w := f.create(t, "k", goodBody)
			require.Len(t, f.engine.asked, row.asked)
			last := f.engine.asked[row.asked-1]
			if row.asked == 2 {
				require.True(t, last.Unread)
				require.Equal(t, http.StatusAccepted, w.Code, "%s", w.Body)
				return
			}
			require.Equal(t, f.engine.closed, last.Lost)
			require.LessOrEqual(t, last.Wait, waitDefault, "within the same wait")
			require.Equal(t, http.StatusCreated, w.Code, "%s", w.Body)
			require.Equal(t, string(payment.Pending), string(decode[Payment](t, w).Status))
		})
	}
}

// Two client apps with the same key have two payments.
func TestKeysOfClientAppsAreSeparate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	mine := decode[Payment](t, f.create(t, "k", goodBody))
	theirs := f.create(t, "k", goodBody, "Authorization", "Bearer "+f.otherKey)
	require.Equal(t, http.StatusCreated, theirs.Code)
	require.Empty(t, theirs.Header().Get("Idempotency-Replayed"))
	require.NotEqual(t, mine.ID, decode[Payment](t, theirs).ID)

	for _, path := range []string{"/v1/payments/" + mine.ID, "/v1/payments/" + mine.ID + "/events"} {
		w := f.get(t, path, "Authorization", "Bearer "+f.otherKey)
		require.Equal(t, http.StatusNotFound, w.Code)
		require.NotContains(t, w.Body.String(), "shop")
	}
}

// A failure has a code and points at the field to correct. Payments that failed before there were codes are still readable.
func TestAFailureHasACodeAndAPointer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := decode[Payment](t, f.create(t, "k", goodBody))
	f.database.set(p.ID, func(stored *payment.Payment) {
		stored.Status, stored.FailureCode, stored.Failure = payment.Failed, failure.CodeTaxID, failure.CodeTaxID.Message()
	})
	f.database.events[p.ID] = []payment.Event{{
		PaymentID: p.ID, ClientID: "shop", Seq: 1, Status: payment.Failed, At: born,
		Data: payment.EventData{Amount: 1050, Failure: failure.CodeTaxID.Message(), FailureCode: failure.CodeTaxID},
	}}
	want := Failure{Code: "invalid_tax_id", Message: "the provider does not accept the buyer's CPF or CNPJ", Pointer: "/payer/tax_id"}
	golden(t, "payment_failed", f.get(t, "/v1/payments/"+p.ID))
	require.Equal(t, want, decode[PaymentList](t, f.get(t, "/v1/payments")).Data[0].Failure)
	require.Equal(t, want, decode[EventList](t, f.get(t, "/v1/payments/"+p.ID+"/events")).Data[0].Data.Failure)

	f.database.set(p.ID, func(stored *payment.Payment) {
		stored.FailureCode, stored.Failure = "", "Mercado Pago refuses this request"
	})
	old := decode[Payment](t, f.get(t, "/v1/payments/"+p.ID))
	require.Equal(t, Failure{Code: "provider_refused", Message: "Mercado Pago refuses this request"}, old.Failure)
}

func TestCreateAnswers202WhileTheProviderIsSilent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.engine.answers = false
	w := f.create(t, "order-1042", goodBody, "Prefer", "wait=3")

	require.Equal(t, http.StatusAccepted, w.Code)
	golden(t, "payment_processing", w)
	require.Equal(t, "wait=3", w.Header().Get("Preference-Applied"))
	require.Equal(t, decode[Payment](t, w).Links.Self, w.Header().Get("Location"))
	require.Equal(t, 3*time.Second, f.engine.asked[0].Wait)
}

// A payment that the workflow has accepted exists, even when the database cannot show it.
func TestCreateAnswers202WhenTheDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.get(t, "/v1/payments") // the API key is known from now on
	f.database.setUnavailable(errUnavailable)
	w := f.create(t, "order-1042", goodBody)

	require.Equal(t, http.StatusAccepted, w.Code, "%s", w.Body)
	accepted := decode[Payment](t, w)
	require.Equal(t, payment.NewID("shop", "order-1042"), accepted.ID)
	require.Equal(t, Processing, accepted.Status)
	require.Equal(t, int64(1050), accepted.Amount)
	require.Equal(t, "order-1042", accepted.Reference)
	require.Zero(t, accepted.Version)
	require.Contains(t, f.logs.String(), "created payment not read")
}

func TestCreateSaysWhenTemporalIsUnavailable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.engine.fails = &failure.Error{Kind: failure.Unavailable, Message: "the payment engine did not answer in time", RetryAfter: 1200 * time.Millisecond}
	w := f.create(t, "k", goodBody)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "2", w.Header().Get("Retry-After"))

	f.engine.fails = &failure.Error{Kind: failure.Limited, Message: "too many requests at once"}
	require.Equal(t, http.StatusTooManyRequests, f.create(t, "k", goodBody).Code)
}

// A failure between us and the provider is not shown to the client.
func TestCreateHidesInternalFailures(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, kind := range []failure.Kind{failure.Forbidden, failure.Unauthorized, failure.Invalid, failure.NotFound, failure.Internal, "PanicError"} {
		f.engine.fails = &failure.Error{Kind: kind, Message: "the access token is wrong"}
		w := f.create(t, "k", goodBody)
		require.Equal(t, http.StatusInternalServerError, w.Code, kind)
		require.NotContains(t, w.Body.String(), "token")
	}
	require.Contains(t, f.logs.String(), "the access token is wrong")
}

func TestStatusDecidesTheAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range payment.Statuses() {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			id := decode[Payment](t, f.create(t, "k", goodBody)).ID
			f.database.set(id, func(p *payment.Payment) { p.Status = status })
			w := f.create(t, "k", goodBody)
			want := http.StatusCreated
			if status == payment.Unknown {
				want = http.StatusAccepted // still unknown after the workflow was asked; processing has been answered by then
			}
			require.Equal(t, want, w.Code, "%s", w.Body)
			require.Equal(t, "true", w.Header().Get("Idempotency-Replayed"))
			asked := len(f.engine.asked) == 2
			require.Equal(t, status == payment.Processing || status == payment.Unknown, asked)
		})
	}
}

func TestParallelCreatesGetOneAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	second, err := newServer(f.server.config, f.server.contract) // another process
	require.NoError(t, err)
	bodies := make([]string, 200)
	var wg sync.WaitGroup
	for i := range bodies {
		wg.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, host+"/v1/payments", strings.NewReader(goodBody))
			r.Header.Set("Authorization", "Bearer "+f.key)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Idempotency-Key", "order-1042")
			w := httptest.NewRecorder()
			[]*Server{f.server, second}[i%2].ServeHTTP(w, r)
			bodies[i] = w.Body.String()
		})
	}
	wg.Wait()
	for _, body := range bodies {
		require.Equal(t, bodies[0], body)
	}
	require.Contains(t, bodies[0], `"status":"pending"`)
}

func TestPaymentWhoseCodeCannotBeDrawnIsStillShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := decode[Payment](t, f.create(t, "k", goodBody)).ID
	f.database.set(id, func(p *payment.Payment) { p.Instructions.QRCode = strings.Repeat("x", 4000) })
	w := f.get(t, "/v1/payments/"+id)
	require.Equal(t, http.StatusOK, w.Code)
	require.Empty(t, decode[Payment](t, w).Method.QrCodeBase64)
	require.Len(t, decode[Payment](t, w).Method.QrCode, 4000)
}

func TestGetPayment(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := decode[Payment](t, f.create(t, "k", goodBody)).ID
	f.database.set(id, func(p *payment.Payment) {
		p.Status, p.Failure, p.Method = payment.Failed, "the payer is blocked", payment.Method{Type: payment.Pix}
	})

	w := f.get(t, "/v1/payments/"+id)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "the payer is blocked", decode[Payment](t, w).Failure.Message)
	require.Equal(t, "http://temporal.test/namespaces/default/workflows/payment%2F"+id, decode[Payment](t, w).Links.Temporal)
	require.NotContains(t, w.Body.String(), "ana@example.com")

	require.Equal(t, http.StatusOK, f.do(t, http.MethodHead, "/v1/payments/"+id, nil).Code)
	for _, unknown := range []string{payment.NewID("shop", "none"), "42", "..", strings.ToUpper(id), "0b6cf1d2-7b3f-5c7e-9a56-0f3d8f6a5a1%00"} {
		w := f.get(t, "/v1/payments/"+unknown)
		require.Equal(t, http.StatusNotFound, w.Code, unknown)
	}
	f.database.setUnavailable(errUnavailable)
	w = f.get(t, "/v1/payments/"+id)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotContains(t, w.Body.String(), "10.0.0.7")
}

// The buyer's receipt shows the end-to-end id, so a client app finds the payment by it.
func TestAPaidPixShowsItsEndToEndID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	created := decode[Payment](t, f.create(t, "k", goodBody))
	require.Empty(t, created.Method.EndToEndID)
	const endToEnd = "E18236120202611231932abcDEF12345"
	f.database.set(created.ID, func(p *payment.Payment) { p.Instructions.EndToEndID = endToEnd })
	require.Equal(t, endToEnd, decode[Payment](t, f.get(t, "/v1/payments/"+created.ID)).Method.EndToEndID)
}

// A client that got 202 must not get 404 afterwards: it would pay again under another key.
func TestAPaymentThatIsNotStoredYetIsNotMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := payment.NewID("shop", "accepted")
	f.engine.asked = append(f.engine.asked, workflows.CreateInput{Creation: payment.Creation{ClientID: "shop"}, PaymentID: id})
	for _, path := range []string{"/v1/payments/" + id, "/v1/payments/" + id + "/events"} {
		w := f.get(t, path)
		require.Equal(t, http.StatusServiceUnavailable, w.Code, path)
		require.Equal(t, "1", w.Header().Get("Retry-After"))
		require.Contains(t, decode[Problem](t, w).Detail, "accepted")
	}
	require.Equal(t, http.StatusNotFound, f.get(t, "/v1/payments/"+id, "Authorization", "Bearer "+f.otherKey).Code)

	f.engine.fails = &failure.Error{Kind: failure.Unavailable, Message: "the payment engine did not answer in time"}
	w := f.get(t, "/v1/payments/"+payment.NewID("shop", "none"))
	require.Equal(t, http.StatusServiceUnavailable, w.Code, "it is unknown whether the payment exists")
}

func TestPreference(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		prefer  []string
		wait    time.Duration
		applied string
	}{
		{nil, waitDefault, ""},
		{[]string{"wait=0"}, 0, "wait=0"},
		{[]string{"wait=7"}, 7 * time.Second, "wait=7"},
		{[]string{`Wait="7"; x=y`}, 7 * time.Second, "wait=7"},
		{[]string{"wait=31"}, waitMax, "wait=30"},
		{[]string{"respond-async"}, 0, "respond-async"},
		{[]string{"respond-async, wait=5"}, 5 * time.Second, "respond-async, wait=5"},
		{[]string{"return=minimal", "wait = 5"}, 5 * time.Second, "wait=5"},
		{[]string{"wait=5, wait=6"}, 5 * time.Second, "wait=5"},
		{[]string{"wait=-1"}, waitDefault, ""},
		{[]string{"wait=soon"}, waitDefault, ""},
		{[]string{"wait=1e9"}, waitDefault, ""},
		{[]string{"wait=99999999999999999999"}, waitDefault, ""},
		{[]string{"wait"}, waitDefault, ""},
		{[]string{",;=,"}, waitDefault, ""},
	} {
		got := readPreference(http.Header{"Prefer": row.prefer})
		require.Equal(t, preference{wait: row.wait, applied: row.applied}, got, "%q", row.prefer)
	}
}
