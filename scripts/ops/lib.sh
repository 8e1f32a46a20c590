# What the operators' scripts in this folder share: flags, the choice of payments, and one way to run `temporal` or `tctl`. Its one rule: a
# script that changes something shows it with --dry-run, and asks before it changes more than one payment.
# shellcheck shell=bash

set -euo pipefail
shopt -s inherit_errexit

readonly arguments=("$@")

readonly wrong_usage=64 # the exit code for wrong arguments and for what tctl cannot do; 1 is for everything that failed

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here root=${here%/scripts/ops}

readonly statuses=(processing pending in_review authorized approved partially_refunded refunded rejected cancelled expired in_dispute
	charged_back unknown failed)

say() { echo "$*" >&2; }

stop() {
	say "${0##*/}: $*"
	exit 1
}

misuse() {
	say "${0##*/}: $*"
	say "See ${0##*/} --help."
	exit "$wrong_usage"
}

# --- Flags -----------------------------------------------------------------------------------------------------------------------

declare -A flag=() # by name without the dashes; "yes" for a switch that is on
words=()           # what is not a flag

# parse VALUED SWITCHES ARGUMENT… reads the arguments. VALUED and SWITCHES are the names of the flags with and without a value.
parse() {
	local valued=" $1 " switches=" $2 " name
	shift 2
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help)
			usage
			exit 0
			;;
		--*=*)
			set -- "${1%%=*}" "${1#*=}" "${@:2}"
			[[ $valued == *" ${1#--} "* ]] || misuse "unknown flag $1"
			;;
		-?*)
			name=${1#--}
			if [[ $switches == *" $name "* ]]; then
				flag[$name]=yes
				shift
				continue
			fi
			[[ $valued == *" $name "* ]] || misuse "unknown flag $1"
			[ $# -gt 1 ] || misuse "$1 needs a value"
			flag[${1#--}]=$2
			shift 2
			;;
		*)
			words+=("$1")
			shift
			;;
		esac
	done
}

given() { [ -n "${flag[$1]:-}" ]; }

# required NAME… are flags that must be given.
required() {
	local name
	for name in "$@"; do
		given "$name" || misuse "--$name is needed"
	done
}

number() { given "$1" || return 0; [[ ${flag[$1]} =~ ^[0-9]+$ ]] || misuse "--$1 must be a whole number, not \"${flag[$1]}\""; }

# because is who and why, as Temporal keeps it with a reset or a batch.
because() { echo "${flag[actor]:-${USER:-operator}}: ${flag[reason]:-no reason given}"; }

# --- temporal or tctl ------------------------------------------------------------------------------------------------------------

export TEMPORAL_ADDRESS=${TEMPORAL_ADDRESS:-127.0.0.1:7233} TEMPORAL_NAMESPACE=${TEMPORAL_NAMESPACE:-default}
export TEMPORAL_CLI_ADDRESS=$TEMPORAL_ADDRESS TEMPORAL_CLI_NAMESPACE=$TEMPORAL_NAMESPACE TEMPORAL_CONTEXT_TIMEOUT=15

# hand_on gives tctl what temporal reads from another variable.
hand_on() { [ -z "${!1:-}" ] || export "$2=${!1}"; }
hand_on TEMPORAL_TLS_CLIENT_CERT_PATH TEMPORAL_CLI_TLS_CERT
hand_on TEMPORAL_TLS_CLIENT_KEY_PATH TEMPORAL_CLI_TLS_KEY
hand_on TEMPORAL_TLS_SERVER_CA_CERT_PATH TEMPORAL_CLI_TLS_CA
hand_on TEMPORAL_TLS_SERVER_NAME TEMPORAL_CLI_TLS_SERVER_NAME
hand_on TEMPORAL_CODEC_ENDPOINT TEMPORAL_CLI_CODEC_ENDPOINT
hand_on TEMPORAL_CODEC_AUTH TEMPORAL_CLI_CODEC_AUTH

program= # temporal or tctl: its name when it is on the path, else where `make bootstrap` or `make tctl` has put it
errors=  # a file for what the program says of errors

# choose_program is called after parse, so that --help needs no program.
choose_program() {
	program=${TEMPORAL_CLI:-temporal}
	case ${program##*/} in
	temporal | tctl) ;;
	*) misuse "TEMPORAL_CLI must be temporal or tctl, not \"$program\"" ;;
	esac
	command -v jq >/dev/null || stop "jq is needed: apt install jq"
	begin_anew_with_codec
	errors=$(mktemp)
	trap 'rm -f "$errors"' EXIT
	command -v "$program" >/dev/null && return
	[ -x "$root/.bin/$program" ] || stop "there is no $program on the path and none in $root/.bin: make bootstrap builds temporal, make tctl builds tctl"
	program=$root/.bin/$program
}

# begin_anew_with_codec runs the script again as a command that can read what Temporal stores, if there are keys and it is none yet.
begin_anew_with_codec() {
	[ -n "${TEMPORAL_PAYLOAD_KEYS:-}${TEMPORAL_PAYLOAD_KEYS_FILE:-}" ] && [ -z "${TEMPORAL_CODEC_ENDPOINT:-}" ] || return 0
	choose_onlywave
	exec "$onlywave" codec "$0" "${arguments[@]}"
}

with_tctl() { [ "${program##*/}" = tctl ]; }

onlywave='' # the program, which knows the saved views and writes the audit

choose_onlywave() {
	onlywave=$(type -P onlywave) || onlywave=$root/.bin/onlywave
	[ -x "$onlywave" ] || stop "there is no onlywave on the path and none in $root/.bin: make build builds it"
}

# needs_temporal WHAT ends the script when tctl is chosen.
needs_temporal() {
	with_tctl || return 0
	say "${0##*/}: needs temporal: tctl cannot $1"
	exit "$wrong_usage"
}

# ask ARGUMENT… runs the program for an answer, which is JSON.
ask() {
	with_tctl || set -- "$@" --output json --command-timeout 60s
	local answer
	answer=$("$program" "$@" 2>"$errors") || stop "$(plain "$answer"$'\n'"$(<"$errors")")" # tctl writes some errors to standard output
	printf '%s\n' "$answer"
}

# plain is what a program says of an error, in one line.
plain() { sed -nE 's/^time=[^ ]+ level=ERROR msg="(.*)"$/\1/; s/^Error: //; s/^Error Details: //; /TEMPORAL_CLI_SHOW_STACKS|^[][{}[:space:]]*$/d; p' <<<"$1" | sed 's/\\"/"/g' | paste -sd ' '; }

# change ARGUMENT… runs the program to change something and keeps what it says in $said; with --dry-run it prints the command instead.
change() {
	said=
	if given dry-run; then
		command_line "$program" "$@"
		return
	fi
	said=$("$program" "$@" 2>&1 </dev/null)
}

# note ACTION OBJECT writes to the audit what is about to be done. What is not in the audit is not done.
note() {
	given without-audit && return
	choose_onlywave
	set -- "$onlywave" audit note --action "$1" --object "$2" --actor "${flag[actor]}" --reason "${flag[reason]}"
	if given dry-run; then
		command_line "$@"
	elif ! said=$("$@" 2>&1); then
		said="not done, because the audit could not be written (--without-audit leaves it out): $said"
		return 1
	fi
}

# command_line prints a command as it can be typed.
command_line() {
	local word line=
	for word in "$@"; do
		[[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]] || word=${word@Q}
		line+="$word "
	done
	echo "${line% }"
}

# --- Payments --------------------------------------------------------------------------------------------------------------------

# payment_id is an id without payment/.
payment_id() {
	local id=${1#payment/}
	[[ $id =~ ^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]] || misuse "\"$1\" is no payment id: it is a UUID, with or without payment/"
	echo "$id"
}

# chosen_query is the list filter that --status, --view and --query mean together; none of them: all payments. A script that may start
# from everything must ask for `chosen` itself.
only='' # what a script adds to every choice
chosen_query() {
	local query='WorkflowType = "Payment"'
	if given status; then
		[[ " ${statuses[*]} " == *" ${flag[status]} "* ]] || misuse "--status must be one of ${statuses[*]}, not \"${flag[status]}\""
		query+=" AND PaymentStatus = \"${flag[status]}\" AND ExecutionStatus NOT IN (\"Terminated\", \"ContinuedAsNew\")" # a reset leaves a terminated run
	fi
	given view && query+=" AND ($(view_query "${flag[view]}"))"
	given query && query+=" AND (${flag[query]})"
	[ -z "$only" ] || query+=" AND $only"
	echo "$query"
}

chosen() { given status || given view || given query; }

# view_query is the list filter of a saved view; some hold the time of now.
view_query() {
	local answer
	choose_onlywave
	answer=$("$onlywave" views "$1" 2>&1) || misuse "--view: $answer"
	echo "$answer"
}

count() {
	if with_tctl; then
		ask workflow count --query "$1"
	else
		ask workflow count --query "$1" | jq -r '.count // 0'
	fi
}

# found QUERY LIMIT lists runs as JSON, one a line; LIMIT 0: all.
found() {
	if ! with_tctl; then
		ask workflow list --query "$1" --limit "$2" | jq -c '.[]'
	elif [ "$2" = 0 ]; then
		ask workflow listall --query "$1" --print_json | jq -c '.[]'
	else
		ask workflow list --query "$1" --pagesize "$2" --print_json | jq -c '.[]'
	fi
}

# ids_of QUERY LIMIT are the payments, each once.
ids_of() { found "$1" "$2" | jq -r '.execution.workflowId | ltrimstr("payment/")' | awk '!seen[$0]++'; }

# read_ids turns the words into ids; "-" reads them from standard input, one a line.
ids=()
read_ids() {
	local word
	for word in "${words[@]}"; do
		if [ "$word" = - ]; then
			given yes || given dry-run || misuse "ids from standard input need --yes"
			while read -r word _; do
				[ -z "$word" ] || add_id "$word"
			done
		else
			add_id "$word"
		fi
	done
}

add_id() {
	local id
	id=$(payment_id "$1")
	ids+=("$id")
}

# choose_payments fills ids from the words, or from --status, --view and --query.
choose_payments() {
	local query list
	[ ${#words[@]} -eq 0 ] || ! chosen || misuse "give either ids or --status, --view, --query"
	[ ${#words[@]} -gt 0 ] || chosen || misuse "which payments? Give ids, --status, --view or --query"
	read_ids
	if chosen; then
		query=$(chosen_query)
		list=$(ids_of "$query" 0)
		mapfile -t ids < <(printf '%s' "${list:+$list$'\n'}")
	fi
	[ ${#ids[@]} -gt 0 ] || { say "no payment matches"; exit 0; }
}

# confirm WHAT NUMBER asks before more than one payment is changed.
confirm() {
	local answer=
	given dry-run && return
	say "$1: $2 $([ "$2" = 1 ] && echo payment || echo payments)"
	[ "$2" -gt 1 ] || return 0
	given yes && return
	printf 'Continue? yes/no ' >&2
	read -r answer || true
	[ "$answer" = yes ] || stop "not confirmed, nothing was changed; --yes confirms"
}

# for_each FUNCTION calls it for each payment, says how far it is, and fails when one has failed.
for_each() {
	local id done=0 bad=0
	for id in "${ids[@]}"; do
		"$1" "$id" || { bad=$((bad + 1)); say "$id: $(plain "$said")"; }
		done=$((done + 1))
		((done % 25)) || say "$done of ${#ids[@]}"
	done
	given dry-run || say "$((done - bad)) done, $bad failed"
	[ "$bad" = 0 ]
}

# description is what Temporal knows about a payment's newest run, as JSON.
description() { ask workflow describe -w "payment/$1"; }

# follow_batch JOB waits until a batch of the server has ended.
follow_batch() {
	local job=$1 state total complete failures shown=
	while :; do
		read -r state total complete failures < <(batch "$job")
		[ "$complete/$total" = "$shown" ] || [ "$total" = 0 ] || say "$complete of $total"
		shown=$complete/$total
		case $state in
		running) sleep 1 ;;
		completed)
			[ "$failures" = 0 ] || stop "$failures of $total failed: their runs may have ended meanwhile"
			return
			;;
		*) stop "the batch $job ended as $state after $complete of $total" ;;
		esac
	done
}

# batch is a batch's state and its three numbers. tctl shows the state as a number.
batch() {
	if with_tctl; then
		ask batch-v2 describe --job_id "$1" | jq -r '.[0] | [{"1": "running", "2": "completed"}[.state | tostring] // "failed",
			.total_operation_count // 0, .complete_operation_count // 0, .failure_operation_count // 0] | @tsv'
	else
		ask batch describe --job-id "$1" | jq -r '[(.state | ltrimstr("BATCH_OPERATION_STATE_") | ascii_downcase),
			(.totalOperationCount // 0), (.completeOperationCount // 0), (.failureOperationCount // 0)] | @tsv'
	fi
}

# query PAYMENT NAME is the answer of a payment's workflow, as JSON; it fails when no worker answers.
query() { query_workflow "payment/$1" "$2"; }

query_workflow() {
	if with_tctl; then
		"$program" workflow query -w "$1" --query_type "$2" 2>/dev/null | sed 1d | jq -e '.[0]' # the first line is a heading
	else
		"$program" workflow query -w "$1" --name "$2" --output json --command-timeout 15s 2>/dev/null | jq -e '.queryResult | if type == "array" then .[0] else . end'
	fi
}
