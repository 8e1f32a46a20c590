package system

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/story"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// explain runs onlywave explain, and checks what holds for every story: no line is too long for its words, and nothing is the buyer's.
func explain(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	var out output
	require.NoError(t, cli.Run(within(t), append([]string{"explain"}, args...), environ, &out))
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, "onlywave ") && !strings.Contains(line, "http") && !strings.Contains(line, `"`) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 120, line)
		}
	}
	for _, private := range []string{"ana@example.com", "Ana Souza", "12345678909"} {
		require.NotContains(t, out.String(), private)
	}
	t.Log(out.String())
	return out.String()
}

// inOrder checks that the texts are there, one after the other.
func inOrder(t *testing.T, whole string, texts ...string) {
	t.Helper()
	rest := strings.Join(strings.Fields(whole), " ")
	for _, text := range texts {
		_, after, there := strings.Cut(rest, text)
		require.True(t, there, "%q is missing or out of order in:\n%s", text, whole)
		rest = after
	}
}

func TestTheStoryOfAPaidPayment(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	p := create(t, key)
	inOrder(t, explain(t, operatorEnv(), id), "R$ 10.50 by Pix for demo is pending; the buyer has until", "nothing is wrong", "Now", "it asks Mercado Pago by itself")
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)
	paid, err := shared.Shops[0].Await(within(t), id, "approved")
	require.NoError(t, err)
	require.Regexp(t, `^E[0-9]{20}`, paid.Method.EndToEndID)
	eventually(t, func() bool { return inShared(t, `select published from payments where id = $1`, id) == 3 }, "events are published")
	eventually(t, func() bool {
		return inShared(t, `select count(*) from webhook_notifications where payment_id = $1`, id) == 2
	}, "notifications are archived")

	for _, name := range []string{id, p.Provider.PaymentID, paid.Method.EndToEndID, key} {
		inOrder(t, explain(t, operatorEnv(), name), id, "R$ 10.50 by Pix for demo was approved at", "nothing is wrong",
			"The client app demo asked for R$ 10.50 by Pix, reference "+key, "the client app's request started it",
			"Charge 1 of R$ 10.50 is stored before Mercado Pago is asked", "Mercado Pago answered the charge: the payment is pending", "The payment is now pending",
			"Notification payment.updated arrived", "The payment is now approved", "nothing more was to be done",
			"All 3 events are published")
	}
	inOrder(t, explain(t, operatorEnv(), id, "--lang", "pt"), "R$ 10,50 por Pix para demo foi aprovado às", "nada está errado",
		"O que aconteceu (UTC)", "O aplicativo cliente demo pediu R$ 10,50 por Pix", "O pagamento agora tem o status aprovado")

	var told story.Story
	require.NoError(t, json.Unmarshal([]byte(explain(t, operatorEnv(), id, "--output", "json")), &told))
	require.Equal(t, id, told.PaymentID)
	require.Greater(t, len(told.Entries), 8)
	require.Empty(t, told.Problems)
	require.Empty(t, told.Missing)

	// Temporal is unavailable: the rest is told.
	inOrder(t, explain(t, append(operatorEnv(), "TEMPORAL_ADDRESS=127.0.0.1:1"), id),
		"was approved at", "What is missing", "Temporal does not answer", "asked for R$ 10.50", "The payment is now approved")
	// So it is when the database is.
	inOrder(t, explain(t, append(operatorEnv(), "DATABASE_URL=postgres://onlywave@127.0.0.1:1/onlywave?sslmode=disable"), id),
		"The database does not answer", "What is missing", "Mercado Pago answered the charge: the payment is pending")
}

func TestTheStoryOfAPaymentThatAnOperatorSettled(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	arm(t, simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusNotFound, Times: 1, ExternalReference: id})
	_, err := shared.Shops[0].Create(within(t), key, 1050)
	require.NoError(t, err)
	_, err = shared.Shops[0].Await(within(t), id, "unknown")
	require.NoError(t, err)
	eventually(t, func() bool { return deadLetters(t, id, deadletter.CauseUnknownOutcome, deadletter.Open) == 1 }, "operators are told")
	inOrder(t, explain(t, operatorEnv(), id), "has been unknown since", "operators must decide", "What is wrong", "Search Mercado Pago's panel",
		"What can be done", "onlywave payments look "+id, "settle", "onlywave dead-letters redrive ")
	require.Equal(t, 1, inShared(t, `with aged as (update payments set updated_at = updated_at - interval '10 minutes' where id = $1 returning 1) select count(*) from aged`, id))
	var out output
	require.NoError(t, cli.Run(within(t), []string{"payments", "settle", id, "--actor", "ana", "--reason", "the panel has none, says ana@example.com"}, operatorEnv(), &out))
	inOrder(t, explain(t, operatorEnv(), id), "failed at", "nothing is left to do", "Dead letter", "(unknown outcome)",
		"ana, over the command line: settle the payment. Reason: the panel has none, says •••", "The payment is now failed, decided by ana",
		"resolved by onlywave")
	explain(t, operatorEnv(), id, "--lang", "pt")
}

func TestTheStoryOfAPaymentThatWasHeldAndReleased(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	p := create(t, key)
	order := func(command, reason string) {
		var out output
		require.NoError(t, cli.Run(within(t), []string{"payments", command, id, "--actor", "ana", "--reason", reason}, operatorEnv(), &out))
	}
	order("hold", "the seller asks for it")
	inOrder(t, explain(t, operatorEnv(), id), "it is held by ana until", "the seller asks for it", "What is wrong", "onlywave payments release "+id,
		"ana, over the command line: hold the payment until", "Now", "ana holds the payment", "What can be done", "release")
	order("release", "the seller is content")
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)
	inOrder(t, explain(t, operatorEnv(), id, "--lang", "pt"), "foi aprovado às", "nada está errado", "ana, pela linha de comando: reter o pagamento até",
		"Motivo: the seller asks for it", "liberar o pagamento. Motivo: the seller is content", "O pagamento agora tem o status aprovado")
}

func TestTheStoryOfAPaymentWhoseRunWasReset(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	p := create(t, key)
	temporal(t, "workflow", "reset", "--workflow-id", "payment/"+id, "--type", "FirstWorkflowTask", "--reason", "try again")
	temporal(t, "workflow", "signal", "--workflow-id", "payment/"+id, "--name", "look")
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)
	told := explain(t, operatorEnv(), id)
	inOrder(t, told, "was approved at", "the client app's request started it", "The workflow was reset", "try again",
		"Signal look from temporal-cli", "The payment is now approved")
	require.Equal(t, 1, strings.Count(told, "began: the client app's request"), "what both runs have in common is told once")
}

// Several payments may have one reference: the command lists them and asks for one.
func TestSeveralPaymentsOfOneReferenceAreListed(t *testing.T) {
	t.Parallel()
	name, _ := key(t)
	var ids []string
	for _, k := range []string{name + "-1", name + "-2"} {
		answer, err := shared.Shops[0].Post(within(t), k, strings.Replace(platform.Order(1050, k), `"reference": "`+k, `"reference": "`+name, 1))
		require.NoError(t, err)
		var p platform.Payment
		require.NoError(t, json.Unmarshal(answer.Body, &p))
		ids = append(ids, p.ID)
	}
	var out output
	err := cli.Run(within(t), []string{"explain", name}, operatorEnv(), &out)
	require.ErrorContains(t, err, "2 payments have the reference")
	for _, id := range ids {
		require.Contains(t, out.String(), id)
	}
	require.ErrorContains(t, cli.Run(within(t), []string{"explain", "no-such-thing"}, operatorEnv(), &out), "no payment has this id, provider id or reference")
}
