package platform

import (
	"fmt"
	"strings"
	"time"

	"github.com/onlywave/onlywave/workflows"
)

// Addresses lists the pages and addresses of the platform, one per line.
func (p *Platform) Addresses() string {
	text := fmt.Sprintf(`
  API              %[1]s/v1/payments
  API docs         %[1]s/docs
  Mercado Pago     %[2]s  (a simulator; each payment has a page where you pay as the buyer)
  e-mails          %[7]s  (caught here, never delivered)
  Temporal Web UI  %[3]s
%[8]s  metrics, health  %[5]s/metrics and /readyz (api), %[6]s/metrics (worker)
  logs             %[4]s
`, p.Front.URL, p.Provider.URL, p.Stack.TemporalUIURL(), p.Logs, p.Metrics["api"], p.Metrics["worker"], p.Mailbox.URL, p.savedViews())
	if t := p.Traces; t != nil {
		text += fmt.Sprintf("  traces           %s\n", t.URL)
	}
	if m := p.Monitoring; m != nil {
		text += fmt.Sprintf("  Prometheus       %s  (alerts that fire are printed here, too)\n  Alertmanager     %s\n", m.Prometheus, m.Alertmanager)
	}
	text += "\n  Operators' commands, such as .bin/onlywave dead-letters list, need these variables:\n  export"
	for _, variable := range operatorVariables {
		text += fmt.Sprintf(" %s='%s'", variable, p.settings[variable])
	}
	return text + fmt.Sprintf(" %s\n", p.CodecSetting())
}

// operatorVariables are what an operator's shell must have set.
var operatorVariables = []string{"DATABASE_URL", "TEMPORAL_ADDRESS", "TEMPORAL_PAYLOAD_KEYS", "REDIS_URL", "RABBITMQ_URLS"}

// savedViews lists the views of the Temporal Web UI, a link per line.
func (p *Platform) savedViews() string {
	var text strings.Builder
	for _, v := range workflows.SavedViews(time.Now()) {
		fmt.Fprintf(&text, "    %s\n      %s\n", v.Title.EN, v.Link(p.Stack.TemporalUIURL(), p.settings["TEMPORAL_NAMESPACE"]))
	}
	return text.String()
}
