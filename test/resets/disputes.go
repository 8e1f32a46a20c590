package resets

import (
	"context"
	"fmt"
	"time"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
)

// dispute is the recorded payment's dispute, as the run knew it at its end.
type dispute struct {
	told   payment.DisputeRef // as the provider told of it; zero: there was none
	kind   payment.DisputeKind
	status payment.DisputeStatus
}

// kept notes what the provider said of the dispute.
func (d *dispute) kept(kept activities.DisputesKept) {
	for _, c := range kept.Changed {
		d.kind, d.status = c.Kind, c.Status
	}
}

// named says whether the provider has an object of the dispute. It has none of a fraud alert.
func (d dispute) named() bool { return d.told.ID != "" && d.kind != "" }

// gaveBack says whether the end of the dispute has refunded the payment.
func (d dispute) gaveBack() bool {
	return d.named() && d.kind == payment.Mediation && d.status == payment.DisputeLost
}

// quarrel brings the charge, which is paid, to the recorded dispute, and returns its id.
func (p *player) quarrel(ctx context.Context, d dispute, providerID string) (id string, err error) {
	if d.kind == payment.Chargeback {
		if id, err = p.Provider.OpenChargeback(ctx, providerID); err == nil && d.status.Ended() {
			err = p.Provider.EndChargeback(ctx, id, d.status == payment.DisputeWon)
		}
		return id, err
	}
	id, err = p.Provider.OpenClaim(ctx, providerID)
	if err == nil && d.kind == payment.Mediation {
		err = p.Provider.MediateClaim(ctx, id)
	}
	if err == nil && d.status.Ended() {
		err = p.Provider.EndClaim(ctx, id, d.status == payment.DisputeWon)
	}
	return id, err
}

// shown is the dispute as the provider shows it.
func (p *player) shown(ctx context.Context, d dispute, id string) (payment.ProviderDispute, error) {
	if d.kind == payment.Chargeback {
		return p.provider.Chargeback(ctx, id)
	}
	return p.provider.Claim(ctx, id)
}

// writeDispute stores the dispute as the recorded run had stored it.
func (p *player) writeDispute(ctx context.Context, d dispute, paymentID, id string, at time.Time) error {
	news, err := p.shown(ctx, d, id)
	if err == nil {
		_, _, err = p.database.KeepDisputes(ctx, paymentID, []payment.ProviderDispute{news}, at)
	}
	return err
}

// wrongDisputes is what is wrong with the dispute: the database has it once, as the provider shows it. A row that was not as the run has left
// it may lack it until the schedule has the payment read.
func (c *paymentCase) wrongDisputes(ctx context.Context) (wrong []string, err error) {
	rows, err := c.database.Disputes(ctx, c.id)
	if err != nil || c.disputeID == "" {
		return nil, err
	}
	news, err := c.shown(ctx, c.story.dispute, c.disputeID)
	if err != nil {
		return nil, err
	}
	switch {
	case len(rows) > 1, len(rows) == 0 && c.row == rowKept:
		wrong = append(wrong, fmt.Sprintf("the database has the dispute %d times", len(rows)))
	case len(rows) == 1 && (rows[0].Status != news.Status || rows[0].Kind != news.Kind):
		wrong = append(wrong, fmt.Sprintf("the database says of the dispute %s %s, Mercado Pago %s %s", rows[0].Kind, rows[0].Status, news.Kind, news.Status))
	}
	return wrong, nil
}
