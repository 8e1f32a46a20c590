// Package load plays clients and their buyers against a running platform, from outside: over the REST API and the simulator's admin
// API. It keeps every key and every response, so that the drills' checker can compare them with what the platform did.
//
// Its rule: the load does not wait for the platform. Requests are due at a constant rate (an open model), latency counts from when a
// request was due, and a request that is not sent is counted as shed, never left out.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

// Options describes the load. Shops, Rate and Length are required.
type Options struct {
	Shops     []*platform.Shop   // API processes, used in turn; a repeated request goes to the next one
	Provider  *platform.Provider // where buyers pay; nil: they never pay
	Name      string             // prefix of every key of this run; "": made from the clock
	Rate      float64            // payments a second
	Length    time.Duration      // how long new payments are created
	Seed      uint64             // of everything random: amounts, what buyers do, pauses
	InFlight  int                // most requests in flight, more are shed; 0: 256
	Expire    float64            // the share of buyers who let the Pix expire,
	Leave     float64            // of those who never pay,
	Cancel    float64            // and of those whose client cancels the payment; all others pay
	Card      float64            // the share of all others who pay by card, which ends at once
	Reserve   float64            // the share of those whose client reserves the money first, and captures it or gives it up
	Challenge float64            // the share of the others who pay by card, whose bank asks for a challenge; most pass it
	Saved     float64            // the share of those who pay by card, whose card is saved first
	Entered   float64            // the share of the others without reserved money or a challenge, who enter the card on the pay page
	Dispute   float64            // the share of paid payments without refunds that the buyer disputes
	Checkout  float64            // checkouts on Mercado Pago's page, beside the payments: so many for each of them
	Boleto    float64            // the share of those who do neither leave nor pay by card, who get a boleto instead of a Pix
	Refund    float64            // the share of paid payments of which the client gives money back
	Panel     float64            // the share of those of which the seller refunds a part in the provider's panel before
	Within    time.Duration      // how long each buyer has to pay; 0: an hour
	Prefer    string             // of the requests, such as "wait=5"; "": as long as the API allows
	RetryFor  time.Duration      // how long a request is repeated; 0: a minute
	Linger    time.Duration      // how long payments are followed after the last new one; 0: 15 s
	Flood     Flood              // webhooks in addition to the simulator's own
	File      string             // file for every event of the run, as JSON Lines; "": none
	Out       io.Writer          // progress; nil: none
}

func (o Options) complete() (Options, error) {
	switch {
	case len(o.Shops) == 0:
		return o, errors.New("no API address is given")
	case o.Rate <= 0 || o.Length <= 0:
		return o, errors.New("rate and length must be above 0")
	case o.Expire < 0 || o.Leave < 0 || o.Cancel < 0 || o.Expire+o.Leave+o.Cancel > 1:
		return o, errors.New("the shares of buyers must be between 0 and 1 together")
	case o.Card < 0 || o.Card > 1 || o.Card > 0 && o.Provider == nil:
		return o, errors.New("the share of cards must be between 0 and 1, and needs the provider's address")
	case o.Reserve < 0 || o.Reserve > 1:
		return o, errors.New("the share of reserved money must be between 0 and 1")
	case o.Challenge < 0 || o.Challenge > 1:
		return o, errors.New("the share of challenges must be between 0 and 1")
	case o.Saved < 0 || o.Saved > 1 || o.Entered < 0 || o.Entered > 1:
		return o, errors.New("the shares of saved and entered cards must be between 0 and 1")
	case o.Dispute < 0 || o.Dispute > 1 || o.Dispute > 0 && o.Provider == nil:
		return o, errors.New("the share of disputes must be between 0 and 1, and needs the provider's address")
	case o.Checkout < 0 || o.Checkout > 0 && o.Provider == nil:
		return o, errors.New("the share of checkouts must not be negative, and needs the provider's address")
	case o.Boleto < 0 || o.Boleto > 1:
		return o, errors.New("the share of boletos must be between 0 and 1")
	case o.Refund < 0 || o.Refund > 1 || o.Panel < 0 || o.Panel > 1:
		return o, errors.New("the shares of refunds must be between 0 and 1")
	case o.Provider == nil && o.Flood != (Flood{}):
		return o, errors.New("a flood of webhooks needs the provider's address")
	}
	orElse := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	orElse(&o.Within, time.Hour)
	orElse(&o.RetryFor, time.Minute)
	orElse(&o.Linger, 15*time.Second)
	if o.InFlight == 0 {
		o.InFlight = 256
	}
	if o.Name == "" {
		o.Name = "load-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	return o, nil
}

// Run runs the load to its end, and returns its log. When ctx ends before, or the file cannot be written, it returns both a log and an
// error.
func Run(ctx context.Context, o Options) (*Log, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	arrivals := max(1, int(math.Round(o.Rate*o.Length.Seconds())))
	log, err := openLog(o, arrivals)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Out, "Load %s: %d payments, %g a second for %s, seed %d\n", o.Name, arrivals, o.Rate, o.Length, o.Seed)
	g := &generator{Options: o, log: log, slots: make(chan struct{}, o.InFlight)}
	g.run(ctx, arrivals)
	log.report(o.Out)
	return log, errors.Join(ctx.Err(), log.close())
}

// generator is one run.
type generator struct {
	Options
	log     *Log
	slots   chan struct{} // one for each request in flight
	running sync.WaitGroup
}

func (g *generator) run(ctx context.Context, arrivals int) {
	over := make(chan struct{})
	var progress sync.WaitGroup
	progress.Go(func() { g.log.progress(g.Out, over) })
	g.running.Go(func() { g.flood(ctx) })
	g.running.Go(func() { g.checkouts(ctx) })
	for i := range arrivals {
		due := g.log.Began.Add(time.Duration(math.Round(float64(i) / g.Rate * float64(time.Second))))
		if !sleepUntil(ctx, due) {
			g.log.Intents = g.log.Intents[:i]
			break
		}
		g.arrive(ctx, i, due)
	}
	g.running.Wait()
	close(over)
	progress.Wait()
}

// arrive starts one client, without waiting for those before.
func (g *generator) arrive(ctx context.Context, i int, due time.Time) {
	c := g.newCustomer(i, due)
	select {
	case g.slots <- struct{}{}:
	default:
		g.log.shed(c.Intent)
		return
	}
	g.log.asked(c.Intent)
	g.running.Go(func() {
		c.ask(ctx)
		<-g.slots
		if c.Acknowledged {
			c.follow(ctx)
		}
	})
}

// sleepUntil is false when ctx ended first. It does not wait for a time that has passed.
func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func sleep(ctx context.Context, d time.Duration) bool { return sleepUntil(ctx, time.Now().Add(d)) }
