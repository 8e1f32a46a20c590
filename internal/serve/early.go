package serve

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/felixge/httpsnoop"
)

// What is read of a body that the handler did not want, before the answer goes out. A body of that size has come with its header,
// or comes slowly on purpose.
const (
	restTime  = 100 * time.Millisecond
	restBytes = 256 << 10
)

// answerEarly lets an answer go out before the body has come. Of itself net/http waits for the rest of a body first, so that a
// client who is refused by the header could keep a connection for the whole of ReadTimeout. Here the connection is closed after
// the answer if the rest does not come at once, and the answer says so. (EnableFullDuplex does not do it: after an answer with an
// unread body net/http closes the connection without a word, and the client's next request on it is lost.)
func answerEarly(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 || r.Header.Get("Expect") != "" { // a body that is expected is not sent, if it is not read
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

// readRest reads what is left of a body, and says whether that was all.
func readRest(w http.ResponseWriter, body io.Reader) bool {
	if _, err := body.Read(nil); err == nil { // after a body's end, the deadline would be that of waiting for the client to leave
		if http.NewResponseController(w).SetReadDeadline(time.Now().Add(restTime)) != nil {
			return false
		}
	}
	_, err := io.CopyN(io.Discard, body, restBytes+1)
	return err == io.EOF
}
