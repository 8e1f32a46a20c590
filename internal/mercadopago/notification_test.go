package mercadopago

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

var receivedAt = time.Date(2026, 11, 23, 16, 0, 0, 123_456_789, time.FixedZone("", -3*60*60))

const paymentNews = `{"action":"payment.updated","api_version":"v1","data":{"id":"106400160592"},"date_created":"2026-11-23T19:00:00Z","id":115112345678,"live_mode":true,"type":"payment","user_id":"1164726384"}`

func TestNotificationAsReceived(t *testing.T) {
	t.Parallel()
	ours := payment.NewID("app", "n")
	query := "payment_id=" + ours + "&source_news=webhooks&data.id=106400160592&type=payment"
	h := http.Header{}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "restclient-node/4.15.3", "X-Request-Id": vectorReq, "X-Retry": "0",
		"X-Signature": "ts=1742505638683,v1=00", "X-Socket-Timeout": "22000", "Authorization": "Bearer x", "Cookie": "y",
	} {
		h.Set(name, value)
	}
	n, err := parse(query, h, []byte(paymentNews), receivedAt)
	require.NoError(t, err)
	require.NotEmpty(t, n.ID)
	want := Notification{
		ID: n.ID, Topic: "payment", Action: "payment.updated", ResourceID: "106400160592", PaymentID: ours, RequestID: vectorReq,
		ReceivedAt: time.Date(2026, 11, 23, 19, 0, 0, 123_456_000, time.UTC), Query: query,
		Headers: map[string]string{
			"content-type": "application/json", "user-agent": "restclient-node/4.15.3", "x-request-id": vectorReq, "x-retry": "0",
			"x-signature": "ts=1742505638683", // without what could be sent again
		},
		Body: []byte(paymentNews),
	}
	require.Equal(t, want, n)

	message, err := json.Marshal(n)
	require.NoError(t, err)
	back, err := DecodeNotification(message)
	require.NoError(t, err)
	require.Equal(t, n, back)

	again, err := parse(query, h, []byte(paymentNews), receivedAt)
	require.NoError(t, err)
	require.NotEqual(t, n.ID, again.ID)
}

func TestNotificationsOfEveryShape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, query, body       string
		topic, action, resource string
		suspicious              bool
	}{
		{"payment", "data.id=1&type=payment", `{"action":"payment.created","data":{"id":"1"}}`, "payment", "payment.created", "1", false},
		{"number in the body", "data.id=1&type=payment", `{"data":{"id":1}}`, "payment", "", "1", false},
		{"chargeback", "data.id=217000061680860000&type=topic_chargebacks_wh", `{"actions":["changed_case_status"],"data":{"id":217000061680860000,"payment_id":1}}`,
			"topic_chargebacks_wh", "changed_case_status", "217000061680860000", false},
		{"stop delivery", "type=stop_delivery_op_wh", `{"type":"stop_delivery_op_wh","data":{"payment_id":1}}`, "stop_delivery_op_wh", "", "", false},
		{"order, other case", "data.id=ord01ABC&type=order", `{"action":"order.processed","data":{"id":"ORD01ABC"}}`, "order", "order.processed", "ord01ABC", false},
		{"unknown topic", "data.id=x&type=what_is_this", `{}`, "what_is_this", "", "x", false},
		{"topic in the body", "data.id=1", `{"type":"payment"}`, "payment", "", "1", false},
		{"old IPN", "topic=merchant_order&id=77", `{"resource":"https://x/77","topic":"merchant_order"}`, "merchant_order", "", "77", false},
		{"other id in the body", "data.id=1&type=payment", `{"data":{"id":"2"}}`, "payment", "", "1", true},
		{"id in the body only", "type=payment", `{"data":{"id":"2"}}`, "payment", "", "", true},
		{"no body", "data.id=1&type=payment", ``, "payment", "", "1", false},
		{"body no JSON", "data.id=1&type=payment", `<xml/>`, "payment", "", "1", false},
		{"body of odd types", "data.id=1&type=payment", `{"action":{},"actions":"x","data":[],"type":1}`, "payment", "", "1", false},
		{"body of levels", "data.id=1&type=payment", `{"action":"x","a":` + strings.Repeat("[", maxNesting) + strings.Repeat("]", maxNesting) + `}`, "payment", "", "1", false},
		{"the merchant's own type first", "type=webhook&data.id=1&type=payment", `{}`, "payment", "", "1", false},
		{"the merchant's own type last", "type=payment&data.id=1&type=webhook", `{}`, "payment", "", "1", false},
		{"the merchant's own topic", "topic=hooks&id=9&data.id=1&type=payment", `{}`, "payment", "", "1", false},
		{"a known topic in the body only", "type=webhook&data.id=1", `{"type":"payment"}`, "payment", "", "1", false},
		{"an old IPN with a type of the merchant's", "type=webhook&topic=merchant_order&id=77", `{}`, "merchant_order", "", "77", false},
		{"unknown ones only", "type=webhook&type=news&data.id=1", `{"type":"tomorrow"}`, "webhook", "", "1", false},
		{"broken query", "data.id=1&type=payment&bad=%zz", `{}`, "payment", "", "1", false},
	} {
		n, err := parse(c.query, http.Header{}, []byte(c.body), receivedAt)
		require.NoError(t, err, c.name)
		require.Equal(t, []any{c.topic, c.action, c.resource, c.suspicious}, []any{n.Topic, n.Action, n.ResourceID, n.Suspicious}, c.name)
		require.Equal(t, c.body, string(n.Body), c.name)
		require.Empty(t, n.PaymentID)
	}
}

func TestNamesAreCutAndTheWholeIsKept(t *testing.T) {
	t.Parallel()
	long, other := strings.Repeat("é", 2000), strings.Repeat("x", 2000)
	query := "type=" + long + "&data.id=" + other
	body := `{"action":"` + other + `","data":{"id":"` + other + `"}}`
	n, err := parse(query, http.Header{}, []byte(body), receivedAt)
	require.NoError(t, err)
	require.Equal(t, []string{long[:254], other[:255], other[:255]}, []string{n.Topic, n.Action, n.ResourceID})
	require.Equal(t, []string{query, body}, []string{n.Query, string(n.Body)})
	require.False(t, n.Suspicious)

	n, err = parse("topic=x&id="+other, http.Header{}, nil, receivedAt)
	require.NoError(t, err)
	require.Equal(t, other[:255], n.ResourceID)
}

// The panel's test is about a payment that there is not. Nothing else is taken for it, least of all in a test environment, where
// live_mode is always false.
func TestThePanelsTestIsKnown(t *testing.T) {
	t.Parallel()
	const test = `{"action":"payment.updated","api_version":"v1","data":{"id":"123456"},"date_created":"2021-11-01T02:02:02Z","id":"123456","live_mode":false,"type":"payment","user_id":1164726384}`
	for _, c := range []struct {
		id, body string
		is       bool
	}{
		{"123456", test, true},
		{"123456", strings.Replace(test, "false", "true", 1), false},
		{"123456", `{}`, false},
		{"123456", `{"live_mode":false`, false},
		{"106400160592", strings.ReplaceAll(test, "123456", "106400160592"), false},
		{"1234567", test, false},
	} {
		n, err := parse("data.id="+c.id+"&type=payment", http.Header{}, []byte(c.body), receivedAt)
		require.NoError(t, err)
		require.Equal(t, c.is, n.IsTest(), "%s %s", c.id, c.body)
	}
}

// What OnlyWave does not have is told from a payment by its topic or by its id, and never by a word of the merchant's own.
func TestWhatIsUnserved(t *testing.T) {
	t.Parallel()
	ours := "payment_id=" + payment.NewID("app", "n") + "&"
	for _, c := range []struct {
		query, name string
		is          bool
	}{
		{"data.id=" + vectorOrder + "&type=order", "order", true},
		{"data.id=" + strings.ToLower(vectorOrder) + "&type=order", "order", true},
		{"data.id=ORDTST01JQ4S4KY8HWQ6NA5PXB65B3D3&type=order", "order", true},
		{"data.id=01JG28MZ0K2TEAKXFWSZTYBKY3&type=order", "order", true},
		{ours + "data.id=" + vectorOrder + "&type=order", "order", true},
		{ours + "data.id=PAY01KYE10S527BBYXX6KXPE8QAQ2&type=payment", "payment", true},
		{ours + "type=webhook&data.id=" + vectorOrder, "other", true},
		{"data.id=2c938084726fca480172750000000000&type=subscription_preapproval", "subscription_preapproval", true},
		{"data.id=8e8f8a&type=tomorrow", "other", true},
		{"data.id=106400160592&type=payment", "payment", false},
		{ours + "data.id=106400160592&type=payment", "payment", false},
		{"data.id=106400160592&type=webhook", "other", false},
		{ours + "data.id=8e8f8a&type=webhook", "other", false},
		{"type=tomorrow", "other", false},
		{"data.id=abc&type=payment", "payment", false},
		{"data.id=77&type=topic_merchant_order_wh", "topic_merchant_order_wh", false},
		{"data.id=217000061680860000&type=topic_chargebacks_wh", "topic_chargebacks_wh", false},
	} {
		n, err := parse(c.query, http.Header{}, nil, receivedAt)
		require.NoError(t, err)
		name, is := n.Unserved()
		require.Equal(t, []any{c.name, c.is}, []any{name, is}, c.query)
	}
	for _, topic := range unserved {
		require.Contains(t, topics, topic)
	}
}

func TestNotificationOfNothing(t *testing.T) {
	t.Parallel()
	_, err := parse("payment_id=x&id=7", http.Header{}, []byte(`{}`), receivedAt)
	require.Equal(t, failure.Invalid, failure.KindOf(err))
}

func TestForeignPaymentIDsAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "1", "../x", "6F1C8D5E-1111-5ABC-9DEF-0123456789AB"} {
		n, err := parse("type=payment&data.id=1&payment_id="+url.QueryEscape(id), http.Header{}, nil, receivedAt)
		require.NoError(t, err)
		require.Empty(t, n.PaymentID)
	}
}

func TestDecodeNotificationRefusesOtherMessages(t *testing.T) {
	t.Parallel()
	for _, message := range []string{``, `{}`, `null`, `[]`, `{"id":"x"}`, `{"id":"` + vectorReq + `","payment_id":"x"}`, `{"id":"` + vectorReq + `","body":"%"}`} {
		_, err := DecodeNotification([]byte(message))
		require.Equal(t, failure.Invalid, failure.KindOf(err), message)
	}
}

// Nothing that arrives can break the way through the broker.
func FuzzParseNotification(f *testing.F) {
	f.Add("data.id=1&type=payment", paymentNews, "agent")
	f.Add("topic=payment&id=1", `{"actions":[1,"x"],"data":[{"id":5}]}`, "\xff")
	f.Add("data.id=%ff&type=\xfe", `[`, "")
	f.Fuzz(func(t *testing.T, query, body, agent string) {
		n, err := parse(query, http.Header{"User-Agent": {agent}}, []byte(body), receivedAt)
		if err != nil {
			require.Equal(t, failure.Invalid, failure.KindOf(err))
			return
		}
		require.LessOrEqual(t, max(len(n.Topic), len(n.Action), len(n.ResourceID)), maxName)
		message, err := json.Marshal(n)
		require.NoError(t, err)
		back, err := DecodeNotification(message)
		require.NoError(t, err)
		require.Equal(t, n, back)
	})
}

func BenchmarkParseNotification(b *testing.B) {
	h := http.Header{"X-Request-Id": {vectorReq}, "Content-Type": {"application/json"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse("data.id=106400160592&type=payment", h, []byte(paymentNews), receivedAt); err != nil {
			b.Fatal(err)
		}
	}
}

func parse(query string, h http.Header, body []byte, now time.Time) (Notification, error) {
	q, _ := url.ParseQuery(query) // what is broken in it is left out, as net/http does
	signed := Signed{ResourceID: q.Get("data.id")}
	if signature := h.Get("X-Signature"); signature != "" {
		signed.TS, _, _ = strings.Cut(strings.TrimPrefix(signature, "ts="), ",")
	}
	return ParseNotification(signed, q, query, h, body, now)
}
