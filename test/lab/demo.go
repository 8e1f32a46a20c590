package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/mdp/qrterminal/v3"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// Demo starts the platform, shows what happens to payments on it, checks every step, and stops it again.
// It returns an error when a step does not end as it says.
func Demo(ctx context.Context, o platform.Options) (err error) {
	began := time.Now()
	// Retries after 50 ms, 300 ms and 1.8 s instead of 5 s, 30 s and 3 min.
	o.Settings = map[string]string{"WEBHOOK_RETRY_DELAY": "50ms"}
	fmt.Fprintln(o.Out, "Starting Postgres, Redis, RabbitMQ, Temporal and OnlyWave on this machine")
	p, err := platform.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		fmt.Fprintln(o.Out, "\nStopping everything")
		err = errors.Join(err, p.Stop())
		if err == nil {
			fmt.Fprintf(o.Out, "Done: every step was checked, and nothing is left running  (%s)\n", platform.Took(began))
		}
	}()
	fmt.Fprint(o.Out, p.Addresses())
	return (&story{Platform: p, out: o.Out, run: fmt.Sprint(time.Now().Unix())}).play(ctx)
}

// story is the demo's steps; run makes the keys of this run differ from those of the last one.
type story struct {
	*platform.Platform
	out     io.Writer
	run     string
	payment platform.Payment // the first one, a Pix

	captured platform.Payment // the card's
}

func (s *story) play(ctx context.Context) error {
	for _, step := range []struct {
		title string
		act   func(context.Context) error
	}{
		{"A client creates a Pix payment of R$ 10,50", s.create},
		{"The buyer pays: Mercado Pago sends a signed webhook, and the payment is approved", s.pay},
		{"The client repeats the POST with the same Idempotency-Key: it gets the same payment, charged once", s.repeat},
		{"The same Idempotency-Key with another amount is refused", s.contradict},
		{"The client gives a part back", s.giveBack},
		{"A card: R$ 200,00 are reserved, and R$ 150,00 of them captured", s.card},
		{"The buyer's bank takes the card's money back, and the seller wins the chargeback", s.chargeback},
		{"A boleto, paid early with its discount", s.boleto},
		{"Checkout Pro: the buyer's first card is refused on Mercado Pago's page, and the second try pays", s.checkout},
		{"A webhook with a forged signature is refused", s.forge},
		{"The worker is killed (kill -9) in the middle of a charge: after a restart the payment continues, and the buyer is charged once", s.crash},
		{"Mercado Pago fails: the circuit breaker opens; the payments wait and finish by themselves", s.outage},
		{"An unreadable message is retried and becomes a dead letter; an operator redrives it, then discards it", s.poison},
	} {
		fmt.Fprintf(s.out, "\n▸ %s\n", step.title)
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		err := step.act(ctx)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}
		fmt.Fprintf(s.out, "  ✓ %s\n", platform.Took(began))
	}
	return nil
}

func (s *story) key(name string) string { return name + "-" + s.run }

func (s *story) create(ctx context.Context) (err error) {
	if s.payment, err = s.Shops[0].Create(ctx, s.key("order"), 1050); err != nil {
		return err
	}
	if err := same("status", s.payment.Status, "pending"); err != nil {
		return err
	}
	qrterminal.GenerateWithConfig(s.payment.Method.QRCode, qrterminal.Config{
		Level: qrterminal.L, Writer: s.out, HalfBlocks: true, QuietZone: 2,
		BlackChar: qrterminal.BLACK_BLACK, WhiteChar: qrterminal.WHITE_WHITE,
		BlackWhiteChar: qrterminal.BLACK_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK,
	})
	fmt.Fprintf(s.out, "  payment     %s  %s\n  pay page    %s\n  workflow    %s\n",
		s.payment.ID, s.payment.Status, s.payment.Method.TicketURL, s.WorkflowURL(s.payment.ID))
	return nil
}

func (s *story) pay(ctx context.Context) error {
	if err := s.Provider.Pay(ctx, s.payment.Provider.PaymentID); err != nil {
		return err
	}
	if _, err := s.Shops[0].Await(ctx, s.payment.ID, "approved"); err != nil {
		return err
	}
	events, err := s.Shops[0].Events(ctx, s.payment.ID)
	if err != nil {
		return err
	}
	var statuses []string
	for _, e := range events {
		statuses = append(statuses, e.Status)
	}
	fmt.Fprintf(s.out, "  history     %v\n", statuses)
	return same("history", fmt.Sprint(statuses), "[processing pending approved]")
}

func (s *story) repeat(ctx context.Context) error {
	again, err := s.Shops[0].Post(ctx, s.key("order"), platform.Order(1050, s.key("order")))
	if err != nil {
		return err
	}
	var p platform.Payment
	if err := json.Unmarshal(again.Body, &p); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %d  payment %s  Idempotency-Replayed: %s\n", again.Status, p.ID, again.Header.Get("Idempotency-Replayed"))
	return errors.Join(same("payment", p.ID, s.payment.ID), s.charges(ctx, s.payment.ID, 1))
}

func (s *story) contradict(ctx context.Context) error {
	answer, err := s.Shops[0].Post(ctx, s.key("order"), platform.Order(999_00, s.key("order")))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %s\n", problem(answer))
	return same("answer", answer.Status, http.StatusUnprocessableEntity)
}

func (s *story) forge(ctx context.Context) error {
	query := "payment_id=" + s.payment.ID + "&data.id=" + s.payment.Provider.PaymentID + "&type=payment"
	answer, err := s.Shops[0].Webhook(ctx, query, `{"type":"payment","action":"payment.updated"}`,
		"X-Request-Id", "forged", "X-Signature", fmt.Sprintf("ts=%d,v1=%064d", time.Now().Unix(), 0))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %s\n", problem(answer))
	return same("answer", answer.Status, http.StatusUnauthorized)
}

// crash makes the provider charge and delay its answer, kills the worker that waits for the answer, and starts it again: Temporal
// repeats the charge under the same key.
func (s *story) crash(ctx context.Context) error {
	key := s.key("crash")
	err := s.Provider.Arm(ctx, simulator.Fault{On: simulator.Create, Kind: simulator.KindSlowAfter, Times: 1, Delay: 30 * time.Second})
	if err != nil {
		return err
	}
	answer, err := s.Shops[0].Post(ctx, key, platform.Order(4200, key), "Prefer", "wait=0")
	if err != nil {
		return err
	}
	var p platform.Payment
	if err := json.Unmarshal(answer.Body, &p); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %d  payment %s  %s\n", answer.Status, p.ID, p.Status)
	if err := errors.Join(same("answer", answer.Status, http.StatusAccepted), s.awaitCharge(ctx, p.ID)); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  kill -9 %d  (the worker): Mercado Pago has charged, and its answer is lost; now the worker starts again\n", s.Workers[0].PID())
	if err := s.Workers[0].Kill(); err != nil {
		return err
	}
	if err := s.Workers[0].Restart(ctx); err != nil {
		return err
	}
	if p, err = s.Shops[0].Await(ctx, p.ID, "pending"); err != nil {
		return err
	}
	if err := s.Provider.Pay(ctx, p.Provider.PaymentID); err != nil {
		return err
	}
	if _, err := s.Shops[0].Await(ctx, p.ID, "approved"); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "  approved  charges in Mercado Pago's ledger: 1")
	return errors.Join(s.charges(ctx, p.ID, 1), s.Provider.Disarm(ctx))
}

// awaitCharge waits until the provider has charged.
func (s *story) awaitCharge(ctx context.Context, paymentID string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.charges(ctx, paymentID, 1) != nil {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the provider has not charged: %w", ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// charges checks how often the provider has charged a payment.
func (s *story) charges(ctx context.Context, paymentID string, want int) error {
	entries, err := s.Provider.Ledger(ctx, paymentID)
	if err != nil {
		return err
	}
	n := 0
	for _, e := range entries {
		if e.Kind == simulator.Charge {
			n++
		}
	}
	return same("charges in the provider's ledger", n, want)
}

// problem is an error response in one line: its status, code and detail.
func problem(answer platform.Answer) string {
	var p struct{ Code, Detail string }
	if err := json.Unmarshal(answer.Body, &p); err != nil {
		return fmt.Sprintf("%d  %s", answer.Status, answer.Body)
	}
	return fmt.Sprintf("%d  %s: %s", answer.Status, p.Code, p.Detail)
}

func same[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v, expected %v", what, got, want)
	}
	return nil
}
