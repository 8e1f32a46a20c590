package simulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// maxBody is more than any request to this API needs, but for one with documents.
const (
	maxBody      = 1 << 20
	maxDocuments = 16 << 20
)

// Request is one API request as it was received and answered.
type Request struct {
	Number         int           `json:"number"`
	Time           time.Time     `json:"time"`
	Method         string        `json:"method"`
	Path           string        `json:"path"` // with its query
	IdempotencyKey string        `json:"idempotency_key,omitempty"`
	Reference      string        `json:"external_reference,omitempty"` // of its payment
	RequestID      string        `json:"request_id"`                   // the X-Request-Id of the answer
	Status         int           `json:"status"`                       // 0: the connection was cut before an answer
	Fault          Kind          `json:"fault,omitempty"`              // the fault that applied
	Duration       time.Duration `json:"duration_ns"`
}

// call is one API request while it is handled.
type call struct {
	w       http.ResponseWriter
	request *http.Request
	body    []byte
	id      string // X-Request-Id of the answer
	fault   Fault
	status  int    // answered, 0 until then
	then    func() // runs once, after the response was sent or given up
}

// answer is the response to a call.
type answer struct {
	status int
	body   []byte
}

// api makes an operation a handler: it logs the request, checks the token, applies faults, and runs the operation.
func (s *Simulator) api(on Operation, operate func(*call) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, request: r, id: uuid.NewString()}
		started := time.Now()
		defer func() { s.logRequest(c, started) }()
		defer c.afterwards()

		limit := int64(maxBody)
		if on == Documents {
			limit = maxDocuments
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
		if err != nil {
			c.write(c.refuse(http.StatusBadRequest, causeParams))
			return
		}
		c.body = body
		if on != CardToken { // a browser has a public key only
			if denied, ok := s.authorize(c); !ok {
				c.write(denied)
				return
			}
		}
		c.fault = s.faults.take(on, r.PathValue("id"), func() string { return s.referenceOf(c) })
		s.operate(c, operate)
	}
}

// authorize checks the bearer token.
func (s *Simulator) authorize(c *call) (answer, bool) {
	token, ok := strings.CutPrefix(c.request.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok || token == "":
		return c.refuse(http.StatusUnauthorized, causeNoToken), false
	case s.config.AccessToken != "" && token != s.config.AccessToken:
		return c.refuse(http.StatusUnauthorized, causeToken), false
	default:
		return answer{}, true
	}
}

// referenceOf finds the external_reference a call is about, whatever kind of call it is.
func (s *Simulator) referenceOf(c *call) string {
	if id := c.request.PathValue("id"); id != "" {
		p, _ := s.book.get(id)
		return p.reference
	}
	if c.request.Method == http.MethodGet {
		return c.request.URL.Query().Get("external_reference")
	}
	var in struct {
		ExternalReference string `json:"external_reference"`
	}
	_ = json.Unmarshal(c.body, &in) // an invalid body has no reference, and is refused later
	return in.ExternalReference
}

// operate runs the operation and responds, as far as the call's fault allows.
func (s *Simulator) operate(c *call, operate func(*call) answer) {
	fault := c.fault
	switch fault.Kind {
	case KindReset:
		c.reset()
	case KindError:
		var causes []cause
		if fault.Code != 0 {
			causes = []cause{{Code: fault.Code, Description: "as the fault says"}}
		}
		c.write(c.refuse(cmp.Or(fault.Status, http.StatusInternalServerError), causes...))
		return
	case KindRateLimited:
		c.w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(fault.Delay.Seconds())))))
		c.write(c.refuse(http.StatusTooManyRequests))
		return
	}

	a := operate(c)
	switch fault.Kind {
	case KindSlowAfter:
		c.afterwards()
		s.pause(c.request.Context().Done(), fault.Delay)
	case KindErrorAfter:
		a = c.refuse(cmp.Or(fault.Status, http.StatusInternalServerError))
	case KindLostAnswer:
		panic(http.ErrAbortHandler) // the server closes the connection without a response
	case KindTruncated:
		c.writeHalf(a)
	case KindHTML:
		c.writeAs("text/html; charset=utf-8", answer{cmp.Or(fault.Status, a.status), []byte(htmlInstead)})
		return
	case KindEmpty:
		a = answer{status: cmp.Or(fault.Status, a.status)}
	}
	c.write(a)
}

const htmlInstead = "<!DOCTYPE html><html><head><title>Mercado Pago</title></head><body><h1>Algo deu errado</h1></body></html>"

// hold waits for a slow fault before anything is done. The client may have given up by then, which is the purpose.
func (s *Simulator) hold(c *call) {
	if c.fault.Kind == KindSlow {
		s.pause(nil, c.fault.Delay)
	}
}

// pause waits until the time is over, the call is interrupted, or the simulator closes.
func (s *Simulator) pause(interrupted <-chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-interrupted:
	case <-s.done:
	}
}

func (c *call) write(a answer) { c.writeAs("application/json; charset=utf-8", a) }

func (c *call) writeAs(contentType string, a answer) {
	c.status = a.status
	c.header(contentType, len(a.body))
	c.w.WriteHeader(a.status)
	_, _ = c.w.Write(a.body) // a client that has disconnected does not matter
}

// writeHalf announces the whole body, sends half of it and closes the connection.
func (c *call) writeHalf(a answer) {
	c.status = a.status
	c.header("application/json; charset=utf-8", len(a.body))
	c.w.WriteHeader(a.status)
	_, _ = io.Copy(c.w, bytes.NewReader(a.body[:len(a.body)/2]))
	_ = http.NewResponseController(c.w).Flush()
	panic(http.ErrAbortHandler)
}

func (c *call) header(contentType string, length int) {
	c.w.Header().Set("Content-Type", contentType)
	c.w.Header().Set("Content-Length", strconv.Itoa(length))
	c.w.Header().Set("X-Request-Id", c.id)
}

// reset closes the connection with a TCP reset, if it is a TCP connection.
func (c *call) reset() {
	if conn, _, err := http.NewResponseController(c.w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}

func (c *call) afterwards() {
	if then := c.then; then != nil {
		c.then = nil
		then()
	}
}

func (s *Simulator) logRequest(c *call, started time.Time) {
	s.requests.add(func(number int) Request {
		return Request{
			Number: number, Time: started.UTC(), Method: c.request.Method, Path: c.request.URL.RequestURI(),
			IdempotencyKey: c.request.Header.Get("X-Idempotency-Key"), Reference: s.referenceOf(c), RequestID: c.id, Status: c.status,
			Fault: c.fault.Kind, Duration: time.Since(started),
		}
	})
}
