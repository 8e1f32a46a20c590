package grafana

// Dashboards are all dashboards: the overview, one for payments and one for dependencies.
var Dashboards = []Dashboard{overview, flow, dependencies}

func one(expr, legend string) []Query { return []Query{{expr, legend}} }

var overview = Dashboard{Name: "overview", Title: "OnlyWave: overview", Panels: []Panel{
	{
		Title: "Requests", Unit: "reqps", Description: "Requests from clients and webhooks from Mercado Pago, by class of response.",
		Queries: one(`sum by (status) (rate(onlywave_http_request_duration_seconds_count[$__rate_interval]))`, "{{status}}"),
	},
	{
		Title: "Error budget burn", Unit: "percentunit", Description: "Share of requests answered with 5xx. The SLO allows 0.1 % in a month; 1.44 % pages.",
		Queries: []Query{{`onlywave:http_errors:ratio_rate5m`, "5 min"}, {`onlywave:http_errors:ratio_rate1h`, "1 h"}, {`onlywave:http_errors:ratio_rate6h`, "6 h"}},
		Quiet:   "no series until a request has been answered with 5xx",
	},
	{
		Title: "Slow reads", Unit: "percentunit", Description: "Share of reads that take longer than 250 ms. 1 % is allowed.",
		Queries: one(`onlywave:slow_reads:ratio_rate5m`, "slow"),
	},
	{
		Title: "Request duration, p99", Unit: "s", Description: "One request in a hundred takes longer. A POST takes as long as its client is willing to wait.",
		Queries: one(`histogram_quantile(0.99, sum by (le, method, route) (rate(onlywave_http_request_duration_seconds_bucket{route=~"/v1/.*|/webhooks/.*"}[$__rate_interval])))`, "{{method}} {{route}}"),
	},
	{
		Title: "Payments by status", Unit: "ops", Description: "Payments that moved to each status, per second. Approved should follow pending.",
		Queries: one(`sum by (status) (rate(onlywave_payment_moves_total[$__rate_interval]))`, "{{status}}"),
	},
	{
		Title: "Work for operators", Unit: "short", Description: "Open unknown payments, dead letters and reconciliation findings. All should be 0.",
		Queries: []Query{
			{`max(onlywave_payments_open{status="unknown"})`, "unknown payments"},
			{`sum(max by (cause) (onlywave_dead_letters_open))`, "dead letters"},
			{`sum(max by (kind) (onlywave_reconciliation_findings_open))`, "findings"},
		},
	},
	{
		Title: "Rate-limited requests", Unit: "reqps", Description: "Requests counted against a limit, by limit and outcome. While Redis is unavailable each process decides alone.",
		Queries: one(`sum by (limit, outcome, decided) (rate(onlywave_limited_requests_total[$__rate_interval]))`, "{{limit}}: {{outcome}} ({{decided}})"),
	},
	{
		Title: "Processes", Unit: "short", Description: "api and worker processes that Prometheus reaches.",
		Queries: one(`count by (part) (onlywave_part)`, "{{part}}"),
	},
	{
		Title: "Firing alerts", Unit: "short", Description: "By name. Each has a page in docs/runbook.",
		Queries: one(`count by (alertname, severity) (ALERTS{alertstate="firing"})`, "{{severity}}: {{alertname}}"),
		Quiet:   "none fires while all is well",
	},
}}

var flow = Dashboard{Name: "payments", Title: "OnlyWave: payments", Panels: []Panel{
	{
		Title: "Open payments", Unit: "short", Description: "Payments that are not settled, by status.",
		Queries: one(`max by (status) (onlywave_payments_open)`, "{{status}}"),
	},
	{
		Title: "Oldest open payment", Unit: "s", Description: "Time since the open payment that has waited longest last changed. Processing above 900 s pages.",
		Queries: one(`max by (status) (onlywave_payments_open_oldest_seconds{status=~"processing|unknown"})`, "{{status}}"),
	},
	{
		Title: "Oldest open refund", Unit: "s", Description: "Time since the refund was asked for that has been open longest. Above 86400 s is a ticket.",
		Queries: one(`max(onlywave_refunds_open_oldest_seconds)`, "oldest"),
	},
	{
		Title: "Disputes that are due", Unit: "short", Description: "Disputes that wait for documents or an answer, and whose deadline comes within four days. Above 0 is a ticket.",
		Queries: one(`max(onlywave_disputes_due)`, "due"),
	},
	{
		Title: "Time to approval, median and p95", Unit: "s", Description: "From a payment's creation to its approval. Most of it is the buyer's time to pay.",
		Queries: []Query{
			{`histogram_quantile(0.5, sum by (le) (rate(onlywave_payment_approval_seconds_bucket[$__rate_interval])))`, "median"},
			{`histogram_quantile(0.95, sum by (le) (rate(onlywave_payment_approval_seconds_bucket[$__rate_interval])))`, "p95"},
		},
	},
	{
		Title: "Late approvals", Unit: "percentunit", Description: "Share of approvals that reached the database more than a minute after Mercado Pago. 1 % is allowed.",
		Queries: one(`onlywave:late_approvals:ratio_rate1h`, "late"),
	},
	{
		Title: "Activity duration, p99", Unit: "s", Description: "One run of an activity in a hundred takes longer.",
		Queries: one(`histogram_quantile(0.99, sum by (le, activity) (rate(onlywave_activity_duration_seconds_bucket[$__rate_interval])))`, "{{activity}}"),
	},
	{
		Title: "Failing activities", Unit: "ops", Description: "Runs of activities by kind of failure; unavailable and limited are retried automatically.",
		Queries: one(`sum by (activity, outcome) (rate(onlywave_activity_duration_seconds_count{outcome!="ok"}[$__rate_interval]))`, "{{activity}}: {{outcome}}"),
		Quiet:   "no series while no activity fails",
	},
	{
		Title: "Webhook lag, p99", Unit: "s", Description: "From a webhook's arrival until its payment's workflow is signalled.",
		Queries: one(`histogram_quantile(0.99, sum by (le) (rate(onlywave_webhook_lag_seconds_bucket[$__rate_interval])))`, "p99"),
	},
	{
		Title: "Delayed and missed webhooks", Unit: "short", Description: "Webhooks that wait in the spool for RabbitMQ, and webhooks that Mercado Pago did not send in the last hour.",
		Queries: []Query{{`max(onlywave_spool_webhooks)`, "in the spool"}, {`max(onlywave_webhooks_missed)`, "missed"}},
	},
	{
		Title: "Messages", Unit: "ops", Description: "Messages handled, by queue and outcome.",
		Queries: one(`sum by (queue, outcome) (rate(onlywave_messages_total[$__rate_interval]))`, "{{queue}}: {{outcome}}"),
	},
	{
		Title: "Reconciliation age", Unit: "s", Description: "Time since the end of the newest window that was reconciled. Above 3600 s is a ticket.",
		Queries: one(`max(onlywave_reconciliation_behind_seconds)`, "behind"),
	},
}}

var dependencies = Dashboard{Name: "dependencies", Title: "OnlyWave: dependencies", Panels: []Panel{
	{
		Title: "Dependencies", Unit: "short", Description: "1 while all processes reach the dependency.",
		Queries: one(`min by (dependency) (onlywave_dependency_up)`, "{{dependency}}"),
	},
	{
		Title: "Redis", Unit: "short", Description: "1 while a process works without Redis.",
		Queries: one(`max by (instance) (onlywave_redis_unavailable)`, "{{instance}}"),
	},
	{
		Title: "Mercado Pago calls", Unit: "ops", Description: "Calls by operation and outcome.",
		Queries: one(`sum by (operation, outcome) (rate(onlywave_provider_call_duration_seconds_count[$__rate_interval]))`, "{{operation}}: {{outcome}}"),
	},
	{
		Title: "Mercado Pago call duration, p99", Unit: "s", Description: "One call in a hundred takes longer.",
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
		Title: "Postgres connections", Unit: "short", Description: "Connections in use by each process, and the limit.",
		Queries: []Query{
			{`onlywave_postgres_connections{state="in_use"}`, "{{instance}}"}, {`max(onlywave_postgres_connections_max)`, "limit"},
		},
	},
	{
		Title: "Wait for a connection", Unit: "s", Description: "Seconds per second that statements wait for a connection. Above 0.5 is a ticket.",
		Queries: one(`rate(onlywave_postgres_wait_seconds_total[$__rate_interval])`, "{{instance}}"),
	},
	{
		Title: "Postgres replica age", Unit: "s", Description: "The greatest age of what each process reads from the replica. Above 60 s pages.",
		Queries: one(`onlywave_postgres_replica_age_seconds`, "{{instance}}"),
		Quiet:   "a replica is optional",
	},
	{
		Title: "Publishes, p99", Unit: "s", Description: "Time from a publish until RabbitMQ confirms it.",
		Queries: one(`histogram_quantile(0.99, sum by (le, exchange) (rate(onlywave_publish_duration_seconds_bucket[$__rate_interval])))`, "{{exchange}}"),
	},
	{
		Title: "RabbitMQ queues", Unit: "short", Description: "Messages that wait in each queue, counted by RabbitMQ.",
		Queries: one(`rabbitmq_detailed_queue_messages_ready`, "{{queue}}"),
	},
	{
		Title: "Temporal requests", Unit: "reqps", Description: "Requests to Temporal's frontend, counted by Temporal.",
		Queries: one(`sum by (operation) (rate(service_requests{service_name="frontend"}[$__rate_interval]))`, "{{operation}}"),
	},
	{
		Title: "Wait for a worker, p99", Unit: "s", Description: "How long tasks wait in Temporal's task queues for a worker. A growing wait means too few workers.",
		Queries: []Query{
			{`histogram_quantile(0.99, sum by (le, task_queue) (rate(temporal_activity_schedule_to_start_latency_seconds_bucket[$__rate_interval])))`, "activities in {{task_queue}}"},
			{`histogram_quantile(0.99, sum by (le, task_queue) (rate(temporal_workflow_task_schedule_to_start_latency_seconds_bucket[$__rate_interval])))`, "workflows in {{task_queue}}"},
		},
	},
	{
		Title: "Free worker slots", Unit: "short", Description: "Free slots by kind of task. At 0 a worker accepts no more tasks.",
		Queries: one(`min by (instance, worker_type) (temporal_worker_task_slots_available)`, "{{instance}}: {{worker_type}}"),
	},
	{
		Title: "CPU of api and worker", Unit: "percentunit", Description: "Cores that each process uses.",
		Queries: one(`rate(process_cpu_seconds_total{job="onlywave"}[$__rate_interval])`, "{{instance}}"),
	},
}}
