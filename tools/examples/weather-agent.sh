#!/bin/sh
# An agent for the example worker, to be read: it asks for the weather with a function tool call,
# and when the output is there it answers. It needs nothing but the command line tool.
set -eu
run=$RUNSTORE_RUN_ID

call='{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\"}"}}'
step='{"type":"message_creation","step_details":{"type":"message_creation","message_creation":{"message_id":"msg_1"}},"usage":{"prompt_tokens":120,"completion_tokens":18,"total_tokens":138}}'

if runstore steps list "$run" --status completed --json | grep -q '"tool_calls"'; then
	echo "$step"
	echo '{"usage":{"prompt_tokens":210,"completion_tokens":40,"total_tokens":250}}'
else
	echo "{\"required_action\":{\"type\":\"submit_tool_outputs\",\"submit_tool_outputs\":{\"tool_calls\":[$call]}}}"
fi
