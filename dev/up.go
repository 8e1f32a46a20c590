package dev

import (
	"context"
	"errors"
	"fmt"
)

// Up runs the platform until ctx ends or a part of it does.
func Up(ctx context.Context, o Options) error {
	p, err := Start(ctx, o)
	if err != nil {
		return err
	}
	p.printAddresses()
	fmt.Fprintf(o.Out, `
Try it:

  curl -s %s/v1/payments \
    -H 'Authorization: Bearer %s' \
    -H 'Idempotency-Key: order-1042' -H 'Content-Type: application/json' \
    -d '{"amount": 1050, "currency": "BRL", "description": "Order 1042", "reference": "order-1042",
         "method": {"type": "pix", "expires_in": 3600},
         "payer": {"email": "ana@example.com", "name": "Ana Souza", "tax_id": "12345678909"}}'

then open the ticket_url of the answer and pay. Ctrl-C stops everything; the data stays in %s.
`, p.Shops[0].URL, p.Key, o.Dir)
	err = p.watch(ctx)
	fmt.Fprintln(o.Out, "\nStopping everything")
	return errors.Join(err, p.Stop())
}

// watch waits until ctx ends, or reports the first of our own parts to end before.
func (p *Platform) watch(ctx context.Context) error {
	ended := make(chan string, 8)
	tell := func(name string, exited <-chan struct{}) {
		select {
		case <-exited:
			ended <- name
		case <-ctx.Done():
		}
	}
	go tell("simulator", p.Simulator.Exited())
	for i, a := range p.APIs {
		go tell(numbered("api", i), a.Exited())
	}
	for i, w := range p.Workers {
		go tell(numbered("worker", i), w.Exited())
	}
	select {
	case <-ctx.Done():
		return nil
	case name := <-ended:
		return fmt.Errorf("the %s has ended, see %s/%s.log", name, p.Logs, name)
	}
}
