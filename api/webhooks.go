package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/replay"
)

// publisher is a *rabbitmq.Publisher; tests of this package have no RabbitMQ.
type publisher interface {
	Publish(ctx context.Context, exchange string, m rabbitmq.Message) error
}

// publishTimeout is how long RabbitMQ may take. Mercado Pago waits 22 seconds for a response (guide "webhooks"); this and the timeout
// of the spool together stay far below.
const publishTimeout = 2 * time.Second

// receiveMercadoPago stores a notification. 200 means that it is on disk, in RabbitMQ or, while that is unavailable, in the spool. Its
// content is not looked at here. A copy of a stored notification is answered 200 and not stored again, so that a captured signature
// is worth nothing and Mercado Pago may send a notification again.
func (s *Server) receiveMercadoPago(c *gin.Context) error {
	now := time.Now()
	query := c.Request.URL.Query()
	signed, err := s.config.Verifier.Verify(query, c.Request.Header, now)
	if err != nil {
		return s.refuseSignature(c, err)
	}
	mark := replay.Mark{Sum: signed.Sum, SignedAt: signed.At}
	if s.config.Replays.Seen(c.Request.Context(), mark) {
		event(c).quiet = true
		c.Status(http.StatusOK)
		return nil
	}
	body, err := readBody(c)
	if err != nil {
		return err
	}
	n, err := mercadopago.ParseNotification(signed, query, c.Request.URL.RawQuery, c.Request.Header, body, now)
	if err != nil {
		return err
	}
	event(c).paymentID = n.PaymentID
	// A notification that was read in full is stored even if the sender closes the connection, so that it is not sent again.
	ctx := context.WithoutCancel(c.Request.Context())
	if err := s.store(ctx, n); err != nil {
		return err
	}
	s.config.Replays.Keep(mark)
	event(c).quiet = true // the archive keeps each notification; the log need not
	c.Status(http.StatusOK)
	return nil
}

func (s *Server) store(ctx context.Context, n mercadopago.Notification) error {
	whole, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encode notification: %w", err)
	}
	m := rabbitmq.Message{ID: n.ID, Key: routingKey(n.Topic), ContentType: "application/json", Body: whole, Time: n.ReceivedAt}
	publishErr := s.publish(ctx, m)
	if publishErr == nil {
		return nil
	}
	if err := s.spool(ctx, m); err != nil {
		return &failure.Error{
			Kind: failure.Unavailable, Message: "the notification cannot be stored right now; send it again", RetryAfter: retryDefault,
			Err: errors.Join(publishErr, err),
		}
	}
	s.config.Log.WarnContext(ctx, "notification spooled", "notification_id", m.ID, "error", publishErr)
	return nil
}

func (s *Server) publish(ctx context.Context, m rabbitmq.Message) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return s.config.Publisher.Publish(ctx, rabbitmq.ExchangeWebhooks, m)
}

func (s *Server) spool(ctx context.Context, m rabbitmq.Message) error {
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	return s.config.Database.Spool(ctx, m.ID, m.Key, m.Body, m.Time)
}

// routingKey is mercadopago.<topic>. The signature does not cover the topic, so it may be anything.
func routingKey(topic string) string {
	const longest = 64
	if topic == "" || len(topic) > longest {
		topic = "unknown"
	}
	for _, c := range []byte(topic) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			topic = "unknown"
			break
		}
	}
	return "mercadopago." + topic
}
