package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/devstack"
)

// webhookCallers is the number of concurrent senders; each waits for its response.
const webhookCallers = 128

var quiet = slog.New(slog.DiscardHandler)

// webhooks measures how many signed notifications per second are accepted, durably, by the API process
// and by the bare handler. Nothing consumes meanwhile, and the queues are emptied before each round.
func (b *bench) webhooks(ctx context.Context, table *results) error {
	for _, w := range b.platform.Workers {
		if err := w.Stop(); err != nil {
			return err
		}
	}
	port, err := devstack.FreePort(0)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	lab, err := os.Executable()
	if err != nil {
		return err
	}
	bare, err := devstack.StartProcess(ctx, devstack.Spec{
		Name: "bare", Path: lab, Args: []string{"bench", "bare", "--address", address, "--broker", b.platform.Stack.RabbitMQURL()},
		Env: b.Env, LogFile: b.platform.Logs + "/bare.log",
		Ready: func(ctx context.Context) error { return devstack.AnswersOK(ctx, "http://"+address+"/ready") },
	})
	if err != nil {
		return err
	}
	b.closers = append(b.closers, func() { _ = bare.Kill() })

	load := func(base string) func(context.Context) (int, error) {
		return func(round context.Context) (int, error) {
			if err := b.emptyQueues(); err != nil {
				return 0, err
			}
			return b.notify(round, base+"/webhooks/mercadopago")
		}
	}
	measured, err := b.inTurns(ctx, load(b.platform.Shops[0].URL), load("http://"+address))
	if err != nil {
		return err
	}
	table.ratio("(a) webhooks accepted durably, against a bare Gin + HMAC + confirmed publish", measured, 0.8)
	return nil
}

// notify sends notifications until the round ends, and counts those answered 200.
func (b *bench) notify(round context.Context, url string) (int, error) {
	var accepted, number atomic.Int64
	transport := &http.Transport{MaxIdleConns: webhookCallers, MaxIdleConnsPerHost: webhookCallers}
	defer transport.CloseIdleConnections()
	caller := &http.Client{Transport: transport}
	err := sideBySide(webhookCallers, func() error {
		for round.Err() == nil {
			request, err := notification(url, number.Add(1))
			if err != nil {
				return err
			}
			answer, err := caller.Do(request)
			if err != nil {
				return err
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return fmt.Errorf("%s answers %s", url, answer.Status)
			}
			accepted.Add(1)
		}
		return nil
	})
	return int(accepted.Load()), err
}

// notification is a signed one of about 400 bytes, as Mercado Pago sends it.
func notification(url string, number int64) (*http.Request, error) {
	id := strconv.FormatInt(106_400_000_000+number, 10)
	body := fmt.Sprintf(`{"action":"payment.updated","api_version":"v1","data":{"id":"%s"},"date_created":"2026-01-05T12:00:00Z","id":%d,"live_mode":false,"type":"payment","user_id":"44444444","application_id":"1234567890123456","version":3,"padding":%q}`,
		id, number, strings.Repeat("x", 180))
	request, err := http.NewRequest(http.MethodPost, url+"?payment_id=864f878f-658f-5fb2-bfc1-f88228e1d455&source_news=webhooks&data.id="+id+"&type=payment", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	requestID := "bench-" + id
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	fmt.Fprintf(mac, "id:%s;request-id:%s;ts:%s;", id, requestID, ts)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Request-Id", requestID)
	request.Header.Set("X-Retry", "0")
	request.Header.Set("X-Signature", "ts="+ts+",v1="+hex.EncodeToString(mac.Sum(nil)))
	return request, nil
}

func (b *bench) emptyQueues() error {
	conn, err := amqp.Dial(b.platform.Stack.RabbitMQURL())
	if err != nil {
		return fmt.Errorf("empty the queues: %w", err)
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("empty the queues: %w", err)
	}
	for _, queue := range []string{rabbitmq.QueueProcess, rabbitmq.QueueArchive} {
		if _, err := channel.QueuePurge(queue, false); err != nil {
			return fmt.Errorf("empty %s: %w", queue, err)
		}
	}
	return nil
}
