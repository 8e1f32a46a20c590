package console

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/session"
)

func TestTheFiguresOfTheLastDayAreDrawn(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	p := e.openPayment("shop", "order-1", 0)
	e.openPayment("shop", "order-2", 0)
	_, err := e.store.Apply(t.Context(), p.ID, payment.ProviderState{
		PaymentID: "98765432101", Reference: p.ID, Status: payment.Approved, RawStatus: "approved", StatusDetail: "accredited", Money: p.Amount, UpdatedAt: born,
	}, born)
	require.NoError(t, err)
	e.execute(t, `update payments set created_at = now() - interval '1 hour', updated_at = now() - interval '1 hour' + interval '30 seconds'`)
	minute, claimed, err := e.store.ClaimMinute(t.Context())
	require.NoError(t, err)
	require.True(t, claimed)
	require.NoError(t, e.store.KeepSamples(t.Context(), minute, []postgres.Sample{
		{Kind: postgres.BreakerSample, Name: "charge", Value: 2}, {Kind: postgres.QueueSample, Name: "onlywave.webhooks.process", Value: 70},
	}))
	b := e.as(e.viewer)
	page := b.get("/console/figures")
	require.Equal(t, 5, page.Find("figure svg.plot").Length())
	require.Equal(t, 5, page.Find("figure svg.plot title").Length(), "each picture has a text")
	require.Regexp(t, `\d\d:\d\d 1 1 0 0$`, page.says("#outcomes tbody"))
	require.Equal(t, 1, page.Find("#outcomes svg.plot rect.fill-good").Length())
	require.Regexp(t, `30\.0 30\.0$`, page.says("#approval-times tbody"))
	require.Regexp(t, `100%$`, page.says("#approval-rates tbody"))
	require.Regexp(t, `open$`, page.says("#breaker-states tbody"))
	require.Equal(t, 1, page.Find("#breaker-states svg.plot rect.fill-bad").Length())
	require.Regexp(t, `70$`, page.says("#queue-depths tbody"))
	require.Equal(t, "100", page.says("#queue-depths .scale"))
	require.Equal(t, 1, b.get("/console/").Find("#outcomes svg.plot").Length(), "the overview has the first of them")
}

func TestScalesEndAtRoundNumbers(t *testing.T) {
	t.Parallel()
	for value, top := range map[float64]float64{0: 1, 1: 1, 1.2: 2, 3: 5, 7: 10, 70: 100, 180: 200} {
		require.InDelta(t, top, roundUp(value), 0)
	}
	require.Equal(t, 1, outcome(payment.Pending))
	_, inside := figures{since: time.Now()}.span(time.Now().Add(-time.Hour))
	require.False(t, inside)
}
