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

// Traces is the platform's own trace collector. It runs in the calling process.
type Traces struct {
	*tracesink.Sink
	URL string // of its page

	server *http.Server
}

// startTraces runs before api and worker start, because it sets their endpoint. An endpoint in the settings wins.
func (p *Platform) startTraces(ctx context.Context) error {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	if _, set := p.settings[endpoint]; set || !p.options.Traced {
		return nil
	}
	port := 0
	if p.options.Dir != "" {
		port = 4318 // the usual port
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
	p.settings[endpoint], p.settings["TRACES_UI_URL"] = p.Traces.URL, p.Traces.URL+"/traces/{trace_id}"
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
