package platform

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/onlywave/onlywave/test/devstack"
)

// Showing lists the parts that show metrics.
func (p *Platform) Showing() []string {
	p.showing.Lock()
	defer p.showing.Unlock()
	return slices.Sorted(maps.Keys(p.Metrics))
}

// Show asks a part, such as "api" or "worker-2", at the address where it shows its metrics and its health.
func (p *Platform) Show(ctx context.Context, part, page string) (Answer, error) {
	p.showing.Lock()
	url, ok := p.Metrics[part]
	p.showing.Unlock()
	if !ok {
		return Answer{}, fmt.Errorf("there is no part %s that shows metrics", part)
	}
	return Send(ctx, nil, http.MethodGet, url+page, "")
}

// showAt finds a place where a part can show its metrics.
func (p *Platform) showAt(part string) (address string, err error) {
	p.showing.Lock()
	defer p.showing.Unlock()
	port, err := devstack.FreePort(0)
	if err != nil {
		return "", err
	}
	address = fmt.Sprintf("127.0.0.1:%d", port)
	p.Metrics[part] = "http://" + address
	return address, nil
}
