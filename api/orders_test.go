package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/payment"
)

// Each command of the catalogue has its path, and what is not possible reaches no workflow.
func TestOperatorsOrderCommandsOnAPayment(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.engine.answers = false
	id := decode[Payment](t, f.create(t, "k", goodBody)).ID // is processing
	operator := "Bearer " + f.addKey("ana", access.ScopeOperationsWrite)
	client := "Bearer " + f.addKey("shop", access.ScopePaymentsRead, access.ScopePaymentsWrite)
	order := func(name command.Name, body string) int {
		return f.post(t, "/v1/payments/"+id+"/"+name.Word(), "", body, "Authorization", operator).Code
	}
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for _, row := range []struct {
		name   command.Name
		body   string
		status int
	}{
		{command.Look, `{}`, http.StatusOK},
		{command.Retry, `{"reason": "it is available again"}`, http.StatusOK},
		{command.Hold, `{"reason": "a check", "until": "` + until.Format(time.RFC3339) + `"}`, http.StatusOK},
		{command.GiveUp, `{"reason": "cancelled"}`, http.StatusOK},
		{command.Hold, `{}`, http.StatusUnprocessableEntity},
		{command.Hold, `{"reason": "a check", "until": "2020-01-01T00:00:00Z"}`, http.StatusUnprocessableEntity},
		{command.GiveUp, `{}`, http.StatusUnprocessableEntity},
		{command.Retry, `{"reason": "card 4235 6477 2802 5682"}`, http.StatusUnprocessableEntity},
		{command.Release, `{"reason": "the check is done"}`, http.StatusConflict},
		{command.Settle, `{"status": "found", "reason": "the panel has it", "provider_payment_id": "12"}`, http.StatusConflict},
		{command.Settle, `{"status": "found", "reason": "the panel has it"}`, http.StatusUnprocessableEntity},
		{command.Settle, `{"status": "failed", "reason": "none", "provider_payment_id": "12"}`, http.StatusUnprocessableEntity},
	} {
		require.Equal(t, row.status, order(row.name, row.body), "%s %s", row.name, row.body)
		require.Equal(t, http.StatusForbidden, f.post(t, "/v1/payments/"+id+"/"+row.name.Word(), "", row.body, "Authorization", client).Code)
	}
	var ordered []command.Name
	for _, o := range f.engine.orders {
		ordered = append(ordered, o.Command)
		require.Equal(t, []any{"ana", audit.REST, id}, []any{o.Actor, o.Channel, o.PaymentID})
	}
	require.Equal(t, []command.Name{command.Look, command.Retry, command.Hold, command.GiveUp}, ordered)
	require.Equal(t, until, f.engine.orders[2].Until)

	f.engine.fails = command.ErrRunning
	require.Equal(t, http.StatusAccepted, order(command.Look, `{}`), "it goes on by itself")
	f.engine.fails = nil

	f.database.held = map[string]payment.Hold{id: {Until: until}}
	require.Equal(t, http.StatusConflict, order(command.Look, `{}`), "it is held")
	require.Equal(t, http.StatusOK, order(command.Release, `{"reason": "the check is done"}`))

	f.database.set(id, func(p *payment.Payment) { p.Status, p.UpdatedAt = payment.Unknown, time.Now() })
	f.database.held = nil
	require.Equal(t, http.StatusOK, order(command.Settle, `{"status": "found", "reason": "the panel has it", "provider_payment_id": "12"}`), "it need not be old")
}
