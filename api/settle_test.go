package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestAnUnknownPaymentIsSettledByAnOperator(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.engine.answers = false
	id := decode[Payment](t, f.create(t, "k", goodBody)).ID
	operator := "Bearer " + f.addKey("ana", access.ScopeOperationsWrite)
	path := "/v1/payments/" + id + "/settle"
	const good = `{"status": "failed", "reason": "the panel has none"}`
	require.Equal(t, http.StatusConflict, f.post(t, path, "", good, "Authorization", operator).Code, "it is not unknown")
	f.database.set(id, func(p *payment.Payment) { p.Status, p.Version, p.UpdatedAt = payment.Unknown, 2, time.Now() })
	require.Equal(t, http.StatusConflict, f.post(t, path, "", good, "Authorization", operator).Code, "it has not been unknown for long enough")
	f.database.set(id, func(p *payment.Payment) { p.UpdatedAt = born })

	client := "Bearer " + f.addKey("shop", access.ScopePaymentsRead, access.ScopePaymentsWrite, access.ScopeOperationsRead)
	require.Equal(t, http.StatusForbidden, f.post(t, path, "", good, "Authorization", client).Code)
	for body, pointer := range map[string]string{
		`{"status": "failed"}`: "/reason", `{"reason": "a"}`: "/status", `{"status": "approved", "reason": "a"}`: "/status",
		`{"status": "failed", "reason": "` + strings.Repeat("x", 501) + `"}`: "/reason",
		`{"status": "failed", "reason": "card 4235 6477 2802 5682"}`:         "/reason",
	} {
		w := f.post(t, path, "", body, "Authorization", operator)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, body)
		require.Equal(t, pointer, decode[Problem](t, w).Errors[0].Pointer, body)
	}
	require.Equal(t, http.StatusNotFound, f.post(t, "/v1/payments/x/settle", "", good, "Authorization", operator).Code)
	require.Empty(t, f.engine.orders)

	for range 2 {
		w := f.post(t, path, "", good, "Authorization", operator)
		require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
		require.Equal(t, Status(payment.Failed), decode[Payment](t, w).Status)
	}
	require.Len(t, f.engine.orders, 1)
	require.Equal(t, []command.Order{{
		PaymentID: id, Command: command.Settle, Outcome: command.Failed, ID: f.engine.orders[0].ID, Actor: "ana", Reason: "the panel has none", Channel: audit.REST, From: "192.0.2.1, API key " + keyID(strings.TrimPrefix(operator, "Bearer ")),
	}}, f.engine.orders)
	require.Equal(t, http.StatusConflict, f.post(t, path, "", strings.Replace(good, "none", "nothing", 1), "Authorization", operator).Code)

	again := f.create(t, "k", goodBody)
	require.Equal(t, http.StatusCreated, again.Code)
	require.Equal(t, Status(payment.Failed), decode[Payment](t, again).Status)
}
