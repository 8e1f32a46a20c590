package cache

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

// reading is what became of one question to the database.
type reading struct {
	payment payment.Payment
	certain bool // nothing newer was known when the last caller that shares it had come
}

// read asks the database once for all callers that ask for the same payment meanwhile. A caller that comes after the question was put
// may know of a state that is newer than the answer. So the copies are asked last, when no caller can join any more: they hold what
// such a caller knows of.
func (c *Payments) read(ctx context.Context, id string, query Query) (payment.Payment, error) {
	shared := c.reads.DoChan(id, func() (any, error) {
		asked := time.Now()
		p, err := query(context.WithoutCancel(ctx), id) // whose caller may go while others wait
		c.reads.Forget(id)
		if err != nil {
			return reading{}, err
		}
		newest, certain := c.Keep(context.WithoutCancel(ctx), p, asked)
		return reading{newest, certain}, nil
	})
	select {
	case <-ctx.Done():
		return payment.Payment{}, ctx.Err()
	case done := <-shared:
		r, _ := done.Val.(reading)
		if done.Err == nil && done.Shared && !r.certain {
			return query(ctx, id)
		}
		return r.payment, done.Err
	}
}
