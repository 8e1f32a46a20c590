package simulator

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// upload sends one file as a part of a form, and returns the status and the first cause's code.
func (a account) upload(chargeback, field, name, content string) (int, any) {
	a.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, name)
	require.NoError(a.t, err)
	_, err = part.Write([]byte(content))
	require.NoError(a.t, err)
	require.NoError(a.t, form.Close())
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.url+"/v1/chargebacks/"+chargeback+"/documentation", &body)
	require.NoError(a.t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", form.FormDataContentType())
	status, answer := a.send(request)
	if status == http.StatusOK {
		return status, nil
	}
	return status, answer["cause"].([]any)[0].(map[string]any)["code"]
}

func TestDocumentsAboutAChargeback(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	id := a.charge(nil).id()
	require.NoError(t, a.Pay(id))
	chargeback, err := a.OpenChargeback(id)
	require.NoError(t, err)
	const pdf = "%PDF-1.7 nota"
	refuses := func(status int, code any, chargeback, field, name, content string) {
		t.Helper()
		gotStatus, gotCode := a.upload(chargeback, field, name, content)
		require.Equal(t, status, gotStatus)
		require.Equal(t, code, gotCode)
	}
	refuses(http.StatusNotFound, "not_found", "1", "files[]", "nota.pdf", pdf)
	refuses(http.StatusBadRequest, "files_required", chargeback, "files", "nota.pdf", pdf)
	refuses(http.StatusBadRequest, "invalid_file_type", chargeback, "files[]", "nota.pdf", "a text")
	refuses(http.StatusBadRequest, "files_too_large", chargeback, "files[]", "nota.pdf", pdf+strings.Repeat(" ", documentsSize))
	require.Empty(t, a.EvidenceOf(chargeback))

	status, _ := a.upload(chargeback, "files[]", "nota.pdf", pdf)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, []Evidence{{Name: "nota.pdf", Type: "application/pdf", Size: 13}}, a.EvidenceOf(chargeback))
	_, read := a.call(http.MethodGet, "/v1/chargebacks/"+chargeback, "", nil)
	require.Equal(t, "review_pending", read["documentation_status"])
	require.Len(t, read["documentation"], 1)
	refuses(http.StatusBadRequest, 2018.0, chargeback, "files[]", "nota.pdf", pdf)

	late := a.charge(map[string]any{"external_reference": "order-2"}).id()
	require.NoError(t, a.Pay(late))
	chargeback, err = a.OpenChargeback(late)
	require.NoError(t, err)
	require.NoError(t, a.MoveDeadline(chargeback, -time.Second))
	refuses(http.StatusBadRequest, 2018.0, chargeback, "files[]", "nota.pdf", pdf)
	require.ErrorIs(t, a.MoveDeadline("1", -time.Second), errUnknownDispute)
}
