package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// webhookSecret is the secret of the throw-away platform.
const webhookSecret = "onlywave-dev-webhook-secret"

// ServeBare serves the handler that the API's webhook handler is compared with: Gin, one HMAC, and one confirmed publish to the same
// exchange over the same kind of connection; no spool, no envelope, no log.
func ServeBare(ctx context.Context, address, broker string) error {
	publisher := rabbitmq.NewPublisher([]string{broker}, quiet)
	defer publisher.Close()
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/ready", func(c *gin.Context) {
		if publisher.Ready() != nil {
			c.Status(http.StatusServiceUnavailable)
		}
	})
	engine.POST("/webhooks/mercadopago", func(c *gin.Context) {
		body, err := io.ReadAll(c.Request.Body)
		if err != nil || !signed(c.Query("data.id"), c.GetHeader("X-Request-Id"), c.GetHeader("X-Signature")) {
			c.Status(http.StatusUnauthorized)
			return
		}
		message := rabbitmq.Message{ID: c.GetHeader("X-Request-Id"), Key: "mercadopago.payment", ContentType: "application/json", Body: body}
		if err := publisher.Publish(c.Request.Context(), rabbitmq.ExchangeWebhooks, message); err != nil {
			c.Status(http.StatusServiceUnavailable)
		}
	})
	server := &http.Server{Addr: address, Handler: engine}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func signed(id, requestID, signature string) bool {
	ts, v1, ok := strings.Cut(strings.TrimPrefix(signature, "ts="), ",v1=")
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	io.WriteString(mac, "id:"+id+";request-id:"+requestID+";ts:"+ts+";")
	return ok && hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(v1))
}
