package system

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
)

// accept posts a Pix that is not charged while the client waits. The answer is 202; a busy platform first answers 503, and a client
// repeats its request then.
func accept(t *testing.T, key, prefer string) (answer platform.Answer) {
	t.Helper()
	var err error
	eventually(t, func() bool {
		answer, err = shared.Shops[0].Post(within(t), key, platform.Order(1050, key), "Prefer", prefer)
		return err != nil || answer.Status != http.StatusServiceUnavailable
	}, "it is accepted")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, answer.Status, string(answer.Body))
	return answer
}
