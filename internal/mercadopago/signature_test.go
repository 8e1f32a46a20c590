package mercadopago

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

const (
	vectorSecret = "onlywave-test-secret-0001"
	vectorID     = "106400160592"
	vectorOrder  = "ORD01JQ4S4KY8HWQ6NA5PXB65B3D3"
	vectorReq    = "5b0f6c1e-7a2d-4c39-9f0e-2d1a4b6c8e10"
)

// vectors were computed with other implementations of HMAC and accepted by Mercado Pago's own SDK.
var vectors = []struct{ id, request, ts, v1 string }{
	{vectorID, vectorReq, "1767225600", "55d7e69a5c64f5f5d106027d31b94bc62c4d494eeaaa6fbc36b505a5cb6b6252"},
	{vectorID, vectorReq, "1767225600123", "aae7cd7c2d7c55a377673cf8c21302d3228ced751b9688e16f06c85f54c24d0e"},
	{vectorID, "", "1767225600", "b833620a70d6b3200d262c68cc3bed9b33a21e42321c61c1ffdb27cea3b0c76c"},
	{vectorOrder, vectorReq, "1767225600123", "a76efa6177e0f4e4e06d6b08258949f19b4d850a8df047d8f3ee1b0b2129d9d3"},
	{vectorOrder, vectorReq, "1767225600123", "3824a6254be7f00decb0780cff72a269988c8895802833ee0a6847eececca513"}, // of the ID in lower case
}

var signedAt = time.Unix(1767225600, 0)

func verifier(t testing.TB, window time.Duration, secrets ...string) *Verifier {
	v, err := NewVerifier(secrets, window)
	require.NoError(t, err)
	return v
}

func delivery(id, request, signature string) (url.Values, http.Header) {
	q, h := url.Values{"type": {"payment"}}, http.Header{}
	if id != "" {
		q.Set("data.id", id)
	}
	if request != "" {
		h.Set("X-Request-Id", request)
	}
	if signature != "" {
		h.Set("X-Signature", signature)
	}
	return q, h
}

func check(v *Verifier, q url.Values, h http.Header, now time.Time) error {
	_, err := v.Verify(q, h, now)
	return err
}

func TestVectors(t *testing.T) {
	t.Parallel()
	v := verifier(t, time.Minute, vectorSecret)
	for i, c := range vectors {
		q, h := delivery(c.id, c.request, "ts="+c.ts+",v1="+c.v1)
		require.NoError(t, check(v, q, h, signedAt), "vector %d", i+1)
		h.Set("X-Signature", " v1 = "+strings.ToUpper(c.v1)+" , v2=x, ts= "+c.ts)
		require.NoError(t, check(v, q, h, signedAt), "vector %d, written otherwise", i+1)
		q.Set("payment_id", "anything") // not signed
		require.NoError(t, check(v, q, h, signedAt))
	}
}

func TestForgeriesAreRefused(t *testing.T) {
	t.Parallel()
	v := verifier(t, 0, vectorSecret)
	good := vectors[0]
	signature := "ts=" + good.ts + ",v1=" + good.v1
	for _, c := range []struct{ name, id, request, signature, why string }{
		{"no signature", good.id, good.request, "", "no x-signature"},
		{"no v1", good.id, good.request, "ts=" + good.ts, "no v1"},
		{"no ts", good.id, good.request, "v1=" + good.v1, "no ts"},
		{"short v1", good.id, good.request, "ts=" + good.ts + ",v1=" + good.v1[:62], "no v1"},
		{"v1 no hex", good.id, good.request, "ts=" + good.ts + ",v1=" + strings.Repeat("x", 64), "not hexadecimal"},
		{"ts no number", good.id, good.request, "ts=17672256oo,v1=" + good.v1, "not a number"},
		{"ts signed", good.id, good.request, "ts=+767225600,v1=" + good.v1, "not a number"},
		{"ts of 12 digits", good.id, good.request, "ts=176722560000,v1=" + good.v1, "no ts"},
		{"other ts", good.id, good.request, "ts=1767225601,v1=" + good.v1, "does not match"},
		{"other id", "106400160593", good.request, signature, "does not match"},
		{"no id", "", good.request, signature, "does not match"},
		{"other request", good.id, "5b0f", signature, "does not match"},
		{"no request", good.id, "", signature, "does not match"},
		{"request moved into the id", good.id + ";request-id:" + good.request, "", signature, "semicolon"},
		{"garbage", good.id, good.request, ",,==,ts,v1", "no v1"},
	} {
		q, h := delivery(c.id, c.request, c.signature)
		err := check(v, q, h, signedAt)
		require.Equal(t, failure.Unauthorized, failure.KindOf(err), c.name)
		require.ErrorContains(t, err, c.why, c.name)
	}
	// An old IPN names its resource otherwise, so a webhook's signature does not fit it.
	_, h := delivery("", good.request, signature)
	require.Error(t, check(v, url.Values{"topic": {"payment"}, "id": {good.id}}, h, signedAt))
}

func TestTwoSecretsWhileOneIsChanged(t *testing.T) {
	t.Parallel()
	q, h := delivery(vectors[0].id, vectors[0].request, "ts="+vectors[0].ts+",v1="+vectors[0].v1)
	require.NoError(t, check(verifier(t, 0, vectorSecret, "new"), q, h, signedAt))
	require.NoError(t, check(verifier(t, 0, "new", vectorSecret), q, h, signedAt))
	require.Error(t, check(verifier(t, 0, "new", "newer"), q, h, signedAt))
}

// A notification may be repeated for days, but none comes from the future, but for clocks that differ.
func TestSignaturesAge(t *testing.T) {
	t.Parallel()
	for _, c := range vectors[:2] {
		q, h := delivery(c.id, c.request, "ts="+c.ts+",v1="+c.v1)
		old := signedAt.Add(time.Hour)
		require.NoError(t, check(verifier(t, 0, vectorSecret), q, h, old))
		require.NoError(t, check(verifier(t, 61*time.Minute, vectorSecret), q, h, old))
		require.ErrorContains(t, check(verifier(t, 59*time.Minute, vectorSecret), q, h, old), "1h0m0s old")
		for _, window := range []time.Duration{0, time.Minute, 400 * time.Hour} {
			require.NoError(t, check(verifier(t, window, vectorSecret), q, h, signedAt.Add(time.Second-maxAhead)))
			require.ErrorContains(t, check(verifier(t, window, vectorSecret), q, h, signedAt.Add(-maxAhead-time.Second)), "ahead")
		}
	}
}

// Copies of one signed notification have the same signed part, whatever else differs.
func TestCopiesHaveOneSum(t *testing.T) {
	t.Parallel()
	v := verifier(t, 0, vectorSecret)
	sum := func(id, request, ts, v1 string, also ...string) [32]byte {
		t.Helper()
		q, h := delivery(id, request, "ts="+ts+",v1="+v1)
		q["data.id"] = append(also, q["data.id"]...)
		q.Set("payment_id", v1)
		signed, err := v.Verify(q, h, signedAt)
		require.NoError(t, err)
		require.Equal(t, []string{id, ts}, []string{signed.ResourceID, signed.TS})
		require.Equal(t, signedAt.Unix(), signed.At.Unix())
		return signed.Sum
	}
	sums := map[[32]byte]bool{}
	for _, c := range vectors {
		sums[sum(c.id, c.request, c.ts, c.v1)] = true
	}
	require.Len(t, sums, 4, "the last two are one notification")
	lower := vectors[4]
	require.Equal(t, sum(lower.id, lower.request, lower.ts, lower.v1), sum(strings.ToLower(lower.id), lower.request, lower.ts, lower.v1))
	first := vectors[0]
	require.Equal(t, sum(first.id, first.request, first.ts, first.v1), sum(first.id, first.request, first.ts, strings.ToUpper(first.v1), "the shop's own"))
}

// The merchant's own address may have a data.id. Only the signed one counts, and there is an end to trying.
func TestTheSignedIDIsFoundAmongOthers(t *testing.T) {
	t.Parallel()
	v := verifier(t, 0, vectorSecret)
	c := vectors[0]
	q, h := delivery("", c.request, "ts="+c.ts+",v1="+c.v1)
	for _, ids := range [][]string{{c.id}, {"cart-7", c.id}, {c.id, "cart-7"}, {"1", "2", c.id}} {
		q["data.id"] = ids
		signed, err := v.Verify(q, h, signedAt)
		require.NoError(t, err, ids)
		require.Equal(t, c.id, signed.ResourceID)
	}
	q["data.id"] = []string{c.id, "1", "2", "3"}
	require.Error(t, check(v, q, h, signedAt))
}

// Topics without a resource are signed without its part.
func TestSignatureWithoutAnID(t *testing.T) {
	t.Parallel()
	q, h := delivery("", vectorReq, "ts=1767225600,v1="+sign(vectorSecret, "request-id:"+vectorReq+";ts:1767225600;"))
	require.NoError(t, check(verifier(t, 0, vectorSecret), q, h, signedAt))
}

func TestSecretsAreChecked(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{nil, {""}, {"a", ""}, {" \n"}, {"a", "b", "c"}} {
		_, err := NewVerifier(secrets, 0)
		require.Error(t, err, "%q", secrets)
	}
	_, err := NewVerifier([]string{"a"}, -1)
	require.Error(t, err)
}

// Whatever is admitted was signed, by the plainest reading of the rule.
func FuzzVerify(f *testing.F) {
	for _, c := range vectors {
		f.Add(c.id, c.request, c.ts, c.v1, true)
		f.Add(c.id, c.request, c.ts, c.v1, false)
	}
	f.Fuzz(func(t *testing.T, id, request, ts, v1 string, signIt bool) {
		manifest := func(id string) string {
			text := ""
			if id != "" {
				text += "id:" + id + ";"
			}
			if request != "" {
				text += "request-id:" + request + ";"
			}
			return text + "ts:" + strings.TrimSpace(ts) + ";"
		}
		if signIt {
			v1 = sign(vectorSecret, manifest(id))
		}
		q, h := delivery(id, "", "")
		h["X-Request-Id"], h["X-Signature"] = []string{request}, []string{"ts=" + ts + ",v1=" + v1}
		err := check(verifier(t, 0, vectorSecret), q, h, signedAt)
		if err == nil && !strings.Contains(ts+v1, ",") {
			require.Contains(t, []string{sign(vectorSecret, manifest(id)), sign(vectorSecret, manifest(strings.ToLower(id)))}, strings.ToLower(strings.TrimSpace(v1)))
		}
	})
}

func sign(secret, manifest string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(manifest))
	return hex.EncodeToString(mac.Sum(nil))
}

func BenchmarkVerify(b *testing.B) {
	v := verifier(b, 0, vectorSecret)
	q, h := delivery(vectors[0].id, vectors[0].request, "ts="+vectors[0].ts+",v1="+vectors[0].v1)
	b.ReportAllocs()
	for b.Loop() {
		if check(v, q, h, signedAt) != nil {
			b.Fatal("refused")
		}
	}
}
