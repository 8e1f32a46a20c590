package cli

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/workflows"
)

func TestAResetPreviewIsPrintedInPlainWords(t *testing.T) {
	t.Parallel()
	var preview workflows.ResetPreview
	require.NoError(t, json.Unmarshal([]byte(`{"workflow_id": "payment/1", "run_id": "2", "points": [
		{"event_id": 4, "at": "2026-11-25T04:46:36.97Z", "task": "finished", "before": [], "again": ["open", "charge BRL 10.50 (2 times)"],
		 "signals": ["look\n(2 times)"], "updates": ["create"], "money": {"may_move": true, "why": "one reason"}, "command": "temporal …"},
		{"event_id": 9, "at": "2026-11-25T04:46:37Z", "task": "failed", "before": ["update create", "open"], "again": [],
		 "signals": [], "updates": [], "money": {"may_move": false, "why": "another"}, "command": "temporal … 9"}]}`), &preview))
	var out bytes.Buffer
	printResetPreview(&out, preview)
	require.Equal(t, `payment/1, run 2

event 4, workflow task finished at 2026-11-25T04:46:36Z
  had happened     nothing
  would run again  open, charge BRL 10.50 (2 times)
  re-applied       signal look (2 times), update create
  money            could move, once: one reason
  command          temporal …

event 9, workflow task failed at 2026-11-25T04:46:37Z
  had happened     update create, open
  would run again  nothing
  re-applied       nothing
  money            does not move: another
  command          temporal … 9

A run from such a point does what the payment needs by then: it asks the database and Mercado Pago anew.
--reapply-exclude All leaves out the signals and updates. A run that goes on is terminated by a reset of it.
`, out.String())
}

func TestAResetPreviewIsRefusedInAFormThatIsNone(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.ErrorContains(t, Run(t.Context(), []string{"reset-preview", "1", "--output", "yaml"}, nil, &out), "--output must be text or json")
}
