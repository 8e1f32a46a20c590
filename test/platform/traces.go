package platform

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/tracesink"
)

// Traces is the platform's own collector. It lives in this process: it is no part of what is tried out.
type Traces struct {
	*tracesink.Sink
	URL string // of its page

	server *http.Server
}

// startTraces comes before our parts, which are told where to send theirs. Settings that say otherwise win.
func (p *Platform) startTraces(ctx context.Context) error {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	if _, set := p.settings[endpoint]; set || !p.options.Traced {
		return nil
	}
	port := 0
	if p.options.Dir != "" {
		port = 4318 // where a person expects one
	}
	port, err := devstack.FreePort(port)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	sink := tracesink.New()
	p.Traces = &Traces{Sink: sink, URL: "http://" + listener.Addr().String(), server: &http.Server{Handler: sink, ReadTimeout: 10 * time.Second}}
	go func() { _ = p.Traces.server.Serve(listener) }() // it ends with stop
	p.settings[endpoint] = p.Traces.URL
	return nil
}

func (t *Traces) stop() error {
	if t == nil {
		return nil
	}
	if err := t.server.Close(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
