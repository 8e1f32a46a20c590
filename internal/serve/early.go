package serve

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/felixge/httpsnoop"
)

// How much of a body is read that the handler has left unread, before the response is sent. A body of that size arrives together with
// the header, or is sent slowly on purpose.
const (
	restTime  = 100 * time.Millisecond
	restBytes = 256 << 10
)

// answerEarly sends a response before the body has arrived. net/http would wait for the rest of the body first, so that a client
// that is refused because of its header could keep a connection for the whole of ReadTimeout. Here, if the rest does not arrive at
// once, the response says Connection: close. (EnableFullDuplex does not help: net/http then closes the connection without saying so,
// and the client's next request on it is lost.)
func answerEarly(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 || r.Header.Get("Expect") != "" { // a client that expects 100-continue sends no body unless it is read
			handler.ServeHTTP(w, r)
			return
		}
		body := r.Body // the handler may put another in its place
		settle := sync.OnceFunc(func() {
			if !readRest(w, body) {
				w.Header().Set("Connection", "close")
			}
		})
		handler.ServeHTTP(httpsnoop.Wrap(w, httpsnoop.Hooks{
			WriteHeader: func(next httpsnoop.WriteHeaderFunc) httpsnoop.WriteHeaderFunc {
				return func(status int) {
					if status >= http.StatusOK {
						settle()
					}
					next(status)
				}
			},
			Write: func(next httpsnoop.WriteFunc) httpsnoop.WriteFunc {
				return func(p []byte) (int, error) { settle(); return next(p) }
			},
			ReadFrom: func(next httpsnoop.ReadFromFunc) httpsnoop.ReadFromFunc {
				return func(from io.Reader) (int64, error) { settle(); return next(from) }
			},
			Flush: func(next httpsnoop.FlushFunc) httpsnoop.FlushFunc {
				return func() { settle(); next() }
			},
		}), r)
		settle() // a handler may answer 200 by doing nothing
	})
}

// readRest reads the rest of a body, and says whether it came to the end.
func readRest(w http.ResponseWriter, body io.Reader) bool {
	if _, err := body.Read(nil); err == nil { // at the end of a body, the deadline would be the one for the next request
		if http.NewResponseController(w).SetReadDeadline(time.Now().Add(restTime)) != nil {
			return false
		}
	}
	_, err := io.CopyN(io.Discard, body, restBytes+1)
	return err == io.EOF
}
