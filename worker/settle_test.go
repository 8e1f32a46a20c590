package worker

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// Mercado Pago's search fails: the operator learns that, and not that a part of ours did not answer in time.
func TestAnOperatorLearnsWhyAPaymentCannotBeSettled(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := wish("silent").PaymentID
	open(t, s.Worker, id)
	_, err := s.Database.Park(t.Context(), id, "silence", time.Now().Add(-command.Age))
	require.NoError(t, err)
	s.provider.AddFault(simulator.Fault{On: simulator.Search, Kind: simulator.KindError, Status: http.StatusServiceUnavailable})
	order := command.Order{PaymentID: id, Command: command.Settle, Actor: "ana", Reason: "the panel has none"}
	err = s.Workflows.Command(t.Context(), order)
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	require.ErrorContains(t, err, "the provider does not say whether it has the payment")

	s.provider.SetFaults(nil)
	require.Eventually(t, func() bool { return s.Workflows.Command(t.Context(), order) == nil }, timeout, 100*time.Millisecond, "the breaker has closed again")
	s.await(t, id, payment.Failed)
}
