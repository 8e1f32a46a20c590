package activities

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// ordered is an order of ana's, as the workflow hands it on.
func ordered(id string, name command.Name, number string) command.Order {
	return command.Order{PaymentID: id, Command: name, ID: number, Actor: "ana", Reason: "the buyer is on the phone"}
}

func (w env) trail(t *testing.T, id string) (actions []audit.Action) {
	t.Helper()
	list, err := w.database.AuditTrail(t.Context(), audit.Filter{Object: "payment/" + id, Limit: 100})
	require.NoError(t, err)
	for _, e := range list {
		actions = append([]audit.Action{e.Action}, actions...)
	}
	return actions
}

// An order that runs twice is carried out once: also a hold that runs again after its release, as after a reset of the workflow.
func TestHoldAndReleaseTwiceIsOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	hold := HoldInput{Order: ordered(id, command.Hold, "1"), Hold: payment.Hold{Until: until, Actor: "ana", Reason: "r", At: until.Add(-time.Hour)}}
	release := OrderInput{Order: ordered(id, command.Release, "2")}
	for range 2 {
		h, err := w.Hold(t.Context(), hold)
		require.NoError(t, err)
		require.Equal(t, hold.Hold, h)
	}
	state, err := w.Open(t.Context(), OpenInput{PaymentID: id})
	require.NoError(t, err)
	require.Equal(t, hold.Hold, state.Hold)
	require.False(t, state.Since.IsZero())
	for range 2 {
		h, err := w.Release(t.Context(), release)
		require.NoError(t, err)
		require.Zero(t, h)
	}
	h, err := w.Hold(t.Context(), hold)
	require.NoError(t, err)
	require.Zero(t, h, "it was carried out before")
	require.Equal(t, []audit.Action{audit.PaymentHold, audit.PaymentRelease}, w.trail(t, id))

	hold.ID = "3"
	h, err = w.Hold(t.Context(), hold)
	require.NoError(t, err)
	require.Equal(t, hold.Hold, h)
	for range 2 {
		h, err := w.ExpireHold(t.Context(), HoldInput{Order: command.Order{PaymentID: id}, Hold: h})
		require.NoError(t, err)
		require.Zero(t, h)
	}
	for range 2 {
		require.NoError(t, w.AuditOrder(t.Context(), OrderInput{Order: ordered(id, command.Retry, "4")}))
	}
	require.Equal(t, []audit.Action{audit.PaymentHold, audit.PaymentRelease, audit.PaymentHold, audit.PaymentHoldEnd, audit.PaymentRetry}, w.trail(t, id))
	_, err = w.Hold(t.Context(), HoldInput{Order: ordered(payment.NewID("shop", "none"), command.Hold, "5"), Hold: hold.Hold})
	require.Equal(t, failure.NotFound, failure.Kind(application(t, err).Type()))
}

// Whoever may send signals to Temporal knows the orders of others, and can write the same ID. Only the very order that a front end has
// stored has its channel and origin.
func TestTheAuditTakesTheChannelFromTheStoredRequestOnly(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id, other := w.opened(t), payment.NewID("shop", "other")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	o := ordered(id, command.Hold, uuid.NewString())
	o.Until, o.Channel, o.From = until, audit.Console, "192.0.2.1"
	for range 2 {
		require.NoError(t, w.database.RequestCommand(t.Context(), o))
	}
	sent := o
	sent.Channel, sent.From = "", "" // Temporal carries neither
	asked := func(change func(*command.Order)) audit.Actor {
		o := sent
		change(&o)
		e, err := w.entry(t.Context(), o, o.Command)
		require.NoError(t, err)
		require.Equal(t, o.Actor, e.Actor.Name)
		return e.Actor
	}
	require.Equal(t, audit.Actor{Name: "ana", Channel: audit.Console, From: "192.0.2.1"}, asked(func(*command.Order) {}))
	for name, change := range map[string]func(*command.Order){
		"typed":           func(o *command.Order) { o.ID, o.Channel, o.From = "1", audit.Console, "192.0.2.1" },
		"another actor":   func(o *command.Order) { o.Actor = "bia" },
		"another reason":  func(o *command.Order) { o.Reason = "because" },
		"another end":     func(o *command.Order) { o.Until = until.Add(time.Hour) },
		"another command": func(o *command.Order) { o.Command = command.GiveUp },
		"another payment": func(o *command.Order) { o.PaymentID = other },
		"another outcome": func(o *command.Order) { o.Outcome = command.Found },
	} {
		by := asked(change)
		require.Equal(t, []any{audit.Temporal, ""}, []any{by.Channel, by.From}, name)
	}
	h, err := w.Hold(t.Context(), HoldInput{Order: sent, Hold: payment.Hold{Until: until, Actor: "ana", Reason: o.Reason, At: until.Add(-time.Hour)}})
	require.NoError(t, err)
	require.Equal(t, until, h.Until)
	list, err := w.database.AuditTrail(t.Context(), audit.Filter{Object: "payment/" + id, Limit: 10})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, o.By(), list[0].Actor)
}

// A charge that may have been sent is unknown, and only one that was never sent fails.
func TestGivingUpTwiceIsOnce(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		maySent, sent bool
		want          payment.Status
	}{
		"never sent":           {want: payment.Failed},
		"sent by an activity":  {sent: true, want: payment.Unknown},
		"sent for all we know": {maySent: true, want: payment.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			id := w.opened(t)
			if row.sent {
				sending, err := w.database.SendOperation(t.Context(), payment.ProviderKey(id, payment.Charge, 1), time.Now())
				require.NoError(t, err)
				require.False(t, sending.Before)
				sending, err = w.database.SendOperation(t.Context(), payment.ProviderKey(id, payment.Charge, 1), time.Now())
				require.NoError(t, err)
				require.True(t, sending.Before)
			}
			in := GiveUpOrder{Order: ordered(id, command.GiveUp, "1"), MaySent: row.maySent}
			for range 2 {
				m, err := w.GiveUp(t.Context(), in)
				require.NoError(t, err)
				require.Equal(t, row.want, m.Status)
			}
			events, err := w.database.Events(t.Context(), id, 1, 10)
			require.NoError(t, err)
			require.Len(t, events, 1)
			require.Equal(t, []string{in.Actor, in.Reason}, []string{events[0].Data.Actor, events[0].Data.Reason})
			require.Equal(t, []audit.Action{audit.PaymentGiveUp}, w.trail(t, id))
		})
	}
}

func TestSettlingAsFoundTwiceIsOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	_, err := w.Park(t.Context(), GiveUpInput{PaymentID: id, Why: "silence"})
	require.NoError(t, err)
	p, err := w.database.Payment(t.Context(), id)
	require.NoError(t, err)
	in := FoundInput{Order: ordered(id, command.Settle, "1"), State: payment.ProviderState{
		PaymentID: "106400160592", Reference: id, Status: payment.Approved, Money: p.Amount, UpdatedAt: time.Now().UTC().Truncate(time.Second),
	}}
	in.Outcome, in.ProviderPaymentID = command.Found, "106400160592"
	for range 2 {
		m, err := w.SettleFound(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, payment.Approved, m.Status)
	}
	events, err := w.database.Events(t.Context(), id, 2, 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, []string{in.Actor, in.Reason}, []string{events[0].Data.Actor, events[0].Data.Reason})
	require.Equal(t, []audit.Action{audit.PaymentSettle}, w.trail(t, id))
}
