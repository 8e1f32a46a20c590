package worker

import (
	"cmp"
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// accountEvery is how long after a check that brought no answer the next one is made.
const accountEvery = 30 * time.Second

// checkAccount asks Mercado Pago once whether the access token belongs to the account that we mean. Its error, of kind Conflict, says
// that it does not: no payment may be made with it. While there is no answer checked is false, and work goes on, for each answer
// about a payment is checked as well.
func (w *Worker) checkAccount(ctx context.Context) (checked bool, err error) {
	account, err := w.Provider.CheckAccount(ctx)
	switch {
	case err == nil:
		w.Log.Info("mercado pago account", "account", account.ID, "site", account.Site, "test", account.Test)
		return true, nil
	case failure.KindOf(err) == failure.Conflict:
		return false, err
	case ctx.Err() == nil:
		w.Log.Log(ctx, levelOf(failure.KindOf(err)), "mercado pago account not checked yet", "kind", failure.KindOf(err), "error", err)
	}
	return false, nil
}

// runAccount goes on asking until there is an answer. An account that is not ours ends the worker.
func (w *Worker) runAccount(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(cmp.Or(w.accountEvery, accountEvery)):
		}
		if checked, err := w.checkAccount(ctx); checked || err != nil {
			return err
		}
	}
}
