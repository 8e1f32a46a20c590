package simulator

import (
	"embed"
	"net/http"
	"strings"
)

// The stand-in of Mercado Pago's script for browsers (https://sdk.mercadopago.com/js/v2). It has what OnlyWave's pay page uses of it: the
// constructor, the secure fields, which are frames of another site as the real ones are, and createCardToken.
//
//go:embed browser/sdk.js browser/field.html
var browserFiles embed.FS

// PublicKey is a public key of the simulator's account. Any is accepted.
const PublicKey = "TEST-onlywave-simulator-public-key"

func (s *Simulator) browserScript(w http.ResponseWriter, r *http.Request) {
	script, err := browserFiles.ReadFile("browser/sdk.js")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, _ = w.Write([]byte(strings.ReplaceAll(string(script), "{{site}}", s.publicURL(r))))
}

func (s *Simulator) secureField(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	http.ServeFileFS(w, r, browserFiles, "browser/field.html")
}

// fromAnySite lets a page of another site read the answer, as that to a token must be.
func fromAnySite(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		next(w, r)
	}
}
