package console

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/session"
)

func TestCommandsOnAPaymentAreOrdered(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	p := e.openPayment("shop", "order-1", 0)
	path := "/console/payments/" + p.ID
	require.Zero(t, e.as(e.viewer).get(path).Find("#actions").Length(), "a viewer sees no commands")
	require.Equal(t, http.StatusForbidden, e.as(e.viewer).post(path+"/look").status)

	b := e.as(e.operator)
	shown := b.get(path)
	for _, name := range []string{"look", "retry", "hold", "give-up"} {
		require.Equal(t, 1, shown.Find("#command-"+name+" form").Length(), name)
	}
	require.Zero(t, shown.Find("#command-release, #command-settle").Length(), "they are not possible")
	require.Contains(t, shown.says("#command-hold"), "Stops all calls to Mercado Pago")

	require.Equal(t, "Mercado Pago was asked. The payment is processing.", b.press(shown, "look").says(".notice"))
	require.Equal(t, "The payment is held.", b.press(shown, "hold", "reason", "the seller is being checked", "hours", "48").says(".notice"))
	last := e.redriver.orders[len(e.redriver.orders)-1]
	require.Equal(t, []any{command.Hold, e.operator, audit.Console, "the seller is being checked"}, []any{last.Command, last.Actor, last.Channel, last.Reason})
	require.WithinDuration(t, time.Now().Add(48*time.Hour), last.Until, time.Minute)

	orders := len(e.redriver.orders)
	for name, fields := range map[string][]string{
		"hold": {"hours", "200", "reason", "r"}, "hold without a reason": {"hours", "1"}, "hold for words": {"hours", "x", "reason", "r"},
	} {
		refused := b.press(shown, "hold", fields...)
		require.Equal(t, http.StatusUnprocessableEntity, refused.status, name)
		require.Equal(t, 1, refused.Find("#refused li").Length(), name)
	}
	refused := b.press(shown, "give-up", "reason", "the shop asked for it")
	require.Contains(t, refused.says("#refused"), "Confirm that you have read what the command does")
	refused = b.post(path+"/settle", "reason", "r", "confirm", "yes")
	require.Equal(t, http.StatusConflict, refused.status)
	require.Equal(t, "The payment is processing; only an unknown payment can be settled.", refused.says("#refused"))
	require.Equal(t, http.StatusNotFound, b.post(path+"/create").status)
	require.Len(t, e.redriver.orders, orders, "what is refused is not ordered")
	require.Contains(t, b.press(shown, "give-up", "reason", "the shop asked for it", "confirm", "yes").says(".notice"), "The attempts to charge have ended.")

	e.redriver.running = true
	sent := b.press(shown, "give-up", "reason", "the shop asked for it", "confirm", "yes")
	require.Equal(t, http.StatusOK, sent.status)
	require.Equal(t, "The command is accepted and still being carried out. Reload the page in a moment.", sent.says(".notice"))

	require.Equal(t, "pt-BR", b.post("/console/language", "language", "pt-BR").Find("html").AttrOr("lang", ""))
	require.Contains(t, b.get(path).says("#command-hold"), "Reter Para todas as chamadas ao Mercado Pago")
}

// The form of a capture has the sum, as people write it; left empty, all is captured.
func TestReservedMoneyIsCapturedFromThePage(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	p := e.openPayment("shop", "order-1", 0)
	_, err := e.store.Apply(t.Context(), p.ID, payment.ProviderState{
		PaymentID: "106400160592", Reference: p.ID, Status: payment.Authorized, RawStatus: "authorized", Money: p.Amount, UpdatedAt: time.Now(),
	}, time.Now())
	require.NoError(t, err)
	b := e.as(e.operator)
	shown := b.get("/console/payments/" + p.ID)
	require.Equal(t, "Capture", shown.says("#command-capture summary"))
	require.Contains(t, b.press(shown, "capture", "reason", "shipped").says("#refused"), "Confirm that you have read what the command does")
	require.Equal(t, 1, b.press(shown, "capture", "reason", "shipped", "confirm", "yes", "amount", "much").Find("#refused li").Length())
	orders := len(e.redriver.orders)
	for text, centavos := range map[string]int64{"7,50": 750, "": 0} {
		require.Contains(t, b.press(shown, "capture", "reason", "shipped", "confirm", "yes", "amount", text).says(".notice"), "Mercado Pago was asked for the reserved money.")
		last := e.redriver.orders[len(e.redriver.orders)-1]
		require.Equal(t, []any{command.Capture, centavos}, []any{last.Command, last.Amount})
	}
	require.Len(t, e.redriver.orders, orders+2)
}

// Every command that operators have is a button with a name.
func TestEveryCommandHasALabel(t *testing.T) {
	t.Parallel()
	for _, e := range command.Operators() {
		require.NotEmpty(t, commandLabels[e.Name], e.Name)
	}
}

func TestUsersAreListed(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	b := e.as(e.operator)
	p := b.get("/console/users")
	require.Equal(t, []string{e.operator, e.viewer}, p.column("users", "User"))
	require.Equal(t, []string{"operator", "viewer"}, p.column("users", "Role"))
	require.Equal(t, []string{"none", "none"}, p.column("users", "Second factor"))
	require.NotEqual(t, "never", p.column("users", "Last log-in")[0])
	require.Equal(t, "never", p.column("users", "Last log-in")[1])
}

func TestUsersSeeWhoElseLooksAtADeadLetter(t *testing.T) {
	t.Parallel()
	e := newEnv(t, session.Options{})
	id := e.keepDeadLetter("of "+e.viewer, nil)
	require.NotContains(t, e.as(e.viewer).get("/console/dead-letters/"+id).says("main"), "has been looking")
	b := e.as(e.operator)
	require.Contains(t, b.get("/console/dead-letters/"+id).says(".advice"), e.viewer+" has been looking at this since")
	require.NotContains(t, b.get("/console/dead-letters/"+id).says("main"), e.operator+" has been looking")
}
