package api

import (
	"bytes"
	"image/png"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	reader "github.com/makiuchi-d/gozxing/qrcode"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/qrcode"
)

// scan reads the QR code of a PNG image as a telephone does.
func scan(t *testing.T, image []byte) string {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(image))
	require.NoError(t, err)
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	require.NoError(t, err)
	found, err := reader.NewQRCodeReader().Decode(bitmap, nil)
	require.NoError(t, err)
	return found.GetText()
}

// payable creates a payment that the buyer can pay for an hour from now.
func (f *fixture) payable(t *testing.T) Payment {
	t.Helper()
	created := decode[Payment](t, f.create(t, "k", goodBody))
	f.database.set(created.ID, func(p *payment.Payment) { p.Instructions.ExpiresAt = time.Now().Add(time.Hour) })
	return decode[Payment](t, f.get(t, "/v1/payments/"+created.ID))
}

// Whichever way a shop shows the code, the buyer's telephone reads the text that the shop may show beside it.
func TestEveryPictureOfAPixIsItsCode(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := f.payable(t)
	require.NotEmpty(t, p.Method.CopyPaste)
	require.Equal(t, p.Method.CopyPaste, p.Method.QrCode)
	require.Equal(t, p.Method.CopyPaste, scan(t, p.Method.QrCodeBase64))
	require.Equal(t, host+"/v1/payments/"+p.ID+"/qrcode.png", p.Method.QrCodeURL)

	w := f.get(t, "/v1/payments/"+p.ID+"/qrcode.png")
	require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
	require.Equal(t, "image/png", w.Header().Get("Content-Type"))
	require.Equal(t, p.Method.QrCodeBase64, w.Body.Bytes())

	w = f.get(t, "/v1/payments/"+p.ID+"/qrcode.svg")
	require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
	require.Equal(t, "image/svg+xml", w.Header().Get("Content-Type"))
	drawn, err := qrcode.SVG(p.Method.CopyPaste) // whose own test scans it
	require.NoError(t, err)
	require.Equal(t, drawn, w.Body.Bytes())
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
}

// A browser may keep the picture, and no cache that others use; before it is shown again it must be asked for, since it may have been paid.
func TestAPictureIsKeptAndAskedForAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := f.payable(t)
	tags := map[string]bool{}
	for _, path := range []string{"/v1/payments/" + p.ID + "/qrcode.png", "/v1/payments/" + p.ID + "/qrcode.svg"} {
		w := f.get(t, path)
		require.Equal(t, "private, no-cache", w.Header().Get("Cache-Control"))
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		tag := w.Header().Get("ETag")
		require.Regexp(t, `^"[0-9a-f]{32}"$`, tag)
		tags[tag] = true
		again := f.get(t, path, "If-None-Match", tag)
		require.Equal(t, http.StatusNotModified, again.Code)
		require.Empty(t, again.Body.Bytes())
		require.Equal(t, http.StatusOK, f.get(t, path, "If-None-Match", `"another"`).Code)
		head := f.do(t, http.MethodHead, path, nil)
		require.Equal(t, []any{http.StatusOK, 0, tag}, []any{head.Code, head.Body.Len(), head.Header().Get("ETag")})

		f.database.set(p.ID, func(p *payment.Payment) { p.Status = payment.Approved })
		require.Equal(t, http.StatusConflict, f.get(t, path, "If-None-Match", tag).Code)
		f.database.set(p.ID, func(p *payment.Payment) { p.Status = payment.Pending })
	}
	require.Len(t, tags, 2)
}

func TestAPictureThatWouldBePaidInVainIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := f.payable(t)
	for name, row := range map[string]struct {
		change func(*payment.Payment)
		code   int
		why    string
	}{
		"not answered": {func(p *payment.Payment) { p.Status, p.Instructions = payment.Processing, payment.Instructions{} }, http.StatusConflict, "has not answered yet"},
		"paid":         {func(p *payment.Payment) { p.Status = payment.Approved }, http.StatusConflict, "the payment is approved"},
		"expired":      {func(p *payment.Payment) { p.Status = payment.Expired }, http.StatusConflict, "the payment is expired"},
		"its end came": {func(p *payment.Payment) { p.Instructions.ExpiresAt = born }, http.StatusConflict, "has ended at 2026-"},
	} {
		stored, err := f.database.Payment(t.Context(), p.ID)
		require.NoError(t, err)
		f.database.set(p.ID, row.change)
		for _, kind := range []string{"png", "svg"} {
			w := f.get(t, "/v1/payments/"+p.ID+"/qrcode."+kind)
			require.Equal(t, row.code, w.Code, name)
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			problem := decode[Problem](t, w)
			require.Equal(t, "conflict", problem.Code)
			require.Contains(t, problem.Detail, row.why, name)
		}
		require.Empty(t, decode[Payment](t, f.get(t, "/v1/payments/"+p.ID)).Method.QrCodeURL, name)
		f.database.set(p.ID, func(p *payment.Payment) { *p = stored })
	}
	require.Equal(t, http.StatusOK, f.get(t, "/v1/payments/"+p.ID+"/qrcode.png").Code)
	f.database.set(p.ID, func(p *payment.Payment) { p.Method.Type = "boleto" })
	require.Equal(t, http.StatusNotFound, f.get(t, "/v1/payments/"+p.ID+"/qrcode.png").Code)
}

// A picture is shown to whom its payment is.
func TestAPictureIsGuardedLikeItsPayment(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := f.payable(t)
	writer := f.addKey("shop", "refunds:write")
	for _, kind := range []string{"png", "svg"} {
		answer := func(key string) *httptest.ResponseRecorder {
			return f.get(t, "/v1/payments/"+p.ID+"/qrcode."+kind, "Authorization", key)
		}
		require.Equal(t, http.StatusOK, answer("Bearer "+f.readKey).Code)
		require.Equal(t, http.StatusUnauthorized, answer("").Code)
		require.Equal(t, http.StatusForbidden, answer("Bearer "+writer).Code)
		require.Equal(t, http.StatusNotFound, answer("Bearer "+f.otherKey).Code, "another client app's")
		require.Equal(t, http.StatusNotFound, f.get(t, "/v1/payments/"+payment.NewID("shop", "none")+"/qrcode."+kind).Code)
		require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/payments/"+p.ID+"/qrcode."+kind+"?size=2").Code, "it has no parameters")
	}
	require.Equal(t, http.StatusNotFound, f.get(t, "/v1/payments/"+p.ID+"/qrcode.gif").Code)
}
