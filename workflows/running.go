package workflows

import (
	"context"
	"strings"

	"go.temporal.io/api/workflowservice/v1"
)

// Running says which of the payments have a workflow that runs, in one question however many they are, as far as Temporal's visibility
// knows: it may lag behind by some seconds. One that is missing was terminated, has ended, or was lost. Errors: as Signal's.
func (c *Client) Running(ctx context.Context, paymentIDs []string) (map[string]bool, error) {
	runs := make(map[string]bool, len(paymentIDs))
	if len(paymentIDs) == 0 {
		return runs, nil
	}
	var query strings.Builder
	query.WriteString(`ExecutionStatus = "Running" and WorkflowId in (`)
	for i, id := range paymentIDs {
		if i > 0 {
			query.WriteByte(',')
		}
		query.WriteString(`"` + WorkflowID(id) + `"`)
	}
	query.WriteByte(')')
	request := &workflowservice.ListWorkflowExecutionsRequest{PageSize: int32(len(paymentIDs)), Query: query.String()}
	for {
		page, err := c.temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, interpret("look for the payments' workflows", err)
		}
		for _, e := range page.GetExecutions() {
			runs[strings.TrimPrefix(e.GetExecution().GetWorkflowId(), WorkflowID(""))] = true
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return runs, nil
		}
	}
}
