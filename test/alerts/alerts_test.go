package alerts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/prometheus"
)

// An alert that nothing here provokes has never been seen to fire.
func TestEveryAlertIsProvokedOnce(t *testing.T) {
	t.Parallel()
	var provoked []string
	for _, trouble := range All() {
		provoked = append(provoked, trouble.Alerts...)
	}
	require.ElementsMatch(t, prometheus.Alerts(), provoked)
}
