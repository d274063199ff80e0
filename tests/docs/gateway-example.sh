#!/bin/sh
# The programs that the README shows at the gateway do what it says: with a real daemon, gateway and worker.
#
# Usage: gateway-example.sh RUNSTORED GATEWAY RUNSTORE WORKER EXAMPLES
# RUNSTORE_SDK (RUNSTORE_SDK_PACKAGES before it) is where tests/sdk/install put the official SDK.
set -eu

runstored=$1 gateway=$2 worker=$4 examples=$5
sdk=${RUNSTORE_SDK_PACKAGES:-$RUNSTORE_SDK}
PATH=$(dirname "$3"):$PATH
n=0
work=$(mktemp -d)
export RUNSTORE_DIR="$work/data"
processes=
trap 'kill $processes 2>/dev/null; wait; rm -rf "$work"' EXIT

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

# Start a program that prints a line when it is ready.
start() {
	mkfifo "$work/ready"
	"$@" >"$work/ready" &
	processes="$processes $!"
	read -r line <"$work/ready"
	rm "$work/ready"
	echo "# $line"
}

api() {
	path=$1
	shift
	curl -sS -m 20 "$base$path" "$@"
}

post() {
	api "$1" -H 'Content-Type: application/json' -d "$2"
}

echo 1..5
start "$runstored" --data "$work/data" --log-level error
start "$gateway" --listen 127.0.0.1:0
base=$(echo "$line" | sed 's/ready listen=\([^ ]*\) .*/\1/')/v1
"$worker" --exec "$examples/weather-agent.sh" --name w1 2>"$work/told" &
processes="$processes $!"

assistant=$(post /assistants '{"model":"gpt-4o","name":"Weather"}' | jq -r .id)
thread=$(post /threads '{}' | jq -r .id)
post "/threads/$thread/messages" '{"role":"user","content":"How is the weather in Oslo?"}' >/dev/null
run=$(post "/threads/$thread/runs" "{\"assistant_id\":\"$assistant\"}" | jq -r .id)
runstore runs wait "$run" --until action --timeout-ms 20000 >/dev/null
check curl_sees_what_the_run_asks_for is \
	"$(api "/threads/$thread/runs/$run" | jq -r '.required_action.submit_tool_outputs.tool_calls[0].function.name')" \
	get_weather
post "/threads/$thread/runs/$run/submit_tool_outputs" \
	'{"tool_outputs":[{"tool_call_id":"call_1","output":"4 degrees, rain"}]}' >/dev/null
runstore runs wait "$run" --timeout-ms 20000 >/dev/null
check curl_gets_the_answer is "$(api "/threads/$thread/messages?limit=1" | jq -r '.data[0].content[0].text.value')" \
	'The weather in Oslo: 4 degrees, rain.'
check curl_lists_the_steps is "$(api "/threads/$thread/runs/$run/steps?order=asc" | jq -r '.data[].type' | tr '\n' ' ')" \
	'tool_calls message_creation '
check the_events_end_with_done is "$(api "/threads/$thread/runs/$run/events" | tail -n 2)" 'data: [DONE]'

node=$(ls "$sdk"/node_modules/node-linux-*/bin/node 2>/dev/null | head -n 1)
if [ -z "$node" ]; then
	echo "ok 5 - the_program_of_the_readme_runs_unmodified # SKIP tests/sdk/install was not run"
	exit
fi
ln -s "$sdk/node_modules" "$work/node_modules"
cp "$examples/weather.mjs" "$work"
check the_program_of_the_readme_runs_unmodified is \
	"$(OPENAI_BASE_URL=$base OPENAI_API_KEY=any timeout 60 "$node" "$work/weather.mjs" | sed 's/asst_.*/ID/' | tr -s ' ' | tr '\n' '|')" \
	'assistant ID|tool call get_weather {"city":"Oslo"}|run completed 250 tokens|message user: How is the weather in Oslo?|message assistant: The weather in Oslo: 4 degrees, rain.|step tool_calls completed|step message_creation completed|'
