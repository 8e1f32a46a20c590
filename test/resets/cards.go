package resets

import (
	"context"
	"fmt"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/simulator"
)

// enterCards makes the charges of the cards that the buyer has entered on the pay page, with tokens of their own. The result is the recorded
// texts, each with the one that stands for it.
func (p *player) enterCards(ctx context.Context, s story, id string) (texts []string, err error) {
	for i, entered := range s.cards {
		recorded := entered.Secrets.Token
		token, err := p.Provider.CardTokenOf(ctx, simulator.NumberOf(recorded), simulator.HolderOf(recorded))
		if err != nil {
			return nil, fmt.Errorf("make a card's token: %w", err)
		}
		texts = append(texts, recorded, token)
		if entered.state == nil {
			continue
		}
		made, _, err := charge(ctx, p.Platform, id, fmt.Sprintf("forgotten-%s-%d", id, i), token, s.input.Creation.Request.Method.Card, entered.state.Money)
		if err != nil {
			return nil, fmt.Errorf("charge: %w", err)
		}
		texts = append(texts, entered.state.PaymentID, made)
	}
	return texts, nil
}

// writeCards stores what became of the cards: all but the last were rejected.
func writeCards(ctx context.Context, database *postgres.Store, s story, id string, at time.Time) error {
	for i, entered := range s.cards {
		if _, err := database.TakeCard(ctx, id, entered.Entry, entered.Print, at); err != nil {
			return err
		}
		if state := entered.state; state != nil && state.Status == payment.Rejected {
			if _, err := database.RejectCard(ctx, id, i+1, state.PaymentID, state.StatusDetail, at); err != nil {
				return err
			}
		}
	}
	return nil
}
