package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheViewsOfDeadLettersNameTheCauseInBothLanguages(t *testing.T) {
	t.Parallel()
	titles := map[string][2]string{}
	for _, v := range SavedViews(time.Now()) {
		titles[v.Name] = [2]string{v.Title.EN, v.Title.PT}
	}
	require.Equal(t, [2]string{"Dead letters: unknown outcome", "Mensagens mortas: resultado desconhecido"}, titles["dead-letters-unknown-outcome"])
}
