package mercadopago

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// raw sends a request that the SDK does not have. It goes the way of all others, through Client.ask and the requester; body is nil or
// becomes JSON. path is written by us: no ID from outside may be in it unless it was checked.
func (c *Client) raw(ctx context.Context, method, path string, query url.Values, body any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	request, err := c.newRequest(ctx, method, path, query, content)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	return c.send(request)
}

// newRequest is a request with what every request has. body may be nil.
func (c *Client) newRequest(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, realBase+path, body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	request.URL.RawQuery = query.Encode()
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
	return request, nil
}

func (c *Client) send(request *http.Request) error {
	response, err := c.requester.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close() // the exchange has the answer
}
