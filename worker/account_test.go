package worker

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/test/simulator"
)

func expecting(t *testing.T, at env, collector string) *mercadopago.Client {
	t.Helper()
	provider, err := mercadopago.New(mercadopago.Config{BaseURL: at.provider, AccessToken: "TEST-1", CollectorID: collector})
	require.NoError(t, err)
	return provider
}

func TestATokenOfAnotherAccountStartsNoWork(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, logged := newWorker(t, at)
	w.Provider = expecting(t, at, "77")
	err := w.Run(t.Context())
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	require.ErrorContains(t, err, "MERCADOPAGO_COLLECTOR_ID expects 77")
	require.False(t, logged.says("queues finished"), "it has begun nothing")
}

// While Mercado Pago does not answer, work goes on; once it does and says that the account is another one, work ends.
func TestAnAccountIsCheckedOnceMercadoPagoAnswers(t *testing.T) {
	t.Parallel()
	at, provider := newEnv(t)
	provider.SetFaults([]simulator.Fault{{On: simulator.Account, Kind: simulator.KindError, Status: http.StatusServiceUnavailable, Times: 1}})
	w, logged := newWorker(t, at)
	w.Provider, w.accountEvery = expecting(t, at, "77"), 1
	err := w.Run(t.Context())
	require.ErrorContains(t, err, "MERCADOPAGO_COLLECTOR_ID expects 77")
	require.True(t, logged.says("mercado pago account not checked yet"))
	require.True(t, logged.says("queues finished"))
}
