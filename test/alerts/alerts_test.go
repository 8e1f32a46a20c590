package alerts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/prometheus"
)

// An alert without a fault here has never been seen to fire.
func TestEveryAlertIsProvokedOnce(t *testing.T) {
	t.Parallel()
	var provoked []string
	for _, fault := range All() {
		provoked = append(provoked, fault.Alerts...)
	}
	require.ElementsMatch(t, prometheus.Alerts(), provoked)
}
