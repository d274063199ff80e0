#include "proto/types.h"
#include "proto/bounds.h"
#include "proto/record.h"
#include "proto/status.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ENUM_OF(...)                                                                               \
	{                                                                                          \
		.kind = SK_ENUM, .names = NAMES(__VA_ARGS__)                                       \
	}
#define STRING_OF(min_, max_)                                                                      \
	{                                                                                          \
		.kind = SK_STRING, .min = (min_), .max = (max_)                                    \
	}
#define LONG_STRING STRING_OF(0, INT64_MAX)

/* Rows of nested objects: must be there; may be missing; null where it is missing. */
#define MUST(name, type)                                                                           \
	{                                                                                          \
		name, type, PRESET_NONE, 0, 0, NULL                                                \
	}
#define MAY(name, type)                                                                            \
	{                                                                                          \
		name, type, PRESET_NONE, SF_OPTIONAL, 0, NULL                                      \
	}
#define MAY_NULL(name, type)                                                                       \
	{                                                                                          \
		name, type, PRESET_NONE, SF_OPTIONAL | SF_NULLABLE, 0, NULL                        \
	}
#define OR_NULL(name, type)                                                                        \
	{                                                                                          \
		name, type, PRESET_NULL, 0, 0, NULL                                                \
	}

/* A fixed tag, as in "type": "function". */
#define TAG(variable, tag) static const struct schema variable = ENUM_OF(tag)

const struct schema type_id = {.kind = SK_ID, .help = "1 to 64 of A-Z a-z 0-9 _ -"};
const struct schema type_text = LONG_STRING;
const struct schema type_time = {
	.kind = SK_INT, .min = 0, .max = MAX_TIME, .help = "Unix seconds from 0 to the year 9999"};
const struct schema type_count = {.kind = SK_INT, .min = 0, .max = INT64_MAX, .help = "0 or more"};
const struct schema type_tokens_limit = {
	.kind = SK_INT, .min = 256, .max = INT64_MAX, .help = "256 or more"};
const struct schema type_zero_to_two = {.kind = SK_NUMBER, .min = 0, .max = 2, .help = "0 to 2"};
const struct schema type_zero_to_one = {.kind = SK_NUMBER, .min = 0, .max = 1, .help = "0 to 1"};
const struct schema type_boolean = {.kind = SK_BOOL};
const struct schema type_metadata = {.kind = SK_METADATA};
const struct schema type_any = {.kind = SK_ANY};
const struct schema type_map = {.kind = SK_MAP};
const struct schema type_run_object = ENUM_OF("thread.run");
const struct schema type_step_object = ENUM_OF("thread.run.step");
const struct schema type_thread_object = ENUM_OF("thread");
const struct schema type_message_object = ENUM_OF("thread.message");
const struct schema type_assistant_object = ENUM_OF("assistant");
const struct schema type_run_status = {.kind = SK_ENUM, .names = run_status_names};
const struct schema type_step_status = {.kind = SK_ENUM, .names = step_status_names};
const struct schema type_step_type = ENUM_OF("message_creation", "tool_calls");
const struct schema type_run_statuses = {.kind = SK_ENUM_SET, .names = run_status_names};
const struct schema type_step_statuses = {.kind = SK_ENUM_SET, .names = step_status_names};
const struct schema type_message_status = {.kind = SK_ENUM, .names = message_status_names};
const struct schema type_step_types = {
	.kind = SK_ENUM_SET, .names = NAMES("message_creation", "tool_calls")};

/* Function calls, as a run asks for them. */
TAG(tag_function, "function");
static const struct schema name_64 = STRING_OF(1, 64);
static const struct schema call_id = STRING_OF(1, 512);

static const struct schema_field called_function_fields[] = {
	MUST("name", &type_text),
	MUST("arguments", &type_text),
};
static const struct schema called_function = OBJECT_OF(called_function_fields);

static const struct schema_field run_tool_call_fields[] = {
	MUST("id", &call_id),
	MUST("type", &tag_function),
	MUST("function", &called_function),
};
static const struct schema run_tool_call = OBJECT_OF(run_tool_call_fields);
static const struct schema run_tool_calls = {
	.kind = SK_ARRAY, .max = MAX_TOOL_CALLS, .item = &run_tool_call};

static const struct schema_field submit_fields[] = {MUST("tool_calls", &run_tool_calls)};
static const struct schema submit = OBJECT_OF(submit_fields);
TAG(tag_submit, "submit_tool_outputs");
static const struct schema_field required_action_fields[] = {
	MUST("type", &tag_submit),
	MUST("submit_tool_outputs", &submit),
};
const struct schema type_required_action = OBJECT_OF(required_action_fields);

/* Errors, details, usage. */
static const struct schema run_error_code =
	ENUM_OF("server_error", "rate_limit_exceeded", "invalid_prompt");
static const struct schema_field run_error_fields[] = {
	MUST("code", &run_error_code),
	MUST("message", &type_text),
};
const struct schema type_run_error = OBJECT_OF(run_error_fields);

static const struct schema step_error_code = ENUM_OF("server_error", "rate_limit_exceeded");
static const struct schema_field step_error_fields[] = {
	MUST("code", &step_error_code),
	MUST("message", &type_text),
};
const struct schema type_step_error = OBJECT_OF(step_error_fields);

static const struct schema incomplete_reason =
	ENUM_OF("max_completion_tokens", "max_prompt_tokens");
static const struct schema_field incomplete_fields[] = {MAY("reason", &incomplete_reason)};
const struct schema type_incomplete_details = OBJECT_OF(incomplete_fields);

static const struct schema_field usage_fields[] = {
	MUST("completion_tokens", &type_count),
	MUST("prompt_tokens", &type_count),
	MUST("total_tokens", &type_count),
};
const struct schema type_usage = OBJECT_OF(usage_fields);

/* Tools of a run. */
static const struct schema ranker = ENUM_OF("auto", "default_2024_08_21");
static const struct schema_field ranking_fields[] = {
	MAY("ranker", &ranker),
	MUST("score_threshold", &type_zero_to_one),
};
static const struct schema ranking = OBJECT_OF(ranking_fields);
static const struct schema results_count = {.kind = SK_INT, .min = 1, .max = 50, .help = "1 to 50"};
static const struct schema_field search_options_fields[] = {
	MAY("max_num_results", &results_count),
	MAY("ranking_options", &ranking),
};
static const struct schema search_options = OBJECT_OF(search_options_fields);
static const struct schema_field function_fields[] = {
	MAY("description", &type_text),
	MUST("name", &name_64),
	MAY("parameters", &type_map),
	MAY_NULL("strict", &type_boolean),
};
static const struct schema function = OBJECT_OF(function_fields);

TAG(tag_code, "code_interpreter");
TAG(tag_search, "file_search");
static const struct schema_field code_tool_fields[] = {MUST("type", &tag_code)};
static const struct schema code_tool = OBJECT_OF(code_tool_fields);
static const struct schema_field search_tool_fields[] = {
	MUST("type", &tag_search),
	MAY("file_search", &search_options),
};
static const struct schema search_tool = OBJECT_OF(search_tool_fields);
static const struct schema_field function_tool_fields[] = {
	MUST("type", &tag_function),
	MUST("function", &function),
};
static const struct schema function_tool = OBJECT_OF(function_tool_fields);
static const struct schema_variant tool_variants[] = {
	{"code_interpreter", &code_tool},
	{"file_search", &search_tool},
	{"function", &function_tool},
	{NULL, NULL},
};
static const struct schema tool = {.kind = SK_UNION, .variants = tool_variants, .help = "a tool"};
const struct schema type_tools = {.kind = SK_ARRAY, .max = MAX_TOOLS, .item = &tool};
const struct schema type_assistant_tools = {
	.kind = SK_ARRAY, .max = MAX_ASSISTANT_TOOLS, .item = &tool};
/* A run has those of its assistant, or the fewer that its creator gave. */
const struct schema type_run_tools = {.kind = SK_ARRAY, .max = MAX_ASSISTANT_TOOLS, .item = &tool};

/* How a run is to be executed. */
static const struct schema truncation_type = ENUM_OF("auto", "last_messages");
static const struct schema last_messages = {
	.kind = SK_INT, .min = 1, .max = INT64_MAX, .help = "1 or more"};
static const struct schema_field truncation_fields[] = {
	MUST("type", &truncation_type),
	OR_NULL("last_messages", &last_messages),
};
const struct schema type_truncation = OBJECT_OF(truncation_fields);

static const struct schema choice_type = ENUM_OF("function", "code_interpreter", "file_search");
static const struct schema_field choice_function_fields[] = {MUST("name", &name_64)};
static const struct schema choice_function = OBJECT_OF(choice_function_fields);
static const struct schema_field choice_fields[] = {
	MUST("type", &choice_type),
	MAY("function", &choice_function),
};
static const struct schema choice = OBJECT_OF(choice_fields);
const struct schema type_tool_choice = {
	.kind = SK_EITHER, .names = NAMES("none", "auto", "required"), .item = &choice};

TAG(tag_text, "text");
TAG(tag_json_object, "json_object");
TAG(tag_json_schema, "json_schema");
static const struct schema_field plain_format_fields[] = {MUST("type", &tag_text)};
static const struct schema plain_format = OBJECT_OF(plain_format_fields);
static const struct schema_field json_format_fields[] = {MUST("type", &tag_json_object)};
static const struct schema json_format = OBJECT_OF(json_format_fields);
static const struct schema_field json_schema_fields[] = {
	MAY("description", &type_text),
	MUST("name", &name_64),
	MAY("schema", &type_map),
	MAY_NULL("strict", &type_boolean),
};
static const struct schema json_schema = OBJECT_OF(json_schema_fields);
static const struct schema_field schema_format_fields[] = {
	MUST("type", &tag_json_schema),
	MUST("json_schema", &json_schema),
};
static const struct schema schema_format = OBJECT_OF(schema_format_fields);
static const struct schema_variant format_variants[] = {
	{"text", &plain_format},
	{"json_object", &json_format},
	{"json_schema", &schema_format},
	{NULL, NULL},
};
static const struct schema format = {
	.kind = SK_UNION, .variants = format_variants, .help = "a response format"};
const struct schema type_response_format = {
	.kind = SK_EITHER, .names = NAMES("auto"), .item = &format};

/* What a step did. */
static const struct schema_field message_creation_fields[] = {MUST("message_id", &type_text)};
static const struct schema message_creation = OBJECT_OF(message_creation_fields);

TAG(tag_logs, "logs");
TAG(tag_image, "image");
static const struct schema_field logs_fields[] = {
	MUST("type", &tag_logs),
	MUST("logs", &type_text),
};
static const struct schema logs = OBJECT_OF(logs_fields);
static const struct schema_field image_file_fields[] = {MUST("file_id", &type_text)};
static const struct schema image_file = OBJECT_OF(image_file_fields);
static const struct schema_field image_fields[] = {
	MUST("type", &tag_image),
	MUST("image", &image_file),
};
static const struct schema image = OBJECT_OF(image_fields);
static const struct schema_variant code_output_variants[] = {
	{"logs", &logs},
	{"image", &image},
	{NULL, NULL},
};
static const struct schema code_output = {
	.kind = SK_UNION, .variants = code_output_variants, .help = "a code interpreter's output"};
static const struct schema code_outputs = {
	.kind = SK_ARRAY, .max = INT32_MAX, .item = &code_output};
static const struct schema_field code_fields[] = {
	MUST("input", &type_text),
	MUST("outputs", &code_outputs),
};
static const struct schema code = OBJECT_OF(code_fields);
static const struct schema_field code_call_fields[] = {
	MUST("id", &call_id),
	MUST("type", &tag_code),
	MUST("code_interpreter", &code),
};
static const struct schema code_call = OBJECT_OF(code_call_fields);

static const struct schema_field found_text_fields[] = {
	MAY("type", &tag_text),
	MAY("text", &type_text),
};
static const struct schema found_text = OBJECT_OF(found_text_fields);
static const struct schema found_texts = {.kind = SK_ARRAY, .max = INT32_MAX, .item = &found_text};
static const struct schema_field found_fields[] = {
	MUST("file_id", &type_text),
	MUST("file_name", &type_text),
	MUST("score", &type_zero_to_one),
	MAY("content", &found_texts),
};
static const struct schema found = OBJECT_OF(found_fields);
static const struct schema founds = {.kind = SK_ARRAY, .max = INT32_MAX, .item = &found};
static const struct schema_field step_ranking_fields[] = {
	MUST("ranker", &ranker),
	MUST("score_threshold", &type_zero_to_one),
};
static const struct schema step_ranking = OBJECT_OF(step_ranking_fields);
static const struct schema_field search_fields[] = {
	MAY("ranking_options", &step_ranking),
	MAY("results", &founds),
};
static const struct schema search = OBJECT_OF(search_fields);
static const struct schema_field search_call_fields[] = {
	MUST("id", &call_id),
	MUST("type", &tag_search),
	MUST("file_search", &search),
};
static const struct schema search_call = OBJECT_OF(search_call_fields);

static const struct schema_field answered_function_fields[] = {
	MUST("name", &type_text),
	MUST("arguments", &type_text),
	OR_NULL("output", &type_text),
};
static const struct schema answered_function = OBJECT_OF(answered_function_fields);
static const struct schema_field function_call_fields[] = {
	MUST("id", &call_id),
	MUST("type", &tag_function),
	MUST("function", &answered_function),
};
static const struct schema function_call = OBJECT_OF(function_call_fields);
static const struct schema_variant tool_call_variants[] = {
	{"code_interpreter", &code_call},
	{"file_search", &search_call},
	{"function", &function_call},
	{NULL, NULL},
};
static const struct schema tool_call = {
	.kind = SK_UNION, .variants = tool_call_variants, .help = "a tool call"};
static const struct schema tool_calls = {
	.kind = SK_ARRAY, .max = MAX_TOOL_CALLS, .item = &tool_call};

TAG(tag_message_creation, "message_creation");
TAG(tag_tool_calls, "tool_calls");
static const struct schema_field message_details_fields[] = {
	MUST("type", &tag_message_creation),
	MUST("message_creation", &message_creation),
};
static const struct schema message_details = OBJECT_OF(message_details_fields);
static const struct schema_field tool_details_fields[] = {
	MUST("type", &tag_tool_calls),
	MUST("tool_calls", &tool_calls),
};
static const struct schema tool_details = OBJECT_OF(tool_details_fields);
static const struct schema_variant details_variants[] = {
	{"message_creation", &message_details},
	{"tool_calls", &tool_details},
	{NULL, NULL},
};
const struct schema type_step_details = {
	.kind = SK_UNION, .variants = details_variants, .help = "step_details"};

/* What a message says. */
static const struct schema cited_file = OBJECT_OF(image_file_fields);
TAG(tag_file_citation, "file_citation");
TAG(tag_file_path, "file_path");
static const struct schema_field citation_fields[] = {
	MUST("type", &tag_file_citation),
	MUST("text", &type_text),
	MUST("file_citation", &cited_file),
	MUST("start_index", &type_count),
	MUST("end_index", &type_count),
};
static const struct schema citation = OBJECT_OF(citation_fields);
static const struct schema_field file_path_fields[] = {
	MUST("type", &tag_file_path),
	MUST("text", &type_text),
	MUST("file_path", &cited_file),
	MUST("start_index", &type_count),
	MUST("end_index", &type_count),
};
static const struct schema file_path = OBJECT_OF(file_path_fields);
static const struct schema_variant annotation_variants[] = {
	{"file_citation", &citation},
	{"file_path", &file_path},
	{NULL, NULL},
};
static const struct schema annotation = {
	.kind = SK_UNION, .variants = annotation_variants, .help = "an annotation"};
static const struct schema annotations = {.kind = SK_ARRAY, .max = INT32_MAX, .item = &annotation};
static const struct schema_field annotated_fields[] = {
	MUST("value", &type_text),
	{"annotations", &annotations, PRESET_EMPTY_ARRAY, 0, 0, NULL},
};
static const struct schema annotated = OBJECT_OF(annotated_fields);

/* A text alone stands for {value: text, annotations: []}, or for one part that is that. */
#define TEXT_BEFORE                                                                                \
	"\x82\xa5"                                                                                 \
	"value"
#define TEXT_AFTER                                                                                 \
	"\xab"                                                                                     \
	"annotations\x90"
static const struct schema part_text = {.kind = SK_SHORT,
	.item = &annotated,
	.before = SLICE_INIT(TEXT_BEFORE),
	.after = SLICE_INIT(TEXT_AFTER)};
static const struct schema_field text_part_fields[] = {
	MUST("type", &tag_text),
	MUST("text", &part_text),
};
static const struct schema text_part = OBJECT_OF(text_part_fields);
static const struct schema detail = ENUM_OF("auto", "low", "high");
static const struct schema_field shown_file_fields[] = {
	MUST("file_id", &type_text),
	{"detail", &detail, PRESET_AUTO, 0, 0, NULL},
};
static const struct schema shown_file = OBJECT_OF(shown_file_fields);
static const struct schema_field shown_url_fields[] = {
	MUST("url", &type_text),
	{"detail", &detail, PRESET_AUTO, 0, 0, NULL},
};
static const struct schema shown_url = OBJECT_OF(shown_url_fields);
TAG(tag_image_file, "image_file");
static const struct schema_field file_part_fields[] = {
	MUST("type", &tag_image_file),
	MUST("image_file", &shown_file),
};
static const struct schema file_part = OBJECT_OF(file_part_fields);
TAG(tag_image_url, "image_url");
static const struct schema_field url_part_fields[] = {
	MUST("type", &tag_image_url),
	MUST("image_url", &shown_url),
};
static const struct schema url_part = OBJECT_OF(url_part_fields);
TAG(tag_refusal, "refusal");
static const struct schema_field refusal_part_fields[] = {
	MUST("type", &tag_refusal),
	MUST("refusal", &type_text),
};
static const struct schema refusal_part = OBJECT_OF(refusal_part_fields);
static const struct schema_variant part_variants[] = {
	{"text", &text_part},
	{"image_file", &file_part},
	{"image_url", &url_part},
	{"refusal", &refusal_part},
	{NULL, NULL},
};
static const struct schema part = {
	.kind = SK_UNION, .variants = part_variants, .help = "a part of a message"};
static const struct schema parts = {.kind = SK_ARRAY, .max = INT32_MAX, .item = &part};
const struct schema type_content = {.kind = SK_SHORT,
	.item = &parts,
	.before = SLICE_INIT("\x91\x82\xa4"
			     "type"
			     "\xa4"
			     "text"
			     "\xa4"
			     "text" TEXT_BEFORE),
	.after = SLICE_INIT(TEXT_AFTER)};
const struct schema type_role = ENUM_OF("user", "assistant");

static const struct schema_field plain_search_fields[] = {MUST("type", &tag_search)};
static const struct schema plain_search = OBJECT_OF(plain_search_fields);
static const struct schema_variant reader_variants[] = {
	{"code_interpreter", &code_tool},
	{"file_search", &plain_search},
	{NULL, NULL},
};
static const struct schema reader = {
	.kind = SK_UNION, .variants = reader_variants, .help = "a tool that reads files"};
static const struct schema readers = {.kind = SK_ARRAY, .max = MAX_TOOLS, .item = &reader};
static const struct schema_field attachment_fields[] = {
	MAY("file_id", &type_text),
	MAY("tools", &readers),
};
static const struct schema attachment = OBJECT_OF(attachment_fields);
const struct schema type_attachments = {.kind = SK_ARRAY, .max = 1024, .item = &attachment};

static const struct schema message_reason =
	ENUM_OF("content_filter", "max_tokens", "run_cancelled", "run_expired", "run_failed");
static const struct schema_field message_incomplete_fields[] = {MUST("reason", &message_reason)};
const struct schema type_message_incomplete = OBJECT_OF(message_incomplete_fields);

/* Files and vector stores, by id: nothing here looks into them. */
static const struct schema file_ids = {.kind = SK_ARRAY, .max = 20, .item = &type_text};
static const struct schema_field code_resources_fields[] = {MAY("file_ids", &file_ids)};
static const struct schema code_resources = OBJECT_OF(code_resources_fields);
static const struct schema store_ids = {.kind = SK_ARRAY, .max = 1, .item = &type_text};
static const struct schema new_stores = {.kind = SK_ARRAY, .max = 1, .item = &type_map};
static const struct schema_field search_resources_fields[] = {
	MAY("vector_store_ids", &store_ids),
	MAY("vector_stores", &new_stores),
};
static const struct schema search_resources = OBJECT_OF(search_resources_fields);
static const struct schema_field resources_fields[] = {
	MAY("code_interpreter", &code_resources),
	MAY("file_search", &search_resources),
};
const struct schema type_resources = OBJECT_OF(resources_fields);

const struct schema type_assistant_name = STRING_OF(0, 256);
const struct schema type_assistant_description = STRING_OF(0, 512);
const struct schema type_assistant_instructions = STRING_OF(0, 256000);

/* Parameters that are no field of an object. */
static const struct schema_field tool_output_fields[] = {
	MUST("tool_call_id", &call_id),
	MUST("output", &type_text),
};
static const struct schema tool_output = OBJECT_OF(tool_output_fields);
const struct schema type_tool_outputs = {
	.kind = SK_ARRAY, .max = MAX_TOOL_CALLS, .item = &tool_output};
const struct schema type_reasoning_effort =
	ENUM_OF("none", "minimal", "low", "medium", "high", "xhigh", "max");
const struct schema type_on_active = ENUM_OF("reject", "enqueue", "parallel");
const struct schema type_expires_in = {
	.kind = SK_INT, .min = 0, .max = 3155760000, .help = "0 (never) to 100 years of seconds"};
const struct schema type_limit = {.kind = SK_INT, .min = 1, .max = 100, .help = "1 to 100"};
const struct schema type_order = ENUM_OF("asc", "desc");
static const struct schema include_item =
	ENUM_OF("step_details.tool_calls[*].file_search.results[*].content");
const struct schema type_include = {.kind = SK_ARRAY, .max = 16, .item = &include_item};
const struct schema type_key = {.kind = SK_TOKEN, .min = 1, .max = 64};
const struct schema type_lease = {.kind = SK_TOKEN, .min = 1, .max = 64};
const struct schema type_worker = STRING_OF(1, MAX_WORKER);
const struct schema type_lease_ms = {
	.kind = SK_INT, .min = 100, .max = MAX_LEASE_MS, .help = "100 to 3,600,000 milliseconds"};
const struct schema type_wait_ms = {
	.kind = SK_INT, .min = 0, .max = MAX_WAIT_MS, .help = "0 to 60,000 milliseconds"};
const struct schema type_seq = {
	.kind = SK_INT, .min = 0, .max = INT64_MAX, .help = "the number of a change"};
const struct schema type_until = ENUM_OF("change", "action", "terminal");
const struct schema type_assistant_ids = {
	.kind = SK_ARRAY, .min = 1, .max = MAX_ASSISTANTS, .item = &type_id};
const struct schema type_changes_limit = {
	.kind = SK_INT, .min = 1, .max = MAX_CHANGES, .help = "1 to 1,000"};
const struct schema type_failure_message = STRING_OF(1, 65536);
static const struct schema_variant object_variants[] = {
	{"thread.run", &schema_run_import},
	{"thread.run.step", &schema_step_import},
	{"thread", &schema_thread},
	{"thread.message", &schema_message_import},
	{"assistant", &schema_assistant_import},
	{NULL, NULL},
};
static const struct schema importable = {
	.kind = SK_UNION, .tag = "object", .variants = object_variants, .help = "an object"};
const struct schema type_objects = {.kind = SK_ARRAY, .max = MAX_BATCH, .item = &importable};
const struct schema type_requests = {.kind = SK_ARRAY, .max = MAX_BATCH, .item = &type_any};
