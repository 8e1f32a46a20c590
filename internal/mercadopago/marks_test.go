package mercadopago

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// One mark is enough to know a payment for ours; what others write is none.
func TestPaymentsOfOursAreKnownByTheirMarks(t *testing.T) {
	t.Parallel()
	id := payment.NewID("shop", "order-1")
	notified, err := url.Parse("https://pay.example.com/webhooks/mercadopago?source=mp")
	require.NoError(t, err)
	for fields, ours := range map[string]bool{
		fmt.Sprintf(`"external_reference": %q`, id):                                                              true,
		fmt.Sprintf(`"external_reference": "order-1", "metadata": {"payment_id": %q}`, id):                       true,
		fmt.Sprintf(`"notification_url": "https://old.example.com/hook?payment_id=%s&source_news=webhooks"`, id): true,
		`"notification_url": "https://pay.example.com/webhooks/mercadopago"`:                                     true,

		`"external_reference": null`:                                                                    false,
		`"external_reference": "order-1"`:                                                               false,
		`"external_reference": 1042`:                                                                    false,
		`"external_reference": "7c9e6679-7425-40de-944b-e07fc1f90ae7"`:                                  false, // version 4
		`"external_reference": "018f4e1a-7c3b-7abc-9def-0123456789ab"`:                                  false, // version 7
		`"notification_url": "https://pay.example.com/other"`:                                           false,
		`"notification_url": "https://shop.example/hook?payment_id=42", "metadata": {"payment_id": 42}`: false,
		`"notification_url": "%zz", "metadata": []`:                                                     false,
		`"metadata": "none"`:                                                                            false,
	} {
		for what, status := range map[string]string{"readable": "approved", "unreadable": "teleported"} {
			body := fmt.Sprintf(`{"results": [{"id": 1, "status": %q, "transaction_amount": 1, "date_last_updated": "2026-01-05T12:00:00Z", %s}]}`, status, fields)
			page, err := reader{notified: notified}.changes([]byte(body), Window{})
			require.NoError(t, err)
			if what == "readable" {
				require.Equal(t, ours, page.Changes[0].Ours, fields)
				continue
			}
			require.Equal(t, ours, page.Unreadable[0].Ours, fields)
		}
	}
	page, err := reader{}.changes([]byte(`{"results": [{"id": {}, "status": []}]}`), Window{})
	require.NoError(t, err)
	require.True(t, page.Unreadable[0].Ours, "a payment without an id may be ours")
}

func TestWhatWeMakeIsOurs(t *testing.T) {
	t.Parallel()
	_, c := simulated(t, simulator.Config{})
	p := somePayment("ours")
	state, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-1"})
	require.NoError(t, err)
	page, err := c.ChangesIn(t.Context(), Window{From: state.UpdatedAt.AddDate(0, -1, 0), To: state.UpdatedAt})
	require.NoError(t, err)
	require.True(t, page.Changes[0].Ours)
}
