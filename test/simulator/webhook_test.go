package simulator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/mercadopago"
)

// receiver takes webhooks, answers them with the given statuses in turn (then 200), and passes them on.
type receiver struct {
	t      *testing.T
	url    string
	arrive chan hook
}

// hook is a webhook as received.
type hook struct {
	header http.Header
	query  url.Values
	body   webhookBody
	raw    []byte
}

func receive(t *testing.T, statuses ...int) receiver {
	t.Helper()
	r := receiver{t: t, arrive: make(chan hook, 100)}
	answers := make(chan int, len(statuses))
	for _, status := range statuses {
		answers <- status
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := hook{header: req.Header, query: req.URL.Query()}
		data, _ := io.ReadAll(req.Body)
		h.raw, _ = data, json.Unmarshal(data, &h.body)
		r.arrive <- h
		select {
		case status := <-answers:
			w.WriteHeader(status)
		default:
		}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL + "/hook"
	return r
}

func (r receiver) next() hook {
	r.t.Helper()
	select {
	case h := <-r.arrive:
		return h
	case <-time.After(10 * time.Second):
		require.Fail(r.t, "no webhook came")
		return hook{}
	}
}

// none fails if a webhook has come by the time the simulator has nothing more to send.
func (r receiver) none(a account, attempts int) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return len(a.Webhooks()) == attempts }, 10*time.Second, time.Millisecond)
	require.Empty(r.t, r.arrive)
}

// The vectors are those two implementations agree on, Mercado Pago's among them.
func TestSignature(t *testing.T) {
	t.Parallel()
	const secret, request = "onlywave-test-secret-0001", "5b0f6c1e-7a2d-4c39-9f0e-2d1a4b6c8e10"
	for _, row := range []struct{ id, request, ts, v1 string }{
		{"106400160592", request, "1767225600", "55d7e69a5c64f5f5d106027d31b94bc62c4d494eeaaa6fbc36b505a5cb6b6252"},
		{"106400160592", request, "1767225600123", "aae7cd7c2d7c55a377673cf8c21302d3228ced751b9688e16f06c85f54c24d0e"},
		{"106400160592", "", "1767225600", "b833620a70d6b3200d262c68cc3bed9b33a21e42321c61c1ffdb27cea3b0c76c"},
		{"ORD01JQ4S4KY8HWQ6NA5PXB65B3D3", request, "1767225600123", "a76efa6177e0f4e4e06d6b08258949f19b4d850a8df047d8f3ee1b0b2129d9d3"},
		{"ord01jq4s4ky8hwq6na5pxb65b3d3", request, "1767225600123", "3824a6254be7f00decb0780cff72a269988c8895802833ee0a6847eececca513"},
	} {
		require.Equal(t, "ts="+row.ts+",v1="+row.v1, sign(secret, row.id, row.request, row.ts))
	}
}

func TestWebhooksOfAPayment(t *testing.T) {
	t.Parallel()
	const secret = "a secret"
	r := receive(t, http.StatusCreated)
	a := open(t, Config{WebhookSecret: secret, CollectorID: 77, LiveMode: true})
	p := a.charge(map[string]any{"notification_url": r.url + "?source_news=webhooks&payment=7"})

	created := r.next()
	require.Equal(t, url.Values{"data.id": {p.id()}, "type": {"payment"}, "source_news": {"webhooks"}, "payment": {"7"}}, created.query)
	require.Equal(t, "payment.created", created.body.Action)
	require.Equal(t, p.id(), created.body.Data.ID)
	require.Equal(t, "payment", created.body.Type)
	require.Equal(t, "v1", created.body.APIVersion)
	require.Equal(t, int64(77), created.body.UserID)
	require.True(t, created.body.LiveMode)
	require.Equal(t, "0", created.header.Get("X-Retry"))
	require.Equal(t, "22000", created.header.Get("X-Socket-Timeout"))
	require.Equal(t, "application/json", created.header.Get("Content-Type"))
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	signature := created.header.Get("X-Signature")
	require.Len(t, signature, len("ts="+ts+",v1=")+64, "ts in seconds")
	require.Equal(t, sign(secret, p.id(), created.header.Get("X-Request-Id"), signature[3:13]), signature)

	r.none(a, 1) // two webhooks on their way at once may be answered in either order
	require.NoError(t, a.Pay(p.id()))
	updated := r.next()
	require.Equal(t, "payment.updated", updated.body.Action)
	require.NotEqual(t, created.body.ID, updated.body.ID)
	require.NotEqual(t, created.header.Get("X-Request-Id"), updated.header.Get("X-Request-Id"))

	r.none(a, 2)
	attempts := a.Webhooks()
	require.True(t, attempts[0].Delivered, "201 is as good as 200")
	require.Equal(t, http.StatusCreated, attempts[0].Status)
	require.Equal(t, created.header.Get("X-Request-Id"), attempts[0].RequestID)
}

func TestWebhookTimestampInMilliseconds(t *testing.T) {
	t.Parallel()
	r := receive(t)
	a := open(t, Config{WebhookSecret: "s", WebhookTSMillis: true, DefaultNotificationURL: r.url})
	a.charge(nil)
	require.Regexp(t, `^ts=\d{13},v1=[0-9a-f]{64}$`, r.next().header.Get("X-Signature"))
}

func TestPaymentsOwnURLOverridesTheDefault(t *testing.T) {
	t.Parallel()
	panel, own := receive(t), receive(t)
	a := open(t, Config{DefaultNotificationURL: panel.url})
	a.charge(map[string]any{"notification_url": own.url})
	require.Empty(t, own.next().header.Get("X-Signature"), "no secret, no signature")
	panel.none(a, 1)
}

func TestWithoutURLNothingIsSent(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	a.charge(nil)
	attempts := a.Webhooks()
	require.Len(t, attempts, 1)
	require.True(t, attempts[0].Suppressed)
	require.Equal(t, "no notification_url", attempts[0].Error)
}

func TestRefusedWebhookIsRepeated(t *testing.T) {
	t.Parallel()
	r := receive(t, http.StatusInternalServerError, http.StatusAccepted, http.StatusFound)
	a := open(t, Config{TimeScale: 1e6, WebhookSecret: "s"})
	a.charge(map[string]any{"notification_url": r.url})
	first := r.next()
	for retry := 1; retry <= 3; retry++ {
		again := r.next()
		require.Equal(t, strconv.Itoa(retry), again.header.Get("X-Retry"))
		require.Equal(t, first.body.ID, again.body.ID)
		require.NotEqual(t, first.header.Get("X-Request-Id"), again.header.Get("X-Request-Id"))
	}
	r.none(a, 4)
	require.True(t, a.Webhooks()[3].Delivered)
	require.False(t, a.Webhooks()[2].Delivered, "a redirect is not followed")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// The clock here is synctest's, so the days between the retries pass at once.
func TestRetryPlan(t *testing.T) {
	for _, scale := range []float64{1, 60} {
		t.Run(strconv.FormatFloat(scale, 'f', 0, 64), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Config{TimeScale: scale})
				defer s.Close()
				s.sender.client.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no network") })
				started := time.Now()
				s.sender.send(&notification{topic: topicPayment, paymentID: "1", url: "http://127.0.0.1/"}, 0)
				time.Sleep(60 * 24 * time.Hour)

				var hours []float64
				for i, attempt := range s.Webhooks() {
					require.Equal(t, i, attempt.Retry)
					require.Contains(t, attempt.Error, "no network")
					hours = append(hours, attempt.Time.Sub(started).Hours()*scale)
				}
				require.InDeltaSlice(t, []float64{0, 0.25, 0.75, 6.75, 54.75, 150.75, 246.75, 342.75}, hours, 1e-6)
			})
		})
	}
}

// Signatures must be accepted for as long as Mercado Pago repeats a notification. Otherwise the last repetitions are refused. The clock
// is synctest's.
func TestARepetitionMayBeSignedTwoWeeksAgo(t *testing.T) {
	const shortest = 343 * time.Hour // that internal/config takes
	for name, row := range map[string]struct {
		once   bool
		window time.Duration
		last   bool // the last repetition is accepted
	}{
		"signed once":                 {true, shortest, true},
		"signed once, a short window": {true, 336 * time.Hour, false},
		"signed again":                {false, time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(30 * 365 * 24 * time.Hour) // this clock begins in 2000, when the time had a digit less
				verifier, err := mercadopago.NewVerifier([]string{"s"}, row.window)
				require.NoError(t, err)
				s := New(Config{WebhookSecret: "s", SignOnce: row.once})
				defer s.Close()
				var accepted []bool
				requests := map[string]bool{}
				s.sender.client.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
					_, err := verifier.Verify(req.URL.Query(), req.Header, time.Now())
					accepted = append(accepted, err == nil)
					requests[req.Header.Get("X-Request-Id")] = true
					return nil, errors.New("no network")
				})
				s.sender.send(&notification{topic: topicPayment, paymentID: "1", url: "http://127.0.0.1/"}, 0)
				time.Sleep(60 * 24 * time.Hour)
				synctest.Wait()
				require.Equal(t, []bool{true, true, true, true, true, true, true, row.last}, accepted)
				require.Equal(t, row.once, len(requests) == 1)
			})
		})
	}
}

func TestWebhookTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		s.sender.client.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		s.sender.send(&notification{topic: topicPayment, paymentID: "1", url: "http://127.0.0.1/"}, 0)
		time.Sleep(21 * time.Second)
		require.Empty(t, s.Webhooks())
		time.Sleep(2 * time.Second)
		require.Len(t, s.Webhooks(), 1)
		require.Equal(t, 22*time.Second, s.Webhooks()[0].Duration)
	})
}

func TestTarget(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"http://h/p":      "http://h/p?data.id=1&type=payment",
		"http://h/p?":     "http://h/p?data.id=1&type=payment",
		"http://h/p?a=b":  "http://h/p?a=b&data.id=1&type=payment",
		"http://h/p?a=b&": "http://h/p?a=b&data.id=1&type=payment",
		"http://h/p#top":  "http://h/p?data.id=1&type=payment",
	} {
		require.Equal(t, want, (&notification{topic: topicPayment, paymentID: "1", url: in}).target())
	}
}

func TestManyWebhooks(t *testing.T) {
	t.Parallel()
	r := receive(t)
	a := open(t, Config{})
	for range 3 * senders {
		a.charge(map[string]any{"notification_url": r.url})
	}
	seen := map[string]bool{}
	for range 3 * senders {
		seen[r.next().body.Data.ID] = true
	}
	require.Len(t, seen, 3*senders)
}

// A receiver's address is open to notifications about resources that its account does not have.
func TestAnAnnouncementIsSignedWhateverItIsAbout(t *testing.T) {
	t.Parallel()
	r := receive(t)
	a := open(t, Config{WebhookSecret: "s", DefaultNotificationURL: r.url})
	require.NoError(t, a.Announce(Announcement{PaymentID: "123456", Count: 2}))
	requests := map[string]bool{}
	for range 2 {
		h := r.next()
		require.Equal(t, "123456", h.query.Get("data.id"))
		require.Equal(t, "payment", h.query.Get("type"))
		require.Equal(t, webhookData{"123456"}, h.body.Data)
		require.Equal(t, "payment.updated", h.body.Action)
		request, signature := h.header.Get("X-Request-Id"), h.header.Get("X-Signature")
		require.Equal(t, sign("s", "123456", request, signature[len("ts="):len("ts=")+10]), signature)
		requests[request] = true
	}
	require.Len(t, requests, 2)

	status, _ := admin[map[string]int](a, "POST", "webhooks", `{"payment_id": "7", "type": "chargebacks", "action": "created", "url": "`+r.url+`?x=y"}`)
	require.Equal(t, http.StatusOK, status)
	h := r.next()
	require.Equal(t, url.Values{"x": {"y"}, "data.id": {"7"}, "type": {"chargebacks"}}, h.query)
	require.Equal(t, "chargebacks", h.body.Type)

	for _, body := range []string{`{}`, `{"payment_id": "7", "count": -1}`, `{"id": "7"}`, `[`} {
		status, problem := admin[map[string]string](a, "POST", "webhooks", body)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.NotEmpty(t, problem["error"], body)
	}
	require.Error(t, open(t, Config{}).Announce(Announcement{PaymentID: "7"}), "there is no receiver")
}
