package activities

import (
	"context"
	"errors"

	"github.com/onlywave/onlywave/internal/payment"
)

// attempt is one attempt at an operation. Everything that moves money at the provider goes through it.
type attempt struct {
	// earlier is what an earlier attempt has made, if the provider shows it.
	earlier func(ctx context.Context) (payment.ProviderState, bool, error)
	// send asks the provider, under the operation's own idempotency key and with the same body every time.
	send func(ctx context.Context) (payment.ProviderState, error)

	// begin stores that it is about to be sent, and says whether it was before. Nil stores nothing.
	begin func(ctx context.Context) (before bool, err error)

	searchFirst bool // the provider may not know the key of an earlier attempt any more
	again       bool // an earlier attempt may have reached the provider: a refusal may not be the whole story
}

// operate runs an operation that moves money as the activity that it is, or as a quick try of it.
func (a *Activities) operate(ctx context.Context, call string, run func(context.Context) (payment.ProviderState, error)) (state payment.ProviderState, err error) {
	err = a.charges.bound(ctx, a.provider.Steady(call), func(ctx context.Context) (err error) {
		state, err = run(ctx)
		return err
	})
	if errors.Is(err, errUntried) {
		return state, untried(err)
	}
	return state, err
}

// perform makes an attempt. A refusal is believed only after a search, since an earlier attempt whose answer was lost may have gone through.
func (a *Activities) perform(ctx context.Context, at attempt) (payment.ProviderState, error) {
	if at.searchFirst {
		if state, found, err := at.earlier(ctx); err != nil || found {
			return state, activityError(err)
		}
	}
	if at.begin != nil {
		before, err := at.begin(ctx)
		if err != nil {
			return payment.ProviderState{}, activityError(err)
		}
		at.again = at.again || before
	}
	state, err := at.send(ctx)
	if err != nil && refused(err) {
		if found, ok, searchErr := at.earlier(ctx); searchErr != nil || ok {
			return found, activityError(searchErr)
		}
	}
	if err != nil {
		return payment.ProviderState{}, doubt(at.again, err)
	}
	return state, nil
}
