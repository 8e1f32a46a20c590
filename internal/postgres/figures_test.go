package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

func TestOneWorkerSamplesAMinute(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx := t.Context()
	minute, claimed, err := s.ClaimMinute(ctx)
	require.NoError(t, err)
	require.True(t, claimed)
	if again, claimed, err := s.ClaimMinute(ctx); claimed {
		require.NoError(t, err)
		require.NotEqual(t, minute, again, "the next minute has begun")
	}
	samples := []Sample{{Kind: BreakerSample, Name: "charge", Value: 2}, {Kind: QueueSample, Name: "onlywave.webhooks.process", Value: 7}}
	for range 2 {
		require.NoError(t, s.KeepSamples(ctx, minute, samples))
	}
	found, err := s.Samples(ctx, minute)
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, samples[0].Value, found[0].Value)
	require.True(t, minute.Equal(found[0].Minute))

	_, err = s.pool.Exec(ctx, `update samples set minute = minute - interval '3 days'`)
	require.NoError(t, err)
	_, _, err = s.ClaimMinute(ctx)
	require.NoError(t, err)
	found, err = s.Samples(ctx, minute.Add(-7*24*time.Hour))
	require.NoError(t, err)
	require.Empty(t, found, "old samples are removed")
}

func TestPaymentsAreCountedByTime(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	found, err := s.Figures(t.Context(), time.Now().Add(-24*time.Hour), time.Hour)
	require.NoError(t, err)
	require.Empty(t, found)
	since := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	_, err = s.pool.Exec(t.Context(), `insert into clients (id, name) values ('figures', 'figures') on conflict do nothing`)
	require.NoError(t, err)
	_, err = s.pool.Exec(t.Context(), `
insert into payments (id, client_id, idempotency_key, fingerprint, status, amount, currency, description, reference, method_type, method, payer, metadata, provider, version, created_at, updated_at)
select gen_random_uuid(), 'figures', n::text, 'f', case when n <= 3 then 'approved' else 'expired' end, 100, 'BRL', '', '', 'pix', '{}', '{}', '{}', 'mercadopago', 1,
       $1::timestamptz + interval '1 minute', $1::timestamptz + interval '1 minute' + n * interval '10 seconds'
from generate_series(1, 4) n`, since)
	require.NoError(t, err)
	found, err = s.Figures(t.Context(), since, time.Hour)
	require.NoError(t, err)
	require.Len(t, found, 3)
	counts := map[payment.Status]int{}
	for _, f := range found {
		require.True(t, since.Equal(f.From))
		counts[f.Status] = f.Count
		if f.Status == "" {
			require.InDelta(t, 20, f.P50, 0.001)
			require.InDelta(t, 29, f.P95, 0.001)
		}
	}
	require.Equal(t, map[payment.Status]int{"": 4, payment.Approved: 3, payment.Expired: 1}, counts)
}
