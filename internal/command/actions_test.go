package command

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// store holds one payment and its last event, and is the engine too.
type store struct {
	p           payment.Payment
	last        payment.EventData
	held        payment.Hold
	unavailable error // of all reads
	refuses     error // of Command
	requests    []Order
	orders      []Order
}

func (s *store) Payment(_ context.Context, id string) (payment.Payment, error) {
	if s.unavailable == nil && id != s.p.ID {
		return payment.Payment{}, &failure.Error{Kind: failure.NotFound}
	}
	return s.p, s.unavailable
}

func (s *store) Hold(context.Context, string) (payment.Hold, error) { return s.held, s.unavailable }

func (s *store) Events(_ context.Context, _ string, after, _ int) ([]payment.Event, error) {
	if after != s.p.Version-1 {
		return nil, nil
	}
	return []payment.Event{{Status: s.p.Status, Data: s.last}}, s.unavailable
}

func (s *store) RequestCommand(_ context.Context, o Order) error {
	s.requests = append(s.requests, o)
	return s.unavailable
}

func (s *store) Command(_ context.Context, o Order) error {
	s.orders = append(s.orders, o)
	if s.refuses == nil {
		s.p.Status, s.p.Version = payment.Failed, s.p.Version+1
		s.last = payment.EventData{Actor: o.Actor, Reason: o.Reason}
	}
	return s.refuses
}

func settle(id, reason string) Order { return Order{PaymentID: id, Command: Settle, Reason: reason} }

var ana = audit.Actor{Name: "ana", Channel: audit.CommandLine}

func unknown() *store {
	return &store{p: payment.Payment{
		ID: payment.NewID("shop", "k"), Status: payment.Unknown, Version: 2, UpdatedAt: time.Now().Add(-Age),
	}}
}

// A repeated request changes nothing; one with another actor or reason is refused.
func TestAnUnknownPaymentIsSettledOnce(t *testing.T) {
	t.Parallel()
	s := unknown()
	a := Actions{Payments: s, Engine: s}
	for range 3 {
		p, err := a.Do(t.Context(), ana, settle(s.p.ID, " the panel has none "))
		require.NoError(t, err)
		require.Equal(t, payment.Failed, p.Status)
	}
	require.Len(t, s.orders, 1)
	require.NotEmpty(t, s.orders[0].ID)
	require.Equal(t, s.orders, s.requests, "who requests it is stored before it is sent")
	s.orders[0].ID = ""
	require.Equal(t, []Order{{
		PaymentID: s.p.ID, Command: Settle, Outcome: Failed, Actor: "ana", Reason: "the panel has none", Channel: audit.CommandLine,
	}}, s.orders)
	_, err := a.Do(t.Context(), ana, settle(s.p.ID, "another reason"))
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	_, err = a.Do(t.Context(), audit.Actor{Name: "bia", Channel: audit.Console}, settle(s.p.ID, "the panel has none"))
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	require.Len(t, s.orders, 1)
}

// The answer to the first request may be lost.
func TestACancelledPaymentMayBeCancelledAgain(t *testing.T) {
	t.Parallel()
	s := unknown()
	s.p.Status = payment.Cancelled
	p, err := Actions{Payments: s, Engine: s}.Do(t.Context(), ana, Order{PaymentID: s.p.ID, Command: Cancel, Reason: "the order was cancelled", OnPaid: KeepIt})
	require.NoError(t, err)
	require.Equal(t, payment.Cancelled, p.Status)
	require.Empty(t, s.orders)
}

// So may the answer to a capture. Another sum is another order, which the payment is past.
func TestACapturedPaymentMayBeCapturedAgain(t *testing.T) {
	t.Parallel()
	s := unknown()
	s.p.Status, s.p.Amount.Centavos, s.p.Captured = payment.Approved, 1050, 700
	capture := func(centavos int64) error {
		_, err := Actions{Payments: s, Engine: s}.Do(t.Context(), ana, Order{PaymentID: s.p.ID, Command: Capture, Reason: "shipped", Amount: centavos})
		return err
	}
	require.NoError(t, capture(700))
	require.Equal(t, failure.Conflict, failure.KindOf(capture(800)))
	require.Equal(t, failure.Conflict, failure.KindOf(capture(0)), "all is more")
	s.p.Captured = 1050
	require.NoError(t, capture(0))
	require.Empty(t, s.orders)
}

func TestARefusedSettleReachesNoWorkflow(t *testing.T) {
	t.Parallel()
	for _, status := range payment.Statuses() {
		if status == payment.Unknown {
			continue
		}
		s := unknown()
		s.p.Status = status
		_, err := Actions{Payments: s, Engine: s}.Do(t.Context(), ana, settle(s.p.ID, "because"))
		require.Equal(t, failure.Conflict, failure.KindOf(err), status)
		require.ErrorContains(t, err, string(status))
		require.Empty(t, s.orders)
	}
	young := unknown()
	young.p.UpdatedAt = time.Now().Add(time.Minute - Age)
	_, err := Actions{Payments: young, Engine: young}.Do(t.Context(), ana, settle(young.p.ID, "because"))
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	require.ErrorContains(t, err, "repeat this after")
	require.Empty(t, young.orders)

	s := unknown()
	a := Actions{Payments: s, Engine: s}
	for name, request := range map[string]func() (payment.Payment, error){
		"no actor":      func() (payment.Payment, error) { return a.Do(t.Context(), audit.Actor{}, settle(s.p.ID, "because")) },
		"no reason":     func() (payment.Payment, error) { return a.Do(t.Context(), ana, settle(s.p.ID, " ")) },
		"a card number": func() (payment.Payment, error) { return a.Do(t.Context(), ana, settle(s.p.ID, "4235 6477 2802 5682")) },
		"markup as name": func() (payment.Payment, error) {
			return a.Do(t.Context(), audit.Actor{Name: "<b>"}, settle(s.p.ID, "because"))
		},
	} {
		_, err := request()
		require.Equal(t, failure.Invalid, failure.KindOf(err), name)
	}
	for _, id := range []string{"x", payment.NewID("shop", "other")} {
		_, err := a.Do(t.Context(), ana, settle(id, "because"))
		require.Equal(t, failure.NotFound, failure.KindOf(err), id)
	}
	require.Empty(t, s.orders)

	s.unavailable = &failure.Error{Kind: failure.Unavailable}
	_, err = a.Do(t.Context(), ana, settle(s.p.ID, "because"))
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	s.unavailable, s.refuses = nil, &failure.Error{Kind: failure.Conflict, Message: "the provider has the payment"}
	_, err = a.Do(t.Context(), ana, settle(s.p.ID, "because"))
	require.ErrorIs(t, err, s.refuses)
}
