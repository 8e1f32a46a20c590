package workflows

import "net/url"

// WebLink is a workflow in Temporal's Web UI, or "" where none is configured.
func WebLink(ui, namespace, workflowID string) string {
	if ui == "" {
		return ""
	}
	return ui + "/namespaces/" + url.PathEscape(namespace) + "/workflows/" + url.PathEscape(workflowID)
}
