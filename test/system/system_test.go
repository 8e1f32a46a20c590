// Package system tests the whole platform from outside: its programs as processes, on real services. Its one rule: the tests
// share one platform, and so each has payments of its own.
package system

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/platform/platformtest"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// shared is the whole system that the tests here share: two API processes and two workers.
var shared *platform.Platform

func TestMain(m *testing.M) { platformtest.Main(func() int { return runTests(m) }) }

func runTests(m *testing.M) int {
	flag.Parse()
	// These tests wait for what other processes do, and need little of a processor themselves.
	err := flag.Set("test.parallel", "12")
	if err == nil {
		err = os.Chdir("../..") // files are named as they lie in the repository
	}
	if err == nil {
		shared, err = platform.Start(context.Background(), platformtest.Options(platform.Options{APIs: 2, Workers: 2, Watched: true, Traced: true}))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := shared.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// start runs a platform of the test's own until its end.
func start(t *testing.T, o platform.Options) *platform.Platform {
	o, err := platformtest.Plain(t.Context(), o)
	require.NoError(t, err)
	return run(t, o)
}

// startWatched is start with the race detector in the platform's programs, when the tests run with it.
func startWatched(t *testing.T, o platform.Options) *platform.Platform {
	return run(t, platformtest.Options(o))
}

func run(t *testing.T, o platform.Options) *platform.Platform {
	t.Parallel()
	platformtest.TakePlace(t)
	p, err := platform.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Stop()) })
	return p
}

// timeout is how long a condition may take on a busy machine; nothing here is measured by it.
const timeout = 3 * time.Minute

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// key is an idempotency key of this test's own, and the payment that it means.
func key(t *testing.T) (key, paymentID string) {
	key = strings.ReplaceAll(t.Name(), "/", ".")
	return key, payment.NewID("demo", key)
}

// create posts a Pix of R$ 10,50 and expects it to wait for the buyer.
func create(t *testing.T, key string) platform.Payment {
	p, err := shared.Shops[0].Create(within(t), key, 1050)
	require.NoError(t, err)
	require.Equal(t, "pending", p.Status)
	return p
}

// awaitApproved waits for a payment's approval, and checks that its history has it once.
func awaitApproved(t *testing.T, id string) {
	_, err := shared.Shops[0].Await(within(t), id, "approved")
	require.NoError(t, err)
	require.Equal(t, []string{"processing", "pending", "approved"}, history(t, id))
}

// history is the statuses that a payment has had. The settlement of its money comes when the schedule is due, and changes none.
func history(t *testing.T, id string) []string {
	events, err := shared.Shops[0].Events(within(t), id)
	require.NoError(t, err)
	var statuses []string
	for i, e := range events {
		require.Equal(t, i+1, e.Seq)
		if e.Type != "payment.settled" {
			statuses = append(statuses, e.Status)
		}
	}
	return statuses
}

// charges counts what the provider's ledger says of a payment.
func charges(t *testing.T, id string) int {
	entries, err := shared.Provider.Ledger(within(t), id)
	require.NoError(t, err)
	n := 0
	for _, e := range entries {
		if e.Kind == simulator.Charge {
			n++
		}
	}
	return n
}

func arm(t *testing.T, f simulator.Fault) {
	require.NoError(t, shared.Provider.Arm(within(t), f))
}

// refuseToken keeps a payment's charge waiting for a number of calls. Unlike an error of the server it opens no breaker: ten such errors
// within ten seconds would stop the charges of all tests here.
func refuseToken(t *testing.T, id string, times int) {
	arm(t, simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusUnauthorized, Times: times, ExternalReference: id})
}

// inShared asks the shared platform's database for one number.
func inShared(t *testing.T, query string, args ...any) int {
	return inDatabase(t, shared, query, args...)
}

func inDatabase(t *testing.T, of *platform.Platform, query string, args ...any) int {
	ctx := within(t)
	conn, err := pgx.Connect(ctx, of.Stack.PostgresURL())
	require.NoError(t, err)
	defer conn.Close(ctx)
	var n int
	require.NoError(t, conn.QueryRow(ctx, query, args...).Scan(&n))
	return n
}

// temporal runs the operators' command line against the shared platform.
func temporal(t *testing.T, args ...string) string { return temporalOf(t, shared, args...) }

func temporalOf(t *testing.T, of *platform.Platform, args ...string) string {
	args = append(args, "--address", of.Stack.TemporalAddress())
	for {
		command := exec.CommandContext(within(t), filepath.Join(".bin", "temporal"), args...)
		command.Env = append(os.Environ(), of.CodecSetting())
		output, err := command.CombinedOutput()
		if err != nil && strings.Contains(string(output), "Workflow is busy") {
			continue // nothing was done, and Temporal asks to repeat it
		}
		require.NoError(t, err, string(output))
		return string(output)
	}
}

// inTemporal asks the shared platform's Temporal what a test asks again and again. The command line and the scripts start a program for
// each question, and several of them.
var inTemporal = sync.OnceValues(func() (client.Client, error) { return shared.Temporal() })

// listed are the workflow ids that a list filter finds.
func listed(t *testing.T, query string) (ids []string) {
	c, err := inTemporal()
	require.NoError(t, err)
	page, err := c.ListWorkflow(within(t), &workflowservice.ListWorkflowExecutionsRequest{Query: query})
	require.NoError(t, err)
	for _, e := range page.GetExecutions() {
		ids = append(ids, e.GetExecution().GetWorkflowId())
	}
	return ids
}

// described is what Temporal knows of a payment's newest run.
func described(t *testing.T, id string) *workflowservice.DescribeWorkflowExecutionResponse {
	c, err := inTemporal()
	require.NoError(t, err)
	run, err := c.DescribeWorkflow(within(t), workflows.WorkflowID(id), "")
	require.NoError(t, err)
	return run.RawResponse
}

// completed says whether a payment's newest run has ended well.
func completed(t *testing.T, id string) bool {
	return described(t, id).GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
}

func eventually(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, timeout, 50*time.Millisecond, what)
}

func TestAPixPaymentFromPOSTToApproved(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	p := create(t, key)
	require.Equal(t, id, p.ID)
	require.Equal(t, 2, p.Version)
	require.True(t, strings.HasPrefix(p.Method.QRCode, "000201"))
	require.WithinDuration(t, time.Now().Add(time.Hour), p.Method.ExpiresAt, 5*time.Minute)

	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)
	require.Equal(t, 1, charges(t, id))

	// Both notifications are kept as they came, the one that signalled no workflow too.
	eventually(t, func() bool {
		return inShared(t, `select count(*) from webhook_notifications where payment_id = $1`, id) == 2
	}, "two notifications in the archive")
	// The run has ended, and the Web UI's list finds it by what it became.
	eventually(t, func() bool {
		return found(t, id, fmt.Sprintf(`PaymentStatus = "approved" and ProviderPaymentID = %q and ExecutionStatus = "Completed"`, p.Provider.PaymentID))
	}, "the closed run is found by its search attributes")
}

func TestAPixThatIsNotPaidExpires(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	p := create(t, key)
	require.NoError(t, shared.Provider.Expire(within(t), p.Provider.PaymentID))
	_, err := shared.Shops[0].Await(within(t), id, "expired")
	require.NoError(t, err)
	require.Equal(t, []string{"processing", "pending", "expired"}, history(t, id))
}

func TestIdenticalPOSTsOverTwoProcessesAreOnePayment(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	const posts = 200
	answers := make([]platform.Answer, posts)
	errs := make([]error, posts)
	ctx := within(t)
	var wg sync.WaitGroup
	for i := range posts {
		wg.Go(func() {
			answers[i], errs[i] = shared.Shops[i%2].Post(ctx, key, platform.Order(1050, key))
		})
	}
	wg.Wait()

	for i := range posts {
		require.NoError(t, errs[i])
		require.Equal(t, http.StatusCreated, answers[i].Status, string(answers[i].Body))
		require.JSONEq(t, string(answers[0].Body), string(answers[i].Body))
	}
	require.Equal(t, 1, charges(t, id))
	require.Equal(t, 1, inShared(t, `select count(*) from payments where idempotency_key = $1`, key))
	require.Equal(t, 1, inShared(t, `select count(*) from operations where payment_id = $1`, id))
	hashes := regexp.MustCompile(`create-([0-9a-f]{32})`).FindStringSubmatch(temporal(t, "workflow", "show", "--workflow-id", "payment/"+id, "--output", "json"))
	require.Len(t, hashes, 2, "the id of the update")
	require.Equal(t, 0, inShared(t, `select count(*) from payments where id = $1 and fingerprint = $2`, id, hashes[1]), "it is a keyed hash")

	for _, shop := range shared.Shops[:2] {
		other, err := shop.Post(ctx, key, platform.Order(1051, key))
		require.NoError(t, err)
		require.Equal(t, http.StatusUnprocessableEntity, other.Status)
	}
}

// While the first request has not reached the database, only the workflow can tell that another differs.
func TestTheSameKeyWithTwoAmountsAtOnceIsOnePayment(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	statuses := make([]int, 20)
	ctx := within(t)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() {
			answer, err := shared.Shops[i%2].Post(ctx, key, platform.Order(1050+int64(i%2), key))
			if err == nil {
				statuses[i] = answer.Status
			}
		})
	}
	wg.Wait()
	count := map[int]int{}
	for _, s := range statuses {
		count[s]++
	}
	require.Equal(t, map[int]int{http.StatusCreated: 10, http.StatusUnprocessableEntity: 10}, count)
	require.Equal(t, 1, charges(t, id))
}

func TestAnAnswerLostAfterTheChargeIsNotChargedAgain(t *testing.T) {
	t.Parallel()
	// Few enough to open no breaker, see refuseToken.
	for kind, times := range map[simulator.Kind]int{
		simulator.KindLostAnswer: 2, simulator.KindErrorAfter: 1, simulator.KindTruncated: 1, simulator.KindHTML: 1, simulator.KindEmpty: 1,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			key, id := key(t)
			arm(t, simulator.Fault{On: simulator.Create, Kind: kind, Times: times, ExternalReference: id})
			_, err := shared.Shops[0].Create(within(t), key, 1050)
			require.NoError(t, err)
			p, err := shared.Shops[0].Await(within(t), id, "pending")
			require.NoError(t, err)
			require.Equal(t, 1, charges(t, id))
			require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
			awaitApproved(t, id)
			require.Equal(t, 1, charges(t, id))
		})
	}
}

func TestAResetToTheFirstTaskDoesNotChargeAgain(t *testing.T) {
	t.Parallel()
	reset := func(t *testing.T, id string) {
		temporal(t, "workflow", "reset", "--workflow-id", "payment/"+id, "--type", "FirstWorkflowTask", "--reason", "test")
	}
	t.Run("waiting", func(t *testing.T) {
		t.Parallel()
		key, id := key(t)
		p := create(t, key)
		reset(t, id)
		require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
		awaitApproved(t, id)
		require.Equal(t, 1, charges(t, id))
	})
	t.Run("settled", func(t *testing.T) {
		t.Parallel()
		key, id := key(t)
		p := create(t, key)
		require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
		awaitApproved(t, id)
		reset(t, id)
		eventually(t, func() bool { return completed(t, id) }, "the new run ends")
		require.Equal(t, []string{"processing", "pending", "approved"}, history(t, id))
		require.Equal(t, 1, charges(t, id))
	})
}

func TestAChargeThatTheProviderRefusesFailsThePayment(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	arm(t, simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusBadRequest, ExternalReference: id})
	answer, err := shared.Shops[0].Post(within(t), key, platform.Order(1050, key))
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, answer.Status, string(answer.Body))
	require.Contains(t, string(answer.Body), `"failed"`)
	require.Zero(t, charges(t, id))
}

// POSTs are answered while the provider is silent, and finish when it is back.
func TestASilentProviderMakesTheAnswer202(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	refuseToken(t, id, 3)
	answer := accept(t, key, "wait=1")
	var p platform.Payment
	require.NoError(t, json.Unmarshal(answer.Body, &p))
	require.Equal(t, id, p.ID)
	require.Equal(t, "processing", p.Status)
	_, err := shared.Shops[1].Await(within(t), id, "pending")
	require.NoError(t, err)
	require.Equal(t, 1, charges(t, id))
}
