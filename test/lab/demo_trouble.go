package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// outage makes the provider fail while payments are created: the breaker opens for all workers, the payments wait, and they finish by
// themselves when the provider has recovered.
func (s *story) outage(ctx context.Context) error {
	var down []simulator.Fault
	for _, on := range []simulator.Operation{simulator.Create, simulator.Get, simulator.Search} {
		down = append(down, simulator.Fault{On: on, Kind: simulator.KindError, Status: http.StatusServiceUnavailable})
	}
	if err := s.Provider.Arm(ctx, down...); err != nil {
		return err
	}
	const payments = 12 // the breaker needs ten calls before it may open
	ids := make([]string, payments)
	for i := range ids {
		key := s.key(fmt.Sprint("outage-", i))
		answer, err := s.Shops[0].Post(ctx, key, platform.Order(1050, key), "Prefer", "respond-async")
		if err != nil {
			return err
		}
		if err := same("answer", answer.Status, http.StatusAccepted); err != nil {
			return err
		}
		var p platform.Payment
		if err := json.Unmarshal(answer.Body, &p); err != nil {
			return err
		}
		ids[i] = p.ID
	}
	fmt.Fprintf(s.out, "  202  %d payments are created and processing, while Mercado Pago answers 503\n", payments)
	if err := s.awaitBreaker(ctx, "open"); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "  the breaker is open (GET /v1/breakers/charge): no more charges are sent")
	if err := s.Provider.Disarm(ctx); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "  Mercado Pago has recovered")
	for _, id := range ids {
		if _, err := s.Shops[0].Await(ctx, id, "pending"); err != nil {
			return err
		}
		if err := s.charges(ctx, id, 1); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "  all %d payments are pending, each charged once\n", payments)
	return s.awaitBreaker(ctx, "closed")
}

func (s *story) awaitBreaker(ctx context.Context, state string) error {
	return s.until(ctx, "the breaker is "+state, func() (bool, error) {
		var breaker struct {
			State string `json:"state"`
		}
		err := s.Shops[0].Read(ctx, "/v1/breakers/charge", &breaker)
		return breaker.State == state, err
	})
}

// deadLetter is a dead letter as operators read it.
type deadLetter struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Cause   string `json:"cause"`
	Deaths  int    `json:"deaths"`
	Advice  string `json:"advice"`
	Message struct {
		ID    string `json:"id"`
		Queue string `json:"queue"`
	} `json:"message"`
	Trail []struct {
		At time.Time `json:"at"`
	} `json:"trail"`
}

// poison publishes an unreadable message: it is retried three times, becomes a dead letter, is redriven by an operator, becomes a dead
// letter again, and is discarded.
func (s *story) poison(ctx context.Context) error {
	if err := s.publishPoison(ctx); err != nil {
		return err
	}
	l, err := s.awaitDeadLetter(ctx, 1)
	if err != nil {
		return err
	}
	var waits []string
	for i := 1; i < len(l.Trail); i++ {
		waits = append(waits, l.Trail[i].At.Sub(l.Trail[i-1].At).Round(10*time.Millisecond).String())
	}
	fmt.Fprintf(s.out, "  dead letter %s  cause %s, after three retries with waits of %s\n  advice      %s\n", l.ID, l.Cause, strings.Join(waits, ", "), l.Advice)
	if err := same("retries", len(waits), 3); err != nil {
		return err
	}
	redriven, err := s.operate(ctx, l.ID+"/redrive", "")
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %d  the operator redrives it: it is processed once more\n", redriven.Status)
	if l, err = s.awaitDeadLetter(ctx, 2); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  it failed again (deaths: %d); the operator discards it with a reason\n", l.Deaths)
	return s.discardPoison(ctx)
}

// discardPoison discards the dead letters of both queues that had the message: the workers' and the archive's.
func (s *story) discardPoison(ctx context.Context) error {
	open, err := s.deadLetters(ctx)
	if err != nil {
		return err
	}
	for _, l := range open {
		if _, err := s.operate(ctx, l.ID+"/discard", `{"reason": "sent by the demo"}`); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) publishPoison(ctx context.Context) error {
	conn, err := amqp.Dial(s.Stack.RabbitMQURL())
	if err != nil {
		return fmt.Errorf("connect to the broker: %w", err)
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("open a channel: %w", err)
	}
	return channel.PublishWithContext(ctx, "onlywave.webhooks", "mercadopago.payment", true, false, amqp.Publishing{
		MessageId: s.key("poison"), DeliveryMode: amqp.Persistent, Body: []byte("not a notification"),
	})
}

// awaitDeadLetter waits until the message has become a dead letter of the workers' queue that many times.
func (s *story) awaitDeadLetter(ctx context.Context, deaths int) (deadLetter, error) {
	var found deadLetter
	err := s.until(ctx, "the message is a dead letter", func() (bool, error) {
		open, err := s.deadLetters(ctx)
		for _, l := range open {
			if l.Message.Queue == "onlywave.webhooks.process" && l.Deaths == deaths {
				return true, s.Shops[0].Read(ctx, "/v1/dead-letters/"+l.ID, &found) // with its trail
			}
		}
		return false, err
	})
	return found, err
}

// deadLetters are the open dead letters of the message.
func (s *story) deadLetters(ctx context.Context) ([]deadLetter, error) {
	var page struct {
		Data []deadLetter `json:"data"`
	}
	err := s.Shops[0].Read(ctx, "/v1/dead-letters?cause=unreadable&limit=100", &page)
	return slices.DeleteFunc(page.Data, func(l deadLetter) bool { return l.Message.ID != s.key("poison") }), err
}

// operate sends an operator's command on a dead letter.
func (s *story) operate(ctx context.Context, command, body string) (platform.Answer, error) {
	shop := s.Shops[0]
	answer, err := platform.Send(ctx, shop.HTTP, http.MethodPost, shop.URL+"/v1/dead-letters/"+command, body,
		"Authorization", "Bearer "+shop.Key, "Idempotency-Key", s.key(strings.ReplaceAll(command, "/", "-")), "Content-Type", "application/json")
	if err == nil {
		err = answer.Decode(nil)
	}
	return answer, err
}

func (s *story) until(ctx context.Context, what string, is func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := is()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}
