package system

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/mailsink"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/workflows"
)

// The mail server has troubles and all workers are killed while an e-mail waits for it: the buyer gets each e-mail once, and what
// is published again begins no other.
func sendOnce(t *testing.T, p *platform.Platform) {
	const buyer = "maria.buyer@example.com"
	key, id := key(t)
	order := strings.Replace(platform.Order(1050, key), platform.BuyerEmail+`"`, buyer+`", "notify_by": "email", "language": "en"`, 1)
	require.NoError(t, p.Mailbox.Arm(within(t), mailsink.Fault{Kind: mailsink.KindLater, To: buyer, Times: 2}))
	answer, err := p.Shops[0].Post(within(t), key, order)
	require.NoError(t, err)
	var made platform.Payment
	require.NoError(t, json.Unmarshal(answer.Body, &made), string(answer.Body))
	require.Equal(t, "pending", made.Status, "the mail server keeps nobody waiting")

	for _, w := range p.Workers {
		require.NoError(t, w.Kill())
	}
	for _, w := range p.Workers {
		require.NoError(t, w.Restart(within(t)))
	}
	// An attempt that died with its worker is missed after 40 s.
	waiting, cancel := context.WithTimeout(t.Context(), 2*timeout)
	defer cancel()
	mails, err := p.Mailbox.Await(waiting, buyer, 1)
	require.NoError(t, err)
	require.Equal(t, "Pay R$ 10.50 with Pix", mails[0].Subject)
	require.Contains(t, mails[0].Text, made.Method.QRCode)

	require.NoError(t, p.Provider.Pay(within(t), made.Provider.PaymentID))
	_, err = p.Shops[0].Await(within(t), id, "approved")
	require.NoError(t, err)
	mails, err = p.Mailbox.Await(within(t), buyer, 2)
	require.NoError(t, err)
	require.Equal(t, "Payment of R$ 10.50 approved", mails[1].Subject)

	receipt := workflows.EmailWorkflowID(id + "/receipt")
	run := runOf(t, p, receipt)
	// As if no worker had lived to note which events it has published: the next one publishes them all again.
	require.Equal(t, 2, inDatabase(t, p, `with forgotten as (update payments set published = 0 where id = $1), untold as (
    insert into outbox (payment_id, sink, seq, due_at) values ($1, 'events', 1, now()), ($1, 'email', 1, now()) returning 1
) select count(*) from untold`, id))
	eventually(t, func() bool {
		return inDatabase(t, p, `select published from payments where id = $1`, id) == 3 && inDatabase(t, p, `select count(*) from outbox where payment_id = $1`, id) == 0
	}, "all events are published again")
	mails, err = p.Mailbox.Mails(within(t), buyer)
	require.NoError(t, err)
	require.Len(t, mails, 2)
	require.Equal(t, 2, inDatabase(t, p, `select count(*) from emails where payment_id = $1 and outcome = 'sent'`, id))

	require.Equal(t, run, runOf(t, p, receipt), "it was started once")

	payloads := regexp.MustCompile(`"data": "([^"]+)"`).FindAllStringSubmatch(temporalOf(t, p, "workflow", "show", "--workflow-id", receipt, "--output", "json"), -1)
	require.NotEmpty(t, payloads)
	for _, payload := range payloads {
		text, err := base64.StdEncoding.DecodeString(payload[1])
		require.NoError(t, err)
		require.NotContains(t, string(text), buyer, "the history holds no address")
	}
	logs, err := filepath.Glob(filepath.Join(p.Logs, "*.log"))
	require.NoError(t, err)
	for _, file := range logs {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(content), buyer, filepath.Base(file))
	}
}

// runOf is the run under which a workflow is known now.
func runOf(t *testing.T, of *platform.Platform, workflowID string) string {
	var described struct {
		Info struct {
			Execution struct {
				RunID string `json:"runId"`
			} `json:"execution"`
		} `json:"workflowExecutionInfo"`
	}
	require.NoError(t, json.Unmarshal([]byte(temporalOf(t, of, "workflow", "describe", "--workflow-id", workflowID, "--output", "json")), &described))
	require.NotEmpty(t, described.Info.Execution.RunID)
	return described.Info.Execution.RunID
}

func TestOperatorsAreToldOfAPaymentThatWaitsForThem(t *testing.T) {
	t.Parallel()
	key, _ := key(t)
	create(t, key)
	startUnderAnothersKey(t, key)
	eventually(t, func() bool {
		mails, err := shared.Mailbox.Mails(within(t), platform.OperatorEmail)
		if err != nil {
			return false
		}
		for _, m := range mails {
			if strings.Contains(m.Subject, "contradiction") { // of this payment, or of another within the hour
				return true
			}
		}
		return false
	}, "operators are told")
}
