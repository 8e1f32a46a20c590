package system

import (
	"bytes"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/standin"
)

// trigger runs onlywave-lab simulator trigger.
func trigger(t *testing.T, args ...string) (string, error) {
	root := &cobra.Command{SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(standin.Commands(nil)...)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(append([]string{"simulator", "trigger", "--simulator", shared.Provider.URL}, args...))
	err := root.ExecuteContext(within(t))
	return out.String(), err
}

func TestTriggersReachThePlatform(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	create(t, key)
	said, err := trigger(t, "--id", id, "payment.approved")
	require.NoError(t, err)
	require.Contains(t, said, "HTTP 200")
	awaitApproved(t, id)

	said, err = trigger(t, "order.processed", "subscription.updated", "panel.test")
	require.NoError(t, err)
	require.Regexp(t, `(?s)order\.processed: .* HTTP 200 .*subscription\.updated: .* HTTP 200 .*panel\.test: .* HTTP 200 `, said)
	said, err = trigger(t, "--id", id, "signature.wrong")
	require.NoError(t, err)
	require.Contains(t, said, "HTTP 401")
}

func TestAWrongTriggerNamesTheNearest(t *testing.T) {
	t.Parallel()
	_, err := trigger(t, "payment.aproved")
	require.ErrorContains(t, err, `there is no webhook "payment.aproved"; the nearest are payment.approved, `)
	_, err = trigger(t)
	require.ErrorContains(t, err, "which webhook?")
	said, err := trigger(t, "--help")
	require.NoError(t, err)
	require.Contains(t, said, "chargeback.created")
}
