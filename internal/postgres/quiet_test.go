package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestQuietPaymentsAreThoseOfWhichNothingIsHeardAlthoughTheyWait(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now := time.Now()
	plan := QuietPlan{Silent: 2 * time.Hour, Again: time.Hour, Limit: 10}
	at := func(name string, age time.Duration, answers payment.Status) string {
		p := newPayment(name)
		p.CreatedAt = now.Add(-age)
		s.open(t, p)
		if answers != "" {
			state := payment.ProviderState{PaymentID: name, Status: answers, Money: p.Amount, UpdatedAt: p.CreatedAt, ExpiresAt: now.Add(time.Hour)}
			_, err := s.Apply(t.Context(), p.ID, state, p.CreatedAt)
			require.NoError(t, err)
		}
		return p.ID
	}
	never := at("never answered", 9*time.Hour, "")
	waiting := at("waiting", 8*time.Hour, payment.Pending)
	at("young", time.Hour, "")
	at("settled", 9*time.Hour, payment.Approved)
	refunding := at("with a refund that has not ended", 7*time.Hour, payment.Approved)
	_, _, err := s.AskRefund(t.Context(), refunding, payment.RefundRequest{Amount: 300, IdempotencyKey: "k", Origin: payment.FromClient}, false,
		audit.Entry{Actor: audit.Actor{Name: "shop"}, Action: audit.PaymentRefund, Object: "payment/" + refunding}, now.Add(-7*time.Hour))
	require.NoError(t, err)
	ahead := at("written by a clock that is ahead", -20*time.Hour, "")

	quiet := func() (ids []string) {
		for {
			page, err := s.Quiet(t.Context(), plan)
			require.NoError(t, err)
			for _, q := range page {
				ids = append(ids, q.ID)
			}
			if len(page) < plan.Limit {
				plan.After = QuietPosition{}
				return ids
			}
			plan.After = page[len(page)-1].Position
		}
	}
	require.Equal(t, []string{never, waiting, refunding, ahead}, quiet())
	for plan.Limit = range 5 {
		if plan.Limit > 0 {
			require.Equal(t, []string{never, waiting, refunding, ahead}, quiet(), "in pages of %d", plan.Limit)
		}
	}
	require.NoError(t, s.Signalled(t.Context(), nil))
	for range 2 {
		require.NoError(t, s.Signalled(t.Context(), []string{never}))
		require.Equal(t, []string{waiting, refunding, ahead}, quiet())
	}
	_, err = s.pool.Exec(t.Context(), `update nudges set at = at - interval '61 minutes'`)
	require.NoError(t, err)
	require.Equal(t, []string{never, waiting, refunding, ahead}, quiet())
}
