package drills

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
)

// stored is what Temporal has stored, as it is stored: its database, and the history of each run that was started since then. In the
// database a text may be divided between two pages of the file, in a history it is not.
func stored(ctx context.Context, p *platform.Platform, runs []Workflow, since time.Time) ([]Page, error) {
	var all []Page
	for _, suffix := range []string{"", "-wal"} {
		file := p.Stack.TemporalDatabase() + suffix
		content, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, Page{Where: "Temporal's database" + suffix, Text: string(content)})
	}
	temporal, err := client.DialContext(ctx, client.Options{HostPort: p.Stack.TemporalAddress(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return nil, err
	}
	defer temporal.Close()
	histories := make([]Page, len(runs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, run := range runs {
		if run.Started.Before(since) {
			continue
		}
		group.Go(func() (err error) {
			histories[i], err = historyOf(ctx, temporal, run)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return append(all, histories...), nil
}

func historyOf(ctx context.Context, temporal client.Client, run Workflow) (Page, error) {
	var text strings.Builder
	events := temporal.GetWorkflowHistory(ctx, run.ID, run.RunID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
			break
		}
		if err != nil {
			return Page{}, fmt.Errorf("read the history of %s: %w", run.ID, err)
		}
		content, err := proto.Marshal(event)
		if err != nil {
			return Page{}, err
		}
		text.Write(content)
	}
	return Page{Where: "history of " + run.ID, Text: text.String()}, nil
}

// storedKeys is how many idempotency keys of clients are searched for: all of them go the same way.
const storedKeys = 20

// private are the texts that Temporal must store only encrypted, by their names.
func private(p *platform.Platform, clients *load.Log) map[string]string {
	texts := map[string]string{"buyer's e-mail address": platform.BuyerEmail, "buyer's name": platform.BuyerName, "buyer's tax id": platform.BuyerTaxID, "API key": p.Key}
	if clients == nil {
		return texts
	}
	for i, intent := range clients.Intents[:min(storedKeys, len(clients.Intents))] {
		texts[fmt.Sprintf("idempotency key %d", i+1)] = `"` + intent.Key + `"` // as JSON has it
	}
	return texts
}

// noneStored reports a text that Temporal stores in clear. It looks for what was planted only: encrypted bytes may look like anything.
func noneStored(e Evidence, say objecting) {
	for _, page := range e.Stored {
		for name, text := range e.Private {
			if strings.Contains(page.Text, text) {
				say("", "%s: %s", page.Where, name)
			}
		}
	}
}
