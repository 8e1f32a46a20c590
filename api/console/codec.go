package console

import (
	"errors"
	"net/http"
	"slices"

	"go.temporal.io/sdk/converter"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/failure"
)

// codecPath is where the Temporal Web UI has payloads decrypted, and encrypted in its forms.
const codecPath = "/console/codec/"

// maxPayloads is the largest size of a request with payloads, in bytes. The Web UI sends a page of a history at once.
const maxPayloads = 4 << 20

// codec serves the Temporal Web UI for operators who are logged in here: what Temporal stores may hold the buyer's data, and what is
// encrypted here is taken for ours. The browser sends the session only when the Web UI and the console are of one site, such as
// temporal.example.com and pay.example.com.
func (c *Console) codec() http.Handler {
	payloads := converter.NewPayloadCodecHTTPHandler(c.config.Codec)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if !slices.Contains(c.config.CodecOrigins, origin) {
			http.Error(w, "payloads are decrypted for the origins in TEMPORAL_UI_ORIGINS only", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Namespace")
		h.Set("Vary", "Origin")
		h.Set("Cache-Control", "no-store")
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if r.Header.Get("X-Namespace") != c.config.TemporalNamespace {
			http.Error(w, "there are no keys for this namespace", http.StatusNotFound)
			return
		}
		user := &request{Request: r, language: requestLanguage(r)}
		err := c.authorize(user, access.ScopeOperationsWrite)
		if written := c.writeSession(w, user); err == nil {
			err = written
		}
		if status, message := codecRefusal(err); status != 0 {
			http.Error(w, message, status)
			return
		}
		c.config.Log.InfoContext(r.Context(), "payloads of temporal", "actor", user.user.Name, "operation", r.PathValue("operation"))
		r.Body = http.MaxBytesReader(w, r.Body, maxPayloads)
		payloads.ServeHTTP(w, r)
	})
}

// codecRefusal is the answer to somebody whose payloads are not decrypted. Status 0: they are.
func codecRefusal(err error) (status int, message string) {
	switch kind := failure.KindOf(err); {
	case err == nil:
		return 0, ""
	case errors.Is(err, errLogIn):
		return http.StatusUnauthorized, "log in to the console of OnlyWave in this browser"
	case errors.Is(err, errEnrol):
		return http.StatusForbidden, "set up your second factor in the console of OnlyWave first"
	case kind == failure.Forbidden:
		return http.StatusForbidden, "your role in the console of OnlyWave does not allow this"
	default:
		return http.StatusServiceUnavailable, "the console of OnlyWave cannot check who you are; try again"
	}
}
