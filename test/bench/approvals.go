package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// approvals subscribes to onlywave.events, as any other service would, to learn when a payment is approved. Unlike polling, that costs
// the platform nothing.
type approvals struct {
	conn    *amqp.Connection
	mu      sync.Mutex
	waiting map[string]chan time.Time
}

func listen(url string) (*approvals, error) {
	conn, err := amqp.Dial(url)
	if err != nil {
		return nil, fmt.Errorf("listen for events: %w", err)
	}
	a := &approvals{conn: conn, waiting: map[string]chan time.Time{}}
	deliveries, err := a.bind()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("listen for events: %w", err)
	}
	go func() {
		for d := range deliveries {
			var event struct {
				PaymentID string `json:"payment_id"`
			}
			if json.Unmarshal(d.Body, &event) == nil {
				a.channel(event.PaymentID) <- time.Now()
			}
		}
	}()
	return a, nil
}

func (a *approvals) bind() (<-chan amqp.Delivery, error) {
	channel, err := a.conn.Channel()
	if err != nil {
		return nil, err
	}
	queue, err := channel.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		return nil, err
	}
	if err := channel.QueueBind(queue.Name, "payment.approved", "onlywave.events", false, nil); err != nil {
		return nil, err
	}
	return channel.Consume(queue.Name, "", true, true, false, false, nil)
}

// channel receives a payment's approval; it is buffered because an event may be published more than once.
func (a *approvals) channel(paymentID string) chan time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.waiting[paymentID]
	if !ok {
		c = make(chan time.Time, 8)
		a.waiting[paymentID] = c
	}
	return c
}

// await returns when the payment's approval was published.
func (a *approvals) await(ctx context.Context, paymentID string) (time.Time, error) {
	select {
	case at := <-a.channel(paymentID):
		return at, nil
	case <-ctx.Done():
		return time.Time{}, fmt.Errorf("payment %s was not approved: %w", paymentID, ctx.Err())
	}
}

func (a *approvals) close() { _ = a.conn.Close() }
