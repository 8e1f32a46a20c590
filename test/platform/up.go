package platform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/test/devstack"
)

// Up runs the platform until ctx ends or a part of it does.
func Up(ctx context.Context, o Options) error {
	p, err := Start(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprint(o.Out, p.Addresses())
	name, password, err := p.Operator(ctx)
	if err != nil {
		return errors.Join(err, p.Stop())
	}
	fmt.Fprintf(o.Out, "\n  Console          %s/console/  (user %s, password %s)\n", p.Front.URL, name, password)
	fmt.Fprintf(o.Out, `
Try it:

  curl -s %s/v1/payments \
    -H 'Authorization: Bearer %s' \
    -H 'Idempotency-Key: order-1042' -H 'Content-Type: application/json' \
    -d '{"amount": 1050, "currency": "BRL", "description": "Order 1042", "reference": "order-1042",
         "method": {"type": "pix", "expires_in": 3600},
         "payer": {"email": "ana@example.com", "name": "Ana Souza", "tax_id": "12345678909", "notify_by": "email"}}'

Then open the ticket_url of the response, or the e-mail to the buyer, and pay. Ctrl-C stops everything; the data stays in %s.
`, p.Front.URL, p.Key, o.Dir)
	err = p.watch(ctx)
	fmt.Fprintln(o.Out, "\nStopping everything")
	return errors.Join(err, p.Stop())
}

// watch waits until ctx ends, or returns an error when a process ends before. With replicas it restarts such a process, as an orchestrator
// would.
func (p *Platform) watch(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	tend := func(name string, process *devstack.Process) {
		group.Go(func() error { return p.tend(ctx, name, process) })
	}
	tend("simulator", p.Simulator)
	tend("mailsink", p.MailSink)
	if p.Balancer != nil {
		tend("nginx", p.Balancer.Process)
	}
	for i, a := range p.APIs {
		tend(numbered("api", i), a)
	}
	for i, w := range p.Workers {
		tend(numbered("worker", i), w)
	}
	return group.Wait()
}

func (p *Platform) tend(ctx context.Context, name string, process *devstack.Process) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-process.Exited():
		}
		if p.Balancer == nil || process == p.Simulator && p.options.Dir == "" { // whose payments are in its memory only
			return fmt.Errorf("the %s has ended, see %s/%s.log", name, p.Logs, name)
		}
		p.say("the %s has ended and is restarted", name)
		select { // a process that fails at once must not keep the machine busy
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		if err := process.Restart(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}
