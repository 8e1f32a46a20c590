package mercadopago

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// raw sends a request that the SDK does not have. It goes the way of all others, through Client.ask and the requester; body is nil or
// becomes JSON. path is written by us: no ID from outside may be in it unless it was checked.
func (c *Client) raw(ctx context.Context, method, path string, query url.Values, body any) error {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, realBase+path, &content)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	if body == nil {
		request.Body, request.GetBody = nil, nil
	} else {
		request.Header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	request.URL.RawQuery = query.Encode()
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := c.requester.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close() // the exchange has the answer
}
