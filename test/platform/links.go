package platform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/onlywave/onlywave/test/devstack"
)

// MercadoPago is the end of a link beside the stack's services: the simulator.
const MercadoPago devstack.Service = "mercadopago"

// Link is the connection of one process to one service, over a proxy that can inject faults. Whatever was
// done to it before, Mend makes it good again.
type Link struct {
	Part string // such as "worker-2"
	To   devstack.Service

	mu    sync.Mutex
	proxy *toxiproxy.Proxy
}

// Cut closes the link's connections and accepts none until it is mended.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proxy.Stop()
}

// BlackHole lets nothing through in either direction, and keeps the connections open.
func (l *Link) BlackHole() error {
	if err := l.add("timeout", "upstream", `{"timeout": 0}`); err != nil {
		return err
	}
	return l.Deafen()
}

// Deafen lets no answer through: the requests of the part are handled, but it gets no response.
func (l *Link) Deafen() error { return l.add("timeout", "downstream", `{"timeout": 0}`) }

// Slow lets every answer come so much later.
func (l *Link) Slow(by time.Duration) error {
	return l.add("latency", "downstream", fmt.Sprintf(`{"latency": %d}`, by.Milliseconds()))
}

// Dribble lets answers come in pieces of so many bytes, with a pause before each.
func (l *Link) Dribble(bytes int, every time.Duration) error {
	return l.add("slicer", "downstream", fmt.Sprintf(`{"average_size": %d, "size_variation": 0, "delay": %d}`, bytes, every.Microseconds()))
}

func (l *Link) add(kind, stream, attributes string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"type": %q, "stream": %q, "attributes": %s}`, kind, stream, attributes)))
	if err != nil {
		return fmt.Errorf("link of %s to %s: %w", l.Part, l.To, err)
	}
	return nil
}

// Mend makes the link good. What was in a black hole stays lost: its connections end.
func (l *Link) Mend() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proxy.Toxics.ResetToxics(context.Background())
	if l.proxy.Enabled {
		return nil
	}
	if err := l.proxy.Start(); err != nil {
		return fmt.Errorf("mend the link of %s to %s: %w", l.Part, l.To, err)
	}
	return nil
}

// Links are the links of one part, such as "worker-2", or of all parts of a kind ("worker", "api", or "" for both) to one service. There
// are none without Options.Links.
func (p *Platform) Links(part string, to devstack.Service) []*Link {
	p.linking.Lock()
	defer p.linking.Unlock()
	var found []*Link
	for _, l := range p.links {
		if l.To == to && (l.Part == part || strings.HasPrefix(l.Part, part)) {
			found = append(found, l)
		}
	}
	return found
}

// OnLinks does something to each of the links; part is as in Links. That there is none is an error.
func (p *Platform) OnLinks(part string, to devstack.Service, do func(*Link) error) error {
	found := p.Links(part, to)
	if len(found) == 0 {
		return fmt.Errorf("there is no link of %q to %s", part, to)
	}
	var errs []error
	for _, l := range found {
		errs = append(errs, do(l))
	}
	return errors.Join(errs...)
}

// linked gives one part its own links to all services that it uses, and the settings with their addresses.
func (p *Platform) linked(part string) (map[string]string, error) {
	p.linking.Lock()
	defer p.linking.Unlock()
	settings := map[string]string{}
	pair := []devstack.Service{devstack.Postgres, devstack.PostgresReplica}
	for variable, to := range map[string][]devstack.Service{
		"DATABASE_URL": pair, "DATABASE_REPLICA_URL": pair, "REDIS_URL": {devstack.Redis}, "RABBITMQ_URLS": {devstack.RabbitMQ},
		"TEMPORAL_ADDRESS": {devstack.Temporal}, "MERCADOPAGO_URL": {MercadoPago},
	} {
		address := p.settings[variable]
		if address == "" || variable == "REDIS_URL" && p.options.RedisCluster {
			continue // there is no replica; and clients of a cluster connect to its nodes directly, not over links
		}
		hosts, err := hostOf(address)
		if err != nil {
			return nil, err
		}
		over := strings.Split(hosts, ",")
		if len(over) > len(to) {
			return nil, fmt.Errorf("%s has more addresses than %d", variable, len(to))
		}
		for i, host := range over {
			l := &Link{Part: part, To: to[i], proxy: toxiproxy.NewProxy(proxies, part+" to "+string(to[i]), "127.0.0.1:0", host)}
			if err := l.proxy.Start(); err != nil {
				return nil, fmt.Errorf("link %s to %s: %w", part, to[i], err)
			}
			p.links = append(p.links, l)
			over[i] = l.proxy.Listen
		}
		settings[variable] = strings.Replace(address, hosts, strings.Join(over, ","), 1)
	}
	return settings, nil
}

// proxies is required by toxiproxy; its metrics are not used.
var proxies = toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())

// hostOf is host:port of an address, which may be host:port without a scheme; several are separated by commas.
func hostOf(address string) (string, error) {
	hosts := address
	if _, rest, is := strings.Cut(address, "://"); is {
		hosts, _, _ = strings.Cut(rest, "/")
		hosts = hosts[strings.LastIndexByte(hosts, '@')+1:]
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if _, _, err := net.SplitHostPort(host); err != nil {
			return "", fmt.Errorf("%q is no address to link to", address)
		}
	}
	return hosts, nil
}
