package worker

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/workflows"
)

// Where the namespace has not been made, the error says so, and how to make it.
func TestANamespaceThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	temporal, err := client.NewLazyClient(client.Options{HostPort: devstacktest.Shared().TemporalAddress()})
	require.NoError(t, err)
	defer temporal.Close()
	err = workflows.AddSearchAttributes(t.Context(), temporal, "nowhere")
	require.ErrorContains(t, err, `no namespace "nowhere"`)
	require.ErrorContains(t, err, "temporal operator namespace create --namespace nowhere")
}
