package grafana

// Dashboards are all there are: the first to look at, then one for what happens to payments and one for what they need.
var Dashboards = []Dashboard{overview, flow, dependencies}

func one(expr, legend string) []Query { return []Query{{expr, legend}} }

var overview = Dashboard{Name: "overview", Title: "OnlyWave: overview", Panels: []Panel{
	{
		Title: "Requests", Unit: "reqps", Description: "What clients and Mercado Pago ask of the API, by class of answer.",
		Queries: one(`sum by (status) (rate(onlywave_http_request_duration_seconds_count[$__rate_interval]))`, "{{status}}"),
	},
	{
		Title: "Error budget's burn", Unit: "percentunit", Description: "Share of requests answered with 5xx. 0.1 % is what a month allows; 1.44 % pages.",
		Queries: []Query{{`onlywave:http_errors:ratio_rate5m`, "5 min"}, {`onlywave:http_errors:ratio_rate1h`, "1 h"}, {`onlywave:http_errors:ratio_rate6h`, "6 h"}},
		Quiet:   "until a request has been answered with 5xx, there is no share of them",
	},
	{
		Title: "Slow reads", Unit: "percentunit", Description: "Share of reads that take longer than 250 ms. 1 % is allowed.",
		Queries: one(`onlywave:slow_reads:ratio_rate5m`, "slow"),
	},
	{
		Title: "Time of requests, p99", Unit: "s", Description: "One request in a hundred takes longer. A POST takes as long as its client wants to wait.",
		Queries: one(`histogram_quantile(0.99, sum by (le, method, route) (rate(onlywave_http_request_duration_seconds_bucket{route=~"/v1/.*|/webhooks/.*"}[$__rate_interval])))`, "{{method}} {{route}}"),
	},
	{
		Title: "Payments by status", Unit: "ops", Description: "Payments that came to each status, a second. Approved must follow pending.",
		Queries: one(`sum by (status) (rate(onlywave_payment_moves_total[$__rate_interval]))`, "{{status}}"),
	},
	{
		Title: "Work for people", Unit: "short", Description: "Unknown payments, dead letters and findings of reconciliation that are open. All should be 0.",
		Queries: []Query{
			{`max(onlywave_payments_open{status="unknown"})`, "unknown payments"},
			{`sum(max by (cause) (onlywave_dead_letters_open))`, "dead letters"},
			{`sum(max by (kind) (onlywave_reconciliation_findings_open))`, "findings"},
		},
	},
	{
		Title: "Limited requests", Unit: "reqps", Description: "Requests held against a limit, by limit and verdict. While Redis is away each process decides.",
		Queries: one(`sum by (limit, outcome, decided) (rate(onlywave_limited_requests_total[$__rate_interval]))`, "{{limit}}: {{outcome}} ({{decided}})"),
	},
	{
		Title: "Processes", Unit: "short", Description: "Apis and workers that Prometheus reaches.",
		Queries: one(`count by (part) (onlywave_part)`, "{{part}}"),
	},
	{
		Title: "Alerts that fire", Unit: "short", Description: "By name. Each has its page in docs/operations.md.",
		Queries: one(`count by (alertname, severity) (ALERTS{alertstate="firing"})`, "{{severity}}: {{alertname}}"),
		Quiet:   "none fires while all is well",
	},
}}

var flow = Dashboard{Name: "payments", Title: "OnlyWave: a payment's way", Panels: []Panel{
	{
		Title: "Open payments", Unit: "short", Description: "Payments that are not over, by status.",
		Queries: one(`max by (status) (onlywave_payments_open)`, "{{status}}"),
	},
	{
		Title: "Oldest open payment", Unit: "s", Description: "How long the one that changed last of all has not. Processing above 900 s pages.",
		Queries: one(`max by (status) (onlywave_payments_open_oldest_seconds{status=~"processing|unknown"})`, "{{status}}"),
	},
	{
		Title: "Time to approval, median and p95", Unit: "s", Description: "From a payment's creation to its approval; most of it is the buyer's.",
		Queries: []Query{
			{`histogram_quantile(0.5, sum by (le) (rate(onlywave_payment_approval_seconds_bucket[$__rate_interval])))`, "median"},
			{`histogram_quantile(0.95, sum by (le) (rate(onlywave_payment_approval_seconds_bucket[$__rate_interval])))`, "p95"},
		},
	},
	{
		Title: "Late news", Unit: "percentunit", Description: "Share of Mercado Pago's changes that took longer than a minute to be recorded. 1 % is allowed.",
		Queries: one(`onlywave:late_approvals:ratio_rate1h`, "late"),
	},
	{
		Title: "Time of activities, p99", Unit: "s", Description: "One run of an activity in a hundred takes longer.",
		Queries: one(`histogram_quantile(0.99, sum by (le, activity) (rate(onlywave_activity_duration_seconds_bucket[$__rate_interval])))`, "{{activity}}"),
	},
	{
		Title: "Activities that fail", Unit: "ops", Description: "Runs of activities by kind of failure; unavailable and limited are retried automatically.",
		Queries: one(`sum by (activity, outcome) (rate(onlywave_activity_duration_seconds_count{outcome!="ok"}[$__rate_interval]))`, "{{activity}}: {{outcome}}"),
		Quiet:   "no activity fails while all is well",
	},
	{
		Title: "Webhooks' lag, p99", Unit: "s", Description: "From a webhook's arrival to its payment's workflow.",
		Queries: one(`histogram_quantile(0.99, sum by (le) (rate(onlywave_webhook_lag_seconds_bucket[$__rate_interval])))`, "p99"),
	},
	{
		Title: "Webhooks in trouble", Unit: "short", Description: "Those that wait in the spool for the broker, and those that Mercado Pago did not send in the last hour.",
		Queries: []Query{{`max(onlywave_spool_webhooks)`, "in the spool"}, {`max(onlywave_webhooks_missed)`, "missed"}},
	},
	{
		Title: "Messages", Unit: "ops", Description: "Messages handed over, by queue and by the handler's word on them.",
		Queries: one(`sum by (queue, outcome) (rate(onlywave_messages_total[$__rate_interval]))`, "{{queue}}: {{outcome}}"),
	},
	{
		Title: "Reconciliation's age", Unit: "s", Description: "Age of the newest moment up to which the books have been compared. Above 3600 s is a ticket.",
		Queries: one(`max(onlywave_reconciliation_behind_seconds)`, "behind"),
	},
}}

var dependencies = Dashboard{Name: "dependencies", Title: "OnlyWave: what it depends on", Panels: []Panel{
	{
		Title: "Dependencies", Unit: "short", Description: "1 while all processes reach it.",
		Queries: one(`min by (dependency) (onlywave_dependency_up)`, "{{dependency}}"),
	},
	{
		Title: "Redis", Unit: "short", Description: "1 while a process works without Redis.",
		Queries: one(`max by (instance) (onlywave_redis_unavailable)`, "{{instance}}"),
	},
	{
		Title: "Mercado Pago's answers", Unit: "ops", Description: "Calls by what became of them.",
		Queries: one(`sum by (operation, outcome) (rate(onlywave_provider_call_duration_seconds_count[$__rate_interval]))`, "{{operation}}: {{outcome}}"),
	},
	{
		Title: "Mercado Pago's time, p99", Unit: "s", Description: "One call in a hundred takes longer.",
		Queries: one(`histogram_quantile(0.99, sum by (le, operation) (rate(onlywave_provider_call_duration_seconds_bucket[$__rate_interval])))`, "{{operation}}"),
	},
	{
		Title: "Breakers", Unit: "short", Description: "1 while the fleet's breaker is open or half-open.",
		Queries: one(`max by (breaker, state) (onlywave_breaker_state{state!="closed"})`, "{{breaker}}: {{state}}"),
	},
	{
		Title: "Wait for the provider rate limit, p99", Unit: "s", Description: "How long calls wait for the provider rate limit, by urgency and outcome.",
		Queries: one(`histogram_quantile(0.99, sum by (le, urgency, outcome) (rate(onlywave_provider_limit_wait_seconds_bucket[$__rate_interval])))`, "{{urgency}}, {{outcome}}"),
	},
	{
		Title: "Postgres connections", Unit: "short", Description: "In use, by process, and how many there may be.",
		Queries: []Query{
			{`onlywave_postgres_connections{state="in_use"}`, "{{instance}}"}, {`max(onlywave_postgres_connections_max)`, "the most"},
		},
	},
	{
		Title: "Wait for a connection", Unit: "s", Description: "Seconds that statements wait in each second. Above 0.5 is a ticket.",
		Queries: one(`rate(onlywave_postgres_wait_seconds_total[$__rate_interval])`, "{{instance}}"),
	},
	{
		Title: "Postgres' replica", Unit: "s", Description: "How old it is at most what each process shows of the replica. Above 60 s is a page.",
		Queries: one(`onlywave_postgres_replica_age_seconds`, "{{instance}}"),
		Quiet:   "there need not be a replica",
	},
	{
		Title: "Publishes, p99", Unit: "s", Description: "From a publish to the broker's confirm.",
		Queries: one(`histogram_quantile(0.99, sum by (le, exchange) (rate(onlywave_publish_duration_seconds_bucket[$__rate_interval])))`, "{{exchange}}"),
	},
	{
		Title: "RabbitMQ's queues", Unit: "short", Description: "Messages that wait in each queue, by its own count.",
		Queries: one(`rabbitmq_detailed_queue_messages_ready`, "{{queue}}"),
	},
	{
		Title: "Temporal's requests", Unit: "reqps", Description: "What Temporal's frontend is asked, by its own count.",
		Queries: one(`sum by (operation) (rate(service_requests{service_name="frontend"}[$__rate_interval]))`, "{{operation}}"),
	},
	{
		Title: "Wait for a worker, p99", Unit: "s", Description: "How long tasks wait in Temporal's queues until a worker takes them. Growing means too few workers.",
		Queries: []Query{
			{`histogram_quantile(0.99, sum by (le, task_queue) (rate(temporal_activity_schedule_to_start_latency_seconds_bucket[$__rate_interval])))`, "steps in {{task_queue}}"},
			{`histogram_quantile(0.99, sum by (le, task_queue) (rate(temporal_workflow_task_schedule_to_start_latency_seconds_bucket[$__rate_interval])))`, "workflows in {{task_queue}}"},
		},
	},
	{
		Title: "Free slots of workers", Unit: "short", Description: "By kind of work. 0 means that a worker takes no more.",
		Queries: one(`min by (instance, worker_type) (temporal_worker_task_slots_available)`, "{{instance}}: {{worker_type}}"),
	},
	{
		Title: "CPU of our processes", Unit: "percentunit", Description: "Cores that each process uses.",
		Queries: one(`rate(process_cpu_seconds_total{job="onlywave"}[$__rate_interval])`, "{{instance}}"),
	},
}}
