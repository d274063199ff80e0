#!/bin/sh
# The example worker does what the README says of it: with a real daemon, and agents of one line.
#
# Usage: worker-example.sh RUNSTORED RUNSTORE WORKER AGENT
set -eu

runstored=$1 worker=$3 agent=$4
PATH=$(dirname "$2"):$PATH
n=0
work=$(mktemp -d)
export RUNSTORE_DIR="$work/data"
daemon= workers=
trap 'kill $daemon $workers 2>/dev/null; wait; rm -rf "$work"' EXIT

# check NAME COMMAND...
check() {
	name=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
	fi
}

is() {
	[ "$1" = "$2" ] || { echo "# '$1' is not '$2'" && false; }
}

# A worker for the assistant $1 whose agent is $2.
work_for() {
	"$worker" --exec "$2" --name "worker_$1" --assistant "$1" 2>>"$work/told" &
	workers="$workers $!"
}

create() {
	runstore runs create --thread "$1" --assistant "$1" --id "run_$1" >/dev/null
}

# The value of $2 in the run of $1, as it is once that has ended, or requires action.
ended() {
	runstore runs wait "run_$1" --until action --timeout-ms 20000 | jq -r "$2"
}

echo 1..8
mkfifo "$work/ready"
"$runstored" --data "$work/data" --log-level error >"$work/ready" &
daemon=$!
read -r line <"$work/ready"
echo "# $line"

work_for weather "$agent"
create weather
check the_agent_asks_for_a_tool_output is "$(ended weather .status)" requires_action
runstore runs submit run_weather --output 'call_1=rain' >/dev/null
check and_completes_the_run_when_it_is_there is "$(runstore runs wait run_weather --timeout-ms 20000 |
	jq -c '[.status, .usage.total_tokens]')" '["completed",250]'
check its_steps_have_usage_and_outputs is "$(runstore steps list run_weather --order asc |
	jq -c '[.status, .usage.total_tokens, .step_details.tool_calls[0].function.output]' | tr '\n' ' ')" \
	'["completed",null,"rain"] ["completed",138,null] '

work_for failing 'exit 3'
create failing
check a_command_that_fails_fails_the_run is "$(ended failing .last_error.code)" server_error

work_for chatty 'echo this is no JSON; sleep 60'
create chatty
check what_is_no_json_fails_the_run is "$(ended chatty .status)" failed

work_for slow 'sleep 60'
create slow
while [ "$(runstore runs get run_slow | jq -r .status)" != in_progress ]; do
	sleep 0.1
done
runstore runs cancel run_slow >/dev/null
check a_cancel_ends_the_command_and_is_confirmed is \
	"$(runstore runs wait run_slow --timeout-ms 30000 | jq -r .status)" cancelled

export OUT="$work/out"
# shellcheck disable=SC2016
work_for input 'jq -r .instructions >"$OUT"; echo "$RUNSTORE_RUN_ID" >>"$OUT"'
runstore runs create --thread input --assistant input --id run_input --instructions 'Do it.' >/dev/null
check the_command_runs_to_its_end is "$(ended input .status)" completed
check it_gets_the_run_as_json is "$(tr '\n' ' ' <"$OUT")" 'Do it. run_input '
