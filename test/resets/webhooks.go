package resets

import (
	"context"
	"fmt"

	"github.com/onlywave/onlywave/test/simulator"
)

// holdWebhooks keeps the simulator silent about a charge until its history is imported. A webhook before that starts a run of its own, and
// Temporal makes an imported history that has no end a zombie beside it. A reset of a zombie is an internal error, after which Temporal
// acquires the shard anew. The development server has one shard, so everything else fails meanwhile.
func (p *player) holdWebhooks(ctx context.Context, reference string) error {
	return p.Provider.Arm(ctx,
		simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost, ExternalReference: reference},
		simulator.Fault{On: simulator.OrderWebhook, Kind: simulator.KindLost, ExternalReference: reference})
}

// sendWebhooks sends the newest that was held of each charge.
func (p *player) sendWebhooks(ctx context.Context, reference string) error {
	if err := p.Provider.DisarmFor(ctx, reference); err != nil {
		return fmt.Errorf("let webhooks through: %w", err)
	}
	charges, err := p.Provider.Ledger(ctx, reference)
	if err != nil {
		return err
	}
	for _, entry := range charges {
		if entry.Kind != simulator.Charge {
			continue
		}
		if err := p.Provider.Redeliver(ctx, entry.PaymentID, 1); err != nil {
			return fmt.Errorf("send the webhook of %s: %w", entry.PaymentID, err)
		}
	}
	return nil
}
