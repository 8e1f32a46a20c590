package lookup

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// database answers with one payment, or with an error; hangs is a database that never answers.
type database struct {
	payment payment.Payment
	err     error
	hangs   bool
}

func (d database) Payment(ctx context.Context, _ string) (payment.Payment, error) {
	if d.hangs {
		<-ctx.Done()
		return payment.Payment{}, ctx.Err()
	}
	return d.payment, d.err
}

type workflows struct {
	begun bool
	err   error
}

func (w workflows) Begun(context.Context, string, string) (bool, error) { return w.begun, w.err }

func TestAPaymentIsMissingOnlyWhenPostgresAndTemporalSaySo(t *testing.T) {
	t.Parallel()
	id := payment.NewID("shop", "k")
	stored := database{payment: payment.Payment{ID: id, ClientID: "shop"}}
	noRow := database{err: &failure.Error{Kind: failure.NotFound}}
	unavailable := &failure.Error{Kind: failure.Unavailable}
	for name, row := range map[string]struct {
		database  database
		workflows workflows
		client    string
		id        string
		kind      failure.Kind // "": it is found
	}{
		"stored":                     {stored, workflows{}, "shop", id, ""},
		"any client app":             {stored, workflows{}, "", id, ""},
		"another client app":         {stored, workflows{}, "other", id, failure.NotFound},
		"not an id":                  {stored, workflows{}, "shop", "42", failure.NotFound},
		"neither has it":             {noRow, workflows{}, "shop", id, failure.NotFound},
		"accepted, not stored":       {noRow, workflows{begun: true}, "shop", id, failure.Unavailable},
		"Temporal is unavailable":    {noRow, workflows{err: unavailable}, "shop", id, failure.Unavailable},
		"Postgres is unavailable":    {database{err: unavailable}, workflows{}, "shop", id, failure.Unavailable},
		"Postgres fails differently": {database{err: errors.New("x")}, workflows{}, "shop", id, failure.Internal},
	} {
		p, age, err := Payments{Database: row.database, Workflows: row.workflows}.Find(t.Context(), row.client, row.id)
		require.Zero(t, age, name)
		if row.kind == "" {
			require.NoError(t, err, name)
			require.Equal(t, id, p.ID, name)
			continue
		}
		require.Equal(t, row.kind, failure.KindOf(err), name)
		require.Zero(t, p, name)
	}
}

func TestADatabaseThatHangsIsWaitedForOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, _, err := Payments{Database: database{hangs: true}}.Find(t.Context(), "", payment.NewID("shop", "k"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, Timeout, time.Since(start))
	})
}
