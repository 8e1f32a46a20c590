package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// qrCode serves the QR code of a payment that waits for its buyer, as a picture. A browser may keep it, and asks each time whether it can
// still be paid: then the answer is short.
func (s *Server) qrCode(mediaType string, draw func(text string) ([]byte, error)) func(*gin.Context) error {
	return func(c *gin.Context) error {
		p, age, err := s.ownPayment(c)
		if err != nil {
			return err
		}
		code, err := p.CodeToPay(time.Now())
		if err != nil {
			return err
		}
		picture, err := draw(code)
		if err != nil {
			return fmt.Errorf("payment %s: %w", p.ID, err)
		}
		sum := sha256.Sum256(picture)
		h := c.Writer.Header()
		h.Set("Content-Type", mediaType)
		h.Set("Cache-Control", "private, no-cache")
		h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'") // an SVG that is opened by itself is a document
		if age > 0 {
			h.Set("Data-Age", dataAge(age))
		}
		http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(picture))
		return nil
	}
}
