package platform

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/converter"

	"github.com/onlywave/onlywave/internal/payloadcodec"
	"github.com/onlywave/onlywave/test/devstack"
)

// codecServer decrypts payloads for the development server's Web UI. The console does that for a deployment's Web UI, for whoever is
// logged in; that of the development server cannot send a session. It runs in the calling process.
type codecServer struct {
	url     string
	server  *http.Server
	webUI   func() string
	decoder http.Handler
}

// startCodec runs before Temporal starts, whose Web UI is given its address.
func (p *Platform) startCodec(ctx context.Context) error {
	codec, err := p.Codec()
	if err != nil {
		return err
	}
	port := 0
	if p.options.Dir != "" {
		port = 18234 // beside the Web UI's, so that a shell's setting outlives a restart
	}
	if port, err = devstack.FreePort(port); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	s := &codecServer{
		url: "http://" + listener.Addr().String(), decoder: converter.NewPayloadCodecHTTPHandler(codec.Lenient()),
		webUI: func() string { return p.Stack.TemporalUIURL() },
	}
	s.server = &http.Server{Handler: s, ReadTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // it ends with stop
	p.codec = s
	return nil
}

// ServeHTTP answers the Web UI only: a browser gives no answer to a page of another origin.
func (s *codecServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if strings.Replace(origin, "localhost", "127.0.0.1", 1) == s.webUI() {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Namespace")
	}
	switch r.Method {
	case http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodGet:
		_, _ = io.WriteString(w, "This address decrypts what Temporal stores, see docs/encryption.md. Set TEMPORAL_CODEC_ENDPOINT to it for the temporal command.\n")
		return
	}
	s.decoder.ServeHTTP(w, r)
}

func (s *codecServer) stop() error {
	if s == nil {
		return nil
	}
	if err := s.server.Close(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// CodecSetting is the variable with which Temporal's command line reads and sends payloads of this platform.
func (p *Platform) CodecSetting() string { return "TEMPORAL_CODEC_ENDPOINT=" + p.codec.url }

// Codec encrypts and decrypts payloads as the platform's processes do.
func (p *Platform) Codec() (*payloadcodec.Codec, error) {
	keys := cmp.Or(p.settings["TEMPORAL_PAYLOAD_KEYS"], p.options.Settings["TEMPORAL_PAYLOAD_KEYS"], PayloadKeys)
	return payloadcodec.New(temporalNamespace, strings.Split(keys, ",")...)
}
