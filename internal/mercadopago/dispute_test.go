package mercadopago

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Every answer x.json about a chargeback or a claim must be read as x.dispute.json says.
func TestDisputesAreRead(t *testing.T) {
	t.Parallel()
	read := map[string]func([]byte) (payment.ProviderDispute, error){
		"chargebacks": readDispute[chargebackBody], "claims": readDispute[claimBody],
	}
	for folder, read := range read {
		files, err := filepath.Glob("testdata/" + folder + "/*.json")
		require.NoError(t, err)
		count := 0
		for _, file := range files {
			if strings.HasSuffix(file, ".dispute.json") {
				continue
			}
			count++
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			found, err := read(body)
			require.NoError(t, err, file)
			require.NotEmpty(t, found.Status, file)
			got, err := json.MarshalIndent(found, "", "  ")
			require.NoError(t, err)
			golden := strings.TrimSuffix(file, ".json") + ".dispute.json"
			if *update {
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got), file)
		}
		require.GreaterOrEqual(t, count, 5, folder)
	}
}

func readDispute[B interface {
	dispute() (payment.ProviderDispute, error)
}](body []byte) (payment.ProviderDispute, error) {
	var b B
	if err := json.Unmarshal(body, &b); err != nil {
		return payment.ProviderDispute{}, err
	}
	return b.dispute()
}

func TestHowAChargebackStands(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		coverage string // of coverage_applied
		required bool
		elegible string
		status   text
		want     payment.DisputeStatus
	}{
		{"null", true, "true", "pending", payment.DisputeEvidenceWanted},
		{"false", true, "true", "pending", payment.DisputeEvidenceWanted},
		{"null", true, "null", "pending", payment.DisputeEvidenceWanted},
		{"null", true, "false", "pending", payment.DisputeOpen},
		{"null", false, "true", "pending", payment.DisputeOpen},
		{"null", true, "true", "review_pending", payment.DisputeInReview},
		{"false", true, "true", "review_pending", payment.DisputeInReview},
		{"null", true, "true", "valid", payment.DisputeOpen},
		{"null", true, "true", "invalid", payment.DisputeOpen},
		{"null", true, "true", "not_supplied", payment.DisputeOpen},
		{"null", false, "false", "not_applicable", payment.DisputeOpen},
		{"false", true, "true", "valid", payment.DisputeLost},
		{"false", true, "true", "invalid", payment.DisputeLost},
		{"false", true, "true", "not_supplied", payment.DisputeLost},
		{"false", false, "false", "not_applicable", payment.DisputeLost},
		{"true", true, "true", "valid", payment.DisputeWon},
		{"true", true, "true", "pending", payment.DisputeWon},
		{"true", false, "true", "another word", payment.DisputeWon},
		{"null", true, "true", "another word", payment.DisputeOpen},
	} {
		var b chargebackBody
		require.NoError(t, json.Unmarshal([]byte(`{"coverage_applied":`+row.coverage+`,"coverage_elegible":`+row.elegible+`}`), &b))
		b.DocumentationStatus, b.DocumentationRequired = row.status, boolean{row.required, true}
		got, known := b.status()
		require.Equal(t, row.want, got, "%+v", row)
		require.Equal(t, row.status != "another word" || row.coverage == "true", known, "%+v", row)
	}
}

func TestAnswersAboutDisputesThatSayNothing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `[]`, `{"id":"x","payments":[1]}`, `{"id":1,"payments":[]}`, `{"id":1,"payments":["x"]}`, `{"id":1}`, `<html>`} {
		c := clientOf(t, answering(200, body), timeout)
		_, err := c.Chargeback(t.Context(), "1")
		require.Equal(t, failure.Unavailable, failure.KindOf(err), body)
		_, err = c.Claim(t.Context(), "1")
		require.Equal(t, failure.Unavailable, failure.KindOf(err), body)
		_, err = c.Chargebacks(t.Context(), "106400160592")
		require.Equal(t, failure.Unavailable, failure.KindOf(err), body)
	}
	c := clientOf(t, answering(200, `{"id":2,"payments":[1],"status":"opened"}`), timeout)
	_, err := c.Chargeback(t.Context(), "1")
	require.Equal(t, failure.Unavailable, failure.KindOf(err), "it is about another chargeback")
	for _, id := range []string{"", "x", "../1", "01"} {
		_, err := c.Chargeback(t.Context(), id)
		require.Equal(t, failure.Invalid, failure.KindOf(err), id)
		_, err = c.Claim(t.Context(), id)
		require.Equal(t, failure.Invalid, failure.KindOf(err), id)
		_, err = c.Chargebacks(t.Context(), id)
		require.Equal(t, failure.Invalid, failure.KindOf(err), id)
		_, err = c.Claims(t.Context(), id)
		require.Equal(t, failure.Invalid, failure.KindOf(err), id)
	}
}

// The filter is Mercado Pago's, the promise is ours.
func TestDisputesOfOtherPaymentsAreNotTaken(t *testing.T) {
	t.Parallel()
	c := clientOf(t, answering(200, `{"results":[
		{"id":1,"payments":[106400160592],"status":"opened","resource":"payment","resource_id":106400160592},
		{"id":2,"payments":[106400160593],"status":"opened","resource":"payment","resource_id":106400160593}]}`), timeout)
	for _, list := range []func() ([]payment.ProviderDispute, error){
		func() ([]payment.ProviderDispute, error) { return c.Chargebacks(t.Context(), "106400160592") },
		func() ([]payment.ProviderDispute, error) { return c.Claims(t.Context(), "106400160592") },
	} {
		found, err := list()
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, "1", found[0].ID)
	}
}

// The topics are those of the guides, under the old names and the new ones.
func TestWhatANotificationIsAbout(t *testing.T) {
	t.Parallel()
	for topic, about := range map[string]About{
		"payment": AboutPayment, "": AboutPayment, "the merchant's own": AboutPayment,
		"topic_chargebacks_wh": AboutChargeback, "chargebacks": AboutChargeback,
		"topic_claims_integration_wh": AboutClaim, "claim": AboutClaim, "stop_delivery_op_wh": AboutFraud,
	} {
		n := Notification{Topic: topic, ResourceID: "233000061680860000", Body: []byte(`{"data":{"id":233000061680860000,"payment_id":106400160592}}`)}
		require.Equal(t, about, n.About(), topic)
		if about == AboutPayment {
			require.Equal(t, "233000061680860000", n.ProviderPaymentID(), topic)
		} else {
			require.Equal(t, "106400160592", n.ProviderPaymentID(), topic)
		}
	}
	for _, body := range []string{``, `{}`, `{"data":{"payment_id":"x"}}`, `{"data":{"payment_id":null}}`} {
		require.Empty(t, Notification{Topic: "stop_delivery_op_wh", Body: []byte(body)}.ProviderPaymentID())
	}
}

// A claim that cannot be read, or is about something else than a payment, hides no other.
func TestClaimsOfTheAccountAreRead(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"results", "data"} {
		c := clientOf(t, answering(200, `{"paging":{"total":51},"`+list+`":[
			{"id":1,"status":"opened","resource":"payment","resource_id":106400160592},{"id":2,"status":"opened","resource":"shipment","resource_id":7},
			{"id":"x"},[],{"id":3,"status":"opened","resource":"payment","resource_id":106400160593}]}`), timeout)
		page, err := c.AccountClaims(t.Context(), OpenClaims, 0)
		require.NoError(t, err)
		require.Equal(t, 2, page.Pages)
		require.Len(t, page.Claims, 2)
		require.Equal(t, "1", page.Claims[0].ID)
		require.Equal(t, []string{"106400160593"}, page.Claims[1].Payments)
	}
	c := clientOf(t, answering(200, `{"paging":{"total":1000000},"results":[]}`), timeout)
	page, err := c.AccountClaims(t.Context(), ClosedClaims, 199)
	require.NoError(t, err)
	require.Equal(t, 200, page.Pages, "no offset of 10,000 or more")
	_, err = clientOf(t, answering(200, `{}`), timeout).AccountClaims(t.Context(), ClosedClaims, 0)
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
}
