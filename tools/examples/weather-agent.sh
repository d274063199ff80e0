#!/bin/sh
# An agent for the example worker, to be read: it asks for the weather with a function tool call,
# and when the output is there it answers with a message. It needs nothing but the command line tool.
set -eu
run=$RUNSTORE_RUN_ID
thread=$(runstore runs get "$run" --json | sed 's/.*"thread_id":"\([^"]*\)".*/\1/')

# What the tool call was answered with, or nothing.
output() {
	runstore steps list "$run" --status completed --json | sed -n 's/.*"output":"\([^"]*\)".*/\1/p' | tail -n 1
}

call='{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\"}"}}'
weather=$(output)
if [ -z "$weather" ]; then
	echo "{\"required_action\":{\"type\":\"submit_tool_outputs\",\"submit_tool_outputs\":{\"tool_calls\":[$call]}}}"
	exit
fi
message=$(runstore messages create "$thread" --role assistant --content "The weather in Oslo: $weather." \
	--run-id "$run" --lease "$RUNSTORE_LEASE" --json | sed 's/^{"id":"\([^"]*\)".*/\1/')
details="{\"type\":\"message_creation\",\"message_creation\":{\"message_id\":\"$message\"}}"
usage='{"prompt_tokens":120,"completion_tokens":18,"total_tokens":138}'
echo "{\"type\":\"message_creation\",\"step_details\":$details,\"usage\":$usage}"
echo '{"usage":{"prompt_tokens":210,"completion_tokens":40,"total_tokens":250}}'
