package documents

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// The arrows of a payment's life are the table of moves, each drawn once.
func TestTheDiagramsOfAPaymentsLifeAreTheTableOfMoves(t *testing.T) {
	t.Parallel()
	var drawn []string
	for _, b := range pages(t)["docs/architecture.md"].Blocks {
		if b.Info != "mermaid" || !regexp.MustCompile(`^stateDiagram`).MatchString(b.Text) {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^ *(\w+) --> (\w+)$`).FindAllStringSubmatch(b.Text, -1) {
			drawn = append(drawn, m[1]+" --> "+m[2])
		}
	}
	var moves []string
	for _, from := range payment.Statuses() {
		for _, to := range payment.Statuses() {
			if payment.CanMove(from, to) {
				moves = append(moves, string(from)+" --> "+string(to))
			}
		}
	}
	require.ElementsMatch(t, moves, drawn)
}
