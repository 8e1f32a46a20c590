package workflows

import (
	"context"

	"github.com/onlywave/onlywave/internal/payment"
)

// Limits of a redrive.
const (
	CanaryMax    = 100
	RateMax      = 1000
	StopAfterMax = 1_000_000
)

// Redriver starts redrives: a Client, and in tests of the edges what stands for Temporal.
type Redriver interface {
	Redrive(ctx context.Context, in RedriveInput) (joined bool, err error)
	RedriveProgress(ctx context.Context, id string) (RedriveProgress, error) // kind NotFound when there is none
}

// RedriveOnce joins the redrive that belongs to the actor's key, which it starts unless it is there, and fills in its actor
// and id. refused is why it may not be started, or nil; one that is there is joined all the same, as to repeat a request is
// always right. Kind Conflict when the key belongs to another redrive.
func RedriveOnce(ctx context.Context, door Redriver, actor, key string, in *RedriveInput, refused error) (joined bool, err error) {
	in.Actor = actor
	in.ID = payment.NewRedriveID(actor, key)
	if refused != nil {
		if _, unknown := door.RedriveProgress(ctx, in.ID); payment.KindOf(unknown) == payment.NotFound {
			return false, refused
		}
	}
	return door.Redrive(ctx, *in)
}
