package mercadopago

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// documentsTimeout is for documents to arrive: up to 10 MB, at less than 4 Mbit/s.
const documentsTimeout = 25 * time.Second

// SendDocuments sends documents about a chargeback, under the idempotency key. Mercado Pago looks at what is there, so that the same documents
// twice are harmless; and once it looks, it takes no more. Conflict and Invalid say that it does not take them: read the chargeback, they may
// be there already.
func (c *Client) SendDocuments(ctx context.Context, chargeback, key string, documents []payment.Document) error {
	if !decimal(chargeback) || key == "" || len(documents) == 0 {
		return &failure.Error{Kind: failure.Invalid, Message: "a chargeback's ID is a decimal number, and its documents need a key"}
	}
	err := c.ask(ctx, opDocuments, chargeback, key, func(ctx context.Context) error {
		body, length, contentType, err := form(documents)
		if err != nil {
			return err
		}
		request, err := c.newRequest(ctx, http.MethodPost, "/v1/chargebacks/"+chargeback+"/documentation", nil, body)
		if err != nil {
			return err
		}
		request.ContentLength = length
		request.Header.Set("Content-Type", contentType)
		return c.send(request)
	}, func([]byte) error { return nil })
	if err != nil {
		return fmt.Errorf("send documents about chargeback %s: %w", chargeback, err)
	}
	return nil
}

// form is the documents as multipart/form-data. Their contents are not copied.
func form(documents []payment.Document) (body io.Reader, length int64, contentType string, err error) {
	var frame bytes.Buffer
	writer := multipart.NewWriter(&frame)
	var parts []io.Reader
	cut := func() {
		head := bytes.Clone(frame.Bytes())
		frame.Reset()
		length += int64(len(head))
		parts = append(parts, bytes.NewReader(head))
	}
	for _, d := range documents {
		_, err := writer.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {multipart.FileContentDisposition("files[]", d.Name)},
			"Content-Type":        {d.Type},
		})
		if err != nil {
			return nil, 0, "", fmt.Errorf("write the request: %w", err)
		}
		cut()
		length += int64(len(d.Content))
		parts = append(parts, bytes.NewReader(d.Content))
	}
	if err := writer.Close(); err != nil {
		return nil, 0, "", fmt.Errorf("write the request: %w", err)
	}
	cut()
	return io.MultiReader(parts...), length, writer.FormDataContentType(), nil
}
