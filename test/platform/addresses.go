package platform

import (
	"fmt"
)

// Addresses lists the pages and addresses of the platform, one per line.
func (p *Platform) Addresses() string {
	text := fmt.Sprintf(`
  API              %[1]s/v1/payments
  API docs         %[1]s/docs
  Mercado Pago     %[2]s  (the simulator; its pay pages are under /pay)
  e-mails          %[7]s  (none is delivered)
  Temporal Web UI  %[3]s
  metrics, health  %[5]s/metrics and /readyz of the api, %[6]s/metrics of the worker
  logs             %[4]s
`, p.Front.URL, p.Provider.URL, p.Stack.TemporalUIURL(), p.Logs, p.Metrics["api"], p.Metrics["worker"], p.Mailbox.URL)
	text += fmt.Sprintf("  commands         need  export DATABASE_URL='%s' TEMPORAL_ADDRESS='%s' REDIS_URL='%s' RABBITMQ_URLS='%s'\n",
		p.settings["DATABASE_URL"], p.settings["TEMPORAL_ADDRESS"], p.settings["REDIS_URL"], p.settings["RABBITMQ_URLS"])
	if t := p.Traces; t != nil {
		text += fmt.Sprintf("  traces           %s\n", t.URL)
	}
	if m := p.Monitoring; m != nil {
		text += fmt.Sprintf("  Prometheus       %s  (what fires is printed here, too)\n  Alertmanager     %s\n", m.Prometheus, m.Alertmanager)
	}
	return text
}
