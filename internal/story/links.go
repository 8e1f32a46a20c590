package story

import (
	"net/url"
	"slices"
	"strings"

	"github.com/onlywave/onlywave/workflows"
)

// temporalLink is the name of the link to the Web UI.
const temporalLink = "Temporal"

// links lead to the workflow in Temporal's Web UI and to the traces of its runs.
func (t Teller) links(f facts) (all []Link) {
	if page := workflows.WebLink(t.TemporalUIURL, t.TemporalNamespace, workflows.WorkflowID(f.payment.ID)); page != "" {
		all = append(all, Link{Name: temporalLink, URL: page})
	}
	var seen []string
	for _, run := range f.runs.All {
		if run.Trace == "" || slices.Contains(seen, run.Trace) {
			continue
		}
		seen = append(seen, run.Trace)
		link := Link{Name: "trace " + run.Trace}
		if t.TraceURL != "" {
			link.URL = strings.ReplaceAll(t.TraceURL, "{trace_id}", url.PathEscape(run.Trace))
		}
		all = append(all, link)
	}
	return all
}
