package api

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

const pdf = "%PDF-1.7 nota"

// contested is a chargeback of the fixture's client app, which waits for documents.
func (f *fixture) contested(t testing.TB) payment.Dispute {
	t.Helper()
	p := payment.Payment{
		ID: payment.NewID("shop", "contested"), ClientID: "shop", CreatedAt: time.Now(),
		Request: payment.Request{
			Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Payer: payment.Payer{Email: "ana@example.com"},
			Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600},
		},
	}
	state, err := f.server.config.Provider.Charge(t.Context(), mercadopago.ChargeRequest{Payment: p, Key: p.ID})
	require.NoError(t, err)
	s := f.provider.simulator()
	require.NoError(t, s.Pay(state.PaymentID))
	id, err := s.OpenChargeback(state.PaymentID)
	require.NoError(t, err)
	news, err := f.server.config.Provider.Chargeback(t.Context(), id)
	require.NoError(t, err)
	d := payment.NewDispute(p, news, time.Now())
	f.database.disputes = append(f.database.disputes, d)
	return d
}

// upload sends files, as name, content, name, content …
func (f *fixture) upload(t testing.TB, d payment.Dispute, key string, files ...string) *httptest.ResponseRecorder {
	t.Helper()
	body, contentType := form(t, "files", files...)
	return f.do(t, http.MethodPost, "/v1/disputes/"+d.ID+"/evidence", body, "Content-Type", contentType, "Idempotency-Key", key)
}

func form(t testing.TB, field string, files ...string) (io.Reader, string) {
	t.Helper()
	var body bytes.Buffer
	writer := multipart.NewWriter(&body)
	for i := 0; i < len(files); i += 2 {
		part, err := writer.CreateFormFile(field, files[i])
		require.NoError(t, err)
		_, err = io.WriteString(part, files[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, writer.Close())
	return &body, writer.FormDataContentType()
}

func TestEvidenceIsSentOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.contested(t)
	png := "\x89PNG\r\n\x1a\n" + strings.Repeat("x", 3<<20)
	first := f.upload(t, d, "k", "nota.pdf", pdf, "entrega.png", png)
	require.Equal(t, http.StatusCreated, first.Code, first.Body)
	sent := decode[Evidence](t, first)
	require.Equal(t, EvidenceSent, sent.Status)
	require.Equal(t, "nota.pdf", sent.Files[0].Name)
	require.Equal(t, "image/png", sent.Files[1].Type)
	require.EqualValues(t, len(png), sent.Files[1].Size)
	require.Equal(t, []simulator.Evidence{{Name: "nota.pdf", Type: "application/pdf", Size: len(pdf)}, {Name: "entrega.png", Type: "image/png", Size: len(png)}},
		f.provider.simulator().EvidenceOf(d.ProviderID))
	require.Equal(t, []payment.DisputeRef{{Kind: payment.Chargeback, ID: d.ProviderID}}, f.engine.disputes)

	again := f.upload(t, d, "k", "nota.pdf", pdf, "entrega.png", png)
	require.Equal(t, http.StatusCreated, again.Code, again.Body)
	require.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	require.Equal(t, sent, decode[Evidence](t, again))
	other := f.upload(t, d, "k", "nota.pdf", pdf+"!")
	require.Equal(t, http.StatusUnprocessableEntity, other.Code)
	require.Equal(t, "idempotency_key_reused", decode[Problem](t, other).Code)
	late := f.upload(t, d, "another", "nota.pdf", pdf)
	require.Equal(t, http.StatusConflict, late.Code)
	require.Contains(t, decode[Problem](t, late).Detail, "the dispute is in_review")
	require.Len(t, f.provider.simulator().EvidenceOf(d.ProviderID), 2)

	shown := decode[Dispute](t, f.get(t, "/v1/disputes/"+d.ID))
	require.Equal(t, []Evidence{sent}, shown.Evidence)
}

func TestEvidenceThatIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.contested(t)
	path := "/v1/disputes/" + d.ID + "/evidence"
	refused := func(w *httptest.ResponseRecorder, status int, code, pointer string) {
		t.Helper()
		require.Equal(t, status, w.Code, w.Body)
		p := decode[Problem](t, w)
		require.Equal(t, code, p.Code)
		if pointer != "" {
			require.Equal(t, pointer, p.Errors[0].Pointer, "%v", p.Errors)
		}
	}
	large := strings.Repeat(" ", payment.EvidenceMaxBytes)
	refused(f.upload(t, d, "k"), 422, "invalid_request", "/files")
	refused(f.upload(t, d, "k", "nota.pdf", "a text"), 422, "invalid_request", "/files/0")
	refused(f.upload(t, d, "k", "nota.pdf", pdf, "b.pdf", "a text"), 422, "invalid_request", "/files/1")
	refused(f.upload(t, d, "k", "nota.pdf", pdf+large), 422, "invalid_request", "/files")
	refused(f.upload(t, d, "k", "nota.pdf", pdf+large+strings.Repeat(" ", maxBody)), 413, "body_too_large", "/files")
	refused(f.upload(t, d, "k", strings.Split(strings.Repeat("a.pdf,"+pdf+",", 11), ",")[:22]...), 422, "invalid_request", "/files")
	body, contentType := form(t, "documents", "nota.pdf", pdf)
	refused(f.do(t, http.MethodPost, path, body, "Content-Type", contentType, "Idempotency-Key", "k"), 422, "invalid_request", "/documents")
	refused(f.do(t, http.MethodPost, path, strings.NewReader("{}"), "Content-Type", "application/json", "Idempotency-Key", "k"), 415, "unsupported_media_type", "#header/Content-Type")
	refused(f.do(t, http.MethodPost, path, strings.NewReader("no form"), "Content-Type", "multipart/form-data; boundary=x", "Idempotency-Key", "k"), 400, "invalid_form", "")
	refused(f.upload(t, d, "", "nota.pdf", pdf), 400, "invalid_header", "#header/Idempotency-Key")
	require.Empty(t, f.database.evidence, "nothing was asked for")

	rival := d
	rival.ID, rival.ClientID = payment.DisputeID("another", payment.Chargeback, "1"), "rival"
	f.database.disputes = append(f.database.disputes, rival)
	refused(f.upload(t, rival, "k", "nota.pdf", pdf), 404, "not_found", "")
	require.Equal(t, http.StatusNotFound, f.get(t, "/v1/disputes/"+rival.ID).Code)
	require.Equal(t, http.StatusNotFound, f.get(t, "/v1/disputes/x").Code)
	f.key = f.addKey("shop", access.ScopePaymentsRead)
	refused(f.upload(t, d, "k", "nota.pdf", pdf), 403, "forbidden", "")
}

// What Mercado Pago does not answer may have arrived: the same request says how it ended.
func TestEvidenceWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.contested(t)
	f.provider.simulator().SetFaults([]simulator.Fault{
		{On: simulator.Documents, Kind: simulator.KindLostAnswer, Times: 1}, {On: simulator.Chargebacks, Kind: simulator.KindError, After: 1, Times: 1},
	})
	lost := f.upload(t, d, "k", "nota.pdf", pdf)
	require.Equal(t, http.StatusServiceUnavailable, lost.Code, lost.Body)
	require.NotEmpty(t, lost.Header().Get("Retry-After"))
	require.Equal(t, EvidenceSending, decode[Dispute](t, f.get(t, "/v1/disputes/"+d.ID)).Evidence[0].Status)
	again := f.upload(t, d, "k", "nota.pdf", pdf)
	require.Equal(t, http.StatusCreated, again.Code, again.Body)
	require.Len(t, f.provider.simulator().EvidenceOf(d.ProviderID), 1)
}

// The memory for documents is bounded: whoever comes while it is in use is sent away before the body is read.
func TestUploadsAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.contested(t)
	var uploads sync.WaitGroup
	var doors []*io.PipeWriter
	for range maxUploads {
		reader, writer := io.Pipe()
		doors = append(doors, writer)
		uploads.Go(func() {
			f.do(t, http.MethodPost, "/v1/disputes/"+d.ID+"/evidence", reader, "Content-Type", "multipart/form-data; boundary=x", "Idempotency-Key", "k")
		})
		_, err := writer.Write([]byte("--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.pdf\"\r\n\r\n"))
		require.NoError(t, err) // it is being read
	}
	w := f.upload(t, d, "more", "nota.pdf", pdf)
	require.Equal(t, http.StatusTooManyRequests, w.Code, w.Body)
	require.Equal(t, "5", w.Header().Get("Retry-After"))
	for _, door := range doors {
		require.NoError(t, door.Close())
	}
	uploads.Wait()
	require.Equal(t, http.StatusCreated, f.upload(t, d, "more", "nota.pdf", pdf).Code)
}

// An upload takes no more memory than its documents have, and a bit, however large it says it is.
func TestAnUploadTakesTheMemoryOfItsDocuments(t *testing.T) { // not parallel: it measures the process
	f := newFixture(t)
	d := f.contested(t)
	for name, content := range map[string]string{"small": pdf, "large": pdf + strings.Repeat(" ", payment.EvidenceMaxBytes-len(pdf)), "too large": strings.Repeat(" ", 2*maxEvidenceBody)} {
		body, contentType := form(t, "files", "nota.pdf", content)
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		f.provider.simulator().SetFaults([]simulator.Fault{{On: simulator.Chargebacks, Kind: simulator.KindError}}) // so that the simulator's own copy does not count
		w := f.measuredWithin(t, min(len(text), maxEvidenceBody)+allocMax, name, http.MethodPost, "/v1/disputes/"+d.ID+"/evidence", "", http.Header{"Content-Type": {contentType}, "Idempotency-Key": {"k"}}, string(text))
		require.GreaterOrEqual(t, w.Code, 400)
	}
}
