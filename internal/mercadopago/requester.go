package mercadopago

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

const realBase = "https://api.mercadopago.com"

// maxBody bounds an answer. A payment has some 10 KB, a full search page less than half of this.
const maxBody = 1 << 20

// requester is the SDK's way to the network. It sends once, and corrects five habits of the SDK:
//
//   - It sends a fresh random idempotency key with every call; ours takes its place.
//   - Its base URL is fixed; ours takes its place.
//   - It decodes into strict types, and fails on answers that Mercado Pago really gives, such as a card's
//     expiry masked as "***" (until 1.12.1): the payment is made, and the caller gets an error. So the
//     answer is kept in the exchange for our own decoding, and the SDK gets an empty object, which always
//     fits.
//   - It writes the last day of a discount as a moment. Mercado Pago wants a day (guide "boleto bancário").
//   - It has no timeout for a requester that is not its own; ours covers the whole answer.
type requester struct {
	base      *url.URL
	timeout   time.Duration
	transport http.RoundTripper
}

// exchange is one call: what we add to the request, and what came back. It travels in the context, which
// is the only thing that the SDK hands through.
type exchange struct {
	key     string        // X-Idempotency-Key of a call that writes
	timeout time.Duration // of the call, if it needs longer than others
	status  int           // 0: no whole answer came
	header  http.Header
	body    []byte
}

type exchangeKey struct{}

// header is one more header of a call.
type header struct{ name, value string }

type headerKey struct{}

// withHeader adds a header to the calls that are made with the context, unless it is empty.
func withHeader(ctx context.Context, name, value string) context.Context {
	if value == "" {
		return ctx
	}
	return context.WithValue(ctx, headerKey{}, header{name, value})
}

type reserveKey struct{}

// withCapture says whether the money of a charge is captured with it, as it is by default.
func withCapture(ctx context.Context, capture bool) context.Context {
	if capture {
		return ctx
	}
	return context.WithValue(ctx, reserveKey{}, true)
}

// reserve adds to a request what the SDK leaves out of it, because it takes false for nothing.
func reserve(request *http.Request) error {
	body, err := io.ReadAll(request.Body)
	if err != nil || !bytes.HasPrefix(body, []byte("{")) {
		return fmt.Errorf("add capture to the request: %w", err)
	}
	body = append([]byte(`{"capture":false,`), body[1:]...)
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}

// exchanged runs one call of the SDK and returns the body of a 2xx answer. All else is an error with its kind.
func exchanged(ctx context.Context, op operation, key string, call func(context.Context) error) ([]byte, error) {
	e := &exchange{key: key, timeout: op.timeout}
	err := call(context.WithValue(ctx, exchangeKey{}, e))
	switch {
	case e.status == 0 && err == nil:
		return nil, errors.New("the SDK sent no request")
	case e.status == 0:
		return nil, unreachable(err)
	case e.status < 200 || e.status > 299:
		return nil, refused(e)
	}
	return e.body, nil
}

// Do sends the request and keeps the answer in its exchange. The transport, not a client, sends it, so
// that no redirect is followed: a redirected request would carry our token elsewhere.
func (r *requester) Do(request *http.Request) (*http.Response, error) {
	e, ok := request.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("a request of the SDK without an exchange")
	}
	ctx, cancel := context.WithTimeout(request.Context(), max(r.timeout, e.timeout))
	defer cancel()

	request, err := daysWritten(request.Clone(ctx))
	if err != nil {
		return nil, err
	}
	request.URL.Scheme, request.URL.Host, request.Host = r.base.Scheme, r.base.Host, ""
	// Without this header a refund in process looks refused, and is in no list (guide "refund of a Pix").
	request.Header.Set("X-Render-In-Process-Refunds", "true")
	if request.Context().Value(reserveKey{}) != nil {
		if err := reserve(request); err != nil {
			return nil, err
		}
	}
	if h, ok := request.Context().Value(headerKey{}).(header); ok {
		request.Header.Set(h.name, h.value)
	}
	if e.key != "" {
		request.Header.Set("X-Idempotency-Key", e.key)
		// net/http takes the key for leave to send again by itself, once for every idle connection that
		// turns out broken. It cannot without GetBody.
		request.GetBody = nil
	}
	response, err := r.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read answer (HTTP %d): %w", response.StatusCode, err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("read answer (HTTP %d): longer than %d bytes", response.StatusCode, maxBody)
	}
	e.status, e.header, e.body = response.StatusCode, response.Header, body
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// limitDate is the last day of a discount, as the SDK writes it. In a text the quotation marks would be escaped.
var limitDate = regexp.MustCompile(`("limit_date":"\d{4}-\d\d-\d\d)T[^"]*"`)

// daysWritten is the request with its days as days.
func daysWritten(request *http.Request) (*http.Request, error) {
	if request.Body == nil || !strings.HasPrefix(request.Header.Get("Content-Type"), "application/json") {
		return request, nil
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	body = limitDate.ReplaceAll(body, []byte(`$1"`))
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return request, nil
}

// newTransport keeps a connection for each of many parallel calls; net/http's own default is two a host.
// Idle ones are given up before the other side is likely to do so, which would make the next call fail.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   512,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

func parseBase(text string) (*url.URL, error) {
	u, err := parseURL(text)
	if err != nil {
		return nil, err
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("must be a scheme and a host only")
	}
	return u, nil
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.Unwrap(err) // url.Error would repeat the text
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("must begin with https:// or http:// and name a host")
	}
	return u, nil
}
