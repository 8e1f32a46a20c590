package standin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/test/simulator"
)

// triggerCommand asks a running simulator for a webhook.
func triggerCommand() *cobra.Command {
	var address, id, receiver string
	cmd := &cobra.Command{
		Use: "trigger NAME…", Short: "Send webhooks of Mercado Pago's, truly signed, to a running platform",
		Long: "Send webhooks of Mercado Pago's, truly signed, from the running simulator to the platform, and print how it answers.\n\n" + listOfTriggers(),
		Example: "  onlywave-lab simulator trigger payment.approved\n" +
			"  onlywave-lab simulator trigger order.processed chargeback.created signature.wrong",
		ValidArgs: names(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("which webhook? --help lists them")
			}
			for _, name := range args {
				if !slices.Contains(names(), name) {
					return fmt.Errorf("there is no webhook %q; the nearest are %s; --help lists all", name, strings.Join(nearest(name), ", "))
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				attempt, err := trigger(cmd, address, name, id, receiver)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", name, attempt)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&address, "simulator", "http://127.0.0.1:8090", "address of the simulator")
	cmd.Flags().StringVar(&id, "id", "", "what it is about: a payment's id, ours or Mercado Pago's, or another resource's; empty: the newest payment that fits, or a made-up resource")
	cmd.Flags().StringVar(&receiver, "to", "", "address of the receiver, for a webhook with which no payment changes; empty: the platform of the simulator")
	return cmd
}

func listOfTriggers() string {
	var list strings.Builder
	table := tabwriter.NewWriter(&list, 0, 0, 2, ' ', 0)
	for _, t := range simulator.Triggers() {
		fmt.Fprintf(table, "  %s\t%s\n", t.Name, t.Does)
	}
	_ = table.Flush() // a strings.Builder takes everything
	return strings.TrimRight(list.String(), "\n")
}

func names() []string {
	var all []string
	for _, t := range simulator.Triggers() {
		all = append(all, t.Name)
	}
	return all
}

// nearest are the three names that are most like one.
func nearest(name string) []string {
	all := names()
	slices.SortStableFunc(all, func(a, b string) int {
		return cmp.Compare(levenshtein.Distance(name, a, nil), levenshtein.Distance(name, b, nil))
	})
	return all[:3]
}

func trigger(cmd *cobra.Command, address, name, id, receiver string) (attempt simulator.WebhookAttempt, err error) {
	target := strings.TrimSuffix(address, "/") + "/admin/triggers/" + url.PathEscape(name) + "?" + url.Values{"id": {id}, "url": {receiver}}.Encode()
	request, err := http.NewRequestWithContext(cmd.Context(), http.MethodPost, target, nil)
	if err != nil {
		return attempt, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return attempt, fmt.Errorf("the simulator does not answer at %s; make up starts it: %w", address, errors.Unwrap(err))
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return attempt, err
	}
	if response.StatusCode != http.StatusOK {
		var refused struct{ Error string }
		if err := json.Unmarshal(body, &refused); err != nil {
			return attempt, fmt.Errorf("%s does not answer as the simulator does: HTTP %d", address, response.StatusCode)
		}
		return attempt, errors.New(refused.Error)
	}
	return attempt, json.Unmarshal(body, &attempt)
}
